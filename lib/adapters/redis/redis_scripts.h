/* lib/adapters/redis/redis_scripts.h - operations of several commands in one step, as fixed Lua
 * scripts. */
#ifndef RS_REDIS_SCRIPTS_H
#define RS_REDIS_SCRIPTS_H

#include "lib/adapters/redis/redis_connection.h"

enum { RS_SCRIPT_GET_OR_SET, RS_SCRIPT_REPLACE, RS_SCRIPT_RATE_LIMIT, RS_SCRIPT_EXCHANGE, RS_N_SCRIPTS };

struct rs_redis_scripts {
    char hashes[RS_N_SCRIPTS][41]; /* SHA-1 in hexadecimal */
};

const char *rs_redis_script_source(uint32_t script);

recsys_status rs_redis_scripts_init(struct rs_redis_scripts *scripts, recsys_error *err);

/* SHA-1 in hexadecimal, as scripts compare values that are too large to send again. */
recsys_status rs_redis_sha1(recsys_bytes bytes, char out[41], recsys_error *err);

/* Run a script on one key (prefixed) and up to four arguments. By its hash,
 * and if the server does not know that (restart, SCRIPT FLUSH) by its text.
 * The rest as rs_redis_ask(). */
recsys_status rs_redis_run(struct rs_redis_connection *connection,
                           const struct rs_redis_scripts *scripts, uint32_t script,
                           const char *command, recsys_bytes key, const recsys_bytes *arguments,
                           size_t n, uint32_t types, size_t max_items, struct rs_redis_reply *reply,
                           recsys_error *err);

/* The same for a script on several keys. */
recsys_status rs_redis_run_keys(struct rs_redis_connection *connection,
                                const struct rs_redis_scripts *scripts, uint32_t script,
                                const char *command, const recsys_bytes *keys, size_t n_keys,
                                const recsys_bytes *arguments, size_t n, uint32_t types,
                                size_t max_items, struct rs_redis_reply *reply, recsys_error *err);

#endif
