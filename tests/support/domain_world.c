/* tests/support/domain_world.c - see domain_world.h. */
#include "tests/support/domain_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/postgres.h"
#include "recsys/redis.h"
#include "tests/support/check.h"
#include "tests/support/database.h"

void domain_world_apply(struct domain_world *world, const char *file)
{
    char *script = database_read_script(file);

    CHECK_OK(recsys_source_run(world->source, script, 60000, &world->err), &world->err);
    free(script);
}

void domain_world_connect(struct domain_world *world)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;

    CHECK_OK(recsys_postgres_create(world->conninfo, NULL, &world->source, &world->err),
             &world->err);
    options.source = world->source;
    options.timeout_ms = 30000;
    options.stores = world->stores;
    options.n_stores = RECSYS_DOMAIN_DBS;
    for (uint32_t db = 0; db < 10; db++) {
        recsys_redis_options redis = RECSYS_REDIS_OPTIONS_INIT;
        char name[16];
        redis.port = world->redis.port;
        redis.db = db;
        redis.connect_timeout_ms = 10000;
        redis.command_timeout_ms = 10000;
        redis.pool_timeout_ms = 10000;
        snprintf(name, sizeof name, "db%u", db);
        CHECK_OK(recsys_redis_create(name, &redis, NULL, &world->stores[db], &world->err),
                 &world->err);
    }
    CHECK_OK(recsys_domains_create(&options, &world->domains, &world->err), &world->err);
    CHECK_OK(recsys_recycling_add_domains(world->domains, &world->err), &world->err);
}

void domain_world_disconnect(struct domain_world *world)
{
    recsys_domains_destroy(world->domains);
    world->domains = NULL;
    for (uint32_t db = 0; db < RECSYS_DOMAIN_DBS; db++) {
        recsys_store_unref(world->stores[db]);
        world->stores[db] = NULL;
    }
    recsys_source_unref(world->source);
    world->source = NULL;
}

void domain_world_open(struct domain_world *world, int with_demo_rows)
{
    memset(world, 0, sizeof *world);
    world->conninfo = database_create();
    redis_server_start(&world->redis, NULL);
    domain_world_connect(world);
    domain_world_apply(world, "0001_domains.sql");
    if (with_demo_rows)
        domain_world_apply(world, "0002_demo_rows.sql");
}

void domain_world_close(struct domain_world *world)
{
    domain_world_disconnect(world);
    redis_server_end(&world->redis);
    database_drop(world->conninfo);
}

char *domain_world_redis(const struct domain_world *world, unsigned db, const char *command)
{
    char script[1024];

    /* A script may SELECT; the connection's own db is as before when it ends. */
    snprintf(script, sizeof script, "redis.call('SELECT',%u) return redis.call(%s)", db, command);
    char *raw = redis_server_ask(&world->redis, "EVAL", script, "0", NULL);
    CHECK(raw[0] != '-');
    char *text = calloc(1, strlen(raw) + 8);
    CHECK(text != NULL);
    if (raw[0] == ':' || raw[0] == '+')
        memcpy(text, raw + 1, strcspn(raw, "\r") - 1);
    else if (strncmp(raw, "$-1", 3) == 0)
        memcpy(text, "(nil)", 5);
    else
        memcpy(text, raw, strlen(raw));
    free(raw);
    return text;
}

long long domain_world_redis_number(const struct domain_world *world, unsigned db,
                                    const char *command)
{
    char *text = domain_world_redis(world, db, command);
    long long number = strtoll(text, NULL, 10);

    free(text);
    return number;
}

char *domain_world_text(recsys_value *value)
{
    char *text = malloc(value->size + 1);

    CHECK(text != NULL && value->data != NULL);
    memcpy(text, value->data, value->size);
    text[value->size] = '\0';
    recsys_value_release(value);
    return text;
}
