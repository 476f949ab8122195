/* lib/builder/seen_pairs.c - seen lists from pairs of a user and an item, in any order.
 *
 * The pairs are kept as they come. When the bundle is written they are sorted by user with one pass
 * that counts and one that places them, so that a pair of a user that comes later stays behind the
 * earlier ones; then pairs that are there more than once become one.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/builder/parts.h"

static recsys_status make_room(struct rs_seen_pairs *pairs, size_t n, recsys_error *err)
{
    size_t room = pairs->room + pairs->room / 2 + 4096;

    if (n <= pairs->room - pairs->n)
        return RECSYS_OK;
    if (n > SIZE_MAX - pairs->n)
        return rs_error_nomem(err, "seen lists");
    room = room < pairs->n + n ? pairs->n + n : room;
    uint32_t *users = rs_resize_array(pairs->users, room, sizeof *users);
    pairs->users = users != NULL ? users : pairs->users;
    uint32_t *items = rs_resize_array(pairs->items, room, sizeof *items);
    pairs->items = items != NULL ? items : pairs->items;
    float *weights = rs_resize_array(pairs->weights, room, sizeof *weights);
    pairs->weights = weights != NULL ? weights : pairs->weights;
    if (users == NULL || items == NULL || weights == NULL)
        return rs_error_nomem(err, "seen lists");
    pairs->room = room;
    return RECSYS_OK;
}

recsys_status rs_seen_pairs_add(struct rs_seen_pairs *pairs, const uint32_t *users,
                                const uint32_t *items, const float *weights, size_t n,
                                uint32_t flags, recsys_error *err)
{
    recsys_status status = make_room(pairs, n, err);

    if (status != RECSYS_OK)
        return status;
    if (n > 0) {
        memcpy(pairs->users + pairs->n, users, n * sizeof *users);
        memcpy(pairs->items + pairs->n, items, n * sizeof *items);
    }
    for (size_t i = 0; i < n; i++)
        pairs->weights[pairs->n + i] = weights == NULL ? 1.0f : weights[i];
    pairs->n += n;
    pairs->flags = flags;
    pairs->is_used = 1;
    pairs->has_weights |= weights != NULL;
    return RECSYS_OK;
}

void rs_seen_pairs_destroy(struct rs_seen_pairs *pairs)
{
    rs_free(pairs->users);
    rs_free(pairs->items);
    rs_free(pairs->weights);
    memset(pairs, 0, sizeof *pairs);
}

recsys_status recsys_builder_add_seen(recsys_builder *builder, const uint32_t *users,
                                      const uint32_t *items, const float *weights, size_t n,
                                      uint32_t flags, recsys_error *err)
{
    if (builder == NULL || ((users == NULL || items == NULL) && n > 0))
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_add_seen: %s is NULL",
                        builder == NULL ? "builder"
                        : users == NULL ? "users"
                                        : "items");
    recsys_status status =
        rs_reserved(flags & ~RECSYS_SEEN_SUM, "recsys_builder_add_seen: flags", err);
    if (status != RECSYS_OK)
        return status;
    if (builder->seen.is_used && builder->seen.flags != flags)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_builder_add_seen: flags are %" PRIu32 ", were %" PRIu32 " before",
                        flags, builder->seen.flags);
    for (size_t i = 0; weights != NULL && i < n; i++)
        if (!isfinite(weights[i]))
            return rs_error(err, RECSYS_E_INVALID,
                            "recsys_builder_add_seen: weights[%zu] is not a finite number", i);
    return rs_seen_pairs_add(&builder->seen, users, items, weights, n, flags, err);
}

static recsys_status check_rows(const struct rs_seen_pairs *pairs, const struct rs_plan *plan,
                                recsys_error *err)
{
    for (size_t i = 0; i < pairs->n; i++) {
        int is_user = pairs->users[i] >= plan->n_users;
        if (is_user || pairs->items[i] >= plan->n_items)
            return rs_error(err, RECSYS_E_INVALID,
                            "seen lists: pair %zu has row %" PRIu32 " of %s_factors, which has "
                            "%" PRIu32 " rows",
                            i, is_user ? pairs->users[i] : pairs->items[i],
                            is_user ? "user" : "item", is_user ? plan->n_users : plan->n_items);
    }
    return RECSYS_OK;
}

/* offsets[u + 1] becomes the end of user u's list. */
static void place_pairs(const struct rs_seen_pairs *pairs, uint64_t *offsets, struct rs_plan *plan)
{
    uint64_t begin = 0;

    for (size_t i = 0; i < pairs->n; i++)
        offsets[pairs->users[i] + 1u]++;
    for (uint32_t user = 0; user < plan->n_users; user++) {
        uint64_t n = offsets[user + 1u];
        offsets[user + 1u] = begin;
        begin += n;
    }
    for (size_t i = 0; i < pairs->n; i++) {
        uint64_t at = offsets[pairs->users[i] + 1u]++;
        plan->seen_items[at] = pairs->items[i];
        plan->seen_weights[at] = pairs->weights[i];
    }
}

/* One entry for each pair. last[item] is the place of the item's entry + 1, if it lies in the
 * present list. 1 if some pair was there more than once. */
static int join_repeated(uint64_t *offsets, uint64_t *last, uint32_t flags, struct rs_plan *plan)
{
    uint64_t from = 0, end = 0;
    int repeated = 0;

    for (uint32_t user = 0; user < plan->n_users; user++) {
        uint64_t to = offsets[user + 1u], begin = end;
        for (uint64_t i = from; i < to; i++) {
            uint32_t item = plan->seen_items[i];
            float weight = plan->seen_weights[i];
            if (last[item] <= begin) {
                plan->seen_items[end] = item;
                plan->seen_weights[end] = weight;
                last[item] = ++end;
                continue;
            }
            float *kept = &plan->seen_weights[last[item] - 1];
            *kept = (flags & RECSYS_SEEN_SUM) != 0 ? *kept + weight : weight;
            repeated = 1;
        }
        offsets[user + 1u] = end;
        from = to;
    }
    plan->n_seen = end;
    return repeated;
}

recsys_status rs_plan_list_pairs(const struct rs_seen_pairs *pairs, struct rs_plan *plan,
                                 recsys_error *err)
{
    uint64_t *offsets =
        rs_plan_own(plan, rs_alloc_array((size_t)plan->n_users + 1, sizeof *offsets));
    uint64_t *last = rs_alloc_array(plan->n_items, sizeof *last);
    recsys_status status = check_rows(pairs, plan, err);

    plan->seen_items = rs_plan_own(plan, rs_alloc_array(pairs->n, sizeof *plan->seen_items));
    plan->seen_weights = rs_plan_own(plan, rs_alloc_array(pairs->n, sizeof *plan->seen_weights));
    if (status == RECSYS_OK &&
        (offsets == NULL || last == NULL || plan->seen_items == NULL || plan->seen_weights == NULL))
        status = rs_error_nomem(err, "seen lists");
    if (status == RECSYS_OK) {
        place_pairs(pairs, offsets, plan);
        int repeated = join_repeated(offsets, last, pairs->flags, plan);
        plan->seen_offsets = offsets;
        for (uint64_t i = 0; i < plan->n_seen && status == RECSYS_OK; i++)
            if (!isfinite(plan->seen_weights[i]))
                status = rs_error(err, RECSYS_E_INVALID,
                                  "seen lists: a sum of weights is too large for float32");
        if (!pairs->has_weights && !(repeated && (pairs->flags & RECSYS_SEEN_SUM) != 0))
            plan->seen_weights = NULL;
    }
    rs_free(last);
    return status;
}
