/* lib/registry/deployment_options.c - reads and checks the options of a deployment.
 */
#include <math.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/registry/deployment.h"

#define KNOWN_FLAGS                                                                                \
    (RECSYS_DEPLOYMENT_ALLOW_ID_KIND | RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG |                        \
     RECSYS_DEPLOYMENT_ALLOW_NO_SEEN)
#define MAX_RECENT 65536u /* of 300 bytes each */
#define MAX_HISTORY 10000u

static recsys_status check_share(float share, const char *name, recsys_error *err)
{
    if (share >= 0.0f && share <= 1.0f)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_INVALID,
                    "recsys_deployment_create: %s is %g, which is no share from 0 to 1", name,
                    (double)share);
}

static recsys_status check(const recsys_deployment_options *given, recsys_error *err)
{
    recsys_status status;

    if (isnan(given->min_items_ratio) || isnan(given->max_error_rise) ||
        isnan(given->max_empty_rise))
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_create: %s is not a number",
                        isnan(given->min_items_ratio)  ? "min_items_ratio"
                        : isnan(given->max_error_rise) ? "max_error_rise"
                                                       : "max_empty_rise");
    status = check_share(given->min_overlap, "min_overlap", err);
    if (status == RECSYS_OK)
        status = check_share(given->max_score_shift, "max_score_shift", err);
    if (status == RECSYS_OK)
        status = check_share(given->max_empty_share, "max_empty_share", err);
    if (status == RECSYS_OK && given->n_recent > MAX_RECENT && given->n_recent != UINT32_MAX)
        status = rs_error(err, RECSYS_E_INVALID,
                          "recsys_deployment_create: n_recent is %u, at most %u are kept",
                          given->n_recent, MAX_RECENT);
    if (status == RECSYS_OK && given->max_history > MAX_HISTORY)
        status = rs_error(err, RECSYS_E_INVALID,
                          "recsys_deployment_create: max_history is %u, at most %u events are kept",
                          given->max_history, MAX_HISTORY);
    if (status == RECSYS_OK && !(given->poll_jitter <= 1.0f))
        status = rs_error(err, RECSYS_E_INVALID,
                          "recsys_deployment_create: poll_jitter is %g, which is no share up to 1",
                          (double)given->poll_jitter);
    if (status == RECSYS_OK && given->history != NULL && *given->history == '\0')
        status = rs_error(err, RECSYS_E_INVALID, "recsys_deployment_create: history is empty");
    return status;
}

/* `given`, or `otherwise` if that is 0; UINT32_MAX means none. */
static uint32_t count_of(uint32_t given, uint32_t otherwise)
{
    return given == 0 ? otherwise : given == UINT32_MAX ? 0 : given;
}

static void set_watch(struct rs_watch_rules *rules, const recsys_deployment_options *given)
{
    rules->window_ns = count_of(given->watch_s, 300) * UINT64_C(1000000000);
    rules->min_answers = given->watch_min_answers == 0 ? 100 : given->watch_min_answers;
    rules->max_error_rise = given->max_error_rise == 0.0f ? 0.2 : (double)given->max_error_rise;
    rules->max_empty_rise = given->max_empty_rise == 0.0f ? 0.2 : (double)given->max_empty_rise;
}

static void set_schedule(struct rs_poll_schedule *schedule, const recsys_deployment_options *given)
{
    uint64_t longest;

    schedule->interval_ms = given->poll_interval_ms == 0 ? 30000 : given->poll_interval_ms;
    longest = given->max_poll_wait_ms == 0 ? schedule->interval_ms * UINT64_C(10)
                                           : given->max_poll_wait_ms;
    schedule->max_ms = longest > UINT32_MAX ? UINT32_MAX : (uint32_t)longest;
    schedule->jitter = given->poll_jitter == 0.0f  ? 0.1
                       : given->poll_jitter < 0.0f ? 0.0
                                                   : (double)given->poll_jitter;
    rs_poll_schedule_begin(schedule, rs_clock_ns() / 1000000u);
}

recsys_status rs_deployment_read_options(recsys_deployment *deployment,
                                         const recsys_deployment_options *options,
                                         recsys_error *err)
{
    recsys_deployment_options given;
    recsys_status status =
        rs_struct_read(&given, sizeof given, options, RECSYS_DEPLOYMENT_OPTIONS_SIZE_V1,
                       "recsys_deployment_create: options", err);

    if (status == RECSYS_OK)
        status = rs_struct_read(&deployment->model_options, sizeof deployment->model_options,
                                given.model_options, RECSYS_MODEL_OPTIONS_SIZE_V1,
                                "recsys_deployment_create: options.model_options", err);
    if (status == RECSYS_OK)
        status =
            rs_reserved(given.flags & ~KNOWN_FLAGS, "recsys_deployment_create: options.flags", err);
    if (status == RECSYS_OK)
        status = check(&given, err);
    if (status == RECSYS_OK)
        status = rs_recent_init(&deployment->recent, count_of(given.n_recent, 256), err);
    if (status == RECSYS_OK)
        status = rs_history_open(&deployment->history, given.history,
                                 given.max_history == 0 ? 200 : given.max_history, err);
    if (status != RECSYS_OK)
        return status;
    deployment->registry = recsys_registry_ref(given.registry);
    deployment->rules = (struct rs_canary_rules){
        .n_queries = given.n_canaries == 0 ? 32 : given.n_canaries,
        .min_items_ratio = given.min_items_ratio == 0.0f ? 0.5f : given.min_items_ratio,
        .min_overlap = given.min_overlap,
        .max_score_shift = given.max_score_shift,
        .max_empty_share = given.max_empty_share,
        .allowed = given.flags};
    deployment->max_memory = given.max_memory;
    set_watch(&deployment->watch.rules, &given);
    set_schedule(&deployment->schedule, &given);
    return RECSYS_OK;
}
