/* daemon/http/target.c - the target of a request line, in the one form that civetweb answers.
 *
 * A client of a proxy sends `GET http://host/path`, and every server must accept that (RFC 9112
 * 3.2.2). civetweb closes the connection without a reply if the port is not its own, as behind a
 * proxy, and also after `OPTIONS *`. So the bytes are changed before civetweb reads them: scheme and
 * authority become spaces, which civetweb skips, and * becomes /. Every other position stays.
 */
#include "daemon/http/target.h"

#include <string.h>
#include <strings.h>

/* The bytes of http:// or https:// at `text`; 0 = neither. */
static size_t scheme_size(const char *text, size_t size)
{
    if (size >= 7 && strncasecmp(text, "http://", 7) == 0)
        return 7;
    return size >= 8 && strncasecmp(text, "https://", 8) == 0 ? 8 : 0;
}

/* The authority ends at `end`, where the path, the query or the version begins. */
static void remove_authority(char *text, char *end)
{
    memset(text, ' ', (size_t)(end - text));
    if (*end != '/') /* an empty path is / */
        end[-1] = '/';
}

void rd_target_rewrite(char *text, size_t size)
{
    char *space = memchr(text, ' ', size), *target, *end = text + size;
    size_t scheme;

    if (space == NULL)
        return;
    target = space + 1;
    if (end - target > 2 && memcmp(target, "* ", 2) == 0 && strncmp(text, "OPTIONS ", 8) == 0) {
        *target = '/';
        return;
    }
    scheme = scheme_size(target, (size_t)(end - target));
    if (scheme == 0)
        return;
    for (char *at = target + scheme; at < end; at++) {
        if (*at <= ' ' && *at != ' ')
            return; /* no request line */
        if (*at != '/' && *at != '?' && *at != ' ')
            continue;
        if (at > target + scheme)
            remove_authority(target, at);
        else
            *target = '!'; /* there is no host in it: civetweb answers with 400 */
        return;
    }
}
