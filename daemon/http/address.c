/* daemon/http/address.c - see address.h. */
#include "daemon/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX "unix:"

static bool read_port(const char *text, in_port_t *out)
{
    char *end;
    unsigned long port;

    if (text[0] < '0' || text[0] > '9')
        return false;
    port = strtoul(text, &end, 10);
    *out = htons((in_port_t)port);
    return *end == '\0' && port <= 65535;
}

static bool read_unix(const char *path, struct rd_listen_address *out)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&out->socket;

    if (path[0] != '/' || strlen(path) >= sizeof address->sun_path)
        return false;
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, strlen(path) + 1);
    out->size = (socklen_t)sizeof *address;
    out->is_loopback = out->is_unix = true;
    return true;
}

static bool read_v4(const char *host, const char *port, struct rd_listen_address *out)
{
    struct sockaddr_in *address = (struct sockaddr_in *)&out->socket;

    address->sin_family = AF_INET;
    out->size = (socklen_t)sizeof *address;
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                  &address->sin_addr) != 1)
        return false;
    out->is_loopback = (ntohl(address->sin_addr.s_addr) >> 24) == 127;
    return read_port(port, &address->sin_port);
}

static bool read_v6(const char *host, const char *port, struct rd_listen_address *out)
{
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)&out->socket;

    address->sin6_family = AF_INET6;
    out->size = (socklen_t)sizeof *address;
    if (inet_pton(AF_INET6, host, &address->sin6_addr) != 1)
        return false;
    out->is_loopback = IN6_IS_ADDR_LOOPBACK(&address->sin6_addr);
    return read_port(port, &address->sin6_port);
}

static bool read_one(const char *text, size_t size, struct rd_listen_address *out)
{
    char copy[RD_LISTEN_TEXT], *colon;

    memset(out, 0, sizeof *out);
    if (size == 0 || size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    memcpy(out->text, copy, size + 1);
    if (strncmp(copy, UNIX_PREFIX, sizeof UNIX_PREFIX - 1) == 0)
        return read_unix(copy + sizeof UNIX_PREFIX - 1, out);
    colon = strrchr(copy, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    if (copy[0] != '[')
        return read_v4(copy, colon + 1, out);
    if (colon[-1] != ']')
        return false;
    colon[-1] = '\0';
    return read_v6(copy + 1, colon + 1, out);
}

const char *rd_listen_parse(const char *text, struct rd_listen_address out[RD_MAX_ADDRESSES],
                            size_t *n)
{
    const char *begin = text;

    *n = 0;
    for (text += strspn(text, ", "); *text != '\0'; text += strspn(text, ", ")) {
        size_t size = strcspn(text, ", ");

        if (*n == RD_MAX_ADDRESSES || !read_one(text, size, &out[*n]))
            return text;
        ++*n;
        text += size;
    }
    return *n == 0 ? begin : NULL;
}
