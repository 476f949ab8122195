/* lib/model/model.c - the model object: references, information, vectors.
 *
 * load.c makes it. No function here allocates or locks. The thread that gives the last reference
 * back frees the model.
 */
#include "lib/model/model.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/refs.h"
#include "lib/base/structs.h"
#include "lib/model/model_memory.h"
#include "lib/model/normal_memory.h"

recsys_model *recsys_model_ref(recsys_model *model)
{
    if (model != NULL)
        rs_refs_take(&model->refs);
    return model;
}

static void destroy(recsys_model *model)
{
    rs_ids_destroy(&model->user_ids);
    rs_ids_destroy(&model->item_ids);
    rs_ids_destroy(&model->feature_ids);
    rs_free(atomic_load_explicit(&model->user_numbers, memory_order_relaxed));
    rs_free(atomic_load_explicit(&model->item_numbers, memory_order_relaxed));
    rs_normal_destroy(atomic_load_explicit(&model->normal, memory_order_relaxed));
    rs_catalog_destroy(model->catalog);
    rs_free(model->blocks);
    rs_free(model->genre_begin);
    rs_free(model->genre_items);
    rs_free(model->popular);
    rs_free(model->popularity);
    rs_free(model->name);
    rs_free(model->version);
    rs_free(model->algorithm);
    rs_free(model->training_date);
    rs_free(model->item_name);
    rs_free(model->metadata);
    if (model->memory != NULL)
        rs_memory_destroy(model->memory);
    rs_free(model->memory);
    rs_free(model);
}

void recsys_model_unref(recsys_model *model)
{
    if (model != NULL && rs_refs_drop(&model->refs))
        destroy(model);
}

/* Overwrite the caller's buffers, so that old content does not look like an answer. */
static void clear_vector(const recsys_model *model, float *vector, float *bias)
{
    if (model != NULL && vector != NULL)
        memset(vector, 0, model->dimensions * sizeof *vector);
    if (bias != NULL)
        *bias = 0;
}

recsys_status recsys_model_get_info(const recsys_model *model, recsys_model_info *out,
                                    recsys_error *err)
{
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_status status =
        rs_struct_begin(out, RECSYS_MODEL_INFO_SIZE_V1, "recsys_model_get_info: info", err);

    if (status != RECSYS_OK)
        return status;
    if (model == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_model_get_info: model is NULL");
    info.dimensions = model->dimensions;
    info.n_users = model->n_users;
    info.n_items = model->n_items;
    info.n_features = model->n_features;
    info.n_seen = model->seen_offsets == NULL ? 0 : model->seen_offsets[model->n_users];
    info.n_catalog = model->catalog->n_known;
    info.mapped_bytes = model->mapped_bytes;
    info.private_bytes = model->private_bytes;
    if (model->codes != NULL)
        info.code_bytes = rs_codes_bytes(model->n_items, model->dimensions);
    if (model->short_codes.codes != NULL)
        info.short_code_bytes = rs_short_codes_bytes(model->n_items, model->dimensions);
    info.user_id_kind = model->user_ids.kind;
    info.item_id_kind = model->item_ids.kind;
    info.metric = model->metric;
    info.link = model->link;
    info.link_min = model->link_min;
    info.link_max = model->link_max;
    info.name = model->name;
    info.version = model->version;
    info.algorithm = model->algorithm;
    info.training_date = model->training_date;
    info.fingerprint = model->fingerprint;
    info.metadata = model->metadata;
    info.item_name = model->item_name;
    info.popularity = model->popularity_kind;
    info.similar_by = model->similar_by;
    rs_struct_write(out, &info, sizeof info);
    return RECSYS_OK;
}

recsys_status recsys_model_get_user(const recsys_model *model, recsys_id user, float *vector,
                                    float *bias, recsys_error *err)
{
    uint32_t row;

    clear_vector(model, vector, bias);
    if (model == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_model_get_user: model is NULL");
    recsys_status status = rs_ids_lookup(&model->user_ids, user, "user", &row, err);
    if (status != RECSYS_OK)
        return status;
    if (vector != NULL)
        memcpy(vector, model->users + (size_t)row * model->dimensions,
               model->dimensions * sizeof *vector);
    if (bias != NULL)
        *bias = model->user_bias == NULL ? 0 : model->user_bias[row];
    return RECSYS_OK;
}

recsys_status recsys_model_get_item(const recsys_model *model, recsys_id item, float *vector,
                                    float *bias, recsys_error *err)
{
    uint32_t position;

    clear_vector(model, vector, bias);
    if (model == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_model_get_item: model is NULL");
    recsys_status status = rs_ids_lookup(&model->item_ids, item, "item", &position, err);
    if (status != RECSYS_OK)
        return status;
    if (vector != NULL)
        memcpy(vector, model->items + (size_t)position * model->stride,
               model->dimensions * sizeof *vector);
    if (bias != NULL)
        *bias = model->item_bias == NULL ? 0 : model->item_bias[position];
    return RECSYS_OK;
}
