/* sparse.c - a sparse matrix: for every row its columns and values.
 *
 * ALS walks the ratings by user and by movie in turn, so they are kept both
 * ways round. The rows of the first are users in ascending order of their ids,
 * which is the order the ratings are already in; its transpose is made by
 * counting, and comes out sorted because it is filled in that order.
 */
#include "sparse.h"

#include <stdlib.h>

#include "movielens.h"
#include "report.h"

static void sparse_allocate(struct sparse *sparse, size_t n_rows, size_t n_columns, size_t n)
{
    sparse->n_rows = n_rows;
    sparse->n_columns = n_columns;
    sparse->offsets = report_allocate(n_rows + 1u, sizeof *sparse->offsets);
    sparse->columns = report_allocate(n, sizeof *sparse->columns);
    sparse->values = report_allocate(n, sizeof *sparse->values);
}

void sparse_from_ratings(struct sparse *out, const struct movielens *data)
{
    size_t i = 0u;

    sparse_allocate(out, data->n_users, data->n_movies, data->n_ratings);
    for (size_t row = 0; row < data->n_users; row++) {
        out->offsets[row] = i;
        for (; i < data->n_ratings && data->ratings[i].user_id == data->user_ids[row]; i++) {
            out->columns[i] = data->ratings[i].movie;
            out->values[i] = data->ratings[i].value;
        }
    }
    out->offsets[data->n_users] = i;
}

void sparse_transpose(struct sparse *out, const struct sparse *in)
{
    uint64_t n = in->offsets[in->n_rows], at = 0u;

    sparse_allocate(out, in->n_columns, in->n_rows, (size_t)n);
    for (size_t row = 0; row <= out->n_rows; row++)
        out->offsets[row] = 0u;
    for (uint64_t i = 0; i < n; i++)
        out->offsets[in->columns[i]]++;
    for (size_t row = 0; row <= out->n_rows; row++) { /* counts become beginnings */
        uint64_t count = out->offsets[row];

        out->offsets[row] = at;
        at += count;
    }
    for (size_t row = 0; row < in->n_rows; row++) {
        for (uint64_t i = in->offsets[row]; i < in->offsets[row + 1u]; i++) {
            uint64_t place = out->offsets[in->columns[i]]++;

            out->columns[place] = (uint32_t)row;
            out->values[place] = in->values[i];
        }
    }
    for (size_t row = out->n_rows; row > 0u; row--) /* filling moved each one row on */
        out->offsets[row] = out->offsets[row - 1u];
    out->offsets[0] = 0u;
}

void sparse_free(struct sparse *sparse)
{
    free(sparse->offsets);
    free(sparse->columns);
    free(sparse->values);
}
