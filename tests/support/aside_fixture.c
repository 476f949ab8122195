/* tests/support/aside_fixture.c - see aside_fixture.h. */
#include "tests/support/aside_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct aside_fixture fixture;

static void must(recsys_status status, const recsys_error *err)
{
    if (status != RECSYS_OK) {
        fprintf(stderr, "aside fixture: %s: %s\n", recsys_status_name(status), err->message);
        abort();
    }
}

static uint64_t now(void *user_data)
{
    (void)user_data;
    return fixture.script.now_ms;
}

static uint64_t next_random(void *user_data)
{
    (void)user_data;
    if (fixture.unit > 0.0) {
        fixture.random++; /* leases must differ, also with a fixed unit */
        uint64_t high = fixture.unit >= 1.0 ? UINT64_MAX >> 11 : (uint64_t)(fixture.unit * 0x1p53);
        return high << 11 | (fixture.random & 0x7ff);
    }
    fixture.random += 0x9e3779b97f4a7c15u;
    uint64_t h = fixture.random;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

static void sleep_ms(uint32_t ms, void *user_data)
{
    (void)user_data;
    fixture.n_sleeps++;
    fixture.script.now_ms += ms;
}

void fixture_options(recsys_aside_options *options)
{
    *options = (recsys_aside_options)RECSYS_ASIDE_OPTIONS_INIT;
    options->ttl_ms = 1000;
    options->stale_ms = 500;
    options->negative_ttl_ms = 200;
    options->flags = RECSYS_ASIDE_NO_JITTER;
    options->lease_ms = 100;
    options->label = "test";
    options->now_ms = now;
    options->random = next_random;
    options->sleep_ms = sleep_ms;
}

void fixture_create(uint32_t failures, const recsys_aside_options *options)
{
    recsys_aside_options standard;

    memset(&fixture, 0, sizeof fixture);
    fixture.random = 20260801;
    fixture.unit = -1.0;
    fixture.store = scripted_store_create(&fixture.script, failures);
    fixture_options(&standard);
    must(recsys_aside_create(fixture.store, options == NULL ? &standard : options, &fixture.aside,
                             &fixture.err),
         &fixture.err);
    fixture_set_truth("one");
}

void fixture_destroy(void)
{
    recsys_aside_destroy(fixture.aside);
    recsys_store_unref(fixture.store);
}

recsys_aside *fixture_other(void)
{
    recsys_aside_options options;
    recsys_aside *other = NULL;

    fixture_options(&options);
    must(recsys_aside_create(fixture.script.inner, &options, &other, &fixture.err), &fixture.err);
    return other;
}

void fixture_set_truth(const char *truth)
{
    snprintf(fixture.truth, sizeof fixture.truth, "%s", truth);
    fixture.version++;
}

void fixture_pass(uint64_t ms)
{
    fixture.script.now_ms += ms;
}

static void begin(void)
{
    memset(&fixture.err, 0, sizeof fixture.err);
    fixture.outcome = 99;
    fixture.value[0] = '\0';
}

static const char *finish(recsys_value *value)
{
    if (fixture.status == RECSYS_OK)
        snprintf(fixture.value, sizeof fixture.value, "%.*s", (int)value->size,
                 (const char *)value->data);
    else if (value->data != NULL || value->release != NULL)
        abort();
    else if (fixture.err.status != fixture.status || fixture.err.message[0] == '\0')
        abort(); /* every failure says what it is */
    recsys_value_release(value);
    return fixture.value;
}

const char *fixture_get(void)
{
    recsys_value value;

    begin();
    fixture.status =
        recsys_aside_get(fixture.aside, FIXTURE_KEY, &value, &fixture.outcome, &fixture.err);
    return finish(&value);
}

recsys_status fixture_loader(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    (void)user_data;
    char truth[sizeof fixture.truth];
    uint64_t version = fixture.version;

    fixture.n_loads++;
    memcpy(truth, fixture.truth, sizeof truth);
    fixture.script.now_ms += fixture.load_ms;
    if (fixture.while_loading != NULL)
        fixture.while_loading();
    if (fixture.load_status != RECSYS_OK)
        return fixture.load_status;
    if (truth[0] == '\0')
        return RECSYS_E_NOT_FOUND;
    return recsys_aside_load_set(load, (recsys_bytes){truth, strlen(truth)}, version,
                                 fixture.load_ttl_ms, fixture.load_flags, err);
}

const char *fixture_load_through(recsys_aside *aside)
{
    recsys_value value;

    begin();
    fixture.status = recsys_aside_get_or_load(aside, FIXTURE_KEY, fixture_loader, NULL, 0, &value,
                                              &fixture.outcome, &fixture.err);
    return finish(&value);
}

const char *fixture_load(void)
{
    return fixture_load_through(fixture.aside);
}

void fixture_invalidate(recsys_aside *aside)
{
    recsys_bytes key = FIXTURE_KEY;

    must(recsys_aside_invalidate(aside, &key, 1, &fixture.err), &fixture.err);
}

recsys_aside_stats fixture_stats(void)
{
    recsys_aside_stats stats = {.struct_size = (uint32_t)sizeof stats};

    must(recsys_aside_get_stats(fixture.aside, &stats, &fixture.err), &fixture.err);
    return stats;
}

int fixture_kind(void)
{
    recsys_bytes key = FIXTURE_KEY;
    recsys_value value;
    uint64_t incarnation;

    must(recsys_store_get(fixture.script.inner, &key, 1, &value, &incarnation, &fixture.err),
         &fixture.err);
    int kind = value.data == NULL ? 0 : value.size == 0 ? 1 : *(const unsigned char *)value.data;
    recsys_value_release(&value);
    return kind;
}

int fixture_set_up(void **state)
{
    (void)state;
    fixture_create(0, NULL);
    return 0;
}

int fixture_tear_down(void **state)
{
    (void)state;
    fixture_destroy();
    return 0;
}

void fixture_create_again(const recsys_aside_options *options)
{
    fixture_destroy();
    fixture_create(0, options);
}

void fixture_assert_outcome(recsys_status status, uint32_t outcome)
{
    assert_int_equal(fixture.status, status);
    assert_int_equal(fixture.outcome, outcome);
}

void fixture_change_elsewhere(void)
{
    recsys_aside *other = fixture_other();

    fixture.while_loading = NULL;
    fixture_set_truth("two");
    fixture_invalidate(other);
    recsys_aside_destroy(other);
}
