/* lib/adapters/redis/redis_scripts.h - operations of several commands in one step, as fixed Lua
 * scripts. */
#ifndef RS_REDIS_SCRIPTS_H
#define RS_REDIS_SCRIPTS_H

#include "lib/adapters/redis/redis_call.h"

enum {
    RS_SCRIPT_GET_OR_SET,
    RS_SCRIPT_REPLACE,
    RS_SCRIPT_RATE_LIMIT,
    RS_SCRIPT_EXCHANGE,
    RS_N_SCRIPTS
};

struct rs_redis_scripts {
    char hashes[RS_N_SCRIPTS][41]; /* SHA-1 in hexadecimal */
};

const char *rs_redis_script_source(uint32_t script);

recsys_status rs_redis_scripts_init(struct rs_redis_scripts *scripts, recsys_error *err);

/* SHA-1 in hexadecimal, as scripts compare values that are too large to send again. */
recsys_status rs_redis_sha1(recsys_bytes bytes, char out[41], recsys_error *err);

/* A script, its keys, which get the prefix, and its arguments. */
struct rs_redis_script {
    uint32_t number; /* RS_SCRIPT_* */
    const recsys_bytes *keys;
    size_t n_keys;
    const recsys_bytes *arguments;
    size_t n;
};

/* Run it: by its hash, and if the server does not know that (restart, SCRIPT FLUSH) by its text.
 * The question must allow RS_REDIS_NOSCRIPT. The rest as rs_redis_call_ask(). */
recsys_status rs_redis_run(struct rs_redis_ways *ways, const struct rs_redis_scripts *scripts,
                           const struct rs_redis_script *script,
                           const struct rs_redis_question *question, struct rs_redis_reply *reply,
                           uint64_t *incarnation, recsys_error *err);

#endif
