/* tests/support/aside_world.c - see aside_world.h. */
#include "tests/support/aside_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(recsys_status status, const recsys_error *err)
{
    if (status != RECSYS_OK) {
        fprintf(stderr, "aside world: %s: %s\n", recsys_status_name(status), err->message);
        abort();
    }
}

static uint64_t now(void *user_data)
{
    return ((struct aside_world *)user_data)->script.now_ms;
}

static uint64_t next_random(void *user_data)
{
    struct aside_world *world = user_data;

    if (world->unit > 0.0) {
        world->random++; /* leases must differ, also with a fixed unit */
        uint64_t high = world->unit >= 1.0 ? UINT64_MAX >> 11 : (uint64_t)(world->unit * 0x1p53);
        return high << 11 | (world->random & 0x7ff);
    }
    world->random += 0x9e3779b97f4a7c15u;
    uint64_t h = world->random;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

static void sleep_ms(uint32_t ms, void *user_data)
{
    struct aside_world *world = user_data;

    world->n_sleeps++;
    world->script.now_ms += ms;
}

void world_options(struct aside_world *world, recsys_aside_options *options)
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
    options->user_data = world;
}

void world_create(struct aside_world *world, uint32_t failures, const recsys_aside_options *options)
{
    recsys_aside_options standard;

    memset(world, 0, sizeof *world);
    world->random = 20260801;
    world->unit = -1.0;
    world->store = scripted_store_create(&world->script, failures);
    world_options(world, &standard);
    must(recsys_aside_create(world->store, options == NULL ? &standard : options, &world->aside,
                             &world->err),
         &world->err);
    world_set_truth(world, "one");
}

void world_destroy(struct aside_world *world)
{
    recsys_aside_destroy(world->aside);
    recsys_store_unref(world->store);
}

recsys_aside *world_other(struct aside_world *world)
{
    recsys_aside_options options;
    recsys_aside *other = NULL;

    world_options(world, &options);
    must(recsys_aside_create(world->script.inner, &options, &other, &world->err), &world->err);
    return other;
}

void world_set_truth(struct aside_world *world, const char *truth)
{
    snprintf(world->truth, sizeof world->truth, "%s", truth);
    world->version++;
}

void world_pass(struct aside_world *world, uint64_t ms)
{
    world->script.now_ms += ms;
}

static void begin(struct aside_world *world)
{
    memset(&world->err, 0, sizeof world->err);
    world->outcome = 99;
    world->value[0] = '\0';
}

static const char *finish(struct aside_world *world, recsys_value *value)
{
    if (world->status == RECSYS_OK)
        snprintf(world->value, sizeof world->value, "%.*s", (int)value->size,
                 (const char *)value->data);
    else if (value->data != NULL || value->release != NULL)
        abort();
    else if (world->err.status != world->status || world->err.message[0] == '\0')
        abort(); /* every failure says what it is */
    recsys_value_release(value);
    return world->value;
}

const char *world_get(struct aside_world *world)
{
    recsys_value value;

    begin(world);
    world->status = recsys_aside_get(world->aside, WORLD_KEY, &value, &world->outcome, &world->err);
    return finish(world, &value);
}

recsys_status world_loader(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    struct aside_world *world = user_data;
    char truth[sizeof world->truth];
    uint64_t version = world->version;

    world->n_loads++;
    memcpy(truth, world->truth, sizeof truth);
    world->script.now_ms += world->load_ms;
    if (world->while_loading != NULL)
        world->while_loading(world);
    if (world->load_status != RECSYS_OK)
        return world->load_status;
    if (truth[0] == '\0')
        return RECSYS_E_NOT_FOUND;
    return recsys_aside_load_set(load, (recsys_bytes){truth, strlen(truth)}, version,
                                 world->load_ttl_ms, world->load_flags, err);
}

const char *world_load_through(struct aside_world *world, recsys_aside *aside)
{
    recsys_value value;

    begin(world);
    world->status = recsys_aside_get_or_load(aside, WORLD_KEY, world_loader, world, 0, &value,
                                             &world->outcome, &world->err);
    return finish(world, &value);
}

const char *world_load(struct aside_world *world)
{
    return world_load_through(world, world->aside);
}

void world_invalidate(struct aside_world *world, recsys_aside *aside)
{
    recsys_bytes key = WORLD_KEY;

    must(recsys_aside_invalidate(aside, &key, 1, &world->err), &world->err);
}

recsys_aside_stats world_stats(struct aside_world *world)
{
    recsys_aside_stats stats = {.struct_size = (uint32_t)sizeof stats};

    must(recsys_aside_get_stats(world->aside, &stats, &world->err), &world->err);
    return stats;
}

int world_kind(struct aside_world *world)
{
    recsys_bytes key = WORLD_KEY;
    recsys_value value;
    uint64_t incarnation;

    must(recsys_store_get(world->script.inner, &key, 1, &value, &incarnation, &world->err),
         &world->err);
    int kind = value.data == NULL ? 0 : value.size == 0 ? 1 : *(const unsigned char *)value.data;
    recsys_value_release(&value);
    return kind;
}
