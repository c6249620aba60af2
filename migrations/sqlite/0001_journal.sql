-- The journal, what it puts in force, and what is folded from it. See ../README.md before changing anything.
-- Instants are UTC milliseconds. Ids and hashes are BLOB. `form` is the version of the JSON beside it.

-- One row a shard: lease, fence, sequence generator and cursor at once.
CREATE TABLE shards (
    id       INTEGER PRIMARY KEY CHECK (id BETWEEN 0 AND 255),
    epoch    INTEGER NOT NULL DEFAULT 0,
    head     INTEGER NOT NULL DEFAULT 0,
    owner    TEXT,
    owned_at INTEGER
) STRICT;

INSERT INTO shards (id)
WITH RECURSIVE n (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM n WHERE id < 255)
SELECT id FROM n;

CREATE TABLE tenants (
    id    TEXT PRIMARY KEY,
    shard INTEGER NOT NULL REFERENCES shards (id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenants_by_shard ON tenants (shard);

-- The end of each tenant's chain: what `verify` measures the journal against.
CREATE TABLE tenant_heads (
    tenant  TEXT PRIMARY KEY REFERENCES tenants (id),
    seq     INTEGER NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32),
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Append only. Every column is covered by `hash`: SHA-256(hash before of the tenant, header, body_hash), the header being all the others.
CREATE TABLE journal (
    tenant         TEXT NOT NULL REFERENCES tenants (id),
    seq            INTEGER NOT NULL,
    shard          INTEGER NOT NULL REFERENCES shards (id),
    shard_seq      INTEGER NOT NULL,
    person         BLOB CHECK (length(person) = 16),
    agent_seq      INTEGER,
    at             INTEGER NOT NULL,
    due_at         INTEGER,
    kind           TEXT NOT NULL,
    actor_kind     TEXT NOT NULL,
    actor_person   BLOB CHECK (length(actor_person) = 16),
    cause          TEXT NOT NULL,
    policy_version INTEGER,
    op             BLOB CHECK (length(op) = 16),
    op_by_kind     TEXT,
    op_by          BLOB CHECK (length(op_by) = 16),
    op_fingerprint INTEGER,
    op_at          INTEGER,
    op_outcome     TEXT,
    form           INTEGER NOT NULL,
    body           TEXT NOT NULL,
    body_hash      BLOB NOT NULL CHECK (length(body_hash) = 32),
    hash           BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (tenant, seq)
) STRICT;

CREATE UNIQUE INDEX journal_by_shard ON journal (shard, shard_seq);
CREATE UNIQUE INDEX journal_by_agent ON journal (tenant, person, agent_seq) WHERE person IS NOT NULL;
CREATE INDEX journal_by_op ON journal (tenant, person, op) WHERE op IS NOT NULL;
CREATE INDEX journal_server_started ON journal (tenant, seq) WHERE kind = 'server.started';

-- Erasable: deleting a row leaves the journal with a random number for that person.
-- id = the first 16 bytes of SHA-256 over salt, tenant, kind and host_id, so that the chain vouches for the host_id while it is here.
CREATE TABLE people (
    id      BLOB PRIMARY KEY CHECK (length(id) = 16),
    tenant  TEXT NOT NULL REFERENCES tenants (id),
    kind    TEXT NOT NULL CHECK (kind IN ('agent', 'supervisor', 'admin', 'integration')),
    host_id TEXT NOT NULL,
    name    TEXT,
    salt    BLOB NOT NULL CHECK (length(salt) = 16),
    UNIQUE (tenant, kind, host_id)
) STRICT, WITHOUT ROWID;

-- Erasable: what people wrote about an agent. hash = SHA-256 over salt and text.
CREATE TABLE texts (
    hash   BLOB PRIMARY KEY CHECK (length(hash) = 32),
    tenant TEXT NOT NULL REFERENCES tenants (id),
    person BLOB NOT NULL CHECK (length(person) = 16),
    salt   BLOB NOT NULL CHECK (length(salt) = 16),
    text   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX texts_by_person ON texts (tenant, person, text);

-- One row an agent: the fold of its events up to the tenant's `last_seq`.
CREATE TABLE states (
    tenant   TEXT NOT NULL REFERENCES tenants (id),
    person   BLOB NOT NULL CHECK (length(person) = 16),
    last_seq INTEGER NOT NULL,
    form     INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (tenant, person)
) STRICT, WITHOUT ROWID;

-- A projection of pause.started, extended, overran and ended, written with them.
CREATE TABLE pauses (
    id               BLOB PRIMARY KEY CHECK (length(id) = 16),
    tenant           TEXT NOT NULL REFERENCES tenants (id),
    person           BLOB NOT NULL CHECK (length(person) = 16),
    pause_type       TEXT NOT NULL,
    class            TEXT NOT NULL CHECK (class IN ('regular', 'entitlement', 'protected')),
    team             TEXT,
    inside           BLOB CHECK (length(inside) = 16),
    replaces         BLOB CHECK (length(replaces) = 16),
    replaced_by      BLOB CHECK (length(replaced_by) = 16),
    zone             TEXT NOT NULL,
    utc_offset_s     INTEGER NOT NULL,
    local_day        TEXT NOT NULL,
    business_day     TEXT NOT NULL,
    shift_started_at INTEGER,
    shift_estimated  INTEGER CHECK (shift_estimated IN (0, 1)),
    policy_version   INTEGER NOT NULL,
    started_at       INTEGER NOT NULL,
    started_seq      INTEGER NOT NULL,
    ended_at         INTEGER CHECK (ended_at >= started_at),
    ended_by         TEXT,
    ended_seq        INTEGER,
    last_seen_at     INTEGER,
    note             BLOB CHECK (length(note) = 32),
    -- What only limited pauses have.
    paid             INTEGER CHECK (paid IN (0, 1)),
    counts_as_work   INTEGER CHECK (counts_as_work IN (0, 1)),
    min_ms           INTEGER,
    on_early_end     TEXT,
    refund_under_ms  INTEGER,
    limit_ms         INTEGER,
    grace_ms         INTEGER,
    on_limit         TEXT,
    extended_ms      INTEGER,
    overran_at       INTEGER,
    short            INTEGER CHECK (short IN (0, 1)),
    misclick         INTEGER CHECK (misclick IN (0, 1)),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (ended_seq IS NULL)),
    CHECK (inside IS NULL OR class = 'protected'),
    -- A protected pause has no rule, no measure and no mark, whatever the program says.
    CHECK (class <> 'protected' OR (
        paid IS NULL AND counts_as_work IS NULL AND min_ms IS NULL AND on_early_end IS NULL AND refund_under_ms IS NULL
        AND limit_ms IS NULL AND grace_ms IS NULL AND on_limit IS NULL AND extended_ms IS NULL AND overran_at IS NULL
        AND short IS NULL AND misclick IS NULL))
) STRICT, WITHOUT ROWID;

-- At most one open pause per agent; a protected one inside it is part of it, and there is at most one of those.
CREATE UNIQUE INDEX pauses_open ON pauses (tenant, person) WHERE ended_at IS NULL AND inside IS NULL;
CREATE UNIQUE INDEX pauses_open_inside ON pauses (tenant, person) WHERE ended_at IS NULL AND inside IS NOT NULL;
CREATE INDEX pauses_history ON pauses (tenant, started_at, id) WHERE class <> 'protected';
CREATE INDEX pauses_by_person ON pauses (tenant, person, started_at, id) WHERE class <> 'protected';

-- Versions of what an administrator put in force; `seq` is the tenant event that did, which holds the SHA-256 of the definition.
-- A directory names people by their internal ids only.
CREATE TABLE directories (
    tenant  TEXT NOT NULL REFERENCES tenants (id),
    version INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    form    INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (tenant, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
    tenant  TEXT NOT NULL REFERENCES tenants (id),
    version INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    form    INTEGER NOT NULL,
    PRIMARY KEY (tenant, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE pause_types (
    tenant  TEXT NOT NULL,
    version INTEGER NOT NULL,
    code    TEXT NOT NULL,
    class   TEXT NOT NULL CHECK (class IN ('regular', 'entitlement', 'protected')),
    color   TEXT,
    body    TEXT NOT NULL,
    rules   TEXT,
    PRIMARY KEY (tenant, version, code),
    FOREIGN KEY (tenant, version) REFERENCES policies (tenant, version),
    -- No rule can be stored for a protected type.
    CHECK ((class = 'protected') = (rules IS NULL) AND (class <> 'protected' OR color IS NULL))
) STRICT, WITHOUT ROWID;
