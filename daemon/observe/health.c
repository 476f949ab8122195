/* daemon/observe/health.c - the routes for probes and for a first look.
 *
 * /health/live answers if the process runs. /health/ready is 200 if the daemon can recommend, and
 * 503 as soon as it is stopping, so that a load balancer uses other instances while the last
 * requests finish. The states of Redis and PostgreSQL are shown but do not change the status:
 * recommendations come from the model.
 */
#include "daemon/observe/health.h"

#include <string.h>

#include <recsys/version.h>

#include "daemon/backends/backend_watch.h"
#include "daemon/backends/stores.h"
#include "daemon/observe/observed.h"
#include "daemon/traffic/traffic.h"
#include "lib/base/json_write.h"

void rd_get_root(struct rd_request *request)
{
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"message\":\"Recommendation API\",\"version\":");
    rs_json_put_string(request->out, recsys_version_string());
    rs_buffer_add_text(request->out, ",\"status\":\"running\"}");
}

void rd_get_live(struct rd_request *request)
{
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"status\":\"alive\"}");
}

static bool is_serving(const recsys_deployment_status *status)
{
    return status->active.fingerprint[0] != '\0';
}

static void get_status(const struct rd_observed *observed, recsys_deployment_status *status)
{
    memset(status, 0, sizeof *status);
    status->struct_size = (uint32_t)sizeof *status;
    if (recsys_deployment_get_status(
            observed->traffic->named->all[rd_traffic_main(observed->traffic)].deployment, status,
            NULL) != RECSYS_OK)
        memset(&status->active, 0, sizeof status->active);
}

static void write_model(struct rs_buffer *out, const recsys_deployment_status *status)
{
    rs_buffer_add_text(out, "\"model\":{\"status\":");
    rs_buffer_add_text(out, is_serving(status) ? "\"loaded\"" : "\"not_loaded\"");
    if (is_serving(status)) {
        rs_buffer_add_text(out, ",\"name\":");
        rs_json_put_string(out, status->active.name);
        rs_buffer_add_text(out, ",\"version\":");
        rs_json_put_string(out, status->active.version);
    }
    rs_buffer_add(out, "}", 1);
}

static const char *state_word(uint32_t state)
{
    static const char *const words[] = {"unknown", "up", "down", "degraded"};

    return words[state <= RD_STATE_DEGRADED ? state : RD_STATE_UNKNOWN];
}

static bool is_left_alone(recsys_store *store)
{
    recsys_store_stats stats = {0};

    stats.struct_size = (uint32_t)sizeof stats;
    return recsys_store_get_stats(store, &stats, NULL) == RECSYS_OK &&
           stats.breaker == RECSYS_BREAKER_OPEN;
}

/* A store whose circuit breaker is open is down, whatever the last check found. */
static uint32_t state_of(const struct rd_observed *observed, unsigned db)
{
    return is_left_alone(observed->stores->redis[db]) ? RD_STATE_DOWN
                                                      : atomic_load(&observed->watch->redis[db]);
}

/* One word for all Redis servers; NULL if there are none. */
static const char *sum_up(const struct rd_observed *observed)
{
    size_t n = 0, n_of[RD_STATE_DEGRADED + 1] = {0};

    for (unsigned db = 0; db < RD_DBS; db++)
        if (observed->stores->redis[db] != NULL) {
            n_of[state_of(observed, db)]++;
            n++;
        }
    if (n == 0)
        return NULL;
    if (n_of[RD_STATE_DOWN] > 0)
        return n_of[RD_STATE_DOWN] == n ? "down" : "degraded";
    if (n_of[RD_STATE_DEGRADED] > 0)
        return "degraded";
    return state_word(n_of[RD_STATE_UP] == n ? RD_STATE_UP : RD_STATE_UNKNOWN);
}

static void write_databases(struct rs_buffer *out, const struct rd_observed *observed)
{
    const char *comma = "";

    for (unsigned db = 0; db < RD_DBS; db++) {
        recsys_store *store = observed->stores->redis[db];

        if (store == NULL)
            continue;
        rs_buffer_format(out, "%s{\"db\":%u,\"store\":", comma, db);
        rs_json_put_string(out, recsys_store_get_name(store));
        rs_buffer_format(out, ",\"status\":\"%s\",\"breaker\":\"%s\"}",
                         state_word(state_of(observed, db)),
                         is_left_alone(store) ? "open" : "closed");
        comma = ",";
    }
}

/* Redis if it is used, else the cache of answers in this process. */
static void write_cache(struct rs_buffer *out, const struct rd_observed *observed)
{
    const char *redis = sum_up(observed);
    recsys_store_stats stats = {0};

    stats.struct_size = (uint32_t)sizeof stats;
    if (redis != NULL) {
        rs_buffer_format(out, ",\"cache\":{\"status\":\"%s\",\"databases\":[", redis);
        write_databases(out, observed);
        rs_buffer_add_text(out, "]}");
    } else if (observed->stores->answers == NULL ||
               recsys_store_get_stats(rd_stores_answers(observed->stores), &stats, NULL) !=
                   RECSYS_OK) {
        rs_buffer_add_text(out, ",\"cache\":{\"status\":\"off\"}");
    } else {
        rs_buffer_format(out,
                         ",\"cache\":{\"status\":\"in_process\",\"entries\":%llu,\"bytes\":%llu,"
                         "\"max_bytes\":%llu}",
                         (unsigned long long)stats.entries, (unsigned long long)stats.bytes,
                         (unsigned long long)stats.max_bytes);
    }
}

static void write_database(struct rs_buffer *out, const struct rd_observed *observed)
{
    rs_buffer_format(out, ",\"database\":{\"status\":\"%s\"}}",
                     observed->stores->database != NULL
                         ? state_word(atomic_load(&observed->watch->database))
                         : "off");
}

static void write_health(struct rd_request *request, const char *good, const char *bad,
                         bool must_serve)
{
    const struct rd_observed *observed = request->part;
    recsys_deployment_status status;
    bool draining = atomic_load_explicit(&request->http->draining, memory_order_relaxed), well;

    get_status(observed, &status);
    well = is_serving(&status) && !draining;
    request->status = well || !must_serve ? 200 : 503;
    if (request->status == 503)
        request->retry_after = 5;
    rs_buffer_add_text(request->out, "{\"status\":");
    rs_json_put_string(request->out, draining ? "stopping" : well ? good : bad);
    rs_buffer_add(request->out, ",", 1);
    write_model(request->out, &status);
    write_cache(request->out, observed);
    write_database(request->out, observed);
}

void rd_get_health(struct rd_request *request)
{
    write_health(request, "healthy", "degraded", false);
}

void rd_get_ready(struct rd_request *request)
{
    write_health(request, "ready", "not_ready", true);
}
