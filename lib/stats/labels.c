/* lib/stats/labels.c - check that the text format allows a metric's name and labels.
 *
 * One malformed series makes Prometheus refuse the whole page, so they are checked when a metric is
 * made.
 */
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/stats/metric.h"

#define MAX_NAME 200u
#define MAX_LABELS 4096u
#define MAX_N_LABELS 32u

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int rs_stats_is_name(const char *name)
{
    size_t n = 0;

    while (n <= MAX_NAME && (is_letter(name[n]) || name[n] == ':' || (n > 0 && is_digit(name[n]))))
        n++;
    return n > 0 && n <= MAX_NAME && name[n] == '\0';
}

static size_t name_length(const char *text)
{
    size_t n = 0;

    while (is_letter(text[n]) || (n > 0 && is_digit(text[n])))
        n++;
    return n;
}

/* The end of the quoted value that begins at `text`; NULL if it is malformed. */
static const char *skip_value(const char *text)
{
    if (*text++ != '"')
        return NULL;
    for (; *text != '"'; text++) {
        if ((unsigned char)*text < 0x20)
            return NULL; /* the end, or a newline that should be \n */
        if (*text == '\\' && *++text != '\\' && *text != '"' && *text != 'n')
            return NULL;
    }
    return text + 1;
}

int rs_stats_is_label_list(const char *labels, enum rs_metric_kind kind)
{
    struct {
        const char *name;
        size_t length;
    } seen[MAX_N_LABELS];
    size_t n = 0;

    if (*labels == '\0')
        return 1;
    size_t size = strnlen(labels, MAX_LABELS + 1);
    if (size > MAX_LABELS || !rs_utf8_is_valid(labels, size))
        return 0;
    for (;;) {
        size_t length = name_length(labels);
        if (length == 0 || n == MAX_N_LABELS || strncmp(labels, "__", 2) == 0 ||
            (kind == RS_METRIC_HISTOGRAM && length == 2 && strncmp(labels, "le", 2) == 0))
            return 0;
        for (size_t i = 0; i < n; i++)
            if (seen[i].length == length && memcmp(seen[i].name, labels, length) == 0)
                return 0;
        seen[n].name = labels;
        seen[n++].length = length;
        if (labels[length] != '=' || (labels = skip_value(labels + length + 1)) == NULL)
            return 0;
        if (*labels == '\0')
            return 1;
        if (*labels++ != ',')
            return 0;
    }
}
