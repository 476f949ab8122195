/* daemon/http/body.c - reads the body of a request, and parses it.
 *
 * A body in chunks is read past civetweb where that is possible (connection.c). The whole body has
 * one deadline: a client that sends one byte at a time does not get more time for it.
 */
#include "daemon/http/body.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/chunked.h"
#include "daemon/http/json_put.h"
#include "daemon/http/json_read.h"
#include "daemon/http/json_rewrite.h"
#include "daemon/http/reply.h"
#include "lib/base/clock.h"
#include "lib/base/utf8.h"

#define LARGEST_PIECE 65536u
#define DISCARD_BYTES (4u << 20)
#define DISCARD_NS 1000000000u

enum { BROKEN = -2, LATE = -1, ENDED = 0 }; /* instead of a number of bytes */

static uint64_t body_deadline(const struct rd_request *request)
{
    return request->start_ns + request->http->settings.request_timeout_ms * 1000000u;
}

/* Some bytes of the body. Where the connection is not known, civetweb's own time-out counts, which
 * begins again with every byte. */
static int read_some(struct rd_request *request, char *out, size_t size, uint64_t deadline)
{
    struct rd_connection *connection = &request->worker->connection;
    int n;

    if (rd_connection_is_known(connection)) {
        if (request->headers.transfer_encoding != NULL)
            return rd_connection_read(connection, out, size, deadline);
        n = rd_connection_wait(connection, size, deadline);
        if (n <= 0)
            return n == 0 ? ENDED : LATE;
        size = (size_t)n;
    } else if (rs_clock_ns() > deadline) {
        return LATE;
    }
    n = mg_read(request->conn, out, size);
    return n < 0 ? BROKEN : n;
}

/*
 * Read and drop what a client is still sending, within bounds: closing a
 * connection with unread data resets it, and the client would not see why.
 */
static void discard(struct rd_request *request, uint64_t size)
{
    uint64_t deadline = rs_clock_ns() + DISCARD_NS, n_read = 0;
    char bytes[8192];
    int n = 1;

    if (size > DISCARD_BYTES || request->headers.expect != NULL)
        return;
    while (n > 0 && n_read < size && rs_clock_ns() < deadline) {
        uint64_t left = size - n_read;

        n = read_some(request, bytes, left < sizeof bytes ? (size_t)left : sizeof bytes, deadline);
        n_read += n > 0 ? (uint64_t)n : 0;
    }
}

static bool too_large(struct rd_request *request, uint64_t unread)
{
    discard(request, unread);
    return rd_reply_error(request, 413, "Request body too large");
}

/* Up to `limit` bytes, which is the length of a body that is not chunked. -1: incomplete or
 * malformed, 0: too late, 1: complete. */
static int read_pieces(struct rd_request *request, struct rs_buffer *body, uint64_t limit,
                       bool chunked)
{
    uint64_t deadline = body_deadline(request);

    while (body->size < limit || (chunked && body->size == limit)) {
        size_t left = (size_t)(limit - body->size) + (chunked ? 1u : 0u);
        size_t want = left < LARGEST_PIECE ? left : LARGEST_PIECE;
        char *to = rs_buffer_reserve(body, want);
        int n = to == NULL ? BROKEN : read_some(request, to, want, deadline);

        if (n == LATE)
            return 0;
        if (n <= 0)
            return n == ENDED && chunked ? 1 : -1;
        body->size += (size_t)n;
    }
    return 1; /* the caller checks the size */
}

/* The same for a chunked body, read past civetweb. */
static int read_chunks(struct rd_request *request, struct rs_buffer *body, uint64_t limit)
{
    uint64_t deadline = body_deadline(request);
    struct rd_chunked chunked = {0};
    char bytes[8192];

    while (body->size <= limit) {
        int n = rd_connection_read(&request->worker->connection, bytes, sizeof bytes, deadline);

        if (n < 0)
            return 0;
        if (n == 0)
            return -1;
        switch (rd_chunked_feed(&chunked, bytes, (size_t)n, body)) {
        case RD_CHUNKED_BROKEN:
            return -1;
        case RD_CHUNKED_END:
            return body->status != RECSYS_OK ? -1 : 1;
        default:
            break;
        }
    }
    return 1; /* the caller checks the size */
}

static bool read_all(struct rd_request *request)
{
    const struct rd_headers *headers = &request->headers;
    struct rs_buffer *body = &request->worker->body;
    bool chunked = headers->transfer_encoding != NULL;
    uint64_t limit = request->http->settings.max_body_bytes, size = limit;
    int outcome;

    if (!chunked) {
        request->keep_alive = false;
        if (headers->content_length == NULL)
            return rd_reply_error(request, 411, "Content-Length required");
        size = strtoull(headers->content_length, NULL, 10);
        if (size > limit)
            return too_large(request, size);
    }
    if (headers->expect != NULL && strcasecmp(headers->expect, "100-continue") == 0)
        (void)mg_write(request->conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (chunked && rd_connection_is_known(&request->worker->connection))
        outcome = read_chunks(request, body, limit);
    else
        outcome = read_pieces(request, body, size, chunked);
    if (outcome < 0)
        return rd_reply_error(request, 400, "The request body is incomplete or malformed");
    if (outcome == 0)
        return rd_reply_error(request, 408, "The request body did not arrive in time");
    if (body->size > limit)
        return too_large(request, DISCARD_BYTES);
    request->keep_alive = !chunked; /* trailers would be read as the next request */
    return true;
}

static bool is_json(const char *content_type)
{
    size_t size = strcspn(content_type, "; \t");

    return (size == 16 && strncasecmp(content_type, "application/json", 16) == 0) ||
           (size > 17 && strncasecmp(content_type, "application/", 12) == 0 &&
            strncasecmp(content_type + size - 5, "+json", 5) == 0);
}

static void skip_mark(struct rs_buffer *body)
{
    size_t mark = rs_utf8_mark_size(body->bytes, body->size);

    if (mark == 0)
        return;
    body->size -= mark;
    memmove(body->bytes, body->bytes + mark, body->size);
}

bool rd_body_read(struct rd_request *request)
{
    const struct rd_headers *headers = &request->headers;
    unsigned flags = request->route->flags;

    if ((flags & RD_ROUTE_BODY) == 0)
        return true;
    if (headers->content_type != NULL && headers->content_type[0] != '\0' &&
        !is_json(headers->content_type))
        return rd_reply_error(request, 415, "Content-Type must be application/json");
    if ((flags & RD_ROUTE_MAY_BE_EMPTY) != 0 && headers->content_length == NULL &&
        headers->transfer_encoding == NULL)
        return true;
    if (!read_all(request))
        return false;
    skip_mark(&request->worker->body);
    return true;
}

static void add_json_problem(struct rd_problems *problems, size_t position, const char *what)
{
    struct rd_place at = {&rd_place_body, NULL, position};
    char bytes[512] = "";
    struct rs_buffer context = RS_BUFFER_FIXED(bytes);
    json_t *empty = json_object();

    rs_buffer_add_text(&context, "\"error\":");
    rd_json_put_bytes(&context, what, strnlen(what, 120));
    rd_problem_add(problems, "json_invalid", &at, "JSON decode error", empty,
                   context.status != RECSYS_OK ? NULL : bytes);
    json_decref(empty);
}

/* As jansson reads it, else with what only jansson refuses replaced. */
static json_t *read_json(const struct rs_buffer *body, struct rd_json_error *error)
{
    json_t *value = rd_json_read(body->bytes, body->size, 0, error);
    char *copy = value == NULL ? malloc(body->size + 1) : NULL;

    if (copy == NULL)
        return value;
    memcpy(copy, body->bytes, body->size);
    copy[body->size] = '\0';
    if (rd_json_rewrite(copy, body->size))
        value = rd_json_read(copy, body->size, 0, error);
    free(copy);
    return value;
}

bool rd_body_parse(struct rd_request *request, struct rd_problems *problems)
{
    const struct rs_buffer *body = &request->worker->body;
    struct rd_json_error error;

    if (body->size == 0) {
        rd_problem_add(problems, "missing", &rd_place_body, "Field required", json_null(), NULL);
        return false;
    }
    request->json = read_json(body, &error);
    if (request->json == NULL) {
        add_json_problem(problems, error.position, error.text);
        return false;
    }
    if (json_is_object(request->json))
        return true;
    rd_problem_add(problems, "model_attributes_type", &rd_place_body,
                   "Input should be a valid dictionary or object to extract fields from",
                   request->json, NULL);
    return false;
}
