/* lib/model/estimate.h - how much memory a model will take, before it is loaded. */
#ifndef RS_MODEL_ESTIMATE_H
#define RS_MODEL_ESTIMATE_H

#include <stdint.h>

#include "recsys/model.h"

struct rs_estimate {
    uint64_t mapped_bytes;  /* of its files */
    uint64_t private_bytes; /* in addition, at the worst moment of the load */
};

/* Reads the manifest of a bundle, or the head of a single file, and nothing else. An upper bound for
 * bundles of this library's builder and for .safetensors files; a bundle of another writer may need
 * its vectors once more.
 * Fails with: as recsys_model_load() would for these. */
recsys_status rs_model_estimate(const char *path, const recsys_model_options *options,
                                struct rs_estimate *out, recsys_error *err);

#endif
