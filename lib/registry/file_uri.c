/* lib/registry/file_uri.c - the source of a model that is no models:/ URI: a path, or a file: URI.
 *
 * A file: URI (RFC 8089) has an absolute path, no host but localhost, and %XX for any byte but NUL.
 * Text that begins as another URI (s3://, runs:/) is refused here, because a failure to open a file
 * of that name would not say what is wrong. A path that begins like that can be written ./a:/b.
 */
#include <stddef.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/hex.h"
#include "lib/registry/registry.h"

/* The length of a scheme with :/ behind it, as "file" of file:///srv; 0 = none. */
static size_t scheme_length(const char *source)
{
    size_t n = strspn(source, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

    return source[n] == ':' && source[n + 1] == '/' ? n : 0;
}

/* The path within the URI, still encoded; NULL if it is not of this machine. */
static const char *find_path(const char *uri)
{
    const char *rest = uri + strlen("file:");

    if (strncmp(rest, "//", 2) != 0)
        return rest;
    rest += 2;
    if (strncmp(rest, "localhost/", strlen("localhost/")) == 0)
        rest += strlen("localhost");
    return *rest == '/' ? rest : NULL;
}

static int decode(const char *text, char *out, size_t size)
{
    size_t n = 0;

    for (; *text != '\0' && n + 1 < size; n++) {
        int high = 0, low = *text++;

        if (low == '%') {
            high = rs_hex_digit(text[0]);
            low = high >= 0 ? rs_hex_digit(text[1]) : -1;
            if (low < 0 || high + low == 0)
                return 0;
            text += 2;
        }
        out[n] = (char)(high * 16 + low);
    }
    out[n] = '\0';
    return *text == '\0';
}

recsys_status rs_file_uri_read(const char *source, char *room, size_t size, const char **path,
                               recsys_error *err)
{
    size_t length = scheme_length(source);
    const char *encoded;

    *path = source;
    if (length == 0)
        return RECSYS_OK;
    encoded = strncmp(source, "file:", strlen("file:")) == 0 ? find_path(source) : NULL;
    if (encoded == NULL || !decode(encoded, room, size))
        return rs_error(err, RECSYS_E_INVALID,
                        "cannot load from \"%.200s\"; write a path, file:///PATH, or models:/NAME/3 "
                        "for a registry",
                        source);
    *path = room;
    return RECSYS_OK;
}
