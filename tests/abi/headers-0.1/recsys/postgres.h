/* recsys/postgres.h - PostgreSQL as a source. Part of librecsys-postgres. */
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
    uint32_t connect_timeout_ms; /* at most, within a call's own deadline; 0 = 2000 */
    uint32_t max_age_s;          /* a connection is not used longer; 0 = 1800 */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_postgres_options;

RECSYS_API void recsys_postgres_options_init(recsys_postgres_options *options);

/*
 * A source over PostgreSQL 13 or newer. Connects when first used.
 *
 * A statement and its settings are one transaction, sent in one go: a
 * statement_timeout a little shorter than the call's deadline, so that the
 * server stops and can still say so; UTC; ISO dates. Nothing is set for the
 * session. So answers do not depend on how the server, the database or the role
 * is set up, and PgBouncer in transaction mode is fine; what refuses to run in
 * a transaction (VACUUM, CREATE DATABASE) fails.
 *
 * A connection that misses a deadline, or on which anything else went wrong, is
 * closed and never used again. An idle one is looked at before it is used, so a
 * restarted server costs a new connection and not an error. Nothing is ever
 * sent twice. Rows are taken one by one: a result beyond 64 MiB is refused
 * (E_LIMIT) while it comes.
 *
 * TLS, passwords and the like are libpq's, from conninfo and its environment.
 * libpq looks names of hosts up by itself, which no deadline bounds; an address
 * (hostaddr) needs no lookup. Several hosts are tried in turn within one time-out.
 *
 * Columns become: bool BOOL; int2/4/8, oid INTEGER; float4/8 REAL; numeric
 * NUMBER; json, jsonb JSON; timestamptz and timestamp (taken as UTC) TIME;
 * everything else TEXT, bytea as \x…. What these cannot say is TEXT as
 * PostgreSQL writes it: NaN and infinities of numeric; of timestamps infinity
 * and years beyond 1..9999. Arrays of the types named here and of text, varchar,
 * char, name, uuid, date, time, interval, inet and cidr are JSON arrays, of as
 * many dimensions; other arrays are TEXT.
 *
 * Statuses beside the driver's usual ones: E_IO also if the server has too many
 * connections (SQLSTATE 53300); E_STATE also for a lock that is held (NOWAIT,
 * lock_timeout). A message has the server's words, the SQLSTATE and advice,
 * never a password and never a row's values beyond what those words quote.
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
    uint64_t connected, closed_broken; /* ever opened; closed because something was wrong */
    uint64_t waited, wait_timeouts;    /* for a free connection */
    uint64_t queries, failures;        /* statements and scripts; those that failed */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_postgres_stats;

/* Fails with: E_INVALID (not a PostgreSQL source). Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_postgres_get_stats(recsys_source *source,
                                                                    recsys_postgres_stats *out,
                                                                    recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
