/* Out of memory in stores: what was there stays, or is gone if it was to be replaced; see oom.h. */
#include <string.h>

#include "lib/base/hash.h"
#include "lib/store/store.h"
#include "tests/support/check.h"
#include "tests/support/oom.h"

FAIL_ALLOC_INTERPOSE;

static recsys_store *store;

static recsys_bytes text(const char *bytes)
{
    return (recsys_bytes){bytes, strlen(bytes)};
}

/* A store with "k" -> "value"; recsys_store_unref() when done. */
static void create(void)
{
    CHECK_OK(recsys_store_create_memory("m", NULL, &store, &oom_err), &oom_err);
    CHECK_OK(recsys_store_set(store, text("k"), text("value"), 0, 0, &oom_err), &oom_err);
}

static int has(const char *key, const char *want)
{
    recsys_bytes bytes = text(key);
    recsys_value value;

    CHECK_OK(recsys_store_get(store, &bytes, 1, &value, NULL, &oom_err), &oom_err);
    int is_there = value.data == NULL ? want == NULL
                                      : want != NULL && value.size == strlen(want) &&
                                            memcmp(value.data, want, value.size) == 0;
    recsys_value_release(&value);
    return is_there;
}

/* Its driver's data goes with it, also if the store cannot be made. */
static recsys_status create_in_memory(void)
{
    recsys_store *made = (recsys_store *)&oom_err;
    recsys_status status;

    FAILING(status, recsys_store_create_memory("m", NULL, &made, &oom_err));
    CHECK(status == RECSYS_OK || made == NULL);
    if (status == RECSYS_OK)
        recsys_store_unref(made);
    return status;
}

static recsys_status get(void)
{
    recsys_bytes key = text("k");
    recsys_value value;
    recsys_status status;

    create();
    FAILING(status, recsys_store_get(store, &key, 1, &value, NULL, &oom_err));
    CHECK_EQ(oom_run.n_calls, 0);
    recsys_value_release(&value);
    recsys_store_unref(store);
    return status;
}

static recsys_status set(void)
{
    recsys_status status;

    create();
    FAILING(status, recsys_store_set(store, text("k"), text("new"), 0, 0, &oom_err));
    CHECK(has("k", status == RECSYS_OK ? "new" : NULL));
    recsys_store_unref(store);
    return status;
}

static recsys_status set_if_absent(void)
{
    recsys_status status;

    create();
    FAILING(status, recsys_store_set(store, text("other"), text("new"), 0, RECSYS_STORE_IF_ABSENT,
                                     &oom_err));
    CHECK(has("other", status == RECSYS_OK ? "new" : NULL));
    CHECK(has("k", "value"));
    recsys_store_unref(store);
    return status;
}

/* A value that is there is handed out, also without memory for things that are not needed. */
static recsys_status get_or_set_present(void)
{
    recsys_value present;
    recsys_status status;

    create();
    FAILING(status,
            recsys_store_get_or_set(store, text("k"), text("new"), 0, &present, NULL, &oom_err));
    CHECK_EQ(status, RECSYS_OK);
    CHECK(present.size == 5 && memcmp(present.data, "value", 5) == 0);
    recsys_value_release(&present);
    recsys_store_unref(store);
    return status;
}

static recsys_status get_or_set_absent(void)
{
    recsys_value present;
    recsys_status status;

    create();
    FAILING(status, recsys_store_get_or_set(store, text("other"), text("new"), 0, &present, NULL,
                                            &oom_err));
    CHECK(present.data == NULL);
    CHECK(has("other", status == RECSYS_OK ? "new" : NULL));
    recsys_store_unref(store);
    return status;
}

static recsys_status replace(void)
{
    recsys_status status;

    create();
    FAILING(status, recsys_store_replace(store, text("k"), text("val"), text("new"), 0, &oom_err));
    CHECK(has("k", status == RECSYS_OK ? "new" : NULL));
    recsys_store_unref(store);
    return status;
}

/* Not even to be removed does a value need memory. */
static recsys_status remove_a_value(void)
{
    recsys_bytes key = text("k");
    recsys_status status;

    create();
    FAILING(status, recsys_store_remove(store, &key, 1, NULL, &oom_err));
    CHECK_EQ(oom_run.n_calls, 0);
    CHECK(has("k", NULL));
    CHECK_OK(recsys_store_set(store, text("k"), text("value"), 0, 0, &oom_err), &oom_err);
    FAILING(status, recsys_store_replace(store, text("k"), text("v"), (recsys_bytes){NULL, 0}, 0,
                                         &oom_err));
    CHECK_EQ(oom_run.n_calls, 0);
    CHECK(has("k", NULL));
    recsys_store_unref(store);
    return status;
}

/* A limit is not reset by having no memory. */
static recsys_status take(void)
{
    recsys_rate_decision out;
    recsys_status status;

    create();
    CHECK_OK(recsys_store_rate_limit(store, text("limit"), 3600000000u, 2, 1, &out, &oom_err),
             &oom_err);
    FAILING(status,
            recsys_store_rate_limit(store, text("limit"), 3600000000u, 2, 1, &out, &oom_err));
    CHECK_EQ(out.allowed, status == RECSYS_OK);
    recsys_error why;
    CHECK_OK(recsys_store_rate_limit(store, text("limit"), 3600000000u, 2, 1, &out, &why), &why);
    CHECK_EQ(out.allowed, status != RECSYS_OK);
    recsys_store_unref(store);
    return status;
}

static int32_t count_key(recsys_bytes key, void *user_data)
{
    (void)key;
    ++*(int *)user_data;
    return 0;
}

/* A small store whose buckets are so full that a step of the scan needs memory. */
static recsys_status scan(void)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    const recsys_bytes all[] = {text(""), text("")};
    recsys_status status = RECSYS_OK;
    uint64_t cursor = 0;
    recsys_error why;
    int n = 0, n_set = 0;

    options.n_shards = 1;
    options.max_bytes = 16000;
    CHECK_OK(recsys_store_create_memory("m", &options, &store, &why), &why);
    for (uint32_t i = 0; n_set < 100; i++)
        if ((rs_hash_bytes(&i, sizeof i, rs_hash_seed()) & 15u) == 3) {
            CHECK_OK(recsys_store_set(store, (recsys_bytes){&i, sizeof i}, text(""), 0, 0, &why),
                     &why);
            n_set++;
        }
    FAILING(status, recsys_store_scan(store, all, 2, &cursor, count_key, &n, &oom_err));
    CHECK(oom_run.mappings || oom_run.n_calls > 0);
    while (cursor != 0) /* what could not be shown comes later */
        CHECK_OK(recsys_store_scan(store, all, 2, &cursor, count_key, &n, &why), &why);
    CHECK_EQ(n, 100);
    recsys_store_unref(store);
    return status;
}

static recsys_status tell(void *arg, recsys_error *why)
{
    (void)arg, (void)why;
    return RECSYS_OK;
}

static recsys_status register_a_teller(void)
{
    recsys_status status;

    create();
    FAILING(status, rs_store_on_return(store, tell, &store, &oom_err));
    rs_store_cancel_return(store, &store);
    recsys_store_unref(store);
    return status;
}

static const struct oom_scenario scenarios[] = {
    {"create in memory", create_in_memory, 0},
    {"get", get, 0},
    {"set", set, 0},
    {"set if absent", set_if_absent, 0},
    {"get or set: present", get_or_set_present, 0},
    {"get or set: absent", get_or_set_absent, 0},
    {"replace", replace, 0},
    {"remove", remove_a_value, 0},
    {"take", take, 0},
    {"scan", scan, 0},
    {"register a teller", register_a_teller, 0},
};

int main(void)
{
    return oom_main(scenarios, sizeof scenarios / sizeof *scenarios, FAIL_ALLOC_INTERPOSED);
}
