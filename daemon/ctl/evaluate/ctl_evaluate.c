/* daemon/ctl/evaluate/ctl_evaluate.c - recsysctl evaluate: a model's figures on held-out ratings,
 * beside those of the most popular items.
 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/ctl/ctl_progress.h"
#include "daemon/ctl/evaluate/evaluate.h"
#include "lib/base/cores.h"

#define MAX_K 1000u

static const struct ctl_option options[] = {
    {"ratings", CTL_ONE, "FILE", "held-out ratings, a CSV: userId, movieId, rating; needed"},
    CTL_RATINGS_OPTIONS,
    {"k", CTL_ONE, "K", "the length of the lists (10)"},
    {"include-seen", CTL_SWITCH, NULL, "recommend what users have seen, too"},
    {"threads", CTL_ONE, "N", "threads that score (one for each core)"},
    {"strict", CTL_SWITCH, NULL, "refuse ratings of users or items that the model does not have"},
    {"skip-broken", CTL_SWITCH, NULL, "leave out lines that cannot be read, instead of failing"},
    CTL_LOAD_OPTIONS,
    CTL_JSON_OPTION,
    CTL_END,
};

/* The model's figures and those of the most popular items. */
struct evaluation {
    struct ctl_rows rows;
    struct ctl_held_out held_out;
    struct ctl_rankings rankings;
    struct ctl_measures model, popularity;
    uint32_t *seen_by;
};

/* How many users have seen each item; NULL without seen lists. */
static uint32_t *count_users(const struct ctl_rows *rows)
{
    uint32_t *counts;

    if (rows->seen_offsets == NULL)
        return NULL;
    counts = ctl_allocate((size_t)rows->info.n_items, sizeof *counts);
    for (uint64_t i = 0; i < rows->info.n_seen; i++)
        counts[rows->seen_items[i]]++;
    return counts;
}

static json_t *figures_json(const struct ctl_measures *measures)
{
    json_t *object = json_object();
    const char *name;
    double value;

    for (unsigned i = 0; ctl_measures_get(measures, i, &name, &value); i++)
        json_object_set_new(object, name, isfinite(value) ? json_real(value) : json_null());
    return object;
}

static int print_json(const struct evaluation *evaluation)
{
    const recsys_model_info *info = &evaluation->rows.info;
    const struct ctl_held_out *held_out = &evaluation->held_out;
    json_t *object = json_pack(
        "{s:s, s:s, s:i, s:I, s:I, s:o, s:o}", "name", info->name, "version", info->version, "k",
        (int)evaluation->rankings.k, "n_users", (json_int_t)evaluation->model.n_users, "n_held_out",
        (json_int_t)held_out->offsets[held_out->n_users], "model", figures_json(&evaluation->model),
        "popularity", figures_json(&evaluation->popularity));
    int failed = object == NULL || json_dumpf(object, stdout, JSON_COMPACT) != 0;

    json_decref(object);
    return failed || putchar('\n') == EOF ? ctl_failed("cannot show the figures as JSON") : CTL_OK;
}

static int print_table(const struct evaluation *evaluation)
{
    const struct ctl_held_out *held_out = &evaluation->held_out;
    const char *name;
    double model, popularity;

    printf("%s %s: %" PRIu64 " users with %" PRIu64 " held-out items, lists of %" PRIu32 "\n\n",
           evaluation->rows.info.name, evaluation->rows.info.version, evaluation->model.n_users,
           held_out->offsets[held_out->n_users], evaluation->rankings.k);
    printf("%-18s %12s %12s\n", "", "model", "popularity");
    for (unsigned i = 0; ctl_measures_get(&evaluation->model, i, &name, &model); i++) {
        (void)ctl_measures_get(&evaluation->popularity, i, &name, &popularity);
        if (isfinite(model))
            printf("%-18s %12.6f %12.6f\n", name, model, popularity);
    }
    return CTL_OK;
}

static recsys_status rank(struct evaluation *evaluation, recsys_error *err)
{
    const struct ctl_rankings *rankings = &evaluation->rankings;
    recsys_status status;

    evaluation->seen_by = count_users(&evaluation->rows);
    ctl_measures_begin(&evaluation->model, rankings->k, &evaluation->rows, evaluation->seen_by);
    ctl_measures_begin(&evaluation->popularity, rankings->k, &evaluation->rows,
                       evaluation->seen_by);
    ctl_progress_begin("evaluating", evaluation->rows.info.name);
    status = ctl_rank_by_model(rankings, &evaluation->model, err);
    if (status == RECSYS_OK)
        status = ctl_rank_by_popularity(rankings, &evaluation->popularity, err);
    ctl_progress_end();
    return status;
}

static int run_evaluate(const struct ctl_arguments *arguments)
{
    struct evaluation *evaluation = ctl_allocate(1, sizeof *evaluation);
    struct ctl_rankings *rankings = &evaluation->rankings;
    recsys_builder *ids = NULL;
    recsys_model *model = NULL;
    recsys_status status;
    recsys_error err;
    int result = CTL_FAILED;

    (void)ctl_required(arguments, "ratings");
    rankings->k = ctl_whole_number(arguments, "k", 1u, MAX_K, 10u);
    rankings->n_threads = ctl_whole_number(arguments, "threads", 1u, 256u, rs_cores());
    rankings->include_seen = ctl_has(arguments, "include-seen");
    rankings->rows = &evaluation->rows;
    rankings->held_out = &evaluation->held_out;
    status = ctl_load(arguments, arguments->operands[0], "loading", &model, &err);
    if (status == RECSYS_OK)
        status = ctl_rows_open(model, &evaluation->rows, &ids, &err);
    if (status == RECSYS_OK)
        status = ctl_held_out_read(arguments, &evaluation->rows, ids, &evaluation->held_out, &err);
    rankings->model = model;
    if (status == RECSYS_OK)
        status = rank(evaluation, &err);
    if (status != RECSYS_OK)
        result = ctl_failed("%s", err.message);
    else
        result = ctl_has(arguments, "json") ? print_json(evaluation) : print_table(evaluation);
    ctl_measures_end(&evaluation->model);
    ctl_measures_end(&evaluation->popularity);
    ctl_held_out_free(&evaluation->held_out);
    free(evaluation->seen_by);
    free(evaluation);
    recsys_builder_destroy(ids);
    recsys_model_unref(model);
    return result;
}

const struct ctl_command ctl_evaluate = {
    "evaluate", "PATH",       1, 1, "measure a model on held-out ratings, beside popularity",
    options,    run_evaluate,
};
