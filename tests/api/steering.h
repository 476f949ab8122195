/* tests/api/steering.h - what items of favourite genres gain, worked out from whole lists.
 *
 * A second implementation of the rule of lib/serve/steer.c: all eligible items are sorted, and the
 * gains are computed from them. For the cmocka programs on recommend.h; private to tests/api.
 */
#ifndef TESTS_API_STEERING_H
#define TESTS_API_STEERING_H

#include "tests/api/reference.h"

#define STEERING_ITEMS 300

struct steering_list {
    size_t items[STEERING_ITEMS];
    size_t n;
};

static inline int item_has(const recsys_item *item, const char *genre)
{
    for (uint32_t k = 0; k < item->n_genres; k++)
        if (names_equal(item->genres[k], genre))
            return 1;
    return 0;
}

static inline int item_has_any(const recsys_item *item, const char *const *genres, size_t n)
{
    for (size_t g = 0; g < n; g++)
        if (item_has(item, genres[g]))
            return 1;
    return 0;
}

/* Eligible items with (or without) any of the genres, best first. */
static inline struct steering_list steering_sorted(const struct reference *reference,
                                                   const unsigned char *eligible,
                                                   const double *scores, const char *const *genres,
                                                   size_t n_genres, int with)
{
    struct steering_list list = {.n = 0};

    for (size_t i = 0; i < reference->n; i++) {
        if (!eligible[i] || item_has_any(&reference->items[i], genres, n_genres) != with)
            continue;
        size_t at = list.n++;
        for (; at > 0 && scores[list.items[at - 1]] < scores[i]; at--)
            list.items[at] = list.items[at - 1];
        list.items[at] = i;
    }
    return list;
}

static inline double steering_at(const struct steering_list *list, const double *scores, size_t at)
{
    return scores[list->items[at < list->n ? at : list->n - 1]];
}

/* The gain that brings item number `at` of `wanted` above other item number `allowed`, if that is
 * among the best `places`: that is, if less than places - allowed wanted ones are before it. */
static inline double steering_lift(const double *scores, const struct steering_list *wanted,
                                   size_t at, const struct steering_list *others, size_t allowed,
                                   size_t places)
{
    size_t before = 0;

    if (allowed >= others->n)
        return 0;
    double level = scores[others->items[allowed]], score = steering_at(wanted, scores, at);
    while (before < wanted->n && scores[wanted->items[before]] > level)
        before++;
    if (allowed + before >= places || level < score)
        return 0;
    return level - score + 0x1p-22 * (fabs(level) + fabs(score));
}

/* The gains of each of `genres`, none of which may be twice in the list or without an item. */
static inline void steering_gains(const struct reference *reference, const unsigned char *eligible,
                                  const double *scores, const char *const *genres, size_t n,
                                  double strength, double *gains)
{
    struct steering_list all = steering_sorted(reference, eligible, scores, NULL, 0, 0),
                         any = steering_sorted(reference, eligible, scores, genres, n, 1),
                         none = steering_sorted(reference, eligible, scores, genres, n, 0);
    size_t places = all.n < 10 ? all.n : 10;
    double wanted_places = strength < 1 ? strength * (double)places : (double)places;

    for (size_t g = 0; g < n; g++) {
        struct steering_list own = steering_sorted(reference, eligible, scores, genres + g, 1, 1),
                             rest = steering_sorted(reference, eligible, scores, genres + g, 1, 0);
        double at[2] = {0, 0};
        for (size_t step = 0; step < 2; step++) {
            size_t share = (size_t)(wanted_places + 1e-5) + step, part = (share + n - 1) / n;
            if (share == 0 || share > places)
                continue;
            double together = steering_lift(scores, &any, share - 1, &none, places - share, places);
            double first = steering_lift(scores, &own, part - 1, &rest, places - part, places);
            /* The level of the others counts for the genre alone, too. */
            size_t before = 0;
            for (size_t i = 0; i < places && i < all.n; i++)
                before += !item_has_any(&reference->items[all.items[i]], genres, n);
            double second = 0;
            if (places - share < before) {
                double level = scores[none.items[places - share]],
                       score = steering_at(&own, scores, part - 1);
                if (level >= score)
                    second = level - score + 0x1p-22 * (fabs(level) + fabs(score));
            }
            at[step] = fmax(together, fmax(first, second));
        }
        double rest_of_place = wanted_places - floor(wanted_places + 1e-5);
        gains[g] = rest_of_place > 1e-5 ? at[0] + rest_of_place * (at[1] - at[0]) : at[0];
        if (strength > 1)
            gains[g] *= strength;
    }
}

#endif
