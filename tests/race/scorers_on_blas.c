/* Several scorers at once on the BLAS path, as on a processor that has no kernel of ours: each
 * answers with the bits that one alone gives.
 *
 *   race_scorers_on_blas [FLAVOUR]
 *
 * FLAVOUR is the OpenBLAS that must have been loaded: serial, pthread or openmp. The serial one
 * cannot be called by two threads at once, and says nothing when it is: it answers wrongly. */
#include <pthread.h>
#include <string.h>

#include "lib/score/scorer.h"
#include "tests/support/check.h"
#include "tests/support/memory_model.h"

#define SEED 20261128u
#define N_THREADS 8u
#define N_ITEMS 6000u
#define D 64u
#define N_QUERIES 96u
#define K 10u

extern int openblas_get_parallel(void) __attribute__((weak));

static struct plain_items items;
static struct recsys_model *model;
static float queries[N_QUERIES][D];
static recsys_scored expected[N_QUERIES][K];
static unsigned n_rounds = 12;

static void check_flavour(const char *wanted)
{
    static const char *const names[] = {"serial", "pthread", "openmp"};

    CHECK(openblas_get_parallel != NULL);
    int number = openblas_get_parallel();
    CHECK(number >= 0 && number < 3);
    printf("OpenBLAS, %s\n", names[number]);
    CHECK(strcmp(names[number], wanted) == 0);
}

/* Queries [first, first + n) in one batch: 1 goes by sgemv, more by sgemm. */
static void ask(recsys_scorer *scorer, uint32_t first, uint32_t n, recsys_scored out[][K])
{
    recsys_query asked[N_QUERIES];
    uint32_t counts[N_QUERIES];
    recsys_error err;

    memset(asked, 0, sizeof asked);
    for (uint32_t q = 0; q < n; q++) {
        asked[q].vector = queries[first + q];
        asked[q].k = K;
    }
    CHECK_OK(recsys_scorer_top_k(scorer, model, asked, n, out[0], K, counts, &err), &err);
    for (uint32_t q = 0; q < n; q++)
        CHECK_EQ(counts[q], K);
}

static uint32_t count_wrong(recsys_scored got[][K], uint32_t first, uint32_t n)
{
    uint32_t n_wrong = 0;

    for (uint32_t q = 0; q < n; q++)
        for (uint32_t i = 0; i < K; i++)
            n_wrong += got[q][i].item.number != expected[first + q][i].item.number ||
                       memcmp(&got[q][i].score, &expected[first + q][i].score, sizeof(float)) != 0;
    return n_wrong;
}

static recsys_scorer *create_scorer(uint32_t n_threads)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_scorer *scorer;
    recsys_error err;

    options.n_threads = n_threads;
    CHECK_OK(recsys_scorer_create(&options, &scorer, &err), &err);
    return scorer;
}

/* Every other scorer has a helper thread of its own. */
static void *score(void *argument)
{
    static _Thread_local recsys_scored got[N_QUERIES][K];
    uintptr_t number = (uintptr_t)argument, n_wrong = 0;
    recsys_scorer *scorer = create_scorer(1 + (uint32_t)number % 2);

    rs_scorer_use(scorer, NULL, NULL, NULL);
    for (unsigned round = 0; round < n_rounds; round++) {
        ask(scorer, 0, N_QUERIES, got);
        n_wrong += count_wrong(got, 0, N_QUERIES);
        for (uint32_t q = 0; q < N_QUERIES; q++) {
            ask(scorer, q, 1, got);
            n_wrong += count_wrong(got, q, 1);
        }
    }
    recsys_scorer_destroy(scorer);
    return (void *)n_wrong;
}

int main(int argc, char **argv)
{
    struct numbers numbers = {SEED};
    const char *long_run = getenv("RECSYS_LONG");
    recsys_scorer *alone;
    pthread_t threads[N_THREADS];
    uintptr_t n_wrong = 0;

    if (argc > 1)
        check_flavour(argv[1]);
    if (long_run != NULL && *long_run == '1')
        n_rounds *= 20;
    plain_items_create(&items, GAUSSIAN, N_ITEMS, D, 1, SEED);
    model = memory_model_create(&items);
    for (uint32_t q = 0; q < N_QUERIES; q++)
        for (uint32_t j = 0; j < D; j++)
            queries[q][j] = (float)numbers_gauss(&numbers);
    alone = create_scorer(1);
    ask(alone, 0, N_QUERIES, expected);
    recsys_scorer_destroy(alone);

    for (uintptr_t i = 0; i < N_THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, score, (void *)i), 0);
    for (uint32_t i = 0; i < N_THREADS; i++) {
        void *wrong;
        CHECK_EQ(pthread_join(threads[i], &wrong), 0);
        n_wrong += (uintptr_t)wrong;
    }
    printf("%u of %u places wrong\n", (unsigned)n_wrong, N_THREADS * n_rounds * 2 * N_QUERIES * K);
    CHECK_EQ(n_wrong, 0);
    recsys_model_unref(model);
    plain_items_destroy(&items);
    return 0;
}
