/* lib/score/eligible.h - check whether a query may return an item; only survivors are checked.
 *
 * A filter costs almost nothing when it is checked after the score: of a million items about a
 * hundred reach the threshold. Only if very few items are allowed, the scan starts from the bits or
 * the list.
 */
#ifndef RS_SCORE_ELIGIBLE_H
#define RS_SCORE_ELIGIBLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/catalog/caps.h"
#include "lib/catalog/catalog.h"

/* Ascending positions. */
struct rs_positions {
    const uint32_t *list;
    uint32_t n;
};

/* The kinds of lists of excluded items. */
enum {
    RS_EXCLUDED_BY_REQUEST,
    RS_EXCLUDED_AS_SEEN,
    RS_EXCLUDED_AS_LIKED,
    RS_EXCLUDED_BY_FILTER,
    RS_EXCLUDED_AS_CHOSEN
};
#define RS_EXCLUDED_LISTS 5

/* An item must meet everything that is set. All BORROWED for the call. */
struct rs_eligible {
    const uint64_t *bits;                 /* one an item, by position; NULL = all */
    const struct rs_condition *condition; /* NULL = none */
    const struct rs_catalog *catalog;     /* of the items, for condition and genre */
    uint32_t genre;                       /* its number + 1; 0 = any */
    const struct rs_caps *caps;           /* NULL = none */
    int only_allowed;                     /* 1: only the items of `allowed`, also if it is empty */
    struct rs_positions allowed;
    struct rs_positions excluded[RS_EXCLUDED_LISTS];
};

/* How many positions of the list are smaller than `position`. */
static inline uint32_t rs_positions_before(const struct rs_positions *positions, uint32_t position)
{
    uint32_t low = 0, high = positions->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (positions->list[middle] < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline int rs_positions_contain(const struct rs_positions *positions, uint32_t position)
{
    uint32_t at = rs_positions_before(positions, position);

    return at < positions->n && positions->list[at] == position;
}

static inline int rs_eligible_item(const struct rs_eligible *eligible, uint32_t position)
{
    if (eligible->bits != NULL && (eligible->bits[position / 64] >> (position % 64) & 1u) == 0)
        return 0;
    if (eligible->condition != NULL &&
        !rs_condition_holds(eligible->condition, eligible->catalog, position))
        return 0;
    if (eligible->genre != 0 &&
        !rs_catalog_has_genre(eligible->catalog, position, eligible->genre - 1))
        return 0;
    if (eligible->only_allowed && !rs_positions_contain(&eligible->allowed, position))
        return 0;
    if (eligible->caps != NULL && !rs_caps_allow(eligible->caps, position))
        return 0;
    for (int i = 0; i < RS_EXCLUDED_LISTS; i++)
        if (rs_positions_contain(&eligible->excluded[i], position))
            return 0;
    return 1;
}

/* Set bits of [first, first + n); first is a multiple of 64. */
static inline uint32_t rs_eligible_count_bits(const uint64_t *bits, uint32_t first, uint32_t n)
{
    uint32_t count = 0, words = n / 64;

    bits += first / 64;
    for (uint32_t w = 0; w < words; w++)
        count += (uint32_t)__builtin_popcountll(bits[w]);
    if (n % 64 != 0)
        count += (uint32_t)__builtin_popcountll(bits[words] & ((1ull << (n % 64)) - 1u));
    return count;
}

#endif
