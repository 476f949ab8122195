/* Covers lib/aside: writing and invalidating, and catching up when the store was
 * away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/aside/aside.h"
#include "tests/support/aside_fixture.h"

static recsys_aside *other; /* another process */

static int set_up(void **state)
{
    if (fixture_set_up(state) != 0)
        return -1;
    other = fixture_other();
    fixture_get(); /* before it has been read once, any failure ends everything */
    return 0;
}

static int tear_down(void **state)
{
    recsys_aside_destroy(other);
    return fixture_tear_down(state);
}

static void set(const char *key, const char *value)
{
    assert_int_equal(recsys_aside_set(other, (recsys_bytes){key, strlen(key)},
                                      (recsys_bytes){value, strlen(value)}, 0, 0, NULL),
                     RECSYS_OK);
}

static int has(const char *key)
{
    recsys_value value;
    recsys_status status =
        recsys_aside_get(other, (recsys_bytes){key, strlen(key)}, &value, NULL, NULL);

    recsys_value_release(&value);
    assert_true(status == RECSYS_OK || status == RECSYS_E_NOT_FOUND);
    return status == RECSYS_OK;
}

static recsys_bytes text(const char *of)
{
    return (recsys_bytes){of, strlen(of)};
}

/* The pause of the breaker is over and the store answers. */
static void come_back(void)
{
    scripted_store_heal(&fixture.script);
    fixture.script.only = -1;
    fixture_pass(1001);
    assert_int_equal(recsys_store_probe(fixture.store, &fixture.err), RECSYS_OK);
}

/* -- writing -- */

struct writing {
    const char *value; /* NULL = none is given */
    uint64_t version;
    recsys_status status;
    void (*meanwhile)(void);
};

static recsys_status write_truth(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    const struct writing *what = user_data;

    fixture_set_truth(what->value == NULL ? "written" : what->value);
    if (what->version != 0)
        fixture.version = what->version;
    if (what->meanwhile != NULL)
        what->meanwhile();
    if (what->value != NULL)
        assert_int_equal(
            recsys_aside_changes_set(changes, 0, text(what->value), fixture.version, err),
            RECSYS_OK);
    return what->status;
}

static recsys_status write_with(struct writing what)
{
    recsys_bytes key = FIXTURE_KEY;

    memset(&fixture.err, 0, sizeof fixture.err);
    return recsys_aside_write(fixture.aside, &key, 1, write_truth, &what, &fixture.err);
}

static void a_write_invalidates_what_was_cached(void **state)
{
    (void)state;
    fixture_load();
    assert_int_equal(write_with((struct writing){0}), RECSYS_OK);
    assert_int_equal(fixture_kind(), 0);
    assert_string_equal(fixture_load(), "written");
}

static void a_write_that_fails_invalidates_all_the_same(void **state)
{
    (void)state;
    fixture_load();
    assert_int_equal(write_with((struct writing){.value = "two", .status = RECSYS_E_TIMEOUT}),
                     RECSYS_E_TIMEOUT);
    assert_int_equal(fixture.err.status, RECSYS_E_TIMEOUT);
    assert_int_equal(fixture_kind(), 0);
}

static void a_written_value_takes_the_place_of_an_older_one(void **state)
{
    (void)state;
    fixture_load();
    assert_int_equal(write_with((struct writing){.value = "two"}), RECSYS_OK);
    assert_string_equal(fixture_get(), "two");
    assert_int_equal(fixture.outcome, RECSYS_ASIDE_HIT);
    assert_int_equal(fixture.n_loads, 1);
}

static void a_written_value_never_replaces_a_newer_one(void **state)
{
    (void)state;
    fixture.version = 9;
    fixture_load();
    assert_int_equal(write_with((struct writing){.value = "older", .version = 8}), RECSYS_OK);
    assert_string_equal(fixture_get(), "one");
    assert_int_equal(write_with((struct writing){.value = "same", .version = 9}), RECSYS_OK);
    assert_string_equal(fixture_get(), "one");
}

static void where_nothing_is_cached_nothing_is_stored_by_a_write(void **state)
{
    (void)state;
    assert_int_equal(write_with((struct writing){.value = "two"}), RECSYS_OK);
    assert_int_equal(fixture_kind(), 0);
}

/* Found by the simulation: the row may have been removed again by a later write. */
static void what_has_no_version_is_removed_by_a_write(void **state)
{
    (void)state;
    fixture_set_truth("");
    fixture_load();
    assert_int_equal(fixture_kind(), 'V');
    assert_int_equal(write_with((struct writing){.value = "two"}), RECSYS_OK);
    assert_int_equal(fixture_kind(), 0);
    set("user:profile:1", "without a version");
    assert_int_equal(write_with((struct writing){.value = "two"}), RECSYS_OK);
    assert_int_equal(fixture_kind(), 0);
}

static void write_through_while_loading(void)
{
    fixture.while_loading = NULL;
    assert_int_equal(write_with((struct writing){.value = "two"}), RECSYS_OK);
}

static void a_write_fences_a_load_off(void **state)
{
    (void)state;
    fixture.while_loading = write_through_while_loading;
    assert_string_equal(fixture_load(), "one");
    assert_int_equal(fixture_kind(), 0);
    assert_string_equal(fixture_load(), "two");
}

static unsigned n_races;

static void change_before_replace(enum scripted_operation operation, recsys_bytes key,
                                  void *user_data)
{
    (void)key;
    (void)user_data;
    if (operation == SCRIPTED_REPLACE && n_races > 0) {
        n_races--;
        assert_int_equal(recsys_aside_set(other, FIXTURE_KEY, text("raced"), 1, 0, NULL),
                         RECSYS_OK);
    }
}

static void a_write_that_loses_a_race_tries_again_and_removes_in_the_end(void **state)
{
    (void)state;
    fixture_load();
    fixture.script.watch = change_before_replace;
    n_races = 3;
    assert_int_equal(write_with((struct writing){.value = "two"}), RECSYS_OK);
    assert_string_equal(fixture_get(), "two");
    n_races = 4;
    assert_int_equal(write_with((struct writing){.value = "three"}), RECSYS_OK);
    assert_int_equal(fixture_kind(), 0);
}

static recsys_status write_wrongly(recsys_aside_changes *changes, void *user_data,
                                   recsys_error *err)
{
    (void)user_data;
    assert_int_equal(recsys_aside_changes_set(changes, 1, text("x"), 1, err), RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_changes_set(changes, 0, text("x"), 0, err), RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_changes_set(changes, 0, (recsys_bytes){NULL, 1}, 1, err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_changes_set(NULL, 0, text("x"), 1, err), RECSYS_E_INVALID);
    return RECSYS_OK;
}

static void a_writers_arguments_are_checked(void **state)
{
    recsys_bytes key = FIXTURE_KEY, bad = {"~", 1};

    (void)state;
    assert_int_equal(recsys_aside_write(fixture.aside, &key, 1, write_wrongly, NULL, &fixture.err),
                     RECSYS_OK);
    assert_int_equal(recsys_aside_write(fixture.aside, &key, 1, NULL, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_write(fixture.aside, &bad, 1, write_truth, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_write(NULL, &key, 1, write_truth, NULL, NULL), RECSYS_E_INVALID);
    assert_int_equal(fixture.version, 1); /* none of the refused ones was run */
}

/* -- invalidating -- */

static void keys_of_a_form_are_invalidated_and_no_others(void **state)
{
    const recsys_bytes of_user[2] = {text("user:"), text(":42")};
    const recsys_bytes of_stars[2] = {text("a*["), text("")};
    uint64_t n;

    (void)state;
    set("user:profile:42", "x");
    set("user:activity:42", "x");
    set("user:profile:421", "x");
    set("user:42", "x");
    set("a*[b", "x");
    set("aXYb", "x");
    assert_int_equal(recsys_aside_invalidate_matching(fixture.aside, of_user, 2, &n, &fixture.err),
                     RECSYS_OK);
    assert_int_equal(n, 2);
    assert_false(has("user:profile:42") || has("user:activity:42"));
    assert_true(has("user:profile:421") && has("user:42")); /* one ':' is not two */
    assert_int_equal(recsys_aside_invalidate_matching(fixture.aside, of_stars, 2, &n, &fixture.err),
                     RECSYS_OK);
    assert_int_equal(n, 1);
    assert_true(has("aXYb"));
}

static void many_keys_are_invalidated_in_small_steps(void **state)
{
    const recsys_bytes form[2] = {text("n:"), text("")};
    uint64_t n;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        char key[32];
        snprintf(key, sizeof key, "n:%d", i);
        set(key, "x");
    }
    set("stays", "x");
    assert_int_equal(recsys_aside_invalidate_matching(fixture.aside, form, 2, &n, &fixture.err),
                     RECSYS_OK);
    assert_int_equal(n, 3000);
    assert_true(has("stays"));
    assert_int_equal(fixture_stats().invalidations, 3000);
}

static void forms_are_checked(void **state)
{
    const recsys_bytes empty[2] = {{"", 0}, {NULL, 0}};
    recsys_bytes large[2] = {{NULL, 200}, {NULL, 57}};
    char bytes[200] = {'x'};

    (void)state;
    large[0].data = large[1].data = bytes;
    assert_int_equal(recsys_aside_invalidate_matching(fixture.aside, empty, 2, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_invalidate_matching(fixture.aside, large, 2, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_invalidate_matching(fixture.aside, large, 1, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_invalidate_matching(fixture.aside, NULL, 2, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_invalidate(fixture.aside, NULL, 1, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_invalidate(fixture.aside, NULL, 0, NULL), RECSYS_OK);
    assert_int_equal(recsys_aside_invalidate_all(NULL, NULL), RECSYS_E_INVALID);
}

static void everything_is_invalidated_by_a_new_epoch(void **state)
{
    (void)state;
    fixture_load();
    set("another", "x");
    assert_int_equal(recsys_aside_invalidate_all(fixture.aside, &fixture.err), RECSYS_OK);
    assert_false(has("another"));
    fixture_get();
    assert_int_equal(fixture.outcome, RECSYS_ASIDE_MISS);
    fixture_set_truth("two");
    assert_string_equal(fixture_load(), "two"); /* over the dead one, without waiting */
    assert_int_equal(fixture.n_sleeps, 0);
    assert_int_equal(fixture_stats().epochs, 1);
}

static void invalidate_everything_while_loading(void)
{
    fixture.while_loading = NULL;
    fixture_set_truth("two");
    assert_int_equal(recsys_aside_invalidate_all(other, NULL), RECSYS_OK);
}

static void a_load_before_a_new_epoch_is_dead(void **state)
{
    (void)state;
    fixture.while_loading = invalidate_everything_while_loading;
    fixture_load();
    fixture_get();
    assert_int_equal(fixture.outcome, RECSYS_ASIDE_MISS);
    assert_string_equal(fixture_load(), "two");
}

static void invalidate_and_ask_again(void)
{
    fixture.while_loading = NULL;
    fixture_set_truth("two");
    fixture_invalidate(fixture.aside);
    assert_string_equal(fixture_load(), "two");
    assert_int_equal(fixture.n_sleeps, 0);
}

static void nobody_waits_for_a_load_from_before_an_invalidation(void **state)
{
    (void)state;
    fixture.while_loading = invalidate_and_ask_again;
    assert_string_equal(fixture_load(), "one");
    assert_string_equal(fixture_get(), "two");
    assert_int_equal(fixture_stats().fills_refused, 1);
}

/* -- the store away -- */

static void a_lost_invalidation_is_told_before_the_store_is_trusted(void **state)
{
    (void)state;
    fixture_load();
    fixture_set_truth("two");
    scripted_store_fail(&fixture.script, 1, RECSYS_E_TIMEOUT, 0);
    fixture_invalidate(fixture.aside);
    assert_int_equal(fixture_stats().journal, 1);
    assert_int_equal(fixture_kind(), 'V'); /* the old value is there ... */
    assert_string_equal(fixture_load(), "two");
    assert_int_equal(fixture.outcome, RECSYS_ASIDE_UNKNOWN); /* ... and nobody here reads it */
    fixture_get();
    assert_int_equal(fixture.status, RECSYS_E_UNAVAILABLE);
    come_back();
    assert_int_equal(fixture_kind(), 0);
    assert_int_equal(fixture_stats().journal, 0);
    assert_int_equal(fixture_stats().replayed, 1);
    assert_string_equal(fixture_load(), "two");
    assert_int_equal(fixture.outcome, RECSYS_ASIDE_MISS);
}

static void a_stale_connection_costs_no_outage(void **state)
{
    (void)state;
    fixture_load();
    scripted_store_fail(&fixture.script, 1, RECSYS_E_IO, 0);
    fixture_invalidate(fixture.aside);
    assert_int_equal(fixture_stats().journal, 0);
    assert_int_equal(fixture_kind(), 0);
    fixture_load();
    scripted_store_fail(&fixture.script, 2, RECSYS_E_IO, 0);
    fixture_invalidate(fixture.aside);
    assert_int_equal(fixture_stats().journal, 1);
    come_back();
}

static void while_it_is_away_invalidations_gather_once_each(void **state)
{
    (void)state;
    set("a", "x");
    set("b", "x");
    const recsys_bytes keys[3] = {text("a"), text("b"), text("a")};
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_BACKEND, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(recsys_aside_invalidate(fixture.aside, keys, 3, NULL), RECSYS_OK);
    assert_int_equal(fixture_stats().journal, 2);
    assert_true(has("a") && has("b")); /* another process has no way to know yet */
    come_back();
    assert_false(has("a") || has("b"));
}

static void a_full_journal_ends_everything(void **state)
{
    recsys_aside_options options;

    (void)state;
    fixture_options(&options);
    options.journal_keys = 2;
    recsys_aside_destroy(fixture.aside);
    assert_int_equal(recsys_aside_create(fixture.store, &options, &fixture.aside, NULL), RECSYS_OK);
    fixture_get();
    set("a", "x");
    set("unrelated", "x");
    const recsys_bytes keys[3] = {text("a"), text("b"), text("c")};
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_TIMEOUT, 0);
    assert_int_equal(recsys_aside_invalidate(fixture.aside, keys, 3, NULL), RECSYS_OK);
    assert_int_equal(fixture_stats().journal, 1);
    come_back();
    assert_int_equal(fixture_stats().epochs, 1);
    assert_false(has("a") || has("unrelated"));
}

static void a_walk_that_breaks_off_ends_everything(void **state)
{
    const recsys_bytes form[2] = {text("a"), text("")};
    uint64_t n_removed = 7;

    (void)state;
    set("a", "x");
    set("unrelated", "x");
    fixture.script.only = SCRIPTED_SCAN;
    scripted_store_fail(&fixture.script, 1, RECSYS_E_TIMEOUT, 0);
    assert_int_equal(
        recsys_aside_invalidate_matching(fixture.aside, form, 2, &n_removed, &fixture.err),
        RECSYS_E_TIMEOUT);
    assert_int_equal(n_removed, 0);
    assert_int_equal(fixture_stats().journal, 1);
    come_back();
    assert_false(has("a") || has("unrelated"));
}

static void an_epoch_that_could_not_be_set_is_set_later(void **state)
{
    (void)state;
    set("a", "x");
    scripted_store_fail(&fixture.script, 2, RECSYS_E_IO, 0);
    assert_int_equal(recsys_aside_invalidate_all(fixture.aside, NULL), RECSYS_OK);
    assert_int_equal(fixture_stats().journal, 1);
    assert_true(has("a"));
    come_back();
    assert_false(has("a"));
}

static void telling_that_fails_leaves_the_store_alone(void **state)
{
    (void)state;
    set("a", "x");
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_TIMEOUT, 0);
    recsys_bytes a = text("a");
    assert_int_equal(recsys_aside_invalidate(fixture.aside, &a, 1, NULL), RECSYS_OK);
    fixture_pass(1001);
    fixture.script.only = SCRIPTED_REMOVE; /* the ping is answered */
    assert_int_equal(recsys_store_probe(fixture.store, NULL), RECSYS_E_TIMEOUT);
    assert_int_equal(fixture_stats().journal, 1);
    fixture_get();
    assert_int_equal(fixture.status, RECSYS_E_UNAVAILABLE);
    come_back();
    assert_int_equal(fixture_stats().journal, 0);
    assert_false(has("a"));
}

/* -- waiting until all have arrived -- */

static void a_flush_with_nothing_remembered_asks_nobody(void **state)
{
    (void)state;
    unsigned long n_calls = fixture.script.n_calls;
    assert_int_equal(recsys_aside_flush(fixture.aside, 0, &fixture.err), RECSYS_OK);
    assert_int_equal(fixture.script.n_calls, n_calls);
    assert_int_equal(recsys_aside_flush(NULL, 0, NULL), RECSYS_E_INVALID);
}

static void a_flush_says_that_an_invalidation_has_not_arrived(void **state)
{
    (void)state;
    fixture_load();
    scripted_store_fail(&fixture.script, 100000, RECSYS_E_TIMEOUT, 0);
    fixture_invalidate(fixture.aside);
    uint64_t began = fixture.script.now_ms;
    assert_int_equal(recsys_aside_flush(fixture.aside, 700, &fixture.err), RECSYS_E_TIMEOUT);
    assert_non_null(strstr(fixture.err.message, "1 invalidations"));
    assert_in_range(fixture.script.now_ms - began, 700, 720);
    assert_int_equal(fixture_stats().journal, 1);
    assert_int_equal(fixture_kind(), 'V');
    come_back();
}

static unsigned n_pings;

static void come_back_at_the_third_ping(enum scripted_operation operation, recsys_bytes key,
                                        void *user_data)
{
    (void)key;
    (void)user_data;
    if (operation == SCRIPTED_PING && ++n_pings == 3)
        scripted_store_heal(&fixture.script);
}

static void a_flush_waits_until_the_store_is_back(void **state)
{
    (void)state;
    n_pings = 0;
    fixture_load();
    fixture.script.watch = come_back_at_the_third_ping;
    scripted_store_fail(&fixture.script, 100000, RECSYS_E_TIMEOUT, 0);
    fixture_invalidate(fixture.aside);
    assert_int_equal(recsys_aside_flush(fixture.aside, RECSYS_NEVER_32, &fixture.err), RECSYS_OK);
    assert_int_equal(fixture_stats().journal, 0);
    assert_int_equal(fixture_kind(), 0);
    fixture.script.watch = NULL;
}

static recsys_status flushed;

/* A key that a thread has taken out of the journal and is sending has not arrived. */
static void flush_during_the_telling(enum scripted_operation operation, recsys_bytes key,
                                     void *user_data)
{
    (void)key;
    (void)user_data;
    if (operation == SCRIPTED_REMOVE && flushed == RECSYS_OK)
        flushed = recsys_aside_flush(fixture.aside, 1, NULL);
}

static void a_flush_waits_for_what_is_being_sent(void **state)
{
    (void)state;
    fixture_load();
    scripted_store_fail(&fixture.script, 2, RECSYS_E_TIMEOUT, 0);
    fixture_invalidate(fixture.aside);
    scripted_store_heal(&fixture.script);
    flushed = RECSYS_OK;
    fixture.script.watch = flush_during_the_telling;
    come_back();
    fixture.script.watch = NULL;
    assert_int_equal(flushed, RECSYS_E_TIMEOUT);
    assert_int_equal(recsys_aside_flush(fixture.aside, 1, NULL), RECSYS_OK);
}

static void what_is_remembered_is_sent_before_the_end(void **state)
{
    (void)state;
    fixture_load();
    scripted_store_fail(&fixture.script, 2, RECSYS_E_TIMEOUT, 0);
    fixture_invalidate(fixture.aside);
    assert_int_equal(fixture_stats().journal, 1);
    scripted_store_heal(&fixture.script);
    recsys_aside_destroy(fixture.aside);
    fixture.aside = NULL;
    assert_false(has("user:profile:1"));
}

/* The fixture once more, with a breaker that opens after two failures. */
static void begin_again_with_a_breaker(void)
{
    tear_down(NULL);
    fixture_create(2, NULL);
    other = fixture_other();
}

static void ask_while_the_store_is_away(const char *answer)
{
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_IO, 0);
    for (int i = 0; i < 4; i++)
        assert_string_equal(fixture_load(), answer);
    come_back();
    assert_string_equal(fixture_load(), answer);
}

static void a_process_that_starts_while_the_store_is_away_invalidates_what_is_there(void **state)
{
    (void)state;
    begin_again_with_a_breaker();
    fixture_set_truth("old");
    assert_string_equal(fixture_load_through(other), "old");
    /* The other one changes the truth, cannot say so, and dies. */
    fixture_set_truth("new");
    ask_while_the_store_is_away("new");
    assert_int_equal(fixture.outcome, RECSYS_ASIDE_MISS);
    assert_int_equal(fixture_stats().epochs, 1);
}

/* One failure, and the breaker would not open for it. A change that was missed may have made a
 * value old already. */
static void expect_a_first_failure_to_end_everything(void (*go_wrong)(void))
{
    static const recsys_status statuses[] = {RECSYS_E_TIMEOUT, RECSYS_E_IO, RECSYS_E_BACKEND};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        begin_again_with_a_breaker();
        fixture_set_truth("old");
        assert_string_equal(fixture_load_through(other), "old");
        fixture_set_truth("new");
        scripted_store_fail(&fixture.script, 2, statuses[i], 0);
        go_wrong();
        scripted_store_heal(&fixture.script);
        assert_string_equal(fixture_load(), "new");
        assert_int_equal(fixture.outcome, RECSYS_ASIDE_UNKNOWN);
        assert_int_equal(fixture_stats().journal, 1);
        come_back();
        assert_string_equal(fixture_load(), "new");
        assert_int_equal(fixture.outcome, RECSYS_ASIDE_MISS);
        assert_int_equal(fixture_stats().epochs, 1);
    }
}

static void load_the_new_one(void)
{
    assert_string_equal(fixture_load(), "new");
}

static void invalidate_an_unrelated_key(void)
{
    recsys_bytes a = text("a");

    assert_int_equal(recsys_aside_invalidate(fixture.aside, &a, 1, NULL), RECSYS_OK);
}

static void a_store_that_fails_at_first_is_told_before_it_is_read(void **state)
{
    (void)state;
    expect_a_first_failure_to_end_everything(load_the_new_one);
    expect_a_first_failure_to_end_everything(invalidate_an_unrelated_key);
}

static void a_store_that_has_answered_before_keeps_its_epoch(void **state)
{
    (void)state;
    begin_again_with_a_breaker();
    fixture_set_truth("truth");
    assert_string_equal(fixture_load(), "truth");
    ask_while_the_store_is_away("truth");
    assert_int_equal(fixture_stats().epochs, 0);
}

static void what_the_store_will_never_take_becomes_an_epoch(void **state)
{
    (void)state;
    set("a", "x");
    fixture.script.only = SCRIPTED_REMOVE;
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_LIMIT, 0);
    recsys_bytes a = text("a");
    assert_int_equal(recsys_aside_invalidate(fixture.aside, &a, 1, NULL), RECSYS_OK);
    fixture_pass(1001);
    assert_int_equal(recsys_store_probe(fixture.store, NULL), RECSYS_OK);
    assert_int_equal(fixture_stats().journal, 0);
    assert_int_equal(fixture_stats().epochs, 1);
    assert_false(has("a"));
}

static unsigned n_late;

/* Somebody else of this process invalidates while the journal is being told. */
static void invalidate_while_telling(enum scripted_operation operation, recsys_bytes key,
                                     void *user_data)
{
    (void)key;
    (void)user_data;
    if (operation == SCRIPTED_REMOVE && n_late > 0) {
        n_late--;
        recsys_bytes late = text("late");
        rs_aside_remember(fixture.aside, &late, 1); /* as when it was refused a moment ago */
    }
}

static void an_invalidation_during_the_telling_is_told_too(void **state)
{
    (void)state;
    set("a", "x");
    set("late", "x");
    scripted_store_fail(&fixture.script, 1, RECSYS_E_TIMEOUT, 0);
    recsys_bytes a = text("a");
    assert_int_equal(recsys_aside_invalidate(fixture.aside, &a, 1, NULL), RECSYS_OK);
    fixture.script.watch = invalidate_while_telling;
    n_late = 2;
    come_back();
    assert_int_equal(n_late, 0);
    assert_int_equal(fixture_stats().journal, 0);
    assert_false(has("a") || has("late"));
}

static void a_set_the_store_did_not_answer_is_removed_later(void **state)
{
    (void)state;
    fixture_load();
    fixture.script.only = SCRIPTED_SET;
    scripted_store_fail(&fixture.script, 2, RECSYS_E_TIMEOUT, 1);
    assert_int_equal(recsys_aside_set(fixture.aside, FIXTURE_KEY, text("perhaps"), 0, 0, NULL),
                     RECSYS_E_TIMEOUT);
    assert_int_equal(fixture_stats().journal, 1);
    come_back();
    assert_int_equal(fixture_kind(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_write_invalidates_what_was_cached),
        TEST(a_write_that_fails_invalidates_all_the_same),
        TEST(a_written_value_takes_the_place_of_an_older_one),
        TEST(a_written_value_never_replaces_a_newer_one),
        TEST(where_nothing_is_cached_nothing_is_stored_by_a_write),
        TEST(what_has_no_version_is_removed_by_a_write),
        TEST(a_write_fences_a_load_off),
        TEST(a_write_that_loses_a_race_tries_again_and_removes_in_the_end),
        TEST(a_writers_arguments_are_checked),
        TEST(keys_of_a_form_are_invalidated_and_no_others),
        TEST(many_keys_are_invalidated_in_small_steps),
        TEST(forms_are_checked),
        TEST(everything_is_invalidated_by_a_new_epoch),
        TEST(a_load_before_a_new_epoch_is_dead),
        TEST(nobody_waits_for_a_load_from_before_an_invalidation),
        TEST(a_lost_invalidation_is_told_before_the_store_is_trusted),
        TEST(a_stale_connection_costs_no_outage),
        TEST(while_it_is_away_invalidations_gather_once_each),
        TEST(a_full_journal_ends_everything),
        TEST(a_walk_that_breaks_off_ends_everything),
        TEST(an_epoch_that_could_not_be_set_is_set_later),
        TEST(telling_that_fails_leaves_the_store_alone),
        TEST(a_flush_with_nothing_remembered_asks_nobody),
        TEST(a_flush_says_that_an_invalidation_has_not_arrived),
        TEST(a_flush_waits_until_the_store_is_back),
        TEST(a_flush_waits_for_what_is_being_sent),
        TEST(what_is_remembered_is_sent_before_the_end),
        TEST(a_process_that_starts_while_the_store_is_away_invalidates_what_is_there),
        TEST(a_store_that_fails_at_first_is_told_before_it_is_read),
        TEST(a_store_that_fails_at_first_is_told_before_it_is_read),
        TEST(a_store_that_has_answered_before_keeps_its_epoch),
        TEST(what_the_store_will_never_take_becomes_an_epoch),
        TEST(an_invalidation_during_the_telling_is_told_too),
        TEST(a_set_the_store_did_not_answer_is_removed_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
