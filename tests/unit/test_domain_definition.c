/* Covers lib/domain/definition.c, pattern.c and what recsys_domains_add() refuses: a set begins
 * empty, and what cannot work is found out when it is added, not at the first request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/recycling.h"
#include "tests/support/check.h"
#include "tests/support/fake_source.h"

static struct fixture {
    struct fake_source fake;
    recsys_source *source;
    recsys_domains *domains;
    recsys_error err;
} fixture;

static int set_up(void **state)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;

    (void)state;
    memset(&fixture, 0, sizeof fixture);
    fixture.source = fake_source_create(&fixture.fake);
    options.source = fixture.source;
    CHECK_OK(recsys_domains_create(&options, &fixture.domains, &fixture.err), &fixture.err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_domains_destroy(fixture.domains);
    recsys_source_unref(fixture.source);
    return 0;
}

static void refuse(const recsys_domain_definition *definition, recsys_status status,
                   const char *says)
{
    memset(&fixture.err, 0, sizeof fixture.err);
    assert_int_equal(recsys_domains_add(fixture.domains, definition, &fixture.err), status);
    if (strstr(fixture.err.message, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fixture.err.message, says);
}

static void a_definition_that_cannot_work_is_refused(void **state)
{
    static const struct {
        const char *key, *query, *says;
    } wrong[] = {
        {"shop:{user}", "SELECT $2", "$1..$1"},
        {"shop:{user}", "SELECT 1", "$1..$1"},
        {"shop:{user}", "SELECT '$1'", "$1..$1"},
        {"shop:{user}:{a}", "SELECT $1, $2, $3", "$1..$2"},
        {"shop:{user}:{user}", "SELECT $1, $2", "twice"},
        {"{user}", "SELECT $1", "fixed text"},
        {"shop:{}", "SELECT $1", "without a name"},
        {"shop:{User}", "SELECT $1", "without a name"},
        {"shop:{user", "SELECT $1", "without a name"},
        {"shop:{user}}", "SELECT $1", "not allowed"},
        {"shop {user}", "SELECT $1", "not allowed"},
        {"~shop:{user}", "SELECT $1", "fixed text"},
        {"shop:all", "SELECT 1", "PER_USER"},
        {"s{a}{b}{c}{d}{e}{f}{g}{h}{i}", "SELECT 1", "more than 8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        recsys_domain_definition definition = fake_source_definition();
        definition.key = wrong[i].key;
        definition.query = wrong[i].query;
        refuse(&definition, RECSYS_E_INVALID, wrong[i].says);
    }
#define WITH(change, status, says)                                                                 \
    do {                                                                                           \
        recsys_domain_definition definition = fake_source_definition();                            \
        change;                                                                                    \
        refuse(&definition, status, says);                                                         \
    } while (0)
    WITH(definition.name = "Shop", RECSYS_E_INVALID, "a-z 0-9");
    WITH(definition.name = NULL, RECSYS_E_INVALID, "a-z 0-9");
    WITH(definition.db = 16, RECSYS_E_INVALID, "0..15");
    WITH(definition.shape = 4, RECSYS_E_INVALID, "shape");
    WITH(definition.ttl_s = RECSYS_NEVER_32, RECSYS_E_INVALID, "ttl_s");
    WITH(definition.max_rows = 3, RECSYS_E_INVALID, "max_rows");
    WITH(definition.query = NULL, RECSYS_E_INVALID, "query");
    WITH(definition.flags = 1u << 9, RECSYS_E_UNSUPPORTED, "flags");
    WITH(definition.flags = RECSYS_DOMAIN_WARM, RECSYS_E_INVALID, "warm_query");
    WITH(definition.struct_size = 8, RECSYS_E_INVALID, "size");
    WITH((definition.shape = RECSYS_SHAPE_LIST, definition.version_column = "v"), RECSYS_E_INVALID,
         "version_column");
    assert_null(recsys_domains_list(fixture.domains, 0));
    assert_null(recsys_domains_get_aside(fixture.domains, 12));
}

static void two_domains_cannot_make_the_same_key(void **state)
{
    static const struct {
        const char *a, *b;
        int overlap;
    } pairs[] = {
        {"k:{x}", "k:{y}", 1},       {"k:{x}", "k:{x}:{y}", 0},     {"k:{x}", "k:all", 1},
        {"k:{x}", "l:{x}", 0},       {"k:a{x}", "k:{y}b", 1},       {"k:a{x}", "k:b{x}", 0},
        {"k:{x}:{y}", "k:{x}:z", 1}, {"k:{x}:{y}", "k:z:{y}", 1},   {"k:{x}a", "k:{x}b", 0},
        {"k:{x}", "k:", 0},          {"k:{x}/{y}", "k:{x}", 0},     {"k:{x}{y}", "k:{z}", 1},
        {"k:all", "k:all", 1},       {"k:a.{x}.b", "k:{y}.b.b", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int turned = 0; turned < 2; turned++) {
            recsys_domain_definition definition = fake_source_definition();
            char query[64] = "SELECT 0", name[2][32];
            recsys_status status[2];
            for (int side = 0; side < 2; side++) {
                const char *key = side == turned ? pairs[i].a : pairs[i].b;
                snprintf(name[side], sizeof name[side], "n%zu.%d.%d", i, turned, side);
                definition.name = name[side];
                definition.flags = 0;
                /* a beginning of its own for each pair */
                char whole[96];
                snprintf(whole, sizeof whole, "p%zu-%d:%s", i, turned, key);
                definition.key = whole;
                snprintf(query, sizeof query, "SELECT 0");
                unsigned n = 0;
                for (const char *at = key; (at = strchr(at, '{')) != NULL; at++)
                    snprintf(query + strlen(query), sizeof query - strlen(query), ", $%u", ++n);
                definition.query = query;
                status[side] = recsys_domains_add(fixture.domains, &definition, &fixture.err);
            }
            assert_int_equal(status[0], RECSYS_OK);
            if (status[1] != (pairs[i].overlap ? RECSYS_E_EXISTS : RECSYS_OK))
                fail_msg("%s and %s", pairs[i].a, pairs[i].b);
        }
}

static void the_ready_domains_come_all_or_not_at_all(void **state)
{
    recsys_domain_definition mine = RECSYS_DOMAIN_DEFINITION_INIT;
    recsys_value json;

    (void)state;
    assert_null(recsys_domains_list(fixture.domains, 0));
    mine.name = "info.search";
    mine.shape = RECSYS_SHAPE_LIST;
    mine.ttl_s = 1;
    mine.key = "mine:{a}";
    mine.query = "SELECT $1";
    CHECK_OK(recsys_domains_add(fixture.domains, &mine, &fixture.err), &fixture.err);
    assert_int_equal(recsys_recycling_add_domains(fixture.domains, &fixture.err), RECSYS_E_EXISTS);
    assert_null(recsys_domains_list(fixture.domains, 1));
    assert_int_equal(
        recsys_recycling_search_guides(fixture.domains, "word", &json, NULL, &fixture.err),
        RECSYS_E_UNDEFINED);
    assert_non_null(strstr(fixture.err.message, "recsys_recycling_add_domains"));
    assert_int_equal(recsys_recycling_add_domains(NULL, &fixture.err), RECSYS_E_INVALID);
}

static void options_that_cannot_work_are_refused(void **state)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;
    recsys_store *stores[RECSYS_DOMAIN_DBS + 1] = {NULL};
    recsys_domains *domains = fixture.domains;

    (void)state;
    options.source = fixture.source;
    options.n_stores = 1;
    assert_int_equal(recsys_domains_create(&options, &domains, &fixture.err), RECSYS_E_INVALID);
    assert_null(domains);
    options.stores = stores;
    options.n_stores = RECSYS_DOMAIN_DBS + 1;
    assert_int_equal(recsys_domains_create(&options, &domains, &fixture.err), RECSYS_E_INVALID);
    options.n_stores = 1;
    options.flags = 1;
    assert_int_equal(recsys_domains_create(&options, &domains, &fixture.err), RECSYS_E_UNSUPPORTED);
    options.flags = 0;
    options.source = NULL;
    assert_int_equal(recsys_domains_create(&options, &domains, &fixture.err), RECSYS_E_INVALID);
    assert_null(domains);
}

static void a_time_to_live_has_a_default_and_an_end(void **state)
{
    recsys_domain_definition definition = RECSYS_DOMAIN_DEFINITION_INIT;

    (void)state;
    definition.name = "a";
    definition.shape = RECSYS_SHAPE_OBJECT;
    definition.key = "a:{id}";
    definition.query = "SELECT $1";
    definition.ttl_s = RECSYS_NEVER_32;
    assert_int_equal(recsys_domains_add(fixture.domains, &definition, &fixture.err),
                     RECSYS_E_INVALID);
    definition.ttl_s = 0;
    definition.flags = RECSYS_DOMAIN_NO_NEGATIVE;
    definition.negative_ttl_s = 1;
    assert_int_equal(recsys_domains_add(fixture.domains, &definition, &fixture.err),
                     RECSYS_E_INVALID);
    definition.negative_ttl_s = 0;
    CHECK_OK(recsys_domains_add(fixture.domains, &definition, &fixture.err), &fixture.err);
    assert_int_equal(recsys_domains_list(fixture.domains, 0)->ttl_s, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_definition_that_cannot_work_is_refused),
        TEST(two_domains_cannot_make_the_same_key),
        TEST(options_that_cannot_work_are_refused),
        TEST(a_time_to_live_has_a_default_and_an_end),
        TEST(the_ready_domains_come_all_or_not_at_all),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
