/* Covers librecsys-redis: what each operation does on a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/support/check.h"
#include "tests/support/redis_case.h"

#define HOUR 3600000000u /* in us: nothing comes back while a test runs */

static recsys_store *store;

/* Each test has an empty server and a store with one connection. */
static int open_empty(void **state)
{
    recsys_redis_options options = patient_options(&server);

    (void)state;
    options.pool_size = 1;
    store = open_store(&options);
    assert_answer(&server, "+OK", "FLUSHALL");
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    assert_int_equal(pool_stats(store).closed_broken, 0);
    recsys_store_unref(store);
    return 0;
}

static void set(const char *key, const char *value)
{
    assert_ok(recsys_store_set(store, text(key), text(value), 0, RECSYS_STORE_ALWAYS, &err));
}

static void keys_and_values_are_any_bytes(void **state)
{
    static char large[3 << 20];
    char all[256];

    (void)state;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i * 2654435761u >> 13);
    const recsys_bytes values[] = {
        {all, sizeof all}, {"", 0}, {"\0", 1}, {"\r\n$3\r\n", 6}, {large, sizeof large}};
    const recsys_bytes keys[] = {
        {"a\0b", 3}, {"a\0c", 3}, {"\r\n", 2}, {all, sizeof all}, {"%s", 2}};
    for (size_t i = 0; i < 5; i++)
        assert_ok(recsys_store_set(store, keys[i], values[i], 0, RECSYS_STORE_ALWAYS, &err));
    for (size_t i = 0; i < 5; i++)
        assert_value(store, keys[i], values[i].data, values[i].size);
    recsys_value got[5];
    uint64_t incarnation;
    assert_ok(recsys_store_get(store, keys, 5, got, &incarnation, &err));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(got[i].size, values[i].size);
        assert_memory_equal(got[i].data, values[i].data, values[i].size);
        recsys_value_release(&got[i]);
    }
    assert_int_equal(ask_number(&server, "DBSIZE", NULL), 5);
}

static void several_keys_come_in_their_order_with_gaps_for_absent_ones(void **state)
{
    const recsys_bytes keys[] = {text("none"), text("b"), text("a"), text("b"), text("gone")};
    recsys_value got[5];
    uint64_t incarnation, again;

    (void)state;
    set("a", "1");
    set("b", "22");
    assert_answer(&server, ":1", "SADD", "gone", "a set is no value");
    assert_ok(recsys_store_get(store, keys, 5, got, &incarnation, &err));
    assert_null(got[0].data);
    assert_memory_equal(got[1].data, "22", 2);
    assert_memory_equal(got[2].data, "1", 1);
    assert_memory_equal(got[3].data, "22", 2);
    assert_null(got[4].data);
    for (size_t i = 0; i < 5; i++)
        recsys_value_release(&got[i]);
    assert_ok(recsys_store_get(store, keys, 5, got, &again, &err));
    for (size_t i = 0; i < 5; i++)
        recsys_value_release(&got[i]);
    assert_true(incarnation > 1 && incarnation == again);
}

static void a_time_to_live_is_kept_by_the_server(void **state)
{
    recsys_value present;
    uint64_t incarnation;

    (void)state;
    assert_ok(recsys_store_set(store, text("k"), text("v"), 600000, RECSYS_STORE_ALWAYS, &err));
    CHECK_BETWEEN(ask_number(&server, "PTTL", "k"), 1, 600000);
    set("k", "w"); /* as the store's options say */
    CHECK_BETWEEN(ask_number(&server, "PTTL", "k"), 1, 300000);
    assert_ok(
        recsys_store_set(store, text("k"), text("v"), RECSYS_NEVER, RECSYS_STORE_ALWAYS, &err));
    assert_int_equal(ask_number(&server, "PTTL", "k"), -1);
    assert_ok(recsys_store_get_or_set(store, text("ever"), text("v"), RECSYS_NEVER, &present,
                                      &incarnation, &err));
    assert_int_equal(ask_number(&server, "PTTL", "ever"), -1);
    assert_ok(
        recsys_store_get_or_set(store, text("g"), text("v"), 700000, &present, &incarnation, &err));
    CHECK_BETWEEN(ask_number(&server, "PTTL", "g"), 600001, 700000);
    assert_ok(recsys_store_replace(store, text("g"), text("v"), text("w"), 500000, &err));
    CHECK_BETWEEN(ask_number(&server, "PTTL", "g"), 1, 500000);
    assert_ok(recsys_store_replace(store, text("g"), text("w"), text("x"), RECSYS_NEVER, &err));
    assert_int_equal(ask_number(&server, "PTTL", "g"), -1);
    assert_ok(recsys_store_set(store, text("n"), text("v"), 600000, RECSYS_STORE_IF_ABSENT, &err));
    CHECK_BETWEEN(ask_number(&server, "PTTL", "n"), 1, 600000);
    /* Longer than Redis can count is as long as it can. */
    assert_ok(
        recsys_store_set(store, text("k"), text("v"), RECSYS_NEVER - 1, RECSYS_STORE_ALWAYS, &err));
    assert_true(ask_number(&server, "PTTL", "k") > 1000000000000);
}

static void what_is_there_already_is_not_set(void **state)
{
    (void)state;
    assert_ok(recsys_store_set(store, text("k"), text("1"), 0, RECSYS_STORE_IF_ABSENT, &err));
    assert_fails(recsys_store_set(store, text("k"), text("2"), 0, RECSYS_STORE_IF_ABSENT, &err),
                 RECSYS_E_EXISTS);
    assert_value(store, text("k"), "1", 1);
}

static void removing_counts_what_was_there(void **state)
{
    const recsys_bytes keys[] = {text("a"), text("none"), text("b")};
    uint64_t n;

    (void)state;
    set("a", "1");
    set("b", "2");
    set("c", "3");
    assert_ok(recsys_store_remove(store, keys, 3, &n, &err));
    assert_int_equal(n, 2);
    assert_ok(recsys_store_remove(store, keys, 3, &n, &err));
    assert_int_equal(n, 0);
    assert_value(store, text("c"), "3", 1);
}

static void get_or_set_sets_once_and_hands_out_what_is_there(void **state)
{
    recsys_value present;
    uint64_t incarnation;

    (void)state;
    assert_ok(recsys_store_get_or_set(store, text("k"), (recsys_bytes){"a\0b", 3}, 0, &present,
                                      &incarnation, &err));
    assert_null(present.data);
    assert_true(incarnation > 1);
    assert_ok(
        recsys_store_get_or_set(store, text("k"), text("other"), 0, &present, &incarnation, &err));
    assert_int_equal(present.size, 3);
    assert_memory_equal(present.data, "a\0b", 3);
    recsys_value_release(&present);
    set("empty", "");
    assert_ok(
        recsys_store_get_or_set(store, text("empty"), text("v"), 0, &present, &incarnation, &err));
    assert_non_null(present.data);
    assert_int_equal(present.size, 0);
    recsys_value_release(&present);
}

static void only_a_value_that_begins_so_is_replaced(void **state)
{
    const recsys_bytes none = {NULL, 0}, binary = {"L\0\xff", 3};

    (void)state;
    assert_ok(recsys_store_set(store, text("k"), (recsys_bytes){"L\0\xff rest", 8}, 0,
                               RECSYS_STORE_ALWAYS, &err));
    assert_fails(recsys_store_replace(store, text("k"), text("L\1"), text("x"), 0, &err),
                 RECSYS_E_NOT_FOUND);
    assert_fails(recsys_store_replace(store, text("k"), (recsys_bytes){"L\0\xff rest and more", 17},
                                      text("x"), 0, &err),
                 RECSYS_E_NOT_FOUND);
    assert_fails(recsys_store_replace(store, text("none"), binary, text("x"), 0, &err),
                 RECSYS_E_NOT_FOUND);
    assert_ok(recsys_store_replace(store, text("k"), binary, (recsys_bytes){"V\0x", 3}, 0, &err));
    assert_value(store, text("k"), "V\0x", 3);
    assert_fails(recsys_store_replace(store, text("k"), binary, none, 0, &err), RECSYS_E_NOT_FOUND);
    assert_ok(recsys_store_replace(store, text("k"), text("V"), none, 0, &err));
    assert_value(store, text("k"), NULL, 0);
}

static void a_value_begins_with_nothing_but_an_absent_one_does_not(void **state)
{
    (void)state;
    assert_fails(recsys_store_replace(store, text("k"), text(""), text("x"), 0, &err),
                 RECSYS_E_NOT_FOUND);
    assert_value(store, text("k"), NULL, 0);
    set("k", "");
    assert_ok(recsys_store_replace(store, text("k"), text(""), text(""), 0, &err));
    assert_value(store, text("k"), "", 0);
}

/* -- scan -- */

#define MAX_SEEN 4000

static struct {
    char keys[MAX_SEEN][32];
    size_t n, stop_at; /* stop_at: the callback says enough when n reaches it; 0 = never */
} seen;

static int32_t see(recsys_bytes key, void *user_data)
{
    (void)user_data;
    assert_true(key.size < sizeof seen.keys[0]);
    for (size_t i = 0; i < seen.n; i++)
        if (strlen(seen.keys[i]) == key.size && memcmp(seen.keys[i], key.data, key.size) == 0)
            return 0; /* a key.data may come twice */
    assert_true(seen.n < MAX_SEEN);
    memcpy(seen.keys[seen.n], key.data, key.size);
    seen.keys[seen.n++][key.size] = '\0';
    return seen.n == seen.stop_at;
}

static void scan_all(recsys_store *where, const recsys_bytes *parts, size_t n)
{
    uint64_t cursor = 0;

    seen.n = seen.stop_at = 0;
    do
        assert_ok(recsys_store_scan(where, parts, n, &cursor, see, NULL, &err));
    while (cursor != 0);
}

static void a_scan_finds_every_key_that_begins_so(void **state)
{
    const recsys_bytes parts[] = {text("user:"), text("")};
    char key[32];

    (void)state;
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "user:%d", i);
        set(key, "v");
        if (i % 3 == 0) {
            snprintf(key, sizeof key, "usher:%d", i);
            set(key, "v");
        }
    }
    scan_all(store, parts, 2);
    assert_int_equal(seen.n, 3000);
    for (size_t i = 0; i < seen.n; i++)
        assert_memory_equal(seen.keys[i], "user:", 5);
}

static void the_characters_of_a_pattern_stand_for_themselves(void **state)
{
    static const char special[] = "\\*?[]^-";
    char key[32], literal[32];

    (void)state;
    for (size_t i = 0; i < sizeof special - 1; i++) {
        snprintf(key, sizeof key, "u:%cx:1", special[i]);
        set(key, "v");
    }
    set("u:[ab]:1", "v");
    set("u:a:1", "v");
    set("u:ax:1", "v");
    set("u:x:1", "v");
    for (size_t i = 0; i < sizeof special - 1; i++) {
        snprintf(literal, sizeof literal, "u:%cx:", special[i]);
        const recsys_bytes parts[] = {text(literal), text("")};
        scan_all(store, parts, 2);
        assert_int_equal(seen.n, 1);
        assert_memory_equal(seen.keys[0], literal, strlen(literal));
    }
    const recsys_bytes brackets[] = {text("u:[ab]:"), text("")};
    scan_all(store, brackets, 2);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.keys[0], "u:[ab]:1");
}

static void gaps_may_be_anywhere_and_empty(void **state)
{
    (void)state;
    set("aXbYc", "v");
    set("abc", "v");
    set("abcd", "v");
    set("zabc", "v");
    const recsys_bytes middle[] = {text("a"), text("b"), text("c")};
    scan_all(store, middle, 3);
    assert_int_equal(seen.n, 2);
    const recsys_bytes end[] = {text(""), text("c")};
    scan_all(store, end, 2);
    assert_int_equal(seen.n, 3);
    const recsys_bytes exact[] = {text("abc")};
    scan_all(store, exact, 1);
    assert_int_equal(seen.n, 1);
    recsys_bytes many[12];
    for (size_t i = 0; i < 12; i++)
        many[i] = text("");
    scan_all(store, many, 12); /* one gap */
    assert_int_equal(seen.n, 4);
    for (size_t i = 0; i < 12; i++)
        many[i] = text("a");
    uint64_t cursor = 0;
    assert_fails(recsys_store_scan(store, many, 12, &cursor, see, NULL, &err), RECSYS_E_LIMIT);
}

static void a_scan_that_was_stopped_goes_on_where_it_was(void **state)
{
    const recsys_bytes parts[] = {text("k"), text("")};
    uint64_t cursor = 0;
    char key[32];

    (void)state;
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%d", i);
        set(key, "v");
    }
    seen.n = 0;
    for (seen.stop_at = 1; seen.stop_at < 20; seen.stop_at++) {
        assert_fails(recsys_store_scan(store, parts, 2, &cursor, see, NULL, &err),
                     RECSYS_E_STOPPED);
        assert_int_equal(seen.n, seen.stop_at);
        assert_true(cursor != 0);
    }
    seen.stop_at = 0;
    assert_ok(recsys_store_scan(store, parts, 2, &cursor, see, NULL, &err));
    assert_int_equal(seen.n, 20);
    assert_int_equal(cursor, 0);
    cursor = 17; /* nobody's */
    assert_fails(recsys_store_scan(store, parts, 2, &cursor, see, NULL, &err), RECSYS_E_INVALID);
}

static int32_t remove_it(recsys_bytes key, void *user_data)
{
    const recsys_bytes one = {key.data, key.size};

    (void)user_data;
    assert_ok(recsys_store_remove(store, &one, 1, NULL, &err));
    return 0;
}

static void a_callback_may_use_the_only_connection(void **state)
{
    const recsys_bytes parts[] = {text("k"), text("")};
    uint64_t cursor = 0;

    (void)state;
    set("k1", "v");
    set("k2", "v");
    set("other", "v");
    do
        assert_ok(recsys_store_scan(store, parts, 2, &cursor, remove_it, NULL, &err));
    while (cursor != 0);
    assert_int_equal(ask_number(&server, "DBSIZE", NULL), 1);
}

/* -- who sees what -- */

static void two_numbers_on_one_server_do_not_see_each_other(void **state)
{
    recsys_redis_options options = patient_options(&server);
    const recsys_bytes all[] = {text(""), text("")};

    (void)state;
    options.db = 3;
    recsys_store *third = open_store(&options);
    set("k", "of 0");
    assert_value(third, text("k"), NULL, 0);
    assert_ok(recsys_store_set(third, text("k"), text("of 3"), 0, RECSYS_STORE_ALWAYS, &err));
    assert_value(store, text("k"), "of 0", 4);
    const recsys_bytes key = text("k");
    assert_ok(recsys_store_remove(third, &key, 1, NULL, &err));
    assert_value(store, text("k"), "of 0", 4);
    scan_all(third, all, 2);
    assert_int_equal(seen.n, 0);
    recsys_store_unref(third);
}

static void two_prefixes_do_not_see_each_other(void **state)
{
    recsys_redis_options options = patient_options(&server);
    const recsys_bytes all[] = {text(""), text("")};
    const recsys_bytes key = text("k");
    recsys_rate_decision decision;

    (void)state;
    options.prefix = "d*3:"; /* a pattern's character, too, stands for itself */
    recsys_store *one = open_store(&options);
    options.prefix = "dx3:";
    recsys_store *other = open_store(&options);
    assert_ok(recsys_store_set(one, key, text("one"), 0, RECSYS_STORE_ALWAYS, &err));
    assert_ok(recsys_store_set(other, key, text("other"), 0, RECSYS_STORE_ALWAYS, &err));
    assert_answer(&server, "$3\r\none", "GET", "d*3:k");
    assert_answer(&server, "$5\r\nother", "GET", "dx3:k");
    assert_value(one, key, "one", 3);
    scan_all(one, all, 2);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.keys[0], "k");
    assert_ok(recsys_store_replace(one, key, text("o"), (recsys_bytes){NULL, 0}, 0, &err));
    assert_value(other, key, "other", 5);
    assert_ok(recsys_store_rate_limit(one, text("limit"), HOUR, 1, 1, &decision, &err));
    assert_answer(&server, ":1", "EXISTS", "d*3:limit");
    recsys_store_unref(one);
    recsys_store_unref(other);
}

/* -- rate limits -- */

static recsys_rate_decision decide(const char *key, uint64_t emission_us, uint32_t burst,
                                   uint32_t cost)
{
    recsys_rate_decision out;

    assert_ok(recsys_store_rate_limit(store, text(key), emission_us, burst, cost, &out, &err));
    return out;
}

static void a_burst_is_exact_and_then_the_rate_rules(void **state)
{
    const uint64_t hour = HOUR;
    unsigned n_allowed = 0;
    recsys_rate_decision one;

    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        one = decide("k", hour, 20, 1);
        n_allowed += one.allowed;
        assert_int_equal(one.allowed, i < 20);
        assert_int_equal(one.remaining, i < 20 ? 19 - i : 0);
        assert_int_equal(one.retry_us == 0, one.allowed);
        assert_true(one.retry_us <= hour);
    }
    assert_int_equal(n_allowed, 20);
    CHECK_BETWEEN(one.reset_us, 19 * hour, 20 * hour);
    CHECK_BETWEEN(one.retry_us, hour - 60000000u, hour);
    CHECK_BETWEEN(ask_number(&server, "PTTL", "k"), (long long)(19 * hour / 1000),
                  (long long)(20 * hour / 1000));
    /* A refused request costs nothing: an hour would still bring one back. */
    assert_int_equal(decide("k", hour, 20, 5).allowed, 0);
    CHECK_BETWEEN(decide("k", hour, 20, 1).retry_us, hour - 60000000u, hour);
}

static void a_cost_beyond_the_burst_is_refused_and_none_is_a_look(void **state)
{
    (void)state;
    recsys_rate_decision one = decide("k", HOUR, 3, 4);
    assert_int_equal(one.allowed, 0);
    assert_int_equal(one.remaining, 3);
    assert_int_equal(one.retry_us, HOUR);
    assert_int_equal(one.reset_us, 0);
    assert_answer(&server, ":0", "EXISTS", "k");
    one = decide("k", HOUR, 3, 0);
    assert_int_equal(one.allowed, 1);
    assert_int_equal(one.remaining, 3);
    assert_answer(&server, ":0", "EXISTS", "k");
    one = decide("k", HOUR, 3, 3);
    assert_int_equal(one.allowed, 1);
    assert_int_equal(one.remaining, 0);
    one = decide("k", HOUR, 3, 0);
    assert_int_equal(one.allowed, 1);
    assert_int_equal(one.remaining, 0);
}

static void microseconds_are_not_lost(void **state)
{
    recsys_rate_decision first, second;

    (void)state;
    /* 1.8e15 us since 1970 has more digits than Lua prints. */
    first = decide("k", 3600000001u, 1000, 1);
    assert_int_equal(first.reset_us, 3600000001u);
    assert_answer(&server, "$16\r\n", "GET", "k"); /* all of them are kept */
    second = decide("k", 3600000001u, 1000, 999);
    assert_int_equal(second.allowed, 1);
    CHECK_BETWEEN(second.reset_us, 3540000001000u, 3600000001000u);
    /* Very fast and very slow ones. */
    assert_int_equal(decide("fast", 1, 1, 1).allowed, 1);
    first = decide("slow", 1000000, UINT32_MAX, UINT32_MAX);
    assert_int_equal(first.allowed, 1);
    assert_int_equal(first.reset_us, 1000000 * (uint64_t)UINT32_MAX);
    first = decide("slow", 1000000, UINT32_MAX, UINT32_MAX);
    assert_int_equal(first.allowed, 0);
    assert_fails(recsys_store_rate_limit(store, text("k"), UINT64_MAX, 2, 1, &first, &err),
                 RECSYS_E_INVALID);
}

static void what_no_clock_could_have_written_passes(void **state)
{
    static const char *const garbage[] = {"", "soon", "nan", "-inf", "-1e300", "0x", "1 2"};
    recsys_rate_decision one;

    (void)state;
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        assert_answer(&server, "+OK", "SET", "k", garbage[i]);
        assert_int_equal(decide("k", HOUR, 3, 1).remaining, 2);
        assert_int_equal(decide("k", HOUR, 3, 1).remaining, 1);
    }
    /* Of a server whose clock was a hundred years ahead: an empty bucket, which fills. */
    assert_answer(&server, "+OK", "SET", "k", "5000000000000000");
    one = decide("k", 1000, 3, 1);
    assert_int_equal(one.allowed, 0);
    CHECK_BETWEEN(one.reset_us, 0, 3000);
    for (int i = 0; i < 1000 && !(one = decide("k", 1000, 3, 1)).allowed; i++)
        continue;
    assert_int_equal(one.allowed, 1);
}

/* -- scripts, addresses, errors -- */

static void scripts_are_sent_again_after_the_server_has_forgotten_them(void **state)
{
    recsys_value present;
    uint64_t incarnation;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_answer(&server, "+OK", "SCRIPT", "FLUSH");
        assert_ok(
            recsys_store_get_or_set(store, text("k"), text("v"), 0, &present, &incarnation, &err));
        assert_int_equal(present.data == NULL, i == 0);
        recsys_value_release(&present);
        assert_answer(&server, "+OK", "SCRIPT", "FLUSH");
        assert_ok(recsys_store_replace(store, text("k"), text("v"), text("v"), 0, &err));
        assert_answer(&server, "+OK", "SCRIPT", "FLUSH");
        assert_int_equal(decide("limit", HOUR, 5, 1).remaining, 4 - i);
    }
}

static void a_unix_socket_is_an_address_too(void **state)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    char url[128], buffer[128];

    (void)state;
    snprintf(url, sizeof url, "unix://%s?db=2", server.socket_path);
    assert_ok(recsys_redis_read_url(url, buffer, sizeof buffer, &options, &err));
    options.connect_timeout_ms = options.command_timeout_ms = 10000;
    recsys_store *by_path = open_store(&options);
    assert_ok(recsys_store_set(by_path, text("k"), text("v"), 0, RECSYS_STORE_ALWAYS, &err));
    assert_value(by_path, text("k"), "v", 1);
    assert_value(store, text("k"), NULL, 0); /* db 0 */
    recsys_store_unref(by_path);
}

static void a_key_of_another_kind_is_wrong_for_this_call_alone(void **state)
{
    const recsys_bytes key = text("set");
    recsys_store_stats stats = {.struct_size = sizeof stats};
    recsys_value value;
    uint64_t incarnation;

    (void)state;
    assert_answer(&server, ":1", "SADD", "set", "member");
    for (int i = 0; i < 20; i++) {
        assert_fails(recsys_store_get(store, &key, 1, &value, &incarnation, &err), RECSYS_E_FORMAT);
        assert_non_null(strstr(err.message, "WRONGTYPE"));
        assert_fails(recsys_store_get_or_set(store, key, text("v"), 0, &value, &incarnation, &err),
                     RECSYS_E_FORMAT);
        assert_fails(recsys_store_replace(store, key, text("v"), text("v"), 0, &err),
                     RECSYS_E_FORMAT);
    }
    set("k", "v"); /* the breaker is closed, the connection in use */
    assert_ok(recsys_store_get_stats(store, &stats, &err));
    assert_int_equal(stats.breaker, RECSYS_BREAKER_CLOSED);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(pool_stats(store).connected, 1);
}

static void a_message_names_the_server_and_the_command_but_no_key(void **state)
{
    const recsys_bytes key = text("secret-of-somebody");
    recsys_value value;
    uint64_t incarnation;
    char where[64];

    (void)state;
    assert_answer(&server, ":1", "SADD", "secret-of-somebody", "member");
    assert_fails(recsys_store_get(store, &key, 1, &value, &incarnation, &err), RECSYS_E_FORMAT);
    snprintf(where, sizeof where, "redis at 127.0.0.1:%u, db 0: GET", server.port);
    assert_non_null(strstr(err.message, where));
    assert_null(strstr(err.message, "somebody-"));
    assert_null(strstr(err.message, "secret"));
}

static void the_statistics_say_what_the_server_is(void **state)
{
    recsys_redis_stats stats;
    recsys_store *memory;

    (void)state;
    assert_string_equal(pool_stats(store).version, "");
    set("k", "v");
    stats = pool_stats(store);
    assert_string_equal(stats.maxmemory_policy, "noeviction");
    CHECK_BETWEEN(strtoul(stats.version, NULL, 10), 6, 99);
    assert_int_equal(stats.open, 1);
    assert_int_equal(stats.idle, 1);
    assert_int_equal(stats.connected, 1);
    assert_ok(recsys_store_create_memory("m", NULL, &memory, &err));
    assert_fails(recsys_redis_get_stats(memory, &stats, &err), RECSYS_E_INVALID);
    recsys_store_unref(memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_empty, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_and_values_are_any_bytes),
        TEST(several_keys_come_in_their_order_with_gaps_for_absent_ones),
        TEST(a_time_to_live_is_kept_by_the_server),
        TEST(what_is_there_already_is_not_set),
        TEST(removing_counts_what_was_there),
        TEST(get_or_set_sets_once_and_hands_out_what_is_there),
        TEST(only_a_value_that_begins_so_is_replaced),
        TEST(a_value_begins_with_nothing_but_an_absent_one_does_not),
        TEST(a_scan_finds_every_key_that_begins_so),
        TEST(the_characters_of_a_pattern_stand_for_themselves),
        TEST(gaps_may_be_anywhere_and_empty),
        TEST(a_scan_that_was_stopped_goes_on_where_it_was),
        TEST(a_callback_may_use_the_only_connection),
        TEST(two_numbers_on_one_server_do_not_see_each_other),
        TEST(two_prefixes_do_not_see_each_other),
        TEST(a_burst_is_exact_and_then_the_rate_rules),
        TEST(a_cost_beyond_the_burst_is_refused_and_none_is_a_look),
        TEST(microseconds_are_not_lost),
        TEST(what_no_clock_could_have_written_passes),
        TEST(scripts_are_sent_again_after_the_server_has_forgotten_them),
        TEST(a_unix_socket_is_an_address_too),
        TEST(a_key_of_another_kind_is_wrong_for_this_call_alone),
        TEST(a_message_names_the_server_and_the_command_but_no_key),
        TEST(the_statistics_say_what_the_server_is),
    };

    return cmocka_run_group_tests(tests, server_set_up, server_tear_down);
}
