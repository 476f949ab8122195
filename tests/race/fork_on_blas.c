/* A child scores by BLAS while the parent's threads are inside it.
 *
 *   race_fork_on_blas [FLAVOUR]
 *
 * The parent forks again and again under fire; each child asks once and must answer with the right
 * bits before an alarm ends it. A child could wait for OpenBLAS's own locks and threads, and
 * the door in front of it, in use by threads that the child does not have. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/score/scorer.h"
#include "tests/support/check.h"
#include "tests/support/memory_model.h"

#define SEED 20261130u
#define N_THREADS 3u
#define N_ITEMS 4000u
#define D 64u
#define N_QUERIES 40u
#define K 10u
#define SECONDS 300u

extern int openblas_get_parallel(void) __attribute__((weak));

static struct recsys_model *model;
static float queries[N_QUERIES][D];
static recsys_scored expected[N_QUERIES][K];
static atomic_int stop;

static recsys_status ask(recsys_scorer *scorer, recsys_scored out[][K])
{
    recsys_query asked[N_QUERIES];
    uint32_t counts[N_QUERIES];

    memset(asked, 0, sizeof asked);
    for (uint32_t q = 0; q < N_QUERIES; q++) {
        asked[q].vector = queries[q];
        asked[q].k = K;
    }
    return recsys_scorer_top_k(scorer, model, asked, N_QUERIES, out[0], K, counts, NULL);
}

static int is_right(recsys_scorer *scorer)
{
    static _Thread_local recsys_scored got[N_QUERIES][K];

    if (ask(scorer, got) != RECSYS_OK)
        return 0;
    for (uint32_t q = 0; q < N_QUERIES; q++)
        for (uint32_t i = 0; i < K; i++)
            if (got[q][i].item.number != expected[q][i].item.number ||
                memcmp(&got[q][i].score, &expected[q][i].score, sizeof(float)) != 0)
                return 0;
    return 1;
}

static recsys_scorer *create_scorer(void)
{
    recsys_scorer *scorer;
    recsys_error err;

    CHECK_OK(recsys_scorer_create(NULL, &scorer, &err), &err);
    rs_scorer_use(scorer, NULL, NULL, NULL);
    return scorer;
}

static void *score(void *unused)
{
    recsys_scorer *scorer = create_scorer();

    (void)unused;
    while (!atomic_load(&stop))
        CHECK(is_right(scorer));
    recsys_scorer_destroy(scorer);
    return NULL;
}

static void fork_once(recsys_scorer *scorer)
{
    int result;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        alarm(SECONDS);
        _exit(is_right(scorer) ? 0 : 1);
    }
    CHECK_EQ(waitpid(child, &result, 0), child);
    CHECK_EQ(result, 0);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"serial", "pthread", "openmp"};
    struct numbers numbers = {SEED};
    const char *long_run = getenv("RECSYS_LONG");
    int n_forks = long_run != NULL && *long_run == '1' ? 1000 : 60;
    struct plain_items items;
    pthread_t threads[N_THREADS];
    recsys_scorer *scorer;

    if (argc > 1) {
        CHECK(openblas_get_parallel != NULL);
        CHECK(strcmp(names[openblas_get_parallel()], argv[1]) == 0);
    }
    plain_items_create(&items, GAUSSIAN, N_ITEMS, D, 1, SEED);
    model = memory_model_create(&items);
    for (uint32_t q = 0; q < N_QUERIES; q++)
        for (uint32_t j = 0; j < D; j++)
            queries[q][j] = (float)numbers_gauss(&numbers);
    scorer = create_scorer();
    CHECK_EQ(ask(scorer, expected), RECSYS_OK);
    for (int i = 0; i < 5; i++)
        fork_once(scorer); /* BLAS has been used, and rests */
    for (uint32_t i = 0; i < N_THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, score, NULL), 0);
    for (int i = 0; i < n_forks; i++)
        fork_once(scorer);
    atomic_store(&stop, 1);
    for (uint32_t i = 0; i < N_THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    CHECK(is_right(scorer));
    recsys_scorer_destroy(scorer);
    recsys_model_unref(model);
    plain_items_destroy(&items);
    return 0;
}
