/* daemon/http/fields.c - one function for each type of field.
 *
 * The rules and the wording are pydantic v2's in its usual, lax mode, so that a client of a FastAPI
 * service works here, too, and gets the same messages.
 */
#include "daemon/http/fields.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/json_rewrite.h"
#include "lib/base/utf8.h"

#define MAX_INT_TEXT 255u /* as that of an id */

static void add_range(struct rd_problems *problems, const struct rd_place *place,
                      const json_t *value, const char *type, const char *words, const char *key,
                      const char *limit, const char *limit_json)
{
    char message[96], context[64];

    (void)snprintf(message, sizeof message, "Input should be %s %s", words, limit);
    (void)snprintf(context, sizeof context, "\"%s\":%s", key, limit_json);
    rd_problem_add(problems, type, place, message, value, context);
}

enum parsed { PARSED, NOT_A_NUMBER, TOO_LARGE };

/* A whole number with spaces around, a sign, and .000 behind it, as pydantic takes it. */
static enum parsed parse_int(const char *text, int64_t *out)
{
    bool negative, any = false, large = false;
    int64_t value = 0;

    while (isspace((unsigned char)*text))
        text++;
    negative = *text == '-';
    text += *text == '-' || *text == '+';
    for (; isdigit((unsigned char)*text); text++, any = true) {
        int digit = *text - '0';

        if (value > (INT64_MAX - digit) / 10)
            large = true;
        else
            value = value * 10 + digit;
    }
    if (any && *text == '.')
        for (text++; *text == '0'; text++)
            ;
    while (isspace((unsigned char)*text))
        text++;
    if (!any || *text != '\0')
        return NOT_A_NUMBER;
    *out = large ? (negative ? INT64_MIN : INT64_MAX) : (negative ? -value : value);
    return large ? TOO_LARGE : PARSED;
}

static bool is_too_large(struct rd_problems *problems, const struct rd_place *place,
                         const json_t *value)
{
    rd_problem_add(problems, "int_parsing_size", place,
                   "Unable to parse input string as an integer, exceeded maximum size", value,
                   NULL);
    return false;
}

/* Any value that pydantic takes as an integer; the caller checks the range. */
static bool read_int(struct rd_problems *problems, const struct rd_place *place,
                     const json_t *value, int64_t *out)
{
    double real;

    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (json_is_string(value)) {
        if (json_string_length(value) > MAX_INT_TEXT)
            return is_too_large(problems, place, value);
        if (parse_int(json_string_value(value), out) != NOT_A_NUMBER)
            return true;
        rd_problem_add(problems, "int_parsing", place,
                       "Input should be a valid integer, unable to parse string as an integer",
                       value, NULL);
        return false;
    }
    if (!json_is_real(value)) {
        rd_problem_add(problems, "int_type", place, "Input should be a valid integer", value, NULL);
        return false;
    }
    real = json_real_value(value);
    if (floor(real) != real)
        rd_problem_add(problems, "int_from_float", place,
                       "Input should be a valid integer, got a number with a fractional part",
                       value, NULL);
    else if (fabs(real) >= 0x1p63)
        return is_too_large(problems, place, value);
    else if (fabs(real) >= 0x1p53) /* what was sent may have been the number beside it */
        rd_problem_add(problems, "int_from_float", place,
                       "Input should be a valid integer: with a point or an exponent a number is "
                       "exact below 2^53 only, send its digits alone",
                       value, NULL);
    else {
        *out = (int64_t)real;
        return true;
    }
    return false;
}

void rd_field_int(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                  int64_t min, int64_t max, int64_t *out)
{
    char limit[24];
    int64_t number;

    if (value == NULL || json_is_null(value) || !read_int(problems, place, value, &number))
        return;
    if (number < min) {
        (void)snprintf(limit, sizeof limit, "%lld", (long long)min);
        add_range(problems, place, value, "greater_than_equal", "greater than or equal to", "ge",
                  limit, limit);
    } else if (number > max) {
        (void)snprintf(limit, sizeof limit, "%lld", (long long)max);
        add_range(problems, place, value, "less_than_equal", "less than or equal to", "le", limit,
                  limit);
    } else {
        *out = number;
    }
}

static bool read_float(struct rd_problems *problems, const struct rd_place *place,
                       const json_t *value, double *out)
{
    const char *text = json_string_value(value);
    char *end;

    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    if (text == NULL) {
        rd_problem_add(problems, "float_type", place, "Input should be a valid number", value,
                       NULL);
        return false;
    }
    *out = strtod(text, &end);
    /* strtod would take hexadecimal digits and "infinity" as well. */
    if (end != text && *end == '\0' && strspn(text, "+-.0123456789eE \t") == strlen(text))
        return true;
    rd_problem_add(problems, "float_parsing", place,
                   "Input should be a valid number, unable to parse string as a number", value,
                   NULL);
    return false;
}

void rd_field_double(struct rd_problems *problems, const struct rd_place *place,
                     const json_t *value, int min, int max, double *out)
{
    char limit[16], limit_json[24];
    double number;

    if (value == NULL || json_is_null(value) || !read_float(problems, place, value, &number))
        return;
    if (number >= min && number <= max) {
        *out = number + 0.0; /* minus zero becomes zero: one value, one cache key */
        return;
    }
    (void)snprintf(limit, sizeof limit, "%d", number < min ? min : max);
    (void)snprintf(limit_json, sizeof limit_json, "%s.0", limit);
    if (number < min)
        add_range(problems, place, value, "greater_than_equal", "greater than or equal to", "ge",
                  limit, limit_json);
    else
        add_range(problems, place, value, "less_than_equal", "less than or equal to", "le", limit,
                  limit_json);
}

void rd_field_float(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                    int min, int max, float *out)
{
    double number = (double)*out;

    rd_field_double(problems, place, value, min, max, &number);
    *out = (float)number;
}

void rd_field_bool(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                   bool *out)
{
    static const char *const yes[] = {"1", "on", "t", "true", "y", "yes"};
    static const char *const no[] = {"0", "off", "f", "false", "n", "no"};
    const char *text = json_string_value(value);
    double number = json_number_value(value);

    if (value == NULL || json_is_null(value))
        return;
    if (json_is_boolean(value) || (json_is_number(value) && (number == 0.0 || number == 1.0))) {
        *out = json_is_true(value) || number == 1.0;
        return;
    }
    for (size_t i = 0; text != NULL && i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = strcasecmp(text, yes[i]) == 0;
            return;
        }
    }
    if (text != NULL || json_is_integer(value))
        rd_problem_add(problems, "bool_parsing", place,
                       "Input should be a valid boolean, unable to interpret input", value, NULL);
    else
        rd_problem_add(problems, "bool_type", place, "Input should be a valid boolean", value,
                       NULL);
}

static bool read_string(struct rd_problems *problems, const struct rd_place *place,
                        const json_t *value)
{
    if (!json_is_string(value))
        rd_problem_add(problems, "string_type", place, "Input should be a valid string", value,
                       NULL);
    else if (strstr(json_string_value(value), RD_NO_CHARACTER) != NULL)
        rd_problem_add(
            problems, "string_unicode", place,
            "Input should be a valid string, unable to parse raw data as a unicode string", value,
            NULL);
    else
        return true;
    return false;
}

void rd_field_decade(struct rd_problems *problems, const struct rd_place *place,
                     const json_t *value, int32_t *out)
{
    const char *text;

    if (value == NULL || json_is_null(value) || !read_string(problems, place, value))
        return;
    text = json_string_value(value);
    if (strspn(text, "0123456789") == 4 && text[0] != '0' && text[3] == '0' &&
        strcmp(text + 4, "s") == 0)
        *out = (int32_t)strtol(text, NULL, 10);
    else
        rd_problem_add(problems, "string_pattern_mismatch", place,
                       "String should match pattern '" RD_DECADE_PATTERN "'", value,
                       "\"pattern\":\"" RD_DECADE_PATTERN "\"");
}

/* Is it a list of min..max elements? */
static bool read_list(struct rd_problems *problems, const struct rd_place *place,
                      const json_t *value, size_t min, size_t max)
{
    size_t size = json_array_size(value), limit = size < min ? min : max;
    char message[96], context[96];
    bool is_short = size < min;

    if (!json_is_array(value)) {
        rd_problem_add(problems, "list_type", place, "Input should be a valid list", value, NULL);
        return false;
    }
    if (size >= min && size <= max)
        return true;
    (void)snprintf(message, sizeof message,
                   "List should have at %s %zu item%s after validation, not %zu",
                   is_short ? "least" : "most", limit, limit == 1 ? "" : "s", size);
    (void)snprintf(context, sizeof context,
                   "\"field_type\":\"List\",\"%s_length\":%zu,\"actual_length\":%zu",
                   is_short ? "min" : "max", limit, size);
    rd_problem_add(problems, is_short ? "too_short" : "too_long", place, message, value, context);
    return false;
}

void rd_field_text(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                   size_t min, size_t max, const char **out)
{
    char message[96], context[48];
    size_t n, limit;
    bool is_short;

    if (value == NULL || json_is_null(value) || !read_string(problems, place, value))
        return;
    n = rs_utf8_count(json_string_value(value));
    if (n >= min && n <= max) {
        *out = json_string_value(value);
        return;
    }
    is_short = n < min;
    limit = is_short ? min : max;
    (void)snprintf(message, sizeof message, "String should have at %s %zu character%s",
                   is_short ? "least" : "most", limit, limit == 1 ? "" : "s");
    (void)snprintf(context, sizeof context, "\"%s_length\":%zu", is_short ? "min" : "max", limit);
    rd_problem_add(problems, is_short ? "string_too_short" : "string_too_long", place, message,
                   value, context);
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void rd_field_words(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                    struct rd_words *out)
{
    size_t n = 0;

    if (value == NULL || json_is_null(value) || !read_list(problems, place, value, 0, RD_WORDS_MAX))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct rd_place element = {place, NULL, i};
        const json_t *item = json_array_get(value, i);
        const char *word = json_string_value(item);
        char *to = out->text[n];

        if (!read_string(problems, &element, item))
            continue;
        if (rs_utf8_count(word) > RD_WORD_MAX) {
            rd_problem_add(problems, "string_too_long", &element,
                           "String should have at most 64 characters", item, "\"max_length\":64");
            continue;
        }
        out->words[n++] = to;
        for (; *word != '\0'; word++) /* ASCII only, as the library compares */
            *to++ = *word >= 'A' && *word <= 'Z' ? (char)(*word - 'A' + 'a') : *word;
        *to = '\0';
    }
    qsort(out->words, n, sizeof out->words[0], compare_words);
    out->count = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(out->words[i], out->words[i - 1]) != 0)
            out->words[out->count++] = out->words[i];
}

static bool read_text_id(struct rd_problems *problems, const struct rd_place *place,
                         const json_t *value, recsys_id *out)
{
    if (!read_string(problems, place, value))
        return false;
    out->text = json_string_value(value);
    out->number = json_string_length(value);
    if (out->number == 0)
        rd_problem_add(problems, "string_too_short", place,
                       "String should have at least 1 character", value, "\"min_length\":1");
    else if (out->number > RECSYS_ID_MAX_TEXT)
        rd_problem_add(problems, "string_too_long", place,
                       "String should have at most 255 characters", value, "\"max_length\":255");
    else
        return true;
    return false;
}

bool rd_field_id(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                 uint32_t kind, recsys_id *out)
{
    static const char max[] = "9223372036854775807";
    int64_t number;

    if (kind == RECSYS_ID_KIND_TEXT)
        return read_text_id(problems, place, value, out);
    if (!read_int(problems, place, value, &number))
        return false;
    if (json_is_string(value) && parse_int(json_string_value(value), &number) == TOO_LARGE &&
        number > 0) {
        add_range(problems, place, value, "less_than_equal", "less than or equal to", "le", max,
                  max);
        return false;
    }
    if (number < 0) {
        add_range(problems, place, value, "greater_than_equal", "greater than or equal to", "ge",
                  "0", "0");
        return false;
    }
    out->text = NULL;
    out->number = (uint64_t)number;
    return true;
}

void rd_field_ids(struct rd_problems *problems, const struct rd_place *place, const json_t *value,
                  uint32_t kind, size_t min, size_t max, recsys_id *out, size_t *n_out)
{
    *n_out = 0;
    if (!read_list(problems, place, value, min, max))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct rd_place element = {place, NULL, i};

        if (rd_field_id(problems, &element, json_array_get(value, i), kind, &out[*n_out]))
            ++*n_out;
    }
}

int rd_id_compare(const void *a, const void *b)
{
    const recsys_id *x = a, *y = b;

    if (x->text != NULL && y->text != NULL)
        return strcmp(x->text, y->text);
    return (x->number > y->number) - (x->number < y->number);
}

size_t rd_ids_sort(recsys_id *ids, size_t n)
{
    size_t kept = 0;

    if (n > 1)
        qsort(ids, n, sizeof *ids, rd_id_compare);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || rd_id_compare(&ids[i], &ids[kept - 1]) != 0)
            ids[kept++] = ids[i];
    return kept;
}
