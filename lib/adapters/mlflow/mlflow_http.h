/* lib/adapters/mlflow/mlflow_http.h - one HTTP request after the other, to one server. */
#ifndef RS_MLFLOW_HTTP_H
#define RS_MLFLOW_HTTP_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/adapters/mlflow/mlflow_settings.h"
#include "lib/base/buffer.h"

#define RS_MLFLOW_MAX_REPLY ((size_t)8 << 20) /* bytes of a JSON reply */
#define RS_MLFLOW_MAX_URL 8192u

struct rs_mlflow_counts {
    atomic_ullong requests, failures, downloads, hits, bytes, resumed, restarted, evictions,
        cache_bytes;
};

/* A reply. Its body is here, unless it went to a sink. */
struct rs_mlflow_reply {
    long code; /* HTTP's */
    struct rs_buffer body;
    char content_type[64];
    char etag[160];       /* "" = none */
    char location[300];   /* of a redirect, cut */
    uint64_t range_start; /* of a 206 */
    uint64_t range_total; /* UINT64_MAX = not said */
    uint32_t has_range;
    uint32_t retry_after_s; /* 0 = not said */
};

/* Takes bytes of a body with code 200 or 206. Returns a status; another than RECSYS_OK ends the
 * request, which then fails with it and the sink's own message. */
typedef recsys_status (*rs_mlflow_sink)(const struct rs_mlflow_reply *reply, const void *bytes,
                                        size_t size, void *user_data, recsys_error *err);

/* A connection and what is sent on it; for one thread. */
struct rs_mlflow_http {
    const struct rs_mlflow_settings *settings;
    struct rs_mlflow_counts *counts;
    void *easy;
    void *headers;
    uint64_t deadline_ns; /* of all its downloads; UINT64_MAX = none */
};

/* Sends nothing. E_IO (credentials' files), E_INVALID, E_NOMEM; close it also after a failure. */
recsys_status rs_mlflow_http_open(struct rs_mlflow_http *http,
                                  const struct rs_mlflow_settings *settings,
                                  struct rs_mlflow_counts *counts, recsys_error *err);
void rs_mlflow_http_close(struct rs_mlflow_http *http);

/*
 * GET `url`; the whole reply within settings.timeout_ms, its body of at most `max` bytes. Any code
 * is RECSYS_OK: mlflow_failure.h judges it.
 *
 * Fails with: E_IO, E_TIMEOUT, E_LIMIT, E_NOMEM, E_REJECTED (the server's certificate).
 * The reply is destroyed in any case by rs_mlflow_reply_destroy().
 */
recsys_status rs_mlflow_get(struct rs_mlflow_http *http, const char *url, size_t max,
                            struct rs_mlflow_reply *reply, recsys_error *err);

/*
 * GET a file, from byte `from` on if that is not 0, and if the file is still the one with `etag`
 * ("" = unknown). Bodies of 200 and 206 go to the sink, those of other codes into the reply. Until
 * http->deadline_ns, and as long as at least 1 KiB/s comes.
 *
 * Fails with: as rs_mlflow_get(), and the sink's statuses.
 */
recsys_status rs_mlflow_stream(struct rs_mlflow_http *http, const char *url, uint64_t from,
                               const char *etag, rs_mlflow_sink sink, void *user_data,
                               struct rs_mlflow_reply *reply, recsys_error *err);

void rs_mlflow_reply_destroy(struct rs_mlflow_reply *reply);

/* Append `text` percent-encoded (RFC 3986, all but unreserved characters). `keep` is one more
 * character that stays, as '/'; 0 = none. */
void rs_mlflow_url_add(struct rs_buffer *url, const char *text, char keep);

#endif
