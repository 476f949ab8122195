/* 02_hot_swap.c - replace the model while threads are serving from it.
 *
 *   ./02_hot_swap BUNDLE [OTHER_BUNDLE]
 *
 * Four threads answer requests without a pause. Meanwhile the main thread does
 * what an operator does: load a candidate (checked, warmed up, compared with
 * the model that serves), use it, roll back. No request waits and none fails.
 *
 * The two rules for a serving thread: acquire the model for a request and
 * release it afterwards, and have a recommender of its own.
 */
#include <inttypes.h>
#include <pthread.h>
#include <recsys/recsys.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_THREADS = 4, N_SWAPS = 10 };

static recsys_deployment *deployment;
static atomic_bool stop;
static atomic_ullong n_answers, n_failures;

static void check(recsys_status status, const recsys_error *err)
{
    if (status == RECSYS_OK)
        return;
    fprintf(stderr, "%s: %s\n", recsys_status_name(status), err->message);
    exit(1);
}

static void *serve(void *unused)
{
    recsys_recommender *recommender = NULL;
    recsys_error err;
    uint64_t user = 0;

    (void)unused;
    check(recsys_recommender_create(NULL, &recommender, &err), &err);
    while (!atomic_load(&stop)) {
        recsys_model *model = recsys_deployment_acquire(deployment);
        recsys_request request = RECSYS_REQUEST_INIT;
        recsys_reply reply = RECSYS_REPLY_INIT;

        request.user.number = 1 + user++ % 100;
        if (recsys_recommend(recommender, model, &request, 1, &reply, NULL) == RECSYS_OK)
            atomic_fetch_add(&n_answers, 1);
        else
            atomic_fetch_add(&n_failures, 1);
        recsys_model_unref(model);
    }
    recsys_recommender_destroy(recommender);
    return NULL;
}

static void swap_models(const char *other)
{
    const struct timespec pause = {0, 50000000};
    recsys_error err;

    for (int i = 0; i < N_SWAPS; i++) {
        if (i % 2 == 0) {
            check(recsys_deployment_load(deployment, other, &err), &err);
            check(recsys_deployment_use(deployment, NULL, &err), &err);
        } else {
            check(recsys_deployment_rollback(deployment, &err), &err);
        }
        nanosleep(&pause, NULL);
        recsys_deployment_reap(deployment); /* replaced models are unmapped here */
    }
}

int main(int argc, char **argv)
{
    const char *source = argc > 1 ? argv[1] : "model";
    recsys_deployment_status status = {.struct_size = sizeof status};
    pthread_t threads[N_THREADS];
    recsys_error err;

    check(recsys_deployment_create(source, NULL, &deployment, &err), &err);
    check(recsys_deployment_load(deployment, NULL, &err), &err);
    check(recsys_deployment_use(deployment, NULL, &err), &err);
    for (int i = 0; i < N_THREADS; i++)
        if (pthread_create(&threads[i], NULL, serve, NULL) != 0)
            return 1;

    swap_models(argc > 2 ? argv[2] : source);

    atomic_store(&stop, 1);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    check(recsys_deployment_get_status(deployment, &status, &err), &err);
    printf("%llu answers and %llu failures during %" PRIu64 " swaps; %s %s serves\n",
           atomic_load(&n_answers), atomic_load(&n_failures), status.n_swaps, status.active.name,
           status.active.version);
    recsys_deployment_destroy(deployment);
    return atomic_load(&n_failures) == 0 ? 0 : 1;
}
