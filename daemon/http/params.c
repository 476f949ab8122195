/* daemon/http/params.c - reads the query string as FastAPI reads its parameters.
 *
 * A value is made a JSON string, which the same functions read as the members of a body. So "5" is
 * an integer in both, and problems are reported in the same words.
 */
#include "daemon/http/params.h"

#include <string.h>

#include "daemon/http/fields.h"
#include "daemon/http/reply.h"
#include "daemon/http/url.h"

/* *value is NULL if the parameter is absent, which is a problem if it is required. */
static bool read(struct rd_request *request, struct rd_problems *problems, const char *name,
                 int required, json_t **value)
{
    const struct rd_place at = {&rd_place_query, name, 0};
    char buffer[RD_PARAM_TEXT];
    const char *text;

    *value = NULL;
    if (!rd_url_query(request->head->query, name, buffer, sizeof buffer, &text))
        return rd_reply_error(request, 400, "Malformed query string");
    if (text == NULL) {
        if (required)
            rd_problem_add(problems, "missing", &at, "Field required", json_null(), NULL);
        return true;
    }
    *value = json_string(text);
    return *value != NULL || rd_reply_unavailable(request, "out of memory");
}

bool rd_param_int(struct rd_request *request, struct rd_problems *problems, const char *name,
                  int required, int64_t min, int64_t max, int64_t *out)
{
    const struct rd_place at = {&rd_place_query, name, 0};
    json_t *value;

    if (!read(request, problems, name, required, &value))
        return false;
    rd_field_int(problems, &at, value, min, max, out);
    json_decref(value);
    return true;
}

bool rd_param_number(struct rd_request *request, struct rd_problems *problems, const char *name,
                     int required, int min, int max, double *out)
{
    const struct rd_place at = {&rd_place_query, name, 0};
    json_t *value;

    if (!read(request, problems, name, required, &value))
        return false;
    rd_field_double(problems, &at, value, min, max, out);
    json_decref(value);
    return true;
}

bool rd_param_text(struct rd_request *request, struct rd_problems *problems, const char *name,
                   int required, size_t min, size_t max, char out[RD_PARAM_TEXT])
{
    const struct rd_place at = {&rd_place_query, name, 0};
    const char *text = NULL;
    json_t *value;

    if (!read(request, problems, name, required, &value))
        return false;
    rd_field_text(problems, &at, value, min, max, &text);
    if (text != NULL)
        memcpy(out, text, strlen(text) + 1);
    json_decref(value);
    return true;
}
