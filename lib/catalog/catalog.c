/* lib/catalog/catalog.c - an item's entry in the columns, and the memory behind them.
 *
 * The columns come from JSON Lines (lines.c) or from a bundle's file (columns.c). Items give their
 * genres as texts, which no file can hold as pointers: they are made here, once for every list of
 * genres that occurs, not once for every item.
 */
#include "lib/catalog/catalog.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/catalog/catalog_memory.h"

recsys_status rs_catalog_create(uint32_t n_items, struct rs_catalog **out, recsys_error *err)
{
    struct rs_catalog *catalog = rs_alloc_array(1, sizeof *catalog);

    *out = NULL;
    if (catalog == NULL)
        return rs_error_nomem(err, "catalogue");
    catalog->n_items = n_items;
    catalog->memory = rs_alloc_array(1, sizeof *catalog->memory);
    if (catalog->memory == NULL) {
        rs_free(catalog);
        return rs_error_nomem(err, "catalogue");
    }
    *out = catalog;
    return RECSYS_OK;
}

void rs_catalog_destroy(struct rs_catalog *catalog)
{
    if (catalog == NULL)
        return;
    rs_catalog_memory_destroy(catalog->memory);
    rs_free(catalog);
}

uint64_t rs_catalog_bytes(const struct rs_catalog *catalog)
{
    return catalog->memory->n_bytes;
}

int rs_catalog_name(struct rs_catalog *catalog)
{
    struct rs_catalog_memory *memory = catalog->memory;
    size_t n = catalog->n_lists == 0 ? 0 : (size_t)catalog->list_offsets[catalog->n_lists];

    catalog->genre_names = memory->genres.list;
    catalog->n_genres = memory->genres.n;
    catalog->language_names = memory->languages.list;
    catalog->n_languages = memory->languages.n;
    catalog->list_names = rs_catalog_take(catalog->memory, n, sizeof *catalog->list_names);
    if (catalog->list_names == NULL)
        return 0;
    for (size_t i = 0; i < n; i++)
        catalog->list_names[i] = catalog->genre_names[catalog->list_genres[i]];
    return 1;
}

static const char *text_at(const struct rs_text_column *column, uint32_t position)
{
    return column->bytes + column->starts[position];
}

void rs_catalog_fill(const struct rs_catalog *catalog, uint32_t position, recsys_item *out)
{
    uint32_t n_genres;

    memset(out, 0, sizeof *out);
    out->struct_size = (uint32_t)sizeof *out;
    out->title = "";
    out->rating = -1.0f;
    if (catalog->n_known == 0 || position >= catalog->n_items || !catalog->known[position])
        return;
    const uint32_t *genres = rs_catalog_genres(catalog, position, &n_genres);
    const char *poster = text_at(&catalog->posters, position);
    out->known = 1;
    out->title = text_at(&catalog->titles, position);
    out->n_genres = n_genres;
    out->genres = n_genres > 0 ? catalog->list_names + (genres - catalog->list_genres) : NULL;
    out->poster_url = *poster != '\0' ? poster : NULL;
    if (catalog->languages[position] != 0)
        out->language = catalog->language_names[catalog->languages[position] - 1];
    out->release_year = catalog->years[position];
    out->rating = catalog->ratings[position];
    out->adult = catalog->adult[position];
}

int32_t rs_catalog_find_genre(const struct rs_catalog *catalog, const char *name)
{
    return rs_names_find(&catalog->memory->genres, name);
}

int32_t rs_catalog_find_language(const struct rs_catalog *catalog, const char *name)
{
    return rs_names_find(&catalog->memory->languages, name);
}
