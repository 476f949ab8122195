/* lib/recycling/guides.c - search the guides.
 *
 * The keyword goes into key and query in lower case. So a keyword in another case makes no second
 * entry and no other answer: the query depends only on the key. The database folds both sides once
 * more by its own rule (info_db.folded()), so this system's knowledge of letters changes the number
 * of entries, but not the results. In the pattern % and _ are escaped. A keyword whose key would be
 * too long is searched without the cache.
 */
#include <locale.h>
#include <wctype.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "lib/domain/domain.h"
#include "lib/recycling/ready_domain.h"
#include "lib/recycling/recycling_table.h"

#define MAX_CHARACTERS 100u
#define MAX_BYTES (4u * MAX_CHARACTERS)

struct searching {
    recsys_domains *domains;
    const struct rs_domain *domain;
    const char *pattern;
};

/* One character of valid UTF-8; returns its bytes. */
static size_t decode(const unsigned char *text, uint32_t *character)
{
    static const unsigned char leading[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t n = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

    *character = text[0] & leading[n];
    for (size_t i = 1; i < n; i++)
        *character = *character << 6 | (text[i] & 0x3fu);
    return n;
}

static size_t encode(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leading[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(leading[n] | c);
    return n;
}

/* `out` has room for MAX_BYTES + 1: a character has four bytes at most, before and after. */
static recsys_status lower(locale_t letters, const char *keyword, char *out, recsys_error *err)
{
    size_t end = 0;

    recsys_status status = rs_domain_check_text("recsys_recycling_search_guides", "keyword",
                                                keyword, 1, MAX_BYTES, err);
    if (status != RECSYS_OK)
        return status;
    if (rs_utf8_count(keyword) > MAX_CHARACTERS)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_recycling_search_guides: keyword is longer than %u characters",
                        MAX_CHARACTERS);
    while (*keyword != '\0') {
        uint32_t c;
        keyword += decode((const unsigned char *)keyword, &c);
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        else if (c >= 0x80 && letters != (locale_t)0)
            c = (uint32_t)towlower_l(towupper_l((wint_t)c, letters), letters);
        end += encode(c, out + end);
    }
    out[end] = '\0';
    return RECSYS_OK;
}

static recsys_status query(const struct searching *searching, recsys_value *json, recsys_error *err)
{
    recsys_datum pattern = recsys_datum_text(searching->pattern);
    recsys_rows *rows = NULL;
    recsys_status status =
        recsys_source_query(searching->domains->source, searching->domain->definition.query,
                            &pattern, 1, searching->domains->timeout_ms, &rows, err);

    if (status == RECSYS_OK)
        status = recsys_rows_format(rows, RECSYS_SHAPE_LIST, json, err);
    recsys_rows_destroy(rows);
    return status;
}

static recsys_status load_answer(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    const struct searching *searching = user_data;
    const struct rs_domain *domain = searching->domain;
    recsys_value value = {0};
    recsys_status status = query(searching, &value, err);

    if (status == RECSYS_OK)
        status = recsys_aside_load_set(
            load, (recsys_bytes){value.data, value.size}, 0, rs_domain_ttl_ms(domain, 1.0),
            value.size <= domain->definition.max_bytes ? 0 : RECSYS_ASIDE_UNCACHED, err);
    recsys_value_release(&value);
    return status;
}

/* %keyword%, with the special characters of a pattern escaped. */
static void format_pattern(const char *keyword, struct rs_buffer *out)
{
    rs_buffer_add(out, "%", 1);
    for (const char *at = keyword; *at != '\0'; at++) {
        if (*at == '%' || *at == '_' || *at == '\\')
            rs_buffer_add(out, "\\", 1);
        rs_buffer_add(out, at, 1);
    }
    rs_buffer_add(out, "%", 1);
}

recsys_status recsys_recycling_search_guides(recsys_domains *domains, const char *keyword,
                                             recsys_value *json, uint32_t *outcome,
                                             recsys_error *err)
{
    char small[MAX_BYTES + 1], key[RECSYS_KEY_MAX + 1];
    const char *const values[] = {small};
    const struct rs_domain *domain;
    struct rs_buffer pattern;
    recsys_bytes bytes;
    recsys_error said;
    recsys_status status;

    status = rs_ready_begin(domains, json, outcome, "recsys_recycling_search_guides", err);
    if (status == RECSYS_OK)
        status = rs_ready_domain_find(domains, "info.search", &rs_guides_way, &domain, err);
    if (status == RECSYS_OK)
        status = lower((locale_t)domain->made, keyword, small, err);
    if (status != RECSYS_OK)
        return status;
    rs_buffer_init(&pattern, 2 * MAX_BYTES + 2);
    format_pattern(small, &pattern);
    if (pattern.status != RECSYS_OK) {
        rs_buffer_destroy(&pattern);
        return rs_error_nomem(err, "search");
    }
    struct searching searching = {domains, domain, pattern.bytes};
    status = rs_domain_key(domain, values, 1, key, &bytes, &said);
    if (status == RECSYS_OK)
        status = recsys_aside_get_or_load(domain->aside, bytes, load_answer, &searching, 0, json,
                                          outcome, err);
    else if (status != RECSYS_E_LIMIT)
        rs_error_copy(err, &said);
    else {
        status = query(&searching, json, err);
        if (outcome != NULL)
            *outcome = RECSYS_ASIDE_MISS;
    }
    rs_buffer_destroy(&pattern);
    return status;
}

/* The locale for upper and lower case beyond ASCII. Without it such letters keep their case,
 * which makes more entries and the same answers. */
static void *make_letters(void)
{
    return (void *)newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static void free_letters(void *letters)
{
    freelocale((locale_t)letters);
}

const struct rs_domain_way rs_guides_way = {
    .read_by = "recsys_recycling_search_guides", .make = make_letters, .unmake = free_letters};
