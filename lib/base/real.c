/* lib/base/real.c - see real.h.
 *
 * snprintf and strtod take the decimal point from the host's locale, which the library does not
 * change. So the locale's point is found in snprintf's text and replaced by '.', and the reverse is
 * done before strtod.
 */
#include "lib/base/real.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones are refused; no double needs more digits. */
#define MAX_DIGITS 1100

/* Replace the locale's decimal point by '.'. */
static void use_point(char *text)
{
    size_t start = strspn(text, "-0123456789");
    size_t length = strcspn(text + start, "0123456789e");

    if (length > 0 && text[start] != 'e') {
        memmove(text + start + 1, text + start + length, strlen(text + start + length) + 1);
        text[start] = '.';
    }
}

void rs_real_write_shortest(double value, char out[RS_REAL_SIZE])
{
    /* Every double but the subnormal ones keeps 15 digits. */
    int digits = fabs(value) < DBL_MIN ? 1 : 15;

    for (; digits <= 17; digits++) {
        snprintf(out, RS_REAL_SIZE, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    use_point(out);
}

void rs_real_write(double value, char out[RS_REAL_SIZE])
{
    rs_real_write_shortest(value, out);
    if (strpbrk(out, ".e") == NULL)
        memcpy(out + strlen(out), ".0", sizeof ".0");
}

static size_t count_digits(const char *text, size_t size)
{
    size_t n = 0;

    while (n < size && text[n] >= '0' && text[n] <= '9')
        n++;
    return n;
}

/* A decimal number? `point` becomes where its point is, or `size`. */
static int is_decimal(const char *text, size_t size, size_t *point)
{
    size_t at = size > 0 && text[0] == '-', n = count_digits(text + at, size - at);

    *point = size;
    if (n == 0)
        return 0;
    at += n;
    if (at < size && text[at] == '.') {
        *point = at++;
        n = count_digits(text + at, size - at);
        if (n == 0)
            return 0;
        at += n;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < size && (text[at] == '+' || text[at] == '-');
        n = count_digits(text + at, size - at);
        if (n == 0)
            return 0;
        at += n;
    }
    return at == size;
}

int rs_real_read(const char *text, size_t size, double *out)
{
    char copy[MAX_DIGITS + 16], half[16];
    size_t point, length;

    if (size > MAX_DIGITS || !is_decimal(text, size, &point))
        return 0;
    snprintf(half, sizeof half, "%.1f", 0.5);
    length = strlen(half) - 2; /* of the locale's point, which stands between 0 and 5 */
    memcpy(copy, text, point);
    if (point < size) {
        memcpy(copy + point, half + 1, length);
        memcpy(copy + point + length, text + point + 1, size - point - 1);
        size += length - 1;
    }
    copy[size] = '\0';
    *out = strtod(copy, NULL);
    return 1;
}
