/* daemon/ctl/ctl_import.c - recsysctl import: makes a bundle from arrays in files.
 *
 * The parts come from a model file (--npz, --safetensors), from single arrays (--user-factors and
 * so on), or from both; a single array replaces the one of the model file. A table says which
 * option fills which part of the model. librecsys's builder does the work.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/ctl_progress.h"
#include "lib/base/utf8.h"

static const struct ctl_option options[] = {
    {"out", CTL_ONE, "DIR", "the bundle to write; must not exist; needed"},
    {"npz", CTL_ONE, "FILE", "a model saved by the Python package implicit"},
    {"safetensors", CTL_ONE, "FILE", "tensors named as in docs/model-format.md"},
    {"bundle", CTL_ONE, "DIR", "a bundle, to change parts of it"},
    {"user-factors", CTL_ONE, "FILE",
     "[users, dimensions], .npy or FILE#MEMBER of .npz/.safetensors"},
    {"item-factors", CTL_ONE, "FILE", "[items, dimensions]"},
    {"user-bias", CTL_ONE, "FILE", "[users]"},
    {"item-bias", CTL_ONE, "FILE", "[items]"},
    {"user-ids", CTL_ONE, "FILE", "[users] integers from 0"},
    {"item-ids", CTL_ONE, "FILE", "[items] integers from 0"},
    {"user-ids-text", CTL_ONE, "FILE", "or strings, one a line"},
    {"item-ids-text", CTL_ONE, "FILE", "or strings, one a line"},
    {"feature-factors", CTL_ONE, "FILE", "[features, dimensions]"},
    {"feature-names-text", CTL_ONE, "FILE", "pref_genre_action, ..., one a line"},
    {"item-popularity", CTL_ONE, "FILE", "[items]"},
    {"seen-offsets", CTL_ONE, "FILE", "[users + 1], where each user's seen items begin"},
    {"seen-items", CTL_ONE, "FILE", "rows of the item factors"},
    {"seen-weights", CTL_ONE, "FILE", "the rating, or the number of times"},
    {"catalog", CTL_ONE, "FILE", "JSON Lines: id, title, genres, release_year, ..."},
    {"name", CTL_ONE, "NAME", "the model's name"},
    {"version", CTL_ONE, "VERSION", "the model's version"},
    {"algorithm", CTL_ONE, "NAME", "als, bpr, ..."},
    {"training-date", CTL_ONE, "DATE", "as 2026-11-21T03:00:00Z"},
    {"metric", CTL_ONE, "METRIC", "inner_product or cosine"},
    {"link", CTL_ONE, "LINK", "sigmoid, linear or clip"},
    {"link-min", CTL_ONE, "X", "the raw score that becomes 0, for linear"},
    {"link-max", CTL_ONE, "X", "the raw score that becomes 1, for linear"},
    {"set", CTL_MANY, "FIELD=VALUE", "metrics.NAME=... or hyperparameters.NAME=..."},
    CTL_END,
};

/* Whole models come first, because later options replace parts of them. */
static const char *const models[] = {"bundle", "npz", "safetensors"};

static const struct {
    const char *option, *part;
} arrays[] =
    {
        {"user-factors", "user_factors"},
        {"item-factors", "item_factors"},
        {"user-bias", "user_bias"},
        {"item-bias", "item_bias"},
        {"user-ids", "user_ids"},
        {"item-ids", "item_ids"},
        {"feature-factors", "feature_factors"},
        {"item-popularity", "item_popularity"},
        {"seen-offsets", "seen_offsets"},
        {"seen-items", "seen_items"},
        {"seen-weights", "seen_weights"},
},
  texts[] =
      {
          {"user-ids-text", "user_ids"},
          {"item-ids-text", "item_ids"},
          {"feature-names-text", "feature_names"},
},
  fields[] = {
      {"name", "name"},         {"version", "version"},   {"algorithm", "algorithm"},
      {"metric", "metric"},     {"link", "link"},         {"training-date", "training_date"},
      {"link-min", "link_min"}, {"link-max", "link_max"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static recsys_status fail(recsys_error *err, recsys_status status, int sys_errno, const char *path,
                          size_t line, const char *what)
{
    err->status = status;
    err->sys_errno = sys_errno;
    if (line > 0u)
        snprintf(err->message, sizeof err->message, "%s:%zu: %s", path, line, what);
    else
        snprintf(err->message, sizeof err->message, "%s: %s", path, what);
    return status;
}

/* FILE#MEMBER, unless there is a file of that whole name. */
static recsys_status import_array(recsys_builder *builder, const char *part, const char *value,
                                  recsys_error *err)
{
    const char *hash = strrchr(value, '#');
    recsys_status status;
    char *path;

    if (hash == NULL || access(value, F_OK) == 0)
        return recsys_builder_import_array(builder, part, value, NULL, err);
    path = ctl_allocate(strlen(value), 1u);
    memcpy(path, value, (size_t)(hash - value));
    status = recsys_builder_import_array(builder, part, path, hash + 1, err);
    free(path);
    return status;
}

struct lines {
    char **texts;
    size_t n, capacity;
};

/* The length of the file's first line without a byte order mark. */
static ssize_t skip_mark(char *line, ssize_t length)
{
    size_t mark = rs_utf8_mark_size(line, (size_t)length), left = (size_t)length - mark;

    memmove(line, line + mark, left + 1u);
    return (ssize_t)left;
}

static recsys_status read_lines(FILE *file, const char *path, struct lines *lines,
                                recsys_error *err)
{
    for (;;) {
        char *line = NULL;
        size_t room = 0u;
        ssize_t length = getline(&line, &room, file);

        if (length < 0) {
            free(line);
            return ferror(file) ? fail(err, RECSYS_E_IO, errno, path, 0u, strerror(errno))
                                : RECSYS_OK;
        }
        if (lines->n == 0u)
            length = skip_mark(line, length);
        if (length > 0 && line[length - 1] == '\n')
            line[--length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[--length] = '\0';
        if (lines->n == lines->capacity) {
            lines->capacity = lines->capacity * 2u + 1024u;
            lines->texts = realloc(lines->texts, lines->capacity * sizeof *lines->texts);
            if (lines->texts == NULL)
                exit(ctl_failed("out of memory"));
        }
        lines->texts[lines->n++] = line;
        if (length == 0 || strlen(line) != (size_t)length)
            return fail(err, RECSYS_E_FORMAT, 0, path, lines->n,
                        length == 0 ? "an empty line; every line is one name" : "a zero byte");
    }
}

static recsys_status import_texts(recsys_builder *builder, const char *part, const char *path,
                                  recsys_error *err)
{
    struct lines lines = {NULL, 0u, 0u};
    FILE *file = fopen(path, "r");
    recsys_status status;

    if (file == NULL)
        return fail(err, RECSYS_E_IO, errno, path, 0u, strerror(errno));
    status = read_lines(file, path, &lines, err);
    if (status == RECSYS_OK)
        status =
            recsys_builder_set_texts(builder, part, (const char *const *)lines.texts, lines.n, err);
    for (size_t i = 0; i < lines.n; i++)
        free(lines.texts[i]);
    free(lines.texts);
    fclose(file);
    return status;
}

static recsys_status import_parts(const struct ctl_arguments *arguments, recsys_builder *builder,
                                  recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    for (size_t i = 0; i < COUNT(models) && status == RECSYS_OK; i++)
        if (ctl_has(arguments, models[i]))
            status = recsys_builder_import_model(builder, ctl_value(arguments, models[i]), err);
    for (size_t i = 0; i < COUNT(arrays) && status == RECSYS_OK; i++)
        if (ctl_has(arguments, arrays[i].option))
            status =
                import_array(builder, arrays[i].part, ctl_value(arguments, arrays[i].option), err);
    for (size_t i = 0; i < COUNT(texts) && status == RECSYS_OK; i++)
        if (ctl_has(arguments, texts[i].option))
            status =
                import_texts(builder, texts[i].part, ctl_value(arguments, texts[i].option), err);
    if (status == RECSYS_OK && ctl_has(arguments, "catalog"))
        status = recsys_builder_import_catalog(builder, ctl_value(arguments, "catalog"), err);
    return status;
}

static recsys_status set_fields(const struct ctl_arguments *arguments, recsys_builder *builder,
                                recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    size_t n_set;
    const char **set = ctl_values(arguments, "set", &n_set);

    for (size_t i = 0; i < COUNT(fields) && status == RECSYS_OK; i++)
        if (ctl_has(arguments, fields[i].option))
            status = recsys_builder_set_field(builder, fields[i].part,
                                              ctl_value(arguments, fields[i].option), err);
    for (size_t i = 0; i < n_set && status == RECSYS_OK; i++) {
        const char *equals = strchr(set[i], '=');
        char *field;

        if (equals == NULL)
            ctl_usage_error(arguments->command, "--set needs FIELD=VALUE, not '%s'", set[i]);
        field = ctl_allocate(strlen(set[i]), 1u);
        memcpy(field, set[i], (size_t)(equals - set[i]));
        status = recsys_builder_set_field(builder, field, equals + 1, err);
        free(field);
    }
    free(set);
    return status;
}

/* Load the written bundle again: only a bundle that can be served is reported. */
static recsys_status show_bundle(const char *path, recsys_error *err)
{
    recsys_model_options load = RECSYS_MODEL_OPTIONS_INIT;
    recsys_model_info info = {.struct_size = sizeof info};
    recsys_model *model = NULL;
    recsys_status status;

    load.flags = RECSYS_MODEL_SKIP_HASHES; /* of bytes we have just hashed */
    status = recsys_model_load(path, &load, &model, err);
    if (status == RECSYS_OK)
        status = recsys_model_get_info(model, &info, err);
    if (status == RECSYS_OK)
        printf("%s: %s %s, %" PRIu64 " users, %" PRIu64 " items, %" PRIu32 " dimensions\n", path,
               info.name, info.version, info.n_users, info.n_items, info.dimensions);
    recsys_model_unref(model);
    return status;
}

static int run_import(const struct ctl_arguments *arguments)
{
    const char *out = ctl_required(arguments, "out");
    recsys_builder *builder = NULL;
    recsys_status status;
    recsys_error err;

    if (ctl_has(arguments, "npz") + ctl_has(arguments, "safetensors") +
            ctl_has(arguments, "bundle") >
        1)
        ctl_usage_error(arguments->command,
                        "only one of --npz, --safetensors and --bundle can be given");
    status = recsys_builder_create(&builder, &err);
    ctl_progress_begin("writing", out);
    if (status == RECSYS_OK)
        status = import_parts(arguments, builder, &err);
    if (status == RECSYS_OK) /* after the parts, because a bundle sets fields, too */
        status = set_fields(arguments, builder, &err);
    if (status == RECSYS_OK)
        status = recsys_builder_write(builder, out, &err);
    ctl_progress_end();
    recsys_builder_destroy(builder);
    if (status == RECSYS_OK)
        status = show_bundle(out, &err);
    return status == RECSYS_OK ? CTL_OK : ctl_failed("%s", err.message);
}

const struct ctl_command ctl_import = {
    "import", "", 0, 0, "make a bundle from arrays in files", options, run_import};
