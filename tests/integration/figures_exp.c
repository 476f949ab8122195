/* The promise: of the gains of experience of many processes none is lost and none is counted
 * twice, levels are what the rule says, and the cache ends with what the database has.
 *
 * Eight processes, each with its own connections, give experience to a few characters, read them
 * through the cache, and now and then begin a mission or finish one. Half of the gains have an
 * award id and are sent twice, some of them by two processes at once. 500 gains a process; 10,000
 * with RECSYS_LONG=1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "tests/support/check.h"
#include "tests/support/database.h"
#include "tests/support/domain_fixture.h"
#include "tests/support/processes.h"

#define PROCESSES 8u
#define CHARACTERS 3u

static struct domain_fixture fixture;
static unsigned n_gains;

/* The counts, added up by the processes. */
static struct tally {
    _Atomic uint64_t exp[CHARACTERS], awarded[CHARACTERS], repeated, levels[CHARACTERS], hits;
} * tally;

static int set_up(void **state)
{
    (void)state;
    n_gains = figure_length(500, 10000);
    tally = processes_share(sizeof *tally);
    domain_fixture_open(&fixture, 0);
    free(database_ask(fixture.conninfo,
                      "INSERT INTO character_db.characters (user_id, name) SELECT 'u' || n, 'c' "
                      "FROM generate_series(0, 2) n;"
                      "INSERT INTO character_db.missions (user_id, title) SELECT 'u' || n % 3, 'm' "
                      "FROM generate_series(1, 60) n"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    domain_fixture_close(&fixture);
    return 0;
}

static long long number_of(const char *json, const char *name)
{
    char member[64];

    snprintf(member, sizeof member, "\"%s\":", name);
    const char *at = strstr(json, member);
    CHECK(at != NULL);
    return strtoll(at + strlen(member), NULL, 10);
}

/* One gain; adds it up if it was new. *version receives the state's. */
static void gain(unsigned character, int64_t amount, const char *award, long long *version)
{
    char user[16];
    recsys_value value;

    snprintf(user, sizeof user, "u%u", character);
    CHECK_OK(recsys_recycling_gain_experience(fixture.domains, user, amount, award, &value,
                                              &fixture.err),
             &fixture.err);
    char *json = domain_fixture_text(&value);
    if (strstr(json, "\"awarded\":true") != NULL) {
        tally->exp[character] += (uint64_t)amount;
        tally->awarded[character] += 1;
        tally->levels[character] += (uint64_t)number_of(json, "leveled_up");
    } else {
        CHECK(award != NULL);
        CHECK_EQ(number_of(json, "leveled_up"), 0);
        tally->repeated += 1;
    }
    *version = number_of(json, "version");
    free(json);
}

/* A state that is read is never older than what the same process has read or written before. */
static void read_state(unsigned character, long long *version)
{
    char user[16];
    const char *values = user;
    uint32_t outcome;
    recsys_value value;

    snprintf(user, sizeof user, "u%u", character);
    CHECK_OK(recsys_domains_get(fixture.domains, "character.state", &values, 1, 0, &value, &outcome,
                                &fixture.err),
             &fixture.err);
    char *json = domain_fixture_text(&value);
    long long read = number_of(json, "version");
    CHECK(read >= *version);
    *version = read;
    tally->hits += outcome == RECSYS_ASIDE_HIT;
    free(json);
}

static void change_missions(unsigned character, const char *statement)
{
    static const char *const touched[] = {"character.state", "character.missions"};
    char user[16];
    const char *values = user;
    recsys_datum parameter;

    snprintf(user, sizeof user, "u%u", character);
    parameter = recsys_datum_text(user);
    CHECK_OK(recsys_domains_write(fixture.domains, touched, 2, &values, 1, statement, &parameter, 1,
                                  NULL, &fixture.err),
             &fixture.err);
}

static const char finish_one[] =
    "UPDATE character_db.missions SET status = 'completed' WHERE id = (SELECT id FROM "
    "character_db.missions WHERE user_id = $1::text AND status = 'active' ORDER BY id LIMIT 1)";
static const char begin_one[] =
    "INSERT INTO character_db.missions (user_id, title) VALUES ($1::text, 'another')";

static void play(unsigned number)
{
    long long versions[CHARACTERS] = {0};

    domain_fixture_connect(&fixture);
    for (unsigned i = 0; i < n_gains; i++) {
        unsigned character = (i + number) % CHARACTERS;
        int64_t amount = 1 + (i * 7919 + number * 104729) % 400;
        char award[64];
        switch (i % 4) {
        case 0: /* retried by the same process */
            snprintf(award, sizeof award, "own-%u-%u", number, i);
            gain(character, amount, award, &versions[character]);
            gain(character, amount, award, &versions[character]);
            break;
        case 1: /* and by its neighbour, at about the same time */
            snprintf(award, sizeof award, "shared-%u-%u", number / 2, i);
            gain(i % CHARACTERS, 1 + i % 50, award, &versions[i % CHARACTERS]);
            break;
        default:
            gain(character, amount, NULL, &versions[character]);
        }
        read_state(character, &versions[character]);
        if (i % 25 == number % 25)
            change_missions(character, finish_one);
        if (i % 10 == 5) /* all processes at about the same time */
            change_missions(i / 10 % CHARACTERS, begin_one);
    }
    domain_fixture_disconnect(&fixture);
}

/* The rule again, written independently: level by level from the whole experience. */
static void expect_level(uint64_t total, long long level, long long rest)
{
    long long want = 1;

    for (;;) {
        long double need = roundl(100.0L * (long double)want * sqrtl((long double)want));
        if (total < (uint64_t)need)
            break;
        total -= (uint64_t)need;
        want++;
    }
    assert_int_equal(level, want);
    assert_int_equal(rest, total);
}

static void no_gain_is_lost_or_doubled(void **state)
{
    uint64_t n_awarded = 0;

    (void)state;
    domain_fixture_disconnect(&fixture);
    pid_t children[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++)
        children[i] = process_start(play, i);
    for (unsigned i = 0; i < PROCESSES; i++)
        process_expect_success(children[i]);
    domain_fixture_connect(&fixture);
    for (unsigned i = 0; i < CHARACTERS; i++) {
        char sql[256], user[16];
        const char *values = user;
        recsys_value value;
        uint32_t outcome;

        snprintf(user, sizeof user, "u%u", i);
        CHECK_OK(recsys_domains_get(fixture.domains, "character.state", &values, 1, 0, &value,
                                    &outcome, &fixture.err),
                 &fixture.err);
        char *cached = domain_fixture_text(&value);
        CHECK_OK(
            recsys_domains_invalidate(fixture.domains, "character.state", &values, 1, &fixture.err),
            &fixture.err);
        CHECK_OK(recsys_domains_get(fixture.domains, "character.state", &values, 1, 0, &value,
                                    &outcome, &fixture.err),
                 &fixture.err);
        char *fresh = domain_fixture_text(&value);
        assert_int_equal(outcome, RECSYS_ASIDE_MISS);
        assert_string_equal(cached, fresh);
        expect_level(tally->exp[i], number_of(fresh, "level"), number_of(fresh, "exp"));
        assert_int_equal(number_of(fresh, "level"), 1 + (long long)tally->levels[i]);
        snprintf(sql, sizeof sql,
                 "SELECT level || ' ' || exp || ' ' || exp_required || ' ' || version FROM "
                 "character_db.characters WHERE user_id = '%s'",
                 user);
        char *row = database_ask(fixture.conninfo, sql), have[128];
        snprintf(have, sizeof have, "%lld %lld %lld %lld", number_of(cached, "level"),
                 number_of(cached, "exp"), number_of(cached, "exp_required"),
                 number_of(cached, "version"));
        assert_string_equal(have, row);
        print_message("%s: %llu gains, %llu experience, level %lld\n", user,
                      (unsigned long long)tally->awarded[i], (unsigned long long)tally->exp[i],
                      number_of(cached, "level"));
        n_awarded += tally->awarded[i];
        free(row);
        free(cached);
        free(fresh);
    }
    /* A quarter was sent twice by itself, a quarter by two processes. */
    uint64_t sent = (uint64_t)PROCESSES * n_gains, quarter = sent / 4;
    print_message("%llu gains by %u processes, %llu of them repeated and not counted again; %llu "
                  "reads from the cache\n",
                  (unsigned long long)(sent + quarter), PROCESSES,
                  (unsigned long long)tally->repeated, (unsigned long long)tally->hits);
    assert_int_equal(n_awarded, sent - quarter / 2);
    assert_int_equal(tally->repeated, quarter + quarter / 2);
    assert_true(tally->hits > 0);
}

static void an_award_is_each_users_own_and_of_one_amount(void **state)
{
    long long version;
    recsys_value value;

    (void)state;
    gain(0, 10, "mine", &version);
    assert_int_equal(
        recsys_recycling_gain_experience(fixture.domains, "u1", 10, "mine", &value, &fixture.err),
        RECSYS_OK);
    assert_non_null(strstr(value.data, "\"awarded\":true"));
    recsys_value_release(&value);
    assert_int_equal(
        recsys_recycling_gain_experience(fixture.domains, "u0", 11, "mine", &value, &fixture.err),
        RECSYS_E_INVALID);
    assert_null(value.data);
    assert_non_null(strstr(fixture.err.message, "award mine"));
    assert_int_equal(
        recsys_recycling_gain_experience(fixture.domains, "nobody", 1, "x", &value, &fixture.err),
        RECSYS_E_NOT_FOUND);
    /* Which was not given: */
    gain(1, 1, "x", &version);
    assert_int_equal(
        recsys_recycling_gain_experience(fixture.domains, "u0", 0, NULL, &value, &fixture.err),
        RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_gain_experience(fixture.domains, "u0", 1000000001, NULL,
                                                      &value, &fixture.err),
                     RECSYS_E_INVALID);
}

static void gain_one(void)
{
    recsys_value value;
    recsys_error err;

    CHECK_OK(recsys_recycling_gain_experience(fixture.domains, "u2", 1, NULL, &value, &err), &err);
    char *json = domain_fixture_text(&value);
    CHECK(strstr(json, "\"completed_missions\":100,") != NULL);
    free(json);
}

static recsys_transaction *transaction;

/* One thread gains and has to wait for the transaction, the other ends that when it does. */
static void gain_or_commit(unsigned number)
{
    recsys_error err;

    if (number == 0) {
        gain_one();
        return;
    }
    for (;;) {
        char *waiting =
            database_ask(fixture.conninfo, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE "
                                           "'%gain_exp%' AND wait_event_type = 'Lock'");
        int is_waiting = strcmp(waiting, "1") == 0;
        free(waiting);
        if (is_waiting)
            break;
        rest_ms(5);
    }
    CHECK_OK(recsys_transaction_commit(transaction, &err), &err);
}

static void a_gain_that_had_to_wait_counts_the_missions_it_waited_for(void **state)
{
    recsys_rows *rows;

    (void)state;
    free(database_ask(fixture.conninfo, "DELETE FROM character_db.missions WHERE user_id = 'u2'"));
    CHECK_OK(recsys_transaction_begin(fixture.source, 60000, &transaction, &fixture.err),
             &fixture.err);
    CHECK_OK(recsys_transaction_query(transaction,
                                      "INSERT INTO character_db.missions (user_id, title, status) "
                                      "SELECT 'u2', 'm', 'completed' FROM generate_series(1, 100)",
                                      NULL, 0, &rows, &fixture.err),
             &fixture.err);
    recsys_rows_destroy(rows);
    threads_run(gain_or_commit, 2);
}

static void one_gain_can_be_worth_many_levels(void **state)
{
    recsys_value value;

    (void)state;
    free(database_ask(fixture.conninfo,
                      "INSERT INTO character_db.characters (user_id, name) VALUES ('fast', 'c')"));
    CHECK_OK(recsys_recycling_gain_experience(fixture.domains, "fast", 1000000000, NULL, &value,
                                              &fixture.err),
             &fixture.err);
    char *json = domain_fixture_text(&value);
    expect_level(1000000000, number_of(json, "level"), number_of(json, "exp"));
    assert_int_equal(number_of(json, "leveled_up"), number_of(json, "level") - 1);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_gain_is_lost_or_doubled),
        cmocka_unit_test(an_award_is_each_users_own_and_of_one_amount),
        cmocka_unit_test(a_gain_that_had_to_wait_counts_the_missions_it_waited_for),
        cmocka_unit_test(one_gain_can_be_worth_many_levels),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
