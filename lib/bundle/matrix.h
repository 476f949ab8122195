/* lib/bundle/matrix.h - rows of real numbers as a file has them, whatever their type and width.
 *
 * This is a view: a number is converted when it is read, so that a file's factors are copied at
 * most once.
 */
#ifndef RS_BUNDLE_MATRIX_H
#define RS_BUNDLE_MATRIX_H

#include <stddef.h>
#include <stdint.h>

#include "lib/formats/tensors.h"
#include "recsys/status.h"

struct rs_matrix {
    const unsigned char *data;
    uint32_t dtype; /* RECSYS_DTYPE_F32, F64, F16 or BF16 */
    size_t n_rows;
    size_t width;     /* columns in the file */
    size_t n_columns; /* the first ones, which are seen through this view */
};

/* `what` is "<file>: <tensor>". E_FORMAT: not real, or not of two dimensions. */
recsys_status rs_matrix_view(const struct rs_tensor *tensor, const char *what,
                             struct rs_matrix *out, recsys_error *err);
/* The same for one column; `n_rows` numbers are wanted. */
recsys_status rs_matrix_view_column(const struct rs_tensor *tensor, size_t n_rows, const char *what,
                                    struct rs_matrix *out, recsys_error *err);

/* The rows as floats without a copy, or NULL if they need one. */
const float *rs_matrix_floats(const struct rs_matrix *matrix);

/* n_columns floats of one row. */
void rs_matrix_get_row(const struct rs_matrix *matrix, size_t row, float *to);
/* Any of the file's columns, outside the view too. */
float rs_matrix_get(const struct rs_matrix *matrix, size_t row, size_t column);

/* As rs_layout_norms(). */
recsys_status rs_matrix_norms(const struct rs_matrix *matrix, double *norms, const char *what,
                              recsys_error *err);
/* to[p] = column's number in row order[p] (NULL: p). E_FORMAT: not finite. */
recsys_status rs_matrix_get_column(const struct rs_matrix *matrix, size_t column,
                                   const uint32_t *order, float *to, const char *what,
                                   recsys_error *err);

#endif
