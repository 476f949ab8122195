/* lib/catalog/caps.c - see caps.h. */
#include "lib/catalog/caps.h"

#define DECADES 1000u /* of the years 0 to 9999 */

/* Genres come first, then decades, then languages. */
size_t rs_caps_count(const struct rs_catalog *catalog)
{
    return (size_t)catalog->n_genres + DECADES + catalog->n_languages;
}

static uint32_t *decade_of(const struct rs_caps *caps, uint32_t position)
{
    int32_t year = caps->catalog->years[position];

    return year <= 0 ? NULL : caps->counts + caps->catalog->n_genres + (uint32_t)year / 10;
}

static uint32_t *language_of(const struct rs_caps *caps, uint32_t position)
{
    uint32_t language = caps->catalog->languages[position];

    return language == 0 ? NULL : caps->counts + caps->catalog->n_genres + DECADES + (language - 1);
}

static int is_full(const uint32_t *count, uint32_t max)
{
    return max != 0 && count != NULL && *count >= max;
}

int rs_caps_allow(const struct rs_caps *caps, uint32_t position)
{
    uint32_t n;
    const uint32_t *genres = rs_catalog_genres(caps->catalog, position, &n);

    if (caps->catalog->n_known == 0) /* its arrays may be missing */
        return 1;
    for (uint32_t i = 0; i < n; i++)
        if (is_full(&caps->counts[genres[i]], caps->per_genre))
            return 0;
    return !is_full(decade_of(caps, position), caps->per_decade) &&
           !is_full(language_of(caps, position), caps->per_language);
}

void rs_caps_take(const struct rs_caps *caps, uint32_t position)
{
    uint32_t n, *count;
    const uint32_t *genres = rs_catalog_genres(caps->catalog, position, &n);

    if (caps->catalog->n_known == 0)
        return;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t before = 0;
        while (genres[before] != genres[i])
            before++;
        if (before == i) /* a line of the catalogue may name a genre twice */
            caps->counts[genres[i]]++;
    }
    if ((count = decade_of(caps, position)) != NULL)
        (*count)++;
    if ((count = language_of(caps, position)) != NULL)
        (*count)++;
}
