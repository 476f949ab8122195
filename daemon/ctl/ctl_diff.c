/* daemon/ctl/ctl_diff.c - recsysctl diff: what changes for clients when one model replaces another.
 *
 * recsys_model_compare() finds the facts, the same that a deployment asks for before it accepts a
 * candidate; this file shows them. A difference is no failure: the exit status is 0.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/ctl_progress.h"
#include "lib/base/cores.h"

struct diff {
    recsys_model *models[2]; /* old, new */
    recsys_model_info infos[2];
    recsys_comparison_options options;
    recsys_comparison found;
};

static const char *const sides[] = {"old", "new"};

static const struct {
    uint32_t change;
    const char *text;
} changes[] = {
    {RECSYS_COMPARISON_USER_IDS, "the kind of user ids has changed"},
    {RECSYS_COMPARISON_ITEM_IDS, "the kind of item ids has changed"},
    {RECSYS_COMPARISON_CATALOG, "the catalogue is lost"},
    {RECSYS_COMPARISON_SEEN, "the seen lists are lost"},
};

static const char *kind_name(uint32_t kind)
{
    return kind == RECSYS_ID_KIND_TEXT ? "text" : "integer";
}

/* Of users or items: how many one model has and the other has not. */
static uint64_t alone(uint64_t n, uint64_t n_common)
{
    return n - n_common;
}

/* -- JSON -- */

static json_t *model_json(const recsys_model_info *info)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:i, s:s, s:s}", "name", info->name,
                     "version", info->version, "fingerprint", info->fingerprint, "n_users",
                     (json_int_t)info->n_users, "n_items", (json_int_t)info->n_items, "n_catalog",
                     (json_int_t)info->n_catalog, "n_seen", (json_int_t)info->n_seen, "dimensions",
                     (int)info->dimensions, "user_ids", kind_name(info->user_id_kind), "item_ids",
                     kind_name(info->item_id_kind));
}

static json_t *ids_json(uint64_t n_old, uint64_t n_new, uint64_t n_common)
{
    return json_pack("{s:I, s:I, s:I}", "gained", (json_int_t)alone(n_new, n_common), "lost",
                     (json_int_t)alone(n_old, n_common), "common", (json_int_t)n_common);
}

static json_t *distribution_json(const recsys_distribution *d)
{
    if (d->n == 0u)
        return json_null();
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "n", (json_int_t)d->n, "mean", d->mean,
                     "smallest", d->smallest, "q10", d->q10, "median", d->median, "q90", d->q90,
                     "largest", d->largest);
}

static json_t *changes_json(uint32_t found)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if ((found & changes[i].change) != 0u)
            json_array_append_new(list, json_string(changes[i].text));
    return list;
}

static json_t *answers_json(const struct diff *diff)
{
    const recsys_comparison *found = &diff->found;
    json_t *kept = found->n_places == 0u
                       ? json_null()
                       : json_real((double)found->n_kept / (double)found->n_places);

    return json_pack("{s:i, s:I, s:I, s:o, s:I, s:I, s:I}", "k", (int)diff->options.k, "asked",
                     (json_int_t)found->n_asked, "compared", (json_int_t)found->n_compared, "kept",
                     kept, "identical", (json_int_t)found->n_identical, "empty",
                     (json_int_t)found->n_empty, "not_finite", (json_int_t)found->n_not_finite);
}

static int print_json(const struct diff *diff)
{
    const recsys_model_info *infos = diff->infos;
    const recsys_comparison *found = &diff->found;
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o}, s:{s:o, s:o}}", "old", model_json(&infos[0]),
        "new", model_json(&infos[1]), "changes", changes_json(found->changes), "users",
        ids_json(infos[0].n_users, infos[1].n_users, found->n_common_users), "items",
        ids_json(infos[0].n_items, infos[1].n_items, found->n_common_items), "answers",
        answers_json(diff), "score", "old", distribution_json(&found->scores_before), "new",
        distribution_json(&found->scores_after), "raw", "old",
        distribution_json(&found->raws_before), "new", distribution_json(&found->raws_after));
    int failed =
        object == NULL || json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0;

    json_decref(object);
    return failed || putchar('\n') == EOF ? ctl_failed("cannot show the comparison as JSON")
                                          : CTL_OK;
}

/* -- text -- */

static void print_numbers(const char *name, uint64_t old, uint64_t new)
{
    printf("%-12s %20" PRIu64 " %20" PRIu64 "\n", name, old, new);
}

static void print_ids(const char *name, uint64_t n_old, uint64_t n_new, uint64_t n_common)
{
    printf("%-12s %20" PRIu64 " %20" PRIu64 "   %" PRIu64 " gained, %" PRIu64 " lost\n", name,
           n_old, n_new, alone(n_new, n_common), alone(n_old, n_common));
}

static void print_models(const struct diff *diff)
{
    const recsys_model_info *old = &diff->infos[0], *new = &diff->infos[1];

    printf("%-12s %20s %20s\n", "", "old", "new");
    printf("%-12s %20s %20s\n", "name", old->name, new->name);
    printf("%-12s %20s %20s\n", "version", old->version, new->version);
    printf("%-12s %20.12s %20.12s\n", "fingerprint", old->fingerprint, new->fingerprint);
    print_ids("users", old->n_users, new->n_users, diff->found.n_common_users);
    print_ids("items", old->n_items, new->n_items, diff->found.n_common_items);
    printf("%-12s %20s %20s\n", "user ids", kind_name(old->user_id_kind),
           kind_name(new->user_id_kind));
    printf("%-12s %20s %20s\n", "item ids", kind_name(old->item_id_kind),
           kind_name(new->item_id_kind));
    print_numbers("catalogue", old->n_catalog, new->n_catalog);
    print_numbers("seen pairs", old->n_seen, new->n_seen);
    print_numbers("dimensions", old->dimensions, new->dimensions);
}

static void print_answers(const struct diff *diff)
{
    const recsys_comparison *found = &diff->found;
    bool by_users =
        diff->infos[1].n_users > 0u && (found->n_compared == 0u || diff->infos[0].n_users > 0u);

    printf("\ntop %" PRIu32 " of %" PRIu64 " %s: ", diff->options.k, found->n_asked,
           by_users ? "users" : "items' vectors");
    if (found->n_compared == 0u)
        fputs("nothing in common to compare", stdout);
    else
        printf("%.1f %% of the old items are still there, %" PRIu64 " answers are identical",
               100.0 * (double)found->n_kept /
                   (double)(found->n_places > 0u ? found->n_places : 1u),
               found->n_identical);
    if (found->n_empty > 0u)
        printf(", %" PRIu64 " new ones are empty", found->n_empty);
    if (found->n_not_finite > 0u)
        printf(", %" PRIu64 " new ones have scores that are not finite", found->n_not_finite);
    putchar('\n');
}

static void print_distribution(const char *name, const char *side, const recsys_distribution *d)
{
    if (d->n > 0u)
        printf("%-6s %-5s %10.4g %10.4g %10.4g %10.4g %10.4g %10.4g\n", name, side, d->smallest,
               d->q10, d->median, d->q90, d->largest, d->mean);
}

static void print_table(const struct diff *diff)
{
    const recsys_comparison *found = &diff->found;

    print_models(diff);
    print_answers(diff);
    printf("%-6s %-5s %10s %10s %10s %10s %10s %10s\n", "", "", "smallest", "10 %", "median",
           "90 %", "largest", "mean");
    print_distribution("score", sides[0], &found->scores_before);
    print_distribution("score", sides[1], &found->scores_after);
    print_distribution("raw", sides[0], &found->raws_before);
    print_distribution("raw", sides[1], &found->raws_after);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if ((found->changes & changes[i].change) != 0u)
            printf("warning: %s\n", changes[i].text);
}

/* -- the command -- */

static uint64_t parse_users(const struct ctl_arguments *arguments)
{
    const char *text = ctl_value(arguments, "users");

    if (text != NULL && strcmp(text, "all") == 0)
        return UINT64_MAX;
    return ctl_whole_number(arguments, "users", 1u, UINT32_MAX, 1000u);
}

static recsys_status load_and_compare(struct diff *diff, const struct ctl_arguments *arguments,
                                      recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    for (size_t i = 0; i < 2u && status == RECSYS_OK; i++) {
        diff->infos[i].struct_size = sizeof diff->infos[i];
        status = ctl_load(arguments, arguments->operands[i], "loading", &diff->models[i], err);
        if (status == RECSYS_OK)
            status = recsys_model_get_info(diff->models[i], &diff->infos[i], err);
    }
    if (status != RECSYS_OK)
        return status;
    ctl_progress_begin("comparing with", arguments->operands[1]);
    status =
        recsys_model_compare(diff->models[0], diff->models[1], &diff->options, &diff->found, err);
    ctl_progress_end();
    return status;
}

static int run_diff(const struct ctl_arguments *arguments)
{
    struct diff diff = {.options = RECSYS_COMPARISON_OPTIONS_INIT, .found = RECSYS_COMPARISON_INIT};
    recsys_error err;
    int status = CTL_OK;

    diff.options.k = ctl_whole_number(arguments, "k", 1u, 1000u, 10u);
    diff.options.n_asked = parse_users(arguments);
    diff.options.n_threads = rs_cores();
    if (load_and_compare(&diff, arguments, &err) != RECSYS_OK)
        status = ctl_failed("%s", err.message);
    else if (ctl_has(arguments, "json"))
        status = print_json(&diff);
    else
        print_table(&diff);
    recsys_model_unref(diff.models[0]);
    recsys_model_unref(diff.models[1]);
    return status;
}

static const struct ctl_option diff_options[] = {
    {"k", CTL_ONE, "N", "compare the best N items of each user, 1..1000 (10)"},
    {"users", CTL_ONE, "N|all", "ask so many of the common users, evenly spread (1000)"},
    CTL_LOAD_OPTIONS,
    CTL_JSON_OPTION,
    CTL_END,
};

const struct ctl_command ctl_diff = {
    "diff",       "OLD NEW", 2, 2, "what changes for clients when NEW replaces OLD",
    diff_options, run_diff};
