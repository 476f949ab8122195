/* lib/model/genre_vectors.c - a vector for each genre, for models without features of their own.
 *
 * The mean of the vectors of the genre's items, summed in double in order of position. Items are
 * first listed by genre, so that only one sum is kept at a time and memory stays small.
 */

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/model/loading.h"

/* 256 MB of vectors: with more, the field does not hold genres. */
#define MAX_NUMBERS (1u << 26)

/* How many items each genre has, two places ahead; returns the sum. */
static uint64_t count_items(const struct rs_catalog *catalog, uint64_t *begin)
{
    uint64_t sum = 0;

    for (uint32_t p = 0; p < catalog->n_items; p++) {
        uint32_t n;
        const uint32_t *genres = rs_catalog_genres(catalog, p, &n);
        for (uint32_t i = 0; i < n; i++)
            begin[genres[i] + 2u]++;
        sum += n;
    }
    return sum;
}

/* Fill in `items`, and where each genre's begin. The counts move one place back meanwhile, so that
 * begin[g] is right at the end. */
static void list_items(const struct rs_catalog *catalog, uint64_t *begin, uint32_t *items)
{
    for (size_t g = 0; g < catalog->n_genres; g++)
        begin[g + 2] += begin[g + 1];
    for (uint32_t p = 0; p < catalog->n_items; p++) {
        uint32_t n;
        const uint32_t *genres = rs_catalog_genres(catalog, p, &n);
        for (uint32_t i = 0; i < n; i++)
            items[begin[genres[i] + 1u]++] = p;
    }
}

static void mean_vector(const struct recsys_model *model, const uint32_t *items, size_t n,
                        double *sum, float *mean)
{
    for (size_t j = 0; j < model->dimensions; j++)
        sum[j] = 0;
    for (size_t i = 0; i < n; i++) {
        const float *row = model->items + (size_t)items[i] * model->stride;
        for (size_t j = 0; j < model->dimensions; j++)
            sum[j] += (double)row[j];
    }
    for (size_t j = 0; n > 0 && j < model->dimensions; j++)
        mean[j] = (float)(sum[j] / (double)n);
}

recsys_status rs_load_genre_vectors(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    const struct rs_catalog *catalog = model->catalog;
    size_t n_genres = catalog->n_genres, d = model->dimensions;
    recsys_status status = RECSYS_OK;

    if (n_genres == 0)
        return RECSYS_OK;
    if (n_genres > MAX_NUMBERS / d)
        return rs_error(loading->err, RECSYS_E_LIMIT,
                        "%s: %zu genres are too many for vectors of %zu numbers",
                        loading->catalog_file, n_genres, d);
    uint64_t *begin = rs_alloc_array(n_genres + 2, sizeof *begin);
    uint64_t n_entries = begin == NULL ? 0 : count_items(catalog, begin);
    uint32_t *items = rs_alloc_array(n_entries, sizeof *items);
    double *sum = rs_alloc_array(d, sizeof *sum);
    model->genre_vectors = rs_alloc_array(n_genres, d * sizeof *model->genre_vectors);
    if (begin == NULL || items == NULL || sum == NULL || model->genre_vectors == NULL) {
        status = rs_error_nomem(loading->err, "genre vectors");
        goto done;
    }
    rs_memory_count(model->memory, n_genres, d * sizeof *model->genre_vectors);
    list_items(catalog, begin, items);
    for (size_t g = 0; g < n_genres; g++)
        mean_vector(model, items + begin[g], begin[g + 1] - begin[g], sum,
                    model->genre_vectors + g * d);
done:
    rs_free(sum);
    rs_free(items);
    rs_free(begin);
    return status;
}
