/* lib/adapters/mlflow/mlflow_driver.h - one registry over a server, and the driver's functions. */
#ifndef RS_MLFLOW_DRIVER_H
#define RS_MLFLOW_DRIVER_H

#include "lib/adapters/mlflow/mlflow_http.h"
#include "lib/adapters/mlflow/mlflow_kept.h"
#include "lib/adapters/mlflow/mlflow_replies.h"
#include "lib/adapters/mlflow/mlflow_shelf.h"

#define RS_MLFLOW_N_ASKED 16u

/* A question, and the version that was its answer. */
struct rs_mlflow_asked {
    char key[RS_MLFLOW_KEY_SIZE]; /* "" = empty */
    char stamp[RS_MLFLOW_KEY_SIZE];
    char uri[600];
};

struct rs_mlflow {
    struct rs_mlflow_settings settings;
    struct rs_mlflow_counts counts;
    struct rs_mlflow_shelf shelf;
    atomic_int has_answered; /* the server, once */
    atomic_int has_warned;   /* that a kept answer is taken */
    struct rs_lock lock;     /* of what follows; held for a few instructions */
    struct rs_mlflow_asked asked[RS_MLFLOW_N_ASKED]; /* the newest first */
};

/* Of one version: the driver's stamp. 0 without memory. */
int rs_mlflow_stamp(const struct rs_mlflow *mlflow, const struct rs_mlflow_version *version,
                    char out[RS_MLFLOW_KEY_SIZE]);

/* As the functions of recsys_registry_driver. */
recsys_status rs_mlflow_find(void *self, const recsys_registry_question *question,
                             recsys_registry_location *out, recsys_error *err);
recsys_status rs_mlflow_fetch(void *self, recsys_registry_location *location, recsys_error *err);
recsys_status rs_mlflow_describe(void *self, const recsys_registry_location *location,
                                 recsys_value *out, recsys_error *err);
recsys_status rs_mlflow_list(void *self, const char *name, recsys_registry_callback callback,
                             void *user_data, recsys_error *err);

#endif
