/* daemon/ctl/evaluate/known_rows.c - the rows of a loaded model's users and items.
 *
 * Readers of files find rows through a builder. One that has the arrays of ids of a loaded model
 * finds the rows of that model; nothing is written.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/evaluate/evaluate.h"

/* An array that a model need not have. */
static recsys_status get_array(const recsys_model *model, const char *name, recsys_array *out,
                               recsys_error *err)
{
    recsys_status status = recsys_model_get_array(model, name, out, err);

    return status == RECSYS_E_NOT_FOUND ? RECSYS_OK : status;
}

/* Text ids: pointers into the model's bytes, each of which ends in a NUL. */
static recsys_status set_texts(recsys_builder *ids, const char *name, const char *bytes,
                               const uint64_t *offsets, uint64_t n, recsys_error *err)
{
    const char **texts = ctl_allocate((size_t)n, sizeof *texts);
    recsys_status status;

    for (uint64_t row = 0; row < n; row++)
        texts[row] = bytes + offsets[row];
    status = recsys_builder_set_texts(ids, name, texts, (size_t)n, err);
    free(texts);
    return status;
}

static recsys_status set_ids(const recsys_model *model, recsys_builder *ids, const char *name,
                             const char *offsets_name, uint32_t kind, uint64_t n, recsys_error *err)
{
    recsys_array array, offsets;
    recsys_status status = recsys_model_get_array(model, name, &array, err);

    if (status != RECSYS_OK || kind == RECSYS_ID_KIND_INTEGER)
        return status == RECSYS_OK ? recsys_builder_set_array(ids, name, &array, err) : status;
    status = recsys_model_get_array(model, offsets_name, &offsets, err);
    return status == RECSYS_OK ? set_texts(ids, name, array.data, offsets.data, n, err) : status;
}

/* Factors and ids, which are what a builder needs to find rows. */
static recsys_status make_finder(const recsys_model *model, const struct ctl_rows *rows,
                                 recsys_builder *ids, recsys_error *err)
{
    recsys_array items;
    recsys_status status = recsys_model_get_array(model, "item_factors", &items, err);

    if (status == RECSYS_OK)
        status = recsys_builder_set_array(ids, "item_factors", &items, err);
    if (status == RECSYS_OK)
        status = recsys_builder_set_array(ids, "user_factors", &rows->users, err);
    if (status == RECSYS_OK)
        status = set_ids(model, ids, "item_ids", "item_ids_offsets", rows->info.item_id_kind,
                         rows->info.n_items, err);
    if (status == RECSYS_OK)
        status = set_ids(model, ids, "user_ids", "user_ids_offsets", rows->info.user_id_kind,
                         rows->info.n_users, err);
    return status;
}

recsys_status ctl_rows_open(const recsys_model *model, struct ctl_rows *rows, recsys_builder **ids,
                            recsys_error *err)
{
    recsys_array offsets = RECSYS_ARRAY_INIT, items = offsets, popularity = offsets;
    recsys_status status;

    memset(rows, 0, sizeof *rows);
    rows->info.struct_size = sizeof rows->info;
    if ((status = recsys_builder_create(ids, err)) != RECSYS_OK ||
        (status = recsys_model_get_info(model, &rows->info, err)) != RECSYS_OK ||
        (status = recsys_model_get_array(model, "user_factors", &rows->users, err)) != RECSYS_OK ||
        (status = get_array(model, "user_bias", &rows->user_bias, err)) != RECSYS_OK ||
        (status = get_array(model, "seen_offsets", &offsets, err)) != RECSYS_OK ||
        (status = get_array(model, "seen_items", &items, err)) != RECSYS_OK ||
        (status = get_array(model, "item_popularity", &popularity, err)) != RECSYS_OK)
        return status;
    rows->seen_offsets = rows->info.n_seen > 0 ? offsets.data : NULL;
    rows->seen_items = items.data;
    rows->popularity = popularity.data;
    return make_finder(model, rows, *ids, err);
}
