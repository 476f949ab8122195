/* daemon/traffic/named_models.h - the models that this daemon has, by their names. */
#ifndef RECSYSD_NAMED_MODELS_H
#define RECSYSD_NAMED_MODELS_H

#include <stdbool.h>
#include <stddef.h>

#include <recsys/deployment.h>

#define RD_MODELS_MAX 16u
#define RD_MODEL_NAME_MAX 64u

/* A name, where its versions come from, and the deployment that serves one of them. */
struct rd_named_model {
    char name[RD_MODEL_NAME_MAX + 1];
    char *source;                  /* OWNED */
    recsys_deployment *deployment; /* OWNED */
};

/* The same models in the same places from the start to the end. */
struct rd_named_models {
    struct rd_named_model all[RD_MODELS_MAX];
    size_t n;
};

/*
 * From the settings model and model_name, which may be the first, and models ("NAME=SOURCE, …"), in
 * this order. Nothing is loaded. False: `err` says what to do.
 */
bool rd_named_models_read(struct rd_named_models *named, const char *model, const char *model_name,
                          const char *models, recsys_error *err);
void rd_named_models_free(struct rd_named_models *named);

/* The place of a name; `named->n` if there is no such model. */
size_t rd_named_models_find(const struct rd_named_models *named, const char *name);

#endif
