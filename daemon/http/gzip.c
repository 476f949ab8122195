/* daemon/http/gzip.c - compresses a finished body with zlib.
 *
 * Each worker keeps one deflater, 256 KiB of zlib's, and resets it between replies; a worker that
 * never compresses never makes one. From level 4, zlib uses lazy matching, which gives most of the
 * gain for little time.
 */
#include "daemon/http/gzip.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <zlib.h>

#define LEVEL 4
#define KEPT_BYTES 262144u    /* of memory between two replies */
#define GZIP_WINDOW (15 + 16) /* 16 asks zlib for gzip's header and trailer */

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " \t");
}

/* The weight of one list element whose name ends at `text`: is it more than 0? */
static bool has_weight(const char *text, size_t size)
{
    const char *end = text + size, *semicolon = memchr(text, ';', size);

    if (semicolon == NULL)
        return true;
    text = skip_spaces(semicolon + 1);
    if (end - text < 2 || (text[0] != 'q' && text[0] != 'Q') || text[1] != '=')
        return true;
    for (text += 2; text < end; text++)
        if (*text >= '1' && *text <= '9')
            return true;
    return false;
}

bool rd_gzip_accepted(const char *accept_encoding)
{
    const char *text = accept_encoding;
    bool any = false;

    while (text != NULL && *text != '\0') {
        size_t size, name_size;

        text = skip_spaces(text);
        size = strcspn(text, ",");
        name_size = strcspn(text, ",; \t");
        if (name_size == 4 && strncasecmp(text, "gzip", 4) == 0)
            return has_weight(text, size);
        if (name_size == 1 && text[0] == '*')
            any = has_weight(text, size);
        text += size + (text[size] == ',');
    }
    return any;
}

static z_stream *get_deflater(void **deflater)
{
    z_stream *stream = *deflater;

    if (stream != NULL)
        return deflateReset(stream) == Z_OK ? stream : NULL;
    stream = calloc(1, sizeof *stream);
    if (stream == NULL ||
        deflateInit2(stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(stream);
        return NULL;
    }
    *deflater = stream;
    return stream;
}

bool rd_gzip(void **deflater, const struct rs_buffer *from, size_t skip, struct rs_buffer *to)
{
    size_t size = from->size - skip;
    z_stream *stream = get_deflater(deflater);

    rs_buffer_reset(to, KEPT_BYTES);
    if (stream == NULL || size > (uInt)-1 || rs_buffer_reserve(to, from->size) == NULL)
        return false;
    stream->next_in = (Bytef *)from->bytes + skip;
    stream->avail_in = (uInt)size;
    stream->next_out = (Bytef *)to->bytes + skip;
    stream->avail_out = (uInt)size; /* a body that does not become smaller is sent uncompressed */
    if (deflate(stream, Z_FINISH) != Z_STREAM_END)
        return false;
    to->size = from->size - stream->avail_out;
    return true;
}

/* The last four bytes of gzip's are the size of what was packed. */
static size_t size_of(const struct rs_buffer *packed)
{
    const unsigned char *end = (const unsigned char *)packed->bytes + packed->size;

    return (size_t)end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
}

bool rd_gunzip(const struct rs_buffer *from, size_t skip, struct rs_buffer *to)
{
    size_t size = size_of(from);
    z_stream stream = {0};
    bool is_whole;

    rs_buffer_reset(to, KEPT_BYTES);
    if (rs_buffer_reserve(to, skip + size) == NULL || inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return false;
    stream.next_in = (Bytef *)from->bytes + skip;
    stream.avail_in = (uInt)(from->size - skip);
    stream.next_out = (Bytef *)to->bytes + skip;
    stream.avail_out = (uInt)size;
    is_whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
    (void)inflateEnd(&stream);
    to->size = skip + size;
    return is_whole;
}

void rd_gzip_free(void *deflater)
{
    if (deflater != NULL)
        (void)deflateEnd(deflater);
    free(deflater);
}
