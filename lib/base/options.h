/* lib/base/options.h - read a caller's options struct of any known size. */
#ifndef RS_BASE_OPTIONS_H
#define RS_BASE_OPTIONS_H

#include <stddef.h>

#include "recsys/status.h"

/* No options struct will ever be larger; a larger struct_size was never set. */
#define RS_OPTIONS_MAX_SIZE 4096u

/* Copy `src` (whose first uint32_t is its own size) into `dst`.
 *   src == NULL            dst becomes all zero: every field means "default".
 *   src smaller than v1    E_INVALID; so is a size beyond RS_OPTIONS_MAX_SIZE.
 *   src smaller than dst   the missing tail becomes zero (older caller).
 *   src larger than dst    accepted only if the unknown tail is all zero,
 *                          else E_UNSUPPORTED (newer caller, older library).
 */
recsys_status rs_options_copy(void *dst, size_t dst_size, const void *src, size_t v1_size);

/* Put what a failed rs_options_copy() means into words; returns `status`. */
recsys_status rs_options_error(recsys_error *err, recsys_status status, const char *function);

#endif
