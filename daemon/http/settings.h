/* daemon/http/settings.h - the settings of the HTTP server and the state that others may read.
 *
 * The server knows no application: it parses and checks requests, has them answered by `answer`,
 * sends the replies and reports each by `finished`.
 */
#ifndef RECSYSD_HTTP_SETTINGS_H
#define RECSYSD_HTTP_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd_proxies;
struct rd_request;

/* Set before the server starts, then only read. Text is BORROWED. The functions are called on
 * worker threads, with `user_data`. */
struct rd_http_settings {
    const char *listen;    /* IPv4 address and port */
    const char *port_file; /* "": none */
    const char *cors_origins;
    const struct rd_proxies *proxies;
    uint32_t threads, max_connections;
    uint64_t request_timeout_ms, keep_alive_timeout_ms;
    size_t max_header_bytes, max_body_bytes;
    size_t gzip_min_bytes; /* 0: never */

    /* Writes the reply to a request whose framing is sound. */
    void (*answer)(struct rd_request *request, void *user_data);
    /* The reply, with a body of `n_bytes`, has been sent. */
    void (*finished)(const struct rd_request *request, size_t n_bytes, double seconds,
                     void *user_data);
    /* Releases what `answer` has left in a worker's `scratch`. */
    void (*free_scratch)(void *scratch);
    void *user_data;
};

struct rd_http {
    struct rd_http_settings settings;
    atomic_bool draining;    /* every reply closes its connection */
    _Atomic uint32_t active; /* requests between their first and last byte */
    _Atomic uint32_t fresh;  /* connections with a worker, and without a request yet */
};

#endif
