/* daemon/http/server.c - the addresses that are served, from the start to the stop.
 *
 * Stopping: first no new connections are made and those that the kernel has are accepted
 * (listener.c); then rd_server_drain() waits until no request is under way or about to come; only
 * then the threads are ended and the connections closed.
 */
#include "daemon/http/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/http/engine.h"
#include "daemon/process/logger.h"
#include "lib/base/clock.h"

#define EMPTY_MS 20u /* a handshake that has begun ends within this time */
#define QUIET_MS 60u /* an accepted connection gets a worker within this time */
#define FIRST_REQUEST_MS 1000u

static struct rd_engine main_engine = RD_ENGINE_INIT, health_engine = RD_ENGINE_INIT;
static bool serves; /* rd_server_start() was called */

static bool has_health(const struct rd_http *http)
{
    return http->settings.health_listen[0] != '\0';
}

static bool write_port_file(const char *path)
{
    char temporary[4200];
    FILE *file;
    bool ok;

    if (path[0] == '\0')
        return true;
    (void)snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    file = fopen(temporary, "we");
    ok = file != NULL && fprintf(file, "%d\n", rd_engine_port(&main_engine)) > 0;
    if (ok && rd_engine_port(&health_engine) != 0)
        ok = fprintf(file, "%d\n", rd_engine_port(&health_engine)) > 0;
    if (file != NULL && fclose(file) != 0)
        ok = false;
    if (!ok || rename(temporary, path) != 0) {
        rd_log(RECSYS_LOG_ERROR, "cannot write port_file %s: %s", path, strerror(errno));
        (void)unlink(temporary);
        return false;
    }
    return true;
}

static void log_listeners(const struct rd_engine *engine, const char *what)
{
    for (size_t i = 0; i < engine->n_listeners; i++) {
        const struct rd_listener *listener = &engine->listeners[i];
        const char *text = listener->address.text;

        if (listener->address.is_unix)
            rd_log(RECSYS_LOG_INFO, "recsysd listening on %s%s", text, what);
        else
            rd_log(RECSYS_LOG_INFO, "recsysd listening on http://%.*s:%d%s",
                   (int)(strrchr(text, ':') - text), text, listener->port, what);
    }
}

bool rd_server_start(struct rd_http *http)
{
    const struct rd_http_settings *settings = &http->settings;
    const struct rd_engine_options options = {"http", settings->listen, settings->threads,
                                              settings->max_connections, false};
    const struct rd_engine_options health = {"health", settings->health_listen, RD_HEALTH_THREADS,
                                             RD_HEALTH_CONNECTIONS, true};

    serves = true;
    if (!rd_engine_start(&main_engine, http, &options) ||
        (has_health(http) && !rd_engine_start(&health_engine, http, &health)) ||
        !write_port_file(settings->port_file))
        return false;
    log_listeners(&main_engine, "");
    log_listeners(&health_engine, " for operators");
    return true;
}

void rd_server_announce_stop(struct rd_http *http)
{
    atomic_store(&http->draining, true);
}

/* Requests under way, and connections whose first request has not come yet. */
static bool is_busy(struct rd_http *http, uint64_t now, uint64_t since)
{
    return atomic_load_explicit(&http->active, memory_order_acquire) > 0 ||
           (now - since < FIRST_REQUEST_MS * 1000000u &&
            atomic_load_explicit(&http->expected, memory_order_acquire) > 0);
}

static uint32_t count_queued(void)
{
    return rd_engine_count_queued(&main_engine) + rd_engine_count_queued(&health_engine);
}

/* The time, once nothing has been queued for EMPTY_MS. */
static uint64_t wait_until_accepted(uint64_t deadline_ns)
{
    static const struct timespec step = {0, 1000000};
    uint64_t now = rs_clock_ns(), empty_since = now;

    while (now < deadline_ns && now - empty_since < EMPTY_MS * 1000000u) {
        (void)nanosleep(&step, NULL);
        now = rs_clock_ns();
        if (count_queued() > 0)
            empty_since = now;
    }
    return now;
}

void rd_server_drain(struct rd_http *http, uint64_t deadline_ns)
{
    static const struct timespec step = {0, 5000000};
    uint64_t now, since, quiet_since;

    rd_server_announce_stop(http);
    if (!serves)
        return;
    rd_engine_refuse(&main_engine);
    rd_engine_refuse(&health_engine);
    now = since = quiet_since = wait_until_accepted(deadline_ns);
    rd_engine_close(&main_engine);
    rd_engine_close(&health_engine);
    while (now < deadline_ns && now - quiet_since < QUIET_MS * 1000000u) {
        (void)nanosleep(&step, NULL);
        now = rs_clock_ns();
        if (is_busy(http, now, since))
            quiet_since = now;
    }
    if (now >= deadline_ns && atomic_load(&http->active) > 0)
        rd_log(RECSYS_LOG_WARN, "%u requests were not finished in time",
               atomic_load_explicit(&http->active, memory_order_relaxed));
}

void rd_server_stop(void)
{
    rd_engine_stop(&main_engine);
    rd_engine_stop(&health_engine);
}

uint32_t rd_server_count_waiting(void)
{
    return rd_engine_count_waiting(&main_engine) + rd_engine_count_waiting(&health_engine);
}
