/* lib/builder/write_files.c - see write_files.h: the model, the seen lists, and files in general.
 */
#include "lib/builder/write_files.h"

#include "lib/base/error.h"
#include "lib/builder/sink.h"

void rs_sources_add(struct rs_sources *sources, const char *name, uint32_t dtype, const void *data,
                    uint64_t rows, uint64_t columns, const uint32_t *order)
{
    struct rs_tensor_written *source = &sources->list[sources->n++];

    source->name = name;
    source->dtype = dtype;
    source->n_dims = columns == 0 ? 1 : 2;
    source->shape[0] = rows;
    source->shape[1] = columns;
    source->data = data;
    source->order = order;
}

static void add_floats(struct rs_sources *sources, const char *name, const float *data,
                       uint64_t rows, const uint32_t *order)
{
    if (data != NULL)
        rs_sources_add(sources, name, RECSYS_DTYPE_F32, data, rows, 0, order);
}

/* Add ids as numbers or texts. Ids that are the numbers of the rows are not stored. */
static void add_ids(struct rs_sources *sources, const char *name, const char *offsets_name,
                    const struct rs_ids *ids, const int64_t *numbers)
{
    static const uint64_t none[1] = {0};

    if (ids->kind == RECSYS_ID_KIND_TEXT) {
        const uint64_t *offsets = ids->offsets != NULL ? ids->offsets : none;
        rs_sources_add(sources, offsets_name, RECSYS_DTYPE_U64, offsets, (uint64_t)ids->n + 1, 0,
                       NULL);
        rs_sources_add(sources, name, RECSYS_DTYPE_U8, ids->texts, offsets[ids->n], 0, NULL);
    } else if (numbers != NULL) {
        rs_sources_add(sources, name, RECSYS_DTYPE_I64, numbers, ids->n, 0, NULL);
    }
}

static recsys_status finish_file(struct rs_bundle *bundle, struct rs_sink *sink,
                                 recsys_status status, recsys_error *err)
{
    char digest[RS_DIGEST_SIZE];

    if (status != RECSYS_OK) {
        rs_sink_abandon(sink);
        return status;
    }
    status = rs_sink_close(sink, digest, err);
    if (status != RECSYS_OK || bundle->files == NULL)
        return status;
    json_t *entry = json_pack("{s:s, s:I, s:s}", "name", sink->name, "size", (json_int_t)sink->size,
                              "sha256", digest);
    if (entry == NULL || json_array_append_new(bundle->files, entry) != 0)
        return rs_error_nomem(err, "manifest");
    return RECSYS_OK;
}

recsys_status rs_bundle_add_bytes(struct rs_bundle *bundle, const char *name, const char *bytes,
                                  size_t size, recsys_error *err)
{
    struct rs_sink sink;
    recsys_status status = rs_sink_open(&sink, bundle->folder.folder, name, err);

    if (status == RECSYS_OK)
        status = rs_sink_write(&sink, bytes, size, err);
    return finish_file(bundle, &sink, status, err);
}

recsys_status rs_bundle_add_tensors(struct rs_bundle *bundle, const char *name,
                                    struct rs_sources *sources, recsys_error *err)
{
    struct rs_sink sink;
    recsys_status status = rs_sink_open(&sink, bundle->folder.folder, name, err);

    if (status == RECSYS_OK)
        status = rs_safetensors_write(&sink, sources->list, sources->n, err);
    return finish_file(bundle, &sink, status, err);
}

recsys_status rs_bundle_add_model(struct rs_bundle *bundle, recsys_error *err)
{
    const struct rs_plan *plan = &bundle->plan;
    struct rs_sources sources = {.n = 0};

    rs_sources_add(&sources, "item_factors", RECSYS_DTYPE_F32, plan->items, plan->n_items,
                   plan->dimensions, plan->order);
    sources.list[0].is_aligned = 1;
    rs_sources_add(&sources, "user_factors", RECSYS_DTYPE_F32, plan->users, plan->n_users,
                   plan->dimensions, NULL);
    add_floats(&sources, "item_bias", plan->item_bias, plan->n_items, plan->order);
    add_floats(&sources, "user_bias", plan->user_bias, plan->n_users, NULL);
    add_floats(&sources, "item_popularity", plan->popularity, plan->n_items, plan->order);
    add_ids(&sources, "item_ids", "item_ids_offsets", &plan->item_ids, plan->item_numbers);
    add_ids(&sources, "user_ids", "user_ids_offsets", &plan->user_ids, plan->user_numbers);
    if (plan->n_features > 0) {
        rs_sources_add(&sources, "feature_factors", RECSYS_DTYPE_F32, plan->features,
                       plan->n_features, plan->dimensions, NULL);
        add_ids(&sources, "feature_names", "feature_names_offsets", &plan->feature_names, NULL);
    }
    return rs_bundle_add_tensors(bundle, RS_FILE_MODEL, &sources, err);
}

recsys_status rs_bundle_add_seen(struct rs_bundle *bundle, recsys_error *err)
{
    const struct rs_plan *plan = &bundle->plan;
    struct rs_sources sources = {.n = 0};

    if (plan->seen_offsets == NULL)
        return RECSYS_OK;
    rs_sources_add(&sources, "seen_offsets", RECSYS_DTYPE_U64, plan->seen_offsets,
                   (uint64_t)plan->n_users + 1, 0, NULL);
    rs_sources_add(&sources, "seen_items", RECSYS_DTYPE_U32, plan->seen_items, plan->n_seen, 0,
                   NULL);
    add_floats(&sources, "seen_weights", plan->seen_weights, plan->n_seen, NULL);
    return rs_bundle_add_tensors(bundle, RS_FILE_SEEN, &sources, err);
}
