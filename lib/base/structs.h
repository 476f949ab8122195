/* lib/base/structs.h - copy sized structs in and out.
 *
 * A program and the library may have been compiled with headers of different versions. The older
 * one knows a shorter struct. Only these functions know the rules for that; docs/abi.md explains
 * them. */
#ifndef RS_BASE_STRUCTS_H
#define RS_BASE_STRUCTS_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/status.h"

/* No struct will ever be larger; a larger struct_size was never set. */
#define RS_STRUCT_MAX_SIZE 16384u

/* In: copy the caller's `src` into `dst`, the library's own struct of `dst_size`
 * bytes, whose struct_size is then dst_size. `what` names it in messages:
 * "recsys_cache_create: options".
 *   src == NULL            dst becomes all zero: every field means "default".
 *   src smaller than v1    E_INVALID; so is a size beyond RS_STRUCT_MAX_SIZE.
 *   src smaller than dst   the missing tail becomes zero (older caller).
 *   src larger than dst    accepted only if the unknown tail is all zero,
 *                          else E_UNSUPPORTED (newer caller, older library).
 * After a failure dst is all zero. */
recsys_status rs_struct_read(void *dst, size_t dst_size, const void *src, size_t v1_size,
                             const char *what, recsys_error *err);

/* Out, before any work: check that `out` is given and its struct_size plausible. Zeroes all but
 * struct_size, so that `out` is empty if the call fails later. */
recsys_status rs_struct_begin(void *out, size_t v1_size, const char *what, recsys_error *err);

/* Out, at the end: copy as much of `src` as the caller has room for. The rest of a
 * newer caller's struct stays zero; struct_size says how much was filled.
 * `out` has passed rs_struct_begin(). */
void rs_struct_write(void *out, const void *src, size_t src_size);

/* A field that is reserved: E_UNSUPPORTED unless it is zero. Also for the bits of a flags field
 * that this library does not know. `what`: "recsys_scorer_top_k: queries[].reserved". */
recsys_status rs_reserved(uint64_t value, const char *what, recsys_error *err);

#endif
