/* tests/support/model_setup.h - a bundle or single file in a directory of its own, and loading it.
 *
 * Like bundle.h's, failures end the program.
 */
#ifndef TESTS_SUPPORT_MODEL_SETUP_H
#define TESTS_SUPPORT_MODEL_SETUP_H

#include "recsys/model.h"
#include "tests/support/bundle.h"

struct model_setup {
    char *parent;         /* a new directory */
    char path[4200];      /* of the model, inside it */
    struct bundle bundle; /* all zero for a single file */
};

/* A bundle called "movies", with seed 42. */
void model_setup_bundle(struct model_setup *setup, size_t n_users, size_t n_items, size_t d,
                        uint32_t flags);
/* A bare .safetensors file. */
void model_setup_file(struct model_setup *setup, const char *name,
                      const struct bundle_tensor *tensors, size_t n);
/* Remove it all. */
void model_setup_end(struct model_setup *setup);

/* A model that must load; NULL options for the defaults. */
recsys_model *model_setup_load(const char *path, const recsys_model_options *options);

#endif
