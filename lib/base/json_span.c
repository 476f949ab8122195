/* lib/base/json_span.c - see json_span.h. */
#include "lib/base/json_span.h"

#include <string.h>

#include "lib/base/json_scan.h"

/* A member that is not there is NULL and 0, to which C allows no addition. */
static const char *end_of(const char *json, size_t size)
{
    return size == 0 ? json : json + size;
}

/* Behind `open`; NULL if that is not what the text begins with. */
static const char *enter(const char *json, size_t size, char open)
{
    const char *end = end_of(json, size), *at = rs_json_skip_blank(json, end);

    return at < end && *at == open ? rs_json_skip_blank(at + 1, end) : NULL;
}

void rs_elements_init(struct rs_elements *elements, const char *json, size_t size)
{
    elements->end = end_of(json, size);
    elements->at = enter(json, size, '[');
    elements->state = elements->at == NULL ? -1 : 0;
}

int rs_elements_next(struct rs_elements *elements, struct rs_span *out)
{
    const char *at = elements->at, *end = elements->end, *behind;

    if (elements->state != 0 && elements->state != 1)
        return 0;
    if (at < end && *at == ']') {
        elements->state = elements->state == 0 ? 2 : -1; /* "[1,]" is no array */
        return 0;
    }
    behind = rs_json_skip_value(at, end);
    if (behind == NULL) {
        elements->state = -1;
        return 0;
    }
    out->text = at;
    out->size = (size_t)(behind - at);
    at = rs_json_skip_blank(behind, end);
    if (at < end && *at == ',') {
        elements->state = 1;
        elements->at = rs_json_skip_blank(at + 1, end);
    } else
        elements->state = at < end && *at == ']' ? 2 : -1;
    return 1;
}

recsys_status rs_span_count(const char *json, size_t size, size_t limit, size_t *n, size_t *cut)
{
    struct rs_elements elements;
    struct rs_span element;

    *n = 0;
    *cut = 0;
    rs_elements_init(&elements, json, size);
    if (elements.state == 0)
        *cut = (size_t)(elements.at - json);
    while (rs_elements_next(&elements, &element)) {
        if (*n < limit)
            *cut = (size_t)(element.text + element.size - json);
        (*n)++;
    }
    return elements.state == 2 ? RECSYS_OK : RECSYS_E_FORMAT;
}

recsys_status rs_span_member(const char *json, size_t size, const char *name, struct rs_span *out)
{
    const char *end = end_of(json, size), *at = enter(json, size, '{');
    size_t length = strlen(name);

    out->text = NULL;
    out->size = 0;
    while (at != NULL && at < end && *at == '"') {
        const char *key = at + 1;
        at = rs_json_skip_string(at, end);
        if (at == NULL)
            return RECSYS_E_FORMAT;
        int is_it = (size_t)(at - 1 - key) == length && memcmp(key, name, length) == 0;
        at = rs_json_skip_blank(at, end);
        if (at == end || *at != ':')
            return RECSYS_E_FORMAT;
        const char *value = rs_json_skip_blank(at + 1, end);
        at = rs_json_skip_value(value, end);
        if (at == NULL)
            return RECSYS_E_FORMAT;
        if (is_it) {
            out->text = value;
            out->size = (size_t)(at - value);
            return RECSYS_OK;
        }
        at = rs_json_skip_blank(at, end);
        if (at < end && *at == ',')
            at = rs_json_skip_blank(at + 1, end);
    }
    return at != NULL && at < end && *at == '}' ? RECSYS_OK : RECSYS_E_FORMAT;
}
