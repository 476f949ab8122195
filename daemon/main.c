/* daemon/main.c - recsysd: librecsys behind HTTP.
 *
 * Reads the settings, starts the parts (app.c), waits for a signal and stops them. routes.c and the
 * rooms that it names answer requests; librecsys recommends.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/process/logger.h"
#include "daemon/process/signals.h"
#include "daemon/routes.h"

enum { STOPPED = 0, FAILED = 1, WRONG_SETTINGS = 2 };

/* Too large for a stack, and the worker threads point into it. */
static struct rd_app app;

/* The exit status. */
static int show(enum rd_config_verdict verdict)
{
    switch (verdict) {
    case RD_CONFIG_HELP:
        rd_config_print_help(stdout);
        break;
    case RD_CONFIG_MARKDOWN:
        rd_config_print_markdown(stdout);
        break;
    case RD_CONFIG_PRINT:
        rd_config_print(stdout, &app.config);
        break;
    default:
        (void)printf("recsysd %s\n", recsys_version_string());
        break;
    }
    rd_config_free(&app.config);
    return STOPPED;
}

static int refuse(const recsys_error *err)
{
    (void)fprintf(stderr, "recsysd: %s\n", err->message);
    rd_stores_stop(&app.stores);
    rd_keys_free(&app.auth.keys);
    rd_config_free(&app.config);
    return WRONG_SETTINGS;
}

static void reload(void *changer)
{
    rd_model_changer_reload(changer);
}

static int serve(void)
{
    bool served;

    rd_log_open((int32_t)app.config.log_level);
    rd_signals_block();
    served = rd_app_start(&app, rd_routes, rd_n_routes, rd_answer);
    if (served)
        rd_signals_wait(reload, &app.changer);
    if (!rd_app_stop(&app)) {
        rd_log(RECSYS_LOG_WARN, "a model is still being loaded; exiting without waiting for it");
        _exit(served ? STOPPED : FAILED);
    }
    return served ? STOPPED : FAILED;
}

int main(int argc, char **argv)
{
    recsys_error err = {0};
    enum rd_config_verdict verdict = rd_config_load(&app.config, argc, argv, &err);

    if (verdict == RD_CONFIG_WRONG)
        return refuse(&err);
    if (verdict != RD_CONFIG_RUN)
        return show(verdict);
    return rd_app_check(&app, &err) ? serve() : refuse(&err);
}
