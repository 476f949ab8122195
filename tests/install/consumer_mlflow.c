/* tests/install/consumer_mlflow.c - a program of somebody who has installed librecsys-mlflow.
 */
#define _POSIX_C_SOURCE 200809L /* mkdtemp() */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <recsys/mlflow.h>
#include <recsys/recsys.h>

/* Nobody listens on port 1 of the loopback interface: the message says so. */
int main(void)
{
    recsys_mlflow_options options = RECSYS_MLFLOW_OPTIONS_INIT;
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_registry *registry = NULL;
    recsys_error err;
    char cache[] = "/tmp/consumer-mlflow.XXXXXX", command[64];

    if (mkdtemp(cache) == NULL)
        return 1;
    options.cache = cache;
    if (recsys_mlflow_create("http://127.0.0.1:1", &options, &registry, &err) != RECSYS_OK)
        return fprintf(stderr, "%s\n", err.message), 1;
    recsys_status status = recsys_registry_resolve(registry, "models:/m/latest", &found, &err);
    printf("%s: %s\n", recsys_status_name(status), err.message);
    recsys_registry_unref(registry);
    snprintf(command, sizeof command, "rm -r %s", cache);
    return system(command) != 0 || status != RECSYS_E_IO;
}
