/* daemon/ctl/input/genre_list.c - see genre_list.h.
 *
 * MovieLens writes Action|Drama and (no genres listed), TMDB's API objects with id and name, the
 * tables made from it the same objects as Python prints them, pandas a list as Python prints it,
 * and PostgreSQL {Action,"Film Noir"} when it exports an array as CSV.
 */
#include "daemon/ctl/input/genre_list.h"

#include <stdio.h>
#include <string.h>

#include "daemon/ctl/input/loose_value.h"
#include "daemon/ctl/input/python_literal.h"
#include "lib/base/json_write.h"
#include "lib/base/text.h"

/* One name without the blanks around it. No genre is none. */
static void put_name(struct rs_buffer *out, const char *name, size_t size, bool *is_first)
{
    static const char none[] = "(no genres listed)";

    while (size > 0 && (name[0] == ' ' || name[0] == '\t')) {
        name++;
        size--;
    }
    while (size > 0 && (name[size - 1] == ' ' || name[size - 1] == '\t'))
        size--;
    if (size == 0 || (size == sizeof none - 1 && memcmp(name, none, size) == 0))
        return;
    rs_buffer_add_text(out, *is_first ? "" : ",");
    rs_json_put_text(out, name, size);
    *is_first = false;
}

/* Names between separators. */
static void put_names(struct rs_buffer *out, const char *text, const char *separators,
                      bool *is_first)
{
    char separator[2] = "";

    for (; *separators != '\0' && separator[0] == '\0'; separators++)
        if (strchr(text, *separators) != NULL)
            separator[0] = *separators;
    for (;;) {
        size_t size = strcspn(text, separator);
        put_name(out, text, size, is_first);
        if (text[size] == '\0')
            return;
        text += size + 1;
    }
}

/* {Action,"Film Noir",NULL}: quotes around what has blanks, commas or backslashes. */
static void put_array(struct rs_buffer *out, const char *text, bool *is_first)
{
    char name[512];
    size_t size = 0;
    bool in_quotes = false, was_quoted = false;

    for (const char *at = text + 1; *at != '\0'; at++) {
        if (*at == '"') {
            in_quotes = !in_quotes;
            was_quoted = true;
        } else if (!in_quotes && (*at == ',' || *at == '}')) {
            name[size] = '\0';
            if (was_quoted || !rs_text_equal(name, "null"))
                put_name(out, name, size, is_first);
            size = 0;
            was_quoted = false;
        } else {
            at += *at == '\\' && at[1] != '\0';
            if (size + 1 < sizeof name)
                name[size++] = *at;
        }
    }
}

/* An element of a list: a name, or an object with one. */
static bool put_element(struct rs_buffer *out, const json_t *element, bool *is_first, char *problem,
                        size_t room)
{
    const json_t *name = json_is_object(element) ? json_object_get(element, "name") : element;

    if (json_object_size(element) == 0 && ctl_is_no_value(name))
        return true; /* {} is an empty array of PostgreSQL */
    if (!json_is_string(name)) {
        char shown[80];
        snprintf(problem, room, "genres has %s, which is no name and has none",
                 ctl_show_value(element, shown, sizeof shown));
        return false;
    }
    put_name(out, json_string_value(name), json_string_length(name), is_first);
    return true;
}

static bool put_list(struct rs_buffer *out, const json_t *list, bool *is_first, char *problem,
                     size_t room)
{
    if (!json_is_array(list))
        return put_element(out, list, is_first, problem, room);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!put_element(out, json_array_get(list, i), is_first, problem, room))
            return false;
    return true;
}

/* A list within a text. NULL if it is none. */
static json_t *read_list(const char *text)
{
    json_t *list = json_loads(text, 0, NULL);

    return list != NULL ? list : ctl_python_parse(text);
}

static bool put_text(struct rs_buffer *out, const char *text, const char *separators,
                     bool *is_first, char *problem, size_t room)
{
    json_t *list = text[0] == '[' || text[0] == '{' ? read_list(text) : NULL;
    size_t size = strlen(text);
    bool good = true;

    if (list != NULL)
        good = put_list(out, list, is_first, problem, room);
    else if (text[0] == '{' && text[size - 1] == '}')
        put_array(out, text, is_first);
    else
        put_names(out, text, separators, is_first);
    json_decref(list);
    return good;
}

bool ctl_put_genres(const json_t *value, const char *separators, struct rs_buffer *out,
                    char *problem, size_t room)
{
    size_t before = out->size;
    bool is_first = true, good;

    rs_buffer_add_text(out, "[");
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        good = put_text(out, text + strspn(text, " \t"), separators, &is_first, problem, room);
    } else {
        good = put_list(out, value, &is_first, problem, room);
    }
    rs_buffer_add_text(out, "]");
    if (!good)
        out->size = before;
    return good;
}
