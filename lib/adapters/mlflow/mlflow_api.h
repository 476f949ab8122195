/* lib/adapters/mlflow/mlflow_api.h - questions to the REST API, and what its failures mean. */
#ifndef RS_MLFLOW_API_H
#define RS_MLFLOW_API_H

#include "lib/adapters/mlflow/mlflow_http.h"

/* A path with a query, while it is put together; `begin` ends at "?" or with the last segment. */
struct rs_mlflow_path {
    char room[RS_MLFLOW_MAX_URL];
    struct rs_buffer text;
    int has_query;
};

void rs_mlflow_path_begin(struct rs_mlflow_path *path, const char *begin);
void rs_mlflow_path_add(struct rs_mlflow_path *path, const char *name, const char *value);

/*
 * GET /api/2.0 and `path`. `what` names the question in messages: "alias a of model m". A reply of
 * another code than 200 is a failure, as rs_mlflow_judge() says it.
 *
 * Fails with: as rs_mlflow_get() and rs_mlflow_judge(); E_LIMIT (the URL has no room). The reply is
 * destroyed in any case by rs_mlflow_reply_destroy().
 */
recsys_status rs_mlflow_ask(struct rs_mlflow_http *http, const struct rs_mlflow_path *path,
                            const char *what, struct rs_mlflow_reply *reply, recsys_error *err);

/* The whole URL of a path below the prefix, for files. E_LIMIT. */
recsys_status rs_mlflow_url(const struct rs_mlflow_settings *settings, const char *path, int is_api,
                            char out[RS_MLFLOW_MAX_URL], recsys_error *err);

/*
 * The failure that a reply of another code than 200 and 206 is. Its message has the server's text.
 *   E_NOT_FOUND  404 of the API, and 400 for an alias that is not there
 *   E_REJECTED   401, 403, redirects
 *   E_INVALID    another 400; a workspace that the server does not have
 *   E_EXHAUSTED  429
 *   E_BACKEND    everything else, also 404 of something that is no MLflow
 */
recsys_status rs_mlflow_judge(const struct rs_mlflow_settings *settings,
                              const struct rs_mlflow_reply *reply, const char *what,
                              recsys_error *err);

/* Put "MLflow ADDRESS, WHAT: " before the message of a failure. Returns its status. */
recsys_status rs_mlflow_say(const struct rs_mlflow_settings *settings, const char *what,
                            const recsys_error *said, recsys_error *err);

#endif
