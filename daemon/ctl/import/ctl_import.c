/* daemon/ctl/import/ctl_import.c - recsysctl import: makes a bundle from files of other programs.
 *
 * The parts come from a whole model, from single arrays, or from both; a single array replaces the
 * one of the model. The table of options is here, and the order in which the steps of import.h
 * look at them; librecsys's builder does the work.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/ctl/ctl_database.h"
#include "daemon/ctl/ctl_progress.h"
#include "daemon/ctl/import/import.h"
#include "daemon/ctl/import/keras_file.h"
#include "daemon/ctl/input/ratings_file.h"

static const struct ctl_option options[] = {
    {"out", CTL_ONE, "DIR", "the bundle to write; must not exist; needed"},
    {"model", CTL_ONE, "FILE",
     "a whole model: .npz, .safetensors, .keras, word vectors (docs/models.md)"},
    {"npz", CTL_ONE, "FILE", "the same"},
    {"safetensors", CTL_ONE, "FILE", "the same"},
    {"bundle", CTL_ONE, "DIR", "a bundle, to change parts of it"},
    {"from", CTL_ONE, "LIBRARY", "what trained the model: surprise, spark, ...; sets metric, link"},
    {"user-factors", CTL_ONE, "FILE",
     "[users, dimensions], .npy or FILE#NAME of a file with several"},
    {"item-factors", CTL_ONE, "FILE", "[items, dimensions]"},
    {"user-bias", CTL_ONE, "FILE", "[users]"},
    {"item-bias", CTL_ONE, "FILE", "[items]"},
    {"global-mean", CTL_ONE, "X", "what the model adds to every score"},
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
    {"ratings", CTL_ONE, "FILE", "seen lists from a CSV: userId, movieId, rating"},
    CTL_RATINGS_OPTIONS,
    {"seen-matrix", CTL_ONE, "FILE", "seen lists from a matrix of scipy.sparse.save_npz()"},
    {"catalog", CTL_ONE, "FILE", "JSON Lines, or CSV with a header: id, title, genres, ..."},
    {"catalog-query", CTL_ONE, "SQL", "the rows of a query on PostgreSQL instead"},
    CTL_DATABASE_OPTION,
    {"catalog-column", CTL_MANY, "FIELD=NAME", "where id, title, year, ... stand, as id=asin"},
    {"genre-separator", CTL_ONE, "CHARS", "what divides genres in a text; else | or a comma"},
    {"poster-base", CTL_ONE, "URL", "in front of posters that are only a path"},
    {"strict", CTL_SWITCH, NULL, "refuse lines of items or users that the model does not have"},
    {"skip-broken", CTL_SWITCH, NULL, "leave out lines that cannot be read, instead of failing"},
    {"name", CTL_ONE, "NAME", "the model's name"},
    {"version", CTL_ONE, "VERSION", "the model's version"},
    {"algorithm", CTL_ONE, "NAME", "als, bpr, ..."},
    {"training-date", CTL_ONE, "DATE", "as 2026-11-21T03:00:00Z"},
    {"item-name", CTL_ONE, "NAME", "what one item is: book, song, ...; default movie"},
    {"similar-by", CTL_ONE, "WHAT", "what similar items compare: vector, vector_bias, ..."},
    {"metric", CTL_ONE, "METRIC", "inner_product or cosine"},
    {"link", CTL_ONE, "LINK", "sigmoid, linear or clip"},
    {"link-min", CTL_ONE, "X", "the raw score that becomes 0, for linear"},
    {"link-max", CTL_ONE, "X", "the raw score that becomes 1, for linear"},
    {"set", CTL_MANY, "FIELD=VALUE", "metrics.NAME=... or hyperparameters.NAME=..."},
    CTL_END,
};

typedef recsys_status (*import_step)(const struct ctl_arguments *arguments, recsys_builder *builder,
                                     recsys_error *err);

/* Whole models come first, because later steps replace parts of them; fields come last, because a
 * bundle sets fields, too. */
static const import_step steps[] = {
    ctl_import_models, ctl_import_arrays,  ctl_import_texts,
    ctl_import_seen,   ctl_import_catalog, ctl_import_fields,
};

enum { N_STEPS = sizeof steps / sizeof steps[0] };

/* Print the choices of the builder, so that a wrong one is seen. */
static recsys_status show_choices(recsys_builder *builder, recsys_error *err)
{
    const char *choices = NULL;
    recsys_status status = recsys_builder_get_choices(builder, &choices, err);

    if (status == RECSYS_OK)
        fputs(choices, stdout);
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
    if (status == RECSYS_OK && info.n_users > 0 && info.n_seen == 0)
        fprintf(stderr,
                "recsysctl: %s has no seen lists, so it recommends what users have had "
                "already (--ratings, --seen-matrix)\n",
                path);
    recsys_model_unref(model);
    return status;
}

static int run_import(const struct ctl_arguments *arguments)
{
    const char *out = ctl_required(arguments, "out");
    recsys_builder *builder = NULL;
    recsys_status status;
    recsys_error err;

    status = recsys_builder_create(&builder, &err);
    ctl_progress_begin("writing", out);
    for (size_t i = 0; i < N_STEPS && status == RECSYS_OK; i++)
        status = steps[i](arguments, builder, &err);
    if (status == RECSYS_OK)
        status = recsys_builder_write(builder, out, &err);
    ctl_progress_end();
    if (status == RECSYS_OK)
        status = show_choices(builder, &err);
    recsys_builder_destroy(builder);
    ctl_keras_close();
    if (status == RECSYS_OK)
        status = show_bundle(out, &err);
    return status == RECSYS_OK ? CTL_OK : ctl_failed("%s", err.message);
}

const struct ctl_command ctl_import = {
    "import", "", 0, 0, "make a bundle from arrays in files", options, run_import};
