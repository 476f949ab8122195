/* daemon/ctl/import/import_fields.c - the fields of the manifest that options set. */
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/import/import.h"

static const struct ctl_import_target targets[] = {
    {"name", "name"},           {"version", "version"},
    {"algorithm", "algorithm"}, {"metric", "metric"},
    {"link", "link"},           {"training-date", "training_date"},
    {"from", "source"},         {"global-mean", "global_mean"},
    {"link-min", "link_min"},   {"link-max", "link_max"},
    {"item-name", "item_name"}, {"similar-by", "similar_by"},
};

enum { N_TARGETS = sizeof targets / sizeof targets[0] };

/* FIELD=VALUE of --set. */
static recsys_status set_pair(const struct ctl_arguments *arguments, const char *pair,
                              recsys_builder *builder, recsys_error *err)
{
    const char *equals = strchr(pair, '=');
    recsys_status status;
    char *field;

    if (equals == NULL)
        ctl_usage_error(arguments->command, "--set needs FIELD=VALUE, not '%s'", pair);
    field = ctl_allocate(strlen(pair), 1u);
    memcpy(field, pair, (size_t)(equals - pair));
    status = recsys_builder_set_field(builder, field, equals + 1, err);
    free(field);
    return status;
}

recsys_status ctl_import_fields(const struct ctl_arguments *arguments, recsys_builder *builder,
                                recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    size_t n_set;
    const char **set = ctl_values(arguments, "set", &n_set);

    for (size_t i = 0; i < N_TARGETS && status == RECSYS_OK; i++)
        if (ctl_has(arguments, targets[i].option))
            status = recsys_builder_set_field(builder, targets[i].part,
                                              ctl_value(arguments, targets[i].option), err);
    for (size_t i = 0; i < n_set && status == RECSYS_OK; i++)
        status = set_pair(arguments, set[i], builder, err);
    free(set);
    return status;
}
