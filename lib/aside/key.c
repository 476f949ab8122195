/* lib/aside/key.c - make a key from a pattern and values that strangers choose.
 *
 * All characters of a value except A-Z a-z 0-9 . _ - are percent-encoded, and between
 * two values stands at least one character that encoding never gives. So two
 * different lists of values never make the same key, and no value can pretend
 * to be another part of it. A pattern with which that would not hold is
 * refused.
 *
 * In a plain key the last value is as it is, whatever is in it: other programs look for it so. It
 * is everything between two fixed texts, so two lists still never make the same key.
 */
#include <string.h>

#include "lib/aside/plain_key.h"
#include "lib/base/error.h"
#include "recsys/aside.h"

struct writing {
    char *out;
    size_t size, room; /* room without the NUL */
    int is_full;
};

static int is_plain(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static void add(struct writing *to, char c)
{
    if (to->size < to->room)
        to->out[to->size++] = c;
    else
        to->is_full = 1;
}

static void add_value(struct writing *to, recsys_bytes value)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *bytes = value.data;

    for (size_t i = 0; i < value.size && !to->is_full; i++) {
        if (is_plain(bytes[i])) {
            add(to, (char)bytes[i]);
            continue;
        }
        add(to, '%');
        add(to, digits[bytes[i] >> 4]);
        add(to, digits[bytes[i] & 15]);
    }
}

/* Behind the '}' of the name that begins at `text`; NULL if it is not a name. */
static const char *skip_name(const char *text)
{
    const char *end = text;

    while (is_plain((unsigned char)*end) && *end != '.' && *end != '-')
        end++;
    return end > text && *end == '}' ? end + 1 : NULL;
}

static recsys_status check_value(const char *pattern, const recsys_bytes *values, size_t n,
                                 size_t i, recsys_error *err)
{
    if (i >= n)
        return rs_error(err, RECSYS_E_INVALID,
                        "key \"%.100s\": it has more names than the %zu values given", pattern, n);
    if (values[i].data == NULL || values[i].size == 0)
        return rs_error(err, RECSYS_E_INVALID, "key \"%.100s\": value %zu is empty", pattern, i);
    return RECSYS_OK;
}

static void add_as_it_is(struct writing *to, recsys_bytes value)
{
    for (size_t i = 0; i < value.size && !to->is_full; i++)
        add(to, ((const char *)value.data)[i]);
}

static recsys_status write_pattern(const char *pattern, const recsys_bytes *values, size_t n,
                                   int is_plain_key, struct writing *to, recsys_error *err)
{
    size_t n_used = 0;
    int is_apart = 1; /* from the value before */

    for (const char *at = pattern; *at != '\0';) {
        if (*at != '{') {
            if (*at < 0x20 || *at > 0x7e || *at == '}')
                return rs_error(err, RECSYS_E_INVALID,
                                "key \"%.100s\": fixed text is printable ASCII without braces",
                                pattern);
            is_apart |= !is_plain((unsigned char)*at) && *at != '%';
            add(to, *at++);
            continue;
        }
        at = skip_name(at + 1);
        if (at == NULL)
            return rs_error(err, RECSYS_E_INVALID,
                            "key \"%.100s\": a value is written {name}, of letters, digits and _",
                            pattern);
        if (!is_apart)
            return rs_error(err, RECSYS_E_INVALID,
                            "key \"%.100s\": between two values there must be a character that no "
                            "value can give, such as ':'",
                            pattern);
        recsys_status status = check_value(pattern, values, n, n_used, err);
        if (status != RECSYS_OK)
            return status;
        if (is_plain_key && n_used + 1 == n)
            add_as_it_is(to, values[n_used]);
        else
            add_value(to, values[n_used]);
        n_used++;
        is_apart = 0;
    }
    if (n_used != n)
        return rs_error(err, RECSYS_E_INVALID, "key \"%.100s\": it has %zu names, %zu values given",
                        pattern, n_used, n);
    if (pattern[0] == '~' || pattern[0] == '\0')
        return rs_error(err, RECSYS_E_INVALID,
                        "key \"%.100s\": a key has a beginning, and that is not '~'", pattern);
    if (to->is_full)
        return rs_error(err, RECSYS_E_LIMIT, "key \"%.100s\": longer than %u bytes or the buffer",
                        pattern, RECSYS_KEY_MAX);
    if (!is_plain_key && to->size >= 2 && memcmp(to->out + to->size - 2, "~r", 2) == 0)
        return rs_error(err, RECSYS_E_INVALID, "key \"%.100s\": a key must not end in ~r", pattern);
    return RECSYS_OK;
}

static recsys_status format_key(const char *pattern, const recsys_bytes *values, size_t n,
                                int is_plain_key, char *out, size_t *size, recsys_error *err)
{
    struct writing to = {out, 0, *size - 1 < RECSYS_KEY_MAX ? *size - 1 : RECSYS_KEY_MAX, 0};
    recsys_status status = write_pattern(pattern, values, n, is_plain_key, &to, err);

    *size = status == RECSYS_OK ? to.size : 0;
    out[*size] = '\0';
    return status;
}

recsys_status recsys_key_format(const char *pattern, const recsys_bytes *values, size_t n,
                                char *out, size_t *size, recsys_error *err)
{
    if (pattern == NULL || (values == NULL && n > 0) || out == NULL || size == NULL || *size == 0) {
        if (out != NULL && size != NULL && *size > 0)
            out[0] = '\0';
        if (size != NULL)
            *size = 0;
        return rs_error(err, RECSYS_E_INVALID, "recsys_key_format: an argument is missing");
    }
    return format_key(pattern, values, n, 0, out, size, err);
}

recsys_status rs_key_format_plain(const char *pattern, const recsys_bytes *values, size_t n,
                                  char out[RECSYS_KEY_MAX + 1], size_t *size, recsys_error *err)
{
    *size = RECSYS_KEY_MAX + 1;
    return format_key(pattern, values, n, 1, out, size, err);
}
