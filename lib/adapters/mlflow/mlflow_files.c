/* lib/adapters/mlflow/mlflow_files.c - lists of files, and the manifest of a bundle, out of JSON;
 * see mlflow_replies.h.
 */
#include <stdio.h>
#include <string.h>

#include "lib/adapters/mlflow/mlflow_replies.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"

#define MANIFEST "recsys.json"
#define MAX_FILES 256u
#define MAX_NAME 255u

recsys_status rs_mlflow_parse_files(const char *bytes, size_t size, struct rs_mlflow_listing *out,
                                    recsys_error *err)
{
    static const char where[] = "MLflow's list of files";
    json_t *json = NULL;
    const json_t *files, *entry;
    size_t i;

    memset(out, 0, sizeof *out);
    recsys_status status = rs_mlflow_parse_list(bytes, size, "files", where, &json, &files, err);
    json_array_foreach(files, i, entry)
    {
        const char *path = json_string_value(json_object_get(entry, "path"));
        if (path == NULL)
            continue;
        const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
        int is_folder = json_is_true(json_object_get(entry, "is_dir"));
        if (!is_folder && strcmp(name, MANIFEST) == 0)
            out->has_manifest = 1;
        if (is_folder && strcmp(name, "bundle") == 0)
            out->has_bundle = 1;
        if (out->n < sizeof out->first / sizeof out->first[0]) {
            snprintf(out->first[out->n], sizeof out->first[0], "%.60s%s", name,
                     is_folder ? "/" : "");
            rs_text_trim(out->first[out->n]);
        }
        out->n++;
    }
    json_decref(json);
    return status;
}

/* 1 if it is a plain file name, which cannot lead out of a directory. */
static int is_plain(const char *name)
{
    if (*name == '\0' || *name == '.' || strlen(name) > MAX_NAME || strchr(name, '/') != NULL ||
        strchr(name, '\\') != NULL || strcmp(name, MANIFEST) == 0)
        return 0;
    for (; *name != '\0'; name++)
        if ((unsigned char)*name < ' ' || *name == 127)
            return 0;
    return 1;
}

static int is_sum(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static recsys_status read_file(const json_t *entry, struct rs_mlflow_manifest *out,
                               recsys_error *err)
{
    struct rs_mlflow_file *file = &out->files[out->n_files];
    int64_t size = 0;
    recsys_status status = rs_json_get_text(entry, "name", 1, MANIFEST, &file->name, err);

    if (status == RECSYS_OK)
        status = rs_json_get_integer(entry, "size", 1, 0, INT64_MAX, MANIFEST, &size, err);
    if (status == RECSYS_OK)
        status = rs_json_get_text(entry, "sha256", 1, MANIFEST, &file->sha256, err);
    if (status != RECSYS_OK)
        return status;
    if (!is_plain(file->name))
        return rs_error(err, RECSYS_E_FORMAT,
                        MANIFEST ": \"%.100s\" is not the plain name of a file", file->name);
    if (!is_sum(file->sha256))
        return rs_error(err, RECSYS_E_FORMAT,
                        MANIFEST ": the sha256 of \"%.100s\" is not 64 lower-case digits",
                        file->name);
    for (size_t i = 0; i < out->n_files; i++)
        if (strcmp(out->files[i].name, file->name) == 0)
            return rs_error(err, RECSYS_E_FORMAT, MANIFEST ": \"%.100s\" is listed twice",
                            file->name);
    file->size = (uint64_t)size;
    if (__builtin_add_overflow(out->n_bytes, file->size, &out->n_bytes))
        return rs_error(err, RECSYS_E_LIMIT, MANIFEST ": the files are larger than 2^64 bytes");
    out->n_files++;
    return RECSYS_OK;
}

recsys_status rs_mlflow_parse_manifest(const char *bytes, size_t size,
                                       struct rs_mlflow_manifest *out, recsys_error *err)
{
    size_t mark = rs_utf8_mark_size(bytes, size), i;
    const json_t *entry;
    const char *format = "";

    memset(out, 0, sizeof *out);
    out->n_bytes = size;
    recsys_status status = rs_json_parse(bytes + mark, size - mark, MANIFEST, &out->json, err);
    if (status == RECSYS_OK)
        status = rs_json_get_text(out->json, "format", 1, MANIFEST, &format, err);
    if (status != RECSYS_OK)
        return status;
    const json_t *files = json_object_get(out->json, "files");
    if (strcmp(format, "recsys-bundle") != 0 || !json_is_array(files))
        return rs_error(err, RECSYS_E_FORMAT,
                        MANIFEST ": \"format\" must be \"recsys-bundle\", and \"files\" an array");
    if (json_array_size(files) > MAX_FILES)
        return rs_error(err, RECSYS_E_LIMIT, MANIFEST ": more than 256 files");
    out->files = rs_alloc_array(json_array_size(files) + 1, sizeof *out->files);
    if (out->files == NULL)
        return rs_error_nomem(err, MANIFEST);
    json_array_foreach(files, i, entry)
    {
        if (status == RECSYS_OK)
            status = read_file(entry, out, err);
    }
    return status;
}

void rs_mlflow_manifest_destroy(struct rs_mlflow_manifest *manifest)
{
    json_decref(manifest->json);
    rs_free(manifest->files);
    manifest->json = NULL;
    manifest->files = NULL;
}
