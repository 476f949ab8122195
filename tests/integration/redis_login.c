/* Covers librecsys-redis: users, passwords, what a user may not do, and servers that refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/support/processes.h"
#include "tests/support/redis_case.h"

static int set_up(void **state)
{
    (void)state;
    redis_server_start(&server, "user app on >p@ss:w/rd%1 ~app:* +@all\n"
                                "user silent on >quiet ~app:* +get +set +unlink +select\n"
                                "user old on >quiet ~app:* +@all -info\n"
                                "user reader on >quiet ~app:* +get +info +eval +evalsha\n");
    return 0;
}

static recsys_store *open_as(const char *user, const char *password)
{
    recsys_redis_options options = patient_options(&server);

    options.user = user;
    options.password = password;
    options.prefix = "app:";
    return open_store(&options);
}

static recsys_status set(recsys_store *store)
{
    return recsys_store_set(store, text("k"), text("v"), 0, RECSYS_STORE_ALWAYS, &err);
}

static void a_user_with_a_password_is_let_in(void **state)
{
    (void)state;
    recsys_store *store = open_as("app", "p@ss:w/rd%1");
    assert_ok(set(store));
    assert_value(store, text("k"), "v", 1);
    recsys_store_unref(store);
}

static void a_url_may_hold_user_password_and_number(void **state)
{
    recsys_redis_options options = patient_options(&server);
    char url[128], buffer[128];

    (void)state;
    snprintf(url, sizeof url, "redis://app:p%%40ss%%3Aw%%2Frd%%251@127.0.0.1:%u/5", server.port);
    options.prefix = "app:";
    assert_answer(&server, "+OK", "FLUSHALL");
    assert_ok(recsys_redis_read_url(url, buffer, sizeof buffer, &options, &err));
    recsys_store *store = open_store(&options);
    assert_ok(set(store));
    assert_answer(&server, ":0", "EXISTS", "app:k");
    recsys_store_unref(store);
}

static void a_wrong_password_is_told_but_not_repeated(void **state)
{
    (void)state;
    recsys_store *store = open_as("app", "hunter2-hunter2");
    assert_fails(set(store), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "AUTH"));
    assert_non_null(strstr(err.message, "WRONGPASS"));
    assert_null(strstr(err.message, "hunter2"));
    assert_int_equal(pool_stats(store).open, 0);
    recsys_store_unref(store);
}

static void a_server_that_repeats_the_password_is_not_quoted(void **state)
{
    struct redis_server renamed;

    (void)state;
    /* "ERR unknown command 'AUTH', with args beginning with: ..." */
    redis_server_start(&renamed, "rename-command AUTH \"\"");
    recsys_redis_options options = patient_options(&renamed);
    options.password = "hunter2-hunter2";
    recsys_store *store = open_store(&options);
    assert_fails(set(store), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "AUTH"));
    assert_null(strstr(err.message, "hunter2"));
    recsys_store_unref(store);
    redis_server_end(&renamed);
}

static void a_password_that_is_missing_is_asked_for(void **state)
{
    struct redis_server closed;

    (void)state;
    redis_server_start(&closed, "requirepass let-me-in");
    recsys_redis_options options = patient_options(&closed);
    recsys_store *store = open_store(&options);
    assert_fails(set(store), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "NOAUTH"));
    assert_non_null(strstr(err.message, "give a password"));
    recsys_store_unref(store);
    options.password = "let-me-in"; /* of the default user */
    store = open_store(&options);
    assert_ok(set(store));
    recsys_store_unref(store);
    redis_server_kill(&closed);
    redis_server_end(&closed);
}

static void without_info_the_life_is_a_constant(void **state)
{
    static const char *const users[] = {"silent", "old"};
    const recsys_bytes key = text("k");
    recsys_value value;
    uint64_t incarnation;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        recsys_store *store = open_as(users[i], "quiet");
        assert_ok(set(store));
        assert_ok(recsys_store_get(store, &key, 1, &value, &incarnation, &err));
        assert_int_equal(value.size, 1);
        assert_int_equal(incarnation, 1);
        recsys_value_release(&value);
        assert_string_equal(pool_stats(store).version, "");
        recsys_store_unref(store);
    }
}

static void a_server_without_info_is_used_all_the_same(void **state)
{
    struct redis_server renamed;

    (void)state;
    redis_server_start(&renamed, "rename-command INFO \"\"");
    recsys_redis_options options = patient_options(&renamed);
    recsys_store *store = open_store(&options);
    assert_ok(set(store));
    recsys_store_unref(store);
    redis_server_end(&renamed);
}

static void what_a_user_may_not_do_is_said_and_costs_no_connection(void **state)
{
    const recsys_bytes key = text("k");
    recsys_value value;
    uint64_t incarnation;

    (void)state;
    recsys_store *store = open_as("reader", "quiet");
    for (int i = 0; i < 3; i++) {
        assert_fails(set(store), RECSYS_E_BACKEND);
        assert_non_null(strstr(err.message, "NOPERM"));
        assert_non_null(strstr(err.message, "ACL"));
        assert_ok(recsys_store_get(store, &key, 1, &value, &incarnation, &err));
        recsys_value_release(&value);
        /* Inside a script, too. */
        assert_fails(
            recsys_store_get_or_set(store, text("none"), text("v"), 0, &value, &incarnation, &err),
            RECSYS_E_BACKEND);
        assert_ok(recsys_store_get(store, &key, 1, &value, &incarnation, &err));
        recsys_value_release(&value);
    }
    assert_int_equal(pool_stats(store).connected, 1);
    recsys_store_unref(store);
}

/* The commands that docs/caching-operations.md tells operators to allow. */
static const char *const needed[] = {"+get",      "+mget",   "+set",  "+unlink", "+scan",
                                     "+ping",     "+select", "+info", "+eval",   "+evalsha",
                                     "+getrange", "+exists", "+time"};

#define N_NEEDED (sizeof needed / sizeof needed[0])

/* One user with all of them, or all but one. */
static recsys_store *open_with_all_but(size_t left_out)
{
    recsys_redis_options options = patient_options(&server);
    recsys_store_options store_options = RECSYS_STORE_OPTIONS_INIT;
    recsys_store *store;

    assert_answer(&server, "+OK", "ACL", "SETUSER", "needy", "reset", "on", ">quiet", "~*");
    for (size_t i = 0; i < N_NEEDED; i++)
        if (i != left_out)
            assert_answer(&server, "+OK", "ACL", "SETUSER", "needy", needed[i]);
    assert_answer(&server, "+OK", "FLUSHALL");
    assert_answer(&server, "+OK", "SCRIPT", "FLUSH");
    options.user = "needy";
    options.password = "quiet";
    options.db = 1;
    store_options.failures = 1000;
    store_options.rest_ms = store_options.max_rest_ms = 1;
    assert_ok(recsys_redis_create("test", &options, &store_options, &store, &err));
    return store;
}

static int32_t see_key(recsys_bytes key, void *user_data)
{
    (void)key.data, (void)key.size;
    ++*(unsigned *)user_data;
    return 0;
}

/* A ping is sent when the store has failed so often that its breaker is open. */
static recsys_status probe(recsys_store *store)
{
    recsys_status status;

    assert_answer(&server, "+OK", "CONFIG", "SET", "min-replicas-to-write", "1");
    for (int i = 0; i < 1000; i++)
        (void)!set(store);
    assert_answer(&server, "+OK", "CONFIG", "SET", "min-replicas-to-write", "0");
    while ((status = recsys_store_probe(store, &err)) == RECSYS_E_UNAVAILABLE)
        rest_ms(1);
    return status;
}

/* Every operation there is. Returns how many were refused, or knew less than they should. */
static unsigned count_refused(recsys_store *store)
{
    const recsys_bytes keys[2] = {text("a"), text("b")}, all[2] = {text(""), text("")};
    const recsys_bytes v = text("v"), none = {NULL, 0};
    recsys_value values[2];
    recsys_rate_decision taken;
    uint64_t incarnation = 0, cursor = 0, n_removed;
    unsigned n = 0, n_seen = 0;

    n += set(store) != RECSYS_OK;
    n += recsys_store_set(store, keys[0], v, 10000, RECSYS_STORE_IF_ABSENT, &err) != RECSYS_OK;
    n += recsys_store_get(store, keys, 1, values, &incarnation, &err) != RECSYS_OK;
    recsys_value_release(&values[0]);
    n += incarnation <= 1;
    n += recsys_store_get(store, keys, 2, values, &incarnation, &err) != RECSYS_OK;
    recsys_value_release(&values[0]);
    for (int i = 0; i < 2; i++) {
        n += recsys_store_get_or_set(store, keys[1], v, 10000, values, &incarnation, &err) !=
             RECSYS_OK;
        recsys_value_release(&values[0]);
    }
    n += recsys_store_replace(store, keys[1], v, text("w"), 10000, &err) != RECSYS_OK;
    n += recsys_store_replace(store, keys[1], text(""), text("x"), 0, &err) != RECSYS_OK;
    n += recsys_store_replace(store, keys[1], text("x"), none, 0, &err) != RECSYS_OK;
    n += recsys_store_scan(store, all, 2, &cursor, see_key, &n_seen, &err) != RECSYS_OK;
    n += recsys_store_rate_limit(store, text("t"), 1000, 5, 1, &taken, &err) != RECSYS_OK;
    n += recsys_store_remove(store, keys, 2, &n_removed, &err) != RECSYS_OK;
    n += probe(store) != RECSYS_OK;
    return n;
}

static void a_user_needs_these_commands_and_every_one_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i <= N_NEEDED; i++) {
        recsys_store *store = open_with_all_but(i);
        unsigned n = count_refused(store);
        if (i == N_NEEDED && n > 0)
            fail_msg("a user with all of them is refused %u times: %s", n, err.message);
        if (i < N_NEEDED && n == 0)
            fail_msg("%s is not needed", needed[i]);
        recsys_store_unref(store);
    }
    assert_answer(&server, ":1", "ACL", "DELUSER", "needy");
}

static void a_number_beyond_the_servers_is_refused(void **state)
{
    recsys_redis_options options = patient_options(&server);

    (void)state;
    options.db = 16;
    recsys_store *store = open_store(&options);
    assert_fails(set(store), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "SELECT"));
    recsys_store_unref(store);
}

static void a_replica_refuses_to_write_and_says_so(void **state)
{
    char port[16];
    struct redis_server replica;

    (void)state;
    redis_server_start(&replica, NULL);
    snprintf(port, sizeof port, "%u", server.port);
    recsys_redis_options options = patient_options(&replica);
    recsys_store *store = open_store(&options);
    assert_ok(set(store));
    assert_answer(&replica, "+OK", "REPLICAOF", "127.0.0.1", port);
    assert_fails(set(store), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "READONLY"));
    assert_non_null(strstr(err.message, "primary"));
    assert_int_equal(pool_stats(store).open, 0); /* the next write looks for it */
    recsys_store_unref(store);
    redis_server_end(&replica);
}

static void a_cluster_is_recognised(void **state)
{
    struct redis_server cluster;

    (void)state;
    redis_server_start(&cluster, "cluster-enabled yes\ncluster-config-file nodes.conf");
    recsys_redis_options options = patient_options(&cluster);
    recsys_store *store = open_store(&options);
    assert_fails(set(store), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "this is a Redis Cluster"));
    recsys_store_unref(store);
    redis_server_kill(&cluster);
    redis_server_end(&cluster);
}

static void options_that_contradict_each_other_are_refused(void **state)
{
    static const recsys_redis_options plain = {.struct_size = sizeof plain};
    recsys_redis_options options;
    recsys_store *store;

    (void)state;
#define REFUSED(field, value)                                                                      \
    options = plain;                                                                               \
    options.field = value;                                                                         \
    assert_fails(recsys_redis_create("test", &options, NULL, &store, &err), RECSYS_E_INVALID);     \
    assert_null(store)
    REFUSED(port, 65536);
    REFUSED(user, "somebody");
    REFUSED(cert_file, "/nowhere.pem");
    REFUSED(key_file, "/nowhere.pem");
    REFUSED(ca_file, "/nowhere.pem");
    REFUSED(pool_size, 1000000);
    REFUSED(struct_size, 8);
    options = plain;
    options.flags = 1u << 9;
    assert_fails(recsys_redis_create("test", &options, NULL, &store, &err), RECSYS_E_UNSUPPORTED);
    assert_fails(recsys_redis_create("", &plain, NULL, &store, &err), RECSYS_E_INVALID);
    assert_fails(recsys_redis_create("test", &plain, NULL, NULL, &err), RECSYS_E_INVALID);
    options = plain;
    options.user = options.password = options.prefix = options.ca_file = ""; /* none */
    assert_ok(recsys_redis_create("test", &options, NULL, &store, &err));
    recsys_store_unref(store);
    assert_ok(recsys_redis_create("test", NULL, NULL, &store, &err));
    recsys_store_unref(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_with_a_password_is_let_in),
        cmocka_unit_test(a_url_may_hold_user_password_and_number),
        cmocka_unit_test(a_wrong_password_is_told_but_not_repeated),
        cmocka_unit_test(a_server_that_repeats_the_password_is_not_quoted),
        cmocka_unit_test(a_password_that_is_missing_is_asked_for),
        cmocka_unit_test(without_info_the_life_is_a_constant),
        cmocka_unit_test(a_server_without_info_is_used_all_the_same),
        cmocka_unit_test(what_a_user_may_not_do_is_said_and_costs_no_connection),
        cmocka_unit_test(a_user_needs_these_commands_and_every_one_of_them),
        cmocka_unit_test(a_number_beyond_the_servers_is_refused),
        cmocka_unit_test(a_replica_refuses_to_write_and_says_so),
        cmocka_unit_test(a_cluster_is_recognised),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, server_tear_down);
}
