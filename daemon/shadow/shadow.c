/* daemon/shadow/shadow.c - a thread that scores for comparison when no other thread wants to run.
 *
 * Workers copy a part of the requests that they have computed into a queue. One thread takes them
 * out, asks the shadow the same and compares the two answers. Three things keep it from delaying an
 * answer:
 *
 *   - It has the kernel's idle policy: where all cores are busy it does not run, the queue fills,
 * and further requests are dropped and counted. So it sheds itself first.
 *   - It holds no lock that a request takes, but the slot of its own model for an increment.
 *   - Workers do not wake it, which would be a system call for each of them; it looks for itself.
 *
 * Its time is processor time: the clock on the wall would show how long it had to wait.
 */
#include "daemon/shadow/shadow.h"

#include <string.h>
#include <time.h>

#include <recsys/ranking.h>

#include "daemon/process/logger.h"
#include "daemon/process/threads.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

#define LOOK_MS 2u   /* while there are shadows */
#define REST_MS 100u /* while there are none */
#define MILLION 1e6

static void drop(struct rd_shadow *shadow, size_t place, enum rd_shadow_drop reason)
{
    atomic_fetch_add_explicit(&shadow->n_dropped[place], 1u, memory_order_relaxed);
    recsys_metric_add(shadow->metrics->models[place].shadow_dropped[reason], 1);
}

/* Is it this request's turn? Of any n requests one after the other, n times the rate are taken. */
static bool is_taken(struct rd_shadow *shadow, size_t place, uint32_t rate)
{
    uint64_t n = atomic_fetch_add_explicit(&shadow->offered[place], 1u, memory_order_relaxed);

    return (n + 1) * rate / RD_WHOLE != n * rate / RD_WHOLE;
}

static void offer_to(struct rd_shadow *shadow, size_t place, const recsys_request *request,
                     const recsys_reply *reply)
{
    size_t number;
    struct rd_shadow_slot *slot = rd_shadow_queue_take(&shadow->queue, &number);

    if (slot == NULL) {
        drop(shadow, place, RD_SHADOW_FULL);
        return;
    }
    slot->place = place;
    slot->is_void = !rd_question_copy(&slot->question, request, reply);
    rd_shadow_queue_put(slot, number);
}

void rd_shadow_offer(struct rd_shadow *shadow, size_t place, const recsys_request *request,
                     const recsys_reply *reply)
{
    struct rd_plan plan;

    if (!shadow->started || !rd_traffic_has_shadows(shadow->traffic))
        return;
    rd_traffic_get(shadow->traffic, &plan);
    for (size_t i = 0; i < plan.n; i++)
        if (i != place && plan.shadows[i] > 0 && is_taken(shadow, i, plan.shadows[i]))
            offer_to(shadow, i, request, reply);
}

static uint64_t cpu_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Findings are about one version. */
static void begin_version(struct rd_shadow_findings *findings, const char *fingerprint)
{
    if (strcmp(findings->fingerprint, fingerprint) == 0)
        return;
    atomic_store(&findings->n_compared, 0u);
    atomic_store(&findings->n_ranked, 0u);
    atomic_store(&findings->overlap, 0u);
    atomic_store(&findings->rank_correlation, 0);
    atomic_store(&findings->cpu_us, 0u);
    (void)strncpy(findings->fingerprint, fingerprint, sizeof findings->fingerprint - 1);
}

static void note(struct rd_shadow *shadow, size_t place, const recsys_agreement *agreement,
                 uint64_t spent_ns)
{
    const struct rd_model_metrics *metrics = &shadow->metrics->models[place];
    struct rd_shadow_findings *findings = &shadow->findings[place];

    recsys_metric_record(metrics->shadow_overlap, agreement->overlap);
    recsys_metric_record(metrics->shadow_seconds, (double)spent_ns * 1e-9);
    atomic_fetch_add(&findings->n_compared, 1u);
    atomic_fetch_add(&findings->overlap, (uint64_t)(agreement->overlap * MILLION));
    atomic_fetch_add(&findings->cpu_us, spent_ns / 1000u);
    if (agreement->n_common < 2)
        return;
    recsys_metric_record(metrics->shadow_correlation, agreement->rank_correlation);
    atomic_fetch_add(&findings->n_ranked, 1u);
    atomic_fetch_add(&findings->rank_correlation, (int64_t)(agreement->rank_correlation * MILLION));
}

/* Ask `model` the question, and compare. False: it has no answer. */
static bool compare(struct rd_shadow *shadow, const struct rd_shadow_slot *slot,
                    recsys_model *model)
{
    const struct rd_question *question = &slot->question;
    recsys_agreement agreement = RECSYS_AGREEMENT_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_id items[RD_QUESTION_ITEMS];
    uint64_t start = cpu_ns();
    uint32_t n = 0;

    if (recsys_recommend(shadow->recommender, model, &question->request, 1, &reply, NULL) !=
        RECSYS_OK)
        return false;
    for (uint32_t i = 0; i < reply.count && n < RD_QUESTION_ITEMS; i++)
        items[n++] = recsys_reply_get_item(&reply, i)->item;
    if (recsys_ranking_compare(question->items, question->n_items, items, n, &agreement, NULL) !=
        RECSYS_OK)
        return false;
    note(shadow, slot->place, &agreement, cpu_ns() - start);
    return true;
}

static void ask(struct rd_shadow *shadow, const struct rd_shadow_slot *slot)
{
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_model *model;

    if (slot->is_void) {
        drop(shadow, slot->place, RD_SHADOW_LARGE);
        return;
    }
    model = recsys_deployment_acquire(shadow->traffic->named->all[slot->place].deployment);
    if (model != NULL && recsys_model_get_info(model, &info, NULL) == RECSYS_OK)
        begin_version(&shadow->findings[slot->place], info.fingerprint);
    if (model == NULL || !compare(shadow, slot, model))
        drop(shadow, slot->place, RD_SHADOW_FAILED);
    recsys_model_unref(model);
}

static void *run(void *user_data)
{
    struct rd_shadow *shadow = user_data;
    struct rd_shadow_slot *slot;

    rs_thread_name("shadow");
    if (!rd_thread_yield_to_all())
        rd_log(RECSYS_LOG_WARN, "shadows are asked at the usual priority: the kernel has no other");
    while (!rd_pause_is_ended(&shadow->pause)) {
        slot = rd_shadow_queue_first(&shadow->queue);
        if (slot == NULL) {
            (void)rd_pause_wait(&shadow->pause,
                                rd_traffic_has_shadows(shadow->traffic) ? LOOK_MS : REST_MS);
            continue;
        }
        ask(shadow, slot);
        rd_shadow_queue_drop(&shadow->queue);
    }
    return NULL;
}

bool rd_shadow_start(struct rd_shadow *shadow, struct rd_traffic *traffic,
                     const struct rd_metrics *metrics)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_error err = {0};

    shadow->traffic = traffic;
    shadow->metrics = metrics;
    if (traffic->named->n < 2)
        return true;
    options.max_k = RD_QUESTION_ITEMS;
    if (recsys_recommender_create(&options, &shadow->recommender, &err) != RECSYS_OK) {
        rd_log(RECSYS_LOG_ERROR, "cannot prepare shadows: %s", err.message);
        return false;
    }
    if (!rd_shadow_queue_init(&shadow->queue) || !rd_pause_init(&shadow->pause)) {
        rd_log(RECSYS_LOG_ERROR, "cannot prepare shadows: out of memory");
        return false;
    }
    shadow->started = rd_thread_start(&shadow->thread, run, shadow, "asks shadows");
    return shadow->started;
}

void rd_shadow_stop(struct rd_shadow *shadow)
{
    if (shadow->started) {
        rd_pause_end(&shadow->pause);
        rs_thread_join(shadow->thread);
        shadow->started = false;
    }
    recsys_recommender_destroy(shadow->recommender);
    shadow->recommender = NULL;
    rd_shadow_queue_free(&shadow->queue);
}

static void write_mean(struct rs_buffer *out, const char *name, double sum, uint64_t n)
{
    if (n > 0)
        rs_buffer_format(out, ",\"%s\":%.6g", name, sum / (double)n);
    else
        rs_buffer_format(out, ",\"%s\":null", name);
}

void rd_shadow_write(struct rd_shadow *shadow, size_t place, struct rs_buffer *out)
{
    struct rd_shadow_findings *findings = &shadow->findings[place];
    uint64_t n = atomic_load(&findings->n_compared),
             n_dropped = atomic_load(&shadow->n_dropped[place]);

    if (n == 0 && n_dropped == 0) {
        rs_buffer_add_text(out, ",\"shadow_findings\":null");
        return;
    }
    rs_buffer_format(out, ",\"shadow_findings\":{\"compared\":%llu,\"dropped\":%llu",
                     (unsigned long long)n, (unsigned long long)n_dropped);
    write_mean(out, "overlap", (double)atomic_load(&findings->overlap) / MILLION, n);
    write_mean(out, "rank_correlation", (double)atomic_load(&findings->rank_correlation) / MILLION,
               atomic_load(&findings->n_ranked));
    write_mean(out, "cpu_ms", (double)atomic_load(&findings->cpu_us) / 1000.0, n);
    rs_buffer_add(out, "}", 1);
}
