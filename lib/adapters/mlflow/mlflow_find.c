/* lib/adapters/mlflow/mlflow_find.c - what a models:/ URI means now: one request.
 *
 * An alias is asked by its name: no timestamp of MLflow changes when it moves, and no search knows
 * aliases. The highest version is searched for, because the server's own "latest" is new in MLflow
 * 3.3 and also takes versions that are not ready.
 */
#include <stdio.h>
#include <string.h>

#include "lib/adapters/mlflow/mlflow_api.h"
#include "lib/adapters/mlflow/mlflow_driver.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

/* MLflow's form of an alias: letters (of any alphabet), digits, "_" and "-". Its answer to another
 * one looks like that to one which is not there yet. */
static recsys_status check_alias(const char *alias, recsys_error *err)
{
    for (const char *at = alias; *at != '\0'; at++) {
        int is_letter =
            (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (unsigned char)*at >= 128;
        if (!is_letter && !(*at >= '0' && *at <= '9') && *at != '_' && *at != '-')
            return rs_error(
                err, RECSYS_E_INVALID,
                "MLflow cannot have an alias \"%.100s\": aliases are letters, digits, _ "
                "and -",
                alias);
    }
    return RECSYS_OK;
}

static recsys_status ask_latest(const recsys_registry_question *question,
                                struct rs_mlflow_path *path, recsys_error *err)
{
    char filter[600];
    char quote = strchr(question->name, '\'') == NULL ? '\'' : '"';

    if (quote == '"' && strchr(question->name, '"') != NULL)
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "MLflow cannot search for the versions of a model with both quotes in its "
                        "name: %.100s; use a version or an alias",
                        question->name);
    snprintf(filter, sizeof filter, "name=%c%s%c", quote, question->name, quote);
    rs_mlflow_path_begin(path, "/mlflow/model-versions/search");
    rs_mlflow_path_add(path, "filter", filter);
    rs_mlflow_path_add(path, "order_by", "version_number DESC");
    rs_mlflow_path_add(path, "max_results", "20"); /* those that are not ready are skipped */
    return RECSYS_OK;
}

static recsys_status put_question(const recsys_registry_question *question,
                                  struct rs_mlflow_path *path, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    if (question->alias != NULL) {
        status = check_alias(question->alias, err);
        rs_mlflow_path_begin(path, "/mlflow/registered-models/alias");
        rs_mlflow_path_add(path, "name", question->name);
        rs_mlflow_path_add(path, "alias", question->alias);
    } else if (question->version != NULL) {
        rs_mlflow_path_begin(path, "/mlflow/model-versions/get");
        rs_mlflow_path_add(path, "name", question->name);
        rs_mlflow_path_add(path, "version", question->version);
    } else if (question->stage != NULL) {
        rs_mlflow_path_begin(path, "/mlflow/registered-models/get-latest-versions");
        rs_mlflow_path_add(path, "name", question->name);
        rs_mlflow_path_add(path, "stages", question->stage);
    } else {
        status = ask_latest(question, path, err);
    }
    return status;
}

/* A server could answer with anything. */
static recsys_status check_answer(const struct rs_mlflow *mlflow,
                                  const recsys_registry_question *question,
                                  const struct rs_mlflow_version *version, recsys_error *err)
{
    if (strcmp(version->name, question->name) != 0 ||
        (question->version != NULL && strcmp(version->number, question->version) != 0))
        return rs_error(err, RECSYS_E_FORMAT,
                        "MLflow %.120s answers %.150s with version %s of model \"%.80s\"",
                        mlflow->settings.origin, question->uri, version->number, version->name);
    if (version->status == RS_MLFLOW_PENDING)
        return rs_error(err, RECSYS_E_NOT_FOUND,
                        "MLflow %.120s, %.150s: version %s is not registered yet "
                        "(PENDING_REGISTRATION)",
                        mlflow->settings.origin, question->uri, version->number);
    if (version->status == RS_MLFLOW_FAILED)
        return rs_error(err, RECSYS_E_REJECTED,
                        "MLflow %.120s, %.150s: the registration of version %s has failed",
                        mlflow->settings.origin, question->uri, version->number);
    return RECSYS_OK;
}

static recsys_status ask(struct rs_mlflow *mlflow, const recsys_registry_question *question,
                         struct rs_mlflow_version *out, recsys_error *err)
{
    struct rs_mlflow_http http;
    struct rs_mlflow_path path;
    struct rs_mlflow_reply reply = {0};
    recsys_error said = {0};
    int is_list = question->alias == NULL && question->version == NULL;
    recsys_status status = put_question(question, &path, err);

    if (status != RECSYS_OK)
        return status;
    status = rs_mlflow_http_open(&http, &mlflow->settings, &mlflow->counts, err);
    if (status == RECSYS_OK)
        status = rs_mlflow_ask(&http, &path, question->uri, &reply, err);
    if (status == RECSYS_OK) {
        status = is_list ? rs_mlflow_parse_first(reply.body.bytes, reply.body.size, out, &said)
                         : rs_mlflow_parse_version(reply.body.bytes, reply.body.size, out, &said);
        if (status == RECSYS_E_NOT_FOUND)
            rs_error(&said, status,
                     question->stage != NULL ? "no version is in that stage"
                                             : "there is no such model, or it has no version yet");
        if (status != RECSYS_OK)
            rs_mlflow_say(&mlflow->settings, question->uri, &said, err);
    }
    rs_mlflow_reply_destroy(&reply);
    rs_mlflow_http_close(&http);
    return status == RECSYS_OK ? check_answer(mlflow, question, out, err) : status;
}

int rs_mlflow_stamp(const struct rs_mlflow *mlflow, const struct rs_mlflow_version *version,
                    char out[RS_MLFLOW_KEY_SIZE])
{
    char created[32];
    const struct rs_mlflow_settings *settings = &mlflow->settings;
    const char *const texts[] = {
        settings->origin, settings->prefix, settings->workspace == NULL ? "" : settings->workspace,
        version->name,    version->number,  version->source,
        version->run_id,  created};

    snprintf(created, sizeof created, "%lld", (long long)version->created_ms);
    return rs_mlflow_digest(texts, sizeof texts / sizeof texts[0], out, RS_MLFLOW_KEY_SIZE);
}

/* Remember which question this is the answer to, for the record that fetch writes. */
static void remember(struct rs_mlflow *mlflow, const char *uri, const char *stamp)
{
    struct rs_mlflow_asked now = {"", "", ""};
    size_t at = 0;

    if (strlen(uri) >= sizeof now.uri || !rs_mlflow_key(&mlflow->settings, uri, now.key))
        return;
    snprintf(now.uri, sizeof now.uri, "%s", uri);
    snprintf(now.stamp, sizeof now.stamp, "%s", stamp);
    rs_lock_take(&mlflow->lock);
    while (at < RS_MLFLOW_N_ASKED - 1 && strcmp(mlflow->asked[at].key, now.key) != 0)
        at++;
    memmove(&mlflow->asked[1], &mlflow->asked[0], at * sizeof mlflow->asked[0]);
    mlflow->asked[0] = now;
    rs_lock_give(&mlflow->lock);
}

/* Is it the server or the line to it that fails, and not the question? */
static int is_away(recsys_status status)
{
    return status == RECSYS_E_IO || status == RECSYS_E_TIMEOUT || status == RECSYS_E_BACKEND ||
           status == RECSYS_E_EXHAUSTED;
}

/* Take the meaning that the URI had when it was last fetched: 1 if that is here. */
static int find_kept(struct rs_mlflow *mlflow, const char *uri, const char *why,
                     recsys_registry_location *out)
{
    char key[RS_MLFLOW_KEY_SIZE];
    struct rs_mlflow_kept kept;

    if (!rs_mlflow_key(&mlflow->settings, uri, key) ||
        rs_mlflow_kept_find(&mlflow->shelf, key, &kept, NULL) != RECSYS_OK)
        return 0;
    int fd = rs_mlflow_shelf_find(&mlflow->shelf, kept.sum);
    if (fd < 0)
        return 0;
    rs_mlflow_shelf_hold(&mlflow->shelf, kept.sum, fd);
    snprintf(out->name, sizeof out->name, "%s", kept.name);
    snprintf(out->version, sizeof out->version, "%s", kept.version);
    snprintf(out->stamp, sizeof out->stamp, "%s", kept.stamp);
    int n = snprintf(out->path, sizeof out->path, "%s/bundles/%s", mlflow->shelf.path, kept.sum);
    if (n < 0 || (size_t)n >= sizeof out->path)
        return 0;
    out->flags |= RECSYS_REGISTRY_KEPT;
    rs_log(atomic_exchange(&mlflow->has_warned, 1) ? RECSYS_LOG_DEBUG : RECSYS_LOG_WARN,
           "registry: the server does not answer (%.200s); taking version %s of %.80s, which %.80s "
           "meant before and which is kept in the cache",
           why, kept.version, kept.name, uri);
    return 1;
}

recsys_status rs_mlflow_find(void *self, const recsys_registry_question *question,
                             recsys_registry_location *out, recsys_error *err)
{
    struct rs_mlflow *mlflow = self;
    struct rs_mlflow_version version;
    char stamp[RS_MLFLOW_KEY_SIZE];
    recsys_error said = {0};
    recsys_status status = ask(mlflow, question, &version, &said);

    if (status == RECSYS_OK || status == RECSYS_E_NOT_FOUND)
        atomic_store(&mlflow->has_answered, 1);
    if (is_away(status) && !atomic_load(&mlflow->has_answered) &&
        find_kept(mlflow, question->uri, said.message, out))
        return RECSYS_OK;
    if (status != RECSYS_OK)
        return rs_error_copy(err, &said);
    if (!rs_mlflow_stamp(mlflow, &version, stamp))
        return rs_error_nomem(err, "stamp of a version");
    snprintf(out->name, sizeof out->name, "%s", version.name);
    snprintf(out->version, sizeof out->version, "%s", version.number);
    snprintf(out->stamp, sizeof out->stamp, "%s", stamp);
    remember(mlflow, question->uri, stamp);
    return RECSYS_OK;
}
