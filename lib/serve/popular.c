/* lib/serve/popular.c - the most popular items, for users without any preference.
 *
 * The model has its items in order of popularity, so the answer is the first k items that the
 * request allows. Items of favourite genres gain, as they do for a known user. A short allow list
 * is looked at item by item, so that the walk is no longer than the list.
 */
#include "lib/serve/recommender.h"

/* An allow list of less than this part of the items is sorted; else all items are walked. */
#define WALKED_PART 16u

static int is_short(const struct recsys_model *model, const struct rs_eligible *eligible)
{
    return eligible->only_allowed && eligible->allowed.n < model->n_items / WALKED_PART;
}

/* Best first; ask == NULL: nothing gains. */
static uint32_t sort_allowed(const struct recsys_model *model, const struct rs_eligible *eligible,
                             const struct rs_ask *ask, uint32_t k, struct rs_best *out)
{
    struct rs_topk best;

    rs_topk_init(&best, out, k, &model->item_ids);
    for (uint32_t i = 0; i < eligible->allowed.n; i++) {
        uint32_t position = eligible->allowed.list[i];
        double gain = ask == NULL ? 0.0 : rs_ask_gain(model, ask, position);
        if (rs_eligible_item(eligible, position))
            rs_topk_push(&best, (float)((double)model->popularity[position] + gain), position);
    }
    rs_topk_sort(&best);
    return best.n;
}

uint32_t rs_popular(const struct recsys_model *model, const struct rs_eligible *eligible,
                    uint32_t k, struct rs_best *out)
{
    uint32_t n = 0;

    if (is_short(model, eligible))
        return sort_allowed(model, eligible, NULL, k, out);
    for (uint32_t i = 0; i < model->n_items && n < k; i++) {
        uint32_t position = model->popular[i];
        if (rs_eligible_item(eligible, position))
            out[n++] = (struct rs_best){model->popularity[position], position};
    }
    return n;
}

/* The most popular items come first, so the walk ends where even the largest gain is not enough. */
uint32_t rs_popular_steered(const struct recsys_model *model, const struct rs_ask *ask,
                            struct rs_best *out)
{
    double largest = rs_ask_largest_gain(ask);
    struct rs_topk best;

    if (is_short(model, &ask->eligible))
        return sort_allowed(model, &ask->eligible, ask, ask->request.k, out);
    rs_topk_init(&best, out, ask->request.k, &model->item_ids);
    for (uint32_t i = 0; i < model->n_items; i++) {
        uint32_t position = model->popular[i];
        double popularity = (double)model->popularity[position];
        if ((float)(popularity + largest) < rs_topk_threshold(&best))
            break;
        if (rs_eligible_item(&ask->eligible, position))
            rs_topk_push(&best, (float)(popularity + rs_ask_gain(model, ask, position)), position);
    }
    rs_topk_sort(&best);
    return best.n;
}
