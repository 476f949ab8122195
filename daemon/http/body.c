/* daemon/http/body.c - puts the body of a request together, and parses it.
 *
 * It reads nothing itself: serve.c gives it the bytes as they come.
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
#include "lib/base/utf8.h"

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

static size_t most_bytes(const struct rd_request *request)
{
    size_t most = request->http->settings.max_body_bytes;

    return (request->route->flags & RD_ROUTE_SMALL_BODY) != 0 && most > RD_SMALL_BODY
               ? RD_SMALL_BODY
               : most;
}

static bool is_in_chunks(const struct rd_exchange *exchange)
{
    return exchange->request.headers.transfer_encoding != NULL;
}

/* False: answered. */
static bool measure(struct rd_exchange *exchange)
{
    struct rd_request *request = &exchange->request;
    const char *length = request->headers.content_length;

    request->keep_alive = false;
    if (is_in_chunks(exchange))
        return true; /* trailers would be read as the next request, so it stays false */
    if (length == NULL)
        return rd_reply_error(request, 411, "Content-Length required");
    exchange->body_left = strtoull(length, NULL, 10);
    if (exchange->body_left > most_bytes(request))
        return rd_reply_error(request, 413, "Request body too large");
    return true;
}

bool rd_body_begin(struct rd_exchange *exchange)
{
    struct rd_request *request = &exchange->request;
    const struct rd_headers *headers = &request->headers;
    size_t there = exchange->in.size - exchange->n_used;
    const char *bytes = exchange->in.bytes + exchange->n_used;

    memset(&exchange->chunked, 0, sizeof exchange->chunked);
    exchange->body_left = 0;
    if (headers->content_type != NULL && headers->content_type[0] != '\0' &&
        !is_json(headers->content_type))
        return rd_reply_error(request, 415, "Content-Type must be application/json");
    if ((request->route->flags & RD_ROUTE_MAY_BE_EMPTY) != 0 && headers->content_length == NULL &&
        headers->transfer_encoding == NULL) {
        exchange->chunked.state = RD_CHUNKED_END;
        return true;
    }
    if (!measure(exchange))
        return false;
    if (is_in_chunks(exchange)) {
        exchange->n_used += there;
        rd_body_take(exchange, bytes, there);
    } else {
        there = there < exchange->body_left ? there : (size_t)exchange->body_left;
        exchange->n_used += there;
        rs_buffer_add(&exchange->body, bytes, there);
        exchange->body_left -= there;
    }
    return true;
}

enum rd_body_state rd_body_state(const struct rd_exchange *exchange)
{
    bool is_large = exchange->body.size > most_bytes(&exchange->request);

    if (exchange->chunked.state == RD_CHUNKED_BROKEN)
        return RD_BODY_BROKEN;
    if (is_large || exchange->body.status != RECSYS_OK)
        return RD_BODY_LARGE;
    if (is_in_chunks(exchange))
        return exchange->chunked.state == RD_CHUNKED_END ? RD_BODY_WHOLE : RD_BODY_MORE;
    return exchange->body_left == 0 ? RD_BODY_WHOLE : RD_BODY_MORE;
}

void rd_body_take(struct rd_exchange *exchange, const char *bytes, size_t size)
{
    if (is_in_chunks(exchange)) {
        (void)rd_chunked_feed(&exchange->chunked, bytes, size, &exchange->body);
    } else {
        exchange->body.size += size;
        exchange->body_left -= size;
    }
}

void rd_body_end(struct rd_request *request)
{
    request->keep_alive = request->headers.transfer_encoding == NULL;
    skip_mark(request->body);
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
    const struct rs_buffer *body = request->body;
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
