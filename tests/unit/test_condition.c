/* Covers lib/catalog/condition.c: each condition alone, unknowns, and all together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/catalog/catalog.h"

/* Positions are one less than ids: `order` is left out. */
static const char lines[] =
    "{\"id\":1,\"rating\":7.5,\"release_year\":1994,\"language\":\"en\",\"genres\":[\"War\","
    "\"Drama\"]}\n"
    "{\"id\":2,\"rating\":7.4,\"release_year\":1990,\"language\":\"fr\",\"adult\":true}\n"
    "{\"id\":3,\"rating\":0,\"release_year\":1999,\"language\":\"de\",\"genres\":[\"Drama\"]}\n"
    "{\"id\":4}\n";

enum {
    ENGLISH_1994 = 1 << 0,
    FRENCH_ADULT_1990 = 1 << 1,
    GERMAN_1999 = 1 << 2,
    UNKNOWN = 1 << 3,
    NO_LINE = 1 << 4,
    ALL = 31
};

static struct rs_catalog *catalog, *empty;

static int set_up(void **state)
{
    struct rs_ids ids;

    (void)state;
    assert_int_equal(rs_ids_from_rows(&ids, 5, 1, NULL, NULL), RECSYS_OK);
    assert_int_equal(rs_catalog_parse(lines, sizeof lines - 1, "test", &ids, &catalog, NULL),
                     RECSYS_OK);
    assert_int_equal(rs_catalog_create(5, &empty, NULL), RECSYS_OK);
    rs_ids_destroy(&ids);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rs_catalog_destroy(catalog);
    rs_catalog_destroy(empty);
    return 0;
}

/* The items that pass, a bit each. */
static int passing(struct rs_condition condition)
{
    int passed = 0;

    for (uint32_t position = 0; position < 5; position++)
        passed |= rs_condition_holds(&condition, catalog, position) << position;
    return passed;
}

static int trivial(struct rs_condition condition)
{
    return rs_condition_is_trivial(&condition, catalog);
}

static uint16_t language(const char *name)
{
    return (uint16_t)(rs_catalog_find_language(catalog, name) + 1);
}

static void no_condition_lets_every_item_pass(void **state)
{
    struct rs_condition none = {0};

    (void)state;
    assert_int_equal(passing(none), ALL);
    assert_true(trivial(none));
}

static void a_minimum_rating_includes_itself_and_excludes_the_unknown(void **state)
{
    (void)state;
    assert_int_equal(passing((struct rs_condition){.min_rating = 7.5f}), ENGLISH_1994);
    assert_int_equal(passing((struct rs_condition){.min_rating = 0.1f}),
                     ENGLISH_1994 | FRENCH_ADULT_1990);
    assert_int_equal(passing((struct rs_condition){.min_rating = 10.0f}), 0);
    assert_false(trivial((struct rs_condition){.min_rating = 0.1f}));
}

static void a_range_of_years_includes_its_ends_and_excludes_the_unknown(void **state)
{
    (void)state;
    assert_int_equal(passing((struct rs_condition){.min_year = 1994}), ENGLISH_1994 | GERMAN_1999);
    assert_int_equal(passing((struct rs_condition){.max_year = 1994}),
                     ENGLISH_1994 | FRENCH_ADULT_1990);
    assert_int_equal(passing((struct rs_condition){.min_year = 1990, .max_year = 1999}),
                     ENGLISH_1994 | FRENCH_ADULT_1990 | GERMAN_1999);
    assert_int_equal(passing((struct rs_condition){.min_year = 2000, .max_year = 1990}), 0);
    assert_int_equal(passing((struct rs_condition){.max_year = -5}), 0);
    assert_false(trivial((struct rs_condition){.max_year = 1994}));
}

static void adult_items_can_be_left_out(void **state)
{
    (void)state;
    assert_int_equal(passing((struct rs_condition){.exclude_adult = 1}), ALL & ~FRENCH_ADULT_1990);
    assert_false(trivial((struct rs_condition){.exclude_adult = 1}));
    assert_true(rs_condition_is_trivial(&(struct rs_condition){.exclude_adult = 1}, empty));
}

static void an_item_must_speak_one_of_the_languages_asked_for(void **state)
{
    struct rs_condition two = {.asks_language = 1, .n_languages = 2};

    (void)state;
    two.languages[0] = language("de");
    two.languages[1] = language("EN");
    assert_int_equal(passing(two), ENGLISH_1994 | GERMAN_1999);
    assert_false(trivial(two));
}

static void asking_for_a_language_nobody_speaks_lets_nothing_pass(void **state)
{
    (void)state;
    assert_int_equal(language("xx"), 0);
    assert_int_equal(passing((struct rs_condition){.asks_language = 1}), 0);
    assert_int_equal(passing((struct rs_condition){.asks_language = 1, .n_languages = 1}), 0);
    assert_false(trivial((struct rs_condition){.asks_language = 1}));
}

static void an_item_must_have_one_of_the_genres_asked_for(void **state)
{
    struct rs_condition two = {.asks_genre = 1, .n_genres = 1};

    (void)state;
    two.genres[0] = (uint32_t)rs_catalog_find_genre(catalog, "DRAMA");
    assert_int_equal(passing(two), ENGLISH_1994 | GERMAN_1999);
    two.genres[0] = (uint32_t)rs_catalog_find_genre(catalog, "war");
    assert_int_equal(passing(two), ENGLISH_1994);
    two.genres[two.n_genres++] = (uint32_t)rs_catalog_find_genre(catalog, "drama");
    assert_int_equal(passing(two), ENGLISH_1994 | GERMAN_1999);
    assert_int_equal(passing((struct rs_condition){.asks_genre = 1}), 0);
    assert_false(trivial((struct rs_condition){.asks_genre = 1}));
}

static void all_conditions_must_hold_together(void **state)
{
    struct rs_condition both = {.min_rating = 7.0f, .max_year = 1993};

    (void)state;
    assert_int_equal(passing(both), FRENCH_ADULT_1990);
    both.exclude_adult = 1;
    assert_int_equal(passing(both), 0);
}

static void a_catalogue_without_entries_meets_no_condition_on_them(void **state)
{
    struct rs_condition condition = {.min_rating = 1.0f};

    (void)state;
    assert_false(rs_condition_holds(&condition, empty, 4));
    condition.min_rating = 0.0f;
    assert_true(rs_condition_holds(&condition, empty, 4));
    condition.exclude_adult = 1;
    assert_true(rs_condition_holds(&condition, empty, 4));
    condition.asks_language = 1;
    assert_false(rs_condition_holds(&condition, empty, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_condition_lets_every_item_pass),
        cmocka_unit_test(a_minimum_rating_includes_itself_and_excludes_the_unknown),
        cmocka_unit_test(a_range_of_years_includes_its_ends_and_excludes_the_unknown),
        cmocka_unit_test(adult_items_can_be_left_out),
        cmocka_unit_test(an_item_must_speak_one_of_the_languages_asked_for),
        cmocka_unit_test(asking_for_a_language_nobody_speaks_lets_nothing_pass),
        cmocka_unit_test(an_item_must_have_one_of_the_genres_asked_for),
        cmocka_unit_test(all_conditions_must_hold_together),
        cmocka_unit_test(a_catalogue_without_entries_meets_no_condition_on_them),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
