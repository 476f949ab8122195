/* recsys/redis.h - Redis as a store. Part of librecsys-redis. */
#ifndef RECSYS_REDIS_H
#define RECSYS_REDIS_H

#include <stdint.h>

#include "export.h"
#include "status.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    RECSYS_REDIS_TLS = 1u << 0 /* with the server's name verified */
};

/*
 * One logical database is (endpoint, number, prefix). Several may share an
 * endpoint; on servers that have database 0 alone, prefixes keep them apart.
 * Text is COPIED.
 */
typedef struct recsys_redis_options {
    uint32_t struct_size;
    uint32_t flags;               /* RECSYS_REDIS_* */
    const char *host;             /* NULL = 127.0.0.1; beginning with '/': a Unix socket */
    const char *user, *password;  /* NULL = none; a password without a user is the default user's */
    const char *prefix;           /* in front of every key; NULL = none */
    const char *ca_file;          /* trusted certificates; NULL = the system's */
    const char *cert_file, *key_file; /* the client's own; NULL = none */
    uint32_t port;                /* 0 = 6379 */
    uint32_t db;                  /* as SELECT takes it */
    uint32_t pool_size;           /* connections at most; 0 = 16 */
    uint32_t connect_timeout_ms;  /* 0 = 100 */
    uint32_t command_timeout_ms;  /* 0 = 50 */
    uint32_t pool_timeout_ms;     /* to wait for a free connection; 0 = 10 */
    uint32_t max_age_s;           /* a connection is not used longer; 0 = 600 */
    uint32_t reserved;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_redis_options;

RECSYS_API void recsys_redis_options_init(recsys_redis_options *options);

/*
 * Read redis://[[user]:password@]host[:port][/db], rediss:// (TLS) or
 * unix:///path[?db=N] into `options`, which must have been initialised; other
 * fields stay as they are. `buffer` receives the texts that the options then
 * point into.
 *
 * Fails with: E_INVALID (the message says which part, never a password),
 *   E_LIMIT (buffer too small). Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_redis_read_url(const char *url, char *buffer,
                                                                size_t buffer_size,
                                                                recsys_redis_options *options,
                                                                recsys_error *err);

/*
 * A store over Redis 6 or newer (or Valkey). Connects when first used, so the
 * server may be away: that is E_IO then, not now.
 *
 * Names are looked up by the C library, in its own time: connect_timeout_ms
 * begins after that. A process that forks opens stores of its own afterwards.
 *
 * After a time-out no new connections are opened for another command_timeout_ms,
 * unless one that is open gets an answer: so a server that freezes costs at most
 * pool_size callers a time-out. Who gets no connection fails with E_LIMIT.
 *
 * A connection on which anything went wrong (time-out, protocol error, bytes
 * nobody asked for) is closed and never used again, so an answer cannot reach
 * the wrong caller. `life` is the server's run_id; if the user may not call
 * INFO it is a constant, and values may come back with a restart. SCAN and UNLINK are used,
 * never KEYS; all commands are built from arguments, never by formatting.
 * Scripts are fixed and called by their hash.
 *
 * store_options  as for recsys_store_create(); NULL = defaults
 *
 * Fails with: E_INVALID, E_UNSUPPORTED (TLS, built without OpenSSL), E_NOMEM.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_redis_create(const char *name, const recsys_redis_options *options,
                    const recsys_store_options *store_options, recsys_store **out,
                    recsys_error *err);

typedef struct recsys_redis_stats {
    uint32_t struct_size; /* in: sizeof(recsys_redis_stats) */
    uint32_t open;        /* connections now */
    uint32_t idle;        /* of these, free */
    uint32_t reserved;
    uint64_t connected, closed_broken; /* ever opened; closed because something was wrong */
    uint64_t waited, wait_timeouts;    /* for a free connection */
    /* What INFO said when the last connection was made; "" if unknown. */
    char maxmemory_policy[32];
    char version[32];
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_redis_stats;

/* Fails with: E_INVALID (not a Redis store). Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_redis_get_stats(recsys_store *store,
                                                                 recsys_redis_stats *out,
                                                                 recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
