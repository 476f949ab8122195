/* tests/bench/bench_rollback.c - how long a rollback takes while requests are answered.
 *
 *   bench_rollback BUNDLE BUNDLE [--threads N] [--rollbacks N] [--pause-ms N]
 *
 * N threads answer requests from the deployment as fast as they can, and a further one loads the
 * second bundle as a candidate again and again, which is what a rollback must not wait for. Prints
 * one line of JSON: how long the call took, and how long until the first request was answered by
 * the model that came back; both from the moment the rollback was ordered, as quantiles in
 * microseconds.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <recsys/recsys.h>

#define MAX_THREADS 64u
#define MAX_ROLLBACKS 100000u

static recsys_deployment *deployment;
static _Atomic(const recsys_model *) answered; /* by which the last request was */
static atomic_ullong n_answers, n_failed, n_loads;
static atomic_int stop;
static const char *second;

static void die(const char *what, const recsys_error *err)
{
    (void)fprintf(stderr, "bench_rollback: %s: %s\n", what, err->message);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *serve(void *unused)
{
    recsys_recommender *recommender;
    recsys_error err = {0};
    uint64_t user = 0;

    (void)unused;
    if (recsys_recommender_create(NULL, &recommender, &err) != RECSYS_OK)
        die("recommender", &err);
    while (!atomic_load(&stop)) {
        recsys_request request = RECSYS_REQUEST_INIT;
        recsys_reply reply = RECSYS_REPLY_INIT;
        recsys_model *model = recsys_deployment_acquire(deployment);
        request.user.number = ++user;
        recsys_status status = recsys_recommend(recommender, model, &request, 1, &reply, &err);
        atomic_store(&answered, model);
        atomic_fetch_add(&n_answers, 1u);
        atomic_fetch_add(&n_failed, status != RECSYS_OK || reply.count == 0);
        (void)recsys_deployment_record(deployment, model, &request, 1, 0, 0, NULL);
        recsys_model_unref(model);
    }
    recsys_recommender_destroy(recommender);
    return NULL;
}

static void *load(void *unused)
{
    (void)unused;
    while (!atomic_load(&stop)) {
        recsys_error err = {0};
        if (recsys_deployment_load(deployment, second, &err) != RECSYS_OK)
            die("load", &err);
        atomic_fetch_add(&n_loads, 1u);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void print_quantiles(const char *name, uint64_t *ns, size_t n)
{
    qsort(ns, n, sizeof *ns, compare);
    (void)printf("\"%s\": {\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}, ", name,
                 (double)ns[n / 2] / 1e3, (double)ns[n * 99 / 100] / 1e3, (double)ns[n - 1] / 1e3);
}

static void deploy(const char *first)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    recsys_error err = {0};

    options.min_items_ratio = -1.0f;
    options.flags = RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG | RECSYS_DEPLOYMENT_ALLOW_NO_SEEN;
    options.watch_s = UINT32_MAX;
    if (recsys_deployment_create(first, &options, &deployment, &err) != RECSYS_OK ||
        recsys_deployment_reload(deployment, NULL, &err) != RECSYS_OK ||
        recsys_deployment_load(deployment, second, &err) != RECSYS_OK ||
        recsys_deployment_use(deployment, NULL, &err) != RECSYS_OK)
        die("deployment", &err);
}

/* Order one, and wait until it shows. */
static void roll_back(uint64_t *call_ns, uint64_t *effect_ns)
{
    recsys_model *before = recsys_deployment_acquire(deployment);
    recsys_error err = {0};
    uint64_t begin = now_ns();

    if (recsys_deployment_rollback(deployment, &err) != RECSYS_OK)
        die("rollback", &err);
    *call_ns = now_ns() - begin;
    recsys_model *after = recsys_deployment_acquire(deployment);
    while (atomic_load(&answered) != after)
        ;
    *effect_ns = now_ns() - begin;
    if (before == after) {
        (void)fprintf(stderr, "bench_rollback: nothing was rolled back\n");
        exit(1);
    }
    recsys_model_unref(before);
    recsys_model_unref(after);
}

int main(int argc, char **argv)
{
    unsigned n_threads = 2, n_rollbacks = 1000, pause_ms = 5;
    pthread_t threads[MAX_THREADS], loader;

    for (int i = 3; i + 1 < argc; i += 2) {
        unsigned value = (unsigned)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--threads") == 0)
            n_threads = value < MAX_THREADS ? value : MAX_THREADS;
        if (strcmp(argv[i], "--rollbacks") == 0)
            n_rollbacks = value < MAX_ROLLBACKS ? value : MAX_ROLLBACKS;
        if (strcmp(argv[i], "--pause-ms") == 0)
            pause_ms = value;
    }
    if (argc < 3 || n_threads == 0 || n_rollbacks == 0) {
        (void)fprintf(stderr,
                      "usage: bench_rollback BUNDLE BUNDLE [--threads N] [--rollbacks N]\n");
        return 2;
    }
    second = argv[2];
    deploy(argv[1]);
    uint64_t *call_ns = calloc(n_rollbacks, sizeof *call_ns);
    uint64_t *effect_ns = calloc(n_rollbacks, sizeof *effect_ns);
    if (call_ns == NULL || effect_ns == NULL)
        return 1;
    for (unsigned i = 0; i < n_threads; i++)
        if (pthread_create(&threads[i], NULL, serve, NULL) != 0)
            return 1;
    if (pthread_create(&loader, NULL, load, NULL) != 0)
        return 1;
    for (unsigned i = 0; i < n_rollbacks; i++) {
        struct timespec pause = {0, (long)pause_ms * 1000000};
        (void)nanosleep(&pause, NULL);
        roll_back(&call_ns[i], &effect_ns[i]);
    }
    atomic_store(&stop, 1);
    for (unsigned i = 0; i < n_threads; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_join(loader, NULL);
    (void)printf("{");
    print_quantiles("call", call_ns, n_rollbacks);
    print_quantiles("effect", effect_ns, n_rollbacks);
    (void)printf("\"rollbacks\": %u, \"threads\": %u, \"answers\": %llu, \"failed\": %llu, "
                 "\"loads\": %llu}\n",
                 n_rollbacks, n_threads, (unsigned long long)atomic_load(&n_answers),
                 (unsigned long long)atomic_load(&n_failed),
                 (unsigned long long)atomic_load(&n_loads));
    recsys_deployment_destroy(deployment);
    free(call_ns);
    free(effect_ns);
    return 0;
}
