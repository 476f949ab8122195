/* tests/support/domain_fixture.c - see domain_fixture.h. */
#include "tests/support/domain_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/postgres.h"
#include "recsys/redis.h"
#include "tests/support/check.h"
#include "tests/support/database.h"

void domain_fixture_apply(struct domain_fixture *fixture, const char *file)
{
    char *script = database_read_script(file);

    CHECK_OK(recsys_source_run(fixture->source, script, 60000, &fixture->err), &fixture->err);
    free(script);
}

void domain_fixture_connect(struct domain_fixture *fixture)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;

    CHECK_OK(recsys_postgres_create(fixture->conninfo, NULL, &fixture->source, &fixture->err),
             &fixture->err);
    options.source = fixture->source;
    options.timeout_ms = 30000;
    options.stores = fixture->stores;
    options.n_stores = RECSYS_DOMAIN_DBS;
    for (uint32_t db = 0; db < 10; db++) {
        recsys_redis_options redis = RECSYS_REDIS_OPTIONS_INIT;
        char name[16];
        redis.port = fixture->redis.port;
        redis.db = db;
        redis.connect_timeout_ms = 10000;
        redis.command_timeout_ms = 10000;
        redis.pool_timeout_ms = 10000;
        snprintf(name, sizeof name, "db%u", db);
        CHECK_OK(recsys_redis_create(name, &redis, NULL, &fixture->stores[db], &fixture->err),
                 &fixture->err);
    }
    CHECK_OK(recsys_domains_create(&options, &fixture->domains, &fixture->err), &fixture->err);
    CHECK_OK(recsys_recycling_add_domains(fixture->domains, &fixture->err), &fixture->err);
}

void domain_fixture_disconnect(struct domain_fixture *fixture)
{
    recsys_domains_destroy(fixture->domains);
    fixture->domains = NULL;
    for (uint32_t db = 0; db < RECSYS_DOMAIN_DBS; db++) {
        recsys_store_unref(fixture->stores[db]);
        fixture->stores[db] = NULL;
    }
    recsys_source_unref(fixture->source);
    fixture->source = NULL;
}

void domain_fixture_open(struct domain_fixture *fixture, int with_demo_rows)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->conninfo = database_create();
    redis_server_start(&fixture->redis, NULL);
    domain_fixture_connect(fixture);
    domain_fixture_apply(fixture, "0001_domains.sql");
    if (with_demo_rows)
        domain_fixture_apply(fixture, "0002_demo_rows.sql");
}

void domain_fixture_close(struct domain_fixture *fixture)
{
    domain_fixture_disconnect(fixture);
    redis_server_end(&fixture->redis);
    database_drop(fixture->conninfo);
}

char *domain_fixture_redis(const struct domain_fixture *fixture, unsigned db, const char *command)
{
    char script[1024];

    /* A script may SELECT; the connection's own db is as before when it ends. */
    snprintf(script, sizeof script, "redis.call('SELECT',%u) return redis.call(%s)", db, command);
    char *raw = redis_server_ask(&fixture->redis, "EVAL", script, "0", NULL);
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

long long domain_fixture_redis_number(const struct domain_fixture *fixture, unsigned db,
                                      const char *command)
{
    char *text = domain_fixture_redis(fixture, db, command);
    long long number = strtoll(text, NULL, 10);

    free(text);
    return number;
}

char *domain_fixture_text(recsys_value *value)
{
    char *text = malloc(value->size + 1);

    CHECK(text != NULL && value->data != NULL);
    memcpy(text, value->data, value->size);
    text[value->size] = '\0';
    recsys_value_release(value);
    return text;
}

struct domain_fixture domain_fixture;

int domain_fixture_set_up(void **state)
{
    (void)state;
    domain_fixture_open(&domain_fixture, 1);
    return 0;
}

int domain_fixture_tear_down(void **state)
{
    (void)state;
    domain_fixture_close(&domain_fixture);
    return 0;
}
