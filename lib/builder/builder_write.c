/* lib/builder/builder_write.c - write the plan as the files of a bundle.
 *
 * Data files first (write_files.h), each hashed while it is written; then the manifest, which names
 * them. The directory gets its own name last (folder.h), so no reader finds an incomplete bundle.
 * Fields that were not set: the name is the last component of the path, the version "1", the metric
 * inner_product, the link sigmoid; the others are left out.
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "lib/builder/parts.h"
#include "lib/builder/write_files.h"

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
                         const struct rs_bundle *bundle, json_t *link)
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
           put_text(manifest, fields, "similar_by", NULL) &&
           put(manifest, "codes_pay", json_boolean(bundle->codes_pay)) &&
           json_object_update(manifest, builder->others) == 0 &&
           json_object_set(manifest, "files", bundle->files) == 0;
}

static recsys_status write_manifest(struct rs_bundle *bundle, const recsys_builder *builder,
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
        status = rs_bundle_add_bytes(bundle, RS_FILE_MANIFEST, text.bytes, text.size, err);
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
    static const char *const names[] = {RS_FILE_MODEL, RS_FILE_SEEN,     RS_FILE_CATALOG,
                                        RS_FILE_CODES, RS_FILE_MANIFEST, NULL};
    struct rs_bundle bundle;
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
        (status = rs_bundle_read_catalog(&bundle, &builder->catalog, err)) != RECSYS_OK ||
        (status = rs_bundle_add_model(&bundle, err)) != RECSYS_OK ||
        (status = rs_bundle_add_codes(&bundle, err)) != RECSYS_OK ||
        (status = rs_bundle_add_seen(&bundle, err)) != RECSYS_OK ||
        (status = rs_bundle_add_catalog(&bundle, err)) != RECSYS_OK ||
        (status = write_manifest(&bundle, builder, err)) != RECSYS_OK)
        goto done;
    status = rs_folder_publish(&bundle.folder, err);
done:
    json_decref(bundle.files);
    rs_catalog_destroy(bundle.catalog);
    rs_plan_destroy(&bundle.plan);
    rs_folder_close(&bundle.folder, names);
    return status;
}
