/* daemon/http/cors.c - which pages of other origins may call.
 *
 * A browser asks before it sends a request that a form could not send (a preflight). The headers of
 * each reply tell it whether the page may see the reply.
 */
#include "daemon/http/cors.h"

#include <string.h>

#define MAX_ORIGIN 255u

bool rd_cors_allows(const struct rd_request *request, const char *origin)
{
    const char *entry = request->http->settings.cors_origins;
    size_t size = strlen(origin);

    while (*entry != '\0' && size <= MAX_ORIGIN) {
        size_t n;

        entry += strspn(entry, ", ");
        n = strcspn(entry, ", ");
        if ((n == 1 && *entry == '*') || (n > 0 && n == size && strncmp(entry, origin, n) == 0))
            return true;
        entry += n;
    }
    return false;
}

void rd_cors_put(struct rs_buffer *head, const struct rd_request *request)
{
    const char *origin = request->headers.origin, *allowed = request->http->settings.cors_origins;
    bool any = strcmp(allowed, "*") == 0;

    if (allowed[0] == '\0')
        return;
    if (!any)
        rs_buffer_add_text(head, "Vary: Origin\r\n");
    if (origin == NULL || !rd_cors_allows(request, origin))
        return;
    rs_buffer_add_text(head, "Access-Control-Allow-Origin: ");
    rs_buffer_add_text(head, any ? "*" : origin);
    if (request->preflight)
        rs_buffer_add_text(head, "\r\nAccess-Control-Allow-Methods: GET, HEAD, POST, PUT, OPTIONS"
                                 "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type, "
                                 "X-API-Key, X-Admin-Token, X-Request-ID"
                                 "\r\nAccess-Control-Max-Age: 600\r\n");
    else
        rs_buffer_add_text(head,
                           "\r\nAccess-Control-Expose-Headers: X-Request-ID, X-Cache, Retry-After, "
                           "RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, "
                           "RateLimit-Reset\r\n");
}
