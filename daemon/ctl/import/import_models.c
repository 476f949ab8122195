/* daemon/ctl/import/import_models.c - whole models: a bundle, or one file that has all arrays. */
#include "daemon/ctl/import/import.h"

static const char *const options[] = {"bundle", "model", "npz", "safetensors"};

enum { N_OPTIONS = sizeof options / sizeof options[0] };

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
    return path == NULL ? RECSYS_OK : recsys_builder_import_model(builder, path, err);
}
