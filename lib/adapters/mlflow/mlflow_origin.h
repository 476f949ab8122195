/* lib/adapters/mlflow/mlflow_origin.h - the run and the logged model that a version came from. */
#ifndef RS_MLFLOW_ORIGIN_H
#define RS_MLFLOW_ORIGIN_H

#include "lib/adapters/mlflow/mlflow_http.h"
#include "lib/adapters/mlflow/mlflow_replies.h"

/* Ask for both, where the version has them. has_run and has_model say which there are. */
struct rs_mlflow_origins {
    struct rs_mlflow_origin run, model;
    int has_run, has_model;
};

/*
 * A run or model that was deleted is no failure: its version goes on working until MLflow's next
 * gc.
 *
 * Fails with: E_NOT_FOUND (the logged model is still being uploaded), E_REJECTED (its upload
 * failed), and as rs_mlflow_ask(). Destroy *out in any case.
 */
recsys_status rs_mlflow_origins_ask(struct rs_mlflow_http *http,
                                    const struct rs_mlflow_version *version, const char *what,
                                    struct rs_mlflow_origins *out, recsys_error *err);
void rs_mlflow_origins_destroy(struct rs_mlflow_origins *origins);

/* The description of recsys/mlflow.h, for json_decref(); NULL without memory. */
json_t *rs_mlflow_origins_write(const struct rs_mlflow_origins *origins,
                                const struct rs_mlflow_version *version);

#endif
