/* tests/install/consumer_redis.c - a program of somebody who has installed librecsys-redis. */
#include <stdio.h>

#include <recsys/recsys.h>
#include <recsys/redis.h>

/* Nobody listens on port 1 of the loopback interface: the message says so. */
int main(void)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    recsys_store *store = NULL;
    recsys_value value = {0};
    const recsys_bytes key = {"key", 3};
    uint64_t incarnation;
    recsys_error err;

    options.port = 1;
    if (recsys_redis_create("cache", &options, NULL, &store, &err) != RECSYS_OK)
        return fprintf(stderr, "%s\n", err.message), 1;
    recsys_status status = recsys_store_get(store, &key, 1, &value, &incarnation, &err);
    printf("%s: %s\n", recsys_status_name(status), err.message);
    recsys_value_release(&value);
    recsys_store_unref(store);
    return status != RECSYS_E_IO;
}
