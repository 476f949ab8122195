/* Out of memory in caches: a read returns the truth or E_NOMEM, and a write whose invalidation
 * failed leaves no caller with the old value; see oom.h. */
#include <string.h>

#include "tests/support/aside_fixture.h"
#include "tests/support/check.h"
#include "tests/support/oom.h"

FAIL_ALLOC_INTERPOSE;

/* Whatever failed: once there is memory again, this cache and another process' read the truth. */
static void end(void)
{
    recsys_aside *other = fixture_other();

    fixture_pass(1001);
    CHECK_EQ(recsys_store_probe(fixture.store, NULL), RECSYS_OK);
    CHECK_EQ(fixture_stats().journal, 0);
    CHECK(strcmp(fixture_load(), fixture.truth) == 0);
    CHECK(strcmp(fixture_load_through(other), fixture.truth) == 0);
    recsys_aside_destroy(other);
    fixture_destroy();
}

static recsys_status create_a_cache(void)
{
    recsys_aside_options options;
    recsys_aside *aside = (recsys_aside *)&oom_err;
    recsys_stats *stats = NULL;
    recsys_status status;

    fixture_create(0, NULL);
    fixture_options(&options);
    CHECK_OK(recsys_stats_create(&stats, &oom_err), &oom_err);
    options.stats = stats;
    FAILING(status, recsys_aside_create(fixture.store, &options, &aside, &oom_err));
    CHECK(status == RECSYS_OK || aside == NULL);
    if (status == RECSYS_OK)
        recsys_aside_destroy(aside);
    recsys_stats_unref(stats);
    end();
    return status;
}

static recsys_status load_with(recsys_aside *aside)
{
    recsys_value value;
    uint32_t outcome;
    recsys_status status;

    FAILING(status, recsys_aside_get_or_load(aside, FIXTURE_KEY, fixture_loader, NULL, 0, &value,
                                             &outcome, &oom_err));
    if (status == RECSYS_OK) {
        CHECK_EQ(value.size, strlen(fixture.truth));
        CHECK(memcmp(value.data, fixture.truth, value.size) == 0);
    } else {
        CHECK(value.data == NULL && value.release == NULL);
    }
    recsys_value_release(&value);
    return status;
}

static recsys_status load_a_miss(void)
{
    fixture_create(0, NULL);
    recsys_status status = load_with(fixture.aside);
    end();
    return status;
}

static recsys_status load_json(void)
{
    recsys_aside_options options;

    fixture_create(0, NULL);
    recsys_aside_destroy(fixture.aside);
    fixture_options(&options);
    options.flags = RECSYS_ASIDE_JSON;
    CHECK_OK(recsys_aside_create(fixture.store, &options, &fixture.aside, &oom_err), &oom_err);
    fixture_set_truth("{\"id\": [1, 2, {\"a\": \"b\"}]}");
    recsys_status status = load_with(fixture.aside);
    fixture_pass(101); /* should a lease have been left behind */
    recsys_value value;
    CHECK_OK(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, fixture_loader, NULL, 0, &value,
                                      NULL, &oom_err),
             &oom_err);
    recsys_value_release(&value);
    fixture_destroy();
    return status;
}

static recsys_status load_a_dead_value(void)
{
    fixture_create(0, NULL);
    fixture_load();
    fixture.script.incarnation++;
    fixture_set_truth("two");
    recsys_status status = load_with(fixture.aside);
    fixture.script.incarnation--; /* "elsewhere" in end() knows no other incarnation */
    fixture_invalidate(fixture.aside);
    end();
    return status;
}

static recsys_status load_while_the_store_is_away(void)
{
    fixture_create(0, NULL);
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_TIMEOUT, 0);
    recsys_status status = load_with(fixture.aside);
    scripted_store_heal(&fixture.script);
    end();
    return status;
}

/* Nor does it copy: what is handed out is the store's own. */
static recsys_status find_a_value(void)
{
    recsys_value value;
    recsys_status status;

    fixture_create(0, NULL);
    fixture_load();
    FAILING(status, recsys_aside_get(fixture.aside, FIXTURE_KEY, &value, NULL, &oom_err));
    CHECK_EQ(status, RECSYS_OK);
    CHECK_EQ(oom_run.n_calls, 0);
    recsys_value_release(&value);
    CHECK_EQ(load_with(fixture.aside), RECSYS_OK);
    CHECK_EQ(oom_run.n_calls, 0);
    end();
    return RECSYS_OK;
}

static recsys_status set_a_value(void)
{
    recsys_status status;

    fixture_create(0, NULL);
    fixture_load();
    fixture_set_truth("two");
    FAILING(status,
            recsys_aside_set(fixture.aside, FIXTURE_KEY, (recsys_bytes){"two", 3}, 2, 0, &oom_err));
    end();
    return status;
}

static int n_written;

static recsys_status change(recsys_aside_changes *changes, void *user_data, recsys_error *why)
{
    (void)user_data;
    (void)why;
    fixture_set_truth("written");
    n_written++;
    /* If it cannot be kept the key is removed. */
    recsys_status status =
        recsys_aside_changes_set(changes, 0, (recsys_bytes){"written", 7}, fixture.version, NULL);
    CHECK(status == RECSYS_OK || status == RECSYS_E_NOMEM);
    return RECSYS_OK;
}

static recsys_status write_a_value(void)
{
    recsys_bytes key = FIXTURE_KEY;
    recsys_status status;

    fixture_create(0, NULL);
    fixture_load();
    n_written = 0;
    FAILING(status, recsys_aside_write(fixture.aside, &key, 1, change, NULL, &oom_err));
    CHECK_EQ(n_written, status == RECSYS_OK); /* E_NOMEM comes before anything was written */
    end();
    return status;
}

static recsys_status invalidate_a_key(void)
{
    recsys_bytes key = FIXTURE_KEY;
    recsys_status status;

    fixture_create(0, NULL);
    fixture_load();
    fixture_set_truth("two");
    FAILING(status, recsys_aside_invalidate(fixture.aside, &key, 1, &oom_err));
    CHECK_EQ(status, RECSYS_OK);
    end();
    return status;
}

/* The journal has no memory for the key: then everything ends. */
static recsys_status invalidate_while_the_store_is_away(void)
{
    recsys_bytes key = FIXTURE_KEY;
    recsys_status status;

    fixture_create(0, NULL);
    fixture_load();
    fixture_set_truth("two");
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_TIMEOUT, 0);
    FAILING(status, recsys_aside_invalidate(fixture.aside, &key, 1, &oom_err));
    CHECK_EQ(status, RECSYS_OK);
    CHECK_EQ(fixture_stats().journal, 1);
    scripted_store_heal(&fixture.script);
    end();
    return status;
}

static recsys_status invalidate_a_form(void)
{
    const recsys_bytes form[2] = {{"user:", 5}, {"", 0}};
    recsys_status status;

    fixture_create(0, NULL);
    fixture_load();
    fixture_set_truth("two");
    FAILING(status, recsys_aside_invalidate_matching(fixture.aside, form, 2, NULL, &oom_err));
    end();
    return status;
}

static recsys_status invalidate_everything(void)
{
    recsys_status status;

    fixture_create(0, NULL);
    fixture_load();
    fixture_set_truth("two");
    FAILING(status, recsys_aside_invalidate_all(fixture.aside, &oom_err));
    CHECK_EQ(status, RECSYS_OK);
    end();
    return status;
}

/* Telling the store what it missed needs memory too: until there is some its breaker stays open. */
static recsys_status come_back(void)
{
    recsys_status status;

    fixture_create(0, NULL);
    fixture_load();
    fixture_set_truth("two");
    scripted_store_fail(&fixture.script, 1, RECSYS_E_TIMEOUT, 0);
    fixture_invalidate(fixture.aside);
    fixture_pass(1001);
    FAILING(status, recsys_store_probe(fixture.store, &oom_err));
    CHECK_EQ(fixture_stats().journal, status != RECSYS_OK);
    end();
    return status;
}

static const struct oom_scenario scenarios[] = {
    {"create a cache", create_a_cache, 0},
    {"load a miss", load_a_miss, 0},
    {"load JSON", load_json, 0},
    {"load a dead value", load_a_dead_value, 0},
    {"load, the store away", load_while_the_store_is_away, 0},
    {"find a value", find_a_value, 0},
    {"set a value", set_a_value, 0},
    {"write a value", write_a_value, 0},
    {"invalidate a key", invalidate_a_key, 0},
    {"invalidate, the store away", invalidate_while_the_store_is_away, 0},
    {"invalidate a form", invalidate_a_form, 0},
    {"invalidate everything", invalidate_everything, 0},
    {"come back", come_back, 0},
};

int main(void)
{
    return oom_main(scenarios, sizeof scenarios / sizeof scenarios[0], FAIL_ALLOC_INTERPOSED);
}
