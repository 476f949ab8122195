/* Threads that share one recommender, or one scorer, without taking turns.
 *
 * That is their mistake; what must not happen is that one of them is handed the
 * other's answer. A call is answered rightly or refused with E_BUSY, and the
 * object works as before when everybody has gone. Without the busy mark this
 * program fails at once (and TSan says why). RECSYS_LONG=1 runs it longer. */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

#define SEED 20261128u
#define N_THREADS 4
#define N_USERS 16
#define N_ITEMS 3000
#define D 32
#define K 20

static char *scratch;
static struct bundle bundle;
static recsys_model *model;
static recsys_recommender *recommender;
static recsys_scorer *scorer;
static uint64_t expected[N_USERS][K], expected_rows[N_USERS][K];
static atomic_ulong n_answers, n_refusals;

static recsys_status recommend(size_t user, uint64_t items[K], recsys_error *err)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_id ids[K];
    float scores[K];
    uint32_t count;

    request.user.number = (uint64_t)bundle.user_numbers[user];
    request.k = K;
    recsys_status status = recsys_recommend_into(recommender, model, &request, 1, K, ids, NULL,
                                                 scores, &count, NULL, NULL, err);
    CHECK_EQ(count, status == RECSYS_OK ? K : 0);
    for (size_t i = 0; i < K; i++)
        items[i] = ids[i].number;
    return status;
}

static recsys_status score(size_t user, uint64_t items[K], recsys_error *err)
{
    uint32_t count;
    float scores[K];
    recsys_status status =
        recsys_scorer_top_k_matrix(scorer, model, bundle.users + user * D, 1, D, NULL, NULL, K,
                                   items, NULL, scores, &count, err);

    CHECK_EQ(count, status == RECSYS_OK ? K : 0);
    return status;
}

static void check(recsys_status status, const recsys_error *err, const uint64_t *got,
                  const uint64_t *want)
{
    if (status == RECSYS_E_BUSY) {
        CHECK(strstr(err->message, "another thread") != NULL);
        atomic_fetch_add_explicit(&n_refusals, 1, memory_order_relaxed);
        return;
    }
    CHECK_OK(status, err);
    CHECK(memcmp(got, want, K * sizeof *got) == 0);
    atomic_fetch_add_explicit(&n_answers, 1, memory_order_relaxed);
}

static void *ask(void *argument)
{
    uint64_t random = SEED + (uint64_t)(uintptr_t)argument, items[K];
    const char *long_run = getenv("RECSYS_LONG");
    int rounds = long_run != NULL && *long_run == '1' ? 20000 : 800;
    recsys_error err;

    for (int i = 0; i < rounds; i++) {
        size_t user = (size_t)bundle_random(&random, N_USERS);
        recsys_status status = recommend(user, items, &err);
        check(status, &err, items, expected[user]);
        status = score(user, items, &err);
        check(status, &err, items, expected_rows[user]);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[N_THREADS];
    char path[PATH_MAX];
    uint64_t items[K];
    recsys_error err;

    printf("seed %u\n", SEED);
    scratch = bundle_make_directory();
    snprintf(path, sizeof path, "%s/b", scratch);
    bundle_write(&bundle, path, N_USERS, N_ITEMS, D, SEED, BUNDLE_BIAS | BUNDLE_SEEN);
    CHECK_OK(recsys_model_load(path, NULL, &model, &err), &err);
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &err), &err);
    CHECK_OK(recsys_scorer_create(NULL, &scorer, &err), &err);
    for (size_t user = 0; user < N_USERS; user++) {
        CHECK_OK(recommend(user, expected[user], &err), &err);
        CHECK_OK(score(user, expected_rows[user], &err), &err);
    }
    for (size_t t = 0; t < N_THREADS; t++)
        CHECK_EQ(pthread_create(&threads[t], NULL, ask, (void *)(uintptr_t)(t + 1)), 0);
    for (size_t t = 0; t < N_THREADS; t++)
        CHECK_EQ(pthread_join(threads[t], NULL), 0);
    printf("%lu answers, %lu refusals\n", atomic_load(&n_answers), atomic_load(&n_refusals));
    CHECK(atomic_load(&n_answers) > 0 && atomic_load(&n_refusals) > 0);
    for (size_t user = 0; user < N_USERS; user++) {
        CHECK_OK(recommend(user, items, &err), &err);
        CHECK(memcmp(items, expected[user], sizeof items) == 0);
    }
    recsys_scorer_destroy(scorer);
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    bundle_free(&bundle);
    bundle_remove_directory(scratch);
    free(scratch);
    return 0;
}
