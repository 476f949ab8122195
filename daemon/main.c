/* daemon/main.c - recsysd: librecsys behind HTTP.
 *
 * Reads the settings, starts the parts (app.c), waits for a signal and stops them. routes.c and the
 * rooms that it names answer requests; librecsys recommends.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/http/server.h"
#include "daemon/observe/access_log.h"
#include "daemon/process/heap.h"
#include "daemon/process/logger.h"
#include "daemon/process/notify.h"
#include "daemon/process/signals.h"
#include "daemon/process/standard_streams.h"
#include "daemon/process/threads.h"
#include "daemon/routes.h"

enum { STOPPED = 0, FAILED = 1, WRONG_SETTINGS = 2 };

struct command_line {
    int argc;
    char **argv;
};

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

static void free_settings(void)
{
    rd_stores_stop(&app.stores);
    rd_named_models_free(&app.named);
    rd_keyring_free(&app.keyring);
    rd_config_free(&app.config);
}

static int refuse(const recsys_error *err)
{
    (void)fprintf(stderr, "recsysd: %s\n", err->message);
    free_settings();
    return WRONG_SETTINGS;
}

static int accept_settings(void)
{
    (void)puts("the settings are valid");
    free_settings();
    return STOPPED;
}

/* The file of the settings may name another level now; the other settings need a restart. */
static void reload_settings(const struct command_line *line)
{
    static struct rd_config config;
    recsys_error err = {0};

    if (rd_config_load(&config, line->argc, line->argv, &err) != RD_CONFIG_RUN ||
        recsys_log_set((int32_t)config.log_level, rd_log_line, NULL, &err) != RECSYS_OK)
        rd_log(RECSYS_LOG_ERROR, "the settings stay as they were: %s", err.message);
    else
        rd_log_set_level((int32_t)config.log_level);
    rd_config_free(&config);
    if (!rd_keyring_load(&app.keyring, &app.config, &err))
        rd_log(RECSYS_LOG_ERROR, "keys and tokens stay as they were: %s", err.message);
}

static void reload(void *user_data)
{
    rd_notify_reloading();
    reload_settings(user_data);
    rd_app_reload_models(&app);
    rd_notify("READY=1");
}

static void reopen_logs(void *user_data)
{
    (void)user_data;
    rd_access_reopen();
}

/* Not ready any more, but still serving: load balancers need time to see it. */
static void delay_stop(enum rd_stop_signal signal)
{
    rd_notify("STOPPING=1");
    rd_server_announce_stop(&app.http);
    if (signal == RD_STOP_TERM)
        rd_signals_sleep(app.config.drain_delay_ms);
}

static bool start_log(void)
{
    char limits[1024];
    int error;

    if (rd_log_open((int32_t)app.config.log_level))
        return true;
    error = errno;
    rd_thread_limits(limits, sizeof limits);
    rd_log(RECSYS_LOG_ERROR, "cannot start the thread that writes the log: %s; limits: %s",
           strerror(error), limits);
    return false;
}

static int serve(struct command_line *line)
{
    static const struct rd_signal_actions actions = {reload, reopen_logs};
    bool served, ended;

    rd_signals_block();
    if (!start_log())
        return FAILED;
    served = rd_app_start(&app, rd_routes, rd_n_routes, &rd_steps);
    if (served) {
        rd_notify("READY=1");
        delay_stop(rd_signals_wait(&actions, line));
    }
    ended = rd_app_stop(&app);
    if (!ended)
        rd_log(RECSYS_LOG_WARN, "a model is still being loaded; exiting without waiting for it");
    rd_log_close(ended);
    if (!ended)
        _exit(served ? STOPPED : FAILED);
    return served ? STOPPED : FAILED;
}

int main(int argc, char **argv)
{
    struct command_line line = {argc, argv};
    recsys_error err = {0};
    enum rd_config_verdict verdict;

    rd_standard_streams_open();
    rd_heap_prepare();
    verdict = rd_config_load(&app.config, argc, argv, &err);
    if (verdict == RD_CONFIG_WRONG)
        return refuse(&err);
    if (verdict != RD_CONFIG_RUN && verdict != RD_CONFIG_CHECK)
        return show(verdict);
    if (!rd_app_check(&app, &err))
        return refuse(&err);
    return verdict == RD_CONFIG_CHECK ? accept_settings() : serve(&line);
}
