/* daemon/openapi/document.c - see document.h.
 *
 * The tables say which paths, methods, parameters and bodies there are, who may call, and with what
 * the steps before a handler answer. The words (words.json) say what all this means, how replies
 * look and which statuses the handlers give; they cannot say anything about a route or a member
 * that the tables do not have (tests/daemon/openapi_document.py).
 *
 * A document is made when it is first asked for: most daemons never are.
 */
#include "daemon/openapi/document.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <recsys/version.h>

#include "daemon/auth/access.h"
#include "daemon/http/fields.h"
#include "daemon/http/request.h"
#include "daemon/openapi/docs_files.h"
#include "daemon/openapi/schema.h"

#define REAL_DIGITS 15 /* 0.6 stays 0.6 */

static bool is_inference(const struct rd_document *to, const struct rd_route *route)
{
    return strncmp(route->path, to->error_paths, strlen(to->error_paths)) == 0;
}

static json_t *make_security(unsigned access)
{
    if ((access & RD_ACCESS_ADMIN) != 0)
        return json_pack("[{s:[]},{s:[]}]", "Admin", "Bearer");
    if ((access & RD_ACCESS_SIGNED) != 0)
        return json_pack("[{}]");
    return json_pack("[{},{s:[]},{s:[]}]", "ApiKey", "Bearer");
}

/* ---- parameters */

static const struct rd_member *find_row(const struct rd_shape *shape, const char *name)
{
    for (; shape != NULL; shape = shape->also)
        for (size_t i = 0; i < shape->n_members; i++)
            if (strcmp(shape->members[i].name, name) == 0)
                return &shape->members[i];
    return NULL;
}

static void add_parameter(struct rd_document *to, json_t *list, const char *where,
                          const char *operation, const struct rd_member *row)
{
    bool is_needed = where[0] == 'p' || (row->flags & RD_REQUIRED) != 0;
    json_t *schema = rd_schema_of_member(to, row),
           *parameter = json_pack("{s:s,s:s,s:b}", "name", row->name, "in", where, "required",
                                  (int)is_needed);

    if ((row->flags & RD_PRESET) != 0)
        rd_document_put(to, schema, "default", json_integer((json_int_t)row->preset));
    rd_document_describe(to, operation, row->name, parameter);
    rd_document_put(to, parameter, "schema", schema);
    to->failed |= json_array_append_new(list, parameter) != 0;
}

static void add_path_parameters(struct rd_document *to, json_t *list, const char *operation,
                                const struct rd_route *route)
{
    char name[64];

    for (const char *at = strchr(route->path, '{'); at != NULL; at = strchr(at + 1, '{')) {
        struct rd_member text = {.name = name, .type = RD_TYPE_TEXT, .min = 1, .max = RD_PARAM_MAX};
        const struct rd_member *row;

        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        row = find_row(route->params, name);
        add_parameter(to, list, "path", operation, row != NULL ? row : &text);
    }
}

static void add_query_parameters(struct rd_document *to, json_t *list, const char *operation,
                                 const struct rd_route *route)
{
    char in_path[64];

    for (const struct rd_shape *shape = route->params; shape != NULL; shape = shape->also)
        for (size_t i = 0; i < shape->n_members; i++) {
            (void)snprintf(in_path, sizeof in_path, "{%s}", shape->members[i].name);
            if (strstr(route->path, in_path) == NULL)
                add_parameter(to, list, "query", operation, &shape->members[i]);
        }
}

/* ---- replies */

static bool reads_query(const struct rd_route *route)
{
    return route->params != NULL && (route->params->n_members > 0 || route->params->also != NULL);
}

/* The reply of the steps before the handler, or of a reader of bodies or queries, with a status. */
static const char *find_step(const struct rd_document *to, const struct rd_route *route, int status)
{
    bool has_body = (route->flags & RD_ROUTE_BODY) != 0;
    bool may_be_empty = (route->flags & RD_ROUTE_MAY_BE_EMPTY) != 0;

    switch (status) {
    case 400:
    case 403:
    case 408:
    case 431:
        return "Error";
    case 401:
    case 500:
        return route->access != 0 ? "Error" : NULL;
    case 411:
        return has_body && !may_be_empty ? "Error" : NULL;
    case 413:
    case 415:
        return has_body ? "Error" : NULL;
    case 422:
        return (has_body || reads_query(route)) && !is_inference(to, route) ? "Invalid" : NULL;
    case 429:
        return route->access != 0 ? "Limited" : NULL;
    case 503:
        return "Unavailable";
    default:
        return NULL;
    }
}

static json_t *make_replies(struct rd_document *to, const struct rd_route *route,
                            const json_t *words)
{
    json_t *replies = json_object();
    char key[8];

    for (int status = 200; status < 600; status++) {
        const char *step = find_step(to, route, status);
        json_t *own;

        (void)snprintf(key, sizeof key, "%d", status);
        own = json_object_get(words, key);
        if (own != NULL)
            to->failed |= json_object_set(replies, key, own) != 0;
        else if (step != NULL)
            rd_document_put(
                to, replies, key,
                rd_document_ref("responses", is_inference(to, route) ? "InferenceError" : step));
    }
    return replies;
}

/* ---- operations */

static json_t *make_body(struct rd_document *to, const struct rd_route *route, json_t *example)
{
    json_t *schema = route->body != NULL ? rd_schema_of_shape(to, route->body)
                                         : json_pack("{s:s}", "type", "object");
    json_t *content = json_pack("{s:o}", "schema", schema);

    if (example != NULL)
        to->failed |= json_object_set(content, "example", example) != 0;
    return json_pack("{s:b,s:{s:o}}", "required",
                     (int)((route->flags & RD_ROUTE_MAY_BE_EMPTY) == 0), "content",
                     "application/json", content);
}

static json_t *make_parameters(struct rd_document *to, const struct rd_route *route,
                               const char *operation, const json_t *headers)
{
    json_t *list = json_array();

    add_path_parameters(to, list, operation, route);
    add_query_parameters(to, list, operation, route);
    for (size_t i = 0; i < json_array_size(headers); i++)
        to->failed |= json_array_append(list, json_array_get(headers, i)) != 0;
    return list;
}

static json_t *make_operation(struct rd_document *to, const struct rd_route *route,
                              const json_t *words)
{
    static const char *const copied[] = {"operationId", "tags", "summary", "description"};
    const char *name = json_string_value(json_object_get(words, "operationId"));
    json_t *operation = json_object(), *parameters;

    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        if (json_object_get(words, copied[i]) != NULL)
            to->failed |=
                json_object_set(operation, copied[i], json_object_get(words, copied[i])) != 0;
    if (route->access != 0)
        rd_document_put(to, operation, "security", make_security(route->access));
    parameters =
        make_parameters(to, route, name != NULL ? name : "", json_object_get(words, "headers"));
    if (json_array_size(parameters) > 0)
        rd_document_put(to, operation, "parameters", parameters);
    else
        json_decref(parameters);
    if ((route->flags & RD_ROUTE_BODY) != 0)
        rd_document_put(to, operation, "requestBody",
                        make_body(to, route, json_object_get(words, "example")));
    rd_document_put(to, operation, "responses",
                    make_replies(to, route, json_object_get(words, "responses")));
    return operation;
}

/* Of rows for the same requests the first is the one for clients. */
static void add_route(struct rd_document *to, const struct rd_route *route)
{
    const json_t *words = json_object_get(to->words, "paths");
    json_t *path = json_object_get(to->paths, route->path);
    char method[8] = "";

    for (size_t i = 0; route->method[i] != '\0' && i + 1 < sizeof method; i++)
        method[i] = (char)(route->method[i] - 'A' + 'a');
    if (path == NULL) {
        path = json_object();
        rd_document_put(to, to->paths, route->path, path);
    }
    if (json_object_get(path, method) != NULL)
        return;
    words = json_object_get(json_object_get(words, route->path), method);
    rd_document_put(to, path, method, make_operation(to, route, words));
}

/* ---- the whole */

/* An id in a path or a body, before the kind of the model's ids is known. */
static json_t *make_id(void)
{
    return json_pack("{s:s,s:[{s:s,s:i,s:I},{s:s,s:i,s:i}]}", "description",
                     "an integer, or a string if the model's ids are strings", "oneOf", "type",
                     "integer", "minimum", 0, "maximum", (json_int_t)INT64_MAX, "type", "string",
                     "minLength", 1, "maxLength", RECSYS_ID_MAX_TEXT);
}

static void make_document(struct rd_document *to, const struct rd_openapi *openapi,
                          const struct rd_request *request)
{
    json_t *info = json_deep_copy(json_object_get(to->words, "info")),
           *components = json_copy(json_object_get(to->words, "components")),
           *replies = json_object_get(components, "schemas");

    rd_document_put(to, info, "version", json_string(RECSYS_VERSION_STRING));
    rd_document_put(to, to->document, "openapi", json_string("3.1.0"));
    rd_document_put(to, to->document, "info", info);
    to->failed |= json_object_set(to->document, "tags", json_object_get(to->words, "tags")) != 0 ||
                  json_object_set(to->document, "paths", to->paths) != 0;
    rd_document_put(to, to->schemas, "Id", make_id());
    for (size_t i = 0; i < openapi->n_routes; i++)
        if (openapi->is_here(&openapi->routes[i], request))
            add_route(to, &openapi->routes[i]);
    to->failed |= json_object_update(to->schemas, replies) != 0 ||
                  json_object_set(components, "schemas", to->schemas) != 0;
    rd_document_put(to, to->document, "components", components);
}

static char *write_document(const struct rd_openapi *openapi, const struct rd_request *request)
{
    struct rd_document to = {.document = json_object(),
                             .schemas = json_object(),
                             .paths = json_object(),
                             .error_paths = openapi->error_paths};
    json_t *words =
        json_loadb((const char *)rd_words_json, rd_words_json_size, JSON_REJECT_DUPLICATES, NULL);
    char *text = NULL;

    to.words = words;
    to.failed = words == NULL;
    make_document(&to, openapi, request);
    if (!to.failed)
        text = json_dumps(to.document, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
    json_decref(words);
    json_decref(to.schemas);
    json_decref(to.paths);
    json_decref(to.document);
    return text;
}

bool rd_openapi_open(struct rd_openapi *openapi, const struct rd_route *routes, size_t n_routes,
                     bool (*is_here)(const struct rd_route *route,
                                     const struct rd_request *request),
                     const char *error_paths)
{
    *openapi = (struct rd_openapi){
        .routes = routes, .n_routes = n_routes, .is_here = is_here, .error_paths = error_paths};
    openapi->is_open = rs_lock_init(&openapi->lock) == 0;
    return openapi->is_open;
}

void rd_openapi_close(struct rd_openapi *openapi)
{
    if (openapi->is_open)
        rs_lock_destroy(&openapi->lock);
    free(openapi->texts[0]);
    free(openapi->texts[1]);
}

const char *rd_openapi_get(struct rd_openapi *openapi, const struct rd_request *request)
{
    char **text = &openapi->texts[request->worker->for_operators];
    const char *document;

    rs_lock_take(&openapi->lock);
    if (*text == NULL)
        *text = write_document(openapi, request);
    document = *text;
    rs_lock_give(&openapi->lock);
    return document;
}
