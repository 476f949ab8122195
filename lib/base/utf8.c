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

#define HIGH_BITS 0x8080808080808080u
#define LOW_BITS 0x7F7F7F7F7F7F7F7Fu
#define ONES 0x0101010101010101u

/* Eight characters of ASCII at once, as most texts have them: how many of them are not NUL; -1 if
 * there are fewer than eight bytes or others than ASCII. */
static inline int ascii_count(const unsigned char *at, size_t size)
{
    uint64_t word;

    if (size < sizeof word)
        return -1;
    memcpy(&word, at, sizeof word);
    if (word & HIGH_BITS)
        return -1;
    /* Without high bits the sum carries nothing over, and sets that of every byte but 0. The
     * product adds the eight bits. */
    return (int)((((word + LOW_BITS) & HIGH_BITS) >> 7) * ONES >> 56);
}

int rs_utf8_is_valid(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;

    for (size_t i = 0, step; i < size; i += step) {
        step = ascii_count(at + i, size - i) == 8 ? 8 : character_size(at + i, size - i);
        if (step == 0)
            return 0;
    }
    return 1;
}

size_t rs_utf8_count_texts(const char *bytes, size_t size)
{
    const unsigned char *at = (const unsigned char *)bytes;
    size_t n = 0;

    if (size > 0 && at[size - 1] != '\0')
        return SIZE_MAX;
    for (size_t i = 0, step; i < size; i += step) {
        int ascii = ascii_count(at + i, size - i);
        if (ascii >= 0) {
            n += 8 - (size_t)ascii;
            step = 8;
        } else if (at[i] == '\0') {
            n++;
            step = 1;
        } else if ((step = character_size(at + i, size - i)) == 0) {
            return SIZE_MAX;
        }
    }
    return n;
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
