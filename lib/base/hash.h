/* lib/base/hash.h - hashing for tables whose keys come from outside. */
#ifndef RS_BASE_HASH_H
#define RS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* A random number made once per process, so that a client cannot prepare keys that all fall into
 * one slot. */
uint64_t rs_hash_seed(void);

/* XXH3-64 (xxhash.com). */
uint64_t rs_hash_bytes(const void *bytes, size_t size, uint64_t seed);
uint64_t rs_hash_number(uint64_t number, uint64_t seed);

#endif
