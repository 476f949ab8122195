/* Covers librecsys-redis: TLS, and which certificates are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/support/certificates.h"
#include "tests/support/redis_case.h"

static struct certificates certificates;
static struct redis_server server;
static uint32_t tls_port;

static const char *in(const char *file)
{
    return certificates_path(&certificates, file);
}

static void start(const char *certificate, const char *more)
{
    char config[1024];

    tls_port = servers_find_port();
    snprintf(config, sizeof config,
             "tls-port %u\ntls-cert-file %s\ntls-key-file %s\ntls-ca-cert-file %s\n%s", tls_port,
             in(certificate), in("key.pem"), in("ca.pem"), more);
    redis_server_start(&server, config);
}

static recsys_redis_options tls_options(void)
{
    recsys_redis_options options = patient_options(&server);

    options.flags = RECSYS_REDIS_TLS;
    options.port = tls_port;
    options.host = "localhost";
    options.ca_file = in("ca.pem");
    return options;
}

static recsys_status use(const recsys_redis_options *options)
{
    recsys_store *store = open_store(options);
    recsys_status status =
        recsys_store_set(store, text("k"), text("v"), 0, RECSYS_STORE_ALWAYS, &err);

    recsys_store_unref(store);
    return status;
}

static int tear_down(void **state)
{
    (void)state;
    certificates_destroy(&certificates);
    return 0;
}

static int set_up(void **state)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    recsys_store *store;

    (void)state;
    certificates_create(&certificates);
    certificates_add(&certificates, "good.pem", "DNS:localhost,IP:127.0.0.1", 0, 3600);
    certificates_add(&certificates, "other.pem", "DNS:other.example,DNS:*", 0, 3600);
    certificates_add(&certificates, "old.pem", "DNS:localhost,IP:127.0.0.1", -7200, -3600);
    options.flags = RECSYS_REDIS_TLS;
    recsys_status status = recsys_redis_create("test", &options, NULL, &store, &err);
    recsys_store_unref(store);
    if (status == RECSYS_E_UNSUPPORTED) {
        print_message("skipped: %s\n", err.message);
        tear_down(state);
        exit(0);
    }
    return 0;
}

static void a_server_with_the_right_name_is_believed_and_all_works(void **state)
{
    static char large[1 << 20];
    recsys_redis_options options;
    recsys_value present;
    uint64_t incarnation;

    (void)state;
    start("good.pem", "tls-auth-clients no");
    options = tls_options();
    for (int by_address = 0; by_address < 2; by_address++) {
        options.host = by_address ? "127.0.0.1" : "localhost";
        recsys_store *store = open_store(&options);
        for (size_t i = 0; i < sizeof large; i++)
            large[i] = (char)(i * 2654435761u >> 11);
        for (int i = 0; i < 3; i++) {
            assert_ok(recsys_store_set(store, text("k"), (recsys_bytes){large, sizeof large}, 0,
                                       RECSYS_STORE_ALWAYS, &err));
            assert_value(store, text("k"), large, sizeof large);
            assert_ok(recsys_store_get_or_set(store, text("k"), text("v"), 0, &present,
                                              &incarnation, &err));
            assert_int_equal(present.size, sizeof large);
            recsys_value_release(&present);
        }
        /* Nothing that TLS says by itself is taken for something unasked. */
        assert_int_equal(pool_stats(store).connected, 1);
        assert_answer(&server, ":", "CLIENT", "KILL", "TYPE", "normal");
        assert_ok(recsys_store_set(store, text("k"), text("v"), 0, RECSYS_STORE_ALWAYS, &err));
        assert_int_equal(pool_stats(store).connected, 2);
        recsys_store_unref(store);
    }
    redis_server_end(&server);
}

static void a_url_turns_it_on(void **state)
{
    recsys_redis_options options;
    char url[64], buffer[64];

    (void)state;
    start("good.pem", "tls-auth-clients no");
    options = tls_options();
    options.flags = 0;
    snprintf(url, sizeof url, "rediss://localhost:%u/1", tls_port);
    assert_ok(recsys_redis_read_url(url, buffer, sizeof buffer, &options, &err));
    assert_ok(use(&options));
    redis_server_end(&server);
}

static void nobody_else_is_believed(void **state)
{
    recsys_redis_options options;

    (void)state;
    start("good.pem", "tls-auth-clients no");
    options = tls_options();
    options.ca_file = in("stranger.pem");
    assert_fails(use(&options), RECSYS_E_IO);
    assert_non_null(strstr(err.message, "certificate is not accepted"));
    options.ca_file = NULL; /* the system's do not know it */
    assert_fails(use(&options), RECSYS_E_IO);
    redis_server_end(&server);

    start("other.pem", "tls-auth-clients no");
    options = tls_options();
    assert_fails(use(&options), RECSYS_E_IO);
    assert_non_null(strstr(err.message, "mismatch"));
    options.host = "127.0.0.1";
    assert_fails(use(&options), RECSYS_E_IO);
    assert_non_null(strstr(err.message, "mismatch"));
    redis_server_end(&server);

    start("old.pem", "tls-auth-clients no");
    options = tls_options();
    assert_fails(use(&options), RECSYS_E_IO);
    assert_non_null(strstr(err.message, "expired"));
    redis_server_end(&server);
}

static void a_server_may_want_a_certificate_too(void **state)
{
    recsys_redis_options options;

    (void)state;
    start("good.pem", "tls-auth-clients yes");
    options = tls_options();
    recsys_status status = use(&options);
    assert_true(status == RECSYS_E_IO); /* it comes as an alert or as an end */
    options.cert_file = in("good.pem");
    options.key_file = in("key.pem");
    assert_ok(use(&options));
    redis_server_end(&server);
}

static void a_server_in_plain_text_and_a_frozen_one_end_in_time(void **state)
{
    recsys_redis_options options;

    (void)state;
    start("good.pem", "tls-auth-clients no");
    options = tls_options();
    options.connect_timeout_ms = 100;
    options.port = server.port;
    recsys_status status = use(&options);
    assert_true(status == RECSYS_E_IO || status == RECSYS_E_TIMEOUT);
    options.port = tls_port;
    redis_server_freeze(&server);
    assert_fails(use(&options), RECSYS_E_TIMEOUT);
    redis_server_thaw(&server);
    redis_server_end(&server);
}

static void files_that_cannot_be_read_are_named(void **state)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    recsys_store *store;

    (void)state;
    options.flags = RECSYS_REDIS_TLS;
    options.ca_file = "/nowhere/ca.pem";
    assert_fails(recsys_redis_create("test", &options, NULL, &store, &err), RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "/nowhere/ca.pem"));
    options.ca_file = in("ca.pem");
    options.cert_file = in("key.pem");
    options.key_file = in("key.pem");
    assert_fails(recsys_redis_create("test", &options, NULL, &store, &err), RECSYS_E_INVALID);
    options.cert_file = in("good.pem");
    options.key_file = in("good.pem");
    assert_fails(recsys_redis_create("test", &options, NULL, &store, &err), RECSYS_E_INVALID);
    assert_null(store);
    options.cert_file = options.key_file = NULL;
    options.host = "/run/redis.sock";
    assert_fails(recsys_redis_create("test", &options, NULL, &store, &err), RECSYS_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_with_the_right_name_is_believed_and_all_works),
        cmocka_unit_test(a_url_turns_it_on),
        cmocka_unit_test(nobody_else_is_believed),
        cmocka_unit_test(a_server_may_want_a_certificate_too),
        cmocka_unit_test(a_server_in_plain_text_and_a_frozen_one_end_in_time),
        cmocka_unit_test(files_that_cannot_be_read_are_named),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
