-- At most one open pause with terms per agent, and at most one protected one: that is inside the other where it began in it, and
-- stands by itself where the other, which had to wait, began around it.
DROP INDEX pauses_open;
DROP INDEX pauses_open_inside;
CREATE UNIQUE INDEX pauses_open ON pauses (tenant, person) WHERE ended_at IS NULL AND class <> 'protected';
CREATE UNIQUE INDEX pauses_open_protected ON pauses (tenant, person) WHERE ended_at IS NULL AND class = 'protected';
