/* lib/formats/npy.h - a .npy file in parts: its header, its data. Shared by npy*.c and npz.c only.
 */
#ifndef RS_FORMATS_NPY_H
#define RS_FORMATS_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/formats/tensors.h"

/* With the 12 bytes before the header. NumPy itself refuses a longer one. */
#define RS_NPY_MAX_HEADER (10000u + 12u)
#define RS_NPY_MAX_WIDTH 1000000u /* bytes or characters of one element */
#define RS_NPY_MAX_TENSORS 2u     /* that one array becomes: texts are two */

struct rs_npy_header {
    uint32_t dtype;          /* RECSYS_DTYPE_*, or 0: pickled, text, structured, complex ... */
    char type[RS_TYPE_SIZE]; /* as the file writes it */
    char kind;               /* NumPy's letter: f, i, u, U, S ...; 0 if it could not be read */
    uint32_t width;          /* of an element, in bytes; of kind U: in characters */
    int swapped;             /* big-endian */
    int fortran;             /* columns first */
    uint32_t n_dims;
    uint64_t shape[8];
    size_t size; /* where data begins */
};

/* `bytes` may be only the file's first RS_NPY_MAX_HEADER bytes. */
recsys_status rs_npy_read_header(const unsigned char *bytes, size_t size, const char *what,
                                 struct rs_npy_header *out, recsys_error *err);

/* 1 if the array's data is given: numbers that the library knows, or one dimension of texts. */
int rs_npy_is_used(const struct rs_npy_header *header);

/*
 * Add the array called `name` to out->list, which has room for RS_NPY_MAX_TENSORS more. Numbers
 * become one tensor; they are copied if they are not aligned, in Fortran order, big-endian or of 8
 * or 16 bits. Texts become two, as docs/model-format.md has them: `name`, and `name`_offsets. An
 * array that is not used keeps its shape and type; `bytes` may then be the header alone.
 */
recsys_status rs_npy_take(const unsigned char *bytes, size_t size, const char *name,
                          const char *what, const struct rs_npy_header *header,
                          struct rs_tensors *out, recsys_error *err);
/* The same for an array of texts; npy_texts.c. */
recsys_status rs_npy_take_texts(const unsigned char *data, const char *what,
                                const struct rs_npy_header *header, struct rs_tensor *texts,
                                struct rs_tensor *offsets, recsys_error *err);

#endif
