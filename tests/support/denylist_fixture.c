/* tests/support/denylist_fixture.c - see denylist_fixture.h. */
#include "tests/support/denylist_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

recsys_error err;
uint64_t fake_now_ms;

struct denylist_fixture denylist_fixture;

recsys_bytes bytes(const char *text)
{
    return (recsys_bytes){text, strlen(text)};
}

recsys_denylist *create(recsys_store *store, recsys_source *source,
                        const recsys_denylist_options *options)
{
    recsys_denylist *denylist = NULL;

    CHECK_OK(recsys_denylist_create(store, source, options, &denylist, &err), &err);
    return denylist;
}

static uint64_t stopped(void *unused)
{
    (void)unused;
    return 1000000;
}

static int setup_with(uint64_t (*now_ms)(void *unused))
{
    recsys_denylist_options patient = RECSYS_DENYLIST_OPTIONS_INIT;
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;

    options.now_ms = now_ms;
    memset(&denylist_fixture, 0, sizeof denylist_fixture);
    auth_database_init(&denylist_fixture.database);
    denylist_fixture.source = auth_database_open(&denylist_fixture.database);
    if (recsys_store_create_memory("memory", &options, &denylist_fixture.memory, &err) != RECSYS_OK)
        return -1;
    denylist_fixture.store_a = auth_link_open(&denylist_fixture.link_a, denylist_fixture.memory);
    denylist_fixture.store_b = auth_link_open(&denylist_fixture.link_b, denylist_fixture.memory);
    patient.timeout_ms = 60000; /* the fake answers at once; who waits must not give up */
    denylist_fixture.a = create(denylist_fixture.store_a, denylist_fixture.source, &patient);
    denylist_fixture.b = create(denylist_fixture.store_b, denylist_fixture.source, &patient);
    return 0;
}

int setup(void **state)
{
    (void)state;
    return setup_with(stopped);
}

int setup_timed(void **state)
{
    (void)state;
    return setup_with(NULL);
}

int teardown(void **state)
{
    (void)state;
    recsys_denylist_destroy(denylist_fixture.a);
    recsys_denylist_destroy(denylist_fixture.b);
    recsys_store_unref(denylist_fixture.store_a);
    recsys_store_unref(denylist_fixture.store_b);
    recsys_store_unref(denylist_fixture.memory);
    recsys_source_unref(denylist_fixture.source);
    auth_database_destroy(&denylist_fixture.database);
    return 0;
}

uint32_t check(recsys_denylist *denylist, const char *jti)
{
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;

    CHECK_OK(recsys_denylist_check(denylist, bytes(jti), &found, &err), &err);
    err = found.problem;
    return found.verdict;
}

void revoke(recsys_denylist *denylist, const char *jti)
{
    CHECK_OK(recsys_denylist_revoke(denylist, bytes(jti), "u-1", "logout", FAR_S, &err), &err);
}

void flush(void)
{
    static const char *const keys[] = {"blacklist~revision", "blacklist:t1", "blacklist:t2"};

    for (size_t i = 0; i < 3; i++) {
        recsys_bytes key = bytes(keys[i]);
        uint64_t n;
        CHECK_OK(recsys_store_remove(denylist_fixture.memory, &key, 1, &n, &err), &err);
    }
}

const char *stored(recsys_bytes key)
{
    static char text[1024];
    recsys_value value = {0};
    uint64_t incarnation;

    CHECK_OK(recsys_store_get(denylist_fixture.memory, &key, 1, &value, &incarnation, &err), &err);
    snprintf(text, sizeof text, "%.*s", (int)value.size,
             value.size > 0 ? (const char *)value.data : "");
    recsys_value_release(&value);
    return text;
}

unsigned long n_reads(void)
{
    return atomic_load(&denylist_fixture.database.n_reads);
}
