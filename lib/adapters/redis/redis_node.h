/* lib/adapters/redis/redis_node.h - which node of a Redis Cluster has a store's keys.
 *
 * Every key of a store begins with its prefix. If that has a hash tag, as "{app}d3:", all keys are
 * in one slot, and one node at a time has it. The server that the options name says which, with
 * MOVED, and connections go there until another MOVED, or until they cannot be opened any more.
 * ASK says who has one key while a slot is on its way; that holds for one command. Without a hash
 * tag keys are in many slots: both are errors then.
 *
 * SYNCHRONIZED.
 */
#ifndef RS_REDIS_NODE_H
#define RS_REDIS_NODE_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/lock.h"

#define RS_REDIS_MAX_HOST 256u

struct rs_redis_node {
    struct rs_lock lock;
    char host[RS_REDIS_MAX_HOST]; /* protected by lock; "" = the one of the options */
    uint32_t port;                /* protected by lock */
    atomic_uint moves;            /* how often the address has changed: older connections end */
};

/* Where to connect. host has RS_REDIS_MAX_HOST bytes. Returns `moves`. */
unsigned rs_redis_node_get(struct rs_redis_node *node, const char *first_host, uint32_t first_port,
                           char *host, uint32_t *port);
/* Read the address in "MOVED 3999 127.0.0.1:6381" or "ASK 3999 127.0.0.1:6381", which a connection
 * to `host` was told. out has RS_REDIS_MAX_HOST bytes. 0: it cannot be read. */
int rs_redis_node_read(const char *words, const char *host, char *out, uint32_t *port);
/* Go where MOVED, which a connection of `moves` to `host` was told, says. 1: there is another
 * address now; 0: it cannot be read. */
int rs_redis_node_follow(struct rs_redis_node *node, const char *words, const char *host,
                         unsigned moves);
/* It cannot be reached: ask the one of the options again. */
void rs_redis_node_forget(struct rs_redis_node *node, unsigned moves);
/* Are all keys with this prefix in one slot? */
int rs_redis_has_hash_tag(const char *prefix);

#endif
