/* daemon/http/chunked.c - reads chunks byte by byte, and their data at once.
 *
 * It is strict where attacks on proxies have used differences between parsers: a size is 1 to 15
 * digits and nothing else, a line ends with CR LF and contains no control character.
 */
#include "daemon/http/chunked.h"

#include "lib/base/hex.h"

#define MAX_DIGITS 15u
#define MAX_EXTRA 8192u

static enum rd_chunked_state expect(char got, char wanted, enum rd_chunked_state then)
{
    return got == wanted ? then : RD_CHUNKED_BROKEN;
}

/* The rest of a line behind the size, up to its CR. */
static enum rd_chunked_state skip(struct rd_chunked *chunks, char c, enum rd_chunked_state after_cr)
{
    if (c == '\r')
        return after_cr;
    if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f || ++chunks->n_extra > MAX_EXTRA)
        return RD_CHUNKED_BROKEN;
    return chunks->state;
}

static enum rd_chunked_state read_size(struct rd_chunked *chunks, char c)
{
    int digit = rs_hex_digit(c);

    if (digit >= 0) {
        chunks->left = chunks->left * 16u + (uint64_t)digit;
        return ++chunks->n_digits > MAX_DIGITS ? RD_CHUNKED_BROKEN : RD_CHUNKED_SIZE;
    }
    if (chunks->n_digits == 0)
        return RD_CHUNKED_BROKEN;
    chunks->n_digits = 0;
    if (c == ';')
        return RD_CHUNKED_EXTENSION;
    if (c == ' ' || c == '\t')
        return RD_CHUNKED_SPACE;
    return expect(c, '\r', RD_CHUNKED_SIZE_LF);
}

static enum rd_chunked_state step(struct rd_chunked *chunks, char c)
{
    switch (chunks->state) {
    case RD_CHUNKED_SIZE:
        return read_size(chunks, c);
    case RD_CHUNKED_SPACE: /* allowed in front of an extension only */
        if (c != ' ' && c != '\t')
            return expect(c, ';', RD_CHUNKED_EXTENSION);
        return ++chunks->n_extra > MAX_EXTRA ? RD_CHUNKED_BROKEN : RD_CHUNKED_SPACE;
    case RD_CHUNKED_EXTENSION:
        return skip(chunks, c, RD_CHUNKED_SIZE_LF);
    case RD_CHUNKED_SIZE_LF:
        return expect(c, '\n', chunks->left > 0 ? RD_CHUNKED_DATA : RD_CHUNKED_TRAILER_BEGIN);
    case RD_CHUNKED_DATA_CR:
        return expect(c, '\r', RD_CHUNKED_DATA_LF);
    case RD_CHUNKED_DATA_LF:
        return expect(c, '\n', RD_CHUNKED_SIZE);
    case RD_CHUNKED_TRAILER_BEGIN:
        return skip(chunks, c, RD_CHUNKED_LAST_LF) == RD_CHUNKED_TRAILER_BEGIN
                   ? RD_CHUNKED_TRAILER
                   : expect(c, '\r', RD_CHUNKED_LAST_LF);
    case RD_CHUNKED_TRAILER:
        return skip(chunks, c, RD_CHUNKED_TRAILER_LF);
    case RD_CHUNKED_TRAILER_LF:
        return expect(c, '\n', RD_CHUNKED_TRAILER_BEGIN);
    case RD_CHUNKED_LAST_LF:
        return expect(c, '\n', RD_CHUNKED_END);
    case RD_CHUNKED_DATA:
    case RD_CHUNKED_END:
    case RD_CHUNKED_BROKEN:
        break;
    }
    return chunks->state;
}

enum rd_chunked_state rd_chunked_feed(struct rd_chunked *chunks, const char *bytes, size_t size,
                                      struct rs_buffer *out)
{
    size_t i = 0;

    while (i < size && chunks->state != RD_CHUNKED_END && chunks->state != RD_CHUNKED_BROKEN) {
        if (chunks->state == RD_CHUNKED_DATA) {
            size_t n = chunks->left < size - i ? (size_t)chunks->left : size - i;

            rs_buffer_add(out, bytes + i, n);
            chunks->left -= n;
            i += n;
            if (chunks->left == 0)
                chunks->state = RD_CHUNKED_DATA_CR;
            continue;
        }
        chunks->state = step(chunks, bytes[i++]);
    }
    return chunks->state;
}
