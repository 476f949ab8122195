/* lib/registry/canary.h - test a model before it serves requests. */
#ifndef RS_REGISTRY_CANARY_H
#define RS_REGISTRY_CANARY_H

#include <stdint.h>

#include "recsys/model.h"

/* E_REJECTED, with the reason, if `candidate` should not replace `active` (NULL =
 * nothing is served yet). min_items_ratio <= 0: any number of items will do.
 * Blocks: touches the whole candidate, once a query. */
recsys_status rs_canary_run(const recsys_model *candidate, const recsys_model *active,
                            uint32_t n_queries, float min_items_ratio, recsys_error *err);

#endif
