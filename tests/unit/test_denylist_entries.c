/* Covers lib/denylist/denylist_entries.c: entries that the store has lost, and tokens that other
 * services have revoked in the store alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/denylist/denylist.h"
#include "tests/support/check.h"
#include "tests/support/denylist_fixture.h"

#define FAR_TEXT "2099-12-31T00:00:00"

static void sync_a(void)
{
    CHECK_OK(recsys_denylist_sync(denylist_fixture.a, &err), &err);
}

static void put(const char *jti, const char *entry)
{
    char key[300];

    snprintf(key, sizeof key, "blacklist:%s", jti);
    assert_int_equal(recsys_store_set(denylist_fixture.memory, bytes(key), bytes(entry), 1000000,
                                      RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
}

/* As often as it takes to walk through the whole store. */
static void sync_through(void)
{
    for (int i = 0; i < 1000; i++) {
        sync_a();
        if (denylist_fixture.a->entries.cursor == 0)
            return;
    }
    fail_msg("a scan that never ends");
}

static const char *entry_of(const char *jti)
{
    char key[300];

    snprintf(key, sizeof key, "blacklist:%s", jti);
    return stored(bytes(key));
}

static void forget_entry(const char *jti)
{
    char key[300];

    snprintf(key, sizeof key, "blacklist:%s", jti);
    const recsys_bytes name = bytes(key);
    assert_int_equal(recsys_store_remove(denylist_fixture.memory, &name, 1, NULL, NULL), RECSYS_OK);
}

static void an_entry_that_the_store_has_lost_is_written_again(void **state)
{
    (void)state;
    assert_int_equal(recsys_denylist_revoke(denylist_fixture.a, bytes("one"), "7", "logout", FAR_S,
                                            &err),
                     RECSYS_OK);
    assert_non_null(strstr(entry_of("one"), "\"expires_at\":\"2100-01-01T00:00:00Z\""));
    forget_entry("one");
    sync_a();
    const char *again = entry_of("one");
    assert_non_null(strstr(again, "\"user_id\":\"7\""));
    assert_non_null(strstr(again, "\"reason\":\"logout\""));
    assert_non_null(strstr(again, "\"blacklisted_at\":\"2026-06-01T00:00:00Z\""));
    assert_non_null(strstr(again, "\"expires_at\":\"2100-01-01T00:00:00Z\""));
}

static void all_of_them_after_a_restart(void **state)
{
    (void)state;
    char jti[32];

    for (int i = 0; i < 1000; i++) {
        snprintf(jti, sizeof jti, "token%d", i);
        auth_database_add(&denylist_fixture.database, jti, (int64_t)FAR_S);
    }
    sync_a();
    sync_a(); /* stands in the middle */
    for (int i = 0; i < 1000; i++) {
        snprintf(jti, sizeof jti, "token%d", i);
        assert_string_not_equal(entry_of(jti), "");
        forget_entry(jti);
    }
    atomic_fetch_add(&denylist_fixture.link_a.incarnation, 1);
    sync_a();
    for (int i = 0; i < 1000; i++) {
        snprintf(jti, sizeof jti, "token%d", i);
        assert_string_not_equal(entry_of(jti), "");
    }
}

static void an_evicted_entry_is_found_in_the_end(void **state)
{
    (void)state;
    char jti[32];

    for (int i = 0; i < 1000; i++) {
        snprintf(jti, sizeof jti, "token%d", i);
        auth_database_add(&denylist_fixture.database, jti, (int64_t)FAR_S);
    }
    sync_a();
    forget_entry("token700");
    for (int i = 0; i < 5; i++) /* pages of 256 */
        sync_a();
    assert_string_not_equal(entry_of("token700"), "");
}

static void a_token_of_another_service_gets_its_row(void **state)
{
    (void)state;
    put("theirs", "{\"user_id\": \"9\", \"reason\": \"stolen\", \"blacklisted_at\": "
                  "\"2026-01-01T00:00:00\", \"expires_at\": \"" FAR_TEXT ".123456\"}");
    put("number", "{\"user_id\": 9, \"expires_at\": \"2099-12-31T09:00:00+09:00\"}");
    sync_through();
    assert_int_equal(denylist_fixture.database.n_tokens, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct auth_token *token = &denylist_fixture.database.tokens[i];
        assert_string_equal(token->user_id, "9");
        assert_int_equal(token->expires_s, 4102358400);
    }
    forget_entry("theirs");
    forget_entry("number");
    assert_int_equal(check(denylist_fixture.b, "theirs"), REVOKED);
    assert_int_equal(check(denylist_fixture.b, "number"), REVOKED);
    assert_int_equal(check(denylist_fixture.b, "another"), CLEAR);
    unsigned long revision = (unsigned long)denylist_fixture.database.revision;
    sync_through();
    sync_through();
    assert_int_equal(denylist_fixture.database.revision, revision); /* not again and again */
}

static void what_cannot_be_read_is_revoked_all_the_same(void **state)
{
    (void)state;
    static const char *const entries[] = {"", "1", "not JSON", "{}", "[1]", "{\"expires_at\": -5}",
                                          "{\"expires_at\": 4102444800000}",
                                          "{\"expires_at\": \"soon\", \"user_id\": null}"};
    char jti[16];

    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        snprintf(jti, sizeof jti, "odd%zu", i);
        put(jti, entries[i]);
    }
    put("\xff\xfe", "{}"); /* no database takes that */
    sync_through();
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        snprintf(jti, sizeof jti, "odd%zu", i);
        forget_entry(jti);
        assert_int_equal(check(denylist_fixture.b, jti), REVOKED);
    }
    assert_int_equal(denylist_fixture.database.n_tokens, sizeof entries / sizeof *entries);
}

static uint64_t now_database(void)
{
    return fake_now_ms;
}

static uint64_t now_right(void *user_data)
{
    (void)user_data;
    return fake_now_ms;
}

static uint64_t now_ahead(void *user_data)
{
    (void)user_data;
    return fake_now_ms + 2000;
}

static void an_entry_that_is_over_gets_no_row(void **state)
{
    (void)state;
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;
    fake_now_ms = 1800000000000u;
    denylist_fixture.database.now_ms = now_database;
    options.timeout_ms = 60000;
    options.now_ms = now_right;
    recsys_denylist *right = create(denylist_fixture.store_a, denylist_fixture.source, &options);
    options.now_ms = now_ahead;
    recsys_denylist *ahead = create(denylist_fixture.store_b, denylist_fixture.source, &options);
    uint64_t expires_s = fake_now_ms / 1000 + 60;

    CHECK_OK(recsys_denylist_revoke(right, bytes("one"), "7", "logout", expires_s, &err), &err);
    CHECK_OK(recsys_denylist_sync(ahead, &err), &err);
    unsigned long revision = (unsigned long)denylist_fixture.database.revision;
    /* The entry ends in a second; for the clock that is ahead the token has ended. */
    fake_now_ms = expires_s * 1000 + RS_DENYLIST_GRACE_MS - 1000;
    put("theirs", "{\"user_id\": \"9\", \"expires_at\": 5}");
    put("older", "{\"expires_at\": \"2001-01-01T00:00:00\"}");
    assert_string_not_equal(entry_of("one"), "");
    do
        CHECK_OK(recsys_denylist_sync(ahead, &err), &err);
    while (ahead->entries.cursor != 0);
    assert_int_equal(denylist_fixture.database.n_tokens, 1);
    assert_int_equal(denylist_fixture.database.tokens[0].expires_s, expires_s);
    assert_int_equal(denylist_fixture.database.revision, revision);
    assert_int_equal(check(ahead, "theirs"), REVOKED); /* while the store has it */
    recsys_denylist_destroy(right);
    recsys_denylist_destroy(ahead);
}

static void those_behind_many_that_are_over_are_reached(void **state)
{
    (void)state;
    char jti[32];

    for (int i = 0; i < 2000; i++) {
        snprintf(jti, sizeof jti, "over%d", i);
        put(jti, "{\"expires_at\": 5}");
    }
    for (int i = 0; i < 200; i++) {
        snprintf(jti, sizeof jti, "theirs%d", i);
        put(jti, "{\"expires_at\": \"" FAR_TEXT "\"}");
    }
    sync_through();
    assert_int_equal(denylist_fixture.database.n_tokens, 200);
}

static void a_sync_is_well_although_the_store_is_not(void **state)
{
    (void)state;
    revoke(denylist_fixture.a, "one");
    forget_entry("one");
    atomic_store(&denylist_fixture.link_a.fail, RECSYS_E_TIMEOUT);
    sync_a();
    atomic_store(&denylist_fixture.link_a.fail, RECSYS_OK);
    assert_string_equal(entry_of("one"), "");
    sync_a();
    assert_string_not_equal(entry_of("one"), "");
}

static void times_are_read_as_iso_8601_has_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t at;
    } times[] = {
        {"1970-01-01T00:00:00", 0},
        {"2026-11-29T20:00:00Z", 1795982400},
        {"2026-11-29 20:00:00.5", 1795982400},
        {"2026-11-29T20:00:00.123456+09:00", 1795982400 - 9 * 3600},
        {"2026-11-29T20:00:00-0330", -1},
        {"2026-11-29T20:00:00-03:30", 1795982400 + 3 * 3600 + 1800},
        {"2024-02-29T23:59:59Z", 1709251199},
        {"", -1},
        {"2026", -1},
        {"2026-13-01T00:00:00", -1},
        {"2026-11-29T24:00:00", -1},
        {"2026-11-29T20:00", -1},
        {"2026-11-29T20:00:00Zulu", -1},
        {"2026-11-29T20:00:0", -1},
        {"2026-11-29T20:00:00+09", -1},
    };

    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (rs_denylist_read_time(times[i].text) != times[i].at)
            fail_msg("%s is %lld", times[i].text, (long long)rs_denylist_read_time(times[i].text));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_entry_that_the_store_has_lost_is_written_again),
        TEST(all_of_them_after_a_restart),
        TEST(an_evicted_entry_is_found_in_the_end),
        TEST(a_token_of_another_service_gets_its_row),
        TEST(what_cannot_be_read_is_revoked_all_the_same),
        TEST(an_entry_that_is_over_gets_no_row),
        TEST(those_behind_many_that_are_over_are_reached),
        TEST(a_sync_is_well_although_the_store_is_not),
        cmocka_unit_test(times_are_read_as_iso_8601_has_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
