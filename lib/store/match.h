/* lib/store/match.h - match keys against literals with anything between them. */
#ifndef RS_STORE_MATCH_H
#define RS_STORE_MATCH_H

#include <stddef.h>

#include "recsys/store.h"

/* 1 if `key` is parts[0], anything, parts[1], anything, ..., parts[n-1]. n >= 1;
 * with n 1 the key must be parts[0]. */
int rs_key_matches(const void *key, size_t key_size, const recsys_bytes *parts, size_t n);

#endif
