/* lib/model/genre_items.c - the items of each genre, for preferences.
 *
 * A request with a favourite genre asks for the best items of that genre. Of a genre with few items
 * the scan looks at this list alone. Positions stand in ascending order, one genre after another.
 */
#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/model/loading.h"

/* A line of the catalogue may name a genre twice. */
static int is_repeated(const uint32_t *genres, uint32_t i)
{
    for (uint32_t before = 0; before < i; before++)
        if (genres[before] == genres[i])
            return 1;
    return 0;
}

/* Returns the length of all lists together. */
static uint64_t count_items(const struct rs_catalog *catalog, uint64_t *begin)
{
    for (uint32_t p = 0; p < catalog->n_items; p++) {
        uint32_t n;
        const uint32_t *genres = rs_catalog_genres(catalog, p, &n);
        for (uint32_t i = 0; i < n; i++)
            begin[genres[i] + 1] += !is_repeated(genres, i);
    }
    for (uint32_t g = 0; g < catalog->n_genres; g++)
        begin[g + 1] += begin[g];
    return begin[catalog->n_genres];
}

/* begin[g] moves to the end of its list, which is where the next begins. */
static void fill(const struct rs_catalog *catalog, uint64_t *begin, uint32_t *items)
{
    for (uint32_t p = 0; p < catalog->n_items; p++) {
        uint32_t n;
        const uint32_t *genres = rs_catalog_genres(catalog, p, &n);
        for (uint32_t i = 0; i < n; i++)
            if (!is_repeated(genres, i))
                items[begin[genres[i]]++] = p;
    }
    for (uint32_t g = catalog->n_genres; g > 0; g--)
        begin[g] = begin[g - 1];
    begin[0] = 0;
}

recsys_status rs_load_genre_items(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    const struct rs_catalog *catalog = model->catalog;
    size_t n_begin = (size_t)catalog->n_genres + 1;

    if (catalog->n_genres == 0)
        return RECSYS_OK;
    model->genre_begin = rs_alloc_array(n_begin, sizeof *model->genre_begin);
    if (model->genre_begin == NULL)
        return rs_error_nomem(loading->err, "lists of genres");
    uint64_t n = count_items(catalog, model->genre_begin);
    model->genre_items = rs_alloc_array((size_t)n, sizeof *model->genre_items);
    if (model->genre_items == NULL)
        return rs_error_nomem(loading->err, "lists of genres");
    rs_memory_count(model->memory, n_begin, sizeof *model->genre_begin);
    rs_memory_count(model->memory, (size_t)n, sizeof *model->genre_items);
    fill(catalog, model->genre_begin, model->genre_items);
    return RECSYS_OK;
}
