/* daemon/http/json_rewrite.c - makes well-formed JSON readable for jansson.
 *
 * RFC 8259 has numbers of any size, \u0000 and half pairs of surrogates; jansson refuses the whole
 * text because of one. In a member that nobody reads these must not matter, and in one that is read
 * the error has to name it. So they are replaced, with as many bytes, by values that jansson reads
 * and that no field accepts:
 *
 *   an integer beyond 64 bits   a real number of that size
 *   a number beyond a double    the largest power of ten that is one
 *   \u0000, \ud800              \uffff, which is no character; fields.c refuses it
 *
 * Whether the text is JSON is decided by jansson afterwards.
 */
#include "daemon/http/json_rewrite.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hex.h"
#include "lib/base/json_scan.h"

#define ESCAPE 6u /* bytes of \uXXXX */

/* The code unit of the escape \uXXXX at `at`; -1 if there is none. */
static long code_unit(const char *at, const char *end)
{
    long unit = 0;

    if (end - at < (long)ESCAPE || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (unsigned i = 2; i < ESCAPE; i++) {
        int digit = rs_hex_digit(at[i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_high(long unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(long unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* The escape at `at`; the bytes of it, and of the one behind it if they are a pair. */
static size_t rewrite_escape(char *at, const char *end, bool *changed)
{
    long unit = code_unit(at, end);

    if (is_high(unit) && is_low(code_unit(at + ESCAPE, end)))
        return 2u * ESCAPE;
    if (unit == 0 || is_high(unit) || is_low(unit)) {
        memcpy(at + 2, "ffff", 4);
        *changed = true;
    }
    return unit < 0 ? 2u : ESCAPE;
}

/* The end of the string whose first quotation mark is at `at`. */
static char *rewrite_string(char *at, char *end, bool *changed)
{
    for (at++; at < end && *at != '"';) {
        size_t n = *at == '\\' ? rewrite_escape(at, end, changed) : 1u;

        at = n < (size_t)(end - at) ? at + n : end;
    }
    return at < end ? at + 1 : end;
}

/* The largest power of ten, and spaces. A number beyond a double has five digits or more. */
static void write_largest(char *at, size_t size)
{
    size_t sign = *at == '-';

    memset(at + sign, ' ', size - sign);
    memcpy(at + sign, "1e308", 5);
}

static bool is_beyond_64_bits(const char *digits)
{
    errno = 0;
    (void)strtoll(digits, NULL, 10);
    return errno == ERANGE;
}

/* The end of the number that begins at `at`. */
static char *rewrite_number(char *at, const char *end, bool *changed)
{
    size_t n_integer = strspn(at + 1, "0123456789") + 1;
    size_t size = strspn(at + 1, "0123456789+-.eE") + 1;

    if (size > (size_t)(end - at))
        size = (size_t)(end - at);
    if (!rs_json_is_number(at, size))
        return at + size;
    if (isinf(strtod(at, NULL)))
        write_largest(at, size);
    else if (n_integer == size && is_beyond_64_bits(at))
        memcpy(at + size - 2, "e2", 2); /* of 19 digits or more */
    else
        return at + size;
    *changed = true;
    return at + size;
}

bool rd_json_rewrite(char *text, size_t size)
{
    char *at = text, *end = text + size;
    bool changed = false;

    while (at < end) {
        if (*at == '"')
            at = rewrite_string(at, end, &changed);
        else if (*at == '-' || isdigit((unsigned char)*at))
            at = rewrite_number(at, end, &changed);
        else
            at++;
    }
    return changed;
}
