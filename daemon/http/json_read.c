/* daemon/http/json_read.c - jansson with a limit for nesting.
 *
 * jansson recurses for every bracket and allows two thousand of them. No request needs more than
 * four, so the brackets are counted first; then the stack of a worker does not depend on the
 * client.
 */
#include "daemon/http/json_read.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_too_deep(const char *text, size_t size, size_t *position)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (c == '"')
            in_string = !in_string;
        else if (in_string && c == '\\')
            i++;
        else if (!in_string && (c == '[' || c == '{'))
            depth++;
        else if (!in_string && (c == ']' || c == '}'))
            depth--;
        if (depth > RD_DEPTH_MAX) {
            *position = i;
            return true;
        }
    }
    return false;
}

json_t *rd_json_read(const char *text, size_t size, size_t flags, struct rd_json_error *error)
{
    json_error_t from;
    json_t *value;

    memset(error, 0, sizeof *error);
    if (is_too_deep(text, size, &error->position)) {
        (void)snprintf(error->text, sizeof error->text, "nested too deeply");
        return NULL;
    }
    value = json_loadb(text, size, flags | JSON_DECODE_ANY, &from);
    if (value == NULL) {
        error->position = from.position > 0 ? (size_t)from.position : 0;
        (void)snprintf(error->text, sizeof error->text, "%.120s", from.text);
    }
    return value;
}
