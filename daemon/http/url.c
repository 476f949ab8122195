/* daemon/http/url.c - decodes paths and queries.
 *
 * It refuses bad escapes, NULs and anything that is not UTF-8, because another program might read
 * them differently.
 */
#include "daemon/http/url.h"

#include <string.h>

#include "lib/base/hex.h"
#include "lib/base/utf8.h"

#define MAX_NAME 64u /* longer than any parameter's */

static bool decode(const char *text, size_t size, bool is_query, char *out, size_t out_size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        int c = (unsigned char)text[i];

        if (c == '%') {
            int high = size - i > 2 ? rs_hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? rs_hex_digit(text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        } else if (c == '+' && is_query)
            c = ' ';
        if (c == 0 || n + 1 >= out_size)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return rs_utf8_is_valid(out, n) != 0;
}

bool rd_url_decode(const char *text, size_t size, char *out, size_t out_size)
{
    return decode(text, size, false, out, out_size);
}

/* A name that cannot be decoded is another one. */
static bool is_name(const char *text, size_t size, const char *name)
{
    char decoded[MAX_NAME];

    return decode(text, size, true, decoded, sizeof decoded) && strcmp(decoded, name) == 0;
}

bool rd_url_query(const char *query, const char *name, char *buffer, size_t size,
                  const char **value)
{
    *value = NULL;
    while (query != NULL && *query != '\0') {
        size_t n = strcspn(query, "&"), name_size = strcspn(query, "=&");

        if (name_size < n && is_name(query, name_size, name)) {
            if (!decode(query + name_size + 1, n - name_size - 1, true, buffer, size))
                return false;
            *value = buffer;
        }
        query += n + (query[n] == '&');
    }
    return true;
}
