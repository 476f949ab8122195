/* daemon/http/request.c - a request from its first byte until its reply has been sent.
 *
 * Runs on civetweb's worker threads.
 */
#include "daemon/http/request.h"

#include <string.h>

#include "lib/base/clock.h"

#define KEPT_BYTES 262144u /* of memory between two replies */

void rd_request_clear_output(struct rd_request *request)
{
    rs_buffer_reset(request->out, KEPT_BYTES);
    if (rs_buffer_reserve(request->out, RD_HEADROOM) != NULL)
        request->out->size = RD_HEADROOM;
}

static void begin(struct rd_request *request, struct mg_connection *conn)
{
    struct rd_worker *worker = mg_get_thread_pointer(conn);

    memset(request, 0, sizeof *request);
    request->start_ns = rs_clock_ns();
    request->worker = worker;
    request->http = worker->http;
    request->conn = conn;
    request->status = 500;
    request->content_type = "application/json";
    request->out = &worker->out;
    rd_request_clear_output(request);
    rd_timestamp_now(&worker->timestamp);
    memcpy(request->time, worker->timestamp.time, sizeof request->time);
}

static void choose_id(struct rd_request *request)
{
    const char *given = request->headers.request_id;

    if (given != NULL && rd_request_id_is_valid(given))
        memcpy(request->id, given, strlen(given) + 1);
    else if (!rd_request_id_make(&request->worker->ids, request->id))
        memcpy(request->id, "unknown", sizeof "unknown");
}

void rd_request_begin(struct rd_request *request, struct mg_connection *conn)
{
    begin(request, conn);
    request->info = mg_get_request_info(conn);
    rd_connection_begin(&request->worker->connection, request->info);
    rd_headers_collect(&request->headers, request->info);
    rd_proxies_find_client(request->http->settings.proxies, request->info, request->remote);
    request->persistent = rd_headers_keep_alive(&request->headers, request->info->http_version);
    request->is_head = strcmp(request->info->request_method, "HEAD") == 0;
    request->method = request->is_head ? "GET" : request->info->request_method;
    request->keep_alive = true;
    choose_id(request);
}

void rd_request_begin_broken(struct rd_request *request, struct mg_connection *conn)
{
    static const struct mg_request_info nothing = {.request_method = "-"};

    const struct mg_request_info *info = mg_get_request_info(conn);

    begin(request, conn);
    request->info = &nothing;
    if (info != NULL)
        rd_proxies_copy(info, request->remote);
    request->method = nothing.request_method;
    choose_id(request);
}

void rd_request_end(struct rd_request *request)
{
    json_decref(request->json);
    request->json = NULL;
}

const char *rd_cache_word(uint32_t cache_use)
{
    static const char *const words[] = {NULL, "hit", "stale", "negative", "miss", "bypass"};

    return cache_use < sizeof words / sizeof words[0] ? words[cache_use] : NULL;
}
