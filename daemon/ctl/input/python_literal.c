/* daemon/ctl/input/python_literal.c - see python_literal.h.
 *
 * str() of a list is what a CSV has when a column of objects was written without thought. It
 * differs from JSON in the quotes, the escapes and three words; with these exchanged it is JSON,
 * which jansson then parses and checks.
 */
#include "daemon/ctl/input/python_literal.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/buffer.h"

#define MAX_JSON ((size_t)1 << 20)

/* An escape. Returns how many characters it takes. */
static size_t put_escape(struct rs_buffer *out, const char *at)
{
    switch (at[1]) {
    case '\'':
        rs_buffer_add_text(out, "'");
        return 2;
    case 'x': /* \xe9: the JSON is \u00e9 */
        rs_buffer_add_text(out, "\\u00");
        return 2;
    default:
        rs_buffer_add(out, at, 1 + (at[1] != '\0'));
        return 1 + (at[1] != '\0');
    }
}

/* A string with either quote. Returns what is behind it. */
static const char *put_string(struct rs_buffer *out, const char *at)
{
    char quote = *at++;

    rs_buffer_add_text(out, "\"");
    while (*at != '\0' && *at != quote) {
        if (*at == '\\') {
            at += put_escape(out, at);
            continue;
        }
        rs_buffer_add(out, *at == '"' ? "\\\"" : at, *at == '"' ? 2 : 1);
        at++;
    }
    if (*at == quote)
        rs_buffer_add_text(out, "\"");
    return at + (*at == quote);
}

/* None, True and False; nan is no value either. */
static const char *put_word(struct rs_buffer *out, const char *at)
{
    static const char *const words[][2] = {
        {"None", "null"}, {"True", "true"}, {"False", "false"}, {"nan", "null"}};
    size_t size = 1;

    while (isalpha((unsigned char)at[size]))
        size++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i][0]) == size && memcmp(at, words[i][0], size) == 0) {
            rs_buffer_add_text(out, words[i][1]);
            return at + size;
        }
    rs_buffer_add(out, at, size);
    return at + size;
}

json_t *ctl_python_parse(const char *text)
{
    struct rs_buffer json = RS_BUFFER_INIT(MAX_JSON);
    json_t *value = NULL;

    while (*text != '\0') {
        if (*text == '\'' || *text == '"')
            text = put_string(&json, text);
        else if (isalpha((unsigned char)*text))
            text = put_word(&json, text);
        else
            rs_buffer_add(&json, text++, 1);
    }
    if (json.status == RECSYS_OK && json.size > 0)
        value = json_loadb(json.bytes, json.size, 0, NULL);
    rs_buffer_destroy(&json);
    return value;
}
