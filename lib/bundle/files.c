/* lib/bundle/files.c - open a bundle or a single file, from a path or from given files.
 *
 * A bundle's files are mapped and compared with the manifest's sizes before they are read, and with
 * its hashes before anybody gets the result; the mapping that was hashed is the one that is used.
 * The directory is resolved once, so that an alias that moves meanwhile cannot mix two versions.
 * Files that the manifest does not list are not touched.
 */
#include "lib/bundle/files.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/formats/formats.h"
#include "recsys/model.h"

#define MAX_SHOWN 200u /* bytes of a path in an error; its end says more than its beginning */

/* The place where files come from. */
struct place {
    const char *directory; /* resolved; NULL for files that are given */
    const char *shown;     /* the path as the caller wrote it; "" for files that are given */
    struct rs_given *given;
    size_t n_given;
};

/* "<path>/<file>" for errors, or only one of them if the other is empty. */
static void show(const char *path, const char *file, char out[RS_FILES_NAME_SIZE])
{
    size_t length = strlen(path);
    const char *dots = "";

    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length > MAX_SHOWN) {
        path += length - MAX_SHOWN;
        length = MAX_SHOWN;
        dots = "...";
        for (; length > 0 && ((unsigned char)*path & 0xC0u) == 0x80u; length--)
            path++;
    }
    snprintf(out, RS_FILES_NAME_SIZE, "%s%.*s%s%.60s", dots, (int)length, path,
             *path == '\0' || *file == '\0' ? "" : "/", file);
}

/* `name` becomes how errors call the file. */
static recsys_status open_file(const struct place *place, const char *file,
                               char name[RS_FILES_NAME_SIZE], struct rs_map *out, recsys_error *err)
{
    char path[PATH_MAX + RS_MANIFEST_MAX_TEXT + 2];

    show(place->shown, file, name);
    if (place->directory != NULL) {
        snprintf(path, sizeof path, "%s/%s", place->directory, file);
        return rs_map_open(path, name, UINT64_MAX, out, err);
    }
    for (size_t i = 0; i < place->n_given; i++)
        if (strcmp(place->given[i].name, file) == 0) {
            *out = place->given[i].map;
            memset(&place->given[i].map, 0, sizeof place->given[i].map);
            return RECSYS_OK;
        }
    memset(out, 0, sizeof *out);
    return rs_error(err, RECSYS_E_NOT_FOUND,
                    "%s: the manifest lists it, but it is not among the files that were given",
                    name);
}

static int ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static recsys_status check_limit(const char *name, uint64_t n_bytes, uint64_t max_bytes,
                                 recsys_error *err)
{
    if (max_bytes == 0 || n_bytes <= max_bytes)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_LIMIT, "%s: has %" PRIu64 " bytes, max_bytes is %" PRIu64, name,
                    n_bytes, max_bytes);
}

static recsys_status check_size(const struct rs_manifest_file *file, const char *name,
                                const struct rs_map *map, recsys_error *err)
{
    if (map->size == file->size)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_FORMAT,
                    "%s: has %zu bytes, the manifest says %" PRIu64 " (truncated copy?)", name,
                    map->size, file->size);
}

/* Where the tensors of a file of this name go, with its name and whether it is there; NULL if it
 * is no such file of this format version. */
static struct rs_tensors *tensors_of(struct rs_files *out, const char *file, char **name, int **has)
{
    if (strcmp(file, RS_FILE_MODEL) == 0) {
        *name = out->model_name;
        return &out->model;
    }
    if (strcmp(file, RS_FILE_SEEN) == 0) {
        *name = out->seen_name;
        *has = &out->has_seen;
        return &out->seen;
    }
    if (out->manifest.format_version < 2)
        return NULL;
    if (strcmp(file, RS_FILE_CATALOG) == 0) {
        *name = out->catalog_name;
        *has = &out->has_columns;
        return &out->columns;
    }
    *name = out->codes_name;
    *has = &out->has_codes;
    return strcmp(file, RS_FILE_CODES) == 0 ? &out->codes : NULL;
}

/* Read a file into the member of `files` for its kind, which takes the map over. */
static recsys_status take_file(struct rs_files *out, const char *file, const char *shown,
                               struct rs_map *map, recsys_error *err)
{
    char *name;
    int unused, *has = &unused;
    struct rs_tensors *tensors = tensors_of(out, file, &name, &has);

    if (tensors == NULL) {
        if (out->manifest.format_version > 1 || strcmp(file, RS_FILE_LINES) != 0)
            return RECSYS_OK;
        out->catalog = *map;
        memcpy(out->catalog_name, shown, sizeof out->catalog_name);
        memset(map, 0, sizeof *map);
        return RECSYS_OK;
    }
    memcpy(name, shown, RS_FILES_NAME_SIZE);
    *has = 1;
    recsys_status status = rs_safetensors_parse(map->bytes, map->size, shown, tensors, err);
    if (status == RECSYS_OK) {
        tensors->map = *map;
        memset(map, 0, sizeof *map);
    }
    return status;
}

static recsys_status open_listed(const struct place *place, const struct rs_manifest_file *file,
                                 uint32_t flags, struct rs_files *out, recsys_error *err)
{
    char name[RS_FILES_NAME_SIZE];
    struct rs_map map;

    recsys_status status = open_file(place, file->name, name, &map, err);
    if (status == RECSYS_OK)
        status = check_size(file, name, &map, err);
    if (status != RECSYS_OK) {
        rs_map_close(&map);
        return status;
    }
    if ((flags & RECSYS_MODEL_SKIP_HASHES) == 0)
        rs_hashing_add(&out->hashing, map.bytes, map.size, file->sha256, NULL, name);
    status = take_file(out, file->name, name, &map, err);
    out->others[out->n_others++] = map; /* empty if it was taken */
    return status;
}

static recsys_status open_manifest(const struct place *place, struct rs_files *out,
                                   recsys_error *err)
{
    char name[RS_FILES_NAME_SIZE];
    struct rs_map map;

    recsys_status status = open_file(place, RS_FILE_MANIFEST, name, &map, err);
    if (status != RECSYS_OK)
        return status;
    out->n_bytes = map.size;
    status = rs_manifest_parse((const char *)map.bytes, map.size, name, &out->manifest, err);
    rs_map_close(&map);
    return status;
}

static recsys_status open_files(const struct place *place, uint32_t flags, uint64_t max_bytes,
                                uint32_t n_threads, struct rs_files *out, recsys_error *err)
{
    char shown[RS_FILES_NAME_SIZE];

    out->is_bundle = 1;
    recsys_status status = open_manifest(place, out, err);
    if (status != RECSYS_OK)
        return status;
    show(place->directory != NULL ? place->shown : "the bundle", "", shown);
    for (size_t i = 0; i < out->manifest.n_files; i++)
        if (__builtin_add_overflow(out->n_bytes, out->manifest.files[i].size, &out->n_bytes))
            out->n_bytes = UINT64_MAX;
    status = check_limit(shown, out->n_bytes, max_bytes, err);
    if (status == RECSYS_OK)
        status = rs_hashing_create(&out->hashing, out->manifest.n_files, err);
    if (status != RECSYS_OK)
        return status;
    out->others = rs_alloc_array(out->manifest.n_files, sizeof *out->others);
    if (out->others == NULL)
        return rs_error_nomem(err, shown);
    for (size_t i = 0; i < out->manifest.n_files && status == RECSYS_OK; i++)
        status = open_listed(place, &out->manifest.files[i], flags, out, err);
    rs_hashing_start(&out->hashing, n_threads);
    return status;
}

static recsys_status open_bundle(const char *path, uint32_t flags, uint64_t max_bytes,
                                 uint32_t n_threads, struct rs_files *out, recsys_error *err)
{
    char directory[PATH_MAX], shown[RS_FILES_NAME_SIZE];
    const struct place place = {directory, path, NULL, 0};

    show(path, "", shown);
    if (realpath(path, directory) == NULL)
        return rs_error_sys(err, errno, "cannot resolve %s", shown);
    snprintf(out->title, sizeof out->title, "%.255s", strrchr(directory, '/') + 1);
    return open_files(&place, flags, max_bytes, n_threads, out, err);
}

static recsys_status read_single(const char *path, const char *name, const struct rs_map *map,
                                 struct rs_files *out, recsys_error *err)
{
    rs_tensors_parse parse = NULL;
    recsys_status status = rs_formats_find(path, map->bytes, map->size, name, &parse, err);

    if (status != RECSYS_OK)
        return status;
    out->is_npz = parse == rs_npz_parse;
    return parse(map->bytes, map->size, name, &out->model, err);
}

/* `path`: of the file, or its name. `map` is taken over, also by a failure. */
static recsys_status take_single(const char *path, struct rs_map *map, uint64_t max_bytes,
                                 uint32_t n_threads, struct rs_files *out, recsys_error *err)
{
    const char *slash = strrchr(path, '/'), *title = slash == NULL ? path : slash + 1;

    snprintf(out->title, sizeof out->title, "%.255s", title);
    if (ends_in(out->title, ".safetensors") || ends_in(out->title, ".npz"))
        *strrchr(out->title, '.') = '\0';
    out->n_bytes = map->size;
    recsys_status status = check_limit(out->model_name, map->size, max_bytes, err);
    if (status == RECSYS_OK)
        status = rs_hashing_create(&out->hashing, 1, err);
    if (status == RECSYS_OK) {
        rs_hashing_add(&out->hashing, map->bytes, map->size, NULL, out->sha256, out->model_name);
        rs_hashing_start(&out->hashing, n_threads);
        status = read_single(path, out->model_name, map, out, err);
    }
    out->model.map = *map; /* closed with `out` */
    memset(map, 0, sizeof *map);
    return status;
}

static recsys_status open_single(const char *path, uint64_t max_bytes, uint32_t n_threads,
                                 struct rs_files *out, recsys_error *err)
{
    struct rs_map map;

    show(path, "", out->model_name);
    recsys_status status = rs_map_open(path, out->model_name, UINT64_MAX, &map, err);
    return status == RECSYS_OK ? take_single(path, &map, max_bytes, n_threads, out, err) : status;
}

recsys_status rs_files_verify(struct rs_files *files, recsys_status status, recsys_error *err)
{
    recsys_error other;
    recsys_status verified = rs_hashing_finish(&files->hashing, &other);

    if (verified == RECSYS_OK || (verified == RECSYS_E_NOMEM && status != RECSYS_OK))
        return status;
    return rs_error(err, verified, "%s", other.message);
}

/* A file that is not the manifest's is the better reason for a failure of reading it. */
static recsys_status end_open(struct rs_files *out, recsys_status status, recsys_error *err)
{
    if (status == RECSYS_OK)
        return RECSYS_OK;
    status = rs_files_verify(out, status, err);
    rs_files_close(out);
    return status;
}

recsys_status rs_files_open(const char *path, uint32_t flags, uint64_t max_bytes,
                            uint32_t n_threads, struct rs_files *out, recsys_error *err)
{
    struct stat info;
    char shown[RS_FILES_NAME_SIZE];

    memset(out, 0, sizeof *out);
    show(path, "", shown);
    if (stat(path, &info) != 0)
        return rs_error_sys(err, errno, "cannot open %s", shown);
    recsys_status status = S_ISDIR(info.st_mode)
                               ? open_bundle(path, flags, max_bytes, n_threads, out, err)
                               : open_single(path, max_bytes, n_threads, out, err);
    return end_open(out, status, err);
}

recsys_status rs_files_take(struct rs_given *given, size_t n_given, uint32_t flags,
                            uint64_t max_bytes, uint32_t n_threads, struct rs_files *out,
                            recsys_error *err)
{
    const struct place place = {NULL, "", given, n_given};
    int is_bundle = 0;
    recsys_status status;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n_given; i++)
        is_bundle |= strcmp(given[i].name, RS_FILE_MANIFEST) == 0;
    if (is_bundle) {
        snprintf(out->title, sizeof out->title, "model");
        status = open_files(&place, flags, max_bytes, n_threads, out, err);
    } else if (n_given == 1) {
        show(given->name, "", out->model_name);
        status = take_single(given->name, &given->map, max_bytes, n_threads, out, err);
    } else {
        status =
            rs_error(err, RECSYS_E_INVALID,
                     "recsys_model_load_files: of several files one must be %s", RS_FILE_MANIFEST);
    }
    return end_open(out, status, err);
}

void rs_files_close(struct rs_files *files)
{
    rs_hashing_destroy(&files->hashing);
    for (size_t i = 0; i < files->n_others; i++)
        rs_map_close(&files->others[i]);
    rs_free(files->others);
    files->others = NULL;
    files->n_others = 0;
    rs_tensors_close(&files->model);
    rs_tensors_close(&files->seen);
    rs_tensors_close(&files->columns);
    rs_tensors_close(&files->codes);
    rs_map_close(&files->catalog);
    rs_manifest_destroy(&files->manifest);
}
