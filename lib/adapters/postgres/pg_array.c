/* lib/adapters/postgres/pg_array.c - read {1,NULL,"a \"b\""} as [1,null,"a \"b\""].
 *
 * An array's text is braces, commas and elements, each of which is the text of its type, in quotes
 * if it has special characters. Braces and commas outside quotes are translated one by one, so any
 * number of dimensions works. JSON has nothing for bounds ("[0:1]={…}"); they are left out.
 */
#include "lib/adapters/postgres/pg_array.h"

#include <string.h>

#include "lib/base/json_write.h"

static void put_element(uint32_t type, const char *text, size_t size, struct rs_pg_scratch *scratch)
{
    recsys_datum value;

    rs_pg_read_scalar(type, text, size, scratch, &value);
    rs_json_put_datum(&scratch->json, &value);
}

/* `at` is behind the opening quote; returns the place of the closing one, or `end`. */
static const char *put_quoted(uint32_t type, const char *at, const char *end,
                              struct rs_pg_scratch *scratch)
{
    rs_buffer_clear(&scratch->element);
    /* So that bytes is not NULL for an empty element. */
    rs_buffer_add(&scratch->element, "", 0);
    while (at < end && *at != '"') {
        if (*at == '\\' && at + 1 < end)
            at++;
        const char *plain = at++;
        while (at < end && *at != '"' && *at != '\\')
            at++;
        rs_buffer_add(&scratch->element, plain, (size_t)(at - plain));
    }
    if (scratch->element.status == RECSYS_OK)
        put_element(type, scratch->element.bytes, scratch->element.size, scratch);
    return at;
}

void rs_pg_read_array(uint32_t type, const char *text, size_t size, struct rs_pg_scratch *scratch)
{
    const char *at = text, *end = text + size;

    rs_buffer_clear(&scratch->json);
    rs_buffer_clear(&scratch->element);
    if (size > 0 && *text == '[' && (at = memchr(text, '=', size)) != NULL)
        at++;
    while (at != NULL && at < end) {
        const char *start = at++;
        if (*start == '{')
            rs_buffer_add(&scratch->json, "[", 1);
        else if (*start == '}')
            rs_buffer_add(&scratch->json, "]", 1);
        else if (*start == ',')
            rs_buffer_add(&scratch->json, ",", 1);
        else if (*start == '"') {
            at = put_quoted(type, at, end, scratch);
            at += at < end;
        } else {
            while (at < end && *at != ',' && *at != '}')
                at++;
            if (at - start == 4 && memcmp(start, "NULL", 4) == 0)
                rs_buffer_add(&scratch->json, "null", 4);
            else
                put_element(type, start, (size_t)(at - start), scratch);
        }
    }
    /* So that bytes is not NULL for an empty text, which can then be checked. */
    rs_buffer_add(&scratch->json, "", 0);
}
