/* Out of memory in slots, deployments, caches and metrics: the old state goes on serving; see
 * oom.h. */
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/oom.h"

FAIL_ALLOC_INTERPOSE;

static recsys_status create_a_slot(void)
{
    recsys_slot *slot = (recsys_slot *)&oom_err;
    recsys_status status;

    FAILING(status, recsys_slot_create(&slot, &oom_err));
    CHECK(status == RECSYS_OK || slot == NULL);
    if (status == RECSYS_OK)
        recsys_slot_destroy(slot);
    return status;
}

static recsys_status swap_a_model(void)
{
    recsys_slot *slot = NULL;
    recsys_model *old = oom_load_model("full"), *next = oom_load_model("full"), *got;
    recsys_status status;

    CHECK_OK(recsys_slot_create(&slot, &oom_err), &oom_err);
    CHECK_OK(recsys_slot_swap(slot, old, &oom_err), &oom_err);
    got = recsys_slot_acquire(slot); /* so that the old one must be remembered */
    FAILING(status, recsys_slot_swap(slot, next, &oom_err));
    oom_check_answers(got, &oom_bundles[0]);
    recsys_model_unref(got);
    got = recsys_slot_acquire(slot);
    CHECK(got == (status == RECSYS_OK ? next : old));
    CHECK_EQ(recsys_slot_get_generation(slot), status == RECSYS_OK ? 2 : 1);
    oom_check_answers(got, &oom_bundles[0]);
    recsys_model_unref(got);
    recsys_slot_destroy(slot);
    recsys_model_unref(old);
    recsys_model_unref(next);
    return status;
}

static recsys_status create_a_deployment(void)
{
    recsys_deployment *deployment = (recsys_deployment *)&oom_err;
    recsys_status status;

    FAILING(status, recsys_deployment_create(oom_path("full"), NULL, &deployment, &oom_err));
    CHECK(status == RECSYS_OK || deployment == NULL);
    if (status == RECSYS_OK)
        recsys_deployment_destroy(deployment);
    return status;
}

static void check_served(recsys_deployment *deployment, const char *fingerprint, uint64_t failures)
{
    recsys_deployment_status now = {.struct_size = (uint32_t)sizeof now};
    recsys_model *model = recsys_deployment_acquire(deployment);

    CHECK(model != NULL);
    oom_check_answers(model, &oom_bundles[0]);
    recsys_model_unref(model);
    CHECK_OK(recsys_deployment_get_status(deployment, &now, &oom_err), &oom_err);
    CHECK_EQ(now.n_failures, failures);
    CHECK(fingerprint == NULL || strcmp(now.active.fingerprint, fingerprint) == 0);
    if (failures > 0)
        CHECK(now.last_error.status != RECSYS_OK && now.last_error.message[0] != '\0');
}

enum step { LOAD, LOAD_MODEL, USE, ROLLBACK, RELOAD };

/* A deployment that has served "other" and serves "full"; one more step fails. */
static recsys_status take_a_step(enum step step)
{
    recsys_deployment *deployment = NULL;
    recsys_deployment_status before = {.struct_size = (uint32_t)sizeof before};
    recsys_model *model = NULL;
    uint32_t changed = 7;
    recsys_status status;

    CHECK_OK(recsys_deployment_create(oom_path("other"), NULL, &deployment, &oom_err), &oom_err);
    CHECK_OK(recsys_deployment_load(deployment, NULL, &oom_err), &oom_err);
    CHECK_OK(recsys_deployment_use(deployment, NULL, &oom_err), &oom_err);
    CHECK_OK(recsys_deployment_load(deployment, oom_path("full"), &oom_err), &oom_err);
    CHECK_OK(recsys_deployment_use(deployment, NULL, &oom_err), &oom_err);
    if (step == USE)
        CHECK_OK(recsys_deployment_load(deployment, oom_path("other"), &oom_err), &oom_err);
    CHECK_OK(recsys_deployment_get_status(deployment, &before, &oom_err), &oom_err);
    switch (step) {
    case LOAD:
        FAILING(status, recsys_deployment_load(deployment, oom_path("other"), &oom_err));
        break;
    case LOAD_MODEL:
        CHECK_OK(recsys_model_load(oom_path("other"), NULL, &model, &oom_err), &oom_err);
        FAILING(status, recsys_deployment_load_model(deployment, model, &oom_err));
        recsys_model_unref(model);
        break;
    case USE:
        FAILING(status, recsys_deployment_use(deployment, NULL, &oom_err));
        break;
    case ROLLBACK:
        FAILING(status, recsys_deployment_rollback(deployment, &oom_err));
        break;
    default:
        FAILING(status, recsys_deployment_reload(deployment, &changed, &oom_err));
        CHECK_EQ(changed, status == RECSYS_OK);
        break;
    }
    if (status == RECSYS_OK && step != LOAD && step != LOAD_MODEL)
        check_served(deployment, before.previous.fingerprint, 0);
    else
        check_served(deployment, before.active.fingerprint, status != RECSYS_OK);
    if (status != RECSYS_OK && step == USE) /* the candidate is still there */
        CHECK_OK(recsys_deployment_use(deployment, NULL, &oom_err), &oom_err);
    if (status != RECSYS_OK && step == ROLLBACK)
        CHECK_OK(recsys_deployment_rollback(deployment, &oom_err), &oom_err);
    recsys_deployment_destroy(deployment);
    return status;
}

static recsys_status deploy_load(void)
{
    return take_a_step(LOAD);
}

static recsys_status load_the_callers_model(void)
{
    return take_a_step(LOAD_MODEL);
}

static recsys_status deploy_use(void)
{
    return take_a_step(USE);
}

static recsys_status deploy_roll_back(void)
{
    return take_a_step(ROLLBACK);
}

static recsys_status deploy_reload(void)
{
    return take_a_step(RELOAD);
}

static recsys_status create_a_batcher(void)
{
    recsys_batcher *batcher = (recsys_batcher *)&oom_err;
    recsys_status status;

    FAILING(status, recsys_batcher_create(NULL, &batcher, &oom_err));
    CHECK(status == RECSYS_OK || batcher == NULL);
    recsys_batcher_destroy(batcher);
    return status;
}

static recsys_status count_reply(const recsys_reply *reply, const recsys_batch *batch,
                                 void *user_data, recsys_error *err)
{
    (void)batch;
    (void)err;
    *(uint32_t *)user_data += reply->count;
    return RECSYS_OK;
}

/* A batch that fails leaves the batcher as it was. */
static recsys_status ask_a_batcher(void)
{
    recsys_model *model = oom_load_model("full");
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_batcher_call call = RECSYS_BATCHER_CALL_INIT;
    recsys_batcher *batcher = NULL;
    uint32_t n_items = 0;
    recsys_status status;

    request.flags = RECSYS_REQUEST_ANONYMOUS | RECSYS_REQUEST_REASONS;
    call.reply = count_reply;
    call.user_data = &n_items;
    CHECK_OK(recsys_batcher_create(NULL, &batcher, &oom_err), &oom_err);
    FAILING(status, recsys_batcher_recommend(batcher, model, &request, &call, &oom_err));
    CHECK_EQ(n_items, status == RECSYS_OK ? 10 : 0);
    n_items = 0;
    CHECK_OK(recsys_batcher_recommend(batcher, model, &request, &call, &oom_err), &oom_err);
    CHECK_EQ(n_items, 10);
    recsys_batcher_destroy(batcher);
    recsys_model_unref(model);
    return status;
}

static recsys_status create_a_cache(void)
{
    recsys_cache *cache = (recsys_cache *)&oom_err;
    recsys_status status;

    FAILING(status, recsys_cache_create(NULL, &cache, &oom_err));
    CHECK(status == RECSYS_OK || cache == NULL);
    if (status == RECSYS_OK)
        recsys_cache_destroy(cache);
    return status;
}

static recsys_bytes text(const char *text)
{
    return (recsys_bytes){text, strlen(text)};
}

/* A key holds what it should hold, or nothing. */
static void check_key(recsys_cache *cache, const char *key, const char *want)
{
    recsys_cache_entry *entry = NULL;
    recsys_status status = recsys_cache_get(cache, text(key), &entry, NULL);
    size_t size;

    CHECK_EQ(status, want == NULL ? RECSYS_E_NOT_FOUND : RECSYS_OK);
    if (want == NULL)
        return;
    const void *value = recsys_cache_entry_get(entry, &size);
    CHECK(size == strlen(want) && memcmp(value, want, size) == 0);
    recsys_cache_release(entry);
}

static recsys_status set_in_a_cache(void)
{
    recsys_cache *cache = NULL;
    recsys_status status;

    CHECK_OK(recsys_cache_create(NULL, &cache, &oom_err), &oom_err);
    CHECK_OK(recsys_cache_set(cache, text("kept"), text("old"), 0, &oom_err), &oom_err);
    CHECK_OK(recsys_cache_set(cache, text("key"), text("old"), 0, &oom_err), &oom_err);
    FAILING(status, recsys_cache_set(cache, text("key"), text("new"), 0, &oom_err));
    /* "A value that cannot be stored does not stay either" */
    check_key(cache, "key", status == RECSYS_OK ? "new" : NULL);
    check_key(cache, "kept", "old");
    CHECK_OK(recsys_cache_set(cache, text("key"), text("newer"), 0, &oom_err), &oom_err);
    check_key(cache, "key", "newer");
    recsys_cache_destroy(cache);
    return status;
}

static int32_t add_size(const char *text, size_t size, void *user_data)
{
    (void)text;
    *(size_t *)user_data += size;
    return 0;
}

static recsys_status fill_stats(recsys_stats *stats, recsys_metric *metrics[4])
{
    static const double bounds[] = {0.1, 1, 10};

    TRY(recsys_stats_add_counter(stats, "a_total", "a", "x=\"1\"", &metrics[0], &oom_err));
    TRY(recsys_stats_add_counter(stats, "a_total", "a", "x=\"2\"", &metrics[1], &oom_err));
    TRY(recsys_stats_add_gauge(stats, "b", "b", NULL, &metrics[2], &oom_err));
    return recsys_stats_add_histogram(stats, "c", "c", NULL, bounds, 3, &metrics[3], &oom_err);
}

static recsys_status create_and_fill(recsys_stats **stats, recsys_metric *metrics[4])
{
    TRY(recsys_stats_create(stats, &oom_err));
    return fill_stats(*stats, metrics);
}

static recsys_status make_metrics(void)
{
    recsys_stats *stats = NULL;
    recsys_metric *metrics[4] = {NULL, NULL, NULL, NULL};
    size_t size = 0;
    recsys_status status;

    FAILING(status, create_and_fill(&stats, metrics));
    if (stats == NULL)
        return status;
    CHECK_OK(fill_stats(stats, metrics), &oom_err);
    recsys_metric_add(metrics[0], 3);
    recsys_metric_record(metrics[3], 0.5);
    CHECK(recsys_metric_get(metrics[0]) == 3.0);
    CHECK_OK(recsys_stats_format(stats, add_size, &size, &oom_err), &oom_err);
    CHECK(size > 0);
    recsys_stats_unref(stats);
    return status;
}

static recsys_status write_metrics(void)
{
    recsys_stats *stats = NULL;
    recsys_metric *metrics[4];
    size_t size = 0, again = 0;
    recsys_status status;

    CHECK_OK(recsys_stats_create(&stats, &oom_err), &oom_err);
    CHECK_OK(fill_stats(stats, metrics), &oom_err);
    FAILING(status, recsys_stats_format(stats, add_size, &size, &oom_err));
    CHECK_OK(recsys_stats_format(stats, add_size, &again, &oom_err), &oom_err);
    CHECK(status != RECSYS_OK || size == again);
    recsys_stats_unref(stats);
    return status;
}

static const struct oom_scenario scenarios[] = {
    {"create a slot", create_a_slot, 0},
    {"swap a model", swap_a_model, 0},
    {"create a deployment", create_a_deployment, 0},
    {"deployment: load", deploy_load, 0},
    {"deployment: load a model of the caller", load_the_callers_model, 0},
    {"deployment: use", deploy_use, 0},
    {"deployment: roll back", deploy_roll_back, 0},
    {"deployment: reload", deploy_reload, 0},
    {"create a batcher", create_a_batcher, 0},
    {"ask a batcher", ask_a_batcher, 0},
    {"create a cache", create_a_cache, 0},
    {"set in a cache", set_in_a_cache, 0},
    {"make metrics", make_metrics, 0},
    {"write metrics", write_metrics, 0},
};

int main(void)
{
    return oom_main(scenarios, sizeof scenarios / sizeof *scenarios, FAIL_ALLOC_INTERPOSED);
}
