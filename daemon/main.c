/* daemon/main.c - recsysd: librecsys behind HTTP.
 *
 * Reads the settings, makes the parts in the order in which they need each
 * other, waits for a signal and takes them down the other way round. What a
 * request means is in routes.c and the files it names; what a recommendation
 * is, only the library knows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/http/server.h"
#include "daemon/http/stamp.h"
#include "daemon/observe/logger.h"
#include "daemon/routes.h"
#include "lib/base/clock.h"

enum { STOPPED = 0, FAILED = 1, WRONG_SETTINGS = 2 };

/* Too large for a stack, and the worker threads point into it. */
static struct rd_app app;

static bool failed(const char *what, const recsys_error *err)
{
    rd_log(RECSYS_LOG_ERROR, "%s: %s", what, err->message);
    return false;
}

static bool make_deployment(void)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    const struct rd_config *config = &app.config;
    recsys_error err = {0};

    if (config->registry[0] != '\0' &&
        recsys_registry_open(config->registry, &app.registry, &err) != RECSYS_OK)
        return failed("cannot open the registry", &err);
    options.registry = app.registry;
    if (recsys_deployment_create(config->model, &options, &app.deployment, &err) != RECSYS_OK)
        return failed("cannot use this model", &err);
    return rd_reload(&app) || config->wait_for_model;
}

static bool start(void)
{
    recsys_error err = {0};

    if (recsys_log_set((int32_t)app.config.log_level, rd_log_line, NULL, &err) != RECSYS_OK)
        return failed("cannot hear the library", &err);
    if (recsys_blas_set_threads((uint32_t)app.config.blas_threads, &err) != RECSYS_OK)
        rd_log(RECSYS_LOG_WARN, "BLAS keeps its own number of threads: %s", err.message);
    return make_deployment() && rd_metrics_start(&app.metrics) && rd_stores_start(&app) &&
           rd_store_metrics_start(&app) && rd_access_open(app.config.access_log) &&
           rd_batch_start(&app) && rd_changer_start(&app) && rd_backend_start(&app) &&
           rd_server_start(&app);
}

/* Also after a start that failed half way. False if a load that still runs must be left behind. */
static bool stop(void)
{
    uint64_t deadline = rs_clock_ns() + app.config.drain_timeout_ms * 1000000u;
    bool idle;

    atomic_store(&app.draining, true);
    rd_server_drain(&app, deadline);
    idle = rd_changer_stop(&app, deadline);
    if (idle)
        rd_server_stop(&app);
    rd_access_close();
    if (!idle)
        return false;
    rd_backend_stop(&app);
    recsys_recommender_destroy(app.batch_recommender);
    rd_stores_stop(&app.stores);
    rd_metrics_stop(&app.metrics);
    recsys_deployment_destroy(app.deployment);
    recsys_registry_unref(app.registry);
    rd_auth_free(&app.auth);
    rd_config_free(&app.config);
    (void)pthread_mutex_destroy(&app.batch_lock);
    return true;
}

/* What is wrong with the settings goes to `message`. */
static enum rd_config_verdict read_settings(int argc, char **argv, char *message, size_t size)
{
    enum rd_config_verdict verdict = rd_config_load(&app.config, argc, argv, message, size);

    if (verdict != RD_CONFIG_RUN)
        return verdict;
    if (app.config.model[0] == '\0') {
        (void)snprintf(message, size, "no model to serve: give --model; see --help");
        return RD_CONFIG_WRONG;
    }
    if (!rd_auth_load(&app.auth, &app.config, message, size) ||
        !rd_server_check(&app, message, size) || !rd_stores_check(&app, message, size))
        return RD_CONFIG_WRONG;
    return RD_CONFIG_RUN;
}

int main(int argc, char **argv)
{
    char message[1024] = "";
    bool served;

    switch (read_settings(argc, argv, message, sizeof message)) {
    case RD_CONFIG_RUN:
        break;
    case RD_CONFIG_DONE:
        rd_config_free(&app.config);
        return STOPPED;
    case RD_CONFIG_WRONG:
        (void)fprintf(stderr, "recsysd: %s\n", message);
        rd_stores_stop(&app.stores);
        rd_auth_free(&app.auth);
        rd_config_free(&app.config);
        return WRONG_SETTINGS;
    }
    rd_log_open((int32_t)app.config.log_level);
    (void)pthread_mutex_init(&app.batch_lock, NULL);
    rd_signals_block();
    served = start();
    if (served)
        rd_signals_wait(&app);
    if (!stop()) {
        rd_log(RECSYS_LOG_WARN, "a model is still being loaded; leaving it");
        _exit(served ? STOPPED : FAILED);
    }
    return served ? STOPPED : FAILED;
}
