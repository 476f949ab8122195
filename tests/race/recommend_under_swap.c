/* Readers recommend from a deployment while an operator loads, uses, rolls back and reaps.
 *
 * Two versions of a model know the same users and items but not the same
 * vectors. The answers of each of them are computed beforehand; under fire every
 * reply must be one version's answer to the last bit, and all replies of one
 * call those of one version: a reader never sees a mixture, nor a model that
 * is half gone. For TSan and ASan too. RECSYS_LONG=1 runs it longer. */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

#define SEED 20260701u
#define N_READERS 3
#define N_USERS 16
#define N_ITEMS 150
#define D 12
#define N_REQUESTS 6
#define K 20

struct answer {
    uint32_t strategy, count;
    uint64_t items[K];
    float raws[K], scores[K];
    char reasons[K][384];
};

static char *scratch, paths[2][PATH_MAX];
static struct answer expected[2][N_USERS][N_REQUESTS];
static recsys_deployment *deployment;
static atomic_int stop;
static atomic_ulong n_answers[2];

/* The questions for a user: plain, filtered, with preferences, with reasons, a stranger. */
static void make_requests(uint64_t user, recsys_request requests[N_REQUESTS])
{
    static const char *const genres[] = {"Drama", "Crime"}, *const languages[] = {"en", "fr"};

    for (size_t i = 0; i < N_REQUESTS; i++) {
        requests[i] = (recsys_request)RECSYS_REQUEST_INIT;
        requests[i].user.number = user;
        requests[i].k = K;
    }
    requests[1].min_rating = 4;
    requests[2].genres = genres;
    requests[2].n_genres = 2;
    requests[3].flags = RECSYS_REQUEST_REASONS;
    requests[4].flags |= RECSYS_REQUEST_ANONYMOUS;
    requests[5].languages = languages;
    requests[5].n_languages = 2;
    requests[5].flags = RECSYS_REQUEST_INCLUDE_SEEN;
}

static void keep(const recsys_reply *reply, struct answer *out)
{
    memset(out, 0, sizeof *out);
    CHECK_EQ(reply->status, RECSYS_OK);
    CHECK(reply->count <= K);
    out->strategy = reply->strategy;
    out->count = reply->count;
    for (uint32_t i = 0; i < reply->count; i++) {
        const recsys_recommendation *found = recsys_reply_get_item(reply, i);

        out->items[i] = found->item.number;
        out->raws[i] = found->raw;
        out->scores[i] = found->score;
        if (found->reason != NULL)
            snprintf(out->reasons[i], sizeof out->reasons[i], "%s", found->reason);
    }
}

static void ask(recsys_recommender *recommender, const recsys_model *model, uint64_t user,
                struct answer answers[N_REQUESTS])
{
    recsys_request requests[N_REQUESTS];
    recsys_reply replies[N_REQUESTS] = {RECSYS_REPLY_INIT};
    recsys_error err;

    make_requests(user, requests);
    CHECK_OK(recsys_recommend(recommender, model, requests, N_REQUESTS, replies, &err), &err);
    for (size_t i = 0; i < N_REQUESTS; i++)
        keep(&replies[i], &answers[i]);
}

static void compute_expected(int version)
{
    recsys_model *model = NULL;
    recsys_recommender *recommender = NULL;
    recsys_error err;

    CHECK_OK(recsys_model_load(paths[version], NULL, &model, &err), &err);
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &err), &err);
    for (uint64_t user = 1; user <= N_USERS; user++)
        ask(recommender, model, user, expected[version][user - 1]);
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
}

static void check_answers(const struct answer answers[N_REQUESTS], uint64_t user)
{
    for (int version = 0; version < 2; version++)
        if (memcmp(answers, expected[version][user - 1], sizeof expected[version][0]) == 0) {
            atomic_fetch_add_explicit(&n_answers[version], 1, memory_order_relaxed);
            return;
        }
    fprintf(stderr, "user %" PRIu64 ": an answer that neither version gives\n", user);
    abort();
}

static void *read_all_the_time(void *argument)
{
    static _Thread_local struct answer answers[N_REQUESTS];
    uint64_t random = SEED + (uint64_t)(uintptr_t)argument;
    recsys_recommender *recommender = NULL;
    recsys_error err;

    CHECK_OK(recsys_recommender_create(NULL, &recommender, &err), &err);
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        recsys_model *model = recsys_deployment_acquire(deployment);
        CHECK(model != NULL);
        for (int i = 0; i < 3; i++) { /* an acquired model may be asked again and again */
            uint64_t user = 1 + bundle_random(&random, N_USERS);
            ask(recommender, model, user, answers);
            check_answers(answers, user);
        }
        recsys_model_unref(model);
    }
    recsys_recommender_destroy(recommender);
    return NULL;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* A candidate that is used replaces the last but one model, which then goes. */
static unsigned long operate(double seconds)
{
    uint64_t random = SEED;
    double end = now() + seconds;
    unsigned long n = 0;
    recsys_error err;

    for (; now() < end; n++) {
        switch (bundle_random(&random, 4)) {
        case 0:
            CHECK_OK(recsys_deployment_rollback(deployment, &err), &err);
            break;
        case 1:
            recsys_deployment_reap(deployment);
            break;
        default:
            CHECK_OK(recsys_deployment_load(deployment, paths[bundle_random(&random, 2)], &err),
                     &err);
            CHECK_OK(recsys_deployment_use(deployment, NULL, &err), &err);
            break;
        }
    }
    return n;
}

int main(void)
{
    const char *asked = getenv("RECSYS_LONG");
    const double seconds = asked != NULL && strcmp(asked, "1") == 0 ? 60 : 2;
    pthread_t readers[N_READERS];
    recsys_error err;

    printf("seed %u, %.0f seconds\n", SEED, seconds);
    scratch = bundle_make_directory();
    for (int version = 0; version < 2; version++) {
        struct bundle bundle;
        snprintf(paths[version], sizeof paths[version], "%s/%d", scratch, version);
        bundle_write(&bundle, paths[version], N_USERS, N_ITEMS, D, SEED + (uint64_t)version,
                     BUNDLE_BIAS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_UNSORTED);
        bundle_free(&bundle);
        compute_expected(version);
    }
    for (size_t user = 0; user < N_USERS; user++) /* else the test could not tell them apart */
        CHECK(memcmp(expected[0][user], expected[1][user], sizeof expected[0][user]) != 0);

    CHECK_OK(recsys_deployment_create(paths[0], NULL, &deployment, &err), &err);
    for (int version = 0; version < 2; version++) {
        CHECK_OK(recsys_deployment_load(deployment, paths[version], &err), &err);
        CHECK_OK(recsys_deployment_use(deployment, NULL, &err), &err);
    }
    for (size_t i = 0; i < N_READERS; i++)
        CHECK_EQ(pthread_create(&readers[i], NULL, read_all_the_time, (void *)(uintptr_t)i), 0);
    unsigned long n_steps = operate(seconds);
    atomic_store(&stop, 1);
    for (size_t i = 0; i < N_READERS; i++)
        CHECK_EQ(pthread_join(readers[i], NULL), 0);
    CHECK_EQ(recsys_deployment_reap(deployment), 0);
    recsys_deployment_destroy(deployment);

    unsigned long first = atomic_load(&n_answers[0]), second = atomic_load(&n_answers[1]);
    printf("%lu steps; %lu calls answered by the first version, %lu by the second\n", n_steps,
           first, second);
    CHECK(first > 0 && second > 0);
    bundle_remove_directory(scratch);
    free(scratch);
    return 0;
}
