/* tests/support/model_setup.c - see model_setup.h. */
#include "tests/support/model_setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"

void model_setup_bundle(struct model_setup *setup, size_t n_users, size_t n_items, size_t d,
                        uint32_t flags)
{
    setup->parent = bundle_make_directory();
    snprintf(setup->path, sizeof setup->path, "%s/movies", setup->parent);
    bundle_write(&setup->bundle, setup->path, n_users, n_items, d, 42, flags);
}

void model_setup_file(struct model_setup *setup, const char *name,
                      const struct bundle_tensor *tensors, size_t n)
{
    size_t size;
    unsigned char *bytes = bundle_make_safetensors(tensors, n, 8, &size);

    memset(&setup->bundle, 0, sizeof setup->bundle);
    setup->parent = bundle_make_directory();
    bundle_write_file(setup->parent, name, bytes, size);
    snprintf(setup->path, sizeof setup->path, "%s/%s", setup->parent, name);
    free(bytes);
}

void model_setup_end(struct model_setup *setup)
{
    bundle_free(&setup->bundle);
    bundle_remove_directory(setup->parent);
    free(setup->parent);
}

recsys_model *model_setup_load(const char *path, const recsys_model_options *options)
{
    recsys_model *model = NULL;
    recsys_error err;

    CHECK_OK(recsys_model_load(path, options, &model, &err), &err);
    return model;
}
