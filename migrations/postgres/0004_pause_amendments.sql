-- What was said of a pause after it was on record: its end corrected, or something added. One row an event (`seq`), written with it and
-- never changed: of several corrections the last counts, and the pause's own row keeps what was recorded first.
CREATE TABLE pause_amendments (
    tenant       TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    seq          BIGINT NOT NULL,
    pause        BYTEA NOT NULL REFERENCES pauses (id),
    at           BIGINT NOT NULL,
    actor_kind   TEXT COLLATE "C" NOT NULL,
    actor_person BYTEA CHECK (octet_length(actor_person) = 16),
    -- Why it was corrected, or what was added: the hash of an erasable text.
    text         BYTEA CHECK (octet_length(text) = 32),
    -- What only a correction has; what follows from the end that it gives.
    ended_at     BIGINT,
    short        BOOLEAN,
    misclick     BOOLEAN,
    overran_at   BIGINT,
    PRIMARY KEY (tenant, seq),
    CHECK ((ended_at IS NULL) = (short IS NULL) AND (ended_at IS NULL) = (misclick IS NULL)),
    CHECK (overran_at IS NULL OR overran_at <= ended_at)
);

CREATE INDEX pause_amendments_by_pause ON pause_amendments (pause, seq);
