/* Threads that ask for the first sessions of a model at the same time: each makes the model's
 * equations, one is kept, and all answer with the same bits. For TSan. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/recsys.h"
#include "tests/support/als_model.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

#define N_THREADS 4
#define N_LIKED 5u
#define K 20u

static recsys_model *model;
static atomic_uint n_ready;

struct answer {
    recsys_id items[K];
    float scores[K];
};

static void *ask(void *argument)
{
    struct answer *answer = argument;
    recsys_recommender *recommender = NULL;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_id liked[N_LIKED];
    uint32_t count, strategy;
    recsys_error err;

    for (uint32_t i = 0; i < N_LIKED; i++)
        liked[i] = (recsys_id){NULL, i * 70u};
    request.flags = RECSYS_REQUEST_ANONYMOUS;
    request.liked = liked;
    request.n_liked = N_LIKED;
    request.k = K;
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &err), &err);
    atomic_fetch_add(&n_ready, 1u);
    while (atomic_load(&n_ready) % N_THREADS != 0)
        ;
    CHECK_OK(recsys_recommend_into(recommender, model, &request, 1, K, answer->items, NULL,
                                   answer->scores, &count, NULL, &strategy, &err),
             &err);
    CHECK_EQ(count, K);
    CHECK_EQ(strategy, RECSYS_STRATEGY_FOLD_IN);
    recsys_recommender_destroy(recommender);
    return NULL;
}

static void ask_at_once(const char *path, const struct answer *wanted, struct answer *first)
{
    struct answer answers[N_THREADS];
    pthread_t threads[N_THREADS];
    recsys_error err;

    memset(answers, 0, sizeof answers);
    CHECK_OK(recsys_model_load(path, NULL, &model, &err), &err);
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, ask, &answers[i]), 0);
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK(memcmp(&answers[i], wanted == NULL ? &answers[0] : wanted, sizeof answers[i]) == 0);
    *first = answers[0];
    recsys_model_unref(model);
}

int main(void)
{
    static const char *const fields[] = {
        "algorithm", "als", "hyperparameters.regularization", "0.1", "hyperparameters.alpha",
        "3",         NULL};
    const char *long_run = getenv("RECSYS_LONG");
    int rounds = long_run != NULL && *long_run == '1' ? 200 : 20;
    char *directory = bundle_make_directory(), path[512];
    struct als_model als;
    struct answer first, more;

    snprintf(path, sizeof path, "%s/als", directory);
    als_model_create(&als, path, 3, 500, 16, 20261129u, fields);
    ask_at_once(path, NULL, &first);
    for (int i = 0; i < rounds; i++)
        ask_at_once(path, &first, &more);
    als_model_destroy(&als);
    bundle_remove_directory(directory);
    free(directory);
    return 0;
}
