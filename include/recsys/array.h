/* recsys/array.h - an array of numbers in memory: what goes into a builder and comes out of a model. */
#ifndef RECSYS_ARRAY_H
#define RECSYS_ARRAY_H

#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    RECSYS_DTYPE_F32 = 1,
    RECSYS_DTYPE_F64 = 2,
    RECSYS_DTYPE_F16 = 3,
    RECSYS_DTYPE_BF16 = 4,
    RECSYS_DTYPE_I32 = 5,
    RECSYS_DTYPE_U32 = 6,
    RECSYS_DTYPE_I64 = 7,
    RECSYS_DTYPE_U64 = 8,
    RECSYS_DTYPE_U8 = 9
};

/*
 * Numbers of one type and native byte order in one or two dimensions. The
 * number [i,j] lies `i * strides[0] + j * strides[1]` bytes behind `data`.
 *
 * Strides are bytes, as NumPy counts them, and may be negative. 0 means C
 * order: strides[1] is then the size of a number and strides[0] that of a row,
 * so an array without gaps needs none. Arrays that the library gives have both
 * filled in.
 *
 * Frozen: 64 bytes on 64-bit machines.
 */
typedef struct recsys_array {
    const void *data;     /* may be NULL if there is no number */
    uint32_t dtype;       /* RECSYS_DTYPE_* */
    uint32_t n_dims;      /* 1 or 2 */
    uint64_t shape[2];    /* shape[1] is not read when n_dims is 1 */
    int64_t strides[2];   /* strides[1] is not read when n_dims is 1 */
    uint64_t reserved[2]; /* 0, else E_UNSUPPORTED */
} recsys_array;

/* Initialisers: n numbers, or rows * columns of them, without gaps. Since: 0.2 */
#define RECSYS_ARRAY_1D(data, dtype, n) {(data), (dtype), 1u, {(n), 0u}, {0, 0}, {0u, 0u}}
#define RECSYS_ARRAY_2D(data, dtype, rows, columns) \
    {(data), (dtype), 2u, {(rows), (columns)}, {0, 0}, {0u, 0u}}
#define RECSYS_ARRAY_INIT RECSYS_ARRAY_1D(0, 0u, 0u)

#ifdef __cplusplus
}
#endif

#endif
