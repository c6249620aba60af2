-- The journal, what it puts in force, and what is folded from it. See ../README.md before changing anything.
-- The tables of the same number for SQLite, in the words of this database. Instants are UTC milliseconds. Ids and hashes are
-- BYTEA. `form` is the version of the JSON beside it. Texts compare byte by byte (COLLATE "C"), as the program does.

-- One row a shard: lease, fence, sequence generator and cursor at once.
CREATE TABLE shards (
    id       BIGINT PRIMARY KEY CHECK (id BETWEEN 0 AND 255),
    epoch    BIGINT NOT NULL DEFAULT 0,
    head     BIGINT NOT NULL DEFAULT 0,
    owner    TEXT,
    owned_at BIGINT,
    -- Moved on to find out what became of an append without an answer: one that is still on its way is void from then on.
    turn     BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

INSERT INTO shards (id) SELECT generate_series(0, 255);

CREATE TABLE tenants (
    id    TEXT COLLATE "C" PRIMARY KEY,
    shard BIGINT NOT NULL REFERENCES shards (id)
);

CREATE INDEX tenants_by_shard ON tenants (shard);

-- The end of each tenant's chain: what `verify` measures the journal against.
CREATE TABLE tenant_heads (
    tenant  TEXT COLLATE "C" PRIMARY KEY REFERENCES tenants (id),
    seq     BIGINT NOT NULL,
    hash    BYTEA NOT NULL CHECK (octet_length(hash) = 32),
    last_at BIGINT NOT NULL
) WITH (fillfactor = 50);

-- Append only. Every column is covered by `hash`: SHA-256(hash before of the tenant, header, body_hash), the header being all the others.
CREATE TABLE journal (
    tenant         TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    seq            BIGINT NOT NULL,
    shard          BIGINT NOT NULL REFERENCES shards (id),
    shard_seq      BIGINT NOT NULL,
    person         BYTEA CHECK (octet_length(person) = 16),
    agent_seq      BIGINT,
    at             BIGINT NOT NULL,
    due_at         BIGINT,
    kind           TEXT COLLATE "C" NOT NULL,
    actor_kind     TEXT COLLATE "C" NOT NULL,
    actor_person   BYTEA CHECK (octet_length(actor_person) = 16),
    cause          TEXT NOT NULL,
    policy_version BIGINT,
    op             BYTEA CHECK (octet_length(op) = 16),
    op_by_kind     TEXT COLLATE "C",
    op_by          BYTEA CHECK (octet_length(op_by) = 16),
    op_fingerprint BIGINT,
    op_at          BIGINT,
    op_outcome     TEXT,
    form           BIGINT NOT NULL,
    body           TEXT NOT NULL,
    body_hash      BYTEA NOT NULL CHECK (octet_length(body_hash) = 32),
    hash           BYTEA NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (tenant, seq)
);

CREATE UNIQUE INDEX journal_by_shard ON journal (shard, shard_seq);
CREATE UNIQUE INDEX journal_by_agent ON journal (tenant, person, agent_seq) WHERE person IS NOT NULL;
CREATE INDEX journal_by_op ON journal (tenant, person, op) WHERE op IS NOT NULL;
CREATE INDEX journal_server_started ON journal (tenant, seq) WHERE kind = 'server.started';

-- Erasable: deleting a row leaves the journal with a random number for that person.
-- id = the first 16 bytes of SHA-256 over salt, tenant, kind and host_id, so that the chain vouches for the host_id while it is here.
CREATE TABLE people (
    id      BYTEA PRIMARY KEY CHECK (octet_length(id) = 16),
    tenant  TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    kind    TEXT COLLATE "C" NOT NULL CHECK (kind IN ('agent', 'supervisor', 'admin', 'integration')),
    host_id TEXT COLLATE "C" NOT NULL,
    name    TEXT,
    salt    BYTEA NOT NULL CHECK (octet_length(salt) = 16),
    UNIQUE (tenant, kind, host_id)
);

-- Erasable: what people wrote about an agent. hash = SHA-256 over salt and text.
CREATE TABLE texts (
    hash   BYTEA PRIMARY KEY CHECK (octet_length(hash) = 32),
    tenant TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    person BYTEA NOT NULL CHECK (octet_length(person) = 16),
    salt   BYTEA NOT NULL CHECK (octet_length(salt) = 16),
    -- UTF-8: a text of this database cannot hold a NUL.
    text   BYTEA NOT NULL
);

CREATE INDEX texts_by_person ON texts (tenant, person, sha256(text));

-- One row an agent: the fold of its events up to the tenant's `last_seq`.
CREATE TABLE states (
    tenant   TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    person   BYTEA NOT NULL CHECK (octet_length(person) = 16),
    last_seq BIGINT NOT NULL,
    form     BIGINT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (tenant, person)
) WITH (fillfactor = 50);

-- A projection of pause.started, extended, overran and ended, written with them.
CREATE TABLE pauses (
    id               BYTEA PRIMARY KEY CHECK (octet_length(id) = 16),
    tenant           TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    person           BYTEA NOT NULL CHECK (octet_length(person) = 16),
    pause_type       TEXT NOT NULL,
    class            TEXT NOT NULL CHECK (class IN ('regular', 'entitlement', 'protected')),
    team             TEXT,
    inside           BYTEA CHECK (octet_length(inside) = 16),
    replaces         BYTEA CHECK (octet_length(replaces) = 16),
    replaced_by      BYTEA CHECK (octet_length(replaced_by) = 16),
    zone             TEXT NOT NULL,
    utc_offset_s     BIGINT NOT NULL,
    local_day        TEXT COLLATE "C" NOT NULL,
    business_day     TEXT COLLATE "C" NOT NULL,
    shift_started_at BIGINT,
    shift_estimated  BOOLEAN,
    policy_version   BIGINT NOT NULL,
    started_at       BIGINT NOT NULL,
    started_seq      BIGINT NOT NULL,
    ended_at         BIGINT CHECK (ended_at >= started_at),
    ended_by         TEXT,
    ended_seq        BIGINT,
    last_seen_at     BIGINT,
    note             BYTEA CHECK (octet_length(note) = 32),
    -- What only limited pauses have.
    paid             BOOLEAN,
    counts_as_work   BOOLEAN,
    min_ms           BIGINT,
    on_early_end     TEXT,
    refund_under_ms  BIGINT,
    limit_ms         BIGINT,
    grace_ms         BIGINT,
    on_limit         TEXT,
    extended_ms      BIGINT,
    overran_at       BIGINT,
    short            BOOLEAN,
    misclick         BOOLEAN,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (ended_seq IS NULL)),
    CHECK (inside IS NULL OR class = 'protected'),
    -- A protected pause has no rule, no measure and no mark, whatever the program says.
    CHECK (class <> 'protected' OR (
        paid IS NULL AND counts_as_work IS NULL AND min_ms IS NULL AND on_early_end IS NULL AND refund_under_ms IS NULL
        AND limit_ms IS NULL AND grace_ms IS NULL AND on_limit IS NULL AND extended_ms IS NULL AND overran_at IS NULL
        AND short IS NULL AND misclick IS NULL))
);

-- At most one open pause per agent; a protected one inside it is part of it, and there is at most one of those.
CREATE UNIQUE INDEX pauses_open ON pauses (tenant, person) WHERE ended_at IS NULL AND inside IS NULL;
CREATE UNIQUE INDEX pauses_open_inside ON pauses (tenant, person) WHERE ended_at IS NULL AND inside IS NOT NULL;
CREATE INDEX pauses_history ON pauses (tenant, started_at, id) WHERE class <> 'protected';
CREATE INDEX pauses_by_person ON pauses (tenant, person, started_at, id) WHERE class <> 'protected';

-- Versions of what an administrator put in force; `seq` is the tenant event that did, which holds the SHA-256 of the definition.
-- A directory names people by their internal ids only.
CREATE TABLE directories (
    tenant  TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    version BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    form    BIGINT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (tenant, version)
);

CREATE TABLE policies (
    tenant  TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    version BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    form    BIGINT NOT NULL,
    PRIMARY KEY (tenant, version)
);

CREATE TABLE pause_types (
    tenant  TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    code    TEXT COLLATE "C" NOT NULL,
    class   TEXT NOT NULL CHECK (class IN ('regular', 'entitlement', 'protected')),
    color   TEXT,
    body    TEXT NOT NULL,
    rules   TEXT,
    PRIMARY KEY (tenant, version, code),
    FOREIGN KEY (tenant, version) REFERENCES policies (tenant, version),
    -- No rule can be stored for a protected type.
    CHECK ((class = 'protected') = (rules IS NULL) AND (class <> 'protected' OR color IS NULL))
);

-- Ends a statement, and with it everything that it wrote, when it found something else than it must have found.
CREATE FUNCTION intervalo_refuse(why TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', why USING ERRCODE = 'integrity_constraint_violation';
END
$$;
