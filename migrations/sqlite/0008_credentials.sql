-- Who may come in: keys, accounts, invitations, logins, and what holds no more. One row a credential, replaced whole, deleted when it is of
-- no use any more; `seq` is the tenant event that did. Secrets are hashes. No evidence, and erasable: what became of each is in the journal.
CREATE TABLE credentials (
    tenant TEXT NOT NULL REFERENCES tenants (id),
    id     BLOB NOT NULL CHECK (length(id) = 16),
    kind   TEXT NOT NULL CHECK (kind IN ('key', 'account', 'invitation', 'login', 'cut')),
    seq    INTEGER NOT NULL,
    form   INTEGER NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
