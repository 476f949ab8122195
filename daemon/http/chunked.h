/* daemon/http/chunked.h - decodes the chunked transfer coding of RFC 9112 section 7.1. */
#ifndef RECSYSD_CHUNKED_H
#define RECSYSD_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"

enum rd_chunked_state {
    RD_CHUNKED_SIZE, /* zero: the beginning */
    RD_CHUNKED_SPACE,
    RD_CHUNKED_EXTENSION,
    RD_CHUNKED_SIZE_LF,
    RD_CHUNKED_DATA,
    RD_CHUNKED_DATA_CR,
    RD_CHUNKED_DATA_LF,
    RD_CHUNKED_TRAILER_BEGIN,
    RD_CHUNKED_TRAILER,
    RD_CHUNKED_TRAILER_LF,
    RD_CHUNKED_LAST_LF,
    RD_CHUNKED_END,
    RD_CHUNKED_BROKEN
};

struct rd_chunked {
    uint64_t left;     /* of the chunk */
    uint32_t n_digits; /* of its size */
    uint32_t n_extra;  /* bytes of extensions and trailers so far */
    enum rd_chunked_state state;
};

/*
 * Take the next `size` bytes of the stream; the body's go to the end of `out`. Extensions and
 * trailers are ignored, up to 8192 bytes together. END: the body is complete. BROKEN: this is not
 * the coding. Any other state: more is to come. Bytes behind the end are ignored.
 */
enum rd_chunked_state rd_chunked_feed(struct rd_chunked *chunks, const char *bytes, size_t size,
                                      struct rs_buffer *out);

#endif
