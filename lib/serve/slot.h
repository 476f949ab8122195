/* lib/serve/slot.h - what deployments ask of a slot beyond its public functions. */
#ifndef RS_SERVE_SLOT_H
#define RS_SERVE_SLOT_H

#include <stddef.h>

#include "recsys/slot.h"

/* How many retired models somebody beside the slot still uses. `ours` are
 * models, or NULL, each of which the caller has a reference to; these do not
 * count. Destroys nothing. */
size_t rs_slot_count_used(recsys_slot *slot, const recsys_model *const *ours, size_t n_ours);

#endif
