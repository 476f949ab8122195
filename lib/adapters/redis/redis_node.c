/* lib/adapters/redis/redis_node.c - see redis_node.h. */
#include "lib/adapters/redis/redis_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned rs_redis_node_get(struct rs_redis_node *node, const char *first_host, uint32_t first_port,
                           char *host, uint32_t *port)
{
    rs_lock_take(&node->lock);
    unsigned moves = atomic_load(&node->moves);
    int is_first = node->host[0] == '\0';
    snprintf(host, RS_REDIS_MAX_HOST, "%s", is_first ? first_host : node->host);
    *port = is_first ? first_port : node->port;
    rs_lock_give(&node->lock);
    return moves;
}

int rs_redis_node_read(const char *words, const char *host, char *out, uint32_t *out_port)
{
    const char *at = strrchr(words, ' '), *colon = strrchr(words, ':');

    if (at == NULL || colon == NULL || colon < at)
        return 0;
    at++;
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    size_t size = (size_t)(colon - at);
    if (end == colon + 1 || port == 0 || port > 65535 || size >= RS_REDIS_MAX_HOST)
        return 0;
    /* A node that does not know its own name leaves it out: it is where it was reached. "?" is a
     * node whose name is unknown. */
    int is_same_host = size == 0 || (size == 1 && at[0] == '?');
    if (is_same_host && host[0] == '/')
        return 0;
    if (is_same_host)
        snprintf(out, RS_REDIS_MAX_HOST, "%s", host);
    else
        snprintf(out, RS_REDIS_MAX_HOST, "%.*s", (int)size, at);
    *out_port = (uint32_t)port;
    return 1;
}

int rs_redis_node_follow(struct rs_redis_node *node, const char *words, const char *host,
                         unsigned moves)
{
    char at[RS_REDIS_MAX_HOST];
    uint32_t port;

    if (!rs_redis_node_read(words, host, at, &port))
        return 0;
    rs_lock_take(&node->lock);
    if (moves == atomic_load(&node->moves)) { /* else another connection was told before */
        memcpy(node->host, at, sizeof node->host);
        node->port = port;
        atomic_fetch_add(&node->moves, 1u);
    }
    rs_lock_give(&node->lock);
    return 1;
}

void rs_redis_node_forget(struct rs_redis_node *node, unsigned moves)
{
    rs_lock_take(&node->lock);
    if (moves == atomic_load(&node->moves) && node->host[0] != '\0') {
        node->host[0] = '\0';
        atomic_fetch_add(&node->moves, 1u);
    }
    rs_lock_give(&node->lock);
}

/* As the specification of Redis Cluster has it: between the first { and the first } behind it,
 * which must not be empty. */
int rs_redis_has_hash_tag(const char *prefix)
{
    const char *open = prefix == NULL ? NULL : strchr(prefix, '{');

    return open != NULL && strchr(open, '}') != NULL && open[1] != '}';
}
