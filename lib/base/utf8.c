/* lib/base/utf8.c - see utf8.h. */
#include "lib/base/utf8.h"

#include <stdint.h>
#include <string.h>

/* How many bytes the character that starts here has; 0 for NUL and for bytes that are no
 * character. `size` > 0. */
static size_t character_size(const unsigned char *at, size_t size)
{
    if (at[0] < 0x80)
        return at[0] != 0;
    size_t want = at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    if (at[0] < 0xC2 || at[0] > 0xF4 || size < want)
        return 0;
    uint32_t code = at[0] & (0x7Fu >> want);
    for (size_t i = 1; i < want; i++) {
        if ((at[i] & 0xC0u) != 0x80u)
            return 0;
        code = code << 6 | (at[i] & 0x3Fu);
    }
    int overlong = (want == 3 && code < 0x800u) || (want == 4 && code < 0x10000u);
    int surrogate = code >= 0xD800u && code <= 0xDFFFu;
    return overlong || surrogate || code > 0x10FFFFu ? 0 : want;
}

int rs_utf8_is_valid(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;

    for (size_t i = 0, step; i < size; i += step) {
        step = character_size(at + i, size - i);
        if (step == 0)
            return 0;
    }
    return 1;
}

size_t rs_utf8_count(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xC0u) != 0x80u;
    return n;
}

size_t rs_utf8_mark_size(const char *text, size_t size)
{
    return size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}
