/* lib/formats/npy.h - the beginning of a .npy file. Shared by npy.c and npz.c only. */
#ifndef RS_FORMATS_NPY_H
#define RS_FORMATS_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/formats/tensors.h"

/* With the 12 bytes before the header. NumPy itself refuses a longer one. */
#define RS_NPY_MAX_HEADER (10000u + 12u)

struct rs_npy_header {
    uint32_t dtype; /* RECSYS_DTYPE_*, or 0: pickled, text, structured, complex, big-endian ... */
    int fortran;    /* columns first */
    uint32_t n_dims;
    uint64_t shape[8];
    size_t size; /* where data begins */
};

/* `bytes` may be only the file's first RS_NPY_MAX_HEADER bytes. */
recsys_status rs_npy_read_header(const unsigned char *bytes, size_t size, const char *what,
                                 struct rs_npy_header *out, recsys_error *err);

/* Fill in `tensor` (but its name) from a whole .npy file whose header has been
 * read. Data that is not aligned, or in Fortran order, is copied. */
recsys_status rs_npy_take(const unsigned char *bytes, size_t size, const char *what,
                          const struct rs_npy_header *header, struct rs_tensor *tensor,
                          recsys_error *err);

#endif
