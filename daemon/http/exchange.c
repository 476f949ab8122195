/* daemon/http/exchange.c - see exchange.h. */
#include "daemon/http/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define KEPT_BYTES 16384u    /* of each buffer between two requests */
#define MAX_REPLY (1u << 28) /* bytes */
#define MORE_BYTES 65536u    /* than a limit, so that it is this program that notices */

struct rd_exchange *rd_exchange_create(const struct rd_http_settings *settings)
{
    struct rd_exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange == NULL)
        return NULL;
    exchange->room = calloc(1, settings->room_bytes > 0 ? settings->room_bytes : 1);
    rs_buffer_init(&exchange->in, settings->max_header_bytes + MORE_BYTES);
    rs_buffer_init(&exchange->body, settings->max_body_bytes + MORE_BYTES);
    rs_buffer_init(&exchange->out, MAX_REPLY);
    rs_buffer_init(&exchange->packed, MAX_REPLY);
    if (exchange->room != NULL && rs_buffer_reserve(&exchange->in, KEPT_BYTES / 4) != NULL)
        return exchange;
    rd_exchange_destroy(exchange);
    return NULL;
}

void rd_exchange_destroy(struct rd_exchange *exchange)
{
    if (exchange == NULL)
        return;
    rs_buffer_destroy(&exchange->in);
    rs_buffer_destroy(&exchange->body);
    rs_buffer_destroy(&exchange->out);
    rs_buffer_destroy(&exchange->packed);
    free(exchange->room);
    free(exchange);
}

static size_t reset(struct rs_buffer *buffer)
{
    size_t before = buffer->room;

    rs_buffer_reset(buffer, KEPT_BYTES);
    return before > buffer->room ? before - buffer->room : 0;
}

void rd_exchange_reset(struct rd_exchange *exchange, size_t n_used, struct rd_http *http)
{
    struct rs_buffer *in = &exchange->in;
    size_t left = in->size - n_used;
    uint64_t n_freed = reset(&exchange->body) + reset(&exchange->out) + reset(&exchange->packed);

    if (left == 0) {
        n_freed += reset(in);
    } else {
        memmove(in->bytes, in->bytes + n_used, left);
        in->size = left;
    }
    exchange->n_seen = 0;
    exchange->send_left = 0;
    if (n_freed > 0)
        atomic_fetch_add_explicit(&http->n_freed, n_freed, memory_order_relaxed);
}

static void begin(struct rd_exchange *exchange, struct rd_worker *worker,
                  const struct rd_connection *connection)
{
    struct rd_request *request = &exchange->request;

    memset(request, 0, sizeof *request);
    request->start_ns = rs_clock_ns();
    request->worker = worker;
    request->http = worker->http;
    request->connection = connection;
    request->status = 500;
    request->content_type = "application/json";
    request->out = &exchange->out;
    request->body = &exchange->body;
    request->room = exchange->room;
    memcpy(request->remote, connection->remote, sizeof request->remote);
    rs_buffer_clear(request->body);
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

void rd_exchange_begin(struct rd_exchange *exchange, struct rd_worker *worker,
                       const struct rd_connection *connection)
{
    struct rd_request *request = &exchange->request;
    const struct rd_head *head = &exchange->head;

    begin(exchange, worker, connection);
    request->head = head;
    rd_headers_collect(&request->headers, head);
    rd_proxies_find_client(request->http->settings.proxies, head, request->remote);
    request->persistent = rd_headers_keep_alive(&request->headers, head->minor);
    request->is_head = strcmp(head->method, "HEAD") == 0;
    request->method = request->is_head ? "GET" : head->method;
    request->keep_alive = true;
    choose_id(request);
}

void rd_exchange_begin_broken(struct rd_exchange *exchange, struct rd_worker *worker,
                              const struct rd_connection *connection)
{
    static const struct rd_head nothing = {.method = "-", .path = ""};

    begin(exchange, worker, connection);
    exchange->request.head = &nothing;
    exchange->request.method = nothing.method;
    choose_id(&exchange->request);
}
