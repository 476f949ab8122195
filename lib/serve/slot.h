/* lib/serve/slot.h - what a deployment needs of a slot besides its public functions. */
#ifndef RS_SERVE_SLOT_H
#define RS_SERVE_SLOT_H

#include <stddef.h>

#include "recsys/slot.h"

/* The number of retired models that others than the slot still use. `ours` are models, or NULL,
 * to which the caller has a reference each; these references do not count. Destroys nothing. */
size_t rs_slot_count_used(recsys_slot *slot, const recsys_model *const *ours, size_t n_ours);

/* As recsys_slot_swap(), but no model is destroyed: the next recsys_slot_reap() does that. */
recsys_status rs_slot_exchange(recsys_slot *slot, recsys_model *next, recsys_error *err);

#endif
