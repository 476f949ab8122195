/* daemon/ctl/input/loose_value.c - see loose_value.h.
 *
 * pandas makes 1995.0 of a column with gaps, NaN of a gap and True of a truth; spreadsheets and SQL
 * write t, f, 0 and 1; CSV has only text. None of this leaves a doubt about what is meant.
 */
#include "daemon/ctl/input/loose_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/real.h"
#include "lib/base/text.h"

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (rs_text_equal(text, *words))
            return true;
    return false;
}

bool ctl_is_blank(const char *text)
{
    text += strspn(text, " \t");
    return text[0] == '\0' || strcmp(text, "\\N") == 0;
}

/* "na" in lower case is a language. */
bool ctl_is_no_value(const json_t *value)
{
    static const char *const words[] = {"nan", "null", "none", "n/a", "<na>", "nat", NULL};
    const char *text = json_string_value(value);

    if (text == NULL)
        return value == NULL || json_is_null(value);
    return ctl_is_blank(text) || is_one_of(text, words) || strcmp(text, "NA") == 0;
}

/* Copy without the blanks around; 0 if it does not fit or nothing is left. */
static size_t trim(const char *text, char *space, size_t room)
{
    size_t size;

    text += strspn(text, " \t");
    size = strlen(text);
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;
    if (size >= room)
        return 0;
    memcpy(space, text, size);
    space[size] = '\0';
    return size;
}

/* Digits with a sign perhaps, and perhaps ".0" behind them. */
static bool read_integer(const char *text, size_t size, int64_t *out)
{
    const char *point = memchr(text, '.', size);
    size_t i = text[0] == '-' || text[0] == '+';
    size_t end = point != NULL ? (size_t)(point - text) : size;
    int64_t value = 0;

    if (i == end || strspn(text + end + (point != NULL), "0") != size - end - (point != NULL))
        return false;
    for (; i < end; i++)
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text[i] - '0', &value))
            return false;
    if (text[0] != '-' && value == INT64_MIN)
        return false;
    *out = text[0] == '-' ? value : -value;
    return true;
}

bool ctl_to_integer(const json_t *value, int64_t *out)
{
    char text[64];
    size_t size;
    double real;

    if (json_is_integer(value)) {
        *out = (int64_t)json_integer_value(value);
        return true;
    }
    if (json_is_string(value)) {
        size = trim(json_string_value(value), text, sizeof text);
        return size > 0 && read_integer(text, size, out);
    }
    real = json_is_real(value) ? json_real_value(value) : 0.5;
    if (!(real > -0x1p53 && real < 0x1p53) || floor(real) < real)
        return false;
    *out = (int64_t)real;
    return true;
}

bool ctl_to_real(const json_t *value, double *out)
{
    char text[64];
    size_t size;

    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    if (!json_is_string(value))
        return false;
    size = trim(json_string_value(value), text, sizeof text);
    return size > 0 && rs_real_read(text, size, out) != 0 && isfinite(*out);
}

bool ctl_to_boolean(const json_t *value, bool *out)
{
    static const char *const yes[] = {"true", "t", "yes", "y", NULL};
    static const char *const no[] = {"false", "f", "no", "n", NULL};
    char text[64];
    int64_t number;

    if (json_is_boolean(value)) {
        *out = json_is_true(value);
        return true;
    }
    if (ctl_to_integer(value, &number)) {
        *out = number == 1;
        return number == 0 || number == 1;
    }
    if (!json_is_string(value) || trim(json_string_value(value), text, sizeof text) == 0)
        return false;
    *out = is_one_of(text, yes);
    return *out || is_one_of(text, no);
}

const char *ctl_to_text(const json_t *value, char *space, size_t room, size_t *size)
{
    const char *text = json_string_value(value);
    int64_t number;

    if (text != NULL) {
        text += strspn(text, " \t");
        *size = strlen(text);
        while (*size > 0 && (text[*size - 1] == ' ' || text[*size - 1] == '\t'))
            --*size;
        return text;
    }
    if (!json_is_number(value))
        return NULL;
    if (ctl_to_integer(value, &number)) {
        *size = (size_t)snprintf(space, room, "%" PRId64, number);
    } else {
        char real[RS_REAL_SIZE];
        rs_real_write(json_real_value(value), real);
        *size = (size_t)snprintf(space, room, "%s", real);
    }
    return *size < room ? space : NULL;
}

const char *ctl_show_value(const json_t *value, char *space, size_t room)
{
    size_t size = json_dumpb(value, space, room - 1, JSON_ENCODE_ANY | JSON_COMPACT);

    size = size < room ? size : room - 1;
    space[size] = '\0';
    rs_text_trim(space);
    return space;
}
