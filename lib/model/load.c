/* lib/model/load.c - make a model from files, step by step.
 *
 * The fingerprint covers everything that answers depend on: SHA-256 over the scoring rule, the
 * algorithm with its hyperparameters (new users are folded in by them), what the manifest says an
 * item is (replies name their fields by it) and the hashes of the files that are read. A model's
 * name, version, metrics, tags and date do not change answers and are left out, so the same content
 * published twice has one fingerprint.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/bundle/files.h"
#include "lib/model/loading.h"
#include "lib/model/normal_equations.h"

#define KNOWN_FLAGS (RECSYS_MODEL_SKIP_HASHES | RECSYS_MODEL_HUGE_PAGES)
#define MAX_FINGERPRINTED (4u << 20) /* a manifest has 1 MB; escapes may double it */

recsys_status rs_load_options(const recsys_model_options *options, recsys_model_options *own,
                              const char *function, recsys_error *err)
{
    char what[80];

    snprintf(what, sizeof what, "%s: options", function);
    recsys_status status =
        rs_struct_read(own, sizeof *own, options, RECSYS_MODEL_OPTIONS_SIZE_V1, what, err);
    if (status != RECSYS_OK)
        return status;
    snprintf(what, sizeof what, "%s: options->reserved", function);
    status = rs_reserved(own->reserved, what, err);
    if (status != RECSYS_OK)
        return status;
    snprintf(what, sizeof what, "%s: options->flags", function);
    status = rs_reserved(own->flags & ~KNOWN_FLAGS, what, err);
    if (status != RECSYS_OK)
        return status;
    if (own->metric > RECSYS_METRIC_COSINE)
        return rs_error(err, RECSYS_E_INVALID, "%s: metric %u is not known", function, own->metric);
    if (own->link > RECSYS_LINK_CLIP)
        return rs_error(err, RECSYS_E_INVALID, "%s: link %u is not known", function, own->link);
    if (own->link == RECSYS_LINK_LINEAR
            ? !(isfinite(own->link_min) && isfinite(own->link_max) && own->link_min < own->link_max)
            : own->link_min != 0 || own->link_max != 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: link_min < link_max go with RECSYS_LINK_LINEAR, and with it only",
                        function);
    return RECSYS_OK;
}

static recsys_status set_scoring(struct recsys_model *model, const struct rs_files *files,
                                 const recsys_model_options *options, recsys_error *err)
{
    if (files->is_bundle) {
        if (options->metric != 0 || options->link != 0)
            return rs_error(err, RECSYS_E_INVALID,
                            "metric and link are options for single files; a bundle's "
                            "manifest says them");
        model->metric = files->manifest.metric;
        model->link = files->manifest.link;
        model->link_min = files->manifest.link_min;
        model->link_max = files->manifest.link_max;
        return RECSYS_OK;
    }
    model->metric = options->metric == 0 ? RECSYS_METRIC_INNER_PRODUCT : options->metric;
    model->link = options->link == 0 ? RECSYS_LINK_SIGMOID : options->link;
    model->link_min = options->link_min;
    model->link_max = options->link_max;
    return RECSYS_OK;
}

static void add_file(struct rs_buffer *text, const struct rs_manifest *manifest, const char *name)
{
    const struct rs_manifest_file *file = rs_manifest_find(manifest, name);

    if (file != NULL)
        rs_buffer_format(text, "%s %s\n", name, file->sha256);
}

static recsys_status make_fingerprint(struct recsys_model *model, const struct rs_files *files,
                                      const char *hyperparameters, recsys_error *err)
{
    struct rs_buffer text;

    rs_buffer_init(&text, MAX_FINGERPRINTED);
    rs_buffer_format(&text, "recsys model 1\n%s %s %a %a\n", rs_metric_name(model->metric),
                     rs_link_name(model->link), (double)model->link_min, (double)model->link_max);
    rs_buffer_format(&text, "%s\n%s\n", model->algorithm, hyperparameters);
    if (files->is_bundle && *files->manifest.item_name != '\0')
        rs_buffer_format(&text, "item_name %s\n", files->manifest.item_name);
    if (files->is_bundle && model->similar_by != RECSYS_SIMILAR_VECTOR)
        rs_buffer_format(&text, "similar_by %s\n", rs_similar_name(model->similar_by));
    if (files->is_bundle) {
        add_file(&text, &files->manifest,
                 files->manifest.format_version > 1 ? RS_FILE_CATALOG : RS_FILE_LINES);
        add_file(&text, &files->manifest, RS_FILE_MODEL);
        add_file(&text, &files->manifest, RS_FILE_SEEN);
    } else {
        rs_buffer_format(&text, "%s\n", files->sha256);
    }
    recsys_status status = text.status;
    if (status == RECSYS_OK)
        status = rs_digest(text.bytes, text.size, model->fingerprint, err);
    else
        status = rs_error_nomem(err, "fingerprint");
    rs_buffer_destroy(&text);
    return status;
}

static recsys_status set_metadata(struct recsys_model *model, const char *metrics,
                                  const char *hyperparameters, const char *tags, recsys_error *err)
{
    struct rs_buffer text;

    rs_buffer_init(&text, 3 * MAX_FINGERPRINTED);
    rs_buffer_format(&text, "{\"metrics\":%s,\"hyperparameters\":%s,\"tags\":%s}", metrics,
                     hyperparameters, tags);
    if (text.status != RECSYS_OK) {
        rs_buffer_destroy(&text);
        return rs_error_nomem(err, "metadata");
    }
    model->metadata = text.bytes; /* the buffer's memory, from now on the model's */
    return RECSYS_OK;
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text == NULL || *text == '\0' ? otherwise : text;
}

static recsys_status set_description(struct recsys_model *model, const struct rs_files *files,
                                     const struct rs_implicit *implicit, recsys_error *err)
{
    const struct rs_manifest *manifest = &files->manifest;
    char *metrics = NULL, *hyperparameters = NULL, *tags = NULL;
    recsys_status status;

    model->name = rs_copy_text(or_else(manifest->name, files->title));
    model->version = rs_copy_text(or_else(manifest->version, "0"));
    model->algorithm = rs_copy_text(or_else(manifest->algorithm, or_else(implicit->algorithm, "")));
    model->training_date = rs_copy_text(or_else(manifest->training_date, ""));
    model->item_name = rs_copy_text(or_else(manifest->item_name, "movie"));
    if (model->name == NULL || model->version == NULL || model->algorithm == NULL ||
        model->training_date == NULL || model->item_name == NULL)
        return rs_error_nomem(err, "description of the model");
    status = rs_manifest_dump(manifest, "metrics", &metrics, err);
    if (status == RECSYS_OK)
        status = files->is_npz
                     ? rs_implicit_settings(&files->model, &hyperparameters, err)
                     : rs_manifest_dump(manifest, "hyperparameters", &hyperparameters, err);
    if (status == RECSYS_OK)
        status = rs_manifest_dump(manifest, "tags", &tags, err);
    if (status == RECSYS_OK)
        status = set_metadata(model, metrics, hyperparameters, tags, err);
    if (status == RECSYS_OK)
        status = make_fingerprint(model, files, hyperparameters, err);
    if (status == RECSYS_OK)
        status = rs_normal_load(model, hyperparameters, err);
    rs_free(tags);
    rs_free(hyperparameters);
    rs_free(metrics);
    return status;
}

static recsys_status load_parts(struct rs_loading *loading)
{
    recsys_status status;

    if ((status = rs_load_factors(loading)) != RECSYS_OK ||
        (status = rs_load_features(loading)) != RECSYS_OK ||
        (status = rs_load_catalog(loading)) != RECSYS_OK ||
        (status = rs_load_seen(loading)) != RECSYS_OK ||
        (status = rs_load_popularity(loading)) != RECSYS_OK)
        return status;
    return rs_load_genre_items(loading);
}

static int is_inside(const void *pointer, const void *bytes, size_t size)
{
    return pointer != NULL && (uintptr_t)pointer - (uintptr_t)bytes < size;
}

static int points_into(const struct recsys_model *model, const void *bytes, size_t size)
{
    const struct rs_catalog *catalog = model->catalog;
    const void *const pointers[] = {
        model->users,
        model->user_bias,
        model->items,
        model->item_bias,
        model->features,
        model->seen_offsets,
        model->seen_items,
        model->seen_weights,
        model->codes,
        model->short_codes.codes,
        model->short_codes.steps,
        catalog->known,
        catalog->adult,
        catalog->titles.bytes,
        catalog->titles.starts,
        catalog->posters.bytes,
        catalog->posters.starts,
        catalog->ratings,
        catalog->years,
        catalog->languages,
        catalog->genre_lists,
        catalog->list_offsets,
        catalog->list_genres,
        catalog->n_genres > 0 ? catalog->genre_names[0] : NULL,
        catalog->n_languages > 0 ? catalog->language_names[0] : NULL,
    };

    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++)
        if (is_inside(pointers[i], bytes, size))
            return 1;
    return 0;
}

/* Keep a file that the model points into, else close it. */
static void keep_file(struct recsys_model *model, struct rs_tensors *file, struct rs_tensors *place)
{
    *place = *file;
    memset(file, 0, sizeof *file);
    for (size_t i = 0; i < place->n; i++) {
        struct rs_tensor *tensor = &place->list[i];
        if (tensor->copy == NULL)
            continue;
        if (points_into(model, tensor->data, tensor->n_bytes)) {
            rs_memory_count(model->memory, tensor->n_bytes, 1);
        } else {
            rs_free_aligned(tensor->copy);
            tensor->copy = NULL;
            tensor->data = NULL;
        }
    }
    if (!points_into(model, place->map.bytes, place->map.size))
        rs_map_close(&place->map);
    model->mapped_bytes += place->map.size;
}

/* All numbers have been read, to check and to hash them. With codes, scans read the vectors of
 * candidates only, so the others need not stay in this process's memory. */
static void let_vectors_go(const struct recsys_model *model, struct rs_map *map)
{
    if (model->codes != NULL || !is_inside(model->items, map->bytes, map->size))
        rs_map_let_go(map);
}

static recsys_status load_files(struct rs_files *files, const recsys_model_options *options,
                                struct recsys_model *model, recsys_error *err)
{
    struct rs_loading loading = {0};
    recsys_status status = set_scoring(model, files, options, err);

    loading.model = model;
    loading.flags = options->flags;
    loading.manifest = files->is_bundle ? &files->manifest : NULL;
    loading.tensors = &files->model;
    loading.seen = files->has_seen ? &files->seen : &files->model;
    loading.file = files->model_name;
    loading.seen_file = files->has_seen ? files->seen_name : files->model_name;
    loading.catalog_file = files->catalog_name;
    loading.codes_file = files->codes_name;
    loading.lines = &files->catalog;
    loading.columns = files->has_columns ? &files->columns : NULL;
    loading.codes = files->has_codes ? &files->codes : NULL;
    loading.err = err;
    if (status == RECSYS_OK && files->is_npz)
        status = rs_implicit_detect(&files->model, files->model_name, &loading.implicit, err);
    model->similar_by = files->is_npz      ? loading.implicit.similar_by
                        : files->is_bundle ? files->manifest.similar_by
                                           : RECSYS_SIMILAR_VECTOR;
    if (status == RECSYS_OK)
        status = load_parts(&loading);
    status = rs_files_verify(files, status, err);
    if (status == RECSYS_OK)
        status = set_description(model, files, &loading.implicit, err);
    if (status == RECSYS_OK) {
        keep_file(model, &files->model, &model->memory->files[0]);
        keep_file(model, &files->seen, &model->memory->files[1]);
        keep_file(model, &files->columns, &model->memory->files[2]);
        keep_file(model, &files->codes, &model->memory->files[3]);
        let_vectors_go(model, &model->memory->files[0].map);
        model->private_bytes = model->memory->private_bytes + sizeof *model;
    }
    rs_free(loading.order);
    rs_free(loading.norms);
    return status;
}

static recsys_status create(struct recsys_model **out, recsys_error *err)
{
    struct recsys_model *model = rs_alloc_array(1, sizeof *model);
    struct rs_model_memory *memory = rs_alloc_array(1, sizeof *memory);

    if (model == NULL || memory == NULL) {
        rs_free(model);
        rs_free(memory);
        return rs_error_nomem(err, "model");
    }
    model->memory = memory;
    atomic_init(&model->refs, 1u);
    *out = model;
    return RECSYS_OK;
}

recsys_status rs_load_model(struct rs_files *files, const recsys_model_options *options,
                            recsys_model **out, recsys_error *err)
{
    recsys_model *model = NULL;
    recsys_status status = create(&model, err);

    if (status == RECSYS_OK)
        status = load_files(files, options, model, err);
    rs_files_close(files);
    if (status != RECSYS_OK) {
        recsys_model_unref(model);
        return status;
    }
    *out = model;
    return RECSYS_OK;
}

recsys_status recsys_model_load(const char *path, const recsys_model_options *options,
                                recsys_model **out, recsys_error *err)
{
    recsys_model_options own;
    struct rs_files files;

    if (out != NULL)
        *out = NULL;
    if (path == NULL || out == NULL || *path == '\0')
        return rs_error(err, RECSYS_E_INVALID, "recsys_model_load: path and out must be given");
    recsys_status status = rs_load_options(options, &own, "recsys_model_load", err);
    if (status == RECSYS_OK)
        status = rs_files_open(path, own.flags, own.max_bytes, own.n_threads, &files, err);
    return status == RECSYS_OK ? rs_load_model(&files, &own, out, err) : status;
}
