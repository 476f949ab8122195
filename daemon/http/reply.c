/* daemon/http/reply.c - from a finished body to bytes on the wire.
 *
 * The body has been written behind RD_HEADROOM free bytes, so the headers are
 * put right in front of it and both leave in one write: one segment for a
 * small answer, and no wait for an acknowledgement in between.
 *
 * After the write the request is counted and its line goes to the access log.
 * Runs on the worker thread.
 */
#include "daemon/http/reply.h"

#include <stdio.h>
#include <string.h>

#include "daemon/http/gzip.h"
#include "daemon/http/json_put.h"
#include "daemon/observe/logger.h"
#include "daemon/routes.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

/* Of the page at /docs: what it needs is here, and nobody puts it into a frame. */
#define PAGE_POLICY                                                                                \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; connect-src 'self'; "         \
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
#define RETRY_AFTER_S 5u
#define MAX_LOGGED_PATH 1024u
#define MAX_ORIGIN 255u

void rd_reply_clear(struct rd_request *request)
{
    rs_buffer_reset(request->out, 262144);
    if (rs_buffer_reserve(request->out, RD_HEADROOM) != NULL)
        request->out->size = RD_HEADROOM;
}

bool rd_reply_error(struct rd_request *request, int status, const char *detail)
{
    rd_reply_clear(request);
    request->status = status;
    request->content_type = "application/json";
    rs_buffer_add_text(request->out, "{\"detail\":");
    rs_json_put_string(request->out, detail);
    rs_buffer_add_text(request->out, "}");
    return false;
}

bool rd_reply_unavailable(struct rd_request *request, const char *detail)
{
    request->retry_after = RETRY_AFTER_S;
    return rd_reply_error(request, 503, detail);
}

bool rd_reply_failure(struct rd_request *request, recsys_status status, const recsys_error *err)
{
    const char *detail = err->message[0] != '\0' ? err->message : recsys_status_text(status);

    switch (status) {
    case RECSYS_E_INVALID:
        return rd_reply_error(request, 400, detail);
    case RECSYS_E_NOT_FOUND:
    case RECSYS_E_UNDEFINED:
        return rd_reply_error(request, 404, detail);
    case RECSYS_E_STATE:
    case RECSYS_E_CONFLICT:
    case RECSYS_E_REJECTED:
        return rd_reply_error(request, 409, detail);
    case RECSYS_E_FORMAT:
    case RECSYS_E_UNSUPPORTED:
    case RECSYS_E_LIMIT:
        return rd_reply_error(request, 422, detail);
    case RECSYS_E_TIMEOUT:
    case RECSYS_E_UNAVAILABLE:
    case RECSYS_E_EXHAUSTED:
    case RECSYS_E_BUSY:
    case RECSYS_E_NOMEM:
        return rd_reply_unavailable(request, detail);
    default:
        rd_log(RECSYS_LOG_ERROR, "%s: %s", recsys_status_name(status), detail);
        return rd_reply_error(request, 500, detail);
    }
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

bool rd_cors_allows(const struct rd_request *request, const char *origin)
{
    const char *entry = request->app->config.cors_origins;
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

static void add_cors(struct rs_buffer *head, const struct rd_request *request)
{
    const char *origin = request->headers.origin, *allowed = request->app->config.cors_origins;
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
                           "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset\r\n");
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
    if (request->limit.limit > 0) /* draft-ietf-httpapi-ratelimit-headers-07; Reset is in seconds */
        rs_buffer_format(head,
                         "RateLimit-Limit: %u\r\nRateLimit-Remaining: %u\r\n"
                         "RateLimit-Reset: %llu\r\n",
                         request->limit.limit, request->limit.remaining,
                         (unsigned long long)((request->limit.reset_ms + 999u) / 1000u));
    if (request->status == 401)
        rs_buffer_add_text(head, request->bad_token
                                     ? "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"
                                     : "WWW-Authenticate: Bearer\r\n");
    add_cors(head, request);
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
    rs_buffer_add_text(head, request->worker->stamp.date);
    rs_buffer_add_text(head, "\r\nX-Request-ID: ");
    rs_buffer_add_text(head, request->id);
    rs_buffer_add_text(head, "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n");
    if (strncmp(request->content_type, "text/html", 9) == 0)
        rs_buffer_add_text(head, PAGE_POLICY);
    if (may_pack)
        rs_buffer_add_text(head, packed ? "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
                                        : "Vary: Accept-Encoding\r\n");
    add_special(head, request);
    rs_buffer_add_text(head, request->keep_alive ? "Connection: keep-alive\r\n\r\n"
                                                 : "Connection: close\r\n\r\n");
}

static void log_access(struct rd_request *request, size_t n_bytes, double seconds)
{
    struct rs_buffer *line = &request->worker->line;
    const struct mg_request_info *info = request->info;
    const char *path = info->local_uri_raw != NULL ? info->local_uri_raw : "";

    rs_buffer_reset(line, 16384);
    rs_buffer_add_text(line, "{\"time\":\"");
    rs_buffer_add_text(line, request->time);
    rs_buffer_add_text(line, "\",\"request_id\":\"");
    rs_buffer_add_text(line, request->id);
    rs_buffer_add_text(line, "\",\"remote\":\"");
    rs_buffer_add_text(line, info->remote_addr);
    rs_buffer_add_text(line, "\",\"method\":");
    rd_json_put_bytes(line, info->request_method, strnlen(info->request_method, 16));
    rs_buffer_add_text(line, ",\"path\":");
    rd_json_put_bytes(line, path, strnlen(path, MAX_LOGGED_PATH));
    if (info->query_string != NULL) {
        rs_buffer_add_text(line, ",\"query\":");
        rd_json_put_bytes(line, info->query_string, strnlen(info->query_string, MAX_LOGGED_PATH));
    }
    rs_buffer_add_text(line, ",\"status\":");
    rs_json_put_unsigned(line, (uint64_t)request->status);
    rs_buffer_add_text(line, ",\"bytes\":");
    rs_json_put_unsigned(line, n_bytes);
    rs_buffer_add_text(line, ",\"duration_ms\":");
    rd_json_put_float(line, (float)(seconds * 1e3));
    if (request->cache_use != RD_CACHE_NONE) {
        rs_buffer_add_text(line, ",\"cache\":");
        rs_json_put_string(line, rd_cache_word(request->cache_use));
    }
    rs_buffer_add_text(line, "}\n");
    if (line->status == RECSYS_OK)
        rd_access_add(line->bytes, line->size);
}

void rd_reply_send(struct rd_request *request)
{
    char head_bytes[RD_HEADROOM];
    struct rs_buffer head = RS_BUFFER_FIXED(head_bytes), *out = request->out;
    size_t min = request->app->config.gzip_min_bytes, body_size;
    bool may_pack, packed = false;
    double seconds;

    if (out->status != RECSYS_OK) {
        rd_reply_unavailable(request, "The answer is too large for the memory there is");
        if (out->status != RECSYS_OK)
            return mg_disable_connection_keep_alive(request->conn);
    }
    may_pack = min > 0 && out->size - RD_HEADROOM >= min;
    if (may_pack && rd_gzip_accepted(request->headers.accept_encoding))
        packed = rd_gzip(request);
    if (packed)
        out = &request->worker->packed;
    if (!request->persistent || atomic_load_explicit(&request->app->draining, memory_order_relaxed))
        request->keep_alive = false;
    body_size = out->size - RD_HEADROOM;
    build_head(&head, request, body_size, packed, may_pack);
    if (!request->keep_alive || head.status != RECSYS_OK)
        mg_disable_connection_keep_alive(request->conn);
    if (head.status == RECSYS_OK) {
        memcpy(out->bytes + RD_HEADROOM - head.size, head.bytes, head.size);
        (void)mg_write(request->conn, out->bytes + RD_HEADROOM - head.size,
                       head.size + (request->is_head || request->status == 204 ? 0 : body_size));
    }

    seconds = (double)(rs_clock_ns() - request->start_ns) * 1e-9;
    rd_metrics_count(&request->app->metrics, rd_route_number(request->route),
                     request->info->request_method, request->status, seconds);
    if (rd_access_wanted())
        log_access(request, body_size, seconds);
}
