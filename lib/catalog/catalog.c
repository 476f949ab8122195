/* lib/catalog/catalog.c - the catalogue's arrays, filled from lines.
 *
 * Lines come in any order, and arrays are by position. So genres are first collected in the order
 * of the lines, with the place where each position's begin; when all lines are read, they are put
 * in the order of positions. Texts go into a pool; genres and languages, which repeat, are kept
 * once and numbered.
 */
#include "lib/catalog/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/text.h"
#include "lib/catalog/parse.h"
#include "lib/catalog/pool.h"

/* Behind rs_catalog.pool. */
struct texts {
    struct rs_pool pool;
    struct rs_names genres, languages;
};

/* Genres in the order of lines, while parsing. */
struct gathered {
    uint16_t *genres;
    size_t n, room;
    uint32_t *first;   /* by position: where its genres begin */
    uint8_t *n_genres; /* by position; at most RS_LINE_MAX_GENRES */
};

static recsys_status create(uint32_t n_items, struct rs_catalog **out, recsys_error *err)
{
    struct rs_catalog *catalog = rs_alloc_array(1, sizeof *catalog);

    *out = NULL;
    if (catalog == NULL)
        return rs_error_nomem(err, "catalogue");
    catalog->n_items = n_items;
    catalog->pool = rs_alloc_array(1, sizeof(struct texts));
    if (catalog->pool == NULL) {
        rs_catalog_destroy(catalog);
        return rs_error_nomem(err, "catalogue");
    }
    *out = catalog;
    return RECSYS_OK;
}

recsys_status rs_catalog_create_empty(uint32_t n_items, struct rs_catalog **out, recsys_error *err)
{
    return create(n_items, out, err);
}

void rs_catalog_destroy(struct rs_catalog *catalog)
{
    if (catalog == NULL)
        return;
    struct texts *texts = catalog->pool;
    rs_free(catalog->titles);
    rs_free(catalog->posters);
    rs_free(catalog->ratings);
    rs_free(catalog->years);
    rs_free(catalog->languages);
    rs_free(catalog->adult);
    rs_free(catalog->genre_offsets);
    rs_free(catalog->genre_ids);
    rs_free(catalog->genres);
    if (texts != NULL) {
        rs_names_destroy(&texts->genres);
        rs_names_destroy(&texts->languages);
        rs_pool_destroy(&texts->pool);
    }
    rs_free(texts);
    rs_free(catalog);
}

static int allocate(struct rs_catalog *catalog, struct gathered *gathered)
{
    size_t n = catalog->n_items;

    catalog->titles = rs_alloc_array(n, sizeof *catalog->titles);
    catalog->posters = rs_alloc_array(n, sizeof *catalog->posters);
    catalog->ratings = rs_alloc_array(n, sizeof *catalog->ratings);
    catalog->years = rs_alloc_array(n, sizeof *catalog->years);
    catalog->languages = rs_alloc_array(n, sizeof *catalog->languages);
    catalog->adult = rs_alloc_array(n, sizeof *catalog->adult);
    catalog->genre_offsets = rs_alloc_array(n + 1, sizeof *catalog->genre_offsets);
    gathered->first = rs_alloc_array(n, sizeof *gathered->first);
    gathered->n_genres = rs_alloc_array(n, sizeof *gathered->n_genres);
    if (catalog->titles == NULL || catalog->posters == NULL || catalog->ratings == NULL ||
        catalog->years == NULL || catalog->languages == NULL || catalog->adult == NULL ||
        catalog->genre_offsets == NULL || gathered->first == NULL || gathered->n_genres == NULL)
        return 0;
    for (size_t i = 0; i < n; i++)
        catalog->ratings[i] = -1.0f;
    return 1;
}

/* The number of a genre or language, which is added if it is new. */
static recsys_status number_name(struct texts *texts, struct rs_names *names, const char *name,
                                 const char *what, const char *where, uint32_t *number,
                                 recsys_error *err)
{
    int32_t found = rs_names_add(names, &texts->pool, name);

    if (found == -1)
        return rs_error_nomem(err, where);
    if (found < 0)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: more than %u different %s in one catalogue, which is the limit", where,
                        RS_NAMES_MAX, what);
    *number = (uint32_t)found;
    return RECSYS_OK;
}

static recsys_status take_genres(struct rs_catalog *catalog, struct gathered *gathered,
                                 const struct rs_line *line, uint32_t position, const char *where,
                                 recsys_error *err)
{
    struct texts *texts = catalog->pool;
    size_t first = gathered->n;

    if (gathered->room - gathered->n < line->n_genres) {
        size_t room = gathered->room * 2 + 1024;
        uint16_t *genres = rs_resize_array(gathered->genres, room, sizeof *genres);
        if (genres == NULL)
            return rs_error_nomem(err, where);
        gathered->genres = genres;
        gathered->room = room;
    }
    if (first > UINT32_MAX - RS_LINE_MAX_GENRES)
        return rs_error(err, RECSYS_E_FORMAT, "%s: more than %" PRIu32 " genres of items together",
                        where, UINT32_MAX - RS_LINE_MAX_GENRES);
    for (uint32_t i = 0; i < line->n_genres; i++) {
        uint32_t number = 0, twice = 0;
        recsys_status status =
            number_name(texts, &texts->genres, line->genres[i], "genres", where, &number, err);
        if (status != RECSYS_OK)
            return status;
        for (size_t j = first; j < gathered->n; j++)
            twice |= gathered->genres[j] == number;
        if (!twice) /* else the item would count twice in its genre's mean */
            gathered->genres[gathered->n++] = (uint16_t)number;
    }
    gathered->first[position] = (uint32_t)first;
    gathered->n_genres[position] = (uint8_t)(gathered->n - first);
    return RECSYS_OK;
}

static recsys_status take_language(struct rs_catalog *catalog, const char *language,
                                   uint32_t position, const char *where, recsys_error *err)
{
    struct texts *texts = catalog->pool;
    char lower[RS_LINE_MAX_LANGUAGE * 4 + 1];
    uint32_t number = 0;

    if (!rs_text_lower(language, lower, sizeof lower))
        return rs_error(err, RECSYS_E_INTERNAL, "%s: \"language\" is too long", where);
    recsys_status status =
        number_name(texts, &texts->languages, lower, "languages", where, &number, err);
    if (status == RECSYS_OK)
        catalog->languages[position] = (uint16_t)(number + 1);
    return status;
}

static recsys_status find_position(const struct rs_catalog *catalog, const struct rs_ids *items,
                                   recsys_id id, const char *where, uint32_t *position,
                                   recsys_error *err)
{
    uint32_t kind = id.text != NULL ? RECSYS_ID_KIND_TEXT : RECSYS_ID_KIND_INTEGER;
    int found = rs_ids_find(items, id, position);

    if (kind != items->kind)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"id\" is %s, but the model's item ids are %s",
                        where, id.text != NULL ? "a string" : "an integer",
                        id.text != NULL ? "integers" : "strings");
    if (found && catalog->titles[*position] == NULL)
        return RECSYS_OK;
    const char *problem = found ? "already has a line" : "is not in the model";
    if (id.text != NULL)
        return rs_error(err, RECSYS_E_FORMAT, "%s: item \"%s\" %s", where, id.text, problem);
    return rs_error(err, RECSYS_E_FORMAT, "%s: item %" PRIu64 " %s", where, id.number, problem);
}

static recsys_status take_line(struct rs_catalog *catalog, struct gathered *gathered,
                               const struct rs_line *line, const struct rs_ids *items,
                               const char *where, recsys_error *err)
{
    struct texts *texts = catalog->pool;
    uint32_t position = 0;
    recsys_status status = find_position(catalog, items, line->id, where, &position, err);

    if (status != RECSYS_OK)
        return status;
    status = take_genres(catalog, gathered, line, position, where, err);
    if (status == RECSYS_OK && line->language != NULL)
        status = take_language(catalog, line->language, position, where, err);
    if (status != RECSYS_OK)
        return status;
    catalog->titles[position] = rs_pool_add(&texts->pool, line->title, strlen(line->title));
    if (catalog->titles[position] == NULL)
        return rs_error_nomem(err, where);
    if (line->poster_url != NULL) {
        catalog->posters[position] =
            rs_pool_add(&texts->pool, line->poster_url, strlen(line->poster_url));
        if (catalog->posters[position] == NULL)
            return rs_error_nomem(err, where);
    }
    catalog->ratings[position] = line->rating;
    catalog->years[position] = line->release_year;
    catalog->adult[position] = (uint8_t)line->adult;
    catalog->n_adult += line->adult;
    catalog->n_known++;
    return RECSYS_OK;
}

/* From the order of lines to the order of positions. */
static int arrange_genres(struct rs_catalog *catalog, const struct gathered *gathered)
{
    const struct texts *texts = catalog->pool;
    uint32_t n = 0;

    catalog->genre_ids = rs_alloc_array(gathered->n, sizeof *catalog->genre_ids);
    catalog->genres = rs_alloc_array(gathered->n, sizeof *catalog->genres);
    if (catalog->genre_ids == NULL || catalog->genres == NULL)
        return 0;
    for (uint32_t position = 0; position < catalog->n_items; position++) {
        catalog->genre_offsets[position] = n;
        for (uint32_t i = 0; i < gathered->n_genres[position]; i++, n++) {
            uint16_t genre = gathered->genres[gathered->first[position] + i];
            catalog->genre_ids[n] = genre;
            catalog->genres[n] = texts->genres.list[genre];
        }
    }
    catalog->genre_offsets[catalog->n_items] = n;
    catalog->genre_names = texts->genres.list;
    catalog->n_genres = texts->genres.n;
    catalog->language_names = texts->languages.list;
    catalog->n_languages = texts->languages.n;
    return 1;
}

recsys_status rs_catalog_parse(const char *bytes, size_t size, const char *where,
                               const struct rs_ids *items, struct rs_catalog **out,
                               recsys_error *err)
{
    struct rs_lines lines = {bytes, size, 0};
    struct gathered gathered = {NULL, 0, 0, NULL, NULL};
    struct rs_catalog *catalog = NULL;
    const char *text;
    size_t length;
    recsys_status status = create(items->n, &catalog, err);

    *out = NULL;
    if (status != RECSYS_OK)
        return status;
    if (!allocate(catalog, &gathered)) {
        status = rs_error_nomem(err, where);
        goto fail;
    }
    while (rs_lines_next(&lines, &text, &length)) {
        struct rs_line line;
        char here[160];
        snprintf(here, sizeof here, "%.100s line %" PRIu64, where, lines.number);
        status = rs_line_parse(text, length, here, &line, err);
        if (status == RECSYS_OK)
            status = take_line(catalog, &gathered, &line, items, here, err);
        rs_line_destroy(&line);
        if (status != RECSYS_OK)
            goto fail;
    }
    if (!arrange_genres(catalog, &gathered)) {
        status = rs_error_nomem(err, where);
        goto fail;
    }
    *out = catalog;
    catalog = NULL;
fail:
    rs_free(gathered.genres);
    rs_free(gathered.first);
    rs_free(gathered.n_genres);
    rs_catalog_destroy(catalog);
    return status;
}

void rs_catalog_fill(const struct rs_catalog *catalog, uint32_t position, recsys_item *out)
{
    memset(out, 0, sizeof *out);
    out->struct_size = (uint32_t)sizeof *out;
    out->title = "";
    out->rating = -1.0f;
    if (catalog->n_known == 0 || position >= catalog->n_items || catalog->titles[position] == NULL)
        return;
    uint32_t first = catalog->genre_offsets[position];
    out->known = 1;
    out->title = catalog->titles[position];
    out->n_genres = catalog->genre_offsets[position + 1] - first;
    out->genres = out->n_genres > 0 ? catalog->genres + first : NULL;
    out->poster_url = catalog->posters[position];
    if (catalog->languages[position] != 0)
        out->language = catalog->language_names[catalog->languages[position] - 1];
    out->release_year = catalog->years[position];
    out->rating = catalog->ratings[position];
    out->adult = catalog->adult[position];
}

int32_t rs_catalog_find_genre(const struct rs_catalog *catalog, const char *name)
{
    const struct texts *texts = catalog->pool;

    return rs_names_find(&texts->genres, name);
}

int32_t rs_catalog_find_language(const struct rs_catalog *catalog, const char *name)
{
    const struct texts *texts = catalog->pool;

    return rs_names_find(&texts->languages, name);
}
