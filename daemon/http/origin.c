/* daemon/http/origin.c - refuses changes that a page of another origin asks for.
 *
 * A browser sends some requests of any page without asking first, with the addresses and cookies of
 * its user's network: forms, and fetch() with a plain body. It names the page's origin in each that
 * is no GET or HEAD. So without this check any page could change things in a recsysd on localhost
 * or behind a firewall. Programs that are no browsers send no Origin and are not affected.
 *
 * The origin is recsysd's own if its host and port are those of Host: a proxy may speak TLS, so the
 * scheme is not compared. The setting cors_origins names others that may call.
 */
#include "daemon/http/origin.h"

#include <string.h>
#include <strings.h>

#include "daemon/http/cors.h"
#include "daemon/http/reply.h"

static bool is_own(const struct rd_request *request)
{
    const char *host = request->headers.host, *origin = strstr(request->headers.origin, "://");

    return host != NULL && origin != NULL && strcasecmp(origin + 3, host) == 0;
}

bool rd_origin_check(struct rd_request *request)
{
    const char *origin = request->headers.origin;

    if (origin == NULL || strcmp(request->method, "GET") == 0 || is_own(request) ||
        rd_cors_allows(request, origin))
        return true;
    return rd_reply_error(request, 403,
                          "Pages of this origin may not change anything here; see cors_origins");
}
