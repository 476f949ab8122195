/* lib/serve/popular.c - the most popular items, for users without any preference.
 *
 * The model has its items in order of popularity, so the answer is the first k items that the
 * request allows. Items of favourite genres gain, as they do for a known user.
 */
#include "lib/serve/recommender.h"

uint32_t rs_popular(const struct recsys_model *model, const struct rs_eligible *eligible,
                    uint32_t k, struct rs_best *out)
{
    uint32_t n = 0;

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
