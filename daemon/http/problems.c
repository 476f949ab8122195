/* daemon/http/problems.c - writes validation errors as pydantic words them.
 *
 * Clients of a FastAPI service read detail[].loc and detail[].msg; they find the same members here.
 * All problems of a request are reported at once, up to a limit. The offending input comes back
 * with the report unless it is large: an error must not be bigger than what caused it.
 */
#include "daemon/http/problems.h"

#include "lib/base/json_write.h"

#define MAX_INPUT 1024u

const struct rd_place rd_place_body = {NULL, "body", 0};
const struct rd_place rd_place_query = {NULL, "query", 0};
const struct rd_place rd_place_path = {NULL, "path", 0};

static void add_place(struct rs_buffer *text, const struct rd_place *place)
{
    if (place->outer != NULL) {
        add_place(text, place->outer);
        rs_buffer_add(text, ",", 1);
    }
    if (place->name != NULL)
        rs_json_put_string(text, place->name);
    else
        rs_json_put_unsigned(text, place->number);
}

static void add_input(struct rs_buffer *text, const json_t *input)
{
    char dump[MAX_INPUT];
    size_t size = json_dumpb(input, dump, sizeof dump, JSON_COMPACT | JSON_ENCODE_ANY);

    if (size == 0 || size > sizeof dump)
        return;
    rs_buffer_add_text(text, ",\"input\":");
    rs_buffer_add(text, dump, size);
}

void rd_problem_add(struct rd_problems *problems, const char *type, const struct rd_place *place,
                    const char *message, const json_t *input, const char *context)
{
    struct rs_buffer *text = problems->text;

    if (problems->count++ >= RD_MAX_PROBLEMS)
        return;
    rs_buffer_add_text(text, problems->count == 1 ? "{\"detail\":[{\"type\":" : ",{\"type\":");
    rs_json_put_string(text, type);
    rs_buffer_add_text(text, ",\"loc\":[");
    add_place(text, place);
    rs_buffer_add_text(text, "],\"msg\":");
    rs_json_put_string(text, message);
    if (input != NULL)
        add_input(text, input);
    if (context != NULL) {
        rs_buffer_add_text(text, ",\"ctx\":{");
        rs_buffer_add_text(text, context);
        rs_buffer_add_text(text, "}");
    }
    rs_buffer_add_text(text, "}");
}

void rd_problems_end(struct rd_problems *problems)
{
    rs_buffer_add_text(problems->text, "]}");
}
