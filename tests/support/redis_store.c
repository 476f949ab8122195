/* tests/support/redis_store.c - a store over the throw-away Redis of tests/support/servers.py. */
#include "tests/support/redis_store.h"

#include <stdlib.h>

#include "tests/support/check.h"

uint32_t redis_store_port(void)
{
    const char *port = getenv("RECSYS_TEST_REDIS");

    if (port == NULL) {
        fprintf(stderr, "RECSYS_TEST_REDIS is not set: run this through\n"
                        "  tests/support/servers.py run build/servers -- PROGRAM\n");
        exit(2);
    }
    return (uint32_t)strtoul(port, NULL, 10);
}

void redis_store_options(recsys_redis_options *options, uint32_t db)
{
    *options = (recsys_redis_options)RECSYS_REDIS_OPTIONS_INIT;
    options->port = redis_store_port();
    options->db = db;
    options->connect_timeout_ms = 10000;
    options->command_timeout_ms = 10000;
    options->pool_timeout_ms = 10000;
}

recsys_store *redis_store_create(const recsys_redis_options *options)
{
    recsys_store *store;
    recsys_error err;

    CHECK_OK(recsys_redis_create("test", options, NULL, &store, &err), &err);
    return store;
}
