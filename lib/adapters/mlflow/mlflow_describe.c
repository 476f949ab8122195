/* lib/adapters/mlflow/mlflow_describe.c - a version beyond its bundle: metrics, parameters, tags.
 *
 * fetch has asked already and written down what it was told; only for a version that was not
 * fetched the server is asked again.
 */
#include <stdio.h>
#include <string.h>

#include "lib/adapters/mlflow/mlflow_api.h"
#include "lib/adapters/mlflow/mlflow_driver.h"
#include "lib/adapters/mlflow/mlflow_origin.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"

static recsys_status ask(struct rs_mlflow *mlflow, const recsys_registry_location *location,
                         json_t **out, recsys_error *err)
{
    struct rs_mlflow_http http;
    struct rs_mlflow_path path;
    struct rs_mlflow_reply reply = {0};
    struct rs_mlflow_version version;
    struct rs_mlflow_origins origins = {0};
    char what[320];

    snprintf(what, sizeof what, "version %.24s of model %.255s", location->version, location->name);
    recsys_status status = rs_mlflow_http_open(&http, &mlflow->settings, &mlflow->counts, err);
    rs_mlflow_path_begin(&path, "/mlflow/model-versions/get");
    rs_mlflow_path_add(&path, "name", location->name);
    rs_mlflow_path_add(&path, "version", location->version);
    if (status == RECSYS_OK)
        status = rs_mlflow_ask(&http, &path, what, &reply, err);
    if (status == RECSYS_OK)
        status = rs_mlflow_parse_version(reply.body.bytes, reply.body.size, &version, err);
    rs_mlflow_reply_destroy(&reply);
    if (status == RECSYS_OK)
        status = rs_mlflow_origins_ask(&http, &version, what, &origins, err);
    if (status == RECSYS_OK && (*out = rs_mlflow_origins_write(&origins, &version)) == NULL)
        status = rs_error_nomem(err, "description of a version");
    rs_mlflow_origins_destroy(&origins);
    rs_mlflow_http_close(&http);
    return status;
}

recsys_status rs_mlflow_describe(void *self, const recsys_registry_location *location,
                                 recsys_value *out, recsys_error *err)
{
    struct rs_mlflow *mlflow = self;
    json_t *described = NULL;
    recsys_status status = RECSYS_E_NOT_FOUND;

    if (strspn(location->stamp, "0123456789abcdef") == RS_MLFLOW_KEY_SIZE - 1)
        status = rs_mlflow_kept_describe(&mlflow->shelf, location->stamp, &described, err);
    if (status != RECSYS_OK)
        status = ask(mlflow, location, &described, err);
    if (status != RECSYS_OK)
        return status;
    char *text = rs_json_write_text(described, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(described);
    if (text == NULL)
        return rs_error_nomem(err, "description of a version");
    *out = (recsys_value){text, strlen(text), text, rs_free};
    return RECSYS_OK;
}
