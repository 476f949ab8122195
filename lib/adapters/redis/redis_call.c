/* lib/adapters/redis/redis_call.c - see redis_call.h.
 *
 * A command goes in a write with others if enough callers are under way, if it is small, and if
 * its answer is: nobody shall wait for bytes that are not for it. How large an answer will be can
 * only be guessed from the last one (redis_sizes.h).
 *
 * A small command is written on the caller's stack, and needs a connection only to be sent.
 */
#include "lib/adapters/redis/redis_call.h"

#include <string.h>

#include "lib/base/error.h"

/* 1 if the sum of everything, with what stands around it, is small. */
static int is_small(const struct rs_redis_ways *ways, const recsys_bytes *keys, size_t n_keys,
                    size_t n_more, size_t n_bytes)
{
    size_t an_argument = RS_REDIS_HEAD_BYTES, a_key = an_argument + ways->settings->prefix_size;
    size_t sum;

    if (n_bytes > RS_REDIS_SMALL || n_more > RS_REDIS_SMALL || n_keys > RS_REDIS_SMALL ||
        a_key > RS_REDIS_SMALL)
        return 0;
    sum = n_bytes + n_more * an_argument + n_keys * a_key;
    for (size_t i = 0; i < n_keys && sum < RS_REDIS_SMALL; i++) {
        if (keys[i].size > RS_REDIS_SMALL)
            return 0;
        sum += keys[i].size;
    }
    return sum < RS_REDIS_SMALL;
}

void rs_redis_call_begin(struct rs_redis_call *call, struct rs_redis_ways *ways,
                         const recsys_bytes *keys, size_t n_keys, size_t n_more, size_t n_bytes,
                         recsys_error *err)
{
    int is_crowded = rs_redis_share_enter(ways->share);
    int fits = is_small(ways, keys, n_keys, n_more, n_bytes);

    call->ways = ways;
    call->incarnation = 0;
    call->connection = NULL;
    call->keys = keys;
    call->n_keys = n_keys;
    call->may_share = is_crowded && fits;
    call->was_large = call->may_share && rs_redis_sizes_is_large(&ways->sizes, keys, n_keys);
    if (call->was_large)
        call->may_share = 0;
    call->status = RECSYS_OK;
    call->small.settings = ways->settings;
    call->small.bytes = (struct rs_buffer)RS_BUFFER_FIXED(call->room);
    call->command = &call->small;
    if (fits)
        return;
    if (n_bytes > RS_REDIS_LARGE)
        rs_redis_sizes_note(&ways->sizes, keys, n_keys, 1);
    call->status = rs_redis_pool_acquire(ways->pool, &call->connection, err);
    if (call->status == RECSYS_OK)
        call->command = &call->connection->command;
}

static size_t count_bytes(const struct rs_redis_reply *reply)
{
    size_t sum = reply->size;

    for (size_t i = 0; i < reply->n; i++)
        sum += reply->items[i].size;
    return sum;
}

/* For the next call about these keys. */
static void note_size(const struct rs_redis_call *call, const struct rs_redis_reply *reply)
{
    int is_large = count_bytes(reply) > RS_REDIS_LARGE;

    if (is_large && call->may_share)
        rs_redis_sizes_surprise(&call->ways->sizes);
    if (is_large || call->was_large)
        rs_redis_sizes_note(&call->ways->sizes, call->keys, call->n_keys, is_large);
}

/* ASK: the key is at another node already. Its answer holds for this command, so the connection
 * does, too. Nothing has been executed yet. */
static recsys_status ask_elsewhere(struct rs_redis_call *call,
                                   const struct rs_redis_question *question,
                                   struct rs_redis_reply *reply, recsys_error *err)
{
    struct rs_redis_ways *ways = call->ways;
    struct rs_redis_connection *there = NULL;
    char here[RS_REDIS_MAX_HOST], host[RS_REDIS_MAX_HOST];
    uint32_t port;

    (void)rs_redis_node_get(ways->settings->node, ways->settings->host, ways->settings->port, here,
                            &port);
    if (!rs_redis_node_read(reply->bytes, here, host, &port)) { /* it has been read before */
        rs_redis_reply_clear(reply);
        return rs_error(err, RECSYS_E_INTERNAL, "%s: the address in ASK cannot be read",
                        ways->settings->where);
    }
    rs_redis_reply_clear(reply);
    if (call->connection != NULL && call->command == &call->small) { /* else the command is in it */
        rs_redis_pool_release(ways->pool, call->connection);
        call->connection = NULL;
    }
    recsys_status status = rs_redis_pool_reserve(ways->pool, err);
    if (status != RECSYS_OK)
        return status;
    status = rs_redis_connection_open_at(ways->settings, host, port, &there, err);
    if (status == RECSYS_OK) {
        status = rs_redis_ask_there(there, &call->command->bytes, question, reply, err);
        call->incarnation = there->incarnation;
    }
    rs_redis_connection_close(there);
    rs_redis_pool_unreserve(ways->pool);
    return status;
}

recsys_status rs_redis_call_ask(struct rs_redis_call *call,
                                const struct rs_redis_question *question,
                                struct rs_redis_reply *reply, recsys_error *err)
{
    struct rs_redis_ways *ways = call->ways;
    recsys_status status = call->status;
    int was_shared;

    memset(reply, 0, sizeof *reply);
    if (status != RECSYS_OK)
        return status;
    was_shared = call->may_share && rs_redis_share_ask(ways->share, &call->command->bytes, question,
                                                       reply, &call->incarnation, &status, err);
    if (!was_shared) {
        if (call->connection == NULL)
            status = rs_redis_pool_acquire(ways->pool, &call->connection, err);
        if (status != RECSYS_OK)
            return status;
        status = rs_redis_ask(call->connection, &call->command->bytes, question, reply, err);
        call->incarnation = call->connection->incarnation;
    }
    if (status == RECSYS_OK && rs_redis_is_elsewhere(ways->settings, reply))
        status = ask_elsewhere(call, question, reply, err);
    rs_buffer_reset(&call->command->bytes, RS_REDIS_KEEP_BYTES);
    if (status == RECSYS_OK)
        note_size(call, reply);
    else if (was_shared && status == RECSYS_E_TIMEOUT)
        /* A value that takes too long must not hold others up a second time. Which one it was is
         * not known: all go alone once, and a small answer takes the note back. */
        rs_redis_sizes_note(&ways->sizes, call->keys, call->n_keys, 1);
    return status;
}

void rs_redis_call_end(struct rs_redis_call *call)
{
    if (call->connection != NULL)
        rs_redis_pool_release(call->ways->pool, call->connection);
    rs_redis_share_leave(call->ways->share);
}
