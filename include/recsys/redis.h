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
    RECSYS_REDIS_TLS = 1u << 0 /* use TLS and verify the server's name */
};

/*
 * One logical db is (endpoint, number, prefix). Several may share an
 * endpoint; on servers that have only database 0, prefixes separate them.
 * Text is COPIED.
 */
typedef struct recsys_redis_options {
    uint32_t struct_size;
    uint32_t flags;               /* RECSYS_REDIS_* */
    const char *host;             /* NULL = 127.0.0.1; beginning with '/': a Unix socket */
    const char *user, *password;  /* NULL = none; a password alone is for Redis' user "default" */
    const char *prefix;           /* in front of every key; NULL = none */
    const char *ca_file;          /* trusted certificates; NULL = the system's */
    const char *cert_file, *key_file; /* the client's own; NULL = none */
    uint32_t port;                /* 0 = 6379 */
    uint32_t db;                  /* as SELECT takes it */
    uint32_t pool_size;           /* connections, and calls that wait for answers, at most; 0 = 16 */
    uint32_t connect_timeout_ms;  /* 0 = 100; RECSYS_NEVER_32 */
    uint32_t command_timeout_ms;  /* 0 = 50; RECSYS_NEVER_32 */
    uint32_t pool_timeout_ms;     /* to wait for a free connection; 0 = 10; RECSYS_NEVER_32 */
    uint32_t max_age_s;           /* older connections are closed; 0 = 600; RECSYS_NEVER_32 */
    uint32_t reserved;            /* 0 */
    /* -- end of version 1 -- append below, never insert above -- */
    const char *password_file;    /* instead of password: its first line, read for each connection,
                                     so that a new password needs no restart; NULL = none */
    uint32_t share_from;          /* while so many calls run at a time, their commands go out in
                                     one write; 4 suits most; 0 = RECSYS_NEVER_32 = never */
    uint32_t reserved_2;          /* 0 */
    /* -- end of version 2 -- append below, never insert above -- */
} recsys_redis_options;

#define RECSYS_REDIS_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_redis_options, reserved)
#define RECSYS_REDIS_OPTIONS_SIZE_V2 RECSYS_SIZE_TO(recsys_redis_options, reserved_2)
#define RECSYS_REDIS_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_redis_options), 0u, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0u, \
     0u, 0u, 0u, 0u, 0u, 0u, 0u, NULL, 0u, 0u}

/*
 * Read redis://[[user]:password@]host[:port][/db], rediss:// (TLS) or
 * unix:///path[?db=N] into `options`, which must have been initialised; fields
 * that the URL does not set stay as they are. `buffer` receives the texts;
 * `options` then points into it.
 *
 * Fails with: E_INVALID (the message says which part, never a password),
 *   E_LIMIT (buffer too small). Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_redis_read_url(const char *url, char *buffer,
                                                                size_t buffer_size,
                                                                recsys_redis_options *options,
                                                                recsys_error *err);

/*
 * A store over Redis 6 or newer (or Valkey). It connects when it is first used. If
 * the server is away now, this call succeeds anyway, and later calls fail with E_IO.
 *
 * The C library looks up host names, which no time-out bounds: connect_timeout_ms
 * begins after that. In a forked child every call fails with E_STATE; a child makes
 * its own stores.
 *
 * After a time-out the store opens no new connection for another command_timeout_ms,
 * unless an open one gets an answer. So a server that freezes costs at most pool_size
 * callers one time-out. A caller that gets no connection fails with E_EXHAUSTED.
 *
 * While share_from or more calls run at a time, one of their threads sends the small commands of
 * several in one write, over one connection, reads all answers and wakes the others; this
 * takes less processor time than a connection for each. A write has the commands of at most half
 * of the calls that run, or of four. A call still fails by itself, with its own message: if its
 * command is refused, or if it has had no answer for command_timeout_ms. A connection that is
 * lost in the middle fails all calls of the write, which counts once for the circuit breaker. So
 * does a connection that says nothing in time, if the server answers on another.
 * A thread that sends the commands of others and is then kept from running keeps them waiting for
 * up to command_timeout_ms. So programs whose threads have unequal priorities do not want it.
 * Commands of more than about 4 KiB, scans, probes, and reads of keys that had values of more than
 * 16 KiB have a connection of their own.
 *
 * If anything goes wrong on a connection (time-out, protocol error, unexpected
 * bytes), the store closes it and never uses it again, and no answer of that write is handed out,
 * so an answer cannot reach the wrong caller. `incarnation` is the server's run_id. If the user may not call INFO it
 * is a constant, and then a restart may bring back old values. The store uses SCAN and
 * UNLINK, never KEYS; it builds all commands from arguments, never by formatting.
 * Scripts are fixed and called by their hash.
 *
 * On a Redis Cluster the prefix must have a hash tag, as "{app}d3:", and db must be 0.
 * The store then connects to the node that has that slot, as MOVED says. While the slot is on its
 * way to another node, calls for keys that are there already follow ASK, each over a connection made
 * for it, with a further command time-out; scans fail with E_BACKEND until the move is over.
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
    uint32_t idle;        /* how many of these are free */
    uint32_t reserved;
    uint64_t connected, closed_broken; /* connections opened so far; closed after a failure */
    uint64_t waited, wait_timeouts;    /* waits for a free connection; those that timed out */
    /* From INFO, when the last connection was made; "" if unknown. */
    char maxmemory_policy[32];
    char version[32];
    /* -- end of version 1 -- append below, never insert above -- */
    uint64_t shared_writes;   /* writes in which commands of several callers could go; Since: 0.2 */
    uint64_t shared_commands; /* commands in them */
    /* -- end of version 2 -- append below, never insert above -- */
} recsys_redis_stats;

#define RECSYS_REDIS_STATS_SIZE_V1 RECSYS_SIZE_TO(recsys_redis_stats, version)
#define RECSYS_REDIS_STATS_SIZE_V2 RECSYS_SIZE_TO(recsys_redis_stats, shared_commands)
#define RECSYS_REDIS_STATS_INIT \
    {(uint32_t)sizeof(recsys_redis_stats), 0u, 0u, 0u, 0u, 0u, 0u, 0u, "", "", 0u, 0u}

/* Fails with: E_INVALID (not a Redis store). Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_redis_get_stats(recsys_store *store,
                                                                 recsys_redis_stats *out,
                                                                 recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
