/* lib/builder/builder_write.c - write the plan as the files of a bundle.
 *
 * Data files first, each hashed while it is written; then the manifest, which names them. The
 * directory gets its own name last (folder.h), so no reader finds an incomplete bundle. Fields that
 * were not set: the name is the last component of the path, the version "1", the metric
 * inner_product, the link sigmoid; the others are left out.
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "lib/builder/folder.h"
#include "lib/builder/parts.h"
#include "lib/builder/safetensors_write.h"
#include "lib/builder/sink.h"
#include "lib/bundle/manifest.h"
#include "lib/catalog/catalog.h"

#define MAX_TENSORS 16

struct bundle {
    struct rs_folder folder;
    struct rs_plan plan;
    json_t *files; /* the manifest's list */
};

/* The list of tensors to write. */
struct sources {
    struct rs_tensor_written list[MAX_TENSORS];
    size_t n;
};

static void add_source(struct sources *sources, const char *name, uint32_t dtype, const void *data,
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

static void add_floats(struct sources *sources, const char *name, const float *data, uint64_t rows,
                       const uint32_t *order)
{
    if (data != NULL)
        add_source(sources, name, RECSYS_DTYPE_F32, data, rows, 0, order);
}

/* Add ids as numbers or texts. Ids that are the numbers of the rows are not stored. */
static void add_ids(struct sources *sources, const char *name, const char *offsets_name,
                    const struct rs_ids *ids, const int64_t *numbers)
{
    static const uint64_t none[1] = {0};

    if (ids->kind == RECSYS_ID_KIND_TEXT) {
        const uint64_t *offsets = ids->offsets != NULL ? ids->offsets : none;
        add_source(sources, offsets_name, RECSYS_DTYPE_U64, offsets, (uint64_t)ids->n + 1, 0, NULL);
        add_source(sources, name, RECSYS_DTYPE_U8, ids->texts, offsets[ids->n], 0, NULL);
    } else if (numbers != NULL) {
        add_source(sources, name, RECSYS_DTYPE_I64, numbers, ids->n, 0, NULL);
    }
}

static recsys_status finish_file(struct bundle *bundle, struct rs_sink *sink, recsys_status status,
                                 recsys_error *err)
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

static recsys_status write_bytes(struct bundle *bundle, const char *name, const char *bytes,
                                 size_t size, recsys_error *err)
{
    struct rs_sink sink;
    recsys_status status = rs_sink_open(&sink, bundle->folder.folder, name, err);

    if (status == RECSYS_OK)
        status = rs_sink_write(&sink, bytes, size, err);
    return finish_file(bundle, &sink, status, err);
}

static recsys_status write_tensors(struct bundle *bundle, const char *name, struct sources *sources,
                                   recsys_error *err)
{
    struct rs_sink sink;
    recsys_status status = rs_sink_open(&sink, bundle->folder.folder, name, err);

    if (status == RECSYS_OK)
        status = rs_safetensors_write(&sink, sources->list, sources->n, err);
    return finish_file(bundle, &sink, status, err);
}

static recsys_status write_model(struct bundle *bundle, recsys_error *err)
{
    const struct rs_plan *plan = &bundle->plan;
    struct sources sources = {.n = 0};

    add_source(&sources, "item_factors", RECSYS_DTYPE_F32, plan->items, plan->n_items,
               plan->dimensions, plan->order);
    add_source(&sources, "user_factors", RECSYS_DTYPE_F32, plan->users, plan->n_users,
               plan->dimensions, NULL);
    add_floats(&sources, "item_bias", plan->item_bias, plan->n_items, plan->order);
    add_floats(&sources, "user_bias", plan->user_bias, plan->n_users, NULL);
    add_floats(&sources, "item_popularity", plan->popularity, plan->n_items, plan->order);
    add_ids(&sources, "item_ids", "item_ids_offsets", &plan->item_ids, plan->item_numbers);
    add_ids(&sources, "user_ids", "user_ids_offsets", &plan->user_ids, plan->user_numbers);
    if (plan->n_features > 0) {
        add_source(&sources, "feature_factors", RECSYS_DTYPE_F32, plan->features, plan->n_features,
                   plan->dimensions, NULL);
        add_ids(&sources, "feature_names", "feature_names_offsets", &plan->feature_names, NULL);
    }
    return write_tensors(bundle, RS_FILE_MODEL, &sources, err);
}

static recsys_status write_seen(struct bundle *bundle, recsys_error *err)
{
    const struct rs_plan *plan = &bundle->plan;
    struct sources sources = {.n = 0};

    if (plan->seen_offsets == NULL)
        return RECSYS_OK;
    add_source(&sources, "seen_offsets", RECSYS_DTYPE_U64, plan->seen_offsets,
               (uint64_t)plan->n_users + 1, 0, NULL);
    add_source(&sources, "seen_items", RECSYS_DTYPE_U32, plan->seen_items, plan->n_seen, 0, NULL);
    add_floats(&sources, "seen_weights", plan->seen_weights, plan->n_seen, NULL);
    return write_tensors(bundle, RS_FILE_SEEN, &sources, err);
}

/* Parse the lines as the loader does, to find unknown and repeated ids. */
static recsys_status check_catalog(const struct rs_buffer *lines, const struct rs_ids *items,
                                   recsys_error *err)
{
    struct rs_catalog *catalog = NULL;
    recsys_status status =
        rs_catalog_parse(lines->bytes, lines->size, "catalogue", items, &catalog, err);

    rs_catalog_destroy(catalog);
    return status;
}

static recsys_status write_catalog(struct bundle *bundle, const struct rs_buffer *lines,
                                   recsys_error *err)
{
    if (lines->size == 0)
        return RECSYS_OK;
    return write_bytes(bundle, RS_FILE_CATALOG, lines->bytes, lines->size, err);
}

/* The member "link" of the manifest; NULL and an error if its limits are wrong. */
static json_t *make_link(const json_t *fields, recsys_status *status, recsys_error *err)
{
    const char *kind = json_string_value(json_object_get(fields, "link"));
    const json_t *min = json_object_get(fields, "link_min");
    const json_t *max = json_object_get(fields, "link_max");
    json_t *link = NULL;

    *status = RECSYS_OK;
    if (kind == NULL)
        kind = rs_link_name(RECSYS_LINK_SIGMOID);
    if (rs_link_find(kind) != RECSYS_LINK_LINEAR) {
        link = json_pack("{s:s}", "kind", kind);
    } else {
        float from = (float)json_number_value(min), to = (float)json_number_value(max);
        if (min == NULL || max == NULL || !(from >= -1e30f && to <= 1e30f && from < to)) {
            *status =
                rs_error(err, RECSYS_E_INVALID,
                         "a linear link needs link_min and link_max with link_min < link_max");
            return NULL;
        }
        link = json_pack("{s:s, s:f, s:f}", "kind", kind, "min", json_number_value(min), "max",
                         json_number_value(max));
    }
    if (link == NULL)
        *status = rs_error_nomem(err, "manifest");
    return link;
}

static int put(json_t *manifest, const char *key, json_t *value)
{
    return json_object_set_new(manifest, key, value) == 0;
}

/* Add a text field as it was set, else `otherwise`, unless that is NULL. */
static int put_text(json_t *manifest, const json_t *fields, const char *key, const char *otherwise)
{
    const char *value = json_string_value(json_object_get(fields, key));

    if (value == NULL)
        value = otherwise;
    return value == NULL || put(manifest, key, json_string(value));
}

static int fill_manifest(json_t *manifest, const recsys_builder *builder,
                         const struct bundle *bundle, json_t *link)
{
    const struct rs_plan *plan = &bundle->plan;
    const json_t *fields = builder->fields;

    return put(manifest, "format", json_string(RS_BUNDLE_FORMAT)) &&
           put(manifest, "format_version", json_integer(RS_BUNDLE_VERSION)) &&
           put_text(manifest, fields, "name", bundle->folder.name) &&
           put_text(manifest, fields, "version", "1") &&
           put_text(manifest, fields, "algorithm", NULL) &&
           put(manifest, "dtype", json_string(RS_BUNDLE_DTYPE)) &&
           put(manifest, "dimensions", json_integer(plan->dimensions)) &&
           put(manifest, "n_users", json_integer(plan->n_users)) &&
           put(manifest, "n_items", json_integer(plan->n_items)) &&
           put(manifest, "metric", json_string(rs_metric_name(plan->metric))) &&
           json_object_set(manifest, "link", link) == 0 &&
           (json_object_size(builder->metrics) == 0 ||
            json_object_set(manifest, "metrics", builder->metrics) == 0) &&
           (json_object_size(builder->hyperparameters) == 0 ||
            json_object_set(manifest, "hyperparameters", builder->hyperparameters) == 0) &&
           (json_object_size(builder->tags) == 0 ||
            json_object_set(manifest, "tags", builder->tags) == 0) &&
           put_text(manifest, fields, "training_date", NULL) &&
           put_text(manifest, fields, "item_name", NULL) &&
           json_object_set(manifest, "files", bundle->files) == 0;
}

static recsys_status write_manifest(struct bundle *bundle, const recsys_builder *builder,
                                    recsys_error *err)
{
    /* 15 digits, so that 0.1 stays 0.1. */
    const size_t flags = JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15);
    json_t *manifest = json_object();
    struct rs_buffer text;
    recsys_status status;

    rs_buffer_init(&text, RS_MANIFEST_MAX_BYTES);
    json_t *link = make_link(builder->fields, &status, err);
    if (status == RECSYS_OK &&
        (manifest == NULL || !fill_manifest(manifest, builder, bundle, link) ||
         rs_json_write(manifest, flags, &text) != 0))
        status = rs_error_nomem(err, "manifest");
    rs_buffer_add_text(&text, "\n");
    if (status == RECSYS_OK && text.status == RECSYS_E_LIMIT)
        status =
            rs_error(err, RECSYS_E_INVALID,
                     "metrics, hyperparameters and tags make the manifest larger than %u bytes",
                     RS_MANIFEST_MAX_BYTES);
    if (status == RECSYS_OK && text.status != RECSYS_OK)
        status = rs_error_nomem(err, "manifest");
    json_decref(link);
    json_decref(manifest);
    json_decref(bundle->files);
    bundle->files = NULL; /* the manifest is not in its own list */
    if (status == RECSYS_OK)
        status = write_bytes(bundle, RS_FILE_MANIFEST, text.bytes, text.size, err);
    rs_buffer_destroy(&text);
    return status;
}

/* Checks that need no file, made before anything is written. */
static recsys_status check_fields(const recsys_builder *builder, const struct rs_folder *folder,
                                  recsys_error *err)
{
    recsys_status status;
    json_t *link = make_link(builder->fields, &status, err);
    size_t size = strlen(folder->name);

    json_decref(link);
    if (status == RECSYS_OK && json_object_get(builder->fields, "name") == NULL &&
        (size > RS_MANIFEST_MAX_TEXT || !rs_utf8_is_valid(folder->name, size)))
        return rs_error(err, RECSYS_E_INVALID,
                        "the path's last part cannot be the model's name; set the field name");
    return status;
}

recsys_status recsys_builder_write(recsys_builder *builder, const char *path, recsys_error *err)
{
    static const char *const names[] = {RS_FILE_MODEL, RS_FILE_SEEN, RS_FILE_CATALOG,
                                        RS_FILE_MANIFEST, NULL};
    struct bundle bundle;
    recsys_status status;

    if (builder == NULL || path == NULL || path[0] == '\0')
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_write: %s",
                        builder == NULL ? "builder is NULL" : "path is NULL or empty");
    memset(&bundle, 0, sizeof bundle);
    status = rs_folder_open(&bundle.folder, path, err);
    if (status != RECSYS_OK)
        goto done;
    bundle.files = json_array();
    if (bundle.files == NULL) {
        status = rs_error_nomem(err, "manifest");
        goto done;
    }
    if ((status = rs_builder_settle(builder, err)) != RECSYS_OK ||
        (status = check_fields(builder, &bundle.folder, err)) != RECSYS_OK ||
        (status = rs_plan_make(builder, &bundle.plan, err)) != RECSYS_OK ||
        (status = check_catalog(&builder->catalog, &bundle.plan.item_ids, err)) != RECSYS_OK ||
        (status = write_model(&bundle, err)) != RECSYS_OK ||
        (status = write_seen(&bundle, err)) != RECSYS_OK ||
        (status = write_catalog(&bundle, &builder->catalog, err)) != RECSYS_OK ||
        (status = write_manifest(&bundle, builder, err)) != RECSYS_OK)
        goto done;
    status = rs_folder_publish(&bundle.folder, err);
done:
    json_decref(bundle.files);
    rs_plan_destroy(&bundle.plan);
    rs_folder_close(&bundle.folder, names);
    return status;
}
