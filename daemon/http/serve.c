/* daemon/http/serve.c - takes a connection as far as it can go without waiting for its client.
 *
 * The stages are head, body, answer, reply, and then the next head. When the client has to send or
 * read something first, the connection waits in the epoll set with what it has so far, and the
 * worker goes to the next one. So slow clients hold memory, within the limits of the settings, and
 * no worker. Each stage has one deadline, which no byte that arrives moves.
 *
 * A body is read once the application has checked the head: who may not call cannot make the daemon
 * keep a body.
 */
#include "daemon/http/serve.h"

#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/http/body.h"
#include "daemon/http/exchange.h"
#include "daemon/http/framing.h"
#include "daemon/http/reply.h"
#include "daemon/http/slots.h"
#include "daemon/process/logger.h"
#include "lib/base/clock.h"

#define READ_BYTES 16384u
#define BODY_BYTES 65536u
#define DISCARD_BYTES (4u << 20)
#define CLOSING_NS 1000000000u /* for what a client is still sending when its reply is written */
#define LEAST_RATE 262144u     /* bytes/s that a client must be able to read */
#define IN_A_ROW 32u           /* pipelined requests, before others have a turn */

/* The outcome of a step. */
enum step {
    GO_ON, /* the next step */
    LEFT   /* the connection waits or is closed; it is not the worker's any more */
};

struct serving {
    struct rd_worker *worker;
    struct rd_connection *connection;
    struct rd_exchange *exchange;
    uint32_t n_in_a_row;
};

static uint64_t timeout_ns(const struct serving *s)
{
    return s->worker->http->settings.request_timeout_ms * 1000000u;
}

static void give_back(struct serving *s)
{
    if (s->worker->spare == NULL)
        s->worker->spare = s->exchange;
    else
        rd_exchange_destroy(s->exchange);
    s->exchange = s->connection->exchange = NULL;
}

static enum step close_now(struct serving *s)
{
    if (s->exchange != NULL) {
        rd_exchange_reset(s->exchange, s->exchange->in.size, s->worker->http);
        give_back(s);
    }
    rd_slots_close(s->worker->slots, s->connection);
    return LEFT;
}

static enum step wait_for(struct serving *s, enum rd_stage stage, uint32_t events,
                          uint64_t deadline_ns)
{
    atomic_store_explicit(&s->connection->stage, (int)stage, memory_order_relaxed);
    return rd_connection_wait(s->connection, s->worker->slots->epoll, events, deadline_ns)
               ? LEFT
               : close_now(s);
}

/* Does somebody wait for a request that has not come whole? */
static void expect(struct serving *s, bool expected)
{
    struct rd_connection *connection = s->connection;

    if (connection->is_expected == expected)
        return;
    connection->is_expected = expected;
    if (expected)
        atomic_fetch_add_explicit(&s->worker->http->expected, 1u, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(&s->worker->http->expected, 1u, memory_order_release);
}

/* ---- the end of a connection */

/* Closing a connection with unread data resets it, and the client might not see the reply. So first
 * only the daemon's end is closed. */
static enum step discard(struct serving *s)
{
    struct rd_connection *connection = s->connection;
    char bytes[8192];
    long n;

    while ((n = rd_connection_receive(connection, bytes, sizeof bytes)) > 0) {
        connection->n_discarded += (uint32_t)n;
        if (connection->n_discarded > DISCARD_BYTES)
            return close_now(s);
    }
    if (n != -1)
        return close_now(s);
    return wait_for(s, RD_STAGE_CLOSING, EPOLLIN, connection->closing_ns);
}

static enum step begin_closing(struct serving *s)
{
    rd_exchange_reset(s->exchange, s->exchange->in.size, s->worker->http);
    give_back(s);
    (void)shutdown(atomic_load(&s->connection->fd), SHUT_WR);
    s->connection->closing_ns = rs_clock_ns() + CLOSING_NS;
    return discard(s);
}

/* ---- the reply */

static enum step end_request(struct serving *s)
{
    struct rd_exchange *exchange = s->exchange;
    struct rd_request *request = &exchange->request;
    struct rd_http *http = s->worker->http;
    bool keep = request->keep_alive && !request->aborted, aborted = request->aborted;

    http->settings.finished(request, exchange->n_body,
                            (double)(rs_clock_ns() - request->start_ns) * 1e-9,
                            http->settings.user_data);
    atomic_fetch_sub_explicit(&http->active, 1u, memory_order_release);
    if (aborted)
        return close_now(s);
    if (!keep)
        return begin_closing(s);
    s->connection->is_late = false; /* the reply was; the next request has its own deadline */
    rd_exchange_reset(exchange, exchange->n_used, http);
    return GO_ON;
}

static enum step send_reply(struct serving *s)
{
    struct rd_exchange *exchange = s->exchange;

    while (exchange->send_left > 0) {
        long n = rd_connection_send(s->connection, exchange->send_from, exchange->send_left);

        if (n == 0 && !s->connection->is_late)
            return wait_for(s, RD_STAGE_REPLY, EPOLLOUT, exchange->deadline_ns);
        if (n <= 0) {
            exchange->request.aborted = true;
            break;
        }
        exchange->send_from += n;
        exchange->send_left -= (size_t)n;
    }
    return end_request(s);
}

static bool shall_close(const struct serving *s)
{
    const struct rd_http_settings *settings = &s->worker->http->settings;
    const struct rd_connection *connection = s->connection;

    return (settings->keep_alive_requests > 0 &&
            connection->n_requests >= settings->keep_alive_requests) ||
           (settings->connection_age_ms > 0 &&
            rs_clock_ns() - connection->opened_ns >= settings->connection_age_ms * 1000000u) ||
           atomic_load_explicit(&s->worker->slots->is_full, memory_order_relaxed) ||
           atomic_load_explicit(&s->worker->http->draining, memory_order_relaxed);
}

/* A client that reads slowly gets the time of any request, and more for a large reply. */
static enum step reply(struct serving *s)
{
    struct rd_exchange *exchange = s->exchange;

    if (shall_close(s))
        exchange->request.keep_alive = false;
    rd_reply_build(exchange);
    exchange->deadline_ns = rs_clock_ns() + timeout_ns(s) +
                            (uint64_t)exchange->send_left * 1000u / LEAST_RATE * 1000000u;
    return send_reply(s);
}

/* ---- the body */

static enum step answer(struct serving *s)
{
    struct rd_http *http = s->worker->http;

    http->settings.answer(&s->exchange->request, http->settings.user_data);
    rd_request_end(&s->exchange->request);
    return reply(s);
}

static enum step refuse_body(struct serving *s, int status, const char *detail)
{
    s->exchange->request.keep_alive = false;
    (void)rd_reply_error(&s->exchange->request, status, detail);
    return reply(s);
}

static enum step read_body(struct serving *s)
{
    struct rd_exchange *exchange = s->exchange;
    enum rd_body_state state;

    while ((state = rd_body_state(exchange)) == RD_BODY_MORE) {
        char bytes[READ_BYTES], *to = bytes;
        size_t size = sizeof bytes;
        long n;

        if (s->connection->is_late)
            return refuse_body(s, 408, "The request body did not arrive in time");
        if (exchange->request.headers.transfer_encoding == NULL) {
            size = exchange->body_left < BODY_BYTES ? (size_t)exchange->body_left : BODY_BYTES;
            to = rs_buffer_reserve(&exchange->body, size);
            if (to == NULL)
                return refuse_body(s, 503, "The request body does not fit into memory");
        }
        n = rd_connection_receive(s->connection, to, size);
        if (n == -1)
            return wait_for(s, RD_STAGE_BODY, EPOLLIN, exchange->deadline_ns);
        if (n <= 0)
            return refuse_body(s, 400, "The request body is incomplete or malformed");
        rd_body_take(exchange, to, (size_t)n);
    }
    if (state == RD_BODY_BROKEN)
        return refuse_body(s, 400, "The request body is incomplete or malformed");
    if (state == RD_BODY_LARGE)
        return refuse_body(s, 413, "Request body too large");
    rd_body_end(&exchange->request);
    return answer(s);
}

static enum step begin_body(struct serving *s)
{
    struct rd_exchange *exchange = s->exchange;
    struct rd_request *request = &exchange->request;

    if (!rd_body_begin(exchange))
        return reply(s);
    if (request->headers.expect != NULL && strcasecmp(request->headers.expect, "100-continue") == 0)
        (void)rd_connection_send(s->connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    exchange->deadline_ns = request->start_ns + timeout_ns(s);
    return read_body(s);
}

/* ---- the head */

static enum step refuse(struct serving *s, int status, const char *detail)
{
    expect(s, false);
    atomic_fetch_add_explicit(&s->worker->http->active, 1u, memory_order_relaxed);
    rd_exchange_begin_broken(s->exchange, s->worker, s->connection);
    (void)rd_reply_error(&s->exchange->request, status, detail);
    return reply(s);
}

static enum step refuse_head(struct serving *s, enum rd_head_verdict verdict)
{
    switch (verdict) {
    case RD_HEAD_MALFORMED:
        return refuse(s, 400, "Malformed headers");
    case RD_HEAD_MANY:
        return refuse(s, 431, "Request headers too large");
    case RD_HEAD_METHOD:
        return refuse(s, 501, "This method is not implemented");
    case RD_HEAD_VERSION:
        return refuse(s, 505, "HTTP Version Not Supported");
    default:
        return refuse(s, 400, "Bad Request");
    }
}

static enum step begin_request(struct serving *s, size_t head_size)
{
    struct rd_exchange *exchange = s->exchange;
    struct rd_request *request = &exchange->request;
    struct rd_http *http = s->worker->http;
    enum rd_head_verdict verdict;

    if (head_size > http->settings.max_header_bytes)
        return refuse_head(s, RD_HEAD_MANY);
    verdict = rd_head_parse(&exchange->head, exchange->in.bytes, head_size);
    if (verdict != RD_HEAD_GOOD)
        return refuse_head(s, verdict);
    expect(s, false);
    atomic_fetch_add_explicit(&http->active, 1u, memory_order_relaxed);
    s->connection->n_requests++;
    exchange->n_used = head_size;
    rd_exchange_begin(exchange, s->worker, s->connection);
    if (!rd_framing_check(request) || !http->settings.check(request, http->settings.user_data))
        return reply(s);
    if ((request->route->flags & RD_ROUTE_BODY) != 0)
        return begin_body(s);
    return answer(s);
}

/* Nothing of the next request is there. */
static enum step rest(struct serving *s)
{
    bool first = s->connection->n_requests == 0;
    uint64_t ns = s->worker->http->settings.keep_alive_timeout_ms * 1000000u;

    give_back(s);
    return first ? wait_for(s, RD_STAGE_FIRST, EPOLLIN, s->connection->opened_ns + timeout_ns(s))
                 : wait_for(s, RD_STAGE_NEXT, EPOLLIN, rs_clock_ns() + ns);
}

static enum step wait_for_head(struct serving *s)
{
    if (s->exchange->in.size == 0)
        return rest(s);
    expect(s, true);
    return wait_for(s, RD_STAGE_HEAD, EPOLLIN, s->exchange->deadline_ns);
}

/* In the bytes that have been received already. */
static enum step use_head(struct serving *s, bool *needs_more)
{
    struct rd_exchange *exchange = s->exchange;
    size_t end = 0;
    enum rd_head_verdict verdict =
        rd_head_find_end(exchange->in.bytes, exchange->in.size, exchange->n_seen, &end);

    *needs_more = false;
    exchange->n_seen = exchange->in.size;
    if (verdict == RD_HEAD_GOOD)
        return begin_request(s, end);
    if (verdict != RD_HEAD_MORE)
        return refuse_head(s, verdict);
    if (exchange->in.size > s->worker->http->settings.max_header_bytes)
        return refuse_head(s, RD_HEAD_MANY);
    *needs_more = true;
    return GO_ON;
}

/* Once; if that is not enough, epoll says when there is more. */
static enum step read_head(struct serving *s)
{
    struct rs_buffer *in = &s->exchange->in;
    size_t free = in->room > in->size + 1 ? in->room - in->size - 1 : 0;
    size_t size = free > READ_BYTES / 8 ? free : READ_BYTES;
    char *to = rs_buffer_reserve(in, size);
    bool needs_more;
    enum step step;
    long n;

    if (to == NULL)
        return close_now(s);
    n = rd_connection_receive(s->connection, to, size);
    if (n == -1)
        return wait_for_head(s);
    if (n <= 0)
        return n == 0 && in->size > 0 ? refuse_head(s, RD_HEAD_BROKEN) : close_now(s);
    if (in->size == 0)
        s->exchange->deadline_ns = rs_clock_ns() + timeout_ns(s);
    in->size += (size_t)n;
    step = use_head(s, &needs_more);
    return needs_more ? wait_for_head(s) : step;
}

/* The requests that were received together with one that is answered now. */
static enum step use_rest(struct serving *s)
{
    enum step step = GO_ON;
    bool needs_more = false;

    while (step == GO_ON && s->exchange->in.size > 0 && !needs_more) {
        s->exchange->deadline_ns = rs_clock_ns() + timeout_ns(s);
        if (++s->n_in_a_row >= IN_A_ROW) { /* epoll reports it at once, behind others */
            expect(s, true);
            return wait_for(s, RD_STAGE_HEAD, EPOLLIN | EPOLLOUT, s->exchange->deadline_ns);
        }
        step = use_head(s, &needs_more);
    }
    return step == GO_ON ? wait_for_head(s) : step;
}

static enum step go_on_with_head(struct serving *s)
{
    bool needs_more = false;
    enum step step;

    if (s->connection->is_late)
        return refuse(s, 408, "The request did not arrive in time");
    if (s->exchange->n_seen > 0 || s->exchange->in.size == 0)
        return read_head(s);
    step = use_head(s, &needs_more); /* it was others' turn */
    return needs_more ? wait_for_head(s) : step;
}

static bool has_exchange(struct serving *s)
{
    struct rd_worker *worker = s->worker;

    s->exchange = s->connection->exchange;
    if (s->exchange != NULL)
        return true;
    s->exchange =
        worker->spare != NULL ? worker->spare : rd_exchange_create(&worker->http->settings);
    worker->spare = NULL;
    s->connection->exchange = s->exchange;
    return s->exchange != NULL;
}

void rd_serve(struct rd_worker *worker, struct rd_connection *connection)
{
    struct serving s = {worker, connection, NULL, 0};
    int stage = atomic_load_explicit(&connection->stage, memory_order_relaxed);
    enum step step;

    if (stage == RD_STAGE_CLOSING) {
        (void)discard(&s);
        return;
    }
    if (!has_exchange(&s)) {
        rd_log_seldom(RECSYS_LOG_ERROR, "no memory for a request of %s", connection->remote);
        (void)close_now(&s);
        return;
    }
    s.exchange->request.worker = worker;
    switch (stage) {
    case RD_STAGE_BODY:
        step = read_body(&s);
        break;
    case RD_STAGE_REPLY:
        step = send_reply(&s);
        break;
    default:
        step = go_on_with_head(&s);
        break;
    }
    if (step == GO_ON)
        (void)use_rest(&s);
}
