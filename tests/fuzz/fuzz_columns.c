/* tests/fuzz/fuzz_columns.c - any bytes as catalog.safetensors of a model of eight items: refused
 * with a reason, or every item has an entry that is what the columns may say. The first byte says
 * whether items stand in another order than rows. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/catalog/catalog_tensors.h"
#include "lib/catalog/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

#define N_ITEMS 8u

static void check_text(const char *text)
{
    EXPECT(rs_utf8_is_valid(text, strlen(text)) && strlen(text) < RS_LINE_MAX_BYTES);
}

static void check_item(const struct rs_catalog *catalog, uint32_t position)
{
    recsys_item item = RECSYS_ITEM_INIT;

    rs_catalog_fill(catalog, position, &item);
    check_text(item.title);
    if (item.poster_url != NULL)
        check_text(item.poster_url);
    EXPECT(item.adult <= 1 && (item.rating == -1.0f || (item.rating >= 0 && item.rating <= 10)));
    EXPECT(item.release_year >= 0 && item.release_year <= 9999);
    EXPECT((item.genres == NULL) == (item.n_genres == 0) && item.n_genres <= RS_LINE_MAX_GENRES);
    for (uint32_t i = 0; i < item.n_genres; i++) {
        check_text(item.genres[i]);
        EXPECT(rs_catalog_find_genre(catalog, item.genres[i]) >= 0);
        for (uint32_t j = 0; j < i; j++)
            EXPECT(item.genres[i] != item.genres[j]);
    }
    if (item.language != NULL)
        EXPECT((uint32_t)rs_catalog_find_language(catalog, item.language) + 1 ==
               catalog->languages[position]);
    if (!item.known)
        EXPECT(item.title[0] == '\0' && item.n_genres == 0 && !item.adult);
}

static void check_catalog(const struct rs_catalog *catalog)
{
    struct rs_condition condition = {.min_rating = 5.0f, .max_year = 2000, .exclude_adult = 1};
    uint32_t n_known = 0, n_adult = 0;

    for (uint32_t position = 0; position < N_ITEMS; position++) {
        check_item(catalog, position);
        (void)rs_condition_holds(&condition, catalog, position);
        n_known += catalog->known[position];
        n_adult += catalog->adult[position];
    }
    EXPECT(catalog->n_known == n_known && catalog->n_adult == n_adult);
    for (uint32_t i = 0; i < catalog->n_genres; i++)
        check_text(catalog->genre_names[i]);
    for (uint32_t i = 0; i < catalog->n_languages; i++)
        check_text(catalog->language_names[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint32_t order[N_ITEMS] = {3, 1, 0, 2, 7, 6, 5, 4};
    struct rs_catalog_columns columns;
    struct rs_catalog *catalog = NULL;
    struct rs_tensors tensors;
    recsys_error err;

    if (size < 1 || rs_safetensors_parse(bytes + 1, size - 1, "fuzz", &tensors, NULL) != RECSYS_OK)
        return 0;
    recsys_status status = rs_catalog_view(&tensors, N_ITEMS, "fuzz", &columns, &err);
    if (status == RECSYS_OK)
        status =
            rs_catalog_use(&columns, N_ITEMS, bytes[0] & 1 ? order : NULL, "fuzz", &catalog, &err);
    if (status == RECSYS_OK)
        check_catalog(catalog);
    else
        EXPECT(catalog == NULL && strncmp(err.message, "fuzz: ", 6) == 0);
    rs_catalog_destroy(catalog);
    rs_tensors_close(&tensors);
    return 0;
}
