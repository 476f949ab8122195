-- sql/0004_outbox.sql - invalidations that must not be lost with the process that owes them.
--
-- Can be applied again. A write of a ready domain adds a row in its own statement, so the row is
-- there if and only if the write is. Each process of recsysd looks at the table twice a second,
-- removes the values that rows name from Redis, and then the rows: also those of a process that has
-- died between its commit and its removal, or that cannot reach Redis. Without this table recsysd
-- works as before, and such values stay until their times to live end.
--
--   psql -v ON_ERROR_STOP=1 -1 -f sql/0004_outbox.sql

CREATE SCHEMA IF NOT EXISTS cache_db;

-- Many rows live for a second: vacuum by their number, not by the share of an empty table.
CREATE TABLE IF NOT EXISTS cache_db.outbox (
    id         bigint      PRIMARY KEY, -- chosen by the writer, at random
    db         smallint    NOT NULL CHECK (db BETWEEN 0 AND 15),
    key        text        CHECK (octet_length(key) BETWEEN 1 AND 512), -- NULL: every key of the db
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0);
CREATE INDEX IF NOT EXISTS outbox_oldest ON cache_db.outbox (created_at, id);
