/* Catalogues from strangers: any bytes are parsed or refused, what was parsed is
 * consistent, and a line's canonical form is its own canonical form. The first
 * byte says whether the model's ids are numbers or texts. */
#include <stdint.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/catalog/catalog.h"
#include "lib/catalog/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

#define N_ITEMS 8u

static void check_item(const struct rs_catalog *catalog, uint32_t position)
{
    recsys_item item = {.struct_size = sizeof item};

    rs_catalog_fill(catalog, position, &item);
    EXPECT(item.title != NULL && item.adult <= 1 && item.rating <= 10.0f);
    EXPECT(item.release_year >= 0 && item.release_year <= 9999);
    EXPECT((item.genres == NULL) == (item.n_genres == 0) && item.n_genres <= RS_LINE_MAX_GENRES);
    for (uint32_t i = 0; i < item.n_genres; i++)
        EXPECT(rs_catalog_find_genre(catalog, item.genres[i]) >= 0);
    if (item.language != NULL)
        EXPECT((uint32_t)rs_catalog_find_language(catalog, item.language) + 1 ==
               catalog->languages[position]);
}

static void check_catalog(const char *bytes, size_t size, const struct rs_ids *ids)
{
    struct rs_catalog *catalog = NULL;
    recsys_error err;

    if (rs_catalog_parse(bytes, size, "fuzz", ids, &catalog, &err) != RECSYS_OK) {
        EXPECT(catalog == NULL && strncmp(err.message, "fuzz", 4) == 0);
        return;
    }
    EXPECT(catalog->list_offsets[0] == 0 && catalog->n_known <= N_ITEMS);
    for (uint32_t position = 0; position < N_ITEMS; position++)
        check_item(catalog, position);
    for (uint64_t i = 0; i < catalog->list_offsets[catalog->n_lists]; i++)
        EXPECT(catalog->list_genres[i] < catalog->n_genres);
    struct rs_condition condition = {.min_rating = 5.0f, .max_year = 2000, .exclude_adult = 1};
    for (uint32_t position = 0; position < N_ITEMS; position++)
        (void)rs_condition_holds(&condition, catalog, position);
    rs_catalog_destroy(catalog);
}

static void check_canonical(const char *bytes, size_t size)
{
    struct rs_lines lines = {bytes, size, 0};
    const char *text;
    size_t length;

    while (rs_lines_next(&lines, &text, &length)) {
        struct rs_line line, again;
        struct rs_buffer first, second;
        rs_buffer_init(&first, 1u << 20);
        rs_buffer_init(&second, 1u << 20);
        /* Numbers may become a little longer, "1" a "1.0"; not beyond the limit, please. */
        if (rs_line_parse(text, length, "fuzz", &line, NULL) == RECSYS_OK &&
            length < RS_LINE_MAX_BYTES - 64) {
            EXPECT(rs_line_write(&line, &first, NULL) == RECSYS_OK);
            EXPECT(rs_line_parse(first.bytes, first.size - 1, "fuzz", &again, NULL) == RECSYS_OK);
            EXPECT(rs_line_write(&again, &second, NULL) == RECSYS_OK);
            EXPECT(first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0);
            rs_line_destroy(&again);
        }
        rs_line_destroy(&line);
        rs_buffer_destroy(&first);
        rs_buffer_destroy(&second);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char texts[] = "a\0b\0c\0d\0e\0f\0g\0h";
    static const uint64_t offsets[N_ITEMS + 1] = {0, 2, 4, 6, 8, 10, 12, 14, 16};
    static const uint32_t order[N_ITEMS] = {3, 1, 0, 2, 7, 6, 5, 4};
    struct rs_ids ids;
    recsys_status status;

    if (size == 0)
        return 0;
    status = bytes[0] == 't' ? rs_ids_from_texts(&ids, texts, sizeof texts, offsets, N_ITEMS, order,
                                                 "ids", NULL)
                             : rs_ids_from_rows(&ids, N_ITEMS, 1, order, NULL);
    EXPECT(status == RECSYS_OK);
    check_catalog((const char *)bytes + 1, size - 1, &ids);
    check_canonical((const char *)bytes + 1, size - 1);
    rs_ids_destroy(&ids);
    return 0;
}
