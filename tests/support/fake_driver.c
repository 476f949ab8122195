/* tests/support/fake_driver.c - see fake_driver.h. */
#include "tests/support/fake_driver.h"

#include <string.h>

#include "tests/support/check.h"

struct fake fake;

void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
    fake.clock_ms = 5000;
}

uint64_t fake_now(void *user_data)
{
    (void)user_data;
    return fake.clock_ms;
}

recsys_store *fake_store_create(uint32_t flags)
{
    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;
    recsys_store *made;
    recsys_error err;

    options.flags = flags;
    options.failures = 3;
    options.rest_ms = 100;
    options.max_rest_ms = 350;
    options.now_ms = fake_now;
    fake_reset();
    CHECK_OK(recsys_store_create("s", &fake_driver, &fake, &options, &made, &err), &err);
    return made;
}

static void run_once(void (**hook)(void))
{
    void (*run)(void) = *hook;

    *hook = NULL;
    if (run != NULL)
        run();
}

static recsys_status say(recsys_status status, recsys_error *why, const char *message)
{
    static const recsys_error empty;

    fake.had_no_record |= why == NULL || memcmp(why, &empty, sizeof empty) != 0;
    if (why != NULL && (status == RECSYS_OK ? fake.is_chatty : !fake.is_silent))
        recsys_error_set(why, status, message);
    if (why != NULL && fake.is_echo) /* as rs_error_echo(), which is not there for every program */
        why->message[sizeof why->message - 1] = 1;
    return status;
}

static recsys_status answer(const char *function, recsys_bytes key, recsys_error *why)
{
    recsys_status status = fake.answer;

    fake.n_calls++;
    fake.function = function;
    fake.key = key;
    run_once(&fake.during);
    return say(status, why, "the fake fails");
}

void fake_release(void *hold)
{
    (void)hold;
    fake.n_held--;
}

/* It fails half-way, as a bad driver would: the first value is there. */
static recsys_status fake_get(void *self, const recsys_bytes *keys, size_t n, recsys_value *values,
                              uint64_t *incarnation, recsys_error *why)
{
    fake.n = n;
    values[0] = (recsys_value){"found", 5, self, fake_release};
    fake.n_held++;
    *incarnation = fake.has_no_incarnation ? 0 : 77;
    return answer("get", keys[0], why);
}

static recsys_status fake_set(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                              uint32_t when, recsys_error *why)
{
    (void)self;
    fake.value = value;
    fake.ttl_ms = ttl_ms;
    fake.when = when;
    return answer("set", key, why);
}

static recsys_status fake_remove(void *self, const recsys_bytes *keys, size_t n,
                                 uint64_t *n_removed, recsys_error *why)
{
    (void)self;
    fake.n = n;
    *n_removed = 1;
    return answer("remove", keys[0], why);
}

static recsys_status fake_get_or_set(void *self, recsys_bytes key, recsys_bytes value,
                                     uint64_t ttl_ms, recsys_value *present, uint64_t *incarnation,
                                     recsys_error *why)
{
    fake.value = value;
    fake.ttl_ms = ttl_ms;
    *present = (recsys_value){"found", 5, self, fake_release};
    fake.n_held++;
    *incarnation = fake.has_no_incarnation ? 0 : 77;
    return answer("get_or_set", key, why);
}

static recsys_status fake_replace(void *self, recsys_bytes key, recsys_bytes prefix,
                                  recsys_bytes value, uint64_t ttl_ms, recsys_error *why)
{
    (void)self;
    fake.prefix = prefix;
    fake.value = value;
    fake.ttl_ms = ttl_ms;
    return answer("replace", key, why);
}

static recsys_status fake_scan(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                               recsys_key_callback callback, void *user_data, recsys_error *why)
{
    (void)self;
    fake.n = n;
    *cursor = (uint64_t)callback((recsys_bytes){"k", 1}, user_data);
    return answer("scan", parts[0], why);
}

static recsys_status fake_rate_limit(void *self, recsys_bytes key, uint64_t emission_us,
                                     uint32_t burst, uint32_t cost, recsys_rate_decision *out,
                                     recsys_error *why)
{
    (void)self;
    (void)emission_us;
    (void)burst;
    *out = (recsys_rate_decision){1, cost, 0, 0};
    return answer("rate_limit", key, why);
}

static recsys_status fake_ping(void *self, recsys_error *why)
{
    (void)self;
    fake.n_pings++;
    run_once(&fake.during_ping);
    return say(fake.ping_answer, why, "no pong");
}

static void fake_destroy(void *self)
{
    CHECK(self == &fake);
    fake.n_destroyed++;
}

const recsys_store_driver fake_driver = {
    .struct_size = (uint32_t)sizeof fake_driver,
    .get = fake_get,
    .set = fake_set,
    .remove = fake_remove,
    .get_or_set = fake_get_or_set,
    .replace = fake_replace,
    .scan = fake_scan,
    .rate_limit = fake_rate_limit,
    .ping = fake_ping,
    .destroy = fake_destroy,
};

recsys_store *store;

int fake_set_up_probed(void **state)
{
    (void)state;
    store = fake_store_create(RECSYS_STORE_PROBED);
    return 0;
}

int fake_set_up_unprobed(void **state)
{
    (void)state;
    store = fake_store_create(0);
    return 0;
}

int fake_tear_down(void **state)
{
    (void)state;
    recsys_store_unref(store);
    store = NULL;
    return fake.n_destroyed == 1 && fake.n_held == 0 ? 0 : -1;
}
