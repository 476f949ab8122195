/* sparse.h - a sparse matrix: for every row its columns and values. */
#ifndef TRAIN_ALS_SPARSE_H
#define TRAIN_ALS_SPARSE_H

#include <stddef.h>
#include <stdint.h>

struct movielens;

/* Compressed sparse rows: row r has the entries offsets[r] .. offsets[r + 1]. */
struct sparse {
    size_t n_rows, n_columns;
    uint64_t *offsets; /* n_rows + 1 */
    uint32_t *columns; /* ascending within a row */
    float *values;
};

/* Ratings: one row a user, one column a movie. */
void sparse_from_ratings(struct sparse *out, const struct movielens *data);

void sparse_transpose(struct sparse *out, const struct sparse *in);

void sparse_free(struct sparse *sparse);

#endif
