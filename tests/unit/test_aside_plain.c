/* Covers lib/aside with RECSYS_ASIDE_FORMAT_PLAIN: values as they are under their keys, companions
 * beside them, and other programs that read, store and remove there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/aside/load_shown.h"
#include "tests/support/aside_fixture.h"
#include "tests/support/check.h"

#define COMPANION "~{user:profile:1}"

static void create_plain(uint32_t flags)
{
    recsys_aside_options options;

    fixture_options(&options);
    options.flags |= flags;
    options.format = RECSYS_ASIDE_FORMAT_PLAIN;
    fixture_create(0, &options);
}

static int set_up(void **state)
{
    (void)state;
    create_plain(0);
    return 0;
}

static int set_up_trusting(void **state)
{
    (void)state;
    create_plain(RECSYS_ASIDE_TRUST_OTHERS);
    return 0;
}

/* -- what another program does -- */

static const char *read_raw(const char *key)
{
    static char text[512];
    const recsys_bytes bytes = {key, strlen(key)};
    recsys_value value;

    assert_int_equal(recsys_store_get(fixture.script.inner, &bytes, 1, &value, NULL, NULL),
                     RECSYS_OK);
    snprintf(text, sizeof text, "%.*s", (int)value.size,
             value.data == NULL ? "" : (const char *)value.data);
    int is_there = value.data != NULL;
    recsys_value_release(&value);
    return is_there ? text : NULL;
}

static void set_raw(const char *key, const char *value)
{
    assert_int_equal(recsys_store_set(fixture.script.inner, (recsys_bytes){key, strlen(key)},
                                      (recsys_bytes){value, strlen(value)}, 1000,
                                      RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
}

static void remove_raw(const char *key)
{
    const recsys_bytes bytes = {key, strlen(key)};

    assert_int_equal(recsys_store_remove(fixture.script.inner, &bytes, 1, NULL, NULL), RECSYS_OK);
}

static void another_sets(void)
{
    fixture.while_loading = NULL;
    fixture_set_truth("newer");
    set_raw("user:profile:1", "newer");
}

static void another_removes(void)
{
    fixture.while_loading = NULL;
    fixture_set_truth("newer");
    remove_raw("user:profile:1");
}

static void another_removes_both(void)
{
    another_removes();
    remove_raw(COMPANION);
}

/* -- the bytes -- */

static void a_value_is_under_its_key_as_it_is(void **state)
{
    (void)state;
    assert_string_equal(fixture_load(), "one");
    assert_string_equal(read_raw("user:profile:1"), "one");
    assert_int_equal(read_raw(COMPANION)[0], 'V');
    assert_string_equal(fixture_load(), "one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    assert_string_equal(fixture_get(), "one");
    assert_int_equal(fixture.n_loads, 1);
    assert_int_equal(fixture_stats().foreign, 0);
}

static void an_empty_value_is_a_value(void **state)
{
    (void)state;
    recsys_value value;

    assert_int_equal(
        recsys_aside_set(fixture.aside, FIXTURE_KEY, (recsys_bytes){"", 0}, 0, 0, NULL), RECSYS_OK);
    assert_string_equal(read_raw("user:profile:1"), "");
    assert_int_equal(recsys_aside_get(fixture.aside, FIXTURE_KEY, &value, NULL, NULL), RECSYS_OK);
    assert_int_equal(value.size, 0);
    recsys_value_release(&value);
}

static void it_expires_at_its_time_to_live_of_which_the_end_is_stale(void **state)
{
    (void)state;
    fixture_load();
    fixture_pass(899);
    fixture_get();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    fixture_pass(2);
    fixture_get();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
    fixture.load_status = RECSYS_E_TIMEOUT;
    assert_string_equal(fixture_load(), "one");
    fixture_pass(99);
    assert_null(read_raw("user:profile:1"));
    assert_null(read_raw(COMPANION));
    fixture_load();
    fixture_assert_outcome(RECSYS_E_TIMEOUT, RECSYS_ASIDE_MISS);
}

static void what_does_not_exist_leaves_nothing_under_the_key(void **state)
{
    (void)state;
    set_raw("user:profile:1", "there was one");
    fixture_set_truth("");
    fixture_load();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    assert_null(read_raw("user:profile:1"));
    fixture_load();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_NEGATIVE);
    set_raw("user:profile:1", "now there is one");
    fixture_set_truth("now there is one");
    assert_string_equal(fixture_load(), "now there is one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
}

static void what_is_not_to_be_kept_leaves_nothing_under_either_key(void **state)
{
    (void)state;
    fixture.load_flags = RECSYS_ASIDE_UNCACHED;
    assert_string_equal(fixture_load(), "one");
    assert_null(read_raw("user:profile:1"));
    assert_null(read_raw(COMPANION));
}

static void companions_are_in_the_slot_of_their_key(void **state)
{
    (void)state;
    static const struct {
        const char *key, *companion;
    } pairs[] = {
        {"user:profile:1", "~{user:profile:1}"},
        {"info:guide:{plastic}", "~=info:guide:{plastic}"},
        {"a{", "~{a{}"},
        {"a{}b", "~{a{}b}"},
        {"{a}:1", "~={a}:1"},
    };
    char text[RS_FENCE_MAX], side[RS_FENCE_MAX + 2];

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        recsys_bytes key = {pairs[i].key, strlen(pairs[i].key)}, back;
        recsys_bytes fence = rs_aside_fence(fixture.aside, key, text);
        assert_int_equal(fence.size, strlen(pairs[i].companion));
        assert_memory_equal(fence.data, pairs[i].companion, fence.size);
        assert_true(rs_aside_entry_of(fence, &back));
        assert_int_equal(back.size, key.size);
        assert_memory_equal(back.data, key.data, key.size);
        assert_true(rs_aside_is_own(fixture.aside, text, fence.size));
        assert_false(rs_aside_entry_of(rs_aside_side_key(fixture.aside, key, side), &back));
    }
    assert_false(rs_aside_entry_of((recsys_bytes){"~epoch", 6}, &(recsys_bytes){0}));
    assert_false(rs_aside_entry_of((recsys_bytes){"~{}", 3}, &(recsys_bytes){0}));
}

static void keys_may_end_as_side_leases_of_envelopes_do(void **state)
{
    (void)state;
    const recsys_bytes key = {"info:guide:a~r", 14};

    assert_int_equal(recsys_aside_set(fixture.aside, key, (recsys_bytes){"x", 1}, 0, 0, NULL),
                     RECSYS_OK);
    assert_string_equal(read_raw("info:guide:a~r"), "x");
    assert_int_equal(recsys_aside_set(fixture.aside, (recsys_bytes){"~a", 2},
                                      (recsys_bytes){"x", 1}, 0, 0, NULL),
                     RECSYS_E_INVALID);
}

/* -- other programs -- */

static void a_removal_by_another_program_is_a_miss(void **state)
{
    (void)state;
    fixture_load();
    remove_raw("user:profile:1");
    fixture_set_truth("two");
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    assert_string_equal(fixture_load(), "two");
    assert_string_equal(read_raw("user:profile:1"), "two");
}

static void another_programs_value_is_replaced(void **state)
{
    (void)state;
    set_raw("user:profile:1", "theirs");
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    assert_string_equal(fixture_load(), "one");
    assert_string_equal(read_raw("user:profile:1"), "one");
    set_raw("user:profile:1", "eno"); /* as long as ours */
    assert_string_equal(fixture_load(), "one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
    assert_int_equal(fixture_stats().foreign, 3);
    assert_int_equal(fixture_stats().damaged, 0);
}

static void or_trusted_for_as_long_as_it_lives(void **state)
{
    (void)state;
    set_raw("user:profile:1", "[1]");
    assert_string_equal(fixture_load(), "[1]");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    assert_string_equal(fixture_get(), "[1]");
    fixture_pass(999);
    assert_string_equal(fixture_load(), "[1]");
    fixture_pass(1);
    assert_string_equal(fixture_load(), "one");
    set_raw("user:profile:1", "[2]");
    assert_string_equal(fixture_load(), "[2]");
    fixture_invalidate(fixture.aside);
    assert_null(read_raw("user:profile:1"));
    assert_string_equal(fixture_load(), "one");
}

static void but_only_if_it_is_json(void **state)
{
    (void)state;
    fixture_set_truth("[1]");
    set_raw("user:profile:1", "{\"a\": NaN}");
    assert_string_equal(fixture_load(), "[1]");
    set_raw("user:profile:1", "{\"a\": 1}");
    assert_string_equal(fixture_load(), "{\"a\": 1}");
}

static uint64_t passes_ms;

static void others_look(void)
{
    fixture.while_loading = NULL;
    fixture_pass(passes_ms);
    assert_null(read_raw("user:profile:1"));
    assert_string_equal(fixture_get(), "");
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
}

static void but_never_an_old_value_of_ours(void **state)
{
    (void)state;
    static const uint64_t passes[] = {0, 150}; /* the lease is there, and has expired */

    for (int is_restart = 0; is_restart < 2; is_restart++)
        for (size_t i = 0; i < 2; i++) {
            fixture_set_truth("1");
            fixture_invalidate(fixture.aside);
            assert_string_equal(fixture_load(), "1");
            fixture_set_truth("2");
            if (is_restart)
                fixture.script.incarnation++;
            else
                assert_int_equal(recsys_aside_invalidate_all(fixture.aside, NULL), RECSYS_OK);
            passes_ms = passes[i];
            fixture.while_loading = others_look;
            assert_string_equal(fixture_load(), "2");
            assert_string_equal(fixture_load(), "2");
        }
    assert_int_equal(fixture_stats().foreign, 0);
}

static void come_back(enum scripted_operation operation, recsys_bytes key, void *user_data)
{
    (void)key;
    (void)user_data;
    if (operation != SCRIPTED_REPLACE && operation != SCRIPTED_EXCHANGE)
        return;
    fixture.script.watch = NULL;
    fixture.script.incarnation++;
    set_raw("user:profile:1", "1");
}

/* The restart is after the look, before the lease. */
static void nor_one_that_a_restart_brings_back(void **state)
{
    (void)state;
    fixture_set_truth("1");
    fixture_load();
    remove_raw("user:profile:1");
    fixture_set_truth("2");
    fixture.script.watch = come_back;
    passes_ms = 0;
    fixture.while_loading = others_look;
    assert_string_equal(fixture_load(), "2");
    assert_string_equal(fixture_load(), "2");
}

static void nor_one_whose_companion_is_damaged(void **state)
{
    (void)state;
    fixture_set_truth("1");
    fixture_load();
    set_raw(COMPANION, "what is this?");
    fixture_set_truth("2");
    passes_ms = 0;
    fixture.while_loading = others_look;
    assert_string_equal(fixture_load(), "2");
}

static void another_sets_json(void)
{
    fixture.while_loading = NULL;
    set_raw("user:profile:1", "3");
}

static void another_programs_value_outlives_the_epoch(void **state)
{
    (void)state;
    fixture_set_truth("1");
    fixture_load();
    set_raw("user:profile:1", "3");
    assert_int_equal(recsys_aside_invalidate_all(fixture.aside, NULL), RECSYS_OK);
    assert_string_equal(fixture_load(), "3");
    fixture_invalidate(fixture.aside);
    fixture_load();
    assert_int_equal(recsys_aside_invalidate_all(fixture.aside, NULL), RECSYS_OK);
    fixture.while_loading = another_sets_json; /* where ours was until the lease came */
    assert_string_equal(fixture_load(), "1");
    assert_string_equal(fixture_load(), "3");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
}

static void a_value_that_comes_during_a_load_ends_it(void **state)
{
    (void)state;
    fixture.while_loading = another_sets;
    assert_string_equal(fixture_load(), "one");
    assert_string_equal(read_raw("user:profile:1"), "newer");
    assert_int_equal(fixture_stats().fills_refused, 1);
    assert_string_equal(fixture_load(), "newer"); /* and no lease is left to wait for */
    assert_int_equal(fixture.n_sleeps, 0);
    assert_int_equal(fixture_stats().fills, 1);
}

static void so_does_the_removal_of_what_was_there(void **state)
{
    (void)state;
    set_raw("user:profile:1", "theirs");
    fixture.while_loading = another_removes;
    assert_string_equal(fixture_load(), "one");
    assert_null(read_raw("user:profile:1"));
    assert_int_equal(fixture_stats().fills_refused, 1);
}

static void a_removal_where_nothing_was_does_not(void **state)
{
    (void)state;
    fixture.while_loading = another_removes;
    assert_string_equal(fixture_load(), "one");
    assert_string_equal(read_raw("user:profile:1"), "one"); /* what docs warn of */
    fixture.version = 0;
}

static void unless_the_companion_is_removed_too(void **state)
{
    (void)state;
    fixture.while_loading = another_removes_both;
    assert_string_equal(fixture_load(), "one");
    assert_null(read_raw("user:profile:1"));
    assert_null(read_raw(COMPANION));
    assert_string_equal(fixture_load(), "newer");
}

static void a_refresh_ends_when_another_program_stores_or_removes(void **state)
{
    (void)state;
    void (*const others[])(void) = {another_sets, another_removes};

    for (size_t i = 0; i < 2; i++) {
        fixture_set_truth("one");
        fixture_invalidate(fixture.aside);
        assert_string_equal(fixture_load(), "one");
        fixture_pass(950);
        fixture.while_loading = others[i];
        assert_string_equal(fixture_load(), "one"); /* stale, loaded again */
        const char *left = read_raw("user:profile:1");
        assert_true(i == 0 ? left != NULL && strcmp(left, "newer") == 0 : left == NULL);
        assert_string_equal(fixture_load(), "newer");
    }
}

/* -- invalidations of ours -- */

static void an_invalidation_removes_both_and_ends_a_load(void **state)
{
    (void)state;
    fixture_load();
    fixture_invalidate(fixture.aside);
    assert_null(read_raw("user:profile:1"));
    assert_null(read_raw(COMPANION));
    recsys_aside_options options;
    recsys_aside *other = NULL;
    fixture_options(&options);
    options.format = RECSYS_ASIDE_FORMAT_PLAIN;
    assert_int_equal(recsys_aside_create(fixture.store, &options, &other, NULL), RECSYS_OK);
    fixture.while_loading = another_removes_both;
    fixture_load_through(other);
    assert_null(read_raw("user:profile:1"));
    recsys_aside_destroy(other);
}

static recsys_status write_two(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    (void)user_data;
    fixture_set_truth("two");
    return recsys_aside_changes_set(changes, 0, (recsys_bytes){"two", 3}, fixture.version, err);
}

static void a_write_goes_through_to_both(void **state)
{
    (void)state;
    recsys_bytes key = FIXTURE_KEY;

    fixture_load();
    assert_int_equal(recsys_aside_write(fixture.aside, &key, 1, write_two, NULL, NULL), RECSYS_OK);
    assert_string_equal(read_raw("user:profile:1"), "two");
    assert_string_equal(fixture_get(), "two");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    set_raw("user:profile:1", "theirs"); /* newer or older? */
    assert_int_equal(recsys_aside_write(fixture.aside, &key, 1, write_two, NULL, NULL), RECSYS_OK);
    assert_null(read_raw("user:profile:1"));
    assert_null(read_raw(COMPANION));
}

static void keys_of_a_form_are_found_whoever_made_them(void **state)
{
    (void)state;
    const recsys_bytes form[2] = {{"user:", 5}, {"", 0}}, middle[3] = {{"u", 1}, {"f", 1}, {"1", 1}};
    uint64_t n = 0;

    fixture_load();
    set_raw("user:other", "theirs");
    set_raw("user:{x}", "theirs");
    set_raw("~={y}user:", "not of this form");
    set_raw("~{user:loading}", "a lease");
    set_raw("~=user:{z}", "a lease");
    set_raw("info:user:", "not of this form");
    assert_int_equal(recsys_aside_invalidate_matching(fixture.aside, form, 2, &n, NULL), RECSYS_OK);
    assert_int_equal(n, 5);
    assert_null(read_raw("user:profile:1"));
    assert_null(read_raw(COMPANION));
    assert_null(read_raw("user:other"));
    assert_null(read_raw("user:{x}"));
    assert_null(read_raw("~{user:loading}"));
    assert_null(read_raw("~=user:{z}"));
    assert_non_null(read_raw("~={y}user:"));
    assert_non_null(read_raw("info:user:"));
    assert_non_null(read_raw("~epoch"));
    fixture_load();
    assert_int_equal(recsys_aside_invalidate_matching(fixture.aside, middle, 3, &n, NULL),
                     RECSYS_OK);
    assert_int_equal(n, 1);
    assert_null(read_raw(COMPANION));
}

static void everything_ends_with_the_epoch_except_for_others(void **state)
{
    (void)state;
    fixture_load();
    fixture_set_truth("two");
    assert_int_equal(recsys_aside_invalidate_all(fixture.aside, NULL), RECSYS_OK);
    assert_string_equal(read_raw("user:profile:1"), "one"); /* what docs say */
    assert_string_equal(fixture_load(), "two");
    fixture.script.incarnation++;
    fixture_set_truth("three");
    assert_string_equal(fixture_load(), "three");
}

/* -- companions that are not right -- */

static void a_companion_of_another_key_is_an_error(void **state)
{
    (void)state;
    const recsys_bytes key = {COMPANION, sizeof COMPANION - 1};
    recsys_value companion;

    fixture_load();
    assert_int_equal(recsys_store_get(fixture.script.inner, &key, 1, &companion, NULL, NULL),
                     RECSYS_OK);
    assert_int_equal(recsys_store_set(fixture.script.inner, (recsys_bytes){"~{b}", 4},
                                      (recsys_bytes){companion.data, companion.size}, 1000,
                                      RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
    recsys_value_release(&companion);
    set_raw("b", "one");
    recsys_value value;
    assert_int_equal(recsys_aside_get(fixture.aside, (recsys_bytes){"b", 1}, &value, NULL, NULL),
                     RECSYS_E_FORMAT);
    assert_int_equal(fixture_stats().identity_mismatches, 1);
}

static void every_changed_byte_of_a_companion_is_noticed(void **state)
{
    (void)state;
    const recsys_bytes key = {COMPANION, sizeof COMPANION - 1};
    unsigned char bytes[256];
    recsys_value companion;

    fixture_load();
    assert_int_equal(recsys_store_get(fixture.script.inner, &key, 1, &companion, NULL, NULL),
                     RECSYS_OK);
    size_t size = companion.size;
    assert_in_range(size, 64, sizeof bytes);
    memcpy(bytes, companion.data, size);
    recsys_value_release(&companion);
    struct rs_identity identity = rs_aside_identity(fixture.aside, FIXTURE_KEY);
    struct rs_envelope out;
    const recsys_bytes text = {"one", 3};
    assert_int_equal(rs_companion_read((recsys_bytes){bytes, size}, text, &identity, &out),
                     RS_CONTENT_VALUE);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 1;
        assert_int_not_equal(rs_companion_read((recsys_bytes){bytes, size}, text, &identity, &out),
                             RS_CONTENT_VALUE);
        bytes[i] ^= 1;
        assert_int_not_equal(rs_companion_read((recsys_bytes){bytes, i}, text, &identity, &out),
                             RS_CONTENT_VALUE);
    }
    assert_int_equal(
        rs_companion_read((recsys_bytes){bytes, size}, (recsys_bytes){"two", 3}, &identity, &out),
        RS_CONTENT_FOREIGN);
    assert_int_equal(
        rs_companion_read((recsys_bytes){bytes, size}, (recsys_bytes){NULL, 0}, &identity, &out),
        RS_CONTENT_GONE);
    set_raw(COMPANION, "what is this?");
    fixture_get();
    fixture_assert_outcome(RECSYS_E_FORMAT, RECSYS_ASIDE_UNKNOWN);
    assert_string_equal(fixture_load(), "one");
    assert_int_equal(read_raw(COMPANION)[0], 'V');
}

/* -- a value of which others see something else -- */

static recsys_status load_shown(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    (void)user_data;
    return rs_aside_load_set_shown(load, (recsys_bytes){"all of it", 9}, (recsys_bytes){"part", 4},
                                   0, 0, 0, err);
}

static void others_may_see_something_else_than_callers_get(void **state)
{
    (void)state;
    recsys_value value;
    uint32_t outcome;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, load_shown, NULL, 0,
                                                  &value, &outcome, NULL),
                         RECSYS_OK);
        assert_int_equal(outcome, i == 1 ? RECSYS_ASIDE_HIT : RECSYS_ASIDE_MISS);
        assert_int_equal(value.size, 9);
        assert_memory_equal(value.data, "all of it", 9);
        recsys_value_release(&value);
        assert_string_equal(read_raw("user:profile:1"), "part");
        if (i == 1)
            set_raw("user:profile:1", "trap");
    }
}

/* -- options -- */

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    recsys_aside_options options;
    recsys_aside *aside;

    fixture_options(&options);
    options.format = 3;
    assert_int_equal(recsys_aside_create(fixture.store, &options, &aside, NULL),
                     RECSYS_E_UNSUPPORTED);
    options.format = 0;
    options.flags = RECSYS_ASIDE_TRUST_OTHERS;
    assert_int_equal(recsys_aside_create(fixture.store, &options, &aside, NULL), RECSYS_E_INVALID);
    options.flags = 0;
    options.reserved = 1;
    assert_int_equal(recsys_aside_create(fixture.store, &options, &aside, NULL),
                     RECSYS_E_UNSUPPORTED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_value_is_under_its_key_as_it_is),
        TEST(an_empty_value_is_a_value),
        TEST(it_expires_at_its_time_to_live_of_which_the_end_is_stale),
        TEST(what_does_not_exist_leaves_nothing_under_the_key),
        TEST(what_is_not_to_be_kept_leaves_nothing_under_either_key),
        TEST(companions_are_in_the_slot_of_their_key),
        TEST(keys_may_end_as_side_leases_of_envelopes_do),
        TEST(a_removal_by_another_program_is_a_miss),
        TEST(another_programs_value_is_replaced),
        cmocka_unit_test_setup_teardown(or_trusted_for_as_long_as_it_lives, set_up_trusting,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(but_only_if_it_is_json, set_up_trusting,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(but_never_an_old_value_of_ours, set_up_trusting,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(nor_one_that_a_restart_brings_back, set_up_trusting,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(nor_one_whose_companion_is_damaged, set_up_trusting,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(another_programs_value_outlives_the_epoch, set_up_trusting,
                                        fixture_tear_down),
        TEST(a_value_that_comes_during_a_load_ends_it),
        TEST(so_does_the_removal_of_what_was_there),
        TEST(a_removal_where_nothing_was_does_not),
        TEST(unless_the_companion_is_removed_too),
        TEST(a_refresh_ends_when_another_program_stores_or_removes),
        TEST(an_invalidation_removes_both_and_ends_a_load),
        TEST(a_write_goes_through_to_both),
        TEST(keys_of_a_form_are_found_whoever_made_them),
        TEST(everything_ends_with_the_epoch_except_for_others),
        TEST(a_companion_of_another_key_is_an_error),
        TEST(every_changed_byte_of_a_companion_is_noticed),
        TEST(others_may_see_something_else_than_callers_get),
        TEST(what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
