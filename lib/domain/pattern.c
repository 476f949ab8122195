/* lib/domain/pattern.c - see pattern.h.
 *
 * To find out whether two patterns can make the same key, this file goes through both at the same
 * time and keeps every pair of places that a common beginning can lead to. A parameter is one
 * character of an encoded value and then any number of them, so it becomes two steps: ONE and MORE.
 * A value that is as it is has any characters: ANY_ONE and ANY_MORE.
 */
#include "lib/domain/pattern.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "recsys/aside.h"

/* Steps that are not a character of fixed text. */
enum { END = 0, ONE = 1, MORE = 2, ANY_ONE = 3, ANY_MORE = 4 };

static int is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The characters that recsys_key_format() writes for a value. */
static int is_of_value(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '%';
}

/* The length of "{name}" at `text`; 0 if that is not what is there. */
static size_t parameter_length(const char *text)
{
    size_t i = 1;

    while (is_name(text[i]))
        i++;
    return i > 1 && text[i] == '}' ? i + 1 : 0;
}

recsys_status rs_pattern_check(const char *pattern, const char *what, size_t *n_parameters,
                               recsys_error *err)
{
    const char *names[RS_PATTERN_PARAMETERS];
    size_t lengths[RS_PATTERN_PARAMETERS], n = 0, length;

    if (pattern == NULL || *pattern == '\0' || *pattern == '{' || *pattern == '~')
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: its key must begin with fixed text, as \"user:profile:{user_id}\" "
                        "does",
                        what);
    if (strlen(pattern) > RECSYS_KEY_MAX)
        return rs_error(err, RECSYS_E_INVALID, "%s: its key is longer than %u bytes", what,
                        RECSYS_KEY_MAX);
    for (const char *at = pattern; *at != '\0'; at += length) {
        length = 1;
        if (*at <= ' ' || *at > '~' || *at == '}')
            return rs_error(err, RECSYS_E_INVALID,
                            "%s: its key \"%s\" has a character that is not allowed at byte %zu",
                            what, pattern, (size_t)(at - pattern));
        if (*at != '{')
            continue;
        length = parameter_length(at);
        if (length == 0)
            return rs_error(err, RECSYS_E_INVALID,
                            "%s: its key \"%s\" has a '{' without a name of a-z 0-9 _ and '}'",
                            what, pattern);
        if (n == RS_PATTERN_PARAMETERS)
            return rs_error(err, RECSYS_E_INVALID, "%s: its key has more than %u parameters", what,
                            RS_PATTERN_PARAMETERS);
        for (size_t i = 0; i < n; i++)
            if (lengths[i] == length && memcmp(names[i], at, length) == 0)
                return rs_error(err, RECSYS_E_INVALID, "%s: its key names %.*s twice", what,
                                (int)length, at);
        names[n] = at;
        lengths[n++] = length;
    }
    *n_parameters = n;
    return RECSYS_OK;
}

/* `steps` has room for one more than the pattern has bytes. */
static size_t make_steps(const char *pattern, unsigned char *steps, int is_plain)
{
    const char *last = is_plain ? strrchr(pattern, '{') : NULL;
    size_t n = 0;

    while (*pattern != '\0') {
        size_t length = *pattern == '{' ? parameter_length(pattern) : 0;
        if (length > 0) {
            steps[n++] = pattern == last ? ANY_ONE : ONE;
            steps[n++] = pattern == last ? ANY_MORE : MORE;
            pattern += length;
        } else
            steps[n++] = (unsigned char)*pattern++;
    }
    steps[n] = END;
    return n;
}

static int is_of_parameter(unsigned char step)
{
    return step >= ONE && step <= ANY_MORE;
}

static int is_more(unsigned char step)
{
    return step == MORE || step == ANY_MORE;
}

/* 1 if a parameter's step takes this character, or another parameter's step. */
static int takes(unsigned char step, unsigned char other)
{
    return step >= ANY_ONE || is_of_parameter(other) || is_of_value(other);
}

/* 1 if one character fits both steps. */
static int can_meet(unsigned char a, unsigned char b)
{
    if (a == END || b == END)
        return 0;
    if (is_of_parameter(a))
        return takes(a, b);
    return is_of_parameter(b) ? takes(b, a) : a == b;
}

int rs_pattern_overlaps(const char *a, const char *b, int is_plain)
{
    size_t room = strlen(a) + strlen(b) + 2, n_a, n_b;
    unsigned char *steps = rs_alloc_array(room, 3);
    int met;

    if (steps == NULL)
        return -1;
    unsigned char *steps_a = steps, *steps_b = steps + strlen(a) + 1;
    n_a = make_steps(a, steps_a, is_plain);
    n_b = make_steps(b, steps_b, is_plain);
    /* here[j]: place (i, j) can be reached; below[j]: place (i + 1, j) */
    unsigned char *here = steps + room, *below = here + n_b + 1;
    here[0] = 1;
    for (size_t i = 0;; i++) {
        memset(below, 0, n_b + 1);
        for (size_t j = 0; j <= n_b; j++) {
            if (!here[j])
                continue;
            if (is_more(steps_a[i]))
                below[j] = 1;
            if (is_more(steps_b[j]))
                here[j + 1] = 1;
            if (!can_meet(steps_a[i], steps_b[j]))
                continue;
            size_t next = j + (is_more(steps_b[j]) ? 0 : 1);
            if (!is_more(steps_a[i]))
                below[next] = 1;
            else
                here[next] = 1;
        }
        if (i == n_a)
            break;
        unsigned char *spare = here;
        here = below;
        below = spare;
    }
    met = here[n_b];
    rs_free(steps);
    return met;
}

size_t rs_pattern_first_part(const char *pattern)
{
    const char *first = strchr(pattern, '{');
    const char *second = first == NULL ? NULL : strchr(first + 1, '{');

    return second == NULL ? strlen(pattern) : (size_t)(second - pattern);
}
