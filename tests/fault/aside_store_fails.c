/* Every operation of the store fails in turn, before or after it has happened.
 *
 * Each scenario is run in a fixture of its own, once to count its operations and
 * then again with one of them failing, or all from that one on, with each
 * status. Whatever fails: a read returns the truth; a write returns what its writer
 * returned; no caller in this process reads a value that was invalidated, and once
 * the store works again no process does. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/aside_fixture.h"
#include "tests/support/check.h"

static recsys_aside *other;
static const char *where; /* which operation fails, and how: for messages */
static unsigned long n_runs;

static void check_value(const char *found, const char *what)
{
    if (fixture.status != RECSYS_OK || strcmp(found, fixture.truth) != 0) {
        fprintf(stderr, "%s: %s: %s, \"%s\" instead of \"%s\": %s\n", where, what,
                recsys_status_name(fixture.status), found, fixture.truth, fixture.err.message);
        abort();
    }
}

/* -- what is done -- */

static void prepare_nothing(void)
{
}

static void prepare_value(void)
{
    fixture_load();
}

static void prepare_stale(void)
{
    fixture_load();
    fixture_pass(1001);
    fixture_set_truth("two");
}

static void prepare_dead(void)
{
    fixture_load();
    fixture.script.incarnation++;
    fixture_set_truth("two");
}

static void prepare_foreign(void)
{
    CHECK_OK(recsys_store_set(fixture.script.inner, FIXTURE_KEY, (recsys_bytes){"foreign", 7}, 0,
                              RECSYS_STORE_ALWAYS, &fixture.err),
             &fixture.err);
}

static void load(void)
{
    check_value(fixture_load(), "load");
    CHECK(fixture.n_loads <= 2);
    CHECK(fixture.outcome == RECSYS_ASIDE_MISS || fixture.outcome == RECSYS_ASIDE_UNKNOWN);
}

static void load_what_there_is(void)
{
    check_value(fixture_load(), "load");
    CHECK(fixture.outcome == RECSYS_ASIDE_HIT || fixture.outcome == RECSYS_ASIDE_UNKNOWN);
}

/* The old value is right, too, while it may be stale: no caller has invalidated it. */
static void load_stale(void)
{
    fixture_load();
    CHECK_EQ(fixture.status, RECSYS_OK);
    CHECK(fixture.outcome == RECSYS_ASIDE_STALE ? strcmp(fixture.value, "one") == 0
                                                : strcmp(fixture.value, "two") == 0);
    fixture_invalidate(fixture.aside);
}

static void load_nothing(void)
{
    fixture_set_truth("");
    fixture_load();
    CHECK_EQ(fixture.status, RECSYS_E_NOT_FOUND);
    CHECK(fixture.outcome == RECSYS_ASIDE_MISS || fixture.outcome == RECSYS_ASIDE_UNKNOWN);
    fixture_set_truth("born");
    fixture_invalidate(fixture.aside);
}

static void fail_to_load(void)
{
    fixture.load_status = RECSYS_E_LIMIT;
    fixture_load();
    CHECK_EQ(fixture.status, RECSYS_E_LIMIT);
    fixture.load_status = RECSYS_OK;
}

static void look_up(void)
{
    fixture_get();
    if (fixture.status == RECSYS_OK)
        check_value(fixture.value, "look-up");
    else
        CHECK_EQ(fixture.outcome, RECSYS_ASIDE_UNKNOWN);
}

static int gives_value;

static recsys_status change(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    (void)user_data;
    fixture_set_truth("written");
    if (gives_value)
        CHECK_OK(recsys_aside_changes_set(changes, 0, (recsys_bytes){"written", 7}, fixture.version,
                                          err),
                 err);
    return RECSYS_OK;
}

static void write_value(void)
{
    recsys_bytes key = FIXTURE_KEY;

    CHECK_OK(recsys_aside_write(fixture.aside, &key, 1, change, NULL, &fixture.err), &fixture.err);
}

static void write_and_invalidate(void)
{
    gives_value = 0;
    write_value();
}

static void write_through(void)
{
    gives_value = 1;
    write_value();
}

static void invalidate_all(void)
{
    fixture_set_truth("two");
    CHECK_OK(recsys_aside_invalidate_all(fixture.aside, &fixture.err), &fixture.err);
}

static void invalidate_form(void)
{
    const recsys_bytes form[2] = {{"user:", 5}, {"", 0}};

    fixture_set_truth("two");
    recsys_status status =
        recsys_aside_invalidate_matching(fixture.aside, form, 2, NULL, &fixture.err);
    CHECK(status == RECSYS_OK || status == fixture.script.status);
}

static void set(void)
{
    fixture_set_truth("two");
    recsys_status status = recsys_aside_set(fixture.aside, FIXTURE_KEY, (recsys_bytes){"two", 3},
                                            fixture.version, 0, &fixture.err);
    CHECK(status == RECSYS_OK || status == fixture.script.status || status == RECSYS_E_UNAVAILABLE);
}

static void invalidate_meanwhile(void)
{
    fixture.while_loading = NULL;
    fixture_set_truth("two");
    fixture_invalidate(fixture.aside);
}

static void load_and_invalidate(void)
{
    fixture.while_loading = invalidate_meanwhile;
    fixture_load();
    CHECK_EQ(fixture.status, RECSYS_OK);
}

static const struct scenario {
    const char *name;
    void (*prepare)(void), (*run)(void);
} scenarios[] = {
    {"a miss", prepare_nothing, load},
    {"a hit", prepare_value, load_what_there_is},
    {"a look-up", prepare_value, look_up},
    {"a stale value", prepare_stale, load_stale},
    {"a dead value", prepare_dead, load},
    {"a foreign value", prepare_foreign, load},
    {"nothing to load", prepare_nothing, load_nothing},
    {"a loader that fails", prepare_nothing, fail_to_load},
    {"a write", prepare_value, write_and_invalidate},
    {"a write of nothing cached", prepare_nothing, write_through},
    {"a write through", prepare_value, write_through},
    {"invalidating everything", prepare_value, invalidate_all},
    {"invalidating a form", prepare_value, invalidate_form},
    {"setting", prepare_value, set},
    {"invalidated while loading", prepare_nothing, load_and_invalidate},
};

/* -- how it fails -- */

static void come_back(void)
{
    scripted_store_heal(&fixture.script);
    fixture_pass(1001);
    CHECK_OK(recsys_store_probe(fixture.store, &fixture.err), &fixture.err);
    CHECK_EQ(fixture_stats().journal, 0);
    fixture.script.now_ms -= 1001; /* nothing has expired by that */
}

/* Returns how many operations there were. */
static unsigned long run_one(const struct scenario *scenario, long fail_at, unsigned long n,
                             recsys_status status, int happens)
{
    char text[200];

    snprintf(text, sizeof text, "%s, operation %ld and %lu more: %s, %s", scenario->name, fail_at,
             n - 1, recsys_status_name(status), happens ? "done" : "not done");
    where = text;
    n_runs++;
    fixture_create(3, NULL);
    other = fixture_other();
    scenario->prepare();
    fixture.n_loads = 0;
    unsigned long before = fixture.script.n_calls;
    if (fail_at >= 0) {
        scripted_store_fail(&fixture.script, n, status, happens);
        fixture.script.fail_at += (unsigned long)fail_at;
    }
    scenario->run();
    unsigned long n_calls = fixture.script.n_calls - before;
    if (strcmp(scenario->name, "a look-up") != 0 && strcmp(scenario->name, "a hit") != 0)
        check_value(fixture_load(), "at once");
    come_back();
    fixture_get();
    if (fixture.status == RECSYS_OK)
        check_value(fixture.value, "a look-up when the store is back");
    check_value(fixture_load(), "when the store is back");
    check_value(fixture_load_through(other), "in another process");
    recsys_aside_destroy(other);
    fixture_destroy();
    return n_calls;
}

int main(void)
{
    static const recsys_status statuses[] = {RECSYS_E_TIMEOUT, RECSYS_E_IO, RECSYS_E_BACKEND,
                                             RECSYS_E_UNAVAILABLE, RECSYS_E_NOMEM};

    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        unsigned long n = run_one(&scenarios[i], -1, 1, RECSYS_OK, 0), before = n_runs;
        for (long at = 0; at < (long)n + 2; at++)
            for (size_t s = 0; s < sizeof statuses / sizeof statuses[0]; s++)
                for (int happens = 0; happens < 2; happens++) {
                    run_one(&scenarios[i], at, 1, statuses[s], happens);
                    run_one(&scenarios[i], at, 2, statuses[s], happens);
                    run_one(&scenarios[i], at, 100000, statuses[s], happens);
                }
        printf("%-28s %2lu operations, %4lu failures\n", scenarios[i].name, n, n_runs - before);
    }
    printf("%lu failures, 0 wrong results\n", n_runs);
    return 0;
}
