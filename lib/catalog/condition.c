/* lib/catalog/condition.c - check an item's attributes against conditions.
 *
 * An attribute that is unknown meets no condition, with one exception: an item is adult only if the
 * catalogue says so.
 */
#include "lib/catalog/catalog.h"

int rs_condition_is_trivial(const struct rs_condition *condition, const struct rs_catalog *catalog)
{
    return condition->min_rating == 0.0f && condition->min_year == 0 && condition->max_year == 0 &&
           !condition->asks_language && !condition->asks_genre &&
           (!condition->exclude_adult || catalog->n_adult == 0);
}

static int speaks(const struct rs_condition *condition, uint32_t language)
{
    if (language != 0)
        for (uint32_t i = 0; i < condition->n_languages; i++)
            if (condition->languages[i] == language)
                return 1;
    return 0;
}

static int has_genre(const struct rs_condition *condition, const struct rs_catalog *catalog,
                     uint32_t position)
{
    for (uint32_t i = 0; i < condition->n_genres; i++)
        if (rs_catalog_has_genre(catalog, position, condition->genres[i]))
            return 1;
    return 0;
}

int rs_condition_holds(const struct rs_condition *condition, const struct rs_catalog *catalog,
                       uint32_t position)
{
    if (catalog->n_known == 0) /* its arrays may be missing */
        return rs_condition_is_trivial(condition, catalog);
    if (condition->exclude_adult && catalog->adult[position])
        return 0;
    if (condition->min_rating != 0.0f) {
        float rating = catalog->ratings[position];
        if (!(rating >= 0.0f && rating >= condition->min_rating))
            return 0;
    }
    int32_t year = catalog->years[position];
    if (condition->min_year != 0 && (year == 0 || year < condition->min_year))
        return 0;
    if (condition->max_year != 0 && (year == 0 || year > condition->max_year))
        return 0;
    if (condition->asks_language && !speaks(condition, catalog->languages[position]))
        return 0;
    return !condition->asks_genre || has_genre(condition, catalog, position);
}
