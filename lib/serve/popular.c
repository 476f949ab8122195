/* lib/serve/popular.c - the most popular items, for users without any preference.
 *
 * The model has its items in order of popularity, so the answer is the first k items that the
 * request allows.
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
