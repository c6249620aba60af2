-- A directory version is written whole, or, where one person alone changed, as that person. It is then that of before with them in it;
-- a whole one comes every so often, so that few are put together.
ALTER TABLE directories ADD COLUMN whole BOOLEAN NOT NULL DEFAULT TRUE;
