/* lib/source/json_scan.c - is this text JSON?
 *
 * A database's JSON goes through to the caller as it stands, so it need only
 * be well-formed, and a parser that makes values of it would refuse numbers
 * beyond 64 bits, which jsonb and numeric hold. One pass over the bytes,
 * no memory; how deep values are nested is bounded, since each level takes stack.
 */
#include <string.h>

#include "lib/source/rows.h"

#define MAX_DEPTH 1000

struct scan {
    const char *at, *end;
    unsigned depth;
};

static int skip_value(struct scan *scan);

static void skip_blank(struct scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0')
        scan->at++;
}

/* The next byte is `c`: pass it. */
static int skip_byte(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return 0;
    scan->at++;
    return 1;
}

static int skip_word(struct scan *scan, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0)
        return 0;
    scan->at += size;
    return 1;
}

static int skip_digits(struct scan *scan)
{
    const char *start = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > start;
}

static int skip_number(struct scan *scan)
{
    skip_byte(scan, '-');
    if (!skip_byte(scan, '0') && !skip_digits(scan))
        return 0;
    if (skip_byte(scan, '.') && !skip_digits(scan))
        return 0;
    if (skip_byte(scan, 'e') || skip_byte(scan, 'E')) {
        if (!skip_byte(scan, '+'))
            skip_byte(scan, '-');
        return skip_digits(scan);
    }
    return 1;
}

static int is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What follows a backslash. */
static int skip_escape(struct scan *scan)
{
    if (scan->at == scan->end)
        return 0;
    char c = *scan->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    for (int i = 0; i < 4; i++, scan->at++)
        if (scan->at == scan->end || !is_hex(*scan->at))
            return 0;
    return 1;
}

static int skip_string(struct scan *scan)
{
    if (!skip_byte(scan, '"'))
        return 0;
    while (scan->at < scan->end) {
        unsigned char c = (unsigned char)*scan->at++;
        if (c == '"')
            return 1;
        if (c < 0x20 || (c == '\\' && !skip_escape(scan)))
            return 0;
    }
    return 0;
}

/* The rest of an array or, with keys, of an object. */
static int skip_members(struct scan *scan, char close, int has_keys)
{
    if (++scan->depth > MAX_DEPTH)
        return 0;
    skip_blank(scan);
    if (!skip_byte(scan, close)) {
        do {
            skip_blank(scan);
            if (has_keys) {
                if (!skip_string(scan))
                    return 0;
                skip_blank(scan);
                if (!skip_byte(scan, ':'))
                    return 0;
            }
            if (!skip_value(scan))
                return 0;
        } while (skip_byte(scan, ','));
        if (!skip_byte(scan, close))
            return 0;
    }
    scan->depth--;
    return 1;
}

/* A value and the blanks around it. */
static int skip_value(struct scan *scan)
{
    int good;

    skip_blank(scan);
    if (scan->at == scan->end)
        return 0;
    switch (*scan->at) {
    case '{':
        scan->at++;
        good = skip_members(scan, '}', 1);
        break;
    case '[':
        scan->at++;
        good = skip_members(scan, ']', 0);
        break;
    case '"':
        good = skip_string(scan);
        break;
    case 't':
        good = skip_word(scan, "true");
        break;
    case 'f':
        good = skip_word(scan, "false");
        break;
    case 'n':
        good = skip_word(scan, "null");
        break;
    default:
        good = skip_number(scan);
    }
    skip_blank(scan);
    return good;
}

int rs_json_is_valid(const char *text, size_t size)
{
    struct scan scan = {text, text + size, 0};

    return skip_value(&scan) && scan.at == scan.end;
}

int rs_json_is_number(const char *text, size_t size)
{
    struct scan scan = {text, text + size, 0};

    return skip_number(&scan) && scan.at == scan.end;
}
