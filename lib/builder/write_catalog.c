/* lib/builder/write_catalog.c - the catalogue's lines as the columns of catalog.safetensors.
 *
 * The lines are parsed as the loader parses those of format 1, which gives the columns by position.
 * In the file texts stand in the order of the rows, and genres, their lists and languages are
 * numbered as they first occur in the rows: so the order of the lines leaves no trace, and the same
 * catalogue always gives the same bytes.
 */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/builder/write_files.h"
#include "lib/formats/tensors.h"

/* Texts from a column, or from a list of names. */
struct texts {
    const struct rs_text_column *column;
    const char *const *names;
    uint64_t n;
};

static const char *get_text(const struct texts *texts, uint64_t row)
{
    return texts->column != NULL ? texts->column->bytes + texts->column->starts[row]
                                 : texts->names[row];
}

static recsys_status add_texts(struct rs_plan *plan, struct rs_sources *sources, const char *name,
                               const char *offsets_name, const struct texts *texts,
                               recsys_error *err)
{
    uint64_t *offsets = rs_plan_own(plan, rs_alloc_array((size_t)texts->n + 1, sizeof *offsets));

    if (offsets == NULL)
        return rs_error_nomem(err, "catalogue");
    for (uint64_t row = 0; row < texts->n; row++)
        offsets[row + 1] = offsets[row] + strlen(get_text(texts, row)) + 1;
    char *bytes = rs_plan_own(plan, rs_alloc((size_t)offsets[texts->n]));
    if (bytes == NULL)
        return rs_error_nomem(err, "catalogue");
    for (uint64_t row = 0; row < texts->n; row++)
        memcpy(bytes + offsets[row], get_text(texts, row),
               (size_t)(offsets[row + 1] - offsets[row]));
    rs_sources_add(sources, name, RECSYS_DTYPE_U8, bytes, offsets[texts->n], 0, NULL);
    rs_sources_add(sources, offsets_name, RECSYS_DTYPE_U64, offsets, texts->n + 1, 0, NULL);
    return RECSYS_OK;
}

/* Numbers in the order of the rows. */
struct numbering {
    uint32_t *genres, *languages, *lists; /* by old number: the new one + 1; 0 = not met yet */
    const char **genre_names, **language_names;
    uint32_t n_genres, n_languages, n_lists;
    uint32_t *row_lists, *row_languages, *list_genres;
    uint64_t *list_offsets;
};

static void *take(struct rs_plan *plan, size_t n, size_t size)
{
    return rs_plan_own(plan, rs_alloc_array(n, size));
}

static int begin_numbering(const struct rs_catalog *catalog, struct rs_plan *plan,
                           struct numbering *out)
{
    size_t n = catalog->n_items, n_lists = catalog->n_lists;

    return (out->genres = take(plan, catalog->n_genres, sizeof *out->genres)) != NULL &&
           (out->genre_names = take(plan, catalog->n_genres, sizeof *out->genre_names)) != NULL &&
           (out->languages = take(plan, catalog->n_languages, sizeof *out->languages)) != NULL &&
           (out->language_names = take(plan, catalog->n_languages, sizeof *out->language_names)) !=
               NULL &&
           (out->lists = take(plan, n_lists, sizeof *out->lists)) != NULL &&
           (out->list_offsets = take(plan, n_lists + 1, sizeof *out->list_offsets)) != NULL &&
           (out->list_genres = take(plan, (size_t)catalog->list_offsets[n_lists],
                                    sizeof *out->list_genres)) != NULL &&
           (out->row_lists = take(plan, n, sizeof *out->row_lists)) != NULL &&
           (out->row_languages = take(plan, n, sizeof *out->row_languages)) != NULL;
}

static uint32_t number_genre(const struct rs_catalog *catalog, struct numbering *out,
                             uint32_t genre)
{
    if (out->genres[genre] == 0) {
        out->genre_names[out->n_genres] = catalog->genre_names[genre];
        out->genres[genre] = ++out->n_genres;
    }
    return out->genres[genre] - 1;
}

static uint32_t number_list(const struct rs_catalog *catalog, struct numbering *out, uint32_t list)
{
    if (out->lists[list] == 0) {
        uint64_t at = out->list_offsets[out->n_lists];
        for (uint64_t i = catalog->list_offsets[list]; i < catalog->list_offsets[list + 1u]; i++)
            out->list_genres[at++] = number_genre(catalog, out, catalog->list_genres[i]);
        out->lists[list] = ++out->n_lists;
        out->list_offsets[out->n_lists] = at;
    }
    return out->lists[list] - 1;
}

static uint32_t number_language(const struct rs_catalog *catalog, struct numbering *out,
                                uint32_t language)
{
    if (language == 0)
        return 0;
    if (out->languages[language - 1] == 0) {
        out->language_names[out->n_languages] = catalog->language_names[language - 1];
        out->languages[language - 1] = ++out->n_languages;
    }
    return out->languages[language - 1];
}

/* List 0 stays the empty one, whether an item has it or not. */
static void number_rows(const struct rs_catalog *catalog, struct numbering *out)
{
    (void)number_list(catalog, out, 0);
    for (uint32_t row = 0; row < catalog->n_items; row++) {
        out->row_lists[row] = number_list(catalog, out, catalog->genre_lists[row]);
        out->row_languages[row] = number_language(catalog, out, catalog->languages[row]);
    }
}

static void add_numbers(const struct rs_catalog *catalog, const struct numbering *numbering,
                        struct rs_sources *sources)
{
    uint64_t n = catalog->n_items, n_lists = numbering->n_lists;

    rs_sources_add(sources, "known", RECSYS_DTYPE_U8, catalog->known, n, 0, NULL);
    rs_sources_add(sources, "adult", RECSYS_DTYPE_U8, catalog->adult, n, 0, NULL);
    rs_sources_add(sources, "rating", RECSYS_DTYPE_F32, catalog->ratings, n, 0, NULL);
    rs_sources_add(sources, "release_year", RECSYS_DTYPE_I32, catalog->years, n, 0, NULL);
    rs_sources_add(sources, "language", RECSYS_DTYPE_U32, numbering->row_languages, n, 0, NULL);
    rs_sources_add(sources, "genres", RECSYS_DTYPE_U32, numbering->row_lists, n, 0, NULL);
    rs_sources_add(sources, "genre_lists", RECSYS_DTYPE_U32, numbering->list_genres,
                   numbering->list_offsets[n_lists], 0, NULL);
    rs_sources_add(sources, "genre_lists_offsets", RECSYS_DTYPE_U64, numbering->list_offsets,
                   n_lists + 1, 0, NULL);
}

recsys_status rs_bundle_read_catalog(struct rs_bundle *bundle, const struct rs_buffer *lines,
                                     recsys_error *err)
{
    if (lines->size == 0)
        return RECSYS_OK;
    return rs_catalog_parse(lines->bytes, lines->size, "catalogue", &bundle->plan.item_ids,
                            &bundle->catalog, err);
}

recsys_status rs_bundle_add_catalog(struct rs_bundle *bundle, recsys_error *err)
{
    const struct rs_catalog *catalog = bundle->catalog;
    struct rs_plan *plan = &bundle->plan;
    struct rs_sources sources = {.n = 0};
    struct numbering numbering = {0};
    recsys_status status;

    if (catalog == NULL)
        return RECSYS_OK;
    if (!begin_numbering(catalog, plan, &numbering))
        return rs_error_nomem(err, "catalogue");
    number_rows(catalog, &numbering);
    const struct texts titles = {&catalog->titles, NULL, catalog->n_items},
                       posters = {&catalog->posters, NULL, catalog->n_items},
                       genres = {NULL, numbering.genre_names, numbering.n_genres},
                       languages = {NULL, numbering.language_names, numbering.n_languages};
    add_numbers(catalog, &numbering, &sources);
    if ((status = add_texts(plan, &sources, "title", "title_offsets", &titles, err)) != RECSYS_OK ||
        (status = add_texts(plan, &sources, "poster_url", "poster_url_offsets", &posters, err)) !=
            RECSYS_OK ||
        (status = add_texts(plan, &sources, "genre_names", "genre_names_offsets", &genres, err)) !=
            RECSYS_OK ||
        (status = add_texts(plan, &sources, "language_names", "language_names_offsets", &languages,
                            err)) != RECSYS_OK)
        return status;
    return rs_bundle_add_tensors(bundle, RS_FILE_CATALOG, &sources, err);
}
