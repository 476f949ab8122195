/* daemon/domains/json_find.c - finds one member in JSON of a database.
 *
 * PostgreSQL's jsonb may nest deeper and have larger numbers than jansson accepts. So this file
 * walks over the object, and only gives jansson the string that was found. `name` must not need
 * escapes in JSON.
 */
#include "daemon/domains/json_find.h"

#include <stdbool.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The index behind the string that begins at `i`. */
static size_t skip_string(const char *json, size_t size, size_t i)
{
    for (i++; i < size && json[i] != '"'; i++)
        if (json[i] == '\\')
            i++;
    return i < size ? i + 1 : size;
}

/* The string at `i`, if it is one. */
static json_t *read_text(const char *json, size_t size, size_t i)
{
    json_t *text;

    if (i >= size || json[i] != '"')
        return NULL;
    text = json_loadb(json + i, skip_string(json, size, i) - i, JSON_DECODE_ANY, NULL);
    if (json_is_string(text))
        return text;
    json_decref(text);
    return NULL;
}

json_t *rd_json_find_text(const char *json, size_t size, const char *name)
{
    size_t length = strlen(name), depth = 0, end;
    bool is_name = false, is_found = false; /* the next string is a name; the last one was `name` */

    for (size_t i = 0; i < size; i = end) {
        char c = json[i];

        end = i + 1;
        if (c == '"') {
            end = skip_string(json, size, i);
            is_found = depth == 1 && is_name && end - i == length + 2 &&
                       memcmp(json + i + 1, name, length) == 0;
            is_name = false;
        } else if (c == ':' && is_found) {
            while (end < size && is_space(json[end]))
                end++;
            return read_text(json, size, end);
        } else if (c == '{' || c == '[') {
            is_name = c == '{';
            depth++;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        } else if (c == ',') {
            is_name = true;
        }
    }
    return NULL;
}
