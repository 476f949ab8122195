/* daemon/ctl/ctl_inspect.c - recsysctl inspect and verify: show a model, check a model.
 *
 * Both load the model as recsysd does, with all checks and hashes: recsysd can serve a model that
 * inspect can show. verify prints one line, for scripts.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/ctl/ctl_command.h"

static const char *kind_name(uint32_t kind)
{
    return kind == RECSYS_ID_KIND_TEXT ? "text" : "integer";
}

static const char *metric_name(uint32_t metric)
{
    return metric == RECSYS_METRIC_COSINE ? "cosine" : "inner_product";
}

static const char *link_name(uint32_t link)
{
    return link == RECSYS_LINK_LINEAR ? "linear" : link == RECSYS_LINK_CLIP ? "clip" : "sigmoid";
}

static const char *popularity_name(uint32_t popularity)
{
    static const char *const names[] = {"",          "item_popularity", "seen",
                                        "item_bias", "rating",          "norm"};

    return names[popularity < sizeof names / sizeof names[0] ? popularity : 0u];
}

static const char *similar_name(uint32_t similar_by)
{
    static const char *const names[] = {"", "vector", "vector_bias", "vector_bias_one"};

    return names[similar_by < sizeof names / sizeof names[0] ? similar_by : 0u];
}

static int print_json(const recsys_model_info *info)
{
    json_t *metadata = json_loads(info->metadata, 0, NULL);
    json_t *link = json_pack("{s:s}", "kind", link_name(info->link));
    json_t *object;

    if (info->link == RECSYS_LINK_LINEAR) {
        json_object_set_new(link, "min", json_real((double)info->link_min));
        json_object_set_new(link, "max", json_real((double)info->link_max));
    }
    object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:o, s:I, "
        "s:I, s:I, s:I, s:s, s:s}",
        "name", info->name, "version", info->version, "algorithm", info->algorithm, "training_date",
        info->training_date, "item_name", info->item_name, "fingerprint", info->fingerprint,
        "dimensions", (int)info->dimensions, "n_users", (json_int_t)info->n_users, "n_items",
        (json_int_t)info->n_items, "n_features", (json_int_t)info->n_features, "n_seen",
        (json_int_t)info->n_seen, "n_catalog", (json_int_t)info->n_catalog, "user_ids",
        kind_name(info->user_id_kind), "item_ids", kind_name(info->item_id_kind), "metric",
        metric_name(info->metric), "link", link, "mapped_bytes", (json_int_t)info->mapped_bytes,
        "private_bytes", (json_int_t)info->private_bytes, "code_bytes",
        (json_int_t)info->code_bytes, "short_code_bytes", (json_int_t)info->short_code_bytes,
        "popularity", popularity_name(info->popularity), "similar_by",
        similar_name(info->similar_by));
    if (object != NULL && metadata != NULL)
        json_object_update(object, metadata);
    json_decref(metadata);
    if (object == NULL || json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0)
        return ctl_failed("cannot show the model as JSON");
    json_decref(object);
    putchar('\n');
    return CTL_OK;
}

static void print_members(const json_t *metadata, const char *name)
{
    json_t *object = json_object_get(metadata, name);
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

        printf("%-15s %s = %s\n", name, key, text != NULL ? text : "?");
        free(text);
        name = "";
    }
}

static void print_table(const recsys_model_info *info)
{
    json_t *metadata = json_loads(info->metadata, 0, NULL);

    printf("%-15s %s\n%-15s %s\n", "name", info->name, "version", info->version);
    if (info->algorithm[0] != '\0')
        printf("%-15s %s\n", "algorithm", info->algorithm);
    if (info->training_date[0] != '\0')
        printf("%-15s %s\n", "trained", info->training_date);
    printf("%-15s %s\n", "fingerprint", info->fingerprint);
    printf("%-15s %" PRIu64 ", %s ids\n", "users", info->n_users, kind_name(info->user_id_kind));
    printf("%-15s %" PRIu64 ", %s ids, each a %s\n", "items", info->n_items,
           kind_name(info->item_id_kind), info->item_name);
    printf("%-15s %" PRIu32 "\n", "dimensions", info->dimensions);
    printf("%-15s %s, link %s", "score", metric_name(info->metric), link_name(info->link));
    if (info->link == RECSYS_LINK_LINEAR)
        printf(" %g..%g", (double)info->link_min, (double)info->link_max);
    printf("\n%-15s %" PRIu64 "\n", "features", info->n_features);
    printf("%-15s by %s; similar items by %s\n", "popularity", popularity_name(info->popularity),
           similar_name(info->similar_by));
    printf("%-15s %" PRIu64 " items\n", "catalogue", info->n_catalog);
    printf("%-15s %" PRIu64 " user-item pairs\n", "seen", info->n_seen);
    printf("%-15s %.1f MiB mapped, %.1f MiB private\n", "memory",
           (double)info->mapped_bytes / 1048576.0, (double)info->private_bytes / 1048576.0);
    if (info->short_code_bytes > 0)
        printf("%-15s int4 codes first for one query, %.1f MiB; int8 codes, %.1f MiB\n", "scan",
               (double)info->short_code_bytes / 1048576.0, (double)info->code_bytes / 1048576.0);
    else if (info->code_bytes > 0)
        printf("%-15s int8 codes first, %.1f MiB\n", "scan", (double)info->code_bytes / 1048576.0);
    else
        printf("%-15s float32; int8 codes would not save time with these items\n", "scan");
    print_members(metadata, "metrics");
    print_members(metadata, "hyperparameters");
    print_members(metadata, "tags");
    json_decref(metadata);
}

static int run_inspect(const struct ctl_arguments *arguments)
{
    recsys_model_info info = {.struct_size = sizeof info};
    recsys_model *model = NULL;
    recsys_error err;
    int status = CTL_OK;

    if (ctl_load(arguments, arguments->operands[0], "loading", &model, &err) != RECSYS_OK ||
        recsys_model_get_info(model, &info, &err) != RECSYS_OK)
        status = ctl_failed("%s", err.message);
    else if (ctl_has(arguments, "json"))
        status = print_json(&info);
    else
        print_table(&info);
    recsys_model_unref(model);
    return status;
}

static int run_verify(const struct ctl_arguments *arguments)
{
    recsys_model_info info = {.struct_size = sizeof info};
    recsys_model *model = NULL;
    recsys_error err;
    int status = CTL_OK;

    if (ctl_load(arguments, arguments->operands[0], "verifying", &model, &err) != RECSYS_OK ||
        recsys_model_get_info(model, &info, &err) != RECSYS_OK)
        status = ctl_failed("%s", err.message);
    else
        printf("%s: ok, %s %s, fingerprint %s\n", arguments->operands[0], info.name, info.version,
               info.fingerprint);
    recsys_model_unref(model);
    return status;
}

static const struct ctl_option inspect_options[] = {CTL_LOAD_OPTIONS, CTL_JSON_OPTION, CTL_END};
static const struct ctl_option verify_options[] = {CTL_LOAD_OPTIONS, CTL_END};

const struct ctl_command ctl_inspect = {
    "inspect",       "PATH",     1, 1, "show a model's name, sizes and settings",
    inspect_options, run_inspect};
const struct ctl_command ctl_verify = {
    "verify",
    "PATH",
    1,
    1,
    "load a model with every check and hash; status 0 if it can be served",
    verify_options,
    run_verify};
