/* lib/formats/describe.h - the arrays of a file in words, for messages. */
#ifndef RS_FORMATS_DESCRIBE_H
#define RS_FORMATS_DESCRIBE_H

#include <stddef.h>

#include "lib/formats/tensors.h"

#define RS_TENSOR_SHOWN_SIZE 160u

/* "user_emb.weight F32 [671,32]"; a long name is cut. Returns `out`. */
const char *rs_tensor_show(const struct rs_tensor *tensor, char out[RS_TENSOR_SHOWN_SIZE]);

/* All tensors that way, with commas, as many as fit into `size` bytes; then "and 12 more". An
 * empty file has "no arrays". Returns `out`. */
const char *rs_tensors_show(const struct rs_tensors *tensors, char *out, size_t size);

/* For a tensor whose dtype is 0: what its type is and what to do, as in "x is |O: ...". */
const char *rs_tensor_refusal(const struct rs_tensor *tensor);

#endif
