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
static bool read(struct rd_request *request, struct rd_problems *problems,
                 const struct rd_member *row, json_t **value)
{
    const struct rd_place at = {&rd_place_query, row->name, 0};
    char buffer[RD_PARAM_TEXT];
    const char *text;

    *value = NULL;
    if (!rd_url_query(request->head->query, row->name, buffer, sizeof buffer, &text))
        return rd_reply_error(request, 400, "Malformed query string");
    if (text == NULL) {
        if ((row->flags & RD_REQUIRED) != 0)
            rd_problem_add(problems, "missing", &at, "Field required", json_null(), NULL);
        return true;
    }
    *value = json_string(text);
    return *value != NULL || rd_reply_unavailable(request, "out of memory");
}

bool rd_param_int(struct rd_request *request, struct rd_problems *problems,
                  const struct rd_member *row, int64_t *out)
{
    const struct rd_place at = {&rd_place_query, row->name, 0};
    json_t *value;

    if (!read(request, problems, row, &value))
        return false;
    if ((row->flags & RD_PRESET) != 0)
        *out = (int64_t)row->preset;
    rd_field_int(problems, &at, value, row->min, row->max, out);
    json_decref(value);
    return true;
}

bool rd_param_number(struct rd_request *request, struct rd_problems *problems,
                     const struct rd_member *row, double *out)
{
    const struct rd_place at = {&rd_place_query, row->name, 0};
    json_t *value;

    if (!read(request, problems, row, &value))
        return false;
    rd_field_double(problems, &at, value, (int)row->min, (int)row->max, out);
    json_decref(value);
    return true;
}

bool rd_param_text(struct rd_request *request, struct rd_problems *problems,
                   const struct rd_member *row, char out[RD_PARAM_TEXT])
{
    const struct rd_place at = {&rd_place_query, row->name, 0};
    const char *text = NULL;
    json_t *value;

    if (!read(request, problems, row, &value))
        return false;
    rd_field_text(problems, &at, value, (size_t)row->min, (size_t)row->max, &text);
    if (text != NULL)
        memcpy(out, text, strlen(text) + 1);
    json_decref(value);
    return true;
}
