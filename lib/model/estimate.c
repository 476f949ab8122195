/* lib/model/estimate.c - how much memory a model will take, before it is loaded.
 *
 * The manifest says how many users, items and dimensions there are and how large the files are;
 * what the loader allocates follows from that, and is written down here step by step. Where the
 * manifest leaves something open, as whether ids have gaps, the larger case is taken. The loader
 * checks the sizes against the files, so a manifest that says too little gets its model refused
 * later.
 */
#include "lib/model/estimate.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/base/error.h"
#include "lib/bundle/codes.h"
#include "lib/bundle/layout.h"
#include "lib/bundle/manifest.h"
#include "lib/bundle/short_codes.h"
#include "lib/formats/formats.h"
#include "lib/formats/map.h"
#include "lib/formats/tensors.h"
#include "lib/formats/zip.h"
#include "lib/model/model_memory.h"

#define STRIDE_UNIT 16u
#define FIXED (256u * 1024u) /* what has no size of its own: the object, its names */

static uint64_t size_of(const struct rs_manifest *manifest, const char *name)
{
    const struct rs_manifest_file *file = rs_manifest_find(manifest, name);

    return file == NULL ? 0 : file->size;
}

/* All factors are below 2^32, and d below 2^17: no product overflows. */
static uint64_t items_bytes(const struct rs_manifest *manifest, uint32_t flags)
{
    uint64_t d = manifest->dimensions, stride = (d + STRIDE_UNIT - 1) / STRIDE_UNIT * STRIDE_UNIT;
    uint32_t huge = flags & RECSYS_MODEL_HUGE_PAGES ? RS_MEMORY_HUGE : 0;
    int is_in_place = manifest->format_version > 1 && manifest->dtype == RECSYS_DTYPE_F32 &&
                      d == stride && huge == 0;

    return is_in_place ? 0 : rs_memory_size(manifest->n_items * stride * sizeof(float), huge);
}

static uint64_t users_bytes(const struct rs_manifest *manifest)
{
    int is_in_place = manifest->dtype == RECSYS_DTYPE_F32 &&
                      (manifest->format_version > 1 || manifest->metric != RECSYS_METRIC_COSINE);

    return is_in_place ? 0 : (uint64_t)manifest->n_users * manifest->dimensions * sizeof(float);
}

static uint64_t codes_bytes(const struct rs_manifest *manifest)
{
    uint64_t bounds = ((uint64_t)manifest->n_items / RS_BLOCK_ITEMS + 1) * 128u;
    uint64_t n = manifest->n_items, an_item = sizeof(float); /* of steps, of residuals */
    uint64_t codes = rs_codes_bytes(n, manifest->dimensions);
    uint64_t short_codes = rs_short_codes_bytes(n, manifest->dimensions);

    if (manifest->codes_pay == RS_CODES_NO)
        return bounds;
    if (size_of(manifest, RS_FILE_CODES) > 0) /* residuals of short codes, if it has any */
        return bounds + n * an_item;
    return bounds + rs_memory_size(codes, rs_memory_of_codes(codes)) +
           rs_memory_size(short_codes, rs_memory_of_codes(short_codes)) + 2 * n * an_item;
}

/* The file of the model has ids if something of their size is in it beside the vectors: then there
 * are a copy, a table of up to four places an id, an order and ranks. */
static uint64_t ids_bytes(const struct rs_manifest *manifest)
{
    uint64_t n_items = manifest->n_items, n = n_items + manifest->n_users;
    uint64_t vectors = n * manifest->dimensions * rs_dtype_size(manifest->dtype);
    uint64_t size = size_of(manifest, RS_FILE_MODEL), rest = size > vectors ? size - vectors : 0;

    return rest < n_items * 8u ? n * 8u + rest : n * 32u + rest;
}

static uint64_t catalog_bytes(const struct rs_manifest *manifest)
{
    uint64_t genres = (uint64_t)manifest->n_items * 24u; /* six an item, of four bytes */

    if (manifest->format_version > 1)
        return genres;
    return genres + size_of(manifest, RS_FILE_LINES) + (uint64_t)manifest->n_items * 64u;
}

static void estimate_bundle(const struct rs_manifest *manifest, uint32_t flags,
                            struct rs_estimate *out)
{
    uint64_t n_items = manifest->n_items, seen = size_of(manifest, RS_FILE_SEEN);

    out->mapped_bytes = size_of(manifest, RS_FILE_MODEL) + seen +
                        size_of(manifest, RS_FILE_CATALOG) + size_of(manifest, RS_FILE_CODES);
    out->private_bytes = FIXED + items_bytes(manifest, flags) + users_bytes(manifest) +
                         codes_bytes(manifest) + ids_bytes(manifest) + catalog_bytes(manifest) +
                         (manifest->format_version > 1 ? 0 : seen) +
                         n_items * 8u +                   /* popularity and its order */
                         n_items / RS_BLOCK_ITEMS * 40u + /* blocks */
                         n_items * 28u + manifest->n_users * UINT64_C(8); /* while it is loaded */
}

static recsys_status read_bundle(const char *path, uint32_t flags, struct rs_estimate *out,
                                 recsys_error *err)
{
    char name[4200];
    struct rs_map map = {0};
    struct rs_manifest manifest;

    if (snprintf(name, sizeof name, "%s/%s", path, RS_FILE_MANIFEST) >= (int)sizeof name)
        return rs_error_sys(err, ENAMETOOLONG, "cannot read the manifest of %.200s", path);
    recsys_status status = rs_map_open(name, name, RS_MANIFEST_MAX_BYTES, &map, err);
    if (status != RECSYS_OK)
        return status;
    status = rs_manifest_parse((const char *)map.bytes, map.size, name, &manifest, err);
    rs_map_close(&map);
    if (status != RECSYS_OK)
        return status;
    estimate_bundle(&manifest, flags, out);
    rs_manifest_destroy(&manifest);
    return RECSYS_OK;
}

static int is_matrix(const struct rs_tensor *tensor)
{
    return tensor != NULL && tensor->n_dims == 2 && tensor->shape[0] <= UINT32_MAX &&
           tensor->shape[1] <= RS_MAX_DIMENSIONS;
}

/* The head of the file says what a manifest would. A file that the loader will refuse is not
 * estimated. */
static recsys_status read_tensors(const struct rs_map *map, const char *path, uint32_t flags,
                                  struct rs_estimate *out, recsys_error *err)
{
    struct rs_tensors tensors = {0};
    recsys_status status = rs_safetensors_parse(map->bytes, map->size, path, &tensors, err);

    if (status != RECSYS_OK)
        return status;
    const struct rs_tensor *users = rs_tensors_find(&tensors, "user_factors");
    const struct rs_tensor *items = rs_tensors_find(&tensors, "item_factors");
    if (is_matrix(users) && is_matrix(items)) {
        struct rs_manifest_file file = {RS_FILE_MODEL, map->size, ""};
        const struct rs_manifest manifest = {
            .format_version = 1,
            .dtype = items->dtype,
            .dimensions = (uint32_t)items->shape[1],
            .n_users = (uint32_t)users->shape[0],
            .n_items = (uint32_t)items->shape[0],
            .metric = RECSYS_METRIC_COSINE, /* users may have to be scaled */
            .files = &file,
            .n_files = 1,
        };
        estimate_bundle(&manifest, flags, out);
    }
    rs_tensors_close(&tensors);
    return RECSYS_OK;
}

/* Of an .npz, what its members unpack to, because the arrays are copied; and vectors in scan order,
 * their codes, ids and popularity: with eight dimensions or more, an item has as much beside its
 * vector as the vector has. */
static recsys_status read_archive(const struct rs_map *map, const char *path,
                                  struct rs_estimate *out, recsys_error *err)
{
    struct rs_zip zip;
    recsys_status status = rs_zip_read(map->bytes, map->size, path, &zip, err);

    if (status != RECSYS_OK)
        return status;
    out->private_bytes = FIXED + 2 * (uint64_t)map->size;
    for (size_t i = 0; i < zip.n_members; i++)
        out->private_bytes += zip.members[i].unpacked;
    rs_zip_close(&zip);
    return RECSYS_OK;
}

static recsys_status read_single(const char *path, uint32_t flags, struct rs_estimate *out,
                                 recsys_error *err)
{
    struct rs_map map = {0};
    rs_tensors_parse parse = NULL;
    recsys_status status = rs_map_open(path, path, UINT64_MAX, &map, err);

    if (status != RECSYS_OK)
        return status;
    status = rs_formats_find(path, map.bytes, map.size, path, &parse, err);
    if (status == RECSYS_OK && parse == rs_npz_parse)
        status = read_archive(&map, path, out, err);
    else if (status == RECSYS_OK && parse == rs_safetensors_parse)
        status = read_tensors(&map, path, flags, out, err);
    rs_map_close(&map);
    return status;
}

recsys_status rs_model_estimate(const char *path, const recsys_model_options *options,
                                struct rs_estimate *out, recsys_error *err)
{
    struct stat about;

    *out = (struct rs_estimate){0, 0};
    if (stat(path, &about) != 0)
        return rs_error_sys(err, errno, "cannot open %.300s", path);
    if (S_ISDIR(about.st_mode))
        return read_bundle(path, options->flags, out, err);
    out->mapped_bytes = (uint64_t)about.st_size;
    return read_single(path, options->flags, out, err);
}
