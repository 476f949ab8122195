/* lib/model/pages.c - list a model's users, items, names and seen items, page by page.
 *
 * All these functions work alike: they begin at `offset` and write how many entries they gave to
 * `count`. Without `out`, `count` is the number of all entries. They allocate nothing.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/model/model.h"

/* Begin one page of a list of `n` entries: how many there are from `offset` on, or in all if
 * there is no `out`. */
static recsys_status begin_page(const void *model, uint64_t n, uint64_t offset, const void *out,
                                size_t capacity, size_t *count, size_t *n_page,
                                const char *function, recsys_error *err)
{
    uint64_t left = offset < n ? n - offset : 0;

    *n_page = 0;
    if (count != NULL)
        *count = 0;
    if (model == NULL || count == NULL || (out == NULL && capacity > 0))
        return rs_error(err, RECSYS_E_INVALID, "%s: %s is NULL", function,
                        model == NULL   ? "model"
                        : count == NULL ? "count"
                                        : "out");
    if (out != NULL)
        *n_page = left < capacity ? (size_t)left : capacity;
    *count = out != NULL ? *n_page : (size_t)left;
    return RECSYS_OK;
}

static recsys_status get_ids(const recsys_model *model, const struct rs_ids *ids, uint64_t offset,
                             recsys_id *out, size_t capacity, size_t *count, const char *function,
                             recsys_error *err)
{
    size_t n;
    recsys_status status = begin_page(model, ids == NULL ? 0 : ids->n, offset, out, capacity, count,
                                      &n, function, err);

    for (size_t i = 0; i < n; i++) {
        uint32_t rank = (uint32_t)(offset + i);
        out[i] = rs_ids_get(ids, ids->sorted == NULL ? rank : ids->sorted[rank]);
    }
    return status;
}

recsys_status recsys_model_get_user_ids(const recsys_model *model, uint64_t offset, recsys_id *out,
                                        size_t capacity, size_t *count, recsys_error *err)
{
    return get_ids(model, model == NULL ? NULL : &model->user_ids, offset, out, capacity, count,
                   __func__, err);
}

recsys_status recsys_model_get_item_ids(const recsys_model *model, uint64_t offset, recsys_id *out,
                                        size_t capacity, size_t *count, recsys_error *err)
{
    return get_ids(model, model == NULL ? NULL : &model->item_ids, offset, out, capacity, count,
                   __func__, err);
}

recsys_status recsys_model_get_features(const recsys_model *model, uint64_t offset,
                                        const char **out, size_t capacity, size_t *count,
                                        recsys_error *err)
{
    size_t n;
    recsys_status status = begin_page(model, model == NULL ? 0 : model->n_features, offset, out,
                                      capacity, count, &n, __func__, err);

    for (size_t i = 0; i < n; i++)
        out[i] = rs_ids_get(&model->feature_ids, (uint32_t)(offset + i)).text;
    return status;
}

recsys_status recsys_model_get_seen(const recsys_model *model, recsys_id user, uint64_t offset,
                                    recsys_id *out, float *weights, size_t capacity, size_t *count,
                                    recsys_error *err)
{
    uint64_t first = 0, n_seen = 0;
    uint32_t row;
    size_t n;
    recsys_status status;

    if (count != NULL)
        *count = 0;
    if (model != NULL) {
        status = rs_ids_lookup(&model->user_ids, user, "user", &row, err);
        if (status != RECSYS_OK)
            return status;
        if (model->seen_offsets != NULL) {
            first = model->seen_offsets[row];
            n_seen = model->seen_offsets[row + 1u] - first;
        }
    }
    status = begin_page(model, n_seen, offset, out, capacity, count, &n, __func__, err);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = first + offset + i;
        out[i] = rs_ids_get(&model->item_ids, model->seen_items[at]);
        if (weights != NULL)
            weights[i] = model->seen_weights == NULL ? 1.0f : model->seen_weights[at];
    }
    return status;
}

static recsys_status get_names(const recsys_model *model, const char *const *names,
                               uint32_t n_names, uint64_t offset, const char **out, size_t capacity,
                               size_t *count, const char *function, recsys_error *err)
{
    size_t n;
    recsys_status status =
        begin_page(model, n_names, offset, out, capacity, count, &n, function, err);

    for (size_t i = 0; i < n; i++)
        out[i] = names[offset + i];
    return status;
}

recsys_status recsys_catalog_get_genres(const recsys_model *model, uint64_t offset,
                                        const char **out, size_t capacity, size_t *count,
                                        recsys_error *err)
{
    const struct rs_catalog *catalog = model == NULL ? NULL : model->catalog;

    return get_names(model, catalog == NULL ? NULL : catalog->genre_names,
                     catalog == NULL ? 0 : catalog->n_genres, offset, out, capacity, count,
                     __func__, err);
}

recsys_status recsys_catalog_get_languages(const recsys_model *model, uint64_t offset,
                                           const char **out, size_t capacity, size_t *count,
                                           recsys_error *err)
{
    const struct rs_catalog *catalog = model == NULL ? NULL : model->catalog;

    return get_names(model, catalog == NULL ? NULL : catalog->language_names,
                     catalog == NULL ? 0 : catalog->n_languages, offset, out, capacity, count,
                     __func__, err);
}
