-- What is planned for the policy of a tenant: a draft, a version that waits for its day, whose running pauses the last one was to
-- loosen. One row a tenant, replaced whole; `seq` is the tenant event that did. No evidence: a version is vouched for when it is published.
CREATE TABLE policy_plans (
    tenant TEXT PRIMARY KEY REFERENCES tenants (id),
    seq    INTEGER NOT NULL,
    form   INTEGER NOT NULL,
    body   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
