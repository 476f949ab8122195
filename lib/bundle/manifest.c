/* lib/bundle/manifest.c - see manifest.h.
 *
 * Checks everything that needs no other file. Texts stay in the parsed JSON. Unknown members are
 * ignored.
 */
#include "lib/bundle/manifest.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "recsys/model.h"

/* Indexed by the constants. */
static const char *const dtype_names[] = {NULL, "F32", "F64", "F16", "BF16"};
static const char *const metric_names[] = {NULL, "inner_product", "cosine"};
static const char *const similar_names[] = {NULL, "vector", "vector_bias", "vector_bias_one"};
static const char *const link_names[] = {NULL, "sigmoid", "linear", "clip"};

static uint32_t find_name(const char *const *names, size_t n, const char *name)
{
    for (uint32_t i = 1; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return 0;
}

const char *rs_metric_name(uint32_t metric)
{
    return metric < sizeof metric_names / sizeof *metric_names ? metric_names[metric] : NULL;
}

const char *rs_link_name(uint32_t link)
{
    return link < sizeof link_names / sizeof *link_names ? link_names[link] : NULL;
}

const char *rs_similar_name(uint32_t similar_by)
{
    return similar_by < sizeof similar_names / sizeof *similar_names ? similar_names[similar_by]
                                                                     : NULL;
}

uint32_t rs_similar_find(const char *name)
{
    return find_name(similar_names, sizeof similar_names / sizeof *similar_names, name);
}

uint32_t rs_metric_find(const char *name)
{
    return find_name(metric_names, sizeof metric_names / sizeof *metric_names, name);
}

uint32_t rs_link_find(const char *name)
{
    return find_name(link_names, sizeof link_names / sizeof *link_names, name);
}

int rs_manifest_is_plain_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= RS_MANIFEST_MAX_TEXT && strchr(name, '/') == NULL &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int is_digest(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static recsys_status get_short_text(const json_t *object, const char *key, const char *where,
                                    const char **out, recsys_error *err)
{
    *out = "";
    recsys_status status = rs_json_get_text(object, key, 0, where, out, err);
    if (status == RECSYS_OK && strlen(*out) > RS_MANIFEST_MAX_TEXT)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"%s\" is longer than %u bytes", where, key,
                        RS_MANIFEST_MAX_TEXT);
    return status;
}

static recsys_status get_count(const json_t *object, const char *key, int64_t min, int64_t max,
                               const char *where, uint32_t *out, recsys_error *err)
{
    int64_t value = 0;
    recsys_status status = rs_json_get_integer(object, key, 1, min, max, where, &value, err);

    *out = (uint32_t)value;
    return status;
}

static recsys_status check_format(const json_t *json, const char *where, struct rs_manifest *out,
                                  recsys_error *err)
{
    const char *format = NULL, *dtype = NULL;
    int64_t version = 0;
    recsys_status status = rs_json_get_text(json, "format", 1, where, &format, err);

    if (status != RECSYS_OK)
        return status;
    if (strcmp(format, RS_BUNDLE_FORMAT) != 0)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"format\" is not \"%s\"", where,
                        RS_BUNDLE_FORMAT);
    status = rs_json_get_integer(json, "format_version", 1, 1, INT64_MAX, where, &version, err);
    if (status != RECSYS_OK)
        return status;
    if (version > RS_BUNDLE_VERSION)
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: format_version is %" PRId64 ", this library reads up to %d", where,
                        version, RS_BUNDLE_VERSION);
    out->format_version = (uint32_t)version;
    status = rs_json_get_text(json, "dtype", 1, where, &dtype, err);
    if (status != RECSYS_OK)
        return status;
    out->dtype = find_name(dtype_names, sizeof dtype_names / sizeof *dtype_names, dtype);
    if (out->dtype == 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: \"dtype\" must be \"F32\", \"F64\", \"F16\" or \"BF16\"", where);
    return RECSYS_OK;
}

static recsys_status get_range(const json_t *link, const char *where, struct rs_manifest *out,
                               recsys_error *err)
{
    double min = 0, max = 0;
    recsys_status status = rs_json_get_number(link, "min", 1, where, &min, err);

    if (status == RECSYS_OK)
        status = rs_json_get_number(link, "max", 1, where, &max, err);
    if (status != RECSYS_OK)
        return status;
    out->link_min = (float)min;
    out->link_max = (float)max;
    if (!(min >= -1e30 && max <= 1e30 && out->link_min < out->link_max))
        return rs_error(err, RECSYS_E_FORMAT, "%s: a linear link needs min < max", where);
    return RECSYS_OK;
}

static recsys_status get_similar(const json_t *json, const char *where, struct rs_manifest *out,
                                 recsys_error *err)
{
    const char *name = "vector";
    recsys_status status = rs_json_get_text(json, "similar_by", 0, where, &name, err);

    if (status != RECSYS_OK)
        return status;
    out->similar_by = rs_similar_find(name);
    if (out->similar_by == 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: \"similar_by\" must be \"vector\", \"vector_bias\" or "
                        "\"vector_bias_one\"",
                        where);
    return RECSYS_OK;
}

static recsys_status get_scoring(const json_t *json, const char *where, struct rs_manifest *out,
                                 recsys_error *err)
{
    const char *metric = "inner_product", *kind = "sigmoid";
    const json_t *link = json_object_get(json, "link");
    recsys_status status = rs_json_get_text(json, "metric", 0, where, &metric, err);

    if (status != RECSYS_OK)
        return status;
    out->metric = rs_metric_find(metric);
    if (out->metric == 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: \"metric\" must be \"inner_product\" or \"cosine\"", where);
    if (link != NULL && !json_is_null(link)) {
        if (!json_is_object(link))
            return rs_error(err, RECSYS_E_FORMAT, "%s: \"link\" must be an object", where);
        status = rs_json_get_text(link, "kind", 0, where, &kind, err);
        if (status != RECSYS_OK)
            return status;
    }
    out->link = rs_link_find(kind);
    if (out->link == 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: \"link.kind\" must be \"sigmoid\", \"linear\" or \"clip\"", where);
    return out->link == RECSYS_LINK_LINEAR ? get_range(link, where, out, err) : RECSYS_OK;
}

static recsys_status get_file(const json_t *entry, const char *where, struct rs_manifest *out,
                              recsys_error *err)
{
    struct rs_manifest_file *file = &out->files[out->n_files];
    int64_t size = 0;

    if (!json_is_object(entry))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"files\" must hold objects", where);
    recsys_status status = rs_json_get_text(entry, "name", 1, where, &file->name, err);
    if (status == RECSYS_OK)
        status = rs_json_get_integer(entry, "size", 1, 0, INT64_MAX, where, &size, err);
    if (status == RECSYS_OK)
        status = rs_json_get_text(entry, "sha256", 1, where, &file->sha256, err);
    if (status != RECSYS_OK)
        return status;
    if (!rs_manifest_is_plain_name(file->name) || strcmp(file->name, RS_FILE_MANIFEST) == 0)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: \"files\" names \"%.80s\", which is no plain name of another file",
                        where, file->name);
    if (rs_manifest_find(out, file->name) != NULL)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"files\" names %s twice", where, file->name);
    if (!is_digest(file->sha256))
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: \"sha256\" of %s must be 64 lower-case hex digits", where, file->name);
    file->size = (uint64_t)size;
    out->n_files++;
    return RECSYS_OK;
}

static recsys_status get_files(const json_t *json, const char *where, struct rs_manifest *out,
                               recsys_error *err)
{
    const json_t *files = json_object_get(json, "files");
    recsys_status status = RECSYS_OK;

    if (!json_is_array(files) || json_array_size(files) > RS_MANIFEST_MAX_FILES)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"files\" must be an array of at most %u", where,
                        RS_MANIFEST_MAX_FILES);
    out->files = rs_alloc_array(json_array_size(files), sizeof *out->files);
    if (out->files == NULL)
        return rs_error_nomem(err, where);
    for (size_t i = 0; i < json_array_size(files) && status == RECSYS_OK; i++)
        status = get_file(json_array_get(files, i), where, out, err);
    if (status == RECSYS_OK && rs_manifest_find(out, RS_FILE_MODEL) == NULL)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"files\" does not list %s", where,
                        RS_FILE_MODEL);
    return status;
}

/* Members that tools show, and the hyperparameters: each is an object or absent. */
static recsys_status check_objects(const json_t *json, const char *where, recsys_error *err)
{
    static const char *const keys[] = {"metrics", "hyperparameters"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *member = json_object_get(json, keys[i]);
        if (member != NULL && !json_is_null(member) && !json_is_object(member))
            return rs_error(err, RECSYS_E_FORMAT, "%s: \"%s\" must be an object", where, keys[i]);
    }
    return RECSYS_OK;
}

static recsys_status get_codes_pay(const json_t *json, const char *where, struct rs_manifest *out,
                                   recsys_error *err)
{
    const json_t *member = json_object_get(json, "codes_pay");

    if (out->format_version < 2 || member == NULL || json_is_null(member))
        return RECSYS_OK;
    if (!json_is_boolean(member))
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"codes_pay\" must be true or false", where);
    out->codes_pay = json_is_true(member) ? RS_CODES_YES : RS_CODES_NO;
    return RECSYS_OK;
}

static recsys_status get_all(const char *where, struct rs_manifest *out, recsys_error *err)
{
    const json_t *json = out->json;
    recsys_status status;

    if (!json_is_object(json))
        return rs_error(err, RECSYS_E_FORMAT, "%s: must be a JSON object", where);
    if ((status = check_format(json, where, out, err)) != RECSYS_OK ||
        (status = get_short_text(json, "name", where, &out->name, err)) != RECSYS_OK ||
        (status = get_short_text(json, "version", where, &out->version, err)) != RECSYS_OK ||
        (status = get_short_text(json, "algorithm", where, &out->algorithm, err)) != RECSYS_OK ||
        (status = get_short_text(json, "training_date", where, &out->training_date, err)) !=
            RECSYS_OK ||
        (status = get_short_text(json, "item_name", where, &out->item_name, err)) != RECSYS_OK ||
        (status = get_similar(json, where, out, err)) != RECSYS_OK ||
        (status = get_count(json, "dimensions", 1, RS_MAX_DIMENSIONS, where, &out->dimensions,
                            err)) != RECSYS_OK ||
        (status = get_count(json, "n_users", 0, UINT32_MAX, where, &out->n_users, err)) !=
            RECSYS_OK ||
        (status = get_count(json, "n_items", 1, UINT32_MAX, where, &out->n_items, err)) !=
            RECSYS_OK ||
        (status = get_scoring(json, where, out, err)) != RECSYS_OK ||
        (status = get_codes_pay(json, where, out, err)) != RECSYS_OK ||
        (status = check_objects(json, where, err)) != RECSYS_OK)
        return status;
    return get_files(json, where, out, err);
}

recsys_status rs_manifest_parse(const char *bytes, size_t size, const char *where,
                                struct rs_manifest *out, recsys_error *err)
{
    memset(out, 0, sizeof *out);
    if (size == 0)
        return rs_error(err, RECSYS_E_FORMAT, "%s: is empty", where);
    if (size > RS_MANIFEST_MAX_BYTES)
        return rs_error(err, RECSYS_E_FORMAT, "%s: has %zu bytes, at most %u are allowed", where,
                        size, RS_MANIFEST_MAX_BYTES);
    size_t mark = rs_utf8_mark_size(bytes, size);
    recsys_status status = rs_json_parse(bytes + mark, size - mark, where, &out->json, err);
    if (status == RECSYS_OK)
        status = get_all(where, out, err);
    if (status != RECSYS_OK)
        rs_manifest_destroy(out);
    return status;
}

void rs_manifest_destroy(struct rs_manifest *manifest)
{
    rs_free(manifest->files);
    json_decref(manifest->json);
    memset(manifest, 0, sizeof *manifest);
}

const struct rs_manifest_file *rs_manifest_find(const struct rs_manifest *manifest,
                                                const char *name)
{
    for (size_t i = 0; i < manifest->n_files; i++)
        if (strcmp(manifest->files[i].name, name) == 0)
            return &manifest->files[i];
    return NULL;
}

recsys_status rs_manifest_dump(const struct rs_manifest *manifest, const char *key, char **out,
                               recsys_error *err)
{
    const json_t *member = json_object_get(manifest->json, key);
    const size_t flags = JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15);

    *out = json_is_object(member) ? rs_json_write_text(member, flags) : rs_copy_text("{}");
    return *out != NULL ? RECSYS_OK : rs_error_nomem(err, "manifest");
}
