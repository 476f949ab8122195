/* lib/adapters/redis/redis_settings.h - a store's options, checked and copied. */
#ifndef RS_REDIS_SETTINGS_H
#define RS_REDIS_SETTINGS_H

#include <stdint.h>

#include "recsys/redis.h"

struct rs_redis_node;
struct rs_redis_tls;

struct rs_redis_settings {
    char *host;                     /* beginning with '/': a Unix socket */
    char *user, *password, *prefix; /* NULL = none */
    char *password_file;            /* instead of password; NULL = none */
    char *ca_file, *cert_file, *key_file;
    size_t prefix_size;
    uint32_t port, db, pool_size, share_from;
    uint64_t connect_timeout_ns, command_timeout_ns, pool_timeout_ns, max_age_ns;
    struct rs_redis_tls *tls; /* NULL = plain text */
    int has_hash_tag;         /* of the prefix: MOVED is followed */
    struct rs_redis_node *node; /* OWNED; changes */
    char where[128];          /* for messages: "redis at 127.0.0.1:6379, db 3" */
};

/* E_INVALID, E_UNSUPPORTED, E_NOMEM. Also makes what TLS needs. */
recsys_status rs_redis_settings_read(struct rs_redis_settings *settings,
                                     const recsys_redis_options *options, recsys_error *err);
void rs_redis_settings_destroy(struct rs_redis_settings *settings);

#endif
