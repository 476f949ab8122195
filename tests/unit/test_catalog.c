/* Covers lib/catalog/catalog.c, parse.c and pool.c: what a catalogue says, and
 * what is said about one that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/catalog/catalog.h"
#include "lib/catalog/parse.h"
#include "lib/catalog/pool.h"

static recsys_error err;

/* A model with the items 1..n, item i at position n - i. */
static void make_ids(struct rs_ids *ids, uint32_t n)
{
    uint32_t *order = malloc(n * sizeof *order);

    assert_non_null(order);
    for (uint32_t i = 0; i < n; i++)
        order[i] = n - 1 - i;
    assert_int_equal(rs_ids_from_rows(ids, n, 1, order, &err), RECSYS_OK);
    free(order);
}

static struct rs_catalog *parse_bytes(const char *bytes, size_t size, uint32_t n_items)
{
    struct rs_ids ids;
    struct rs_catalog *catalog = NULL;

    make_ids(&ids, n_items);
    recsys_status status = rs_catalog_parse(bytes, size, "catalog.jsonl", &ids, &catalog, &err);
    if (status != RECSYS_OK) {
        assert_null(catalog);
        assert_int_equal(err.status, status);
    }
    rs_ids_destroy(&ids);
    return catalog;
}

static struct rs_catalog *parse(const char *text, uint32_t n_items)
{
    struct rs_catalog *catalog = parse_bytes(text, strlen(text), n_items);

    if (catalog == NULL)
        fail_msg("%s", err.message);
    return catalog;
}

static recsys_item item_of(const struct rs_catalog *catalog, uint32_t position)
{
    recsys_item item = {.struct_size = sizeof item};

    rs_catalog_fill(catalog, position, &item);
    assert_int_equal(item.struct_size, sizeof item);
    return item;
}

static void every_attribute_of_a_line_is_found_at_the_items_position(void **state)
{
    struct rs_catalog *catalog =
        parse("{\"id\": 2, \"title\": \"Pulp Fiction (1994)\", \"genres\": [\"Crime\", \"Drama\"], "
              "\"release_year\": 1994, \"rating\": 8.9, \"poster_url\": \"https://x/p.jpg\", "
              "\"language\": \"EN\", \"adult\": true}\n",
              3);
    recsys_item item = item_of(catalog, 1);

    (void)state;
    assert_int_equal(item.known, 1);
    assert_string_equal(item.title, "Pulp Fiction (1994)");
    assert_int_equal(item.n_genres, 2);
    assert_string_equal(item.genres[0], "Crime");
    assert_string_equal(item.genres[1], "Drama");
    assert_int_equal(item.release_year, 1994);
    assert_true(item.rating == 8.9f);
    assert_string_equal(item.poster_url, "https://x/p.jpg");
    assert_string_equal(item.language, "en");
    assert_int_equal(item.adult, 1);
    assert_int_equal(catalog->n_known, 1);
    assert_int_equal(catalog->n_adult, 1);
    rs_catalog_destroy(catalog);
}

static void check_unknown(const recsys_item *item)
{
    assert_string_equal(item->title, "");
    assert_int_equal(item->n_genres, 0);
    assert_null(item->genres);
    assert_int_equal(item->release_year, 0);
    assert_true(item->rating < 0.0f);
    assert_null(item->poster_url);
    assert_null(item->language);
    assert_int_equal(item->adult, 0);
}

static void what_a_line_does_not_say_is_unknown(void **state)
{
    struct rs_catalog *catalog =
        parse("{\"id\":1}\n"
              "{\"id\":2,\"title\":null,\"genres\":null,\"release_year\":null,\"rating\":null,"
              "\"poster_url\":null,\"language\":null,\"adult\":null,\"director\":{\"born\":1}}\n"
              "{\"id\":3,\"poster_url\":\"\",\"genres\":[],\"title\":\"\"}\n",
              4);

    (void)state;
    for (uint32_t position = 0; position < 4; position++) {
        recsys_item item = item_of(catalog, position);
        check_unknown(&item);
        assert_int_equal(item.known, position != 0); /* item 4, without a line, comes first */
    }
    rs_catalog_destroy(catalog);
}

static void an_empty_catalogue_knows_nothing(void **state)
{
    struct rs_catalog *catalog = NULL;

    (void)state;
    assert_int_equal(rs_catalog_create(7, &catalog, &err), RECSYS_OK);
    assert_int_equal(catalog->n_items, 7);
    recsys_item item = item_of(catalog, 6);
    check_unknown(&item);
    assert_int_equal(item.known, 0);
    assert_int_equal(rs_catalog_find_genre(catalog, "Drama"), -1);
    assert_int_equal(rs_catalog_find_language(catalog, "en"), -1);
    rs_catalog_destroy(catalog);
    rs_catalog_destroy(NULL);

    catalog = parse("", 2);
    item = item_of(catalog, 1);
    check_unknown(&item);
    rs_catalog_destroy(catalog);
}

static void lines_may_end_in_crlf_be_blank_or_lack_their_end(void **state)
{
    struct rs_catalog *catalog =
        parse("\r\n{\"id\":1,\"title\":\"a\"}\r\n \t\n\n{\"id\":2,\"title\":\"b\"}", 2);

    (void)state;
    assert_string_equal(item_of(catalog, 1).title, "a");
    assert_string_equal(item_of(catalog, 0).title, "b");
    rs_catalog_destroy(catalog);
}

static void a_byte_order_mark_at_the_beginning_is_skipped(void **state)
{
    static const char text[] = "\xEF\xBB\xBF{\"id\":1,\"title\":\"\xEF\xBB\xBF"
                               "b\"}\n";
    struct rs_lines lines = {text, sizeof text - 1, 0};
    struct rs_line parsed;
    const char *line;
    size_t size;

    (void)state;
    assert_int_equal(rs_lines_next(&lines, &line, &size), 1);
    assert_int_equal(rs_line_parse(line, size, "here", &parsed, NULL), RECSYS_OK);
    assert_string_equal(parsed.title, "\xEF\xBB\xBF"
                                      "b"); /* elsewhere it is a character */
    rs_line_destroy(&parsed);
    assert_int_equal(rs_lines_next(&lines, &line, &size), 0);
}

static void genres_that_differ_in_ascii_case_are_one_as_first_spelled(void **state)
{
    struct rs_catalog *catalog = parse("{\"id\":1,\"genres\":[\"Sci-Fi\",\"\xC3\x89pique\"]}\n"
                                       "{\"id\":2,\"genres\":[\"SCI-FI\",\"Drama\",\"sci-fi\"]}\n"
                                       "{\"id\":3,\"genres\":[\"\xC3\xA9pique\"]}\n",
                                       3);
    recsys_item second = item_of(catalog, 1);

    (void)state;
    assert_int_equal(catalog->n_genres, 4);
    assert_string_equal(catalog->genre_names[0], "Sci-Fi");
    assert_string_equal(catalog->genre_names[3], "\xC3\xA9pique");
    assert_int_equal(second.n_genres, 2);
    assert_string_equal(second.genres[0], "Sci-Fi");
    assert_string_equal(second.genres[1], "Drama");
    assert_int_equal(rs_catalog_find_genre(catalog, "dRAMA"), 2);
    assert_int_equal(rs_catalog_find_genre(catalog, "Dram"), -1);
    assert_int_equal(rs_catalog_find_genre(catalog, ""), -1);
    rs_catalog_destroy(catalog);
}

static void languages_are_numbered_in_lower_case(void **state)
{
    struct rs_catalog *catalog =
        parse("{\"id\":1,\"language\":\"EN\"}\n{\"id\":2,\"language\":\"pt-BR\"}\n"
              "{\"id\":3,\"language\":\"en\"}\n",
              3);

    (void)state;
    assert_int_equal(catalog->n_languages, 2);
    assert_string_equal(catalog->language_names[1], "pt-br");
    assert_int_equal(rs_catalog_find_language(catalog, "En"), 0);
    assert_int_equal(rs_catalog_find_language(catalog, "PT-br"), 1);
    assert_int_equal(catalog->languages[0], 1);
    assert_int_equal(catalog->languages[1], 2);
    rs_catalog_destroy(catalog);
}

static void genres_are_by_position_whatever_the_order_of_the_lines(void **state)
{
    struct rs_catalog *catalog = parse("{\"id\":2,\"genres\":[\"B\",\"C\"]}\n"
                                       "{\"id\":4,\"genres\":[\"D\"]}\n"
                                       "{\"id\":1,\"genres\":[\"A\",\"B\",\"C\"]}\n",
                                       4);
    static const uint32_t counts[] = {1, 0, 2, 3};
    static const char *const genres[] = {"D", "B", "C", "A", "B", "C"};

    (void)state;
    for (uint32_t position = 0, at = 0; position < 4; position++) {
        recsys_item item = item_of(catalog, position);
        uint32_t n;
        const uint32_t *numbers = rs_catalog_genres(catalog, position, &n);
        assert_int_equal(n, counts[position]);
        assert_int_equal(item.n_genres, counts[position]);
        for (uint32_t i = 0; i < n; i++, at++) {
            assert_string_equal(item.genres[i], genres[at]);
            assert_string_equal(catalog->genre_names[numbers[i]], genres[at]);
        }
    }
    rs_catalog_destroy(catalog);
}

static void items_of_the_same_genres_share_one_list(void **state)
{
    struct rs_buffer lines = RS_BUFFER_INIT(1u << 24);

    (void)state;
    for (uint32_t i = 1; i <= 6000; i++)
        rs_buffer_format(&lines, "{\"id\":%u,\"genres\":[\"G%u\",\"H%u\"]}\n", i, i % 30, i % 20);
    struct rs_catalog *catalog = parse(lines.bytes, 6000);
    assert_int_equal(catalog->n_lists, 60 + 1); /* and that of items without genres */
    for (uint32_t i = 1; i <= 6000; i++) {
        recsys_item item = item_of(catalog, 6000 - i);
        char want[16];
        assert_int_equal(item.n_genres, 2);
        snprintf(want, sizeof want, "G%u", i % 30);
        assert_string_equal(item.genres[0], want);
        snprintf(want, sizeof want, "H%u", i % 20);
        assert_string_equal(item.genres[1], want);
    }
    rs_catalog_destroy(catalog);
    rs_buffer_destroy(&lines);
}

static void text_ids_find_their_items(void **state)
{
    const char line[] = "{\"id\":\"b\xC3\xA9\",\"title\":\"x\"}";
    struct rs_ids ids;
    struct rs_catalog *catalog;

    (void)state;
    assert_int_equal(rs_ids_from_texts(&ids, "abc\0b\xC3\xA9", 8, (uint64_t[]){0, 4, 8}, 2, NULL,
                                       "item_ids", &err),
                     RECSYS_OK);
    assert_int_equal(rs_catalog_parse(line, sizeof line - 1, "catalog.jsonl", &ids, &catalog, &err),
                     RECSYS_OK);
    assert_string_equal(item_of(catalog, 1).title, "x");
    rs_catalog_destroy(catalog);
    const char number[] = "{\"id\":3}";
    assert_int_equal(
        rs_catalog_parse(number, sizeof number - 1, "catalog.jsonl", &ids, &catalog, &err),
        RECSYS_E_FORMAT);
    assert_string_equal(err.message, "catalog.jsonl line 1: \"id\" is an integer, but the model's "
                                     "item ids are strings");
    rs_ids_destroy(&ids);
}

static void control_characters_are_texts_like_others(void **state)
{
    struct rs_catalog *catalog = parse("{\"id\":1,\"title\":\"a\\n\\u0001\\\"\"}", 1);

    (void)state;
    assert_string_equal(item_of(catalog, 0).title, "a\n\x01\"");
    rs_catalog_destroy(catalog);
}

/* Each is the third line of a file whose first two are well. */
static const struct {
    const char *line, *message;
} bad_lines[] = {
    {"x", "not valid JSON at line 1, column 1: "},
    {"{\"id\":3", "not valid JSON at line 1, column 7: "},
    {"{\"id\":3} {\"id\":4}", "not valid JSON at line 1, column 10: "},
    {"{\"id\":3,\"id\":4}", "not valid JSON at line 1, column 12: "},
    {"{\"id\":3,\"title\":\"\xFF\"}", "not valid JSON at line 1, column 17: "},
    {"{\"id\":3,\"title\":\"\\u0000\"}", "not valid JSON at line 1, column 24: "},
    {"{\"id\":99999999999999999999}", "not valid JSON at line 1, column 26: "},
    {"[3]", "must be a JSON object"},
    {"\xEF\xBB\xBF{\"id\":3}", "begins with a byte order mark, which only the file may"},
    {"{\"title\":\"a\"}", "\"id\" is missing"},
    {"{\"id\":null}", "\"id\" is missing"},
    {"{\"id\":3.5}", "\"id\" must be an integer or a string"},
    {"{\"id\":9007199254740994.0}", "\"id\" must be an integer or a string"},
    {"{\"id\":-3.0}", "\"id\" is -3, ids go from 0 to 9223372036854775807"},
    {"{\"id\":-1}", "\"id\" is -1, ids go from 0 to 9223372036854775807"},
    {"{\"id\":-7}", "\"id\" is -7, ids go from 0 to 9223372036854775807"},
    {"{\"id\":\"\"}", "\"id\" has 0 bytes, must have 1..255"},
    {"{\"id\":\"3\"}", "\"id\" is a string, but the model's item ids are integers"},
    {"{\"id\":100}", "item 100 is not in the model"},
    {"{\"id\":2}", "item 2 already has a line"},
    {"{\"id\":3,\"title\":5}", "\"title\" must be a string"},
    {"{\"id\":3,\"genres\":\"Drama\"}", "\"genres\" must be an array of strings"},
    {"{\"id\":3,\"genres\":[\"Drama\",5]}", "\"genres\"[1] must be a string"},
    {"{\"id\":3,\"genres\":[\"\"]}", "\"genres\"[0] is empty"},
    {"{\"id\":3,\"release_year\":1994.5}", "\"release_year\" must be an integer"},
    {"{\"id\":3,\"release_year\":0}", "\"release_year\" is 0, must be 1..9999"},
    {"{\"id\":3,\"release_year\":10000}", "\"release_year\" is 10000, must be 1..9999"},
    {"{\"id\":3,\"rating\":\"8\"}", "\"rating\" must be a number"},
    {"{\"id\":3,\"rating\":10.5}", "\"rating\" is 10.5, must be 0..10"},
    {"{\"id\":3,\"rating\":-1}", "\"rating\" is -1, must be 0..10"},
    {"{\"id\":3,\"poster_url\":false}", "\"poster_url\" must be a string"},
    {"{\"id\":3,\"language\":\"\"}", "\"language\" has 0 characters, must have 1..16"},
    {"{\"id\":3,\"language\":\"abcdefghijklmnopq\"}",
     "\"language\" has 17 characters, must have 1..16"},
    {"{\"id\":3,\"adult\":1}", "\"adult\" must be true or false"},
};

static void a_bad_line_is_named_with_its_number_and_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_lines / sizeof *bad_lines; i++) {
        char text[256], want[sizeof err.message];
        snprintf(text, sizeof text, "{\"id\":1}\n{\"id\":2}\n%s\n", bad_lines[i].line);
        assert_null(parse_bytes(text, strlen(text), 9));
        assert_int_equal(err.status, RECSYS_E_FORMAT);
        snprintf(want, sizeof want, "catalog.jsonl line 3: %s", bad_lines[i].message);
        if (want[strlen(want) - 1] == ' ') /* the rest is jansson's */
            err.message[strlen(want)] = '\0';
        assert_string_equal(err.message, want);
    }
}

static void a_raw_nul_is_refused(void **state)
{
    (void)state;
    assert_null(parse_bytes("{\"id\":1}\0\n", 10, 1));
    assert_int_equal(err.status, RECSYS_E_FORMAT);
    assert_null(parse_bytes("{\"id\":1,\"title\":\"\0\"}", 20, 1));
    assert_int_equal(err.status, RECSYS_E_FORMAT);
}

/* {"id":1,"title":"aaa..."} of `size` bytes. */
static char *long_line(size_t size)
{
    static const char head[] = "{\"id\":1,\"title\":\"";
    char *line = malloc(size + 1);

    assert_non_null(line);
    memset(line, 'a', size);
    memcpy(line, head, sizeof head - 1);
    memcpy(line + size - 2, "\"}", 3);
    return line;
}

static void a_line_may_have_64_kib_and_no_more(void **state)
{
    char *line = long_line(65536);
    struct rs_catalog *catalog = parse(line, 1);

    (void)state;
    assert_int_equal(strlen(item_of(catalog, 0).title), 65536 - 19);
    rs_catalog_destroy(catalog);
    free(line);
    line = long_line(65537);
    assert_null(parse_bytes(line, 65537, 1));
    assert_string_equal(err.message,
                        "catalog.jsonl line 1: has 65537 bytes, at most 65536 are allowed");
    free(line);
}

static void an_item_may_have_64_genres_and_no_more(void **state)
{
    char text[1024] = "{\"id\":1,\"genres\":[\"g0\"";

    (void)state;
    for (int i = 1; i < 65; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), ",\"g%d\"", i);
    snprintf(text + strlen(text), sizeof text - strlen(text), "]}");
    assert_null(parse_bytes(text, strlen(text), 1));
    assert_string_equal(err.message, "catalog.jsonl line 1: \"genres\" has 65 entries, at most 64 "
                                     "are allowed");
    *strstr(text, ",\"g64\"") = '\0';
    snprintf(text + strlen(text), sizeof text - strlen(text), "]}");
    struct rs_catalog *catalog = parse(text, 1);
    assert_int_equal(catalog->n_genres, 64);
    rs_catalog_destroy(catalog);
}

static void names_are_limited_to_what_their_numbers_can_say(void **state)
{
    struct rs_names names = {0};
    struct rs_pool pool = {0};
    char name[16];

    (void)state;
    for (int32_t i = 0; i < (int32_t)RS_NAMES_MAX; i++) {
        snprintf(name, sizeof name, "Name%d", i);
        assert_int_equal(rs_names_add(&names, &pool, name), i);
    }
    assert_int_equal(rs_names_add(&names, &pool, "one more"), -2);
    assert_int_equal(rs_names_add(&names, &pool, "nAME65534"), 65534);
    assert_int_equal(rs_names_find(&names, "NAME77"), 77);
    rs_names_destroy(&names);
    rs_pool_destroy(&pool);
}

static void too_many_genres_are_a_clear_error(void **state)
{
    struct rs_buffer text;

    (void)state;
    rs_buffer_init(&text, 1u << 24);
    for (int i = 0; i < 1024; i++) {
        rs_buffer_format(&text, "{\"id\":%d,\"genres\":[\"g%d\"", i + 1, i * 64);
        for (int j = 1; j < 64; j++)
            rs_buffer_format(&text, ",\"g%d\"", i * 64 + j);
        rs_buffer_add_text(&text, "]}\n");
    }
    assert_int_equal(text.status, RECSYS_OK);
    assert_null(parse_bytes(text.bytes, text.size, 1024));
    assert_string_equal(err.message, "catalog.jsonl line 1024: more than 65535 different genres in "
                                     "one catalogue, which is the limit");
    rs_buffer_destroy(&text);
}

static void names_longer_than_a_piece_of_the_hash_are_told_apart(void **state)
{
    struct rs_names names = {0};
    struct rs_pool pool = {0};
    char name[200];

    (void)state;
    for (int32_t size = 0; size < 199; size++) {
        memset(name, 'x', (size_t)size);
        name[size] = '\0';
        assert_int_equal(rs_names_add(&names, &pool, name), size);
    }
    memset(name, 'X', 150);
    name[150] = '\0';
    assert_int_equal(rs_names_find(&names, name), 150);
    rs_names_destroy(&names);
    rs_pool_destroy(&pool);
}

static void check_written(const char *from, const char *want)
{
    struct rs_line line;
    struct rs_buffer out;

    rs_buffer_init(&out, 1u << 20);
    assert_int_equal(rs_line_parse(from, strlen(from), "line", &line, &err), RECSYS_OK);
    assert_int_equal(rs_line_write(&line, &out, &err), RECSYS_OK);
    assert_string_equal(out.bytes, want);
    rs_line_destroy(&line);
    rs_buffer_destroy(&out);
}

static void lines_are_written_in_one_form(void **state)
{
    (void)state;
    check_written(" { \"adult\" : false , \"x\" : [ ] , \"id\" : 7 } ", "{\"id\":7}\n");
    check_written("{\"language\":\"En\",\"adult\":true,\"poster_url\":\"p\",\"rating\":8,"
                  "\"release_year\":1994,\"genres\":[\"B\",\"A\"],\"title\":\"\\u00e9\\u0001\","
                  "\"id\":\"k\"}",
                  "{\"id\":\"k\",\"title\":\"\xC3\xA9\\u0001\",\"genres\":[\"B\",\"A\"],"
                  "\"release_year\":1994,\"rating\":8.0,\"poster_url\":\"p\",\"language\":\"En\","
                  "\"adult\":true}\n");
    /* As a data frame's column with gaps writes integers. */
    check_written("{\"id\": 0.0, \"release_year\": 1995.0}", "{\"id\":0,\"release_year\":1995}\n");
}

static void a_rating_is_written_short_and_reads_back_the_same(void **state)
{
    struct rs_line line, again;
    struct rs_buffer out;

    (void)state;
    check_written("{\"id\":1,\"rating\":8.9}", "{\"id\":1,\"rating\":8.9}\n");
    check_written("{\"id\":1,\"rating\":-0.0}", "{\"id\":1,\"rating\":0.0}\n");
    rs_buffer_init(&out, 1u << 20);
    srand(1);
    for (int i = 0; i < 10000; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"id\":1,\"rating\":%.17g}", 10.0 * rand() / RAND_MAX);
        assert_int_equal(rs_line_parse(text, strlen(text), "line", &line, &err), RECSYS_OK);
        rs_buffer_clear(&out);
        assert_int_equal(rs_line_write(&line, &out, &err), RECSYS_OK);
        assert_int_equal(rs_line_parse(out.bytes, out.size, "again", &again, &err), RECSYS_OK);
        assert_true(line.rating == again.rating);
        rs_line_destroy(&line);
        rs_line_destroy(&again);
    }
    rs_buffer_destroy(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_attribute_of_a_line_is_found_at_the_items_position),
        cmocka_unit_test(what_a_line_does_not_say_is_unknown),
        cmocka_unit_test(an_empty_catalogue_knows_nothing),
        cmocka_unit_test(lines_may_end_in_crlf_be_blank_or_lack_their_end),
        cmocka_unit_test(a_byte_order_mark_at_the_beginning_is_skipped),
        cmocka_unit_test(genres_that_differ_in_ascii_case_are_one_as_first_spelled),
        cmocka_unit_test(languages_are_numbered_in_lower_case),
        cmocka_unit_test(genres_are_by_position_whatever_the_order_of_the_lines),
        cmocka_unit_test(items_of_the_same_genres_share_one_list),
        cmocka_unit_test(text_ids_find_their_items),
        cmocka_unit_test(control_characters_are_texts_like_others),
        cmocka_unit_test(a_bad_line_is_named_with_its_number_and_what_is_wrong),
        cmocka_unit_test(a_raw_nul_is_refused),
        cmocka_unit_test(a_line_may_have_64_kib_and_no_more),
        cmocka_unit_test(an_item_may_have_64_genres_and_no_more),
        cmocka_unit_test(names_are_limited_to_what_their_numbers_can_say),
        cmocka_unit_test(too_many_genres_are_a_clear_error),
        cmocka_unit_test(names_longer_than_a_piece_of_the_hash_are_told_apart),
        cmocka_unit_test(lines_are_written_in_one_form),
        cmocka_unit_test(a_rating_is_written_short_and_reads_back_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
