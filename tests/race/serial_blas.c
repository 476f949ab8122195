/* A BLAS that says it is built for one thread is called by one thread at a time.
 *
 * The BLAS is this program's own: like OpenBLAS's serial flavour it works in one buffer for all
 * threads. Calls that overlap, which would give a wrong answer now and then, are noticed every
 * time. */
#include <cblas.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/score/blas.h"
#include "lib/score/scorer.h"
#include "tests/support/check.h"
#include "tests/support/memory_model.h"

#define SEED 20261129u
#define N_THREADS 4u
#define N_ROUNDS 20u
#define N_ITEMS 1500u
#define D 12u
#define N_QUERIES 6u
#define K 5u

static atomic_int n_inside;
static atomic_uint n_overlaps, n_calls;
static struct recsys_model *model;
static float queries[N_QUERIES][D];

int openblas_get_parallel(void);

int openblas_get_parallel(void)
{
    return 0;
}

static void enter(void)
{
    atomic_fetch_add(&n_calls, 1u);
    if (atomic_fetch_add(&n_inside, 1) != 0)
        atomic_fetch_add(&n_overlaps, 1u);
    for (int i = 0; i < 3; i++)
        sched_yield(); /* gives other threads time to come in */
}

static float dot(const float *a, const float *b, int d)
{
    float sum = 0.0f;

    for (int j = 0; j < d; j++)
        sum += a[j] * b[j];
    return sum;
}

void cblas_sgemv(CBLAS_ORDER order, CBLAS_TRANSPOSE transpose, blasint m, blasint n, float alpha,
                 const float *a, blasint lda, const float *x, blasint x_stride, float beta,
                 float *y, blasint y_stride)
{
    (void)order, (void)transpose, (void)alpha, (void)x_stride, (void)beta, (void)y_stride;
    enter();
    for (blasint i = 0; i < m; i++)
        y[i] = dot(a + (size_t)i * (size_t)lda, x, n);
    atomic_fetch_sub(&n_inside, 1);
}

void cblas_sgemm(CBLAS_ORDER order, CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b,
                 blasint m, blasint n, blasint k, float alpha, const float *a, blasint lda,
                 const float *b, blasint ldb, float beta, float *c, blasint ldc)
{
    (void)order, (void)transpose_a, (void)transpose_b, (void)alpha, (void)beta;
    enter();
    for (blasint i = 0; i < m; i++)
        for (blasint j = 0; j < n; j++)
            c[(size_t)i * (size_t)ldc + (size_t)j] =
                dot(a + (size_t)i * (size_t)lda, b + (size_t)j * (size_t)ldb, k);
    atomic_fetch_sub(&n_inside, 1);
}

static void *score(void *argument)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_scorer *scorer;
    recsys_query asked[N_QUERIES];
    recsys_scored got[N_QUERIES * K];
    uint32_t counts[N_QUERIES];
    recsys_error err;

    options.n_threads = 1 + (uint32_t)(uintptr_t)argument % 2;
    CHECK_OK(recsys_scorer_create(&options, &scorer, &err), &err);
    rs_scorer_use(scorer, NULL, NULL, NULL);
    memset(asked, 0, sizeof asked);
    for (uint32_t q = 0; q < N_QUERIES; q++) {
        asked[q].vector = queries[q];
        asked[q].k = K;
    }
    for (unsigned round = 0; round < N_ROUNDS; round++) {
        CHECK_OK(recsys_scorer_top_k(scorer, model, asked, N_QUERIES, got, K, counts, &err), &err);
        CHECK_OK(recsys_scorer_top_k(scorer, model, asked, 1, got, K, counts, &err), &err);
    }
    recsys_scorer_destroy(scorer);
    return NULL;
}

int main(void)
{
    struct numbers numbers = {SEED};
    struct plain_items items;
    pthread_t threads[N_THREADS];

    plain_items_create(&items, GAUSSIAN, N_ITEMS, D, 0, SEED);
    model = memory_model_create(&items);
    for (uint32_t q = 0; q < N_QUERIES; q++)
        for (uint32_t j = 0; j < D; j++)
            queries[q][j] = (float)numbers_gauss(&numbers);
    for (uintptr_t i = 0; i < N_THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, score, (void *)i), 0);
    for (uint32_t i = 0; i < N_THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    printf("%u of %u calls overlapped\n", atomic_load(&n_overlaps), atomic_load(&n_calls));
    CHECK(atomic_load(&n_calls) > N_THREADS * N_ROUNDS);
    CHECK_EQ(atomic_load(&n_overlaps), 0);
    recsys_model_unref(model);
    plain_items_destroy(&items);
    return 0;
}
