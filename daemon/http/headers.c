/* daemon/http/headers.c - collects the headers that are used, and notes what is wrong with them.
 *
 * civetweb has split the request line and the headers. Headers that it accepts and that two servers
 * might read differently are noted here; framing.c refuses the request.
 */
#include "daemon/http/headers.h"

#include <string.h>
#include <strings.h>

struct slot {
    const char *name;
    size_t offset;
};

#define SLOT(name, member)                                                                         \
    {                                                                                              \
        name, offsetof(struct rd_headers, member)                                                  \
    }
static const struct slot slots[] = {
    SLOT("Host", host),
    SLOT("Content-Type", content_type),
    SLOT("Content-Length", content_length),
    SLOT("Transfer-Encoding", transfer_encoding),
    SLOT("Accept-Encoding", accept_encoding),
    SLOT("Authorization", authorization),
    SLOT("X-API-Key", api_key),
    SLOT("X-Admin-Token", admin_token),
    SLOT("X-Request-ID", request_id),
    SLOT("Origin", origin),
    SLOT("Expect", expect),
    SLOT("Connection", connection),
    SLOT("Access-Control-Request-Method", cors_method),
};

/*
 * civetweb accepts a space before the colon, which a proxy may not. A line that does not begin with
 * a name, such as a folded one, ends the headers for civetweb, so that a Content-Length behind it
 * becomes part of the body. civetweb splits its buffer in place, so both can be seen from the zeros
 * in it: one for the colon, two for the end of a line, and behind the last header CR and a zero for
 * LF. Lines that end with LF alone leave others and are refused, too: where the body begins would
 * be a guess. If another version of civetweb left other zeros, every request would be refused and
 * the tests would fail.
 */
static bool is_malformed(const struct mg_header *header, bool last)
{
    const char *colon = header->name + strlen(header->name);
    const char *end = header->value + strlen(header->value);

    if (colon + 1 < header->value && colon[1] == '\0')
        return true;
    return last && (end[1] != '\0' || end[2] != '\r' || end[3] != '\0');
}

void rd_headers_collect(struct rd_headers *headers, const struct mg_request_info *info)
{
    memset(headers, 0, sizeof *headers);
    headers->size = strlen(info->request_method) + sizeof "  HTTP/1.1\r\n\r\n" - 1;
    headers->size += info->request_uri != NULL ? strlen(info->request_uri) : 0;
    headers->size += info->query_string != NULL ? strlen(info->query_string) + 1 : 0;
    for (int i = 0; i < info->num_headers; i++) {
        const char *name = info->http_headers[i].name, *value = info->http_headers[i].value;

        if (is_malformed(&info->http_headers[i], i + 1 == info->num_headers))
            headers->malformed = true;
        headers->size += strlen(name) + strlen(value) + sizeof ": \r\n" - 1;
        for (size_t s = 0; s < sizeof slots / sizeof slots[0]; s++) {
            const char **member = (const char **)(void *)((char *)headers + slots[s].offset);
            bool framing = member == &headers->content_length ||
                           member == &headers->transfer_encoding || member == &headers->host;

            if (strcasecmp(name, slots[s].name) != 0)
                continue;
            if (*member == NULL)
                *member = value;
            else if (framing && strcmp(*member, value) != 0)
                headers->conflicting = true;
            break;
        }
    }
}

/* The same decision as civetweb's, which closes the connection or reads on. */
bool rd_headers_keep_alive(const struct rd_headers *headers, const char *version)
{
    const char *list = headers->connection;

    if (list == NULL)
        return strcmp(version, "1.1") == 0;
    while (*list != '\0') {
        size_t size = strcspn(list, ", \t");

        if (size == 10 && strncasecmp(list, "keep-alive", 10) == 0)
            return true;
        list += size + strspn(list + size, ", \t");
    }
    return false;
}
