/* lib/registry/canary.h - test a model before it serves requests. */
#ifndef RS_REGISTRY_CANARY_H
#define RS_REGISTRY_CANARY_H

#include <stdint.h>

#include "recsys/model.h"

struct rs_canary_rules {
    uint32_t n_queries;
    float min_items_ratio; /* 0 or less: any number of items will do */
    float min_overlap;     /* 0: any */
    float max_score_shift; /* 0: any */
    float max_empty_share; /* 0: all but one answer may be empty */
    uint32_t allowed;      /* RECSYS_DEPLOYMENT_ALLOW_* */
};

/* E_REJECTED, with the reason, if `candidate` should not replace `active` (NULL =
 * nothing is served yet). Blocks: touches the whole candidate, once for each 256 queries. */
recsys_status rs_canary_run(const recsys_model *candidate, const recsys_model *active,
                            const struct rs_canary_rules *rules, recsys_error *err);

#endif
