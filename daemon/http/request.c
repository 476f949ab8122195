/* daemon/http/request.c - takes a request apart and reads its body.
 *
 * civetweb has parsed the request line and the headers. Here they are looked
 * at once, and what two servers might read differently is refused before
 * anything acts on it: a length beside a transfer encoding, two lengths, an
 * encoding other than chunked, a length that is not digits only. After such a
 * request the connection is closed, because nobody can say where the next one
 * begins.
 *
 * Runs on civetweb's worker threads.
 */
#include "daemon/http/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/chunked.h"
#include "daemon/http/reply.h"
#include "lib/base/clock.h"

/* Small reads at first: whoever sends a byte at a time meets the deadline soon. */
#define FIRST_PIECE 64u
#define LARGEST_PIECE 65536u
#define DISCARD_BYTES (4u << 20)
#define DISCARD_NS 1000000000u

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
 * civetweb takes a space before the colon, which a proxy may not, and a line
 * that does not begin with a name, a folded one for example, is the end of the
 * headers for it: a Content-Length behind that is part of the body. It splits
 * its buffer in place, so both can be seen from the zeros it leaves: one for
 * the colon, two for the end of a line, and a line end behind the last header.
 * Were that to change, every request would be refused and the tests fail.
 */
static bool is_malformed(const struct mg_header *header, bool last)
{
    const char *colon = header->name + strlen(header->name);
    const char *end = header->value + strlen(header->value);
    const char *next = end[1] == '\0' ? end + 2 : end + 1;

    if (colon + 1 < header->value && colon[1] == '\0')
        return true;
    return last && *next != '\r' && *next != '\n';
}

static void collect_headers(struct rd_headers *headers, const struct mg_request_info *info)
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

static void begin(struct rd_request *request, struct mg_connection *conn)
{
    struct rd_worker *worker = mg_get_thread_pointer(conn);

    memset(request, 0, sizeof *request);
    request->start_ns = rs_clock_ns();
    request->worker = worker;
    request->app = worker->app;
    request->conn = conn;
    request->status = 500;
    request->content_type = "application/json";
    request->out = &worker->out;
    rd_reply_clear(request);
    rd_stamp_now(&worker->stamp);
    memcpy(request->time, worker->stamp.time, sizeof request->time);
}

static void choose_id(struct rd_request *request)
{
    const char *given = request->headers.request_id;

    if (given != NULL && rd_id_valid(given))
        memcpy(request->id, given, strlen(given) + 1);
    else if (!rd_stamp_uuid(&request->worker->stamp, request->id))
        memcpy(request->id, "unknown", sizeof "unknown");
}

/* As civetweb decides, which goes on or closes after us. */
static bool is_persistent(const struct rd_headers *headers, const char *version)
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

void rd_request_begin(struct rd_request *request, struct mg_connection *conn)
{
    begin(request, conn);
    request->info = mg_get_request_info(conn);
    rd_incoming_begin(&request->worker->incoming, request->info);
    collect_headers(&request->headers, request->info);
    request->persistent = is_persistent(&request->headers, request->info->http_version);
    request->is_head = strcmp(request->info->request_method, "HEAD") == 0;
    request->method = request->is_head ? "GET" : request->info->request_method;
    request->keep_alive = true;
    choose_id(request);
}

void rd_request_begin_broken(struct rd_request *request, struct mg_connection *conn)
{
    static const struct mg_request_info nothing = {.request_method = "-"};

    begin(request, conn);
    request->info = &nothing;
    request->method = nothing.request_method;
    choose_id(request);
}

const char *rd_cache_word(uint32_t cache_use)
{
    static const char *const words[] = {NULL, "hit", "stale", "negative", "miss", "bypass"};

    return cache_use < sizeof words / sizeof words[0] ? words[cache_use] : NULL;
}

static bool is_digits(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19;
}

uint64_t rd_request_length(const struct rd_request *request)
{
    const char *length = request->headers.content_length;

    return length == NULL || !is_digits(length) ? 0 : strtoull(length, NULL, 10);
}

bool rd_request_check(struct rd_request *request)
{
    const struct rd_headers *headers = &request->headers;
    const char *length = headers->content_length, *coding = headers->transfer_encoding;

    request->keep_alive = false; /* until the framing is known to be sound */
    /* civetweb leaves out what comes after the last one, which may be a Content-Length. */
    if (request->info->num_headers >= MG_MAX_HEADERS ||
        headers->size > request->app->config.max_header_bytes)
        return rd_reply_error(request, 431, "Request headers too large");
    if (headers->malformed)
        return rd_reply_error(request, 400, "Malformed headers");
    if (headers->conflicting)
        return rd_reply_error(request, 400, "Contradictory headers");
    if (length != NULL && coding != NULL)
        return rd_reply_error(request, 400,
                              "Content-Length and Transfer-Encoding must not both be given");
    if (coding != NULL && strcasecmp(coding, "chunked") != 0)
        return rd_reply_error(request, 400, "Transfer-Encoding must be chunked");
    if (length != NULL && !is_digits(length))
        return rd_reply_error(request, 400, "Content-Length must be a number");
    if (headers->host == NULL && strcmp(request->info->http_version, "1.1") == 0)
        return rd_reply_error(request, 400, "Host header required");
    if (request->info->local_uri_raw == NULL)
        return rd_reply_error(request, 400, "The target is not on this server");
    request->keep_alive = coding == NULL && (length == NULL || strtoull(length, NULL, 10) == 0);
    return true;
}

static int read_some(struct rd_request *request, char *out, size_t size, uint64_t deadline)
{
    struct rd_incoming *in = &request->worker->incoming;

    if (request->headers.transfer_encoding != NULL && rd_incoming_is_known(in))
        return rd_incoming_read(in, out, size, deadline);
    return mg_read(request->conn, out, size);
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

/* One piece at a time up to `limit` bytes. -1: broken off or malformed, 0: late, 1: complete. */
static int read_pieces(struct rd_request *request, struct rs_buffer *body, uint64_t limit,
                       bool chunked)
{
    uint64_t deadline = request->start_ns + request->app->config.request_timeout_ms * 1000000u;
    size_t piece = FIRST_PIECE;

    while (chunked || body->size < limit) {
        size_t left = (size_t)(limit - body->size), want = chunked || left > piece ? piece : left;
        char *to = rs_buffer_reserve(body, want);
        int n = to == NULL ? -1 : mg_read(request->conn, to, want);

        if (n < 0 || (n == 0 && !chunked))
            return -1;
        if (n == 0)
            return 1;
        body->size += (size_t)n;
        if (body->size > limit)
            return 1; /* the caller sees that it is too much */
        if (rs_clock_ns() > deadline)
            return 0;
        if (piece < LARGEST_PIECE)
            piece *= 2;
    }
    return 1;
}

/* The same of a body in chunks, however many pieces these come in. */
static int read_chunks(struct rd_request *request, struct rs_buffer *body, uint64_t limit)
{
    uint64_t deadline = request->start_ns + request->app->config.request_timeout_ms * 1000000u;
    struct rd_chunks chunks = {0};
    char bytes[8192];

    while (body->size <= limit) {
        int n = rd_incoming_read(&request->worker->incoming, bytes, sizeof bytes, deadline);

        if (n < 0)
            return 0;
        if (n == 0)
            return -1;
        switch (rd_chunks_feed(&chunks, bytes, (size_t)n, body)) {
        case RD_CHUNKS_BROKEN:
            return -1;
        case RD_CHUNKS_END:
            return body->status != RECSYS_OK ? -1 : 1;
        default:
            break;
        }
    }
    return 1; /* the caller sees that it is too much */
}

bool rd_request_read_body(struct rd_request *request)
{
    const struct rd_headers *headers = &request->headers;
    struct rs_buffer *body = &request->worker->body;
    bool chunked = headers->transfer_encoding != NULL;
    uint64_t limit = request->app->config.max_body_bytes, size = limit;
    int outcome;

    rs_buffer_reset(body, 65536);
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
    if (chunked && rd_incoming_is_known(&request->worker->incoming))
        outcome = read_chunks(request, body, limit);
    else
        outcome = read_pieces(request, body, size, chunked);
    if (outcome < 0)
        return rd_reply_error(request, 400, "The request body is incomplete or malformed");
    if (outcome == 0)
        return rd_reply_error(request, 408, "The request body did not arrive in time");
    if (body->size > limit)
        return too_large(request, DISCARD_BYTES);
    request->keep_alive = !chunked; /* trailers would stay in the stream, as the next request */
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_utf8(const char *text, size_t size)
{
    json_t *string = json_stringn(text, size); /* jansson's check is the one JSON needs */

    json_decref(string);
    return string != NULL;
}

static bool decode(const char *text, size_t size, bool is_query, char *out, size_t out_size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        int c = (unsigned char)text[i];

        if (c == '%') {
            int high = size - i > 2 ? hex_value(text[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        } else if (c == '+' && is_query)
            c = ' ';
        if (c == 0 || n + 1 >= out_size)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return is_utf8(out, n);
}

bool rd_url_decode(const char *text, size_t size, char *out, size_t out_size)
{
    return decode(text, size, false, out, out_size);
}

bool rd_request_query(struct rd_request *request, const char *name, char *buffer, size_t size,
                      const char **value)
{
    const char *query = request->info->query_string;
    size_t name_size = strlen(name);

    *value = NULL;
    while (query != NULL && *query != '\0') {
        size_t n = strcspn(query, "&");

        if (n > name_size && query[name_size] == '=' && strncmp(query, name, name_size) == 0) {
            if (!decode(query + name_size + 1, n - name_size - 1, true, buffer, size))
                return rd_reply_error(request, 400, "Malformed query string");
            *value = buffer;
        }
        query += n + (query[n] == '&');
    }
    return true;
}
