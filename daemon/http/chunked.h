/* daemon/http/chunked.h - the chunked transfer coding of RFC 9112 section 7.1, taken off. */
#ifndef RECSYSD_CHUNKED_H
#define RECSYSD_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"

enum rd_chunks_state {
    RD_CHUNKS_SIZE, /* zero: the beginning */
    RD_CHUNKS_SPACE,
    RD_CHUNKS_EXTENSION,
    RD_CHUNKS_SIZE_LF,
    RD_CHUNKS_DATA,
    RD_CHUNKS_DATA_CR,
    RD_CHUNKS_DATA_LF,
    RD_CHUNKS_TRAILER_BEGIN,
    RD_CHUNKS_TRAILER,
    RD_CHUNKS_TRAILER_LF,
    RD_CHUNKS_LAST_LF,
    RD_CHUNKS_END,
    RD_CHUNKS_BROKEN
};

struct rd_chunks {
    uint64_t left;     /* of the chunk */
    uint32_t n_digits; /* of its size */
    uint32_t n_extra;  /* bytes of extensions and trailers so far */
    enum rd_chunks_state state;
};

/*
 * Take the next `size` bytes of the stream; the body's go to the end of `out`.
 * Extensions and trailers are ignored, up to 8192 bytes together. END when the
 * body is complete, BROKEN when this is not the coding, anything else: more is
 * to come. What follows the end is left alone.
 */
enum rd_chunks_state rd_chunks_feed(struct rd_chunks *chunks, const char *bytes, size_t size,
                                    struct rs_buffer *out);

#endif
