/* daemon/http/host.c - refuses requests to names that are not this server's.
 *
 * A page can let its own name point to 127.0.0.1 after it was loaded. For the browser that page and
 * a recsysd on this machine then have the same origin, and Host is the page's name. Where nobody
 * has to show a key, such a page could read and change everything. Addresses are no names, and a
 * page that was loaded from one has it for its origin, so they are served; so is localhost.
 */
#include "daemon/http/host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/reply.h"

#define MAX_HOST 255u

/* Host without its port, and without the dot that may be behind a name. */
static bool copy_name(const char *host, char out[MAX_HOST + 1])
{
    size_t size = host[0] == '[' ? strcspn(host, "]") : strcspn(host, ":");

    if (host[0] == '[') {
        host++;
        size -= size > 0;
    }
    if (size > MAX_HOST)
        return false;
    memcpy(out, host, size);
    out[size] = '\0';
    if (size > 1 && out[size - 1] == '.')
        out[size - 1] = '\0';
    return true;
}

static bool is_address(const char *name)
{
    unsigned char address[16];

    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static bool is_localhost(const char *name)
{
    size_t size = strlen(name);

    return strcasecmp(name, "localhost") == 0 ||
           (size > 10 && strcasecmp(name + size - 10, ".localhost") == 0);
}

static bool is_listed(const char *name, const char *entry)
{
    while (*entry != '\0') {
        size_t n;

        entry += strspn(entry, ", ");
        n = strcspn(entry, ", ");
        if ((n == 1 && *entry == '*') || (n == strlen(name) && strncasecmp(entry, name, n) == 0))
            return true;
        entry += n;
    }
    return false;
}

bool rd_host_check(struct rd_request *request)
{
    const struct rd_http_settings *settings = &request->http->settings;
    const char *host = request->headers.host;
    char name[MAX_HOST + 1];

    if (!settings->checks_hosts || host == NULL || host[0] == '\0' ||
        strcmp(request->connection->remote, RD_UNIX_ADDRESS) == 0)
        return true;
    if (copy_name(host, name) &&
        (is_address(name) || is_localhost(name) || is_listed(name, settings->allowed_hosts)))
        return true;
    return rd_reply_error(request, 403, "This host name is not served; see allowed_hosts");
}
