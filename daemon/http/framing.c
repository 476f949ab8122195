/* daemon/http/framing.c - refuses a request that two servers might read differently.
 *
 * A length beside a transfer encoding, two lengths, an encoding other than chunked, a length that
 * is not digits only: after such a request the connection is closed, because it is not certain
 * where the next request begins.
 */
#include "daemon/http/framing.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/reply.h"

static bool is_digits(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19;
}

bool rd_framing_check(struct rd_request *request)
{
    const struct rd_headers *headers = &request->headers;
    const char *length = headers->content_length, *coding = headers->transfer_encoding;

    request->keep_alive = false; /* until the framing is known to be sound */
    if (headers->conflicting)
        return rd_reply_error(request, 400, "Contradictory headers");
    if (length != NULL && coding != NULL)
        return rd_reply_error(request, 400,
                              "Content-Length and Transfer-Encoding must not both be given");
    if (coding != NULL && strcasecmp(coding, "chunked") != 0)
        return rd_reply_error(request, 400, "Transfer-Encoding must be chunked");
    if (length != NULL && !is_digits(length))
        return rd_reply_error(request, 400, "Content-Length must be a number");
    if (coding != NULL && request->head->minor == 0)
        return rd_reply_error(request, 400, "Transfer-Encoding needs HTTP/1.1");
    if (headers->host == NULL && request->head->minor == 1)
        return rd_reply_error(request, 400, "Host header required");
    request->keep_alive = coding == NULL && (length == NULL || strtoull(length, NULL, 10) == 0);
    return true;
}
