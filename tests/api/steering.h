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

/* The gain that brings `score` above `level`. */
static inline double steering_lift(double score, double level)
{
    return level < score ? 0 : level - score + 0x1p-22 * (fabs(level) + fabs(score));
}

/* How many of the first `places` of `all` have none of the genres. */
static inline size_t steering_count(const struct reference *reference,
                                    const struct steering_list *all, size_t places,
                                    const char *const *genres, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < places; i++)
        count += !item_has_any(&reference->items[all->items[i]], genres, n);
    return count;
}

/* The gain with which `wanted` of the places have any of the genres. If they
 * have less items than that, all come first. `level`: the score of a place to reach anyway. */
static inline double steering_gain(const struct reference *reference, const unsigned char *eligible,
                                   const double *scores, const char *const *genres, size_t n,
                                   size_t wanted, size_t places, double level)
{
    struct steering_list all = steering_sorted(reference, eligible, scores, NULL, 0, 0),
                         with = steering_sorted(reference, eligible, scores, genres, n, 1),
                         without = steering_sorted(reference, eligible, scores, genres, n, 0);
    size_t among = steering_count(reference, &all, places, genres, n);

    if (with.n < wanted)
        return among == 0 ? 0
                          : steering_lift(scores[with.items[with.n - 1]], scores[without.items[0]]);
    if (places - wanted < among)
        level = fmax(level, scores[without.items[places - wanted]]);
    return steering_lift(scores[with.items[wanted - 1]], level);
}

/* The gains of each of `genres`, none of which may be twice in the list or without an item. */
static inline void steering_gains(const struct reference *reference, const unsigned char *eligible,
                                  const double *scores, const char *const *genres, size_t n,
                                  double strength, double *gains)
{
    struct steering_list all = steering_sorted(reference, eligible, scores, NULL, 0, 0),
                         none = steering_sorted(reference, eligible, scores, genres, n, 0);
    size_t places = all.n < 10 ? all.n : 10;
    size_t share = (size_t)ceil(fmin(strength, 1) * (double)places - 1e-5);
    double level = -INFINITY;

    if (places - share < steering_count(reference, &all, places, genres, n))
        level = scores[none.items[places - share]];
    for (size_t g = 0; g < n; g++) {
        double own = steering_gain(reference, eligible, scores, genres + g, 1, (share + n - 1) / n,
                                   places, level),
               together =
                   steering_gain(reference, eligible, scores, genres, n, share, places, level);
        gains[g] = fmax(own, together) * fmax(strength, 1);
    }
}

#endif
