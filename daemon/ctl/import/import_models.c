/* daemon/ctl/import/import_models.c - whole models: a bundle, or one file that has all arrays. */
#include "daemon/ctl/import/import.h"
#include "daemon/ctl/import/keras_file.h"

static const char *const options[] = {"bundle", "model", "npz", "safetensors"};

enum { N_OPTIONS = sizeof options / sizeof options[0] };

static recsys_status import_keras(const char *path, recsys_builder *builder, recsys_error *err)
{
    const struct ctl_keras *keras = NULL;
    recsys_status status = ctl_keras_open(path, &keras, err);

    if (status == RECSYS_OK) /* --from may say another one later */
        status = recsys_builder_set_field(builder, "source", "keras", err);
    if (status != RECSYS_OK)
        return status;
    return recsys_builder_set_arrays(builder, path, (const char *const *)keras->names,
                                     keras->arrays, keras->n, err);
}

recsys_status ctl_import_models(const struct ctl_arguments *arguments, recsys_builder *builder,
                                recsys_error *err)
{
    const char *path = NULL;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (!ctl_has(arguments, options[i]))
            continue;
        if (path != NULL)
            ctl_usage_error(arguments->command,
                            "only one of --model, --npz, --safetensors and --bundle can be given");
        path = ctl_value(arguments, options[i]);
    }
    if (path != NULL && ctl_keras_is(path))
        return import_keras(path, builder, err);
    return path == NULL ? RECSYS_OK : recsys_builder_import_model(builder, path, err);
}
