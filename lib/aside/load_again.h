/* lib/aside/load_again.h - load a value although a fresh one is cached. For jobs that refresh. */
#ifndef RS_ASIDE_LOAD_AGAIN_H
#define RS_ASIDE_LOAD_AGAIN_H

#include "recsys/aside.h"

/*
 * As recsys_aside_get_or_load(), but a cached value counts as due: it is loaded again under the
 * side lease, and replaced unless it was invalidated meanwhile (outcome MISS). HIT or STALE:
 * another caller refreshes it, has failed to just now, or another program's value is trusted. If
 * this call's load fails, the cached value stays, and the loader's status is returned.
 */
recsys_status rs_aside_load_again(recsys_aside *aside, recsys_bytes key, recsys_aside_loader loader,
                                  void *user_data, recsys_value *out, uint32_t *outcome,
                                  recsys_error *err);

#endif
