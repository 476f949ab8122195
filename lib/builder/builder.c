/* lib/builder/builder.c - collect the parts of a model.
 *
 * The builder keeps pointers to arrays and reads their numbers when the bundle is written, because
 * only then all parts are set and can be compared. Texts and catalogue lines are copied, so they
 * are checked at once. Catalogue lines are kept in the form in which they will be written.
 */
#include "recsys/builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "lib/builder/parts.h"
#include "lib/catalog/parse.h"

#define MAX_CATALOG_BYTES ((size_t)1 << 40)
#define MAX_NOTES_BYTES ((size_t)1 << 20) /* a line for each array of a file */

recsys_status recsys_builder_create(recsys_builder **out, recsys_error *err)
{
    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_create: out is NULL");
    *out = NULL;
    recsys_builder *builder = rs_alloc_array(1, sizeof *builder);
    if (builder == NULL)
        return rs_error_nomem(err, "builder");
    rs_buffer_init(&builder->catalog, MAX_CATALOG_BYTES);
    rs_buffer_init(&builder->notes, MAX_NOTES_BYTES);
    rs_buffer_init(&builder->choices, 2 * MAX_NOTES_BYTES);
    builder->fields = json_object();
    builder->metrics = json_object();
    builder->hyperparameters = json_object();
    builder->tags = json_object();
    builder->others = json_object();
    if (builder->fields == NULL || builder->metrics == NULL || builder->hyperparameters == NULL ||
        builder->tags == NULL || builder->others == NULL) {
        recsys_builder_destroy(builder);
        return rs_error_nomem(err, "builder");
    }
    *out = builder;
    return RECSYS_OK;
}

void recsys_builder_destroy(recsys_builder *builder)
{
    struct rs_builder_input *input;

    if (builder == NULL)
        return;
    for (int i = 0; i < RS_N_PARTS; i++)
        rs_part_clear(&builder->parts[i]);
    while ((input = builder->inputs) != NULL) {
        builder->inputs = input->next;
        rs_tensors_close(&input->tensors);
        rs_files_close(&input->files);
        rs_free(input->memory);
        rs_free(input);
    }
    json_decref(builder->fields);
    json_decref(builder->metrics);
    json_decref(builder->hyperparameters);
    json_decref(builder->tags);
    json_decref(builder->others);
    rs_buffer_destroy(&builder->catalog);
    rs_seen_pairs_destroy(&builder->seen);
    rs_buffer_destroy(&builder->notes);
    rs_buffer_destroy(&builder->choices);
    rs_free(builder);
}

recsys_status recsys_builder_set_array(recsys_builder *builder, const char *name,
                                       const recsys_array *array, recsys_error *err)
{
    if (builder == NULL || name == NULL || array == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_set_array: %s is NULL",
                        builder == NULL ? "builder"
                        : name == NULL  ? "name"
                                        : "array");
    int part = rs_part_find(name);
    if (part < 0)
        return rs_error(err, RECSYS_E_INVALID, "a model has no array called \"%.80s\"", name);
    return rs_part_set_array(builder, part, array, err);
}

/* Sum of the texts' sizes with their NULs. */
static recsys_status check_texts(const char *name, const char *const *texts, size_t n_texts,
                                 size_t *n_bytes, recsys_error *err)
{
    *n_bytes = 0;
    for (size_t i = 0; i < n_texts; i++) {
        if (texts[i] == NULL)
            return rs_error(err, RECSYS_E_INVALID, "%s[%zu] is NULL", name, i);
        size_t size = strnlen(texts[i], RECSYS_ID_MAX_TEXT + 1u);
        if (size < 1 || size > RECSYS_ID_MAX_TEXT)
            return rs_error(err, RECSYS_E_INVALID, "%s[%zu] %s, must have 1..%u bytes", name, i,
                            size == 0 ? "is empty" : "is too long", RECSYS_ID_MAX_TEXT);
        if (!rs_utf8_is_valid(texts[i], size))
            return rs_error(err, RECSYS_E_INVALID, "%s[%zu] is not UTF-8", name, i);
        *n_bytes += size + 1;
    }
    return RECSYS_OK;
}

recsys_status recsys_builder_set_texts(recsys_builder *builder, const char *name,
                                       const char *const *texts, size_t n_texts, recsys_error *err)
{
    size_t n_bytes, at = 0;

    if (builder == NULL || name == NULL || (texts == NULL && n_texts > 0))
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_set_texts: %s is NULL",
                        builder == NULL ? "builder"
                        : name == NULL  ? "name"
                                        : "texts");
    int part = rs_part_find(name);
    if (part < 0 || (rs_part_kinds[part].holds & RS_HOLDS_TEXTS) == 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "\"%.80s\" cannot be texts; user_ids, item_ids and feature_names can",
                        name);
    recsys_status status = check_texts(name, texts, n_texts, &n_bytes, err);
    if (status != RECSYS_OK)
        return status;
    char *bytes = rs_alloc(n_bytes);
    uint64_t *offsets = n_texts < SIZE_MAX ? rs_alloc_array(n_texts + 1, sizeof *offsets) : NULL;
    if (bytes == NULL || offsets == NULL) {
        rs_free(bytes);
        rs_free(offsets);
        return rs_error_nomem(err, name);
    }
    for (size_t i = 0; i < n_texts; i++) {
        size_t size = strlen(texts[i]) + 1;
        memcpy(bytes + at, texts[i], size);
        at += size;
        offsets[i + 1] = at;
    }
    rs_part_set_texts(builder, part, bytes, n_bytes, offsets, n_texts);
    builder->parts[part].owned_texts = bytes;
    builder->parts[part].owned_offsets = offsets;
    return RECSYS_OK;
}

/* Remove the lines that were added before the failure. */
static void take_back(struct rs_buffer *catalog, size_t size)
{
    catalog->size = size;
    catalog->status = RECSYS_OK;
}

static recsys_status add_line(recsys_builder *builder, const char *bytes, size_t size,
                              const char *where, recsys_error *err)
{
    struct rs_line line;
    size_t before = builder->catalog.size;
    recsys_status status = rs_line_parse(bytes, size, where, &line, err);

    if (status == RECSYS_OK)
        status = rs_line_write(&line, &builder->catalog, err);
    if (status != RECSYS_OK)
        take_back(&builder->catalog, before);
    rs_line_destroy(&line);
    return status;
}

recsys_status rs_builder_add_lines(struct recsys_builder *builder, const char *bytes, size_t size,
                                   const char *where, recsys_error *err)
{
    struct rs_lines lines = {bytes, size, 0};
    const char *line;
    size_t length, before = builder->catalog.size;
    recsys_status status = RECSYS_OK;

    while (status == RECSYS_OK && rs_lines_next(&lines, &line, &length)) {
        char here[160];
        snprintf(here, sizeof here, "%.100s line %" PRIu64, where, lines.number);
        status = add_line(builder, line, length, here, err);
    }
    if (status != RECSYS_OK)
        take_back(&builder->catalog, before);
    return status;
}

recsys_status recsys_builder_add_item(recsys_builder *builder, const char *json, size_t json_size,
                                      recsys_error *err)
{
    if (builder == NULL || json == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_add_item: %s is NULL",
                        builder == NULL ? "builder" : "json");
    return add_line(builder, json, json_size, "catalogue entry", err);
}

recsys_status recsys_builder_remove(recsys_builder *builder, const char *name, recsys_error *err)
{
    if (builder == NULL || name == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_remove: %s is NULL",
                        builder == NULL ? "builder" : "name");
    int part = rs_part_find(name), is_seen = strcmp(name, "seen") == 0;
    if (strcmp(name, "catalog") == 0)
        rs_buffer_clear(&builder->catalog);
    else if (part >= 0)
        rs_part_clear(&builder->parts[part]);
    else if (!is_seen)
        return rs_error(err, RECSYS_E_INVALID, "a builder has no part called \"%.80s\"", name);
    if (is_seen) {
        for (part = RS_PART_SEEN_OFFSETS; part <= RS_PART_SEEN_WEIGHTS; part++)
            rs_part_clear(&builder->parts[part]);
        rs_seen_pairs_destroy(&builder->seen);
    }
    return RECSYS_OK;
}
