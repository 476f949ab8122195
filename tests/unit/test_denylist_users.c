/* Covers lib/denylist/denylist_users.c: all tokens of a user that were issued before a time. */
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

#define THEN ((uint64_t)1790000000u) /* 2026-09-21T14:13:20Z */

static void revoke_user(recsys_denylist *denylist, const char *user, uint64_t before_s)
{
    CHECK_OK(recsys_denylist_revoke_user(denylist, user, "stolen", before_s, &err), &err);
}

static uint32_t check_user(recsys_denylist *denylist, const char *user, uint64_t issued_s)
{
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;

    CHECK_OK(recsys_denylist_check_user(denylist, bytes("t1"), user, issued_s, &found, &err), &err);
    err = found.problem;
    return found.verdict;
}

static const char *entry_of(const char *user)
{
    char key[400];

    snprintf(key, sizeof key, "blacklist:user:%s", user);
    return stored(bytes(key));
}

static void put(const char *user, const char *entry)
{
    char key[400];

    snprintf(key, sizeof key, "blacklist:user:%s", user);
    assert_int_equal(recsys_store_set(denylist_fixture.memory, bytes(key), bytes(entry), 1000000,
                                      RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
}

static void forget_entry(const char *user)
{
    char key[400];

    snprintf(key, sizeof key, "blacklist:user:%s", user);
    const recsys_bytes name = bytes(key);
    assert_int_equal(recsys_store_remove(denylist_fixture.memory, &name, 1, NULL, NULL), RECSYS_OK);
}

static void what_a_user_got_before_is_refused_by_every_process_and_nothing_else(void **state)
{
    recsys_denylist *both[2] = {denylist_fixture.a, denylist_fixture.b};

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(check_user(both[i], "1", THEN - 1), CLEAR);
    revoke_user(denylist_fixture.a, "1", THEN);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(check_user(both[i], "1", THEN - 1), REVOKED);
        assert_int_equal(check_user(both[i], "1", 0), REVOKED); /* without an iat */
        assert_int_equal(check_user(both[i], "1", THEN), CLEAR);
        assert_int_equal(check_user(both[i], "12", THEN - 1), CLEAR);
        assert_int_equal(check_user(both[i], "12", 0), CLEAR);
        assert_int_equal(check(both[i], "t1"), CLEAR); /* nobody said whose it is */
    }
}

static void the_later_time_counts(void **state)
{
    (void)state;
    revoke_user(denylist_fixture.a, "1", THEN);
    revoke_user(denylist_fixture.b, "1", THEN - 100);
    assert_int_equal(check_user(denylist_fixture.b, "1", THEN - 1), REVOKED);
    assert_non_null(strstr(entry_of("1"), "\"issued_before\":\"2026-09-21T14:13:20Z\""));
    revoke_user(denylist_fixture.b, "1", THEN + 100);
    assert_int_equal(check_user(denylist_fixture.a, "1", THEN + 99), REVOKED);
    assert_int_equal(check_user(denylist_fixture.a, "1", THEN + 100), CLEAR);
}

static void a_new_process_knows_it_without_the_store(void **state)
{
    (void)state;
    revoke_user(denylist_fixture.a, "1", THEN);
    forget_entry("1");
    recsys_denylist *fresh = create(NULL, denylist_fixture.source, NULL);
    assert_int_equal(check_user(fresh, "1", THEN - 1), REVOKED);
    assert_int_equal(check_user(fresh, "1", THEN), CLEAR);
    recsys_denylist_destroy(fresh);
}

static void who_cannot_be_asked_is_unknown_and_never_clear(void **state)
{
    (void)state;
    revoke_user(denylist_fixture.a, "1", THEN);
    flush();
    forget_entry("1");
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_IO);
    assert_int_equal(check_user(denylist_fixture.a, "1", THEN - 1), REVOKED); /* its own list */
    assert_int_equal(check_user(denylist_fixture.b, "1", THEN - 1), UNKNOWN);
    atomic_store(&denylist_fixture.database.fail, RECSYS_OK);
    assert_int_equal(check_user(denylist_fixture.b, "1", THEN - 1), REVOKED);
}

static void without_room_the_database_is_asked_for_the_user(void **state)
{
    recsys_denylist_options small = RECSYS_DENYLIST_OPTIONS_INIT;

    (void)state;
    small.max_tokens = 1;
    recsys_denylist *denylist = create(denylist_fixture.store_a, denylist_fixture.source, &small);
    revoke_user(denylist_fixture.b, "1", THEN);
    revoke_user(denylist_fixture.b, "2", THEN);
    forget_entry("1");
    forget_entry("2");
    assert_int_equal(check_user(denylist, "1", THEN - 1), REVOKED);
    assert_int_equal(check_user(denylist, "2", THEN - 1), REVOKED);
    assert_int_equal(check_user(denylist, "2", THEN), CLEAR);
    assert_true(atomic_load(&denylist_fixture.database.n_asks) > 0);
    recsys_denylist_destroy(denylist);
}

static void an_entry_that_the_store_has_lost_is_written_again(void **state)
{
    (void)state;
    revoke_user(denylist_fixture.a, "1", THEN);
    assert_string_not_equal(entry_of("1"), "");
    forget_entry("1");
    CHECK_OK(recsys_denylist_sync(denylist_fixture.a, &err), &err);
    assert_non_null(strstr(entry_of("1"), "\"user_id\":\"1\""));
    assert_non_null(strstr(entry_of("1"), "\"reason\":\"stolen\""));
    assert_non_null(strstr(entry_of("1"), "\"issued_before\":\"2026-09-21T14:13:20Z\""));
}

static void what_another_service_wrote_counts_at_once_and_gets_a_row(void **state)
{
    (void)state;
    assert_int_equal(check_user(denylist_fixture.a, "7", THEN - 1), CLEAR);
    put("7", "{\"issued_before\": \"2026-09-21T14:13:19.5+00:00\", \"reason\": \"theirs\"}");
    assert_int_equal(check_user(denylist_fixture.a, "7", THEN - 1), REVOKED);
    assert_int_equal(check_user(denylist_fixture.a, "7", THEN), CLEAR);
    for (int i = 0; i < 100; i++) /* through the whole store */
        CHECK_OK(recsys_denylist_sync(denylist_fixture.a, &err), &err);
    forget_entry("7");
    assert_int_equal(check_user(denylist_fixture.b, "7", THEN - 1), REVOKED);
    assert_int_equal(check_user(denylist_fixture.b, "7", THEN), CLEAR);
}

static void an_entry_that_cannot_be_read_refuses_all_and_one_of_a_token_none(void **state)
{
    static const char *const broken[] = {"1",
                                         "",
                                         "[]",
                                         "{\"issued_before\": \"soon\"}",
                                         "{\"issued_before\": null}",
                                         "{\"issued_before\": -5}"};

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        put("8", broken[i]);
        assert_int_equal(check_user(denylist_fixture.a, "8", THEN), REVOKED);
    }
    put("8", "{\"issued_before\": 1790000000}");
    assert_int_equal(check_user(denylist_fixture.a, "8", THEN), CLEAR);
    assert_int_equal(check_user(denylist_fixture.a, "8", THEN - 1), REVOKED);
    put("8", "{\"user_id\": \"3\", \"expires_at\": \"2099-12-31T00:00:00\"}");
    assert_int_equal(check_user(denylist_fixture.a, "8", THEN - 1), CLEAR);
    assert_int_equal(check(denylist_fixture.a, "user:8"), REVOKED);
}

static void without_a_database_the_store_s_word_counts(void **state)
{
    (void)state;
    recsys_denylist *here = create(denylist_fixture.store_a, NULL, NULL),
                    *there = create(denylist_fixture.store_b, NULL, NULL);
    revoke_user(here, "1", THEN);
    assert_int_equal(check_user(there, "1", THEN - 1), REVOKED);
    assert_int_equal(check_user(there, "1", THEN), CLEAR);
    atomic_store(&denylist_fixture.link_b.fail, RECSYS_E_IO);
    assert_int_equal(check_user(there, "1", THEN), UNKNOWN);
    recsys_denylist_destroy(here);
    recsys_denylist_destroy(there);
}

static void a_database_that_fails_does_not_revoke(void **state)
{
    (void)state;
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_IO);
    assert_int_equal(recsys_denylist_revoke_user(denylist_fixture.a, "1", NULL, THEN, &err),
                     RECSYS_E_IO);
    assert_string_equal(entry_of("1"), "");
}

static void what_makes_no_sense_is_refused(void **state)
{
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;
    recsys_denylist *a = denylist_fixture.a;
    char user[300];

    (void)state;
    memset(user, 'u', sizeof user);
    user[256] = '\0';
    const char *const bad[] = {NULL, "", "\xff", user};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        found.verdict = CLEAR;
        assert_int_equal(recsys_denylist_revoke_user(a, bad[i], NULL, THEN, &err),
                         RECSYS_E_INVALID);
        assert_int_equal(recsys_denylist_check_user(a, bytes("t1"), bad[i], THEN, &found, &err),
                         RECSYS_E_INVALID);
        assert_int_equal(found.verdict, 0);
    }
    assert_int_equal(recsys_denylist_revoke_user(a, "1", "\xff", THEN, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_denylist_revoke_user(a, "1", NULL, 0, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_denylist_revoke_user(a, "1", NULL, THEN * 1000u, &err), /* ms */
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_denylist_check_user(a, bytes("t1"), "1", THEN * 1000u, &found, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_denylist_check_user(a, bytes(""), "1", THEN, &found, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_denylist_revoke_user(NULL, "1", NULL, THEN, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_denylist_check_user(NULL, bytes("t1"), "1", THEN, &found, &err),
                     RECSYS_E_INVALID);
    user[255] = '\0';
    revoke_user(a, user, THEN);
    forget_entry(user);
    CHECK_OK(recsys_denylist_sync(a, &err), &err);
    assert_string_not_equal(entry_of(user), "");
    assert_int_equal(check_user(denylist_fixture.b, user, THEN - 1), REVOKED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_a_user_got_before_is_refused_by_every_process_and_nothing_else),
        TEST(the_later_time_counts),
        TEST(a_new_process_knows_it_without_the_store),
        TEST(who_cannot_be_asked_is_unknown_and_never_clear),
        TEST(without_room_the_database_is_asked_for_the_user),
        TEST(an_entry_that_the_store_has_lost_is_written_again),
        TEST(what_another_service_wrote_counts_at_once_and_gets_a_row),
        TEST(an_entry_that_cannot_be_read_refuses_all_and_one_of_a_token_none),
        TEST(without_a_database_the_store_s_word_counts),
        TEST(a_database_that_fails_does_not_revoke),
        TEST(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
