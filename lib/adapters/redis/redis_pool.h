/* lib/adapters/redis/redis_pool.h - a limited number of connections.
 *
 * SYNCHRONIZED. Not across fork(): both processes would use the same streams. A child
 * can only destroy it, which closes its copies and sends nothing to the server.
 */
#ifndef RS_REDIS_POOL_H
#define RS_REDIS_POOL_H

#include "lib/adapters/redis/redis_connection.h"
#include "recsys/redis.h"

struct rs_redis_pool;

/* settings are BORROWED until the pool is destroyed. E_NOMEM, E_IO. */
recsys_status rs_redis_pool_create(const struct rs_redis_settings *settings,
                                   struct rs_redis_pool **out, recsys_error *err);
/* All connections must have been given back. */
void rs_redis_pool_destroy(struct rs_redis_pool *pool);

/* A connection for the caller alone until it is given back: the one used last, or a new
 * one, or the first that is given back in time. E_EXHAUSTED: none was; that says
 * nothing about the server. Others as rs_redis_connection_open(). */
recsys_status rs_redis_pool_acquire(struct rs_redis_pool *pool, struct rs_redis_connection **out,
                                    recsys_error *err);
/* A place for one who will use a connection together with others. E_EXHAUSTED as above. */
recsys_status rs_redis_pool_reserve(struct rs_redis_pool *pool, recsys_error *err);
void rs_redis_pool_unreserve(struct rs_redis_pool *pool);
/* One connection for n callers who have reserved: without waiting for another caller. All n places
 * are given back with it, or by a failure. */
recsys_status rs_redis_pool_acquire_reserved(struct rs_redis_pool *pool, uint32_t n,
                                             struct rs_redis_connection **out, recsys_error *err);
/* The same, but instead of waiting open one too many. For one caller at a time. */
recsys_status rs_redis_pool_acquire_extra(struct rs_redis_pool *pool,
                                          struct rs_redis_connection **out, recsys_error *err);
void rs_redis_pool_release(struct rs_redis_pool *pool, struct rs_redis_connection *connection);
/* 1 if a good connection has been given back since then (rs_clock_ns()): the server answers. */
int rs_redis_pool_has_heard(struct rs_redis_pool *pool, uint64_t since_ns);

/* E_STATE in a forked child. */
recsys_status rs_redis_pool_get_stats(struct rs_redis_pool *pool, recsys_redis_stats *out,
                                      recsys_error *err);

#endif
