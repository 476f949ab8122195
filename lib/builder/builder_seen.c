/* lib/builder/builder_seen.c - the seen lists of a plan.
 *
 * The caller's lists hold rows of item_factors. In the bundle the items stand in scan order, so
 * rows become positions, and each user's list is sorted by position, together with its weights.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/builder/parts.h"

static recsys_status check_offsets(const uint64_t *offsets, uint64_t n_users, uint64_t n_seen,
                                   recsys_error *err)
{
    if (offsets[0] != 0 || offsets[n_users] != n_seen)
        return rs_error(err, RECSYS_E_INVALID,
                        "seen_offsets goes from %" PRIu64 " to %" PRIu64
                        ", must go from 0 to %" PRIu64 ", the length of seen_items",
                        offsets[0], offsets[n_users], n_seen);
    for (uint64_t i = 0; i < n_users; i++)
        if (offsets[i + 1] < offsets[i])
            return rs_error(err, RECSYS_E_INVALID,
                            "seen_offsets[%" PRIu64 "] is smaller than the one before", i + 1);
    return RECSYS_OK;
}

static recsys_status get_lists(const struct recsys_builder *builder, struct rs_plan *plan,
                               recsys_error *err)
{
    const recsys_array *offsets = &builder->parts[RS_PART_SEEN_OFFSETS].array;
    const recsys_array *items = &builder->parts[RS_PART_SEEN_ITEMS].array;
    const float *weights = NULL;
    void *copy = NULL;
    recsys_status status;

    if ((offsets->dtype == 0) != (items->dtype == 0) ||
        (rs_part_is_set(&builder->parts[RS_PART_SEEN_WEIGHTS]) && items->dtype == 0))
        return rs_error(err, RECSYS_E_INVALID,
                        "%s is missing; seen lists need seen_offsets and seen_items",
                        offsets->dtype == 0 ? "seen_offsets" : "seen_items");
    if (items->dtype == 0)
        return RECSYS_OK;
    if (offsets->shape[0] != (uint64_t)plan->n_users + 1)
        return rs_error(err, RECSYS_E_INVALID,
                        "seen_offsets has %" PRIu64 " entries, must have %" PRIu64
                        ", one more than user_factors has rows",
                        offsets->shape[0], (uint64_t)plan->n_users + 1);
    plan->n_seen = items->shape[0];
    status =
        rs_plan_get_integers(builder, RS_PART_SEEN_OFFSETS, RECSYS_DTYPE_U64, plan, &copy, err);
    if (status != RECSYS_OK)
        return status;
    plan->seen_offsets = copy;
    status = check_offsets(plan->seen_offsets, plan->n_users, plan->n_seen, err);
    if (status == RECSYS_OK)
        status =
            rs_plan_get_integers(builder, RS_PART_SEEN_ITEMS, RECSYS_DTYPE_U32, plan, &copy, err);
    if (status != RECSYS_OK)
        return status;
    plan->seen_items = copy;
    status = rs_plan_get_floats(builder, RS_PART_SEEN_WEIGHTS, plan->n_seen, "seen_items", plan,
                                &weights, err);
    if (status != RECSYS_OK || weights == NULL)
        return status;
    /* A copy, because they are sorted and may be the caller's. */
    plan->seen_weights = rs_plan_own(plan, rs_alloc_array((size_t)plan->n_seen, sizeof *weights));
    if (plan->seen_weights == NULL)
        return rs_error_nomem(err, "seen_weights");
    memcpy(plan->seen_weights, weights, (size_t)plan->n_seen * sizeof *weights);
    return RECSYS_OK;
}

struct pair {
    uint32_t item;
    float weight;
};

static int by_item(const void *a, const void *b)
{
    uint32_t x = ((const struct pair *)a)->item, y = ((const struct pair *)b)->item;

    return x < y ? -1 : x > y;
}

/* One user's list: rows become positions, ascending. */
static recsys_status sort_user(struct rs_plan *plan, uint32_t user, const uint32_t *position,
                               struct pair *pairs, recsys_error *err)
{
    uint64_t begin = plan->seen_offsets[user];
    size_t n = (size_t)(plan->seen_offsets[user + 1u] - begin);
    uint32_t *items = plan->seen_items + begin;
    float *weights = plan->seen_weights == NULL ? NULL : plan->seen_weights + begin;

    for (size_t i = 0; i < n; i++) {
        pairs[i].item = position[items[i]];
        pairs[i].weight = weights == NULL ? 0.0f : weights[i];
    }
    qsort(pairs, n, sizeof *pairs, by_item);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && pairs[i].item == pairs[i - 1].item)
            return rs_error(err, RECSYS_E_FORMAT,
                            "seen_items: row %" PRIu32 " is there twice for row %" PRIu32
                            " of user_factors",
                            plan->order[pairs[i].item], user);
        items[i] = pairs[i].item;
        if (weights != NULL)
            weights[i] = pairs[i].weight;
    }
    return RECSYS_OK;
}

static recsys_status translate(struct rs_plan *plan, recsys_error *err)
{
    uint32_t *position = rs_alloc_array(plan->n_items, sizeof *position);
    struct pair *pairs = NULL;
    size_t longest = 0;
    recsys_status status = RECSYS_OK;

    for (uint64_t i = 0; i < plan->n_seen; i++)
        if (plan->seen_items[i] >= plan->n_items) {
            status = rs_error(err, RECSYS_E_INVALID,
                              "seen_items[%" PRIu64 "] is %" PRIu32
                              ", but item_factors has %" PRIu32 " rows",
                              i, plan->seen_items[i], plan->n_items);
            goto done;
        }
    for (uint32_t user = 0; user < plan->n_users; user++) {
        uint64_t n = plan->seen_offsets[user + 1u] - plan->seen_offsets[user];
        longest = n > longest ? (size_t)n : longest;
    }
    pairs = rs_alloc_array(longest, sizeof *pairs);
    if (position == NULL || pairs == NULL) {
        status = rs_error_nomem(err, "seen_items");
        goto done;
    }
    for (uint32_t p = 0; p < plan->n_items; p++)
        position[plan->order[p]] = p;
    for (uint32_t user = 0; user < plan->n_users && status == RECSYS_OK; user++)
        status = sort_user(plan, user, position, pairs, err);
done:
    rs_free(position);
    rs_free(pairs);
    return status;
}

/* Lists come as arrays or as pairs. */
static recsys_status check_kinds(const struct recsys_builder *builder, recsys_error *err)
{
    for (int part = RS_PART_SEEN_OFFSETS; part <= RS_PART_SEEN_WEIGHTS; part++)
        if (rs_part_is_set(&builder->parts[part]))
            return rs_error(err, RECSYS_E_INVALID,
                            "%s is set, and pairs were added to the seen lists; only one of both "
                            "can be (recsys_builder_remove)",
                            rs_part_kinds[part].name);
    return RECSYS_OK;
}

recsys_status rs_plan_add_seen(const struct recsys_builder *builder, struct rs_plan *plan,
                               recsys_error *err)
{
    recsys_status status;

    if (!builder->seen.is_used) {
        status = get_lists(builder, plan, err);
    } else {
        status = check_kinds(builder, err);
        if (status == RECSYS_OK)
            status = rs_plan_list_pairs(&builder->seen, plan, err);
    }

    return status == RECSYS_OK && plan->seen_offsets != NULL ? translate(plan, err) : status;
}
