/* Domains over in-process stores and a database that is a function: keys, times
 * to live, limits, what is kept and what is not, what is forgotten by whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/domain/domain.h"
#include "recsys/recycling.h"
#include "tests/support/check.h"
#include "tests/support/fake_source.h"

/* The database: per user so many rows, all with this text; every answer counted. */
static struct fixture {
    struct fake_source fake;
    recsys_source *source;
    recsys_store *stores[RECSYS_DOMAIN_DBS];
    recsys_domains *domains;
    recsys_error err;
    unsigned n_rows;     /* of each list */
    int is_there;        /* does an object exist? */
    const char *text;    /* in every row */
    const char *status;  /* of a scan */
    int64_t version;     /* of a character */
    char statement[512]; /* the last one */
    char first[512];     /* its first parameter */
    int64_t asked_rows;  /* its last parameter, if an integer */
} fixture;

static void add_list(const recsys_datum *parameters, size_t n, recsys_rows *rows)
{
    int64_t want = parameters[n - 1].type == RECSYS_TYPE_INTEGER ? parameters[n - 1].number : 1000;

    fake_source_columns(rows, "id", "user_id", "text", NULL);
    for (int64_t i = 0; i < want && i < (int64_t)fixture.n_rows; i++) {
        fake_source_add(rows, recsys_datum_integer(1000 - i));
        fake_source_add(rows, parameters[0]);
        fake_source_add(rows, recsys_datum_text(fixture.text));
    }
}

static void add_scans(const recsys_datum *parameters, size_t n, recsys_rows *rows)
{
    size_t n_rows = n == 1 ? (size_t)fixture.is_there : fixture.n_rows;

    fake_source_columns(rows, "task_id", "status", "settled", NULL);
    for (size_t i = 0; i < n_rows; i++) {
        fake_source_add(rows, parameters[0]);
        fake_source_add(rows, recsys_datum_text(fixture.status));
        fake_source_add(rows, (recsys_datum){.type = RECSYS_TYPE_BOOL,
                                             .number = strcmp(fixture.status, "completed") == 0});
    }
}

static recsys_status answer(void *user_data, const char *statement, const recsys_datum *parameters,
                            size_t n, recsys_rows *rows, recsys_error *err)
{
    (void)user_data;
    (void)err;
    snprintf(fixture.statement, sizeof fixture.statement, "%s", statement);
    fixture.first[0] = '\0';
    if (n > 0)
        fake_source_text(&parameters[0], fixture.first, sizeof fixture.first);
    fixture.asked_rows = n > 1 ? parameters[n - 1].number : -1;
    if (strstr(statement, "to_regclass") != NULL) {
        fake_source_columns(rows, "is_there", NULL);
        fake_source_add(rows, (recsys_datum){.type = RECSYS_TYPE_BOOL, .number = 1});
    } else if (strstr(statement, "cache_db.outbox") != NULL)
        fake_source_columns(rows, "id", "db", "key", NULL);
    else if (strstr(statement, "scan_results") != NULL)
        add_scans(parameters, n, rows);
    else if (strstr(statement, "character_db.states") != NULL ||
             strstr(statement, "gain_exp") != NULL) {
        int is_gain = strstr(statement, "gain_exp") != NULL;
        fake_source_columns(rows, "user_id", "exp", "version", is_gain ? "leveled_up" : NULL, NULL);
        if (is_gain)
            fake_source_columns(rows, "awarded", NULL);
        fake_source_add(rows, parameters[0]);
        fake_source_add(rows, recsys_datum_integer(fixture.version * 10));
        fake_source_add(rows, recsys_datum_integer(fixture.version));
        if (is_gain) {
            fake_source_add(rows, recsys_datum_integer(2));
            fake_source_add(rows, (recsys_datum){.type = RECSYS_TYPE_BOOL, .number = 1});
        }
    } else if (strstr(statement, "SELECT category") != NULL) {
        fake_source_columns(rows, "category", NULL);
        fake_source_add(rows, recsys_datum_text("glass"));
        fake_source_add(rows, recsys_datum_text("paper"));
    } else if (strstr(statement, "LIMIT") != NULL || strstr(statement, "ORDER BY") != NULL)
        add_list(parameters, n, rows);
    else {
        fake_source_columns(rows, "user_id", "text", NULL);
        if (fixture.is_there) {
            fake_source_add(rows, n > 0 ? parameters[0] : recsys_datum_text("-"));
            fake_source_add(rows, recsys_datum_text(fixture.text));
        }
    }
    return RECSYS_OK;
}

static void open_fixture(void)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;

    memset(&fixture, 0, sizeof fixture);
    fixture.fake.answer = answer;
    fixture.n_rows = 150;
    fixture.is_there = 1;
    fixture.text = "a";
    fixture.status = "completed";
    fixture.version = 1;
    fixture.source = fake_source_create(&fixture.fake);
    options.source = fixture.source;
    options.stores = fixture.stores;
    options.n_stores = RECSYS_DOMAIN_DBS;
    for (size_t db = 0; db < RECSYS_DOMAIN_DBS; db++) {
        char name[16];
        snprintf(name, sizeof name, "db%zu", db);
        CHECK_OK(recsys_store_create_memory(name, NULL, &fixture.stores[db], &fixture.err),
                 &fixture.err);
    }
    CHECK_OK(recsys_domains_create(&options, &fixture.domains, &fixture.err), &fixture.err);
}

static int set_up(void **state)
{
    (void)state;
    open_fixture();
    CHECK_OK(recsys_recycling_add_domains(fixture.domains, &fixture.err), &fixture.err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_domains_destroy(fixture.domains);
    for (size_t db = 0; db < RECSYS_DOMAIN_DBS; db++)
        recsys_store_unref(fixture.stores[db]);
    recsys_source_unref(fixture.source);
    return 0;
}

/* The JSON of an entry, for free(); "" and the status in *status if it fails. */
static char *read_entry(const char *name, const char *value, uint32_t limit, uint32_t *outcome,
                        recsys_status *status)
{
    recsys_value json;
    char *text = calloc(1, 1);

    *status = recsys_domains_get(fixture.domains, name, &value, value == NULL ? 0 : 1, limit, &json,
                                 outcome, &fixture.err);
    if (*status == RECSYS_OK) {
        text = realloc(text, json.size + 1);
        memcpy(text, json.data, json.size);
        text[json.size] = '\0';
        assert_int_equal(strlen(text), json.size);
    } else {
        assert_null(json.data);
        assert_null(json.release);
    }
    recsys_value_release(&json);
    return text;
}

static void expect_entry(const char *name, const char *value, uint32_t limit, const char *want,
                         uint32_t want_outcome)
{
    uint32_t outcome;
    recsys_status status;
    char *text = read_entry(name, value, limit, &outcome, &status);

    if (status != RECSYS_OK)
        fail_msg("%s: %s", name, fixture.err.message);
    assert_string_equal(text, want);
    assert_int_equal(outcome, want_outcome);
    free(text);
}

static void expect_status(const char *name, const char *value, uint32_t limit,
                          recsys_status want_status, uint32_t want_outcome)
{
    uint32_t outcome;
    recsys_status status;

    free(read_entry(name, value, limit, &outcome, &status));
    assert_int_equal(status, want_status);
    assert_int_equal(outcome, want_outcome);
}

/* How many elements the list has. */
static size_t count_list(const char *name, const char *value, uint32_t limit, uint32_t *outcome)
{
    recsys_status status;
    char *text = read_entry(name, value, limit, outcome, &status);
    size_t n = 0;

    assert_int_equal(status, RECSYS_OK);
    assert_int_equal(text[0], '[');
    for (const char *at = text; (at = strstr(at, "\"id\"")) != NULL; at++)
        n++;
    /* The newest first, without a gap: what is cut is the end. */
    for (size_t i = 0; i < n; i++) {
        char id[32];
        snprintf(id, sizeof id, "\"id\":%zu,", 1000 - i);
        assert_non_null(strstr(text, id));
    }
    free(text);
    return n;
}

static int32_t collect(recsys_bytes key, void *user_data)
{
    char *keys = user_data;

    if (key.size > 0 && *(const char *)key.data != '~')
        snprintf(keys + strlen(keys), 4096 - strlen(keys), "%.*s ", (int)key.size,
                 (const char *)key.data);
    return 0;
}

/* The keys of entries in a logical db, each followed by a blank. */
static const char *keys_of(uint32_t db)
{
    static char keys[4096];
    const recsys_bytes parts[] = {{"", 0}, {"", 0}};
    uint64_t cursor = 0;

    keys[0] = '\0';
    do
        CHECK_OK(
            recsys_store_scan(fixture.stores[db], parts, 2, &cursor, collect, keys, &fixture.err),
            &fixture.err);
    while (cursor != 0);
    return keys;
}

static void every_ready_domain_is_as_documented(void **state)
{
    static const struct {
        const char *name, *key;
        uint32_t db, ttl_s;
    } want[] = {
        {"user.profile", "user:profile:{user_id}", 2, 3600},
        {"user.activity", "user:activity:{user_id}", 2, 300},
        {"character.state", "character:state:{user_id}", 3, 600},
        {"character.missions", "character:missions:{user_id}", 3, 600},
        {"location.center", "location:center:{id}", 4, 86400},
        {"location.nearby", "location:nearby:{geohash}:{radius_km}", 4, 86400},
        {"info.guide", "info:guide:{category}", 5, 604800},
        {"info.categories", "info:categories:all", 5, 604800},
        {"info.search", "info:search:{keyword}", 5, 3600},
        {"chat.history", "chat:history:{user_id}", 6, 1800},
        {"scan.result", "scan:result:{task_id}", 7, 3600},
        {"scan.history", "scan:history:{user_id}", 7, 3600},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof want / sizeof *want; i++) {
        const recsys_domain_definition *have = recsys_domains_list(fixture.domains, i);
        assert_non_null(have);
        assert_string_equal(have->name, want[i].name);
        assert_string_equal(have->key, want[i].key);
        assert_int_equal(have->db, want[i].db);
        assert_int_equal(have->ttl_s, want[i].ttl_s);
        assert_null(strstr(have->query, "*"));
    }
    assert_null(recsys_domains_list(fixture.domains, i));
}

static void an_entry_is_loaded_once_and_kept_under_exactly_its_key(void **state)
{
    (void)state;
    expect_entry("user.profile", "42", 0, "{\"user_id\":\"42\",\"text\":\"a\"}", RECSYS_ASIDE_MISS);
    expect_entry("user.profile", "42", 0, "{\"user_id\":\"42\",\"text\":\"a\"}", RECSYS_ASIDE_HIT);
    assert_int_equal(fixture.fake.calls, 1);
    assert_string_equal(keys_of(2), "user:profile:42 ");
    for (uint32_t db = 0; db < RECSYS_DOMAIN_DBS; db++)
        if (db != 2)
            assert_string_equal(keys_of(db), "");
    expect_entry("info.categories", NULL, 0, "[\"glass\",\"paper\"]", RECSYS_ASIDE_MISS);
    assert_string_equal(keys_of(5), "info:categories:all ");
}

static void no_value_reaches_into_another_key(void **state)
{
    (void)state;
    expect_entry("user.profile", "1:x", 0, "{\"user_id\":\"1:x\",\"text\":\"a\"}",
                 RECSYS_ASIDE_MISS);
    assert_string_equal(keys_of(2), "user:profile:1%3Ax ");
    expect_entry("user.profile", "0", 0, "{\"user_id\":\"0\",\"text\":\"a\"}", RECSYS_ASIDE_MISS);
    expect_entry("user.profile", "00", 0, "{\"user_id\":\"00\",\"text\":\"a\"}", RECSYS_ASIDE_MISS);
    expect_status("user.profile", "", 0, RECSYS_E_INVALID, 0);
    expect_status("user.profile", "\xff", 0, RECSYS_E_INVALID, 0);
    expect_status("user.profile", NULL, 0, RECSYS_E_INVALID, 0);
}

static void two_limits_never_get_each_others_answer(void **state)
{
    static const uint32_t limits[] = {0, 1, 2, 10, 99, 100, 101, 149, 150, 151, 1000};
    static const size_t n = sizeof limits / sizeof *limits;

    (void)state;
    /* Each limit first, on an empty cache, and then each other one. */
    for (size_t first = 0; first < n; first++)
        for (size_t second = 0; second < n; second++) {
            char user[64];
            uint32_t outcome;
            snprintf(user, sizeof user, "u%zu-%zu", first, second);
            for (size_t turn = 0; turn < 3; turn++) {
                uint32_t limit = limits[turn == 1 ? second : first];
                size_t want = limit == 0 ? 100 : limit < fixture.n_rows ? limit : fixture.n_rows;
                assert_int_equal(count_list("chat.history", user, limit, &outcome), want);
                if (limit > 100 || turn == 0)
                    assert_int_equal(outcome, RECSYS_ASIDE_MISS);
                else
                    assert_int_equal(outcome, RECSYS_ASIDE_HIT);
            }
        }
}

static void what_is_cached_of_a_list_is_always_max_rows(void **state)
{
    uint32_t outcome;

    (void)state;
    assert_int_equal(count_list("chat.history", "1", 3, &outcome), 3);
    assert_int_equal(fixture.asked_rows, 100);
    assert_int_equal(count_list("chat.history", "1", 130, &outcome), 130);
    assert_int_equal(fixture.asked_rows, 130);
    assert_int_equal(fixture.fake.calls, 2);
    assert_int_equal(count_list("chat.history", "1", 100, &outcome), 100);
    assert_int_equal(fixture.fake.calls, 2);
}

static void a_list_shorter_than_max_rows_is_complete_for_any_limit(void **state)
{
    uint32_t outcome;

    (void)state;
    fixture.n_rows = 99;
    assert_int_equal(count_list("chat.history", "1", 5, &outcome), 5);
    assert_int_equal(count_list("chat.history", "1", 5000, &outcome), 99);
    assert_int_equal(outcome, RECSYS_ASIDE_HIT);
    assert_int_equal(fixture.fake.calls, 1);
    fixture.n_rows = 0;
    expect_entry("chat.history", "2", 10, "[]", RECSYS_ASIDE_MISS);
    expect_entry("chat.history", "2", 0, "[]", RECSYS_ASIDE_HIT);
}

static void brackets_and_quotes_in_values_do_not_move_the_cut(void **state)
{
    (void)state;
    fixture.text = "],[{\"\\";
    expect_entry("chat.history", "1", 1,
                 "[{\"id\":1000,\"user_id\":\"1\",\"text\":\"],[{\\\"\\\\\"}]", RECSYS_ASIDE_MISS);
}

static void that_there_is_none_is_kept_but_for_scans(void **state)
{
    (void)state;
    fixture.is_there = 0;
    expect_status("user.profile", "9", 0, RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    expect_status("user.profile", "9", 0, RECSYS_E_NOT_FOUND, RECSYS_ASIDE_NEGATIVE);
    assert_int_equal(fixture.fake.calls, 1);
    assert_non_null(strstr(fixture.err.message, "user:profile:9"));

    expect_status("scan.result", "t", 0, RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    expect_status("scan.result", "t", 0, RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    assert_int_equal(fixture.fake.calls, 3);
    fixture.is_there = 1;
    expect_entry("scan.result", "t", 0, "{\"task_id\":\"t\",\"status\":\"completed\"}",
                 RECSYS_ASIDE_MISS);
}

static void how_long_it_is_kept_that_there_is_none_is_the_domains_to_say(void **state)
{
    recsys_domain_definition definition = fake_source_definition();

    (void)state;
    definition.key = "shop:{user}";
    definition.query = "SELECT $1";
    definition.negative_ttl_s = 5;
    assert_int_equal(recsys_domains_add(fixture.domains, &definition, &fixture.err), RECSYS_OK);
    fixture.is_there = 0;
    expect_status("shop.cart", "9", 0, RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    expect_status("shop.cart", "9", 0, RECSYS_E_NOT_FOUND, RECSYS_ASIDE_NEGATIVE);
    assert_int_equal(fixture.fake.calls, 1);
    fixture.is_there = 1;
    assert_int_equal(recsys_domains_invalidate_user(fixture.domains, "9", &fixture.err), RECSYS_OK);
    expect_entry("shop.cart", "9", 0, "{\"user_id\":\"9\",\"text\":\"a\"}", RECSYS_ASIDE_MISS);
}

static void a_pending_scan_is_handed_out_and_not_kept(void **state)
{
    (void)state;
    fixture.status = "pending";
    for (unsigned i = 1; i <= 2; i++) {
        expect_entry("scan.result", "t", 0, "{\"task_id\":\"t\",\"status\":\"pending\"}",
                     RECSYS_ASIDE_MISS);
        assert_int_equal(fixture.fake.calls, i);
    }
    fixture.status = "completed";
    expect_entry("scan.result", "t", 0, "{\"task_id\":\"t\",\"status\":\"completed\"}",
                 RECSYS_ASIDE_MISS);
    expect_entry("scan.result", "t", 0, "{\"task_id\":\"t\",\"status\":\"completed\"}",
                 RECSYS_ASIDE_HIT);
    fixture.status = "pending";
    fixture.n_rows = 2;
    for (unsigned i = 0; i < 2; i++)
        expect_entry("scan.history", "u", 1, "[{\"task_id\":\"u\",\"status\":\"pending\"}]",
                     RECSYS_ASIDE_MISS);
}

static void what_the_database_fails_with_is_the_callers(void **state)
{
    (void)state;
    fixture.fake.fails = RECSYS_E_TIMEOUT;
    expect_status("user.profile", "1", 0, RECSYS_E_TIMEOUT, RECSYS_ASIDE_MISS);
    fixture.fake.fails = RECSYS_OK;
    expect_entry("user.profile", "1", 0, "{\"user_id\":\"1\",\"text\":\"a\"}", RECSYS_ASIDE_MISS);
}

static recsys_status write_users(const char *const *names, size_t n, const char *user)
{
    recsys_datum parameter = recsys_datum_text(user);

    return recsys_domains_write(fixture.domains, names, n, &user, 1,
                                "UPDATE anything SET x = 1 WHERE user_id = $1", &parameter, 1, NULL,
                                &fixture.err);
}

static void a_write_forgets_its_entries_in_every_database(void **state)
{
    static const char *const names[] = {"user.profile", "chat.history", "character.missions",
                                        "user.activity"};

    (void)state;
    fixture.n_rows = 1;
    for (unsigned turn = 0; turn < 2; turn++) {
        uint32_t outcome;
        for (size_t i = 0; i < 4; i++)
            for (const char *user = "1"; user != NULL; user = *user == '1' ? "2" : NULL) {
                recsys_status status;
                free(read_entry(names[i], user, 0, &outcome, &status));
                assert_int_equal(status, RECSYS_OK);
            }
        /* Also if it fails: it may have happened. */
        fixture.fake.fails = turn == 0 ? RECSYS_OK : RECSYS_E_IO;
        assert_int_equal(write_users(names, 4, "1"), fixture.fake.fails);
        fixture.fake.fails = RECSYS_OK;
        fixture.text = "b";
        for (size_t i = 0; i < 4; i++) {
            recsys_status status;
            free(read_entry(names[i], "1", 0, &outcome, &status));
            assert_int_equal(outcome, RECSYS_ASIDE_MISS);
            free(read_entry(names[i], "2", 0, &outcome, &status));
            assert_int_equal(outcome, RECSYS_ASIDE_HIT);
        }
    }
}

static void a_write_that_cannot_name_its_entries_is_not_run(void **state)
{
    static const char *const unknown[] = {"user.profile", "user.nothing"};

    (void)state;
    assert_int_equal(write_users(unknown, 2, "1"), RECSYS_E_UNDEFINED);
    assert_int_equal(write_users(unknown, 1, ""), RECSYS_E_INVALID);
    assert_int_equal(write_users(unknown, 0, "1"), RECSYS_E_INVALID);
    assert_int_equal(fixture.fake.calls, 0);
}

static void a_user_is_forgotten_everywhere_and_nobody_else(void **state)
{
    static const char *const names[] = {"user.profile",       "user.activity", "character.state",
                                        "character.missions", "chat.history",  "scan.history"};
    uint32_t outcome;
    recsys_status status;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        free(read_entry(names[i], "1", 0, &outcome, &status));
        free(read_entry(names[i], "11", 0, &outcome, &status));
    }
    assert_int_equal(recsys_domains_invalidate_user(fixture.domains, "1", &fixture.err), RECSYS_OK);
    for (size_t i = 0; i < 6; i++) {
        free(read_entry(names[i], "11", 0, &outcome, &status));
        assert_int_equal(outcome, RECSYS_ASIDE_HIT);
        free(read_entry(names[i], "1", 0, &outcome, &status));
        assert_int_equal(outcome, RECSYS_ASIDE_MISS);
    }
}

static void a_domain_of_ones_own_is_like_the_others(void **state)
{
    recsys_domain_definition definition = fake_source_definition();
    const char *const mine[] = {"1", "x"}, *const more[] = {"1", "y"}, *const other[] = {"2", "x"};
    const char *const *const all[] = {mine, more, other};
    recsys_value json;
    uint32_t outcome;

    (void)state;
    assert_int_equal(recsys_domains_add(fixture.domains, &definition, &fixture.err), RECSYS_OK);
    for (size_t turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < 3; i++) {
            CHECK_OK(recsys_domains_get(fixture.domains, "shop.cart", all[i], 2, 0, &json, &outcome,
                                        &fixture.err),
                     &fixture.err);
            assert_int_equal(outcome, turn == 0 ? RECSYS_ASIDE_MISS : RECSYS_ASIDE_HIT);
            recsys_value_release(&json);
        }
    assert_non_null(strstr(keys_of(12), "shop:2:cart:x "));
    /* More parameters than the user: everything of the user goes, by its beginning. */
    assert_int_equal(recsys_domains_invalidate_user(fixture.domains, "1", &fixture.err), RECSYS_OK);
    assert_string_equal(keys_of(12), "shop:2:cart:x ");
    assert_int_equal(
        recsys_domains_invalidate(fixture.domains, "shop.cart", other, 2, &fixture.err), RECSYS_OK);
    assert_string_equal(keys_of(12), "");
    assert_non_null(recsys_domains_get_aside(fixture.domains, 12));
    assert_null(recsys_domains_get_aside(fixture.domains, 13));
}

static void names_that_are_not_there_say_so(void **state)
{
    recsys_value json;
    const char *one = "1";

    (void)state;
    expect_status("user.nothing", "1", 0, RECSYS_E_UNDEFINED, 0);
    assert_non_null(strstr(fixture.err.message, "no domain \"user.nothing\""));
    expect_status("location.nearby", "1", 0, RECSYS_E_INVALID, 0);
    assert_non_null(strstr(fixture.err.message, "recsys_recycling_find_nearby"));
    expect_status("info.search", "1", 0, RECSYS_E_INVALID, 0);
    expect_status("user.profile", "1", 5, RECSYS_E_INVALID, 0);
    assert_int_equal(recsys_domains_get(fixture.domains, "info.categories", &one, 1, 0, &json, NULL,
                                        &fixture.err),
                     RECSYS_E_INVALID);
    assert_int_equal(
        recsys_domains_get(fixture.domains, "user.profile", &one, 1, 0, NULL, NULL, &fixture.err),
        RECSYS_E_INVALID);
    assert_int_equal(fixture.fake.calls, 0);
}

static void a_gain_is_written_through_as_a_reader_would_have_cached_it(void **state)
{
    recsys_value json;

    (void)state;
    expect_entry("character.state", "1", 0, "{\"user_id\":\"1\",\"exp\":10,\"version\":1}",
                 RECSYS_ASIDE_MISS);
    fixture.version = 5;
    CHECK_OK(
        recsys_recycling_gain_experience(fixture.domains, "1", 100, "award", &json, &fixture.err),
        &fixture.err);
    assert_string_equal(
        json.data,
        "{\"user_id\":\"1\",\"exp\":50,\"version\":5,\"leveled_up\":2,\"awarded\":true}");
    recsys_value_release(&json);
    expect_entry("character.state", "1", 0, "{\"user_id\":\"1\",\"exp\":50,\"version\":5}",
                 RECSYS_ASIDE_HIT);
    /* An older gain that comes to the cache later does not win. */
    fixture.version = 4;
    CHECK_OK(recsys_recycling_gain_experience(fixture.domains, "1", 100, NULL, &json, &fixture.err),
             &fixture.err);
    recsys_value_release(&json);
    expect_entry("character.state", "1", 0, "{\"user_id\":\"1\",\"exp\":50,\"version\":5}",
                 RECSYS_ASIDE_HIT);
    fixture.fake.fails = RECSYS_E_TIMEOUT;
    assert_int_equal(
        recsys_recycling_gain_experience(fixture.domains, "1", 100, NULL, &json, &fixture.err),
        RECSYS_E_TIMEOUT);
    assert_null(json.data);
    fixture.fake.fails = RECSYS_OK;
    fixture.version = 6;
    expect_entry("character.state", "1", 0, "{\"user_id\":\"1\",\"exp\":60,\"version\":6}",
                 RECSYS_ASIDE_MISS);
}

/* An outbox, whose last look is too long ago for the store to be trusted. */
static void a_database_that_is_not_reached_is_asked_once_a_reading(void **state)
{
    const recsys_status unreached[] = {RECSYS_E_TIMEOUT, RECSYS_E_IO};
    const char *absent = "8", *present = "7", *want = "{\"user_id\":\"7\",\"text\":\"a\"}";
    uint32_t outcome;
    recsys_value json;

    (void)state;
    expect_entry("user.profile", present, 0, want, RECSYS_ASIDE_MISS);
    CHECK_OK(recsys_domains_sync(fixture.domains, NULL, NULL, &fixture.err), &fixture.err);
    atomic_store(&fixture.domains->owed.trusted_until_ns, 0u);
    for (size_t i = 0; i < 2; i++) {
        fixture.fake.fails = unreached[i];
        expect_entry("user.profile", present, 0, want, RECSYS_ASIDE_HIT);
        unsigned before = atomic_load(&fixture.fake.calls);
        assert_int_equal(recsys_domains_get(fixture.domains, "user.profile", &absent, 1, 0, &json,
                                            &outcome, &fixture.err),
                         unreached[i]);
        assert_int_equal(atomic_load(&fixture.fake.calls), before + 1);
    }
    /* A database that is reached and refuses is not away. */
    fixture.fake.fails = RECSYS_E_BACKEND;
    assert_int_equal(recsys_domains_get(fixture.domains, "user.profile", &present, 1, 0, &json,
                                        &outcome, &fixture.err),
                     RECSYS_E_BACKEND);
    fixture.fake.fails = RECSYS_OK;
    expect_entry("user.profile", present, 0, want, RECSYS_ASIDE_UNKNOWN);
}

static void refreshing_loads_what_is_there_again_and_keeps_it_if_that_fails(void **state)
{
    recsys_warming warming = {.struct_size = sizeof warming};
    recsys_bytes lock = {"~warm", 5};
    recsys_value held = {0};

    (void)state;
    CHECK_OK(recsys_domains_refresh(fixture.domains, "info.guide", 0, &warming, &fixture.err),
             &fixture.err);
    assert_int_equal(warming.loaded, 2);
    CHECK_OK(recsys_domains_warm(fixture.domains, "info.guide", 0, &warming, &fixture.err),
             &fixture.err);
    assert_int_equal(warming.present, 2);
    fixture.text = "b";
    CHECK_OK(recsys_domains_refresh(fixture.domains, "info.guide", 0, &warming, &fixture.err),
             &fixture.err);
    assert_int_equal(warming.loaded, 2);
    assert_int_equal(warming.present + warming.failed, 0);
    expect_entry("info.guide", "glass", 0, "{\"user_id\":\"glass\",\"text\":\"b\"}",
                 RECSYS_ASIDE_HIT);
    /* The lock has gone with its holder. */
    CHECK_OK(recsys_store_get(fixture.stores[5], &lock, 1, &held, NULL, &fixture.err),
             &fixture.err);
    assert_null(held.data);
    assert_int_equal(
        recsys_domains_refresh(fixture.domains, "user.profile", 0, &warming, &fixture.err),
        RECSYS_E_INVALID);
    assert_int_equal(recsys_domains_refresh(NULL, NULL, 0, &warming, &fixture.err),
                     RECSYS_E_INVALID);
}

static void warming_loads_what_is_missing_and_one_process_does_it(void **state)
{
    const recsys_error untouched = {RECSYS_E_BUSY, 3, "as it was"};
    recsys_warming warming = {.struct_size = sizeof warming};
    recsys_bytes lock = {"~warm", 5}, value = {"x", 1};

    (void)state;
    expect_entry("info.guide", "paper", 0, "{\"user_id\":\"paper\",\"text\":\"a\"}",
                 RECSYS_ASIDE_MISS);
    CHECK_OK(recsys_domains_warm(fixture.domains, "info.guide", 0, &warming, &fixture.err),
             &fixture.err);
    assert_int_equal(warming.loaded, 1);
    assert_int_equal(warming.present, 1);
    assert_int_equal(warming.failed, 0);
    assert_int_equal(warming.skipped, 0);
    expect_entry("info.guide", "glass", 0, "{\"user_id\":\"glass\",\"text\":\"a\"}",
                 RECSYS_ASIDE_HIT);
    CHECK_OK(recsys_domains_warm(fixture.domains, "info.categories", 0, &warming, &fixture.err),
             &fixture.err);
    assert_int_equal(warming.loaded, 1);
    CHECK_OK(recsys_store_set(fixture.stores[5], lock, value, 60000, RECSYS_STORE_IF_ABSENT,
                              &fixture.err),
             &fixture.err);
    CHECK_OK(recsys_domains_warm(fixture.domains, "info.guide", 0, &warming, &fixture.err),
             &fixture.err);
    assert_int_equal(warming.skipped, 1);
    assert_int_equal(warming.loaded + warming.present + warming.failed, 0);
    assert_int_equal(
        recsys_domains_warm(fixture.domains, "user.profile", 0, &warming, &fixture.err),
        RECSYS_E_INVALID);
    /* A guide that has just been removed is no failure, and leaves no trace of one. */
    CHECK_OK(recsys_store_remove(fixture.stores[5], &lock, 1, NULL, &fixture.err), &fixture.err);
    CHECK_OK(
        recsys_aside_invalidate_all(recsys_domains_get_aside(fixture.domains, 5), &fixture.err),
        &fixture.err);
    fixture.is_there = 0;
    fixture.err = untouched;
    assert_int_equal(recsys_domains_warm(fixture.domains, "info.guide", 0, &warming, &fixture.err),
                     RECSYS_OK);
    assert_memory_equal(&fixture.err, &untouched, sizeof untouched);
    assert_int_equal(warming.failed, 2);
    fixture.is_there = 1;
    assert_int_equal(recsys_domains_warm(fixture.domains, "nothing", 0, &warming, &fixture.err),
                     RECSYS_E_UNDEFINED);
    fixture.fake.fails = RECSYS_E_IO;
    assert_int_equal(recsys_domains_warm(fixture.domains, "info.guide", 0, &warming, &fixture.err),
                     RECSYS_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(every_ready_domain_is_as_documented),
        TEST(an_entry_is_loaded_once_and_kept_under_exactly_its_key),
        TEST(no_value_reaches_into_another_key),
        TEST(two_limits_never_get_each_others_answer),
        TEST(what_is_cached_of_a_list_is_always_max_rows),
        TEST(a_list_shorter_than_max_rows_is_complete_for_any_limit),
        TEST(brackets_and_quotes_in_values_do_not_move_the_cut),
        TEST(that_there_is_none_is_kept_but_for_scans),
        TEST(how_long_it_is_kept_that_there_is_none_is_the_domains_to_say),
        TEST(a_pending_scan_is_handed_out_and_not_kept),
        TEST(what_the_database_fails_with_is_the_callers),
        TEST(a_write_forgets_its_entries_in_every_database),
        TEST(a_write_that_cannot_name_its_entries_is_not_run),
        TEST(a_user_is_forgotten_everywhere_and_nobody_else),
        TEST(a_domain_of_ones_own_is_like_the_others),
        TEST(names_that_are_not_there_say_so),
        TEST(a_gain_is_written_through_as_a_reader_would_have_cached_it),
        TEST(warming_loads_what_is_missing_and_one_process_does_it),
        TEST(a_database_that_is_not_reached_is_asked_once_a_reading),
        TEST(refreshing_loads_what_is_there_again_and_keeps_it_if_that_fails),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
