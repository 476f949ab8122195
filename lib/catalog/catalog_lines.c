/* lib/catalog/catalog_lines.c - the catalogue's columns, filled from JSON Lines.
 *
 * Lines come in any order, and columns are by position. Texts are kept one behind the other in the
 * order of lines, and each position knows where its own begin; byte 0 is the text of an item
 * without one. Genres and languages, which repeat, are kept once and numbered.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/text.h"
#include "lib/catalog/catalog.h"
#include "lib/catalog/catalog_memory.h"
#include "lib/catalog/genre_lists.h"
#include "lib/catalog/parse.h"

/* The columns while they are filled. */
struct filling {
    struct rs_catalog *catalog;
    uint8_t *known, *adult;
    uint64_t *titles, *posters;
    float *ratings;
    int32_t *years;
    uint32_t *languages, *genre_lists;
    struct rs_buffer texts;
    struct rs_genre_lists lists;
};

static int begin(struct filling *filling)
{
    struct rs_catalog *catalog = filling->catalog;
    size_t n = catalog->n_items;

    rs_buffer_init(&filling->texts, SIZE_MAX / 2);
    rs_buffer_add(&filling->texts, "", 1);
    filling->known = rs_catalog_take(catalog->memory, n, sizeof *filling->known);
    filling->adult = rs_catalog_take(catalog->memory, n, sizeof *filling->adult);
    filling->titles = rs_catalog_take(catalog->memory, n, sizeof *filling->titles);
    filling->posters = rs_catalog_take(catalog->memory, n, sizeof *filling->posters);
    filling->ratings = rs_catalog_take(catalog->memory, n, sizeof *filling->ratings);
    filling->years = rs_catalog_take(catalog->memory, n, sizeof *filling->years);
    filling->languages = rs_catalog_take(catalog->memory, n, sizeof *filling->languages);
    filling->genre_lists = rs_catalog_take(catalog->memory, n, sizeof *filling->genre_lists);
    /* List 0 is that of items without genres. */
    if (filling->known == NULL || filling->adult == NULL || filling->titles == NULL ||
        filling->posters == NULL || filling->ratings == NULL || filling->years == NULL ||
        filling->languages == NULL || filling->genre_lists == NULL ||
        rs_genre_lists_add(&filling->lists, NULL, 0) != 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        filling->ratings[i] = -1.0f;
    return 1;
}

/* The catalogue takes over what was filled; 0 = no memory. */
static int finish(struct filling *filling)
{
    struct rs_catalog *catalog = filling->catalog;
    struct rs_genre_lists *lists = &filling->lists;

    if (filling->texts.status != RECSYS_OK)
        return 0;
    catalog->known = filling->known;
    catalog->adult = filling->adult;
    catalog->ratings = filling->ratings;
    catalog->years = filling->years;
    catalog->languages = filling->languages;
    catalog->genre_lists = filling->genre_lists;
    catalog->titles =
        (struct rs_text_column){filling->texts.bytes, filling->texts.size, filling->titles};
    catalog->posters =
        (struct rs_text_column){filling->texts.bytes, filling->texts.size, filling->posters};
    catalog->list_offsets = lists->offsets;
    catalog->list_genres = lists->numbers;
    catalog->n_lists = lists->n;
    rs_catalog_own(catalog->memory, filling->texts.bytes, filling->texts.room);
    rs_catalog_own(catalog->memory, lists->offsets, lists->room * sizeof *lists->offsets);
    rs_catalog_own(catalog->memory, lists->numbers, lists->numbers_room * sizeof *lists->numbers);
    filling->texts.bytes = NULL;
    lists->offsets = NULL;
    lists->numbers = NULL;
    return rs_catalog_name(catalog);
}

/* The number of a genre or language, which is added if it is new. */
static recsys_status number_name(struct rs_catalog *catalog, struct rs_names *names,
                                 const char *name, const char *what, const char *where,
                                 uint32_t *number, recsys_error *err)
{
    int32_t found = rs_names_add(names, &catalog->memory->pool, name);

    if (found == -1)
        return rs_error_nomem(err, where);
    if (found < 0)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: more than %u different %s in one catalogue, which is the limit", where,
                        RS_NAMES_MAX, what);
    *number = (uint32_t)found;
    return RECSYS_OK;
}

static recsys_status take_genres(struct filling *filling, const struct rs_line *line,
                                 uint32_t position, const char *where, recsys_error *err)
{
    struct rs_catalog *catalog = filling->catalog;
    uint32_t numbers[RS_LINE_MAX_GENRES], n = 0;

    for (uint32_t i = 0; i < line->n_genres; i++) {
        uint32_t number = 0, twice = 0;
        recsys_status status = number_name(catalog, &catalog->memory->genres, line->genres[i],
                                           "genres", where, &number, err);
        if (status != RECSYS_OK)
            return status;
        for (uint32_t j = 0; j < n; j++)
            twice |= numbers[j] == number;
        if (!twice) /* else the item would count twice in its genre's mean */
            numbers[n++] = number;
    }
    int64_t list = rs_genre_lists_add(&filling->lists, numbers, n);
    if (list < 0)
        return rs_error_nomem(err, where);
    filling->genre_lists[position] = (uint32_t)list;
    return RECSYS_OK;
}

static recsys_status take_language(struct filling *filling, const char *language, uint32_t position,
                                   const char *where, recsys_error *err)
{
    struct rs_catalog *catalog = filling->catalog;
    char lower[RS_LINE_MAX_LANGUAGE * 4 + 1];
    uint32_t number = 0;

    if (!rs_text_lower(language, lower, sizeof lower))
        return rs_error(err, RECSYS_E_INTERNAL, "%s: \"language\" is too long", where);
    recsys_status status =
        number_name(catalog, &catalog->memory->languages, lower, "languages", where, &number, err);
    if (status == RECSYS_OK)
        filling->languages[position] = number + 1;
    return status;
}

static recsys_status find_position(const struct filling *filling, const struct rs_ids *items,
                                   recsys_id id, const char *where, uint32_t *position,
                                   recsys_error *err)
{
    uint32_t kind = id.text != NULL ? RECSYS_ID_KIND_TEXT : RECSYS_ID_KIND_INTEGER;
    int found = rs_ids_find(items, id, position);

    if (kind != items->kind)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"id\" is %s, but the model's item ids are %s",
                        where, id.text != NULL ? "a string" : "an integer",
                        id.text != NULL ? "integers" : "strings");
    if (found && !filling->known[*position])
        return RECSYS_OK;
    const char *problem = found ? "already has a line" : "is not in the model";
    if (id.text != NULL)
        return rs_error(err, RECSYS_E_FORMAT, "%s: item \"%s\" %s", where, id.text, problem);
    return rs_error(err, RECSYS_E_FORMAT, "%s: item %" PRIu64 " %s", where, id.number, problem);
}

/* Where the text begins; 0 for none. */
static uint64_t add_text(struct filling *filling, const char *text)
{
    uint64_t start = filling->texts.size;

    if (text == NULL || *text == '\0')
        return 0;
    rs_buffer_add(&filling->texts, text, strlen(text) + 1);
    return start;
}

static recsys_status take_line(struct filling *filling, const struct rs_line *line,
                               const struct rs_ids *items, const char *where, recsys_error *err)
{
    uint32_t position = 0;
    recsys_status status = find_position(filling, items, line->id, where, &position, err);

    if (status == RECSYS_OK)
        status = take_genres(filling, line, position, where, err);
    if (status == RECSYS_OK && line->language != NULL)
        status = take_language(filling, line->language, position, where, err);
    if (status != RECSYS_OK)
        return status;
    filling->titles[position] = add_text(filling, line->title);
    filling->posters[position] = add_text(filling, line->poster_url);
    if (filling->texts.status != RECSYS_OK)
        return rs_error_nomem(err, where);
    filling->ratings[position] = line->rating;
    filling->years[position] = line->release_year;
    filling->adult[position] = (uint8_t)line->adult;
    filling->known[position] = 1;
    filling->catalog->n_adult += line->adult;
    filling->catalog->n_known++;
    return RECSYS_OK;
}

static recsys_status take_lines(struct filling *filling, struct rs_lines *lines, const char *where,
                                const struct rs_ids *items, recsys_error *err)
{
    const char *text;
    size_t length;
    recsys_status status = RECSYS_OK;

    while (status == RECSYS_OK && rs_lines_next(lines, &text, &length)) {
        struct rs_line line;
        char here[160];
        snprintf(here, sizeof here, "%.100s line %" PRIu64, where, lines->number);
        status = rs_line_parse(text, length, here, &line, err);
        if (status == RECSYS_OK)
            status = take_line(filling, &line, items, here, err);
        rs_line_destroy(&line);
    }
    return status;
}

recsys_status rs_catalog_parse(const char *bytes, size_t size, const char *where,
                               const struct rs_ids *items, struct rs_catalog **out,
                               recsys_error *err)
{
    struct rs_lines lines = {bytes, size, 0};
    struct filling filling = {0};

    *out = NULL;
    recsys_status status = rs_catalog_create(items->n, &filling.catalog, err);
    if (status != RECSYS_OK)
        return status;
    if (!begin(&filling))
        status = rs_error_nomem(err, where);
    if (status == RECSYS_OK)
        status = take_lines(&filling, &lines, where, items, err);
    if (status == RECSYS_OK && !finish(&filling))
        status = rs_error_nomem(err, where);
    rs_buffer_destroy(&filling.texts);
    rs_genre_lists_destroy(&filling.lists);
    if (status == RECSYS_OK)
        *out = filling.catalog;
    else
        rs_catalog_destroy(filling.catalog);
    return status;
}

void rs_catalog_get_line(const struct rs_catalog *catalog, const struct rs_ids *items,
                         uint32_t position, struct rs_line *out)
{
    recsys_item item;

    rs_catalog_fill(catalog, position, &item);
    memset(out, 0, sizeof *out);
    out->id = rs_ids_get(items, position);
    out->title = item.title;
    out->poster_url = item.poster_url;
    out->language = item.language;
    for (uint32_t i = 0; i < item.n_genres; i++)
        out->genres[out->n_genres++] = item.genres[i];
    out->release_year = item.release_year;
    out->rating = item.rating;
    out->adult = item.adult;
}
