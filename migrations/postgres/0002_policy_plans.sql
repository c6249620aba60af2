-- What is planned for the policy of a tenant: a draft, a version that waits for its day, whose running pauses the last one was to
-- loosen. One row a tenant, replaced whole; `seq` is the tenant event that did. No evidence: a version is vouched for when it is published.
CREATE TABLE policy_plans (
    tenant TEXT COLLATE "C" PRIMARY KEY REFERENCES tenants (id),
    seq    BIGINT NOT NULL,
    form   BIGINT NOT NULL,
    body   TEXT NOT NULL
);
