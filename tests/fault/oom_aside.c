/* Out of memory in caches: a read gives the truth or says E_NOMEM, a write is never half told;
 * see oom.h. */
#include "tests/fault/oom.h"
#include "tests/support/aside_world.h"

FAIL_ALLOC_INTERPOSE;

static struct aside_world world;

/* Whatever failed: when there is memory again the truth is read, here and elsewhere. */
static void end(void)
{
    recsys_aside *other = world_other(&world);

    world_pass(&world, 1001);
    CHECK_EQ(recsys_store_probe(world.store, NULL), RECSYS_OK);
    CHECK_EQ(world_stats(&world).journal, 0);
    CHECK(strcmp(world_load(&world), world.truth) == 0);
    CHECK(strcmp(world_load_through(&world, other), world.truth) == 0);
    recsys_aside_destroy(other);
    world_destroy(&world);
}

static recsys_status create_a_cache(void)
{
    recsys_aside_options options;
    recsys_aside *aside = (recsys_aside *)&err;
    recsys_stats *stats = NULL;
    recsys_status status;

    world_create(&world, 0, NULL);
    world_options(&world, &options);
    CHECK_OK(recsys_stats_create(&stats, &err), &err);
    options.stats = stats;
    FAILING(status, recsys_aside_create(world.store, &options, &aside, &err));
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

    FAILING(status, recsys_aside_get_or_load(aside, WORLD_KEY, world_loader, &world, 0, &value,
                                             &outcome, &err));
    if (status == RECSYS_OK) {
        CHECK_EQ(value.size, strlen(world.truth));
        CHECK(memcmp(value.data, world.truth, value.size) == 0);
    } else {
        CHECK(value.data == NULL && value.release == NULL);
    }
    recsys_value_release(&value);
    return status;
}

static recsys_status load_a_miss(void)
{
    world_create(&world, 0, NULL);
    recsys_status status = load_with(world.aside);
    end();
    return status;
}

static recsys_status load_json(void)
{
    recsys_aside_options options;

    world_create(&world, 0, NULL);
    recsys_aside_destroy(world.aside);
    world_options(&world, &options);
    options.flags = RECSYS_ASIDE_JSON;
    CHECK_OK(recsys_aside_create(world.store, &options, &world.aside, &err), &err);
    world_set_truth(&world, "{\"id\": [1, 2, {\"a\": \"b\"}]}");
    recsys_status status = load_with(world.aside);
    world_pass(&world, 101); /* should a lease have been left behind */
    recsys_value value;
    CHECK_OK(recsys_aside_get_or_load(world.aside, WORLD_KEY, world_loader, &world, 0, &value, NULL,
                                      &err),
             &err);
    recsys_value_release(&value);
    world_destroy(&world);
    return status;
}

static recsys_status load_a_dead_value(void)
{
    world_create(&world, 0, NULL);
    world_load(&world);
    world.script.incarnation++;
    world_set_truth(&world, "two");
    recsys_status status = load_with(world.aside);
    world.script.incarnation--; /* "elsewhere" in end() knows no other incarnation */
    world_invalidate(&world, world.aside);
    end();
    return status;
}

static recsys_status load_while_the_store_is_away(void)
{
    world_create(&world, 0, NULL);
    scripted_store_fail(&world.script, 1000, RECSYS_E_TIMEOUT, 0);
    recsys_status status = load_with(world.aside);
    scripted_store_heal(&world.script);
    end();
    return status;
}

/* Nor does it copy: what is handed out is the store's own. */
static recsys_status find_a_value(void)
{
    recsys_value value;
    recsys_status status;

    world_create(&world, 0, NULL);
    world_load(&world);
    FAILING(status, recsys_aside_get(world.aside, WORLD_KEY, &value, NULL, &err));
    CHECK_EQ(status, RECSYS_OK);
    CHECK_EQ(run.n_calls, 0);
    recsys_value_release(&value);
    CHECK_EQ(load_with(world.aside), RECSYS_OK);
    CHECK_EQ(run.n_calls, 0);
    end();
    return RECSYS_OK;
}

static recsys_status set_a_value(void)
{
    recsys_status status;

    world_create(&world, 0, NULL);
    world_load(&world);
    world_set_truth(&world, "two");
    FAILING(status, recsys_aside_set(world.aside, WORLD_KEY, (recsys_bytes){"two", 3}, 2, 0, &err));
    end();
    return status;
}

static int n_written;

static recsys_status change(recsys_aside_changes *changes, void *user_data, recsys_error *why)
{
    (void)user_data;
    (void)why;
    world_set_truth(&world, "written");
    n_written++;
    /* If it cannot be kept the key is removed. */
    recsys_status status =
        recsys_aside_changes_set(changes, 0, (recsys_bytes){"written", 7}, world.version, NULL);
    CHECK(status == RECSYS_OK || status == RECSYS_E_NOMEM);
    return RECSYS_OK;
}

static recsys_status write_a_value(void)
{
    recsys_bytes key = WORLD_KEY;
    recsys_status status;

    world_create(&world, 0, NULL);
    world_load(&world);
    n_written = 0;
    FAILING(status, recsys_aside_write(world.aside, &key, 1, change, NULL, &err));
    CHECK_EQ(n_written, status == RECSYS_OK); /* E_NOMEM comes before anything was written */
    end();
    return status;
}

static recsys_status invalidate_a_key(void)
{
    recsys_bytes key = WORLD_KEY;
    recsys_status status;

    world_create(&world, 0, NULL);
    world_load(&world);
    world_set_truth(&world, "two");
    FAILING(status, recsys_aside_invalidate(world.aside, &key, 1, &err));
    CHECK_EQ(status, RECSYS_OK);
    end();
    return status;
}

/* The journal has no memory for the key: then everything ends. */
static recsys_status invalidate_while_the_store_is_away(void)
{
    recsys_bytes key = WORLD_KEY;
    recsys_status status;

    world_create(&world, 0, NULL);
    world_load(&world);
    world_set_truth(&world, "two");
    scripted_store_fail(&world.script, 1000, RECSYS_E_TIMEOUT, 0);
    FAILING(status, recsys_aside_invalidate(world.aside, &key, 1, &err));
    CHECK_EQ(status, RECSYS_OK);
    CHECK_EQ(world_stats(&world).journal, 1);
    scripted_store_heal(&world.script);
    end();
    return status;
}

static recsys_status invalidate_a_form(void)
{
    const recsys_bytes form[2] = {{"user:", 5}, {"", 0}};
    recsys_status status;

    world_create(&world, 0, NULL);
    world_load(&world);
    world_set_truth(&world, "two");
    FAILING(status, recsys_aside_invalidate_matching(world.aside, form, 2, NULL, &err));
    end();
    return status;
}

static recsys_status invalidate_everything(void)
{
    recsys_status status;

    world_create(&world, 0, NULL);
    world_load(&world);
    world_set_truth(&world, "two");
    FAILING(status, recsys_aside_invalidate_all(world.aside, &err));
    CHECK_EQ(status, RECSYS_OK);
    end();
    return status;
}

/* Telling the store what it missed needs memory too: until there is some its breaker stays open. */
static recsys_status come_back(void)
{
    recsys_status status;

    world_create(&world, 0, NULL);
    world_load(&world);
    world_set_truth(&world, "two");
    scripted_store_fail(&world.script, 1, RECSYS_E_TIMEOUT, 0);
    world_invalidate(&world, world.aside);
    world_pass(&world, 1001);
    FAILING(status, recsys_store_probe(world.store, &err));
    CHECK_EQ(world_stats(&world).journal, status != RECSYS_OK);
    end();
    return status;
}

static const struct scenario scenarios[] = {
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
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0]);
}
