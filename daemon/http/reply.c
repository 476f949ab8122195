/* daemon/http/reply.c - from a finished body to bytes on the wire.
 *
 * The body has been written behind RD_HEADROOM free bytes, so the headers are put directly in front
 * of it, and one write sends both. A small reply is one segment, without a wait for an
 * acknowledgement.
 *
 * Runs on the worker thread.
 */
#include "daemon/http/reply.h"

#include <stdio.h>
#include <string.h>

#include "daemon/http/cors.h"
#include "daemon/http/exchange.h"
#include "daemon/http/gzip.h"
#include "lib/base/json_write.h"

/* For pages without a policy of their own. */
#define PAGE_POLICY                                                                                \
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define RETRY_AFTER_S 5u

static bool has_error_member(const struct rd_request *request)
{
    const char *paths = request->http->settings.error_paths;
    size_t size = paths != NULL ? strlen(paths) : 0;

    return size > 0 && request->head != NULL && request->head->path != NULL &&
           strncmp(request->head->path, paths, size) == 0 &&
           (request->head->path[size] == '\0' || request->head->path[size] == '/');
}

bool rd_reply_error(struct rd_request *request, int status, const char *detail)
{
    rd_request_clear_output(request);
    request->status = status;
    request->content_type = "application/json";
    rs_buffer_add_text(request->out, has_error_member(request) ? "{\"error\":" : "{\"detail\":");
    rs_json_put_string(request->out, detail);
    rs_buffer_add_text(request->out, "}");
    return false;
}

bool rd_reply_unavailable(struct rd_request *request, const char *detail)
{
    request->retry_after = RETRY_AFTER_S;
    return rd_reply_error(request, 503, detail);
}

bool rd_reply_gone(struct rd_request *request)
{
    request->keep_alive = false;
    return rd_reply_error(request, RD_STATUS_GONE, "The client has closed the connection");
}

bool rd_reply_problems(struct rd_request *request, struct rd_problems *problems)
{
    if (problems->count == 0)
        return true;
    rd_problems_end(problems);
    request->status = 422;
    return false;
}

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Error";
}

/* As draft-ietf-httpapi-ratelimit-headers-07 has them and, in the first two lines, version 10.
 * Times are in seconds. */
static void add_limit(struct rs_buffer *head, const struct rd_request *request)
{
    const recsys_limit *limit = &request->limit;
    unsigned long long reset_s = (limit->reset_ms + 999u) / 1000u;

    if (limit->limit == 0)
        return;
    rs_buffer_format(head,
                     "RateLimit-Policy: \"default\";q=%u;w=%u\r\n"
                     "RateLimit: \"default\";r=%u;t=%llu\r\n",
                     limit->limit, request->limit_window_s, limit->remaining, reset_s);
    rs_buffer_format(head,
                     "RateLimit-Limit: %u\r\nRateLimit-Remaining: %u\r\n"
                     "RateLimit-Reset: %llu\r\n",
                     limit->limit, limit->remaining, reset_s);
}

/* Headers that only some replies have. */
static void add_special(struct rs_buffer *head, const struct rd_request *request)
{
    if (request->cache_use != RD_CACHE_NONE) {
        rs_buffer_add_text(head, "X-Cache: ");
        rs_buffer_add_text(head, rd_cache_word(request->cache_use));
        rs_buffer_add_text(head, "\r\n");
    }
    if (request->allow[0] != '\0')
        rs_buffer_format(head, "Allow: %s\r\n", request->allow);
    if (request->retry_after != 0)
        rs_buffer_format(head, "Retry-After: %u\r\n", request->retry_after);
    add_limit(head, request);
    if (request->status == 401)
        rs_buffer_add_text(head, request->bad_token
                                     ? "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"
                                     : "WWW-Authenticate: Bearer\r\n");
    rd_cors_put(head, request);
}

static void build_head(struct rs_buffer *head, const struct rd_request *request, size_t body_size,
                       bool packed, bool may_pack)
{
    rs_buffer_add_text(head, "HTTP/1.1 ");
    rs_json_put_unsigned(head, (uint64_t)request->status);
    rs_buffer_add(head, " ", 1);
    rs_buffer_add_text(head, reason_phrase(request->status));
    if (request->status != 204) {
        rs_buffer_add_text(head, "\r\nContent-Type: ");
        rs_buffer_add_text(head, request->content_type);
        rs_buffer_add_text(head, "\r\nContent-Length: ");
        rs_json_put_unsigned(head, body_size);
    }
    rs_buffer_add_text(head, "\r\nDate: ");
    rs_buffer_add_text(head, request->worker->timestamp.date);
    rs_buffer_add_text(head, "\r\nX-Request-ID: ");
    rs_buffer_add_text(head, request->id);
    rs_buffer_add_text(head, "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n");
    if (strncmp(request->content_type, "text/html", 9) == 0)
        rs_buffer_format(head, "Content-Security-Policy: %s\r\n",
                         request->content_policy != NULL ? request->content_policy : PAGE_POLICY);
    if (may_pack)
        rs_buffer_add_text(head, packed ? "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
                                        : "Vary: Accept-Encoding\r\n");
    add_special(head, request);
    rs_buffer_add_text(head, request->keep_alive ? "Connection: keep-alive\r\n\r\n"
                                                 : "Connection: close\r\n\r\n");
}

/* Headers in front of the body. */
static void put_head(struct rd_exchange *exchange, struct rs_buffer *out, bool packed,
                     bool may_pack)
{
    struct rd_request *request = &exchange->request;
    char head_bytes[RD_HEADROOM];
    struct rs_buffer head = RS_BUFFER_FIXED(head_bytes);
    size_t body_size = out->size - RD_HEADROOM;

    build_head(&head, request, body_size, packed, may_pack);
    if (head.status != RECSYS_OK) { /* an origin of a kilobyte, for example */
        request->keep_alive = false;
        return;
    }
    memcpy(out->bytes + RD_HEADROOM - head.size, head.bytes, head.size);
    exchange->send_from = out->bytes + RD_HEADROOM - head.size;
    exchange->send_left = head.size + (request->is_head || request->status == 204 ? 0 : body_size);
    exchange->n_body = body_size;
}

/* A body that was packed when recsysd was built. */
static void build_packed(struct rd_exchange *exchange)
{
    struct rd_request *request = &exchange->request;

    if (rd_gzip_accepted(request->headers.accept_encoding))
        put_head(exchange, request->out, true, true);
    else if (rd_gunzip(request->out, RD_HEADROOM, &exchange->packed))
        put_head(exchange, &exchange->packed, false, true);
    else
        request->keep_alive = false;
}

void rd_reply_build(struct rd_exchange *exchange)
{
    struct rd_request *request = &exchange->request;
    const struct rd_http_settings *settings = &request->http->settings;
    struct rs_buffer *out = request->out;
    bool may_pack, packed = false;

    exchange->send_left = exchange->n_body = 0;
    if (!request->persistent)
        request->keep_alive = false;
    if (out->status != RECSYS_OK) {
        rd_reply_unavailable(request, "The answer does not fit into memory");
        if (out->status != RECSYS_OK) {
            request->keep_alive = false;
            return;
        }
    }
    if (request->is_packed) {
        build_packed(exchange);
        return;
    }
    may_pack = settings->gzip_min_bytes > 0 && out->size - RD_HEADROOM >= settings->gzip_min_bytes;
    if (may_pack && rd_gzip_accepted(request->headers.accept_encoding))
        packed = rd_gzip(&request->worker->deflater, out, RD_HEADROOM, &exchange->packed);
    put_head(exchange, packed ? &exchange->packed : out, packed, may_pack);
}
