/* lib/catalog/catalog_columns.c - use the columns of a catalogue's file where they are.
 *
 * A file may say anything, so every value is checked once: texts are UTF-8 and fill their bytes,
 * numbers are in range, lists and names are there. The checks run over whole columns and
 * only say whether something is wrong; what it is, is searched for a second time, for the message.
 * So a million items cost milliseconds and not the seconds that JSON takes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/catalog/catalog.h"
#include "lib/catalog/catalog_memory.h"
#include "lib/catalog/parse.h"

struct checking {
    const struct rs_catalog_columns *columns;
    struct rs_catalog *catalog;
    const char *where;
    recsys_error *err;
};

static recsys_status bad(const struct checking *checking, const char *column, uint64_t row,
                         const char *problem)
{
    return rs_error(checking->err, RECSYS_E_FORMAT, "%s: %s[%" PRIu64 "] %s", checking->where,
                    column, row, problem);
}

/* Why a text of a column is refused; NULL if it is not. */
static const char *text_problem(const struct rs_text_column *texts, uint64_t row)
{
    uint64_t from = texts->starts[row], to = texts->starts[row + 1];

    if (to <= from || to > texts->n_bytes)
        return "has offsets that do not ascend to the number of bytes";
    if (to - from > RS_LINE_MAX_BYTES)
        return "is longer than 65535 bytes";
    if (texts->bytes[to - 1] != '\0')
        return "does not end in a NUL";
    if (!rs_utf8_is_valid(texts->bytes + from, (size_t)(to - from) - 1))
        return "is not UTF-8 text";
    return NULL;
}

static recsys_status check_texts(const struct checking *checking,
                                 const struct rs_text_column *texts, uint64_t n, const char *column)
{
    const uint64_t *starts = texts->starts;
    uint64_t wrong = starts[0] != 0 || starts[n] != texts->n_bytes;

    for (uint64_t row = 0; row < n; row++)
        wrong |= starts[row + 1] - starts[row] - 1 >= RS_LINE_MAX_BYTES;
    for (uint64_t row = 0; !wrong && row < n; row++)
        wrong |= texts->bytes[starts[row + 1] - 1] != '\0';
    /* With a NUL at each end and no more of them there is none inside. */
    if (!wrong && rs_utf8_count_texts(texts->bytes, (size_t)texts->n_bytes) == n)
        return RECSYS_OK;
    for (uint64_t row = 0; row < n; row++) {
        const char *problem = text_problem(texts, row);
        if (problem != NULL)
            return bad(checking, column, row, problem);
    }
    return rs_error(checking->err, RECSYS_E_FORMAT,
                    "%s: %s: offsets go from %" PRIu64 " to %" PRIu64 ", want 0 to %" PRIu64,
                    checking->where, column, starts[0], starts[n], texts->n_bytes);
}

/* The names of a dictionary, each once. They are used where they are. */
static recsys_status take_names(const struct checking *checking, const struct rs_text_column *texts,
                                uint64_t n, struct rs_names *names, const char *column)
{
    if (n > RS_NAMES_MAX)
        return rs_error(checking->err, RECSYS_E_FORMAT, "%s: %s has %" PRIu64 " names, at most %u",
                        checking->where, column, n, RS_NAMES_MAX);
    recsys_status status = check_texts(checking, texts, n, column);
    for (uint64_t row = 0; row < n && status == RECSYS_OK; row++) {
        const char *name = texts->bytes + texts->starts[row];
        if (*name == '\0')
            return bad(checking, column, row, "is empty");
        if (rs_names_find(names, name) >= 0)
            return bad(checking, column, row, "is there twice");
        if (rs_names_add(names, NULL, name) < 0)
            return rs_error_nomem(checking->err, checking->where);
    }
    return status;
}

static recsys_status check_languages(const struct checking *checking)
{
    const struct rs_names *names = &checking->catalog->memory->languages;

    for (uint32_t i = 0; i < names->n; i++) {
        char lower[RS_LINE_MAX_LANGUAGE * 4 + 1];
        if (rs_utf8_count(names->list[i]) > RS_LINE_MAX_LANGUAGE ||
            !rs_text_lower(names->list[i], lower, sizeof lower) ||
            strcmp(lower, names->list[i]) != 0)
            return bad(checking, "language_names", i, "must have 1..16 characters, in lower case");
    }
    return RECSYS_OK;
}

/* Every list: at most 64 genres, none twice. `seen` has a place for each genre. */
static recsys_status check_lists(const struct checking *checking, uint32_t *seen)
{
    const struct rs_catalog_columns *columns = checking->columns;
    const uint64_t *offsets = columns->list_offsets;

    if (offsets[0] != 0 || offsets[columns->n_lists] != columns->n_list_genres)
        return rs_error(
            checking->err, RECSYS_E_FORMAT,
            "%s: genre_lists: offsets go from %" PRIu64 " to %" PRIu64 ", want 0 to %" PRIu64,
            checking->where, offsets[0], offsets[columns->n_lists], columns->n_list_genres);
    for (uint64_t list = 0; list < columns->n_lists; list++) {
        if (offsets[list + 1] - offsets[list] > RS_LINE_MAX_GENRES)
            return bad(checking, "genre_lists_offsets", list,
                       "does not begin a list of at most 64 genres");
        if (offsets[list + 1] > columns->n_list_genres)
            return bad(checking, "genre_lists_offsets", list + 1, "is beyond genre_lists");
        for (uint64_t i = offsets[list]; i < offsets[list + 1]; i++) {
            uint32_t genre = columns->list_genres[i];
            if (genre >= columns->n_genres)
                return bad(checking, "genre_lists", i, "is no number of genre_names");
            if (seen[genre] == (uint32_t)list + 1)
                return bad(checking, "genre_lists", i, "is in the same list twice");
            seen[genre] = (uint32_t)list + 1;
        }
    }
    return RECSYS_OK;
}

static recsys_status take_lists(const struct checking *checking)
{
    const struct rs_catalog_columns *columns = checking->columns;

    if (columns->n_lists >= UINT32_MAX)
        return rs_error(checking->err, RECSYS_E_FORMAT,
                        "%s: %" PRIu64 " lists of genres are too many", checking->where,
                        columns->n_lists);
    uint32_t *seen = rs_alloc_array((size_t)columns->n_genres, sizeof *seen);
    if (seen == NULL)
        return rs_error_nomem(checking->err, checking->where);
    recsys_status status = check_lists(checking, seen);
    rs_free(seen);
    checking->catalog->list_offsets = columns->list_offsets;
    checking->catalog->list_genres = columns->list_genres;
    checking->catalog->n_lists = (uint32_t)columns->n_lists;
    return status;
}

/* The bits of -1 and of every float from 0 to 10. */
static int is_rating(float rating)
{
    uint32_t bits;

    memcpy(&bits, &rating, sizeof bits);
    return bits == 0xBF800000u || bits <= 0x41200000u;
}

/* 1 if an item without an entry has nothing else. */
static int is_empty(const struct rs_catalog_columns *columns, uint32_t row)
{
    const uint64_t *titles = columns->titles.starts, *posters = columns->posters.starts;
    const uint64_t *list = columns->list_offsets + columns->genre_lists[row];

    return (titles[row + 1u] - titles[row] == 1) & (posters[row + 1u] - posters[row] == 1) &
           (columns->ratings[row] < 0) & (columns->years[row] == 0) &
           (columns->languages[row] == 0) & (columns->adult[row] == 0) & (list[0] == list[1]);
}

/* The column in which this row has a value that cannot be, and why; NULL = none. */
static const char *row_problem(const struct rs_catalog_columns *columns, uint32_t row,
                               const char **problem)
{
    *problem = "is neither 0 nor 1";
    if (columns->known[row] > 1)
        return "known";
    if (columns->adult[row] > 1)
        return "adult";
    *problem = "must be -1 (unknown) or 0 to 10";
    if (!is_rating(columns->ratings[row]))
        return "rating";
    *problem = "must be 0 (unknown) to 9999";
    if ((uint32_t)columns->years[row] > 9999)
        return "release_year";
    *problem = "must be 0 (unknown) or the number of a name, counted from 1";
    if (columns->languages[row] > columns->n_languages)
        return "language";
    *problem = "is no number of a list";
    if (columns->genre_lists[row] >= columns->n_lists)
        return "genres";
    *problem = "is 0, but this item has a title, a genre or another attribute";
    return columns->known[row] || is_empty(columns, row) ? NULL : "known";
}

static recsys_status check_rows(const struct checking *checking)
{
    const struct rs_catalog_columns *columns = checking->columns;
    struct rs_catalog *catalog = checking->catalog;
    uint32_t n_known = 0, n_adult = 0;

    for (uint32_t row = 0; row < catalog->n_items; row++) {
        const char *problem, *column = row_problem(columns, row, &problem);
        if (column != NULL)
            return bad(checking, column, row, problem);
        n_known += columns->known[row];
        n_adult += columns->adult[row];
    }
    catalog->n_known = n_known;
    catalog->n_adult = n_adult;
    return RECSYS_OK;
}

/* A column of numbers of `size` bytes by position: the file's own, or a copy in that order. */
static const void *by_position(const struct checking *checking, const void *column, size_t size,
                               const uint32_t *order, int *failed)
{
    uint32_t n = checking->catalog->n_items;

    if (order == NULL)
        return column;
    unsigned char *copy = rs_catalog_take(checking->catalog->memory, n, size);
    if (copy == NULL) {
        *failed = 1;
        return NULL;
    }
    for (size_t p = 0; p < n; p++)
        memcpy(copy + p * size, (const unsigned char *)column + order[p] * size, size);
    return copy;
}

static recsys_status take_columns(const struct checking *checking, const uint32_t *order)
{
    const struct rs_catalog_columns *columns = checking->columns;
    struct rs_catalog *catalog = checking->catalog;
    int failed = 0;

    catalog->titles = columns->titles;
    catalog->posters = columns->posters;
    catalog->titles.starts = by_position(checking, columns->titles.starts, 8, order, &failed);
    catalog->posters.starts = by_position(checking, columns->posters.starts, 8, order, &failed);
    catalog->known = by_position(checking, columns->known, 1, order, &failed);
    catalog->adult = by_position(checking, columns->adult, 1, order, &failed);
    catalog->ratings = by_position(checking, columns->ratings, 4, order, &failed);
    catalog->years = by_position(checking, columns->years, 4, order, &failed);
    catalog->languages = by_position(checking, columns->languages, 4, order, &failed);
    catalog->genre_lists = by_position(checking, columns->genre_lists, 4, order, &failed);
    return failed || !rs_catalog_name(catalog) ? rs_error_nomem(checking->err, checking->where)
                                               : RECSYS_OK;
}

static recsys_status check_and_take(const struct checking *checking, const uint32_t *order)
{
    const struct rs_catalog_columns *columns = checking->columns;
    struct rs_catalog_memory *memory = checking->catalog->memory;
    uint32_t n = checking->catalog->n_items;
    recsys_status status;

    if ((status = take_names(checking, &columns->genre_names, columns->n_genres, &memory->genres,
                             "genre_names")) != RECSYS_OK ||
        (status = take_names(checking, &columns->language_names, columns->n_languages,
                             &memory->languages, "language_names")) != RECSYS_OK ||
        (status = check_languages(checking)) != RECSYS_OK ||
        (status = take_lists(checking)) != RECSYS_OK ||
        (status = check_texts(checking, &columns->titles, n, "title")) != RECSYS_OK ||
        (status = check_texts(checking, &columns->posters, n, "poster_url")) != RECSYS_OK ||
        (status = check_rows(checking)) != RECSYS_OK)
        return status;
    return take_columns(checking, order);
}

recsys_status rs_catalog_use(const struct rs_catalog_columns *columns, uint32_t n_items,
                             const uint32_t *order, const char *where, struct rs_catalog **out,
                             recsys_error *err)
{
    struct checking checking = {columns, NULL, where, err};

    *out = NULL;
    recsys_status status = rs_catalog_create(n_items, &checking.catalog, err);
    if (status == RECSYS_OK)
        status = check_and_take(&checking, order);
    if (status == RECSYS_OK)
        *out = checking.catalog;
    else
        rs_catalog_destroy(checking.catalog);
    return status;
}
