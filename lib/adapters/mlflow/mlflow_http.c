/* lib/adapters/mlflow/mlflow_http.c - see mlflow_http.h; the only file that includes libcurl.
 *
 * Limits come first: only http and https, no redirects, headers and bodies of bounded size, and a
 * deadline for everything. libcurl raises no signals here.
 */
#include "lib/adapters/mlflow/mlflow_http.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/lock.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "recsys/version.h"

#define MAX_HEADER_BYTES 65536u
#define MAX_ERROR_BODY 65536u
#define SLOWEST 1024L /* bytes a second */

/* One request while it runs. */
struct exchange {
    CURL *easy;
    struct rs_mlflow_reply *reply;
    rs_mlflow_sink sink; /* NULL = the body goes into the reply */
    void *user_data;
    size_t n_header_bytes;
    recsys_status status; /* why we ended it */
    recsys_error problem;
};

/* curl_global_init() may not run twice at once in releases before 7.84. */
static CURLcode initialise(void)
{
    static struct rs_lock lock = RS_LOCK_INIT;
    static int is_done;
    CURLcode result = CURLE_OK;

    rs_lock_take(&lock);
    if (!is_done)
        result = curl_global_init(CURL_GLOBAL_DEFAULT);
    is_done = result == CURLE_OK;
    rs_lock_give(&lock);
    return result;
}

static int add_header(struct rs_mlflow_http *http, const char *name, const char *value)
{
    char line[RS_MLFLOW_MAX_SECRET + 64];
    struct curl_slist *longer;

    snprintf(line, sizeof line, "%s: %s", name, value);
    longer = curl_slist_append(http->headers, line);
    memset(line, 0, sizeof line);
    if (longer == NULL)
        return 0;
    http->headers = longer;
    return 1;
}

static int set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) ==
           CURLE_OK;
#endif
}

static recsys_status set_login(struct rs_mlflow_http *http, recsys_error *err)
{
    const struct rs_mlflow_settings *settings = http->settings;
    char secret[RS_MLFLOW_MAX_SECRET + 1], bearer[RS_MLFLOW_MAX_SECRET + 16];
    int is_set = 1;
    recsys_status status =
        rs_mlflow_read_secret(settings->token, settings->token_file, "token", secret, err);

    if (status == RECSYS_OK && *secret != '\0') {
        snprintf(bearer, sizeof bearer, "Bearer %s", secret);
        is_set = add_header(http, "Authorization", bearer);
        memset(bearer, 0, sizeof bearer);
    } else if (status == RECSYS_OK && settings->user != NULL) {
        status = rs_mlflow_read_secret(settings->password, settings->password_file, "password",
                                       secret, err);
        is_set =
            status != RECSYS_OK ||
            (curl_easy_setopt(http->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
             curl_easy_setopt(http->easy, CURLOPT_USERNAME, settings->user) == CURLE_OK &&
             curl_easy_setopt(http->easy, CURLOPT_PASSWORD, secret) == CURLE_OK);
    }
    memset(secret, 0, sizeof secret);
    return is_set ? status : rs_error_nomem(err, "HTTP request");
}

recsys_status rs_mlflow_http_open(struct rs_mlflow_http *http,
                                  const struct rs_mlflow_settings *settings,
                                  struct rs_mlflow_counts *counts, recsys_error *err)
{
    *http = (struct rs_mlflow_http){settings, counts, NULL, NULL, UINT64_MAX};
    if (initialise() != CURLE_OK || (http->easy = curl_easy_init()) == NULL)
        return rs_error_nomem(err, "libcurl");
    recsys_status status = set_login(http, err);
    if (status != RECSYS_OK)
        return status;
    if ((settings->workspace != NULL &&
         !add_header(http, "X-MLFLOW-WORKSPACE", settings->workspace)) ||
        (settings->host != NULL && !add_header(http, "Host", settings->host)) ||
        !set_protocols(http->easy) ||
        (settings->ca_file != NULL &&
         curl_easy_setopt(http->easy, CURLOPT_CAINFO, settings->ca_file) != CURLE_OK) ||
        curl_easy_setopt(http->easy, CURLOPT_USERAGENT, "librecsys/" RECSYS_VERSION_STRING) !=
            CURLE_OK ||
        curl_easy_setopt(http->easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
        curl_easy_setopt(http->easy, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK ||
        curl_easy_setopt(http->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->timeout_ms) !=
            CURLE_OK)
        return rs_error_nomem(err, "HTTP request");
    return RECSYS_OK;
}

void rs_mlflow_http_close(struct rs_mlflow_http *http)
{
    if (http->easy != NULL)
        curl_easy_cleanup(http->easy);
    curl_slist_free_all(http->headers);
    http->easy = http->headers = NULL;
}

void rs_mlflow_reply_destroy(struct rs_mlflow_reply *reply)
{
    rs_buffer_destroy(&reply->body);
}

/* -- the reply's headers -- */

/* Copy the value of a header line without blanks around it, if the line has this name. */
static int read_header(const char *line, size_t size, const char *name, char *out, size_t room)
{
    size_t n = strlen(name);

    if (size <= n || line[n] != ':')
        return 0;
    for (size_t i = 0; i < n; i++)
        if ((line[i] | 0x20) != name[i])
            return 0;
    line += n + 1;
    size -= n + 1;
    while (size > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        size--;
    }
    while (size > 0 && ((unsigned char)line[size - 1] <= ' '))
        size--;
    if (size >= room || memchr(line, '\0', size) != NULL || !rs_utf8_is_valid(line, size))
        size = 0;
    memcpy(out, line, size);
    out[size] = '\0';
    return 1;
}

/* A decimal number at *at, which then stands behind it; 0 if there is none. */
static int read_number(const char **at, uint64_t *out)
{
    const char *begin = *at;

    for (*out = 0; **at >= '0' && **at <= '9'; ++*at)
        if (__builtin_mul_overflow(*out, 10u, out) ||
            __builtin_add_overflow(*out, (uint64_t)(**at - '0'), out))
            return 0;
    return *at > begin;
}

/* "bytes 5-9/728" */
static void read_range(struct rs_mlflow_reply *reply, const char *value)
{
    uint64_t first, last, total = UINT64_MAX;

    reply->has_range = 0;
    if (strncmp(value, "bytes ", 6) != 0)
        return;
    value += 6;
    if (!read_number(&value, &first) || *value++ != '-' || !read_number(&value, &last) ||
        *value++ != '/' || first > last)
        return;
    if (strcmp(value, "*") != 0 &&
        (!read_number(&value, &total) || *value != '\0' || total <= last))
        return;
    reply->has_range = 1;
    reply->range_start = first;
    reply->range_total = total;
}

static size_t take_header(char *line, size_t one, size_t size, void *user_data)
{
    struct exchange *exchange = user_data;
    struct rs_mlflow_reply *reply = exchange->reply;
    char value[300];

    (void)one;
    exchange->n_header_bytes += size;
    if (exchange->n_header_bytes > MAX_HEADER_BYTES) {
        exchange->status = rs_error(&exchange->problem, RECSYS_E_LIMIT,
                                    "the reply's headers are larger than 64 KiB");
        return 0;
    }
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0) { /* also after a 100 Continue */
        reply->content_type[0] = reply->etag[0] = reply->location[0] = '\0';
        reply->has_range = reply->retry_after_s = 0;
    } else if (read_header(line, size, "content-type", value, sizeof value)) {
        snprintf(reply->content_type, sizeof reply->content_type, "%.63s", value);
    } else if (read_header(line, size, "etag", value, sizeof reply->etag)) {
        memcpy(reply->etag, value, strlen(value) + 1);
    } else if (read_header(line, size, "location", value, sizeof value)) {
        memcpy(reply->location, value, strlen(value) + 1);
    } else if (read_header(line, size, "content-range", value, sizeof value)) {
        read_range(reply, value);
    } else if (read_header(line, size, "retry-after", value, sizeof value)) {
        unsigned long seconds = strtoul(value, NULL, 10); /* a date gives 0 */
        reply->retry_after_s = seconds > 3600 ? 3600 : (uint32_t)seconds;
    }
    return size;
}

/* -- the reply's body -- */

/* The headers are complete, so the code is known. */
static int goes_to_sink(const struct exchange *exchange)
{
    struct rs_mlflow_reply *reply = exchange->reply;

    if (exchange->sink == NULL ||
        curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &reply->code) != CURLE_OK)
        return 0;
    return reply->code == 200 || reply->code == 206;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *user_data)
{
    struct exchange *exchange = user_data;
    struct rs_mlflow_reply *reply = exchange->reply;

    (void)one;
    if (goes_to_sink(exchange)) {
        exchange->status =
            exchange->sink(reply, bytes, size, exchange->user_data, &exchange->problem);
        return exchange->status == RECSYS_OK ? size : 0;
    }
    rs_buffer_add(&reply->body, bytes, size);
    if (reply->body.status == RECSYS_OK)
        return size;
    exchange->status = reply->body.status == RECSYS_E_LIMIT
                           ? rs_error(&exchange->problem, RECSYS_E_LIMIT,
                                      "the reply is larger than %zu bytes", reply->body.max)
                           : rs_error_nomem(&exchange->problem, "reply of MLflow");
    return 0;
}

/* -- requests -- */

static recsys_status judge(CURLcode result, const char *said, recsys_error *err)
{
    const char *why = *said != '\0' ? said : curl_easy_strerror(result);

    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return rs_error(err, RECSYS_E_TIMEOUT, "%.300s", why);
    case CURLE_OUT_OF_MEMORY:
        return rs_error_nomem(err, "libcurl");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
        return rs_error(err, RECSYS_E_REJECTED,
                        "%.250s; is the right certificate authority given (ca_file)?", why);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return rs_error(err, RECSYS_E_INVALID, "%.300s", why);
    default:
        return rs_error(err, RECSYS_E_IO, "%.300s", why);
    }
}

static void begin(struct exchange *exchange, struct rs_mlflow_reply *reply, size_t max)
{
    memset(reply, 0, sizeof *reply);
    rs_buffer_init(&reply->body, max);
    reply->range_total = UINT64_MAX;
    memset(exchange, 0, sizeof *exchange);
    exchange->reply = reply;
}

static recsys_status perform(struct rs_mlflow_http *http, struct exchange *exchange,
                             const char *url, recsys_error *err)
{
    char said[CURL_ERROR_SIZE] = "";
    CURL *easy = http->easy;

    if (curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, said) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange) != CURLE_OK)
        return rs_error_nomem(err, "HTTP request");
    exchange->easy = easy;
    atomic_fetch_add(&http->counts->requests, 1u);
    CURLcode result = curl_easy_perform(easy);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &exchange->reply->code);
    if (result != CURLE_OK || exchange->reply->code / 100 != 2)
        atomic_fetch_add(&http->counts->failures, 1u);
    if (exchange->status != RECSYS_OK)
        return rs_error_copy(err, &exchange->problem);
    return result == CURLE_OK ? RECSYS_OK : judge(result, said, err);
}

recsys_status rs_mlflow_get(struct rs_mlflow_http *http, const char *url, size_t max,
                            struct rs_mlflow_reply *reply, recsys_error *err)
{
    struct exchange exchange;

    begin(&exchange, reply, max);
    if (curl_easy_setopt(http->easy, CURLOPT_RANGE, NULL) != CURLE_OK ||
        curl_easy_setopt(http->easy, CURLOPT_LOW_SPEED_LIMIT, 0L) != CURLE_OK ||
        curl_easy_setopt(http->easy, CURLOPT_TIMEOUT_MS, (long)http->settings->timeout_ms) !=
            CURLE_OK)
        return rs_error_nomem(err, "HTTP request");
    return perform(http, &exchange, url, err);
}

/* The time until the deadline; 0 = no limit, as libcurl takes it. */
static long remaining_ms(const struct rs_mlflow_http *http, recsys_status *status,
                         recsys_error *err)
{
    uint64_t now = rs_clock_ns();

    if (http->deadline_ns == UINT64_MAX)
        return 0;
    if (now >= http->deadline_ns) {
        *status = rs_error(err, RECSYS_E_TIMEOUT, "the time for the whole download is over");
        return 1;
    }
    return (long)((http->deadline_ns - now) / 1000000u) + 1;
}

recsys_status rs_mlflow_stream(struct rs_mlflow_http *http, const char *url, uint64_t from,
                               const char *etag, rs_mlflow_sink sink, void *user_data,
                               struct rs_mlflow_reply *reply, recsys_error *err)
{
    struct exchange exchange;
    recsys_status status = RECSYS_OK;
    void *headers = http->headers;
    struct curl_slist *condition = NULL;
    char range[32], line[256];

    begin(&exchange, reply, MAX_ERROR_BODY);
    exchange.sink = sink;
    exchange.user_data = user_data;
    long ms = remaining_ms(http, &status, err);
    if (status != RECSYS_OK)
        return status;
    snprintf(range, sizeof range, "%" PRIu64 "-", from);
    /* A weak tag promises no equal bytes, and such a condition is always false. */
    if (from > 0 && *etag == '"') {
        struct curl_slist *at = headers;
        int is_copied = 1;
        for (; at != NULL && is_copied; at = at->next) {
            struct curl_slist *longer = curl_slist_append(condition, at->data);
            is_copied = longer != NULL;
            condition = is_copied ? longer : condition;
        }
        snprintf(line, sizeof line, "If-Range: %s", etag);
        struct curl_slist *longer = is_copied ? curl_slist_append(condition, line) : NULL;
        if (longer == NULL) {
            curl_slist_free_all(condition);
            return rs_error_nomem(err, "HTTP request");
        }
        condition = longer;
        http->headers = condition;
    }
    if (curl_easy_setopt(http->easy, CURLOPT_RANGE, from > 0 ? range : NULL) != CURLE_OK ||
        curl_easy_setopt(http->easy, CURLOPT_LOW_SPEED_LIMIT, SLOWEST) != CURLE_OK ||
        curl_easy_setopt(http->easy, CURLOPT_LOW_SPEED_TIME, (long)http->settings->stall_s) !=
            CURLE_OK ||
        curl_easy_setopt(http->easy, CURLOPT_TIMEOUT_MS, ms) != CURLE_OK)
        status = rs_error_nomem(err, "HTTP request");
    if (status == RECSYS_OK)
        status = perform(http, &exchange, url, err);
    http->headers = headers;
    (void)curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, headers);
    curl_slist_free_all(condition);
    return status;
}

void rs_mlflow_url_add(struct rs_buffer *url, const char *text, char keep)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";

    for (; *text != '\0'; text++) {
        if (strchr(unreserved, *text) != NULL || (keep != '\0' && *text == keep))
            rs_buffer_add(url, text, 1);
        else
            rs_buffer_format(url, "%%%02X", (unsigned)(unsigned char)*text);
    }
}
