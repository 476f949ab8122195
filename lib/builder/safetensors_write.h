/* lib/builder/safetensors_write.h - write .safetensors. Private to lib/builder. */
#ifndef RS_BUILDER_SAFETENSORS_WRITE_H
#define RS_BUILDER_SAFETENSORS_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/builder/sink.h"
#include "recsys/status.h"

/* One array of a .safetensors file to be written. */
struct rs_tensor_written {
    const char *name;
    uint32_t dtype;
    uint32_t n_dims; /* 1 to 4 */
    uint64_t shape[4];
    int is_aligned;        /* begins at a multiple of 64 bytes; for one tensor of a file */
    const void *data;      /* rows one behind the other */
    const uint32_t *order; /* row r of the file is row order[r] of data; NULL = r */
};

/* Write a whole .safetensors file: tensors of wide elements first, else in the
 * given order, so that each is aligned for its type. Sorts `sources`. */
recsys_status rs_safetensors_write(struct rs_sink *sink, struct rs_tensor_written *sources,
                                   size_t n, recsys_error *err);

#endif
