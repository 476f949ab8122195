/* daemon/http/chunked.c - reads chunks byte by byte, and their data at once.
 *
 * Strict about what proxies have been led astray with: a size is 1 to 15
 * digits and nothing else, a line ends with CR LF, and no control character
 * is in it.
 */
#include "daemon/http/chunked.h"

#define MAX_DIGITS 15u
#define MAX_EXTRA 8192u

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum rd_chunks_state expect(char got, char wanted, enum rd_chunks_state then)
{
    return got == wanted ? then : RD_CHUNKS_BROKEN;
}

/* What a line may hold besides its size, until its CR. */
static enum rd_chunks_state skip(struct rd_chunks *chunks, char c, enum rd_chunks_state after_cr)
{
    if (c == '\r')
        return after_cr;
    if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f || ++chunks->n_extra > MAX_EXTRA)
        return RD_CHUNKS_BROKEN;
    return chunks->state;
}

static enum rd_chunks_state read_size(struct rd_chunks *chunks, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        chunks->left = chunks->left * 16u + (uint64_t)digit;
        return ++chunks->n_digits > MAX_DIGITS ? RD_CHUNKS_BROKEN : RD_CHUNKS_SIZE;
    }
    if (chunks->n_digits == 0)
        return RD_CHUNKS_BROKEN;
    chunks->n_digits = 0;
    if (c == ';')
        return RD_CHUNKS_EXTENSION;
    if (c == ' ' || c == '\t')
        return RD_CHUNKS_SPACE;
    return expect(c, '\r', RD_CHUNKS_SIZE_LF);
}

static enum rd_chunks_state step(struct rd_chunks *chunks, char c)
{
    switch (chunks->state) {
    case RD_CHUNKS_SIZE:
        return read_size(chunks, c);
    case RD_CHUNKS_SPACE: /* allowed in front of an extension only */
        if (c != ' ' && c != '\t')
            return expect(c, ';', RD_CHUNKS_EXTENSION);
        return ++chunks->n_extra > MAX_EXTRA ? RD_CHUNKS_BROKEN : RD_CHUNKS_SPACE;
    case RD_CHUNKS_EXTENSION:
        return skip(chunks, c, RD_CHUNKS_SIZE_LF);
    case RD_CHUNKS_SIZE_LF:
        return expect(c, '\n', chunks->left > 0 ? RD_CHUNKS_DATA : RD_CHUNKS_TRAILER_BEGIN);
    case RD_CHUNKS_DATA_CR:
        return expect(c, '\r', RD_CHUNKS_DATA_LF);
    case RD_CHUNKS_DATA_LF:
        return expect(c, '\n', RD_CHUNKS_SIZE);
    case RD_CHUNKS_TRAILER_BEGIN:
        return skip(chunks, c, RD_CHUNKS_LAST_LF) == RD_CHUNKS_TRAILER_BEGIN
                   ? RD_CHUNKS_TRAILER
                   : expect(c, '\r', RD_CHUNKS_LAST_LF);
    case RD_CHUNKS_TRAILER:
        return skip(chunks, c, RD_CHUNKS_TRAILER_LF);
    case RD_CHUNKS_TRAILER_LF:
        return expect(c, '\n', RD_CHUNKS_TRAILER_BEGIN);
    case RD_CHUNKS_LAST_LF:
        return expect(c, '\n', RD_CHUNKS_END);
    case RD_CHUNKS_DATA:
    case RD_CHUNKS_END:
    case RD_CHUNKS_BROKEN:
        break;
    }
    return chunks->state;
}

enum rd_chunks_state rd_chunks_feed(struct rd_chunks *chunks, const char *bytes, size_t size,
                                    struct rs_buffer *out)
{
    size_t i = 0;

    while (i < size && chunks->state != RD_CHUNKS_END && chunks->state != RD_CHUNKS_BROKEN) {
        if (chunks->state == RD_CHUNKS_DATA) {
            size_t n = chunks->left < size - i ? (size_t)chunks->left : size - i;

            rs_buffer_add(out, bytes + i, n);
            chunks->left -= n;
            i += n;
            if (chunks->left == 0)
                chunks->state = RD_CHUNKS_DATA_CR;
            continue;
        }
        chunks->state = step(chunks, bytes[i++]);
    }
    return chunks->state;
}
