/* lib/adapters/redis/redis_glob.h - literals and gaps become a pattern for MATCH. */
#ifndef RS_REDIS_GLOB_H
#define RS_REDIS_GLOB_H

#include "lib/base/buffer.h"
#include "recsys/store.h"

/* The most gaps of a pattern; each '*' is a recursion in the server. */
#define RS_REDIS_MAX_GAPS 9

/* Append the pattern of the keys that are `prefix`, parts[0], anything,
 * parts[1], ... parts[n-1]. All bytes of the prefix and the parts stand for
 * themselves. A failure is in out->status; E_LIMIT: too many gaps. */
void rs_redis_glob_write(struct rs_buffer *out, recsys_bytes prefix, const recsys_bytes *parts,
                         size_t n);

#endif
