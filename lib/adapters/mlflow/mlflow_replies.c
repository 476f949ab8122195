/* lib/adapters/mlflow/mlflow_replies.c - versions, runs and logged models out of JSON; see
 * mlflow_replies.h. mlflow_files.c reads lists of files and manifests.
 */
#include "lib/adapters/mlflow/mlflow_replies.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/utf8.h"

#define MAX_ENTRIES 500u
#define MAX_TEXT 4096u

/* Parse a reply that has the object `member`, BORROWED from *json. */
static recsys_status parse(const char *bytes, size_t size, const char *member, const char *where,
                           json_t **json, const json_t **found, recsys_error *err)
{
    recsys_status status = rs_json_parse(bytes, size, where, json, err);

    if (status != RECSYS_OK)
        return status;
    *found = json_object_get(*json, member);
    if (json_is_object(*found))
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_FORMAT, "%s: no object \"%s\"", where, member);
}

recsys_status rs_mlflow_parse_list(const char *bytes, size_t size, const char *member,
                                   const char *where, json_t **json, const json_t **list,
                                   recsys_error *err)
{
    recsys_status status = rs_json_parse(bytes, size, where, json, err);

    *list = status == RECSYS_OK ? json_object_get(*json, member) : NULL;
    if (status == RECSYS_OK && (!json_is_object(*json) || (*list != NULL && !json_is_array(*list))))
        status = rs_error(err, RECSYS_E_FORMAT, "%s: no array \"%s\"", where, member);
    return status;
}

/* A text member without control characters; "" if it is missing. */
static recsys_status read_text(const json_t *object, const char *key, const char *where, char *out,
                               size_t room, recsys_error *err)
{
    const char *text = "";
    recsys_status status = rs_json_get_text(object, key, 0, where, &text, err);

    *out = '\0';
    if (status != RECSYS_OK)
        return status;
    if (strlen(text) >= room)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"%s\" is longer than %zu bytes", where, key,
                        room - 1);
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            return rs_error(err, RECSYS_E_FORMAT, "%s: \"%s\" has a control character", where, key);
    memcpy(out, text, strlen(text) + 1);
    return RECSYS_OK;
}

static int is_number(const char *text)
{
    size_t n = strspn(text, "0123456789");

    return n > 0 && n < 20 && text[n] == '\0' && text[0] != '0';
}

/* A text as the server writes it, or a number. */
static recsys_status read_number(const json_t *object, const char *where,
                                 struct rs_mlflow_version *out, recsys_error *err)
{
    const json_t *version = json_object_get(object, "version");

    if (json_is_integer(version))
        snprintf(out->number, sizeof out->number, "%" PRId64, (int64_t)json_integer_value(version));
    else if (json_is_string(version) && json_string_length(version) < sizeof out->number)
        snprintf(out->number, sizeof out->number, "%s", json_string_value(version));
    if (is_number(out->number))
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_FORMAT, "%s: \"version\" is not the number of a version", where);
}

static recsys_status read_version(const json_t *object, const char *where,
                                  struct rs_mlflow_version *out, recsys_error *err)
{
    char status_name[64];
    static const char logged[] = "models:/m-";

    memset(out, 0, sizeof *out);
    recsys_status status = read_text(object, "name", where, out->name, sizeof out->name, err);
    if (status == RECSYS_OK)
        status = read_number(object, where, out, err);
    if (status == RECSYS_OK)
        status = read_text(object, "source", where, out->source, sizeof out->source, err);
    if (status == RECSYS_OK)
        status = read_text(object, "run_id", where, out->run_id, sizeof out->run_id, err);
    if (status == RECSYS_OK)
        status = read_text(object, "model_id", where, out->model_id, sizeof out->model_id, err);
    if (status == RECSYS_OK)
        status = rs_json_get_integer(object, "creation_timestamp", 0, INT64_MIN, INT64_MAX, where,
                                     &out->created_ms, err);
    if (status == RECSYS_OK)
        status = read_text(object, "status", where, status_name, sizeof status_name, err);
    if (status != RECSYS_OK)
        return status;
    if (out->name[0] == '\0')
        return rs_error(err, RECSYS_E_FORMAT, "%s: a version without a name", where);
    /* The open-source server leaves model_id out. */
    if (out->model_id[0] == '\0' && strncmp(out->source, logged, strlen(logged)) == 0)
        snprintf(out->model_id, sizeof out->model_id, "%.255s", out->source + strlen("models:/"));
    if (strcmp(status_name, "PENDING_REGISTRATION") == 0)
        out->status = RS_MLFLOW_PENDING;
    else if (strcmp(status_name, "FAILED_REGISTRATION") == 0)
        out->status = RS_MLFLOW_FAILED;
    else
        out->status = RS_MLFLOW_READY; /* also where a server does not say */
    return RECSYS_OK;
}

recsys_status rs_mlflow_parse_version(const char *bytes, size_t size, struct rs_mlflow_version *out,
                                      recsys_error *err)
{
    static const char where[] = "MLflow's reply about a version";
    json_t *json = NULL;
    const json_t *found;

    memset(out, 0, sizeof *out);
    recsys_status status = parse(bytes, size, "model_version", where, &json, &found, err);
    if (status == RECSYS_OK)
        status = read_version(found, where, out, err);
    json_decref(json);
    return status;
}

recsys_status rs_mlflow_parse_first(const char *bytes, size_t size, struct rs_mlflow_version *out,
                                    recsys_error *err)
{
    static const char where[] = "MLflow's list of versions";
    json_t *json = NULL;
    const json_t *list, *version;
    size_t i;

    memset(out, 0, sizeof *out);
    recsys_status status =
        rs_mlflow_parse_list(bytes, size, "model_versions", where, &json, &list, err);
    json_array_foreach(list, i, version)
    {
        if (status == RECSYS_OK && out->status != RS_MLFLOW_READY)
            status = read_version(version, where, out, err);
    }
    json_decref(json);
    if (status == RECSYS_OK && out->status != RS_MLFLOW_READY)
        status = rs_error(err, RECSYS_E_NOT_FOUND, "%s: none is ready", where);
    return status;
}

recsys_status rs_mlflow_parse_uri(const char *bytes, size_t size, char out[RS_MLFLOW_MAX_URI],
                                  recsys_error *err)
{
    static const char where[] = "MLflow's reply about a download";
    json_t *json = NULL;

    *out = '\0';
    recsys_status status = rs_json_parse(bytes, size, where, &json, err);
    if (status == RECSYS_OK)
        status = read_text(json, "artifact_uri", where, out, RS_MLFLOW_MAX_URI, err);
    if (status == RECSYS_OK && *out == '\0')
        status = rs_error(err, RECSYS_E_FORMAT, "%s: no \"artifact_uri\"", where);
    json_decref(json);
    return status;
}

/* -- runs and logged models -- */

/* A metric as JSON can have it. MLflow writes NaN as a text, and infinity as the largest number,
 * which becomes a text here, too. */
static json_t *copy_value(const json_t *value)
{
    if (json_is_string(value))
        return json_string_length(value) <= MAX_TEXT ? json_copy((json_t *)value) : NULL;
    if (json_is_real(value) && fabs(json_real_value(value)) >= DBL_MAX)
        return json_string(json_real_value(value) > 0.0 ? "Infinity" : "-Infinity");
    return json_is_number(value) ? json_copy((json_t *)value) : NULL;
}

/* [{"key", "value"}] as an object. A later entry of a key counts: the last step of a metric. */
static recsys_status gather(const json_t *holder, const char *member, json_t **out,
                            recsys_error *err)
{
    const json_t *entry;
    size_t i;

    *out = json_object();
    if (*out == NULL)
        return rs_error_nomem(err, "description of a version");
    json_array_foreach(json_object_get(holder, member), i, entry)
    {
        const json_t *key = json_object_get(entry, "key");
        if (!json_is_string(key) || json_string_length(key) > MAX_TEXT ||
            json_object_size(*out) >= MAX_ENTRIES)
            continue;
        json_t *value = copy_value(json_object_get(entry, "value"));
        if (value != NULL && json_object_set_new(*out, json_string_value(key), value) != 0)
            return rs_error_nomem(err, "description of a version");
    }
    return RECSYS_OK;
}

static recsys_status read_origin(const json_t *object, const char *where, const char *start,
                                 const json_t *tags_of, struct rs_mlflow_origin *out,
                                 recsys_error *err)
{
    const json_t *info = json_object_get(object, "info"), *data = json_object_get(object, "data");
    recsys_status status;

    if (!json_is_object(info))
        return rs_error(err, RECSYS_E_FORMAT, "%s: no object \"info\"", where);
    status =
        read_text(info, "artifact_uri", where, out->artifact_uri, sizeof out->artifact_uri, err);
    if (status == RECSYS_OK)
        status = rs_json_get_integer(info, start, 0, 0, INT64_MAX, where, &out->start_ms, err);
    if (status == RECSYS_OK)
        status = gather(data, "metrics", &out->metrics, err);
    if (status == RECSYS_OK)
        status = gather(data, "params", &out->params, err);
    if (status == RECSYS_OK)
        status = gather(tags_of, "tags", &out->tags, err);
    return status;
}

recsys_status rs_mlflow_parse_run(const char *bytes, size_t size, struct rs_mlflow_origin *out,
                                  recsys_error *err)
{
    static const char where[] = "MLflow's reply about a run";
    json_t *json = NULL;
    const json_t *run;

    memset(out, 0, sizeof *out);
    recsys_status status = parse(bytes, size, "run", where, &json, &run, err);
    if (status == RECSYS_OK)
        status = read_origin(run, where, "start_time", json_object_get(run, "data"), out, err);
    json_decref(json);
    return status;
}

recsys_status rs_mlflow_parse_logged(const char *bytes, size_t size, struct rs_mlflow_origin *out,
                                     recsys_error *err)
{
    static const char where[] = "MLflow's reply about a logged model";
    char status_name[64] = "";
    json_t *json = NULL;
    const json_t *model, *info = NULL;

    memset(out, 0, sizeof *out);
    recsys_status status = parse(bytes, size, "model", where, &json, &model, err);
    if (status == RECSYS_OK) {
        info = json_object_get(model, "info");
        status = read_origin(model, where, "creation_timestamp_ms", info, out, err);
    }
    if (status == RECSYS_OK)
        status = read_text(info, "source_run_id", where, out->run_id, sizeof out->run_id, err);
    if (status == RECSYS_OK)
        status = read_text(info, "status", where, status_name, sizeof status_name, err);
    json_decref(json);
    out->status = strstr(status_name, "FAILED") != NULL    ? RS_MLFLOW_FAILED
                  : strstr(status_name, "PENDING") != NULL ? RS_MLFLOW_PENDING
                                                           : RS_MLFLOW_READY;
    return status;
}

void rs_mlflow_origin_destroy(struct rs_mlflow_origin *origin)
{
    json_decref(origin->metrics);
    json_decref(origin->params);
    json_decref(origin->tags);
    origin->metrics = origin->params = origin->tags = NULL;
}
