/* daemon/ctl/import/import_arrays.c - single arrays, from files of their own or members of files.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/import/import.h"
#include "daemon/ctl/import/keras_file.h"
#include "lib/base/error.h"

static const struct ctl_import_target targets[] = {
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
};

enum { N_TARGETS = sizeof targets / sizeof targets[0] };

/* One array of a Keras file; a bias of shape [n,1] counts as [n]. */
static recsys_status import_keras(recsys_builder *builder, const char *part, const char *path,
                                  const char *name, recsys_error *err)
{
    const struct ctl_keras *keras = NULL;
    recsys_status status = ctl_keras_open(path, &keras, err);

    for (size_t i = 0; status == RECSYS_OK && i < keras->n; i++) {
        recsys_array array = keras->arrays[i];
        if (strcmp(keras->names[i], name) != 0)
            continue;
        if (strstr(part, "_factors") == NULL && array.n_dims == 2u && array.shape[1] == 1u)
            array.n_dims = 1u;
        return recsys_builder_set_array(builder, part, &array, err);
    }
    return status != RECSYS_OK
               ? status
               : rs_error(err, RECSYS_E_NOT_FOUND,
                          "%s: has no array '%s'; --model %s lists the ones that it has", path,
                          name, path);
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
    status = ctl_keras_is(path) ? import_keras(builder, part, path, hash + 1, err)
                                : recsys_builder_import_array(builder, part, path, hash + 1, err);
    free(path);
    return status;
}

recsys_status ctl_import_arrays(const struct ctl_arguments *arguments, recsys_builder *builder,
                                recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    for (size_t i = 0; i < N_TARGETS && status == RECSYS_OK; i++)
        if (ctl_has(arguments, targets[i].option))
            status = import_array(builder, targets[i].part, ctl_value(arguments, targets[i].option),
                                  err);
    return status;
}
