/* tests/integration/mlflow/mlflow_client.c - calls a registry over MLflow as it is told.
 *
 *   mlflow_client URL CACHE [NAME=VALUE...]    options of recsys_mlflow_create()
 *
 * Reads commands, one a line, and answers each with one line of JSON:
 *
 *   find URI | resolve URI | describe URI | load URI | list [NAME] | status | stats
 *   deploy URI     make a deployment, which `poll` and `reload` then work on
 *   poll | reload
 *   quit
 *
 * The answer is {"status": "OK", ...} or {"status": "E_...", "message": "..."}.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/deployment.h"
#include "recsys/log.h"
#include "recsys/mlflow.h"
#include "tests/support/check.h"

static recsys_registry *registry;
static recsys_deployment *deployment;

static void answer(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT);
    printf("\n");
    fflush(stdout);
    json_decref(line);
}

static json_t *failed(const recsys_error *err)
{
    return json_pack("{s:s, s:s, s:i}", "status", recsys_status_name(err->status), "message",
                     err->message, "errno", err->sys_errno);
}

static json_t *located(recsys_status status, const recsys_registry_location *at,
                       const recsys_error *err)
{
    if (status != RECSYS_OK)
        return failed(err);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "status", "OK", "name", at->name, "version",
                     at->version, "path", at->path, "stamp", at->stamp, "kept",
                     (int)(at->flags & RECSYS_REGISTRY_KEPT));
}

static json_t *describe(const char *uri)
{
    recsys_registry_location at = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_value text = {NULL, 0, NULL, NULL};
    recsys_error err = {0};
    recsys_status status = recsys_registry_find(registry, uri, &at, &err);

    if (status == RECSYS_OK)
        status = recsys_registry_describe(registry, &at, &text, &err);
    if (status != RECSYS_OK)
        return failed(&err);
    json_t *out =
        json_pack("{s:s, s:o}", "status", "OK", "described", json_loads(text.data, 0, NULL));
    recsys_value_release(&text);
    return out;
}

static json_t *load(const char *uri)
{
    recsys_registry_location at = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_model *model = NULL;
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_error err = {0};
    recsys_status status = recsys_registry_resolve(registry, uri, &at, &err);

    if (status == RECSYS_OK)
        status = recsys_model_load(at.path, NULL, &model, &err);
    if (status == RECSYS_OK)
        status = recsys_model_get_info(model, &info, &err);
    json_t *out = status != RECSYS_OK
                      ? failed(&err)
                      : json_pack("{s:s, s:s, s:I}", "status", "OK", "fingerprint",
                                  info.fingerprint, "n_items", (json_int_t)info.n_items);
    recsys_model_unref(model);
    return out;
}

static int32_t gather(const recsys_registry_entry *entry, void *user_data)
{
    json_array_append_new(user_data,
                          json_pack("[s, s, s?]", entry->name, entry->version, entry->alias));
    return 0;
}

static json_t *list(const char *name)
{
    json_t *entries = json_array();
    recsys_error err = {0};

    if (recsys_registry_list(registry, *name == '\0' ? NULL : name, gather, entries, &err) !=
        RECSYS_OK) {
        json_decref(entries);
        return failed(&err);
    }
    return json_pack("{s:s, s:o}", "status", "OK", "entries", entries);
}

static json_t *status_now(void)
{
    recsys_registry_status now = RECSYS_REGISTRY_STATUS_INIT;
    recsys_error err;

    CHECK_OK(recsys_registry_get_status(registry, &now, &err), &err);
    return json_pack("{s:s, s:b, s:b, s:s}", "status", "OK", "kept", (int)now.kept, "answered",
                     now.answered_ms > 0, "failure", recsys_status_name(now.failure.status));
}

static json_t *stats(void)
{
    recsys_mlflow_stats now = RECSYS_MLFLOW_STATS_INIT;
    recsys_error err;

    CHECK_OK(recsys_mlflow_get_stats(registry, &now, &err), &err);
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "status", "OK",
                     "requests", (json_int_t)now.requests, "failures", (json_int_t)now.failures,
                     "downloads", (json_int_t)now.downloads, "hits", (json_int_t)now.hits, "bytes",
                     (json_int_t)now.bytes, "resumed", (json_int_t)now.resumed, "restarted",
                     (json_int_t)now.restarted, "evictions", (json_int_t)now.evictions,
                     "cache_bytes", (json_int_t)now.cache_bytes);
}

static json_t *deploy(const char *uri)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    recsys_error err = {0};

    recsys_deployment_destroy(deployment);
    deployment = NULL;
    options.registry = registry;
    if (recsys_deployment_create(uri, &options, &deployment, &err) != RECSYS_OK)
        return failed(&err);
    return json_pack("{s:s}", "status", "OK");
}

/* The state after a step, whatever came of it. */
static json_t *step(recsys_status (*take)(recsys_deployment *, uint32_t *, recsys_error *))
{
    recsys_deployment_status now = RECSYS_DEPLOYMENT_STATUS_INIT;
    recsys_error err = {0}, ignored;
    uint32_t changed = 0;
    recsys_status status = take(deployment, &changed, &err);

    CHECK_OK(recsys_deployment_get_status(deployment, &now, &ignored), &ignored);
    return json_pack("{s:s, s:s, s:b, s:s, s:s}", "status", recsys_status_name(status), "message",
                     err.message, "changed", (int)changed, "fingerprint", now.active.fingerprint,
                     "last_error", now.last_error.message);
}

static json_t *obey(const char *command, const char *rest)
{
    recsys_registry_location at = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_error err = {0};

    if (strcmp(command, "find") == 0)
        return located(recsys_registry_find(registry, rest, &at, &err), &at, &err);
    if (strcmp(command, "resolve") == 0)
        return located(recsys_registry_resolve(registry, rest, &at, &err), &at, &err);
    if (strcmp(command, "describe") == 0)
        return describe(rest);
    if (strcmp(command, "load") == 0)
        return load(rest);
    if (strcmp(command, "list") == 0)
        return list(rest);
    if (strcmp(command, "status") == 0)
        return status_now();
    if (strcmp(command, "stats") == 0)
        return stats();
    if (strcmp(command, "deploy") == 0)
        return deploy(rest);
    if (strcmp(command, "poll") == 0)
        return step(recsys_deployment_poll);
    if (strcmp(command, "reload") == 0)
        return step(recsys_deployment_reload);
    return json_pack("{s:s}", "status", "no such command");
}

static void read_option(recsys_mlflow_options *options, const char *word)
{
    const char *value = strchr(word, '=') + 1;
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"user", &options->user},
                 {"password", &options->password},
                 {"password_file", &options->password_file},
                 {"token", &options->token},
                 {"token_file", &options->token_file},
                 {"ca_file", &options->ca_file},
                 {"workspace", &options->workspace},
                 {"host", &options->host}};
    size_t n = (size_t)(value - word) - 1;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strlen(texts[i].name) == n && strncmp(texts[i].name, word, n) == 0)
            *texts[i].text = value;
    if (strncmp(word, "timeout_ms=", 11) == 0)
        options->timeout_ms = (uint32_t)strtoul(value, NULL, 10);
    if (strncmp(word, "stall_timeout_ms=", 17) == 0)
        options->stall_timeout_ms = (uint32_t)strtoul(value, NULL, 10);
    if (strncmp(word, "download_timeout_ms=", 20) == 0)
        options->download_timeout_ms = (uint32_t)strtoul(value, NULL, 10);
    if (strncmp(word, "cache_bytes=", 12) == 0)
        options->cache_bytes = strtoull(value, NULL, 10);
}

static void log_line(int32_t level, const char *line, void *user_data)
{
    (void)user_data;
    fprintf(stderr, "%d %s\n", (int)level, line);
}

int main(int n_words, char **words)
{
    recsys_mlflow_options options = RECSYS_MLFLOW_OPTIONS_INIT;
    recsys_error err = {0};
    char line[4096];

    if (n_words < 3) {
        fprintf(stderr, "usage: mlflow_client URL CACHE [NAME=VALUE...]\n");
        return 2;
    }
    CHECK_OK(recsys_log_set(RECSYS_LOG_INFO, log_line, NULL, &err), &err);
    options.cache = words[2];
    for (int i = 3; i < n_words; i++)
        read_option(&options, words[i]);
    if (recsys_mlflow_create(words[1], &options, &registry, &err) != RECSYS_OK) {
        answer(failed(&err));
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = strchr(line, ' ');
        if (rest != NULL)
            *rest++ = '\0';
        if (strcmp(line, "quit") == 0)
            break;
        answer(obey(line, rest == NULL ? "" : rest));
    }
    recsys_deployment_destroy(deployment);
    recsys_registry_unref(registry);
    return 0;
}
