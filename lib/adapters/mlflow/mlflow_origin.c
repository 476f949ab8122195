/* lib/adapters/mlflow/mlflow_origin.c - see mlflow_origin.h.
 *
 * READY says that a version is registered, and nothing about its files: a version of a logged model
 * whose upload is under way or has failed is READY at once. So the logged model is asked.
 */
#include "lib/adapters/mlflow/mlflow_origin.h"

#include <stdio.h>
#include <string.h>

#include "lib/adapters/mlflow/mlflow_api.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

typedef recsys_status (*parser)(const char *bytes, size_t size, struct rs_mlflow_origin *out,
                                recsys_error *err);

static recsys_status ask(struct rs_mlflow_http *http, const struct rs_mlflow_path *path,
                         const char *what, parser parse, struct rs_mlflow_origin *out,
                         int *is_there, recsys_error *err)
{
    struct rs_mlflow_reply reply = {0};
    recsys_error said = {0};
    recsys_status status = rs_mlflow_ask(http, path, what, &reply, &said);

    if (status == RECSYS_OK)
        status = parse(reply.body.bytes, reply.body.size, out, &said);
    rs_mlflow_reply_destroy(&reply);
    *is_there = status == RECSYS_OK;
    if (status == RECSYS_E_NOT_FOUND) {
        rs_log(RECSYS_LOG_WARN, "registry: %.200s: what the version came from was deleted (%.200s)",
               what, said.message);
        return RECSYS_OK;
    }
    return status == RECSYS_OK ? RECSYS_OK : rs_error_copy(err, &said);
}

static recsys_status check_upload(const struct rs_mlflow_origins *origins, const char *what,
                                  const char *model_id, recsys_error *err)
{
    if (origins->model.status == RS_MLFLOW_PENDING)
        return rs_error(err, RECSYS_E_NOT_FOUND,
                        "%.140s: logged model %.100s is not complete yet (LOGGED_MODEL_PENDING), "
                        "although its version is READY",
                        what, model_id);
    if (origins->model.status == RS_MLFLOW_FAILED)
        return rs_error(
            err, RECSYS_E_REJECTED,
            "%.140s: the upload of logged model %.100s has failed, although its version "
            "is READY; log the model again",
            what, model_id);
    return RECSYS_OK;
}

recsys_status rs_mlflow_origins_ask(struct rs_mlflow_http *http,
                                    const struct rs_mlflow_version *version, const char *what,
                                    struct rs_mlflow_origins *out, recsys_error *err)
{
    struct rs_mlflow_path path;
    recsys_status status = RECSYS_OK;
    const char *run_id = version->run_id;

    memset(out, 0, sizeof *out);
    if (version->model_id[0] != '\0') {
        rs_mlflow_path_begin(&path, "/mlflow/logged-models/");
        rs_mlflow_url_add(&path.text, version->model_id, '\0');
        status = ask(http, &path, what, rs_mlflow_parse_logged, &out->model, &out->has_model, err);
        if (status == RECSYS_OK && out->has_model)
            status = check_upload(out, what, version->model_id, err);
        if (run_id[0] == '\0')
            run_id = out->model.run_id;
    }
    if (status == RECSYS_OK && run_id[0] != '\0') {
        rs_mlflow_path_begin(&path, "/mlflow/runs/get");
        rs_mlflow_path_add(&path, "run_id", run_id);
        status = ask(http, &path, what, rs_mlflow_parse_run, &out->run, &out->has_run, err);
    }
    return status;
}

void rs_mlflow_origins_destroy(struct rs_mlflow_origins *origins)
{
    rs_mlflow_origin_destroy(&origins->run);
    rs_mlflow_origin_destroy(&origins->model);
}

/* The logged model's entries win: they are of this model, a run may have logged several. */
static int merge(json_t *into, const json_t *run, const json_t *model)
{
    return (run == NULL || json_object_update(into, (json_t *)run) == 0) &&
           (model == NULL || json_object_update(into, (json_t *)model) == 0);
}

json_t *rs_mlflow_origins_write(const struct rs_mlflow_origins *origins,
                                const struct rs_mlflow_version *version)
{
    json_t *metrics = json_object(), *params = json_object(), *tags = json_object();
    int64_t start = origins->has_run ? origins->run.start_ms : origins->model.start_ms;
    json_t *out = NULL;

    if (metrics != NULL && params != NULL && tags != NULL &&
        merge(metrics, origins->run.metrics, origins->model.metrics) &&
        merge(params, origins->run.params, origins->model.params) &&
        merge(tags, origins->run.tags, origins->model.tags))
        out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:O, s:O, s:O}", "name", version->name,
                        "version", version->number, "source", version->source, "run_id",
                        version->run_id, "model_id", version->model_id, "start_time",
                        (json_int_t)start, "metrics", metrics, "params", params, "tags", tags);
    json_decref(metrics);
    json_decref(params);
    json_decref(tags);
    return out;
}
