/* daemon/ctl/import/import_texts.c - ids and names from text files, one a line. */
#include "daemon/ctl/import/import.h"

static const struct ctl_import_target targets[] = {
    {"user-ids-text", "user_ids"},
    {"item-ids-text", "item_ids"},
    {"feature-names-text", "feature_names"},
};

enum { N_TARGETS = sizeof targets / sizeof targets[0] };

recsys_status ctl_import_texts(const struct ctl_arguments *arguments, recsys_builder *builder,
                               recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    for (size_t i = 0; i < N_TARGETS && status == RECSYS_OK; i++)
        if (ctl_has(arguments, targets[i].option))
            status = recsys_builder_import_texts(builder, targets[i].part,
                                                 ctl_value(arguments, targets[i].option), err);
    return status;
}
