/* lib/base/text.c - see text.h. Case is changed and ignored for ASCII letters only: for others
 * it depends on the language. */
#include "lib/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void rs_text_trim(char *text)
{
    size_t length = strlen(text), start = length;

    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0u) == 0x80u)
        start--;
    if (start == 0)
        return;
    start--;
    unsigned char lead = (unsigned char)text[start];
    size_t want = lead < 0x80u ? 1 : lead >= 0xF0u ? 4 : lead >= 0xE0u ? 3 : 2;
    if (length - start < want)
        text[start] = '\0';
}

void rs_text_append(char *text, size_t room, const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text + length, room - length, format, arguments) < 0)
        text[length] = '\0';
    va_end(arguments);
    rs_text_trim(text);
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int rs_text_equal(const char *a, const char *b)
{
    while (*a != '\0' && lower((unsigned char)*a) == lower((unsigned char)*b)) {
        a++;
        b++;
    }
    return lower((unsigned char)*a) == lower((unsigned char)*b);
}

int rs_text_lower(const char *text, char *out, size_t room)
{
    size_t length = strlen(text);

    if (length >= room)
        return 0;
    for (size_t i = 0; i <= length; i++)
        out[i] = (char)lower((unsigned char)text[i]);
    return 1;
}
