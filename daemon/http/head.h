/* daemon/http/head.h - the request line and the headers of a request, as RFC 9112 has them. */
#ifndef RECSYSD_HEAD_H
#define RECSYSD_HEAD_H

#include <stddef.h>

#define RD_MAX_HEADERS 64u

struct rd_header {
    const char *name, *value; /* the value without space around it */
};

/* Text is BORROWED from the bytes that were parsed. */
struct rd_head {
    const char *method; /* as sent, "-" if there is none */
    const char *path;   /* still encoded; begins with / */
    const char *query;  /* behind the ?; NULL: there is none */
    unsigned minor;     /* of HTTP/1.minor, 0 or 1 */
    size_t size;        /* bytes, with the empty line at the end */
    size_t n_headers;
    struct rd_header headers[RD_MAX_HEADERS];
};

enum rd_head_verdict {
    RD_HEAD_GOOD,
    RD_HEAD_MORE,      /* it is not complete */
    RD_HEAD_BROKEN,    /* it is no HTTP */
    RD_HEAD_MALFORMED, /* headers that two servers could read differently */
    RD_HEAD_MANY,      /* more than RD_MAX_HEADERS */
    RD_HEAD_METHOD,    /* unknown */
    RD_HEAD_VERSION    /* not 1.x */
};

/*
 * Has it arrived? Of `size` bytes, `seen` were already looked at. GOOD: *end is its size, with the
 * empty lines that may be in front of it. MORE, or BROKEN as soon as that is certain.
 */
enum rd_head_verdict rd_head_find_end(const char *bytes, size_t size, size_t seen, size_t *end);
/* Of `size` bytes, which rd_head_find_end() has found; they are cut into texts. GOOD: all members
 * are set; else method and what else could be read are. */
enum rd_head_verdict rd_head_parse(struct rd_head *head, char *bytes, size_t size);

#endif
