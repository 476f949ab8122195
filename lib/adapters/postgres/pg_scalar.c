/* lib/adapters/postgres/pg_scalar.c - see pg_scalar.h.
 *
 * Results come as text, since that is the one form that every type has. Each statement runs with
 * the settings that make it unambiguous (pg_statement.c). Types are known by their OIDs, which
 * never change for built-in ones; a domain comes with the OID of its base type.
 */
#include "lib/adapters/postgres/pg_scalar.h"

#include <math.h>
#include <string.h>

#include "lib/base/real.h"

/* From PostgreSQL's catalog/pg_type.dat: OID, OID of its arrays, RECSYS_TYPE_*. */
#define TYPES(X)                                                                                   \
    X(16, 1000, BOOL)     /* bool */                                                               \
    X(21, 1005, INTEGER)  /* int2 */                                                               \
    X(23, 1007, INTEGER)  /* int4 */                                                               \
    X(20, 1016, INTEGER)  /* int8 */                                                               \
    X(26, 1028, INTEGER)  /* oid */                                                                \
    X(700, 1021, REAL)    /* float4 */                                                             \
    X(701, 1022, REAL)    /* float8 */                                                             \
    X(1700, 1231, NUMBER) /* numeric */                                                            \
    X(114, 199, JSON)     /* json */                                                               \
    X(3802, 3807, JSON)   /* jsonb */                                                              \
    X(1114, 1115, TIME)   /* timestamp */                                                          \
    X(1184, 1185, TIME)   /* timestamptz */                                                        \
    X(25, 1009, TEXT)     /* text */                                                               \
    X(1043, 1015, TEXT)   /* varchar */                                                            \
    X(1042, 1014, TEXT)   /* char(n) */                                                            \
    X(18, 1002, TEXT)     /* "char" */                                                             \
    X(19, 1003, TEXT)     /* name */                                                               \
    X(17, 1001, TEXT)     /* bytea */                                                              \
    X(2950, 2951, TEXT)   /* uuid */                                                               \
    X(1082, 1182, TEXT)   /* date */                                                               \
    X(1083, 1183, TEXT)   /* time */                                                               \
    X(1266, 1270, TEXT)   /* timetz */                                                             \
    X(1186, 1187, TEXT)   /* interval */                                                           \
    X(869, 1041, TEXT)    /* inet */                                                               \
    X(650, 651, TEXT)     /* cidr */

struct rs_pg_type rs_pg_find_type(uint32_t oid)
{
    switch (oid) {
#define X(scalar, array, name)                                                                     \
    case scalar:                                                                                   \
        return (struct rs_pg_type){RECSYS_TYPE_##name, 0};                                         \
    case array:                                                                                    \
        return (struct rs_pg_type){RECSYS_TYPE_##name, 1};
        TYPES(X)
#undef X
    default:
        return (struct rs_pg_type){RECSYS_TYPE_TEXT, 0};
    }
}

static int is(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(text, word, size) == 0;
}

static int read_integer(const char *text, size_t size, int64_t *out)
{
    size_t at = size > 0 && text[0] == '-';
    int64_t number = 0;

    if (at == size)
        return 0;
    for (; at < size; at++) {
        int digit = text[at] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, digit, &number))
            return 0;
    }
    /* Counted downwards, since the smallest number has no positive counterpart. */
    if (text[0] != '-' && __builtin_sub_overflow(0, number, &number))
        return 0;
    *out = number;
    return 1;
}

static int read_real(const char *text, size_t size, double *out)
{
    if (is(text, size, "NaN"))
        *out = NAN;
    else if (is(text, size, "Infinity"))
        *out = INFINITY;
    else if (is(text, size, "-Infinity"))
        *out = -INFINITY;
    else
        return rs_real_read(text, size, out);
    return 1;
}

/* "2026-02-03 04:05:06.5+00" (or without the offset) as 2026-02-03T04:05:06.5Z. 0 for times that
 * RFC 3339 does not have: infinities, years beyond 1..9999. */
static int read_time(const char *text, size_t size, char out[40])
{
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    size_t end = sizeof form - 1;

    if (size < end || size > 38)
        return 0;
    for (size_t i = 0; i < end; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return 0;
    if (end < size && text[end] == '.')
        for (end++; end < size && text[end] >= '0' && text[end] <= '9';)
            end++;
    if (end < size && !is(text + end, size - end, "+00"))
        return 0;
    memcpy(out, text, end);
    out[10] = 'T';
    out[end] = 'Z';
    out[end + 1] = '\0';
    return 1;
}

void rs_pg_read_scalar(uint32_t type, const char *text, size_t size, struct rs_pg_scratch *scratch,
                       recsys_datum *out)
{
    int good = 1;

    *out = (recsys_datum){.type = type, .text = text, .size = size};
    if (type == RECSYS_TYPE_BOOL)
        out->number = is(text, size, "t");
    else if (type == RECSYS_TYPE_INTEGER)
        good = read_integer(text, size, &out->number);
    else if (type == RECSYS_TYPE_REAL)
        good = read_real(text, size, &out->real);
    else if (type == RECSYS_TYPE_NUMBER)
        good =
            !is(text, size, "NaN") && !is(text, size, "Infinity") && !is(text, size, "-Infinity");
    else if (type == RECSYS_TYPE_TIME) {
        good = read_time(text, size, scratch->time);
        if (good) {
            out->text = scratch->time;
            out->size = strlen(scratch->time);
        }
    }
    if (!good)
        out->type = RECSYS_TYPE_TEXT;
}
