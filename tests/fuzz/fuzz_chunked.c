/* tests/fuzz/fuzz_chunked.c - any bytes as a chunked body: however they are cut, the same comes
 * out, and never more than went in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rd_chunked_state decode(const char *bytes, size_t size, size_t piece,
                                    struct rs_buffer *out)
{
    struct rd_chunked chunks = {0};

    for (size_t i = 0; i < size; i += piece)
        rd_chunked_feed(&chunks, bytes + i, size - i < piece ? size - i : piece, out);
    return chunks.state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_buffer whole = RS_BUFFER_INIT(1u << 20), cut = RS_BUFFER_INIT(1u << 20);
    const char *bytes = (const char *)data;
    enum rd_chunked_state state = decode(bytes, size, size + 1, &whole);

    for (size_t piece = 1; piece < 8; piece += 3) {
        cut.size = 0;
        if (decode(bytes, size, piece, &cut) != state || cut.size != whole.size ||
            (whole.size > 0 && memcmp(cut.bytes, whole.bytes, whole.size) != 0))
            abort();
    }
    if (whole.size > size)
        abort();
    rs_buffer_destroy(&whole);
    rs_buffer_destroy(&cut);
    return 0;
}
