/* lib/adapters/redis/redis_sizes.h - which keys had a large value last.
 *
 * A guess: a table of hashes, in which a new key takes the place of an old one. After a large
 * answer that was not expected, the next SURPRISE calls are expected to be large, too: so of many
 * calls only a few can ever wait behind large values, however the keys are chosen.
 *
 * SYNCHRONIZED, without locks.
 */
#ifndef RS_REDIS_SIZES_H
#define RS_REDIS_SIZES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "recsys/bytes.h"

#define RS_REDIS_LARGE ((size_t)16 << 10) /* bytes; more need more than one read */
#define RS_REDIS_N_SIZES 1024u

struct rs_redis_sizes {
    atomic_uint n_expected; /* so many calls to come are taken for large */
    atomic_uint hashes[RS_REDIS_N_SIZES];
};

/* 1 if one of these keys had a large value, as far as is known. */
int rs_redis_sizes_is_large(struct rs_redis_sizes *sizes, const recsys_bytes *keys, size_t n);
void rs_redis_sizes_note(struct rs_redis_sizes *sizes, const recsys_bytes *keys, size_t n,
                         int is_large);
/* An answer was large that was taken for a small one. */
void rs_redis_sizes_surprise(struct rs_redis_sizes *sizes);

#endif
