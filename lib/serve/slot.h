/* lib/serve/slot.h - what deployments ask of a slot beyond its public functions. */
#ifndef RS_SERVE_SLOT_H
#define RS_SERVE_SLOT_H

#include <stddef.h>

#include "recsys/slot.h"

/* How many retired models somebody beside the slot still uses. `kept` (or
 * NULL) is one that the caller himself holds one reference to, which does not
 * count. Destroys nothing. */
size_t rs_slot_count_used(recsys_slot *slot, const recsys_model *kept);

#endif
