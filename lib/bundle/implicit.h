/* lib/bundle/implicit.h - the extra columns that the Python package implicit adds to factors.
 *
 * Its BPR and LMF models keep biases as further columns of the factors, with a
 * column of ones on the other side, so that one product gives the score. The
 * columns are told apart here; the numbers are read through matrix.h.
 */
#ifndef RS_BUNDLE_IMPLICIT_H
#define RS_BUNDLE_IMPLICIT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/formats/tensors.h"
#include "recsys/status.h"

struct rs_implicit {
    const char *algorithm;     /* "als", "bpr", "lmf"; "" if unknown. Static */
    uint32_t n_extra;          /* columns behind the vectors proper: 0, 1 or 2 */
    uint32_t item_bias_column; /* counted from the end, 1 = the last; 0 = none */
    uint32_t user_bias_column;
    uint32_t similar_by; /* RECSYS_SIMILAR_*, as the package's similar_items() does it */
};

/*
 * Look at an .npz. Columns of ones are checked: a row must hold a 1 there or
 * be all zero, which is how implicit marks a user or item without data.
 *
 * Fails with: E_FORMAT (such a column holds something else, or the factors
 *   are too narrow), naming `file`.
 */
recsys_status rs_implicit_detect(const struct rs_tensors *tensors, const char *file,
                                 struct rs_implicit *out, recsys_error *err);

/* The settings of the training that the file has (factors, regularization,
 * alpha, ...) as a JSON object. Free with rs_free. */
recsys_status rs_implicit_settings(const struct rs_tensors *tensors, char **out, recsys_error *err);

#endif
