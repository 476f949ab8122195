/* lib/base/json_scan.c - see json_scan.h.
 *
 * A database's JSON goes through to the caller as it stands, so it need only
 * be well-formed, and a parser that makes values of it would refuse numbers
 * beyond 64 bits, which jsonb and numeric hold. One pass over the bytes,
 * no memory; how deep values are nested is bounded, since each level takes stack.
 */
#include "lib/base/json_scan.h"

#include <string.h>

#include "lib/base/hex.h"

#define MAX_DEPTH 1000u
/* A valid text is still accepted when it stands in a row inside a list. */
#define MAX_DEPTH_AROUND (MAX_DEPTH + 8u)

struct scan {
    const char *at, *end;
    unsigned depth, max_depth;
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

/* The rest of an escape, behind its backslash. */
static int skip_escape(struct scan *scan)
{
    if (scan->at == scan->end)
        return 0;
    char c = *scan->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    for (int i = 0; i < 4; i++, scan->at++)
        if (scan->at == scan->end || rs_hex_digit(*scan->at) < 0)
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
    if (++scan->depth > scan->max_depth)
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
                skip_blank(scan);
            }
            if (!skip_value(scan))
                return 0;
            skip_blank(scan);
        } while (skip_byte(scan, ','));
        if (!skip_byte(scan, close))
            return 0;
    }
    scan->depth--;
    return 1;
}

static int skip_value(struct scan *scan)
{
    if (scan->at == scan->end)
        return 0;
    switch (*scan->at) {
    case '{':
        scan->at++;
        return skip_members(scan, '}', 1);
    case '[':
        scan->at++;
        return skip_members(scan, ']', 0);
    case '"':
        return skip_string(scan);
    case 't':
        return skip_word(scan, "true");
    case 'f':
        return skip_word(scan, "false");
    case 'n':
        return skip_word(scan, "null");
    default:
        return skip_number(scan);
    }
}

int rs_json_is_valid(const char *text, size_t size)
{
    struct scan scan = {text, text + size, 0, MAX_DEPTH};

    skip_blank(&scan);
    if (!skip_value(&scan))
        return 0;
    skip_blank(&scan);
    return scan.at == scan.end;
}

int rs_json_is_number(const char *text, size_t size)
{
    struct scan scan = {text, text + size, 0, 0};

    return skip_number(&scan) && scan.at == scan.end;
}

const char *rs_json_skip_value(const char *at, const char *end)
{
    struct scan scan = {at, end, 0, MAX_DEPTH_AROUND};

    return skip_value(&scan) ? scan.at : NULL;
}

const char *rs_json_skip_string(const char *at, const char *end)
{
    struct scan scan = {at, end, 0, 0};

    return skip_string(&scan) ? scan.at : NULL;
}

const char *rs_json_skip_blank(const char *at, const char *end)
{
    struct scan scan = {at, end, 0, 0};

    skip_blank(&scan);
    return scan.at;
}
