/* lib/registry/warm_up.h - make a model ready to answer at full speed. */
#ifndef RS_REGISTRY_WARM_UP_H
#define RS_REGISTRY_WARM_UP_H

#include <stdint.h>

#include "lib/registry/recent.h"
#include "recsys/model.h"

struct rs_warmed {
    uint64_t n_bytes;    /* whose pages were read */
    uint64_t n_replayed; /* requests */
    uint64_t n_failed, n_empty;
};

/* Read every page of `model`, make its equations if it `replaces` another one, then answer `recent`
 * requests from it. A request that the model cannot answer counts as failed. Fails with: E_NOMEM.
 */
recsys_status rs_warm_up(const recsys_model *model, int replaces, const struct rs_recent *recent,
                         struct rs_warmed *out, recsys_error *err);

#endif
