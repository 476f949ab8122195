/* lib/adapters/mlflow/mlflow_api.c - see mlflow_api.h.
 *
 * MLflow's errors have five shapes: {"error_code", "message"}, FastAPI's {"detail"}, pages of HTML,
 * plain text, and plain text that is labelled as HTML. So a body is judged by what is in it, not by
 * its label, and its text is shown to the operator.
 */
#include "lib/adapters/mlflow/mlflow_api.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"

void rs_mlflow_path_begin(struct rs_mlflow_path *path, const char *begin)
{
    struct rs_buffer text = RS_BUFFER_FIXED(path->room);

    path->text = text;
    path->has_query = 0;
    rs_buffer_add_text(&path->text, begin);
}

void rs_mlflow_path_add(struct rs_mlflow_path *path, const char *name, const char *value)
{
    rs_buffer_add_text(&path->text, path->has_query ? "&" : "?");
    rs_buffer_add_text(&path->text, name);
    rs_buffer_add_text(&path->text, "=");
    rs_mlflow_url_add(&path->text, value, '\0');
    path->has_query = 1;
}

recsys_status rs_mlflow_url(const struct rs_mlflow_settings *settings, const char *path, int is_api,
                            char out[RS_MLFLOW_MAX_URL], recsys_error *err)
{
    int is_below = !is_api || !atomic_load(&settings->api_at_origin);
    int n = snprintf(out, RS_MLFLOW_MAX_URL, "%s%s%s%s", settings->origin,
                     is_below ? settings->prefix : "", is_api ? "/api/2.0" : "", path);

    if (n < 0 || (size_t)n >= RS_MLFLOW_MAX_URL)
        return rs_error(err, RECSYS_E_LIMIT, "MLflow %.200s: a URL is longer than %u bytes",
                        settings->origin, RS_MLFLOW_MAX_URL);
    return RECSYS_OK;
}

recsys_status rs_mlflow_say(const struct rs_mlflow_settings *settings, const char *what,
                            const recsys_error *said, recsys_error *err)
{
    rs_error(err, said->status, "MLflow %.120s%.60s, %.140s: %s", settings->origin,
             settings->prefix, what, said->message);
    if (err != NULL)
        err->sys_errno = said->sys_errno;
    return said->status;
}

/* The words of a failure: its code as MLflow names it, and its text; "" = nothing. */
struct words {
    char code[64], text[300];
};

static int is_json(const struct rs_mlflow_reply *reply)
{
    size_t blank = strspn(reply->body.bytes == NULL ? "" : reply->body.bytes, " \r\n\t");

    return reply->body.size > blank && reply->body.bytes[blank] == '{';
}

static void copy_words(char *out, size_t room, const char *text)
{
    snprintf(out, room, "%s", text == NULL ? "" : text);
    rs_text_trim(out);
    for (; *out != '\0'; out++)
        if ((unsigned char)*out < ' ')
            *out = ' ';
}

/* A page's text without its tags would be "404 Not Found Not Found The requested URL ...": its
 * title says as much. */
static void read_page(const char *page, struct words *out)
{
    const char *title = strstr(page, "<title>");
    const char *end = title == NULL ? NULL : strstr(title, "</title>");

    if (title == NULL || end == NULL)
        return;
    snprintf(out->text, sizeof out->text, "%.*s", (int)(end - title < 100 ? end - title - 7 : 93),
             title + 7);
}

static void read_words(const struct rs_mlflow_reply *reply, struct words *out)
{
    const char *body = reply->body.bytes == NULL ? "" : reply->body.bytes;
    json_t *json = NULL;

    memset(out, 0, sizeof *out);
    if (is_json(reply) &&
        rs_json_parse(body, reply->body.size, "reply", &json, NULL) == RECSYS_OK) {
        const char *message = json_string_value(json_object_get(json, "message"));
        const char *detail = json_string_value(json_object_get(json, "detail"));
        copy_words(out->code, sizeof out->code,
                   json_string_value(json_object_get(json, "error_code")));
        copy_words(out->text, sizeof out->text, message != NULL ? message : detail);
    } else if (strstr(body, "<html") != NULL || strstr(body, "<!doctype") != NULL ||
               strstr(body, "<!DOCTYPE") != NULL) {
        read_page(body, out);
    } else if (rs_utf8_is_valid(body, strlen(body))) {
        copy_words(out->text, sizeof out->text, body);
    }
    json_decref(json);
}

static recsys_status judge_refusal(const struct rs_mlflow_reply *reply, const struct words *words,
                                   recsys_error *err)
{
    if (reply->code == 401)
        return rs_error(err, RECSYS_E_REJECTED,
                        "the server wants other credentials (401 %.100s); give it a user with a "
                        "password file, or a token file",
                        words->text);
    if (strstr(words->text, "Invalid Host header") != NULL)
        return rs_error(
            err, RECSYS_E_REJECTED,
            "the server does not accept this name for itself (403 %.80s); start it with "
            "--allowed-hosts, or set the Host header to a name that it accepts",
            words->text);
    return rs_error(err, RECSYS_E_REJECTED,
                    "403 %.100s: the user may not read this, or it is not there yet, which MLflow "
                    "with basic authentication does not tell apart",
                    words->text);
}

static recsys_status judge(const struct rs_mlflow_reply *reply, const struct words *words,
                           recsys_error *err)
{
    if (reply->code / 100 == 3)
        return rs_error(err, RECSYS_E_REJECTED,
                        "the server redirects to \"%.150s\", and redirects are not followed; set "
                        "the registry to the address that answers",
                        reply->location);
    if (reply->code == 401 || reply->code == 403)
        return judge_refusal(reply, words, err);
    if (strcmp(words->code, "FEATURE_DISABLED") == 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "%.200s: a workspace is set, and the server has none; leave it out",
                        words->text);
    if (reply->code == 429)
        return rs_error(err, RECSYS_E_EXHAUSTED, "the server has too many requests (429 %.100s)",
                        words->text);
    if (reply->code == 404 && is_json(reply))
        return rs_error(err, RECSYS_E_NOT_FOUND, "%.250s", words->text);
    if (reply->code == 404)
        return rs_error(err, RECSYS_E_BACKEND,
                        "there is no MLflow here (404 %.60s); if the server has a --static-prefix, "
                        "the address needs it",
                        words->text);
    if (reply->code == 400 && strcmp(words->code, "INVALID_PARAMETER_VALUE") == 0 &&
        strstr(words->text, "not found") != NULL)
        return rs_error(err, RECSYS_E_NOT_FOUND, "%.250s", words->text);
    if (reply->code == 400)
        return rs_error(err, RECSYS_E_INVALID, "%.250s", words->text);
    return rs_error(err, RECSYS_E_BACKEND, "the server answers %ld %.60s %.250s", reply->code,
                    words->code, words->text);
}

recsys_status rs_mlflow_judge(const struct rs_mlflow_settings *settings,
                              const struct rs_mlflow_reply *reply, const char *what,
                              recsys_error *err)
{
    struct words words;
    recsys_error said = {0};

    read_words(reply, &words);
    judge(reply, &words, &said);
    return rs_mlflow_say(settings, what, &said, err);
}

/* Did the API itself answer, and not a page that a server has for any path? */
static int has_answered(const struct rs_mlflow_reply *reply)
{
    return reply->code != 404 || is_json(reply);
}

static recsys_status get(struct rs_mlflow_http *http, const struct rs_mlflow_path *path,
                         const char *what, struct rs_mlflow_reply *reply, recsys_error *err)
{
    char url[RS_MLFLOW_MAX_URL];
    recsys_error said = {0};
    recsys_status status = rs_mlflow_url(http->settings, path->text.bytes, 1, url, err);

    if (status != RECSYS_OK)
        return status;
    status = rs_mlflow_get(http, url, RS_MLFLOW_MAX_REPLY, reply, &said);
    return status == RECSYS_OK ? RECSYS_OK : rs_mlflow_say(http->settings, what, &said, err);
}

recsys_status rs_mlflow_ask(struct rs_mlflow_http *http, const struct rs_mlflow_path *path,
                            const char *what, struct rs_mlflow_reply *reply, recsys_error *err)
{
    /* The flag is the only thing of the settings that changes. */
    struct rs_mlflow_settings *settings = (struct rs_mlflow_settings *)http->settings;

    memset(reply, 0, sizeof *reply);
    if (path->text.status != RECSYS_OK)
        return rs_error(err, RECSYS_E_LIMIT, "MLflow %.200s, %.140s: the URL is too long",
                        settings->origin, what);
    recsys_status status = get(http, path, what, reply, err);
    if (status == RECSYS_OK && *settings->prefix != '\0' && !has_answered(reply)) {
        /* Before MLflow 3.? only pages moved below the prefix, the API did not. */
        int was_at_origin = atomic_exchange(&settings->api_at_origin, 1);
        if (!was_at_origin) {
            rs_mlflow_reply_destroy(reply);
            status = get(http, path, what, reply, err);
            if (status != RECSYS_OK || !has_answered(reply))
                atomic_store(&settings->api_at_origin, 0);
        }
    }
    if (status == RECSYS_OK && reply->code != 200)
        status = rs_mlflow_judge(settings, reply, what, err);
    return status;
}
