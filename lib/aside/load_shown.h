/* lib/aside/load_shown.h - a loaded value of which other programs see something else. For domains
 * whose cached value has more in it than the design's services expect under the key. */
#ifndef RS_ASIDE_LOAD_SHOWN_H
#define RS_ASIDE_LOAD_SHOWN_H

#include "recsys/aside.h"

/*
 * As recsys_aside_load_set(). With RECSYS_ASIDE_FORMAT_PLAIN `shown` is what stands under the key,
 * and `value` is kept in the companion; in an envelope only `value` is stored. Without an address
 * there is no `shown`.
 */
recsys_status rs_aside_load_set_shown(recsys_aside_load *load, recsys_bytes value,
                                      recsys_bytes shown, uint64_t version, uint64_t ttl_ms,
                                      uint32_t flags, recsys_error *err);

#endif
