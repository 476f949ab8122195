/* lib/model/popularity.c - how popular each item is, for unknown users.
 *
 * The value is the first of these that the model has: item_popularity; how many users have seen the
 * item; its bias; its rating; its norm. It is divided by the value of the most popular item, so
 * that it goes from 0 to 1 for each kind.
 */
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/radix.h"
#include "lib/model/loading.h"

static recsys_status from_file(struct rs_loading *loading, double *values, int *found)
{
    const float *given = NULL;
    recsys_status status =
        rs_load_column(loading, loading->tensors, loading->file, "item_popularity",
                       loading->model->n_items, loading->order, &given);

    *found = status == RECSYS_OK && given != NULL;
    for (size_t p = 0; *found && p < loading->model->n_items; p++) {
        values[p] = (double)given[p];
        if (values[p] < 0)
            return rs_error(loading->err, RECSYS_E_FORMAT, "%s: item_popularity[%zu] is negative",
                            loading->file, loading->order == NULL ? p : loading->order[p]);
    }
    return status;
}

static void from_seen(const struct recsys_model *model, double *values)
{
    uint64_t n = model->seen_offsets[model->n_users];

    for (uint64_t i = 0; i < n; i++)
        values[model->seen_items[i]] += 1;
}

static void from_bias(const struct recsys_model *model, double *values)
{
    double least = (double)model->item_bias[0];

    for (size_t p = 0; p < model->n_items; p++)
        least = fmin(least, (double)model->item_bias[p]);
    for (size_t p = 0; p < model->n_items; p++)
        values[p] = (double)model->item_bias[p] - least;
}

static int from_ratings(const struct recsys_model *model, double *values)
{
    int found = 0;

    if (model->catalog->n_known == 0)
        return 0;
    for (size_t p = 0; p < model->n_items; p++) {
        double rating = (double)model->catalog->ratings[p];
        found |= rating >= 0;
        values[p] = rating > 0 ? rating : 0;
    }
    return found;
}

static recsys_status get_values(struct rs_loading *loading, double *values)
{
    struct recsys_model *model = loading->model;
    int found = 0;
    recsys_status status = from_file(loading, values, &found);

    if (status != RECSYS_OK)
        return status;
    if (found) {
        model->popularity_kind = RECSYS_POPULARITY_GIVEN;
    } else if (model->seen_offsets != NULL && model->seen_offsets[model->n_users] > 0) {
        model->popularity_kind = RECSYS_POPULARITY_SEEN;
        from_seen(model, values);
    } else if (model->item_bias != NULL) {
        model->popularity_kind = RECSYS_POPULARITY_BIAS;
        from_bias(model, values);
    } else if (from_ratings(model, values)) {
        model->popularity_kind = RECSYS_POPULARITY_RATING;
    } else {
        model->popularity_kind = RECSYS_POPULARITY_NORM;
        memcpy(values, loading->norms, model->n_items * sizeof *values);
    }
    return RECSYS_OK;
}

/* Positions in ascending order of id, then stably by popularity, largest first. */
static void order_positions(struct recsys_model *model, uint64_t *keys, uint32_t *spare)
{
    for (uint32_t i = 0; i < model->n_items; i++) {
        uint32_t bits;
        memcpy(&bits, &model->popularity[i],
               sizeof bits); /* never negative, so its bits have the same order */
        keys[i] = (uint32_t)~bits;
        model->popular[i] = model->item_ids.sorted == NULL ? i : model->item_ids.sorted[i];
    }
    rs_radix_sort(keys, model->popular, spare, model->n_items);
}

recsys_status rs_load_popularity(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    size_t n = model->n_items;
    double *values = rs_alloc_array(n, sizeof *values), largest = 0;
    uint64_t *keys = rs_alloc_array(n, sizeof *keys);
    uint32_t *spare = rs_alloc_array(n, sizeof *spare);
    recsys_status status;

    model->popular = rs_alloc_array(n, sizeof *model->popular);
    model->popularity = rs_alloc_array(n, sizeof *model->popularity);
    if (values == NULL || keys == NULL || spare == NULL || model->popular == NULL ||
        model->popularity == NULL) {
        status = rs_error_nomem(loading->err, "popularity");
        goto done;
    }
    rs_memory_count(model->memory, n, sizeof *model->popular + sizeof *model->popularity);
    status = get_values(loading, values);
    if (status != RECSYS_OK)
        goto done;
    for (size_t p = 0; p < n; p++)
        largest = fmax(largest, values[p]);
    for (size_t p = 0; p < n; p++)
        model->popularity[p] = largest > 0 ? (float)(values[p] / largest) : 0;
    order_positions(model, keys, spare);
done:
    rs_free(spare);
    rs_free(keys);
    rs_free(values);
    return status;
}
