/* daemon/http/settings.h - the settings of the HTTP server and the state that others may read.
 *
 * The server knows no application: it reads requests, has them checked by `check` and answered by
 * `answer`, sends the replies and reports each by `finished`.
 */
#ifndef RECSYSD_HTTP_SETTINGS_H
#define RECSYSD_HTTP_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rd_proxies;
struct rd_request;

/* Set before the server starts, then only read. Text is BORROWED. The functions are called on
 * worker threads, with `user_data`. */
struct rd_http_settings {
    const char *listen;        /* as rd_listen_parse() reads it */
    const char *health_listen; /* the same, for operators; "": none */
    mode_t socket_mode;        /* of Unix sockets */
    const char *port_file;     /* "": none */
    const char *cors_origins;
    const char *error_paths; /* errors of paths that begin like this have the member "error", others
                                "detail" */
    const char *allowed_hosts; /* besides addresses and localhost */
    bool checks_hosts;         /* are only these served? */
    const struct rd_proxies *proxies;
    uint32_t threads, max_connections;
    uint64_t request_timeout_ms, keep_alive_timeout_ms;
    uint64_t keep_alive_requests; /* on one connection; 0: any number */
    uint64_t connection_age_ms;   /* 0: any */
    size_t max_header_bytes, max_body_bytes;
    size_t gzip_min_bytes; /* 0: never */

    /* Decides as much as it can by the head of a request. It sets request->route, and if the route
     * has a body, that is read next. False: it has written the reply. request->room has
     * `room_bytes`, for the application, which stay until the reply is sent; at first earlier
     * requests' bytes. */
    bool (*check)(struct rd_request *request, void *user_data);
    size_t room_bytes;
    /* Writes the reply; perhaps on another thread than `check`. */
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
    atomic_bool draining;      /* every reply closes its connection */
    _Atomic uint32_t active;   /* requests between their head and the last byte of their reply */
    _Atomic uint32_t expected; /* connections that have sent no request yet, or half a head */
    _Atomic uint32_t n_open;   /* connections */
    _Atomic uint64_t n_freed;  /* bytes of large buffers, given back so far */
};

#endif
