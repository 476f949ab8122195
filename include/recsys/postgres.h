/* recsys/postgres.h - PostgreSQL as a source. Part of librecsys-postgres. Group: domains. */
#ifndef RECSYS_POSTGRES_H
#define RECSYS_POSTGRES_H

#include <stdint.h>

#include "export.h"
#include "source.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct recsys_postgres_options {
    uint32_t struct_size;
    uint32_t pool_size;          /* connections at most; 0 = 8 */
    uint32_t connect_timeout_ms; /* at most, within a call's own deadline; 0 = 2000;
                                    RECSYS_NEVER_32 = the call's deadline alone */
    uint32_t max_age_s;          /* older connections are closed; 0 = 1800; RECSYS_NEVER_32 */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_postgres_options;

#define RECSYS_POSTGRES_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_postgres_options, max_age_s)
#define RECSYS_POSTGRES_OPTIONS_INIT {(uint32_t)sizeof(recsys_postgres_options), 0u, 0u, 0u}

/*
 * A source over PostgreSQL 13 or newer. It connects when it is first used.
 *
 * Each statement is sent together with its settings as one transaction: a
 * statement_timeout a little shorter than the call's deadline, so that the server
 * stops in time to report it; the time zone UTC; ISO dates. No setting lasts longer
 * than the transaction. So answers do not depend on the settings of the server, the
 * database or the role, and PgBouncer in transaction mode works. Commands that
 * cannot run in a transaction (VACUUM, CREATE DATABASE) fail.
 *
 * If a connection misses a deadline or anything else goes wrong on it, the source
 * closes it and never uses it again. It checks an idle connection before use, so
 * after a restart of the server it makes a new connection instead of failing. It
 * never sends a statement twice. It reads rows one by one and refuses a result
 * (E_LIMIT) as soon as it exceeds 64 MiB.
 *
 * libpq takes TLS settings and passwords from conninfo and its environment variables.
 * It also looks up host names, which no deadline bounds; an address (hostaddr)
 * needs no lookup. Several hosts are tried in turn within one time-out.
 *
 * Types of columns: bool is BOOL; int2, int4, int8 and oid are INTEGER; float4 and
 * float8 are REAL; numeric is NUMBER; json and jsonb are JSON; timestamptz and
 * timestamp (read as UTC) are TIME; everything else is TEXT, bytea as \x…. Values that
 * these types cannot hold are TEXT as PostgreSQL writes it: NaN and infinities of
 * numeric; infinities and years outside 1..9999 of timestamps. Arrays of the types
 * named here and of text, varchar, char, name, uuid, date, time, interval, inet and
 * cidr are JSON arrays with the same number of dimensions; other arrays are TEXT.
 *
 * Statuses in addition to the driver's: E_EXHAUSTED also if the server has too many
 * connections (SQLSTATE 53300); E_STATE in a forked child, which can neither use nor
 * close its parent's connections: giving the source back there sends nothing to the
 * server. A message contains the server's text, the SQLSTATE and advice; never a
 * password, and no values of a row except those that the server's text quotes.
 *
 * conninfo  as libpq takes it: "postgresql://user@host/db" or "host=… dbname=…"; COPIED
 * options   NULL = defaults
 *
 * Fails with: E_INVALID (conninfo cannot be read; the message does not quote
 *   it), E_UNSUPPORTED, E_NOMEM.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_postgres_create(
    const char *conninfo, const recsys_postgres_options *options, recsys_source **out,
    recsys_error *err);

typedef struct recsys_postgres_stats {
    uint32_t struct_size; /* in: sizeof(recsys_postgres_stats) */
    uint32_t open, idle;  /* connections now */
    uint32_t reserved;
    uint64_t connected, closed_broken; /* connections opened so far; closed after a failure */
    uint64_t waited, wait_timeouts;    /* waits for a free connection; those that timed out */
    uint64_t queries, failures;        /* statements and scripts; those that failed */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_postgres_stats;

#define RECSYS_POSTGRES_STATS_SIZE_V1 RECSYS_SIZE_TO(recsys_postgres_stats, failures)
#define RECSYS_POSTGRES_STATS_INIT \
    {(uint32_t)sizeof(recsys_postgres_stats), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u}

/* Fails with: E_INVALID (not a PostgreSQL source), E_STATE (a forked child).
 * Since: 0.1 */
RECSYS_API recsys_status recsys_postgres_get_stats(recsys_source *source,
                                                   recsys_postgres_stats *out, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
