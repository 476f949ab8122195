/* lib/formats/tensors.h - named arrays from a file, whatever its format.
 *
 * A reader checks everything that the format promises and gives a list of arrays. They point into
 * the mapping if byte order and alignment allow it, else into a copy.
 */
#ifndef RS_FORMATS_TENSORS_H
#define RS_FORMATS_TENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/formats/map.h"
#include "recsys/builder.h"
#include "recsys/status.h"

#define RS_TYPE_SIZE 12u
#define RS_NAME_SIZE 320u /* of a name with an ending, which readers cut */

/* dtype 0: one the library does not use; its data is not given. */
struct rs_tensor {
    char *name;
    uint32_t dtype;  /* RECSYS_DTYPE_*, or 0 */
    uint32_t n_dims; /* 0..8 */
    uint64_t shape[8];
    const void *data; /* C order; NULL if dtype is 0 */
    size_t n_bytes;
    void *copy;              /* to be freed, if data is not in the mapping */
    char type[RS_TYPE_SIZE]; /* as the file writes it: <f4, BF16, |O */
};

struct rs_tensors {
    struct rs_map map;
    const char *source; /* the program whose format it is, if it has one of its own; static */
    struct rs_tensor *list;
    size_t n;
};

/* A reader of one format, from memory. `bytes` are BORROWED and must outlive `out`. */
typedef recsys_status (*rs_tensors_parse)(const unsigned char *bytes, size_t size, const char *name,
                                          struct rs_tensors *out, recsys_error *err);

recsys_status rs_safetensors_parse(const unsigned char *bytes, size_t size, const char *name,
                                   struct rs_tensors *out, recsys_error *err);
recsys_status rs_npz_parse(const unsigned char *bytes, size_t size, const char *name,
                           struct rs_tensors *out, recsys_error *err);
/* One tensor, called "". */
recsys_status rs_npy_parse(const unsigned char *bytes, size_t size, const char *name,
                           struct rs_tensors *out, recsys_error *err);

/* Map the file at `path` and parse it; the map belongs to `out`. */
recsys_status rs_tensors_open(const char *path, const char *name, rs_tensors_parse parse,
                              struct rs_tensors *out, recsys_error *err);
void rs_tensors_close(struct rs_tensors *tensors);
/* NULL if there is none of this name. */
const struct rs_tensor *rs_tensors_find(const struct rs_tensors *tensors, const char *name);

/* "F32" for RECSYS_DTYPE_F32 and so on. */
void rs_dtype_show(uint32_t dtype, char out[RS_TYPE_SIZE]);
/* Bytes of one element of a RECSYS_DTYPE_*; 0 for others. */
size_t rs_dtype_size(uint32_t dtype);

#endif
