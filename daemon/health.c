/* daemon/health.c - the routes that probes and people look at first.
 *
 * live says that the process answers; ready says that it can recommend, and
 * goes away as soon as the daemon has been asked to stop, so that a load
 * balancer looks elsewhere while the last requests finish.
 */
#include <string.h>

#include "daemon/openapi.h"
#include "daemon/reply.h"
#include "daemon/routes.h"

void rd_get_root(struct rd_request *request)
{
    request->status = 200;
    rd_text_puts(request->out, "{\"message\":\"Recommendation API\",\"version\":");
    rd_text_json_puts(request->out, recsys_version_string());
    rd_text_puts(request->out, ",\"status\":\"running\"}");
}

void rd_get_live(struct rd_request *request)
{
    request->status = 200;
    rd_text_puts(request->out, "{\"status\":\"alive\"}");
}

static bool is_serving(const recsys_deployment_status *status)
{
    return status->active.fingerprint[0] != '\0';
}

static void get_status(const struct rd_app *app, recsys_deployment_status *status)
{
    memset(status, 0, sizeof *status);
    status->struct_size = (uint32_t)sizeof *status;
    if (recsys_deployment_get_status(app->deployment, status, NULL) != RECSYS_OK)
        memset(&status->active, 0, sizeof status->active);
}

static void write_model(struct rd_text *out, const recsys_deployment_status *status)
{
    rd_text_puts(out, "\"model\":{\"status\":");
    rd_text_puts(out, is_serving(status) ? "\"loaded\"" : "\"not_loaded\"");
    if (is_serving(status)) {
        rd_text_puts(out, ",\"name\":");
        rd_text_json_puts(out, status->active.name);
        rd_text_puts(out, ",\"version\":");
        rd_text_json_puts(out, status->active.version);
    }
    rd_text_add(out, "}", 1);
}

static void write_cache(struct rd_text *out, recsys_cache *cache)
{
    recsys_cache_stats stats = {0};

    stats.struct_size = (uint32_t)sizeof stats;
    if (cache == NULL || recsys_cache_get_stats(cache, &stats, NULL) != RECSYS_OK)
        rd_text_puts(out, ",\"cache\":{\"status\":\"off\"}");
    else
        rd_text_printf(out,
                       ",\"cache\":{\"status\":\"in_process\",\"entries\":%llu,\"bytes\":%llu,"
                       "\"max_bytes\":%llu}",
                       (unsigned long long)stats.entries, (unsigned long long)stats.bytes,
                       (unsigned long long)stats.max_bytes);
}

static void write_health(struct rd_request *request, const char *good, const char *bad,
                         bool must_serve)
{
    struct rd_app *app = request->app;
    recsys_deployment_status status;
    bool draining = atomic_load_explicit(&app->draining, memory_order_relaxed), well;

    get_status(app, &status);
    well = is_serving(&status) && !draining;
    request->status = well || !must_serve ? 200 : 503;
    if (request->status == 503)
        request->retry_after = 5;
    rd_text_puts(request->out, "{\"status\":");
    rd_text_json_puts(request->out, draining ? "stopping" : well ? good : bad);
    rd_text_add(request->out, ",", 1);
    write_model(request->out, &status);
    write_cache(request->out, app->cache);
    rd_text_puts(request->out, ",\"database\":{\"status\":\"off\"}}");
}

void rd_get_health(struct rd_request *request)
{
    write_health(request, "healthy", "degraded", false);
}

void rd_get_ready(struct rd_request *request)
{
    write_health(request, "ready", "not_ready", true);
}

void rd_get_openapi(struct rd_request *request)
{
    request->status = 200;
    rd_text_add(request->out, rd_openapi_json, rd_openapi_json_size);
}
