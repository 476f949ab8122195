/* The outbox: an invalidation that its writer could not deliver is delivered by another process, and
 * readers that have not looked into the outbox for a while do not trust the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/postgres.h"
#include "tests/support/check.h"
#include "tests/support/database.h"
#include "tests/support/domain_fixture.h"
#include "tests/support/processes.h"

#define ASK(sql) database_ask(domain_fixture.conninfo, sql)

static long long number(const char *sql)
{
    char *text = ASK(sql);
    long long value = strtoll(text, NULL, 10);

    free(text);
    return value;
}

static long long n_rows(void)
{
    return number("SELECT count(*) FROM cache_db.outbox");
}

static recsys_outbox sync_through(recsys_source *source)
{
    recsys_outbox outbox = RECSYS_OUTBOX_INIT;

    assert_int_equal(
        recsys_domains_sync(domain_fixture.domains, source, &outbox, &domain_fixture.err),
        RECSYS_OK);
    return outbox;
}

static recsys_outbox sync_once(void)
{
    return sync_through(NULL);
}

static uint32_t read_profile(char name[64])
{
    const char *user = "1";
    uint32_t outcome;
    recsys_value json;

    assert_int_equal(recsys_domains_get(domain_fixture.domains, "user.profile", &user, 1, 0, &json,
                                        &outcome, &domain_fixture.err),
                     RECSYS_OK);
    const char *at = strstr(json.data, "\"name\":\"");
    assert_non_null(at);
    snprintf(name, 64, "%.*s", (int)strcspn(at + 8, "\""), at + 8);
    recsys_value_release(&json);
    return outcome;
}

/* The machine may be so busy that trust ends between two calls. */
static void expect_hit_after_sync(const char *want)
{
    char name[64];
    uint32_t outcome;

    for (int i = 0; i < 100; i++) {
        sync_once();
        outcome = read_profile(name);
        assert_string_equal(name, want);
        if (outcome == RECSYS_ASIDE_HIT)
            return;
    }
    fail_msg("the value is never read from the store, outcome %u", outcome);
}

static void rename_user(const char *members)
{
    recsys_value json;

    CHECK_OK(recsys_recycling_update_user(domain_fixture.domains, "1",
                                          (recsys_bytes){members, strlen(members)}, &json,
                                          &domain_fixture.err),
             &domain_fixture.err);
    recsys_value_release(&json);
}

static void without_the_table_everything_works_as_before(void **state)
{
    char name[64];

    (void)state;
    assert_int_equal(sync_once().is_on, 0);
    rename_user("{\"name\":\"Before\"}");
    assert_true(read_profile(name) != 0);
    assert_string_equal(name, "Before");
    rest_ms(2100);
    assert_int_equal(read_profile(name), RECSYS_ASIDE_HIT);
}

static void the_migration_can_be_applied_twice_and_is_noticed(void **state)
{
    (void)state;
    domain_fixture_apply(&domain_fixture, "0004_outbox.sql");
    domain_fixture_apply(&domain_fixture, "0004_outbox.sql");
    assert_int_equal(sync_once().is_on, 1);
}

static void a_write_adds_a_row_and_its_process_deletes_it(void **state)
{
    recsys_value json;

    (void)state;
    rename_user("{\"name\":\"One\"}");
    assert_int_equal(n_rows(), 1);
    CHECK_OK(recsys_recycling_gain_experience(domain_fixture.domains, "1", 5, NULL, &json,
                                              &domain_fixture.err),
             &domain_fixture.err);
    recsys_value_release(&json);
    CHECK_OK(recsys_recycling_add_message(domain_fixture.domains, "1", "a", "b", &json,
                                          &domain_fixture.err),
             &domain_fixture.err);
    recsys_value_release(&json);
    char *rows = ASK("SELECT string_agg(db || ' ' || key, ',' ORDER BY db) FROM cache_db.outbox");
    assert_string_equal(rows, "2 user:profile:1,3 character:state:1,6 chat:history:1");
    free(rows);
    assert_int_equal(sync_once().delivered, 0); /* the writer has removed them itself */
    assert_int_equal(n_rows(), 0);
}

static void a_write_that_fails_leaves_no_row(void **state)
{
    recsys_value json;
    const char members[] = "{\"email\":\"minji@example.com\"}"; /* user 1's */

    (void)state;
    assert_int_equal(recsys_recycling_update_user(domain_fixture.domains, "2",
                                                  (recsys_bytes){members, strlen(members)}, &json,
                                                  &domain_fixture.err),
                     RECSYS_E_EXISTS);
    assert_int_equal(n_rows(), 0);
}

static atomic_int *step; /* in shared memory */

/* Syncs once, so that its writes add rows, and writes while Redis stands still. */
static void write_and_hang(unsigned unused)
{
    (void)unused;
    domain_fixture_connect(&domain_fixture);
    sync_once();
    atomic_store(step, 1);
    while (atomic_load(step) == 1)
        rest_ms(1);
    rename_user("{\"name\":\"Committed\"}");
}

static void another_process_delivers_for_one_that_was_killed(void **state)
{
    struct domain_fixture parents = domain_fixture;

    (void)state;
    rename_user("{\"name\":\"Old\"}");
    expect_hit_after_sync("Old");
    step = processes_share(sizeof *step);
    pid_t child = process_start(write_and_hang, 0);
    while (atomic_load(step) == 0)
        rest_ms(1);
    redis_server_freeze(&domain_fixture.redis);
    atomic_store(step, 2);
    while (number("SELECT count(*) FROM my_db.users WHERE name = 'Committed'") == 0)
        rest_ms(10);
    kill(child, SIGKILL); /* after its commit and before its removal */
    process_expect_signal(child, SIGKILL);
    domain_fixture = parents;
    redis_server_thaw(&domain_fixture.redis);
    assert_int_equal(
        domain_fixture_redis_number(&domain_fixture, 2, "'EXISTS','user:profile:1'"), 1);
    assert_int_equal(n_rows(), 1);
    while (n_rows() > 0)
        sync_once();
    assert_int_equal(
        domain_fixture_redis_number(&domain_fixture, 2, "'EXISTS','user:profile:1'"), 0);
    expect_hit_after_sync("Committed");
}

static void a_process_that_has_not_looked_does_not_trust_the_store(void **state)
{
    char name[64];

    (void)state;
    expect_hit_after_sync("Committed");
    free(ASK("UPDATE my_db.users SET name = 'Elsewhere' WHERE user_id = '1'"));
    rest_ms(2100); /* the process was stopped, say */
    assert_int_equal(read_profile(name), RECSYS_ASIDE_UNKNOWN);
    assert_string_equal(name, "Elsewhere");
    free(ASK("UPDATE my_db.users SET name = 'Committed' WHERE user_id = '1'"));
    expect_hit_after_sync("Committed");
}

static void an_outage_of_the_database_does_not_empty_the_caches(void **state)
{
    char name[64];
    recsys_source *dead;

    (void)state;
    expect_hit_after_sync("Committed");
    CHECK_OK(recsys_postgres_create("host=127.0.0.1 port=1 user=nobody dbname=none", NULL, &dead,
                                    &domain_fixture.err),
             &domain_fixture.err);
    rest_ms(2100);
    uint32_t outcome = 0;
    for (int i = 0; i < 100 && outcome != RECSYS_ASIDE_HIT; i++) {
        assert_int_not_equal(recsys_domains_sync(domain_fixture.domains, dead, NULL, NULL),
                             RECSYS_OK);
        outcome = read_profile(name);
    }
    assert_int_equal(outcome, RECSYS_ASIDE_HIT);
    recsys_source_unref(dead);
}

/* A sync that waits for a server that hangs says so late. */
static void an_outage_that_no_sync_has_noticed_does_not_empty_them_either(void **state)
{
    char name[64];

    (void)state;
    expect_hit_after_sync("Committed");
    rest_ms(2100);
    recsys_source_set_away(domain_fixture.source, 1);
    assert_int_equal(read_profile(name), RECSYS_ASIDE_HIT);
    assert_string_equal(name, "Committed");
    recsys_source_set_away(domain_fixture.source, 0);
    assert_int_equal(read_profile(name), RECSYS_ASIDE_UNKNOWN); /* the rule again */
}

static void rows_of_unknown_dbs_stand_in_nobodys_way_and_end(void **state)
{
    (void)state;
    free(ASK("INSERT INTO cache_db.outbox (id, db, key, created_at) VALUES "
             "(1, 15, 'x', now() - interval '1 hour'), (2, 2, 'user:profile:1', now() - interval "
             "'1 minute'), (3, 15, 'x', now() - interval '9 days')"));
    assert_int_equal(sync_once().delivered, 1);
    assert_int_equal(number("SELECT sum(id) FROM cache_db.outbox"), 1);
    free(ASK("DELETE FROM cache_db.outbox"));
}

static void more_rows_than_one_batch_end_everything(void **state)
{
    (void)state;
    expect_hit_after_sync("Committed");
    free(ASK("INSERT INTO cache_db.outbox (id, db, key, created_at) SELECT n, 2, 'k' || n, "
             "now() - interval '1 minute' FROM generate_series(1, 5000) n"));
    recsys_outbox outbox = sync_once();
    assert_int_equal(outbox.delivered, 4096);
    char name[64];
    assert_int_not_equal(read_profile(name), RECSYS_ASIDE_HIT);
    sync_once();
    assert_int_equal(n_rows(), 0);
}

static void rows_that_nobody_can_deliver_do_not_gather_without_end(void **state)
{
    (void)state;
    free(ASK("INSERT INTO cache_db.outbox (id, db, key, created_at) SELECT n, 2 + n % 2, 'k' || n, "
             "now() - interval '2 minutes' FROM generate_series(1, 30000) n"));
    redis_server_kill(&domain_fixture.redis);
    for (int i = 0; i < 30 && n_rows() > 100; i++)
        assert_true(sync_once().waiting > 0);
    assert_int_equal(number("SELECT count(*) FROM cache_db.outbox WHERE key IS NULL"), 2);
    redis_server_restart(&domain_fixture.redis);
    while (n_rows() > 0) {
        sync_once();
        recsys_status status = recsys_domains_flush(domain_fixture.domains, 100, NULL);
        assert_true(status == RECSYS_OK || status == RECSYS_E_TIMEOUT);
    }
    expect_hit_after_sync("Committed");
}

static void a_table_that_is_dropped_stops_no_write(void **state)
{
    recsys_value json;
    const char members[] = "{\"name\":\"After\"}";

    (void)state;
    free(ASK("DROP SCHEMA cache_db CASCADE"));
    assert_int_equal(recsys_domains_sync(domain_fixture.domains, NULL, NULL, NULL),
                     RECSYS_E_BACKEND);
    CHECK_OK(recsys_recycling_update_user(domain_fixture.domains, "1",
                                          (recsys_bytes){members, strlen(members)}, &json,
                                          &domain_fixture.err),
             &domain_fixture.err);
    recsys_value_release(&json);
    assert_int_equal(sync_once().is_on, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_table_everything_works_as_before),
        cmocka_unit_test(the_migration_can_be_applied_twice_and_is_noticed),
        cmocka_unit_test(a_write_adds_a_row_and_its_process_deletes_it),
        cmocka_unit_test(a_write_that_fails_leaves_no_row),
        cmocka_unit_test(another_process_delivers_for_one_that_was_killed),
        cmocka_unit_test(a_process_that_has_not_looked_does_not_trust_the_store),
        cmocka_unit_test(an_outage_of_the_database_does_not_empty_the_caches),
        cmocka_unit_test(an_outage_that_no_sync_has_noticed_does_not_empty_them_either),
        cmocka_unit_test(rows_of_unknown_dbs_stand_in_nobodys_way_and_end),
        cmocka_unit_test(more_rows_than_one_batch_end_everything),
        cmocka_unit_test(rows_that_nobody_can_deliver_do_not_gather_without_end),
        cmocka_unit_test(a_table_that_is_dropped_stops_no_write),
    };

    return cmocka_run_group_tests(tests, domain_fixture_set_up, domain_fixture_tear_down);
}
