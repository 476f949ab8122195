/* daemon/http/problems.c - writes validation errors as pydantic words them.
 *
 * Clients of a FastAPI service read detail[].loc and detail[].msg; they find
 * the same here. All problems of a request are reported at once, up to a
 * limit. The offending input comes back with the report unless it is large:
 * an error must not be bigger than what caused it.
 */
#include "daemon/http/problems.h"

#include <stdlib.h>
#include <string.h>

#define MAX_INPUT 1024u

static void add_place(struct rd_text *text, const struct rd_place *place)
{
    if (place->outer != NULL) {
        add_place(text, place->outer);
        rd_text_add(text, ",", 1);
    }
    if (place->name != NULL)
        rd_text_json_puts(text, place->name);
    else
        rd_text_u64(text, place->number);
}

static void add_input(struct rd_text *text, const json_t *input)
{
    char dump[MAX_INPUT];
    size_t size = json_dumpb(input, dump, sizeof dump, JSON_COMPACT | JSON_ENCODE_ANY);

    if (size == 0 || size > sizeof dump)
        return;
    rd_text_puts(text, ",\"input\":");
    rd_text_add(text, dump, size);
}

void rd_problem_add(struct rd_problems *problems, const char *type, const struct rd_place *place,
                    const char *message, const json_t *input, const char *context)
{
    struct rd_text *text = problems->text;

    if (problems->count++ >= RD_MAX_PROBLEMS)
        return;
    rd_text_puts(text, problems->count == 1 ? "{\"detail\":[{\"type\":" : ",{\"type\":");
    rd_text_json_puts(text, type);
    rd_text_puts(text, ",\"loc\":[");
    add_place(text, place);
    rd_text_puts(text, "],\"msg\":");
    rd_text_json_puts(text, message);
    if (input != NULL)
        add_input(text, input);
    if (context != NULL) {
        rd_text_puts(text, ",\"ctx\":{");
        rd_text_puts(text, context);
        rd_text_puts(text, "}");
    }
    rd_text_puts(text, "}");
}

void rd_problems_end(struct rd_problems *problems)
{
    rd_text_puts(problems->text, "]}");
}
