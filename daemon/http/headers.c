/* daemon/http/headers.c - collects the headers that are used.
 *
 * Of a header that is there twice the first counts, except where two servers might choose
 * differently and see different bodies: framing.c refuses those.
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
    SLOT("X-MLflow-Delivery-Id", delivery_id),
    SLOT("X-MLflow-Timestamp", delivery_time),
    SLOT("X-MLflow-Signature", delivery_signature),
};

void rd_headers_collect(struct rd_headers *headers, const struct rd_head *head)
{
    memset(headers, 0, sizeof *headers);
    for (size_t i = 0; i < head->n_headers; i++) {
        const struct rd_header *header = &head->headers[i];

        for (size_t s = 0; s < sizeof slots / sizeof slots[0]; s++) {
            const char **member = (const char **)(void *)((char *)headers + slots[s].offset);
            bool framing = member == &headers->content_length ||
                           member == &headers->transfer_encoding || member == &headers->host;

            if (strcasecmp(header->name, slots[s].name) != 0)
                continue;
            if (*member == NULL)
                *member = header->value;
            else if (framing)
                headers->conflicting = true;
            break;
        }
    }
}

static bool has_word(const char *list, const char *word)
{
    size_t word_size = strlen(word);

    while (*list != '\0') {
        size_t size = strcspn(list, ", \t");

        if (size == word_size && strncasecmp(list, word, size) == 0)
            return true;
        list += size + strspn(list + size, ", \t");
    }
    return false;
}

bool rd_headers_keep_alive(const struct rd_headers *headers, unsigned minor)
{
    const char *list = headers->connection;

    if (list == NULL)
        return minor == 1;
    return !has_word(list, "close") && (minor == 1 || has_word(list, "keep-alive"));
}
