/* bench_kernels.c - the paths of a scan beside each other, and what this machine could do at most.
 *
 * Unlike the other benchmarks it looks inside the library: the public interface always takes the
 * fastest kernel, and here a processor shows what a smaller one would do. For every batch all paths
 * are measured in turn, round after round, and each line has the median of a path's rounds and the
 * median of its ratios to the first path, taken within a round. Before them come the roofs
 * (roofs.h). `--clock cpu` counts processor time and not the wall's, on a machine that does other
 * things too. Lines of JSON on standard output. Answers are compared by memcmp on the way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/score/scorer.h"
#include "tests/bench/inside/roofs.h"
#include "tests/support/check.h"
#include "tests/support/memory_model.h"

#define MAX_PATHS 10u
#define MAX_ROUNDS 50u

struct path {
    char name[48];
    const struct rs_kernel *kernel;
    const struct rs_code_kernel *code_kernel;
    rs_survivors survivors;
    double ms[MAX_ROUNDS];
};

struct bench {
    uint32_t n, d, k, threads, rounds, spread;
    double seconds;
    const char *batches;
    double (*clock)(void);
    struct recsys_model *model;
    recsys_scorer *scorer;
    float *queries;
    uint32_t n_queries;
    struct path paths[MAX_PATHS];
    uint32_t n_paths;
};

static rs_survivors survivors_like(const char *kernel)
{
#if defined(__x86_64__)
    if (strncmp(kernel, "avx512", 6) == 0 || strcmp(kernel, "amx") == 0)
        return rs_survivors_avx512;
    if (strncmp(kernel, "avx", 3) == 0)
        return rs_survivors_avx2;
#else
    (void)kernel;
#endif
    return rs_survivors_portable;
}

/* The kernel for floats of a processor whose best one for codes has this name. */
static const struct rs_kernel *kernel_like(const char *name)
{
    const struct rs_kernel *kernel;

    if (strcmp(name, "avxvnni") == 0)
        name = "avx2";
    if (strcmp(name, "amx") == 0)
        name = "avx512";
    for (uint32_t i = 0; (kernel = rs_kernel_get(i)) != NULL; i++)
        if (strncmp(name, kernel->name, strlen(kernel->name)) == 0)
            return kernel;
    return NULL;
}

static void add(struct bench *b, const struct rs_kernel *kernel, const struct rs_code_kernel *codes,
                const char *name, const char *kind)
{
    struct path *path = &b->paths[b->n_paths++];

    CHECK(b->n_paths <= MAX_PATHS);
    (void)snprintf(path->name, sizeof path->name, "%s %s", name, kind);
    path->kernel = kernel;
    path->code_kernel = codes;
    path->survivors = survivors_like(name);
}

/* BLAS first: the others are compared with it. */
static void add_paths(struct bench *b)
{
    const struct rs_kernel *kernel;
    const struct rs_code_kernel *codes;

    add(b, NULL, NULL, "BLAS", "floats");
    b->paths[0].survivors = rs_survivors_choose();
    for (uint32_t i = 0; (kernel = rs_kernel_get(i)) != NULL; i++)
        add(b, kernel, NULL, kernel->name, "floats");
    for (uint32_t i = 0; (codes = rs_code_kernel_get(i)) != &rs_code_kernel_portable; i++)
        add(b, kernel_like(codes->name), codes, codes->name, "codes");
}

/* Milliseconds of one call over the batch that begins at query `first`. */
static double ask(struct bench *b, const struct path *path, uint32_t batch, uint32_t first,
                  recsys_scored *answers)
{
    recsys_query *queries = calloc(batch, sizeof *queries);
    uint32_t *counts = calloc(batch, sizeof *counts);
    recsys_error err;

    CHECK(queries != NULL && counts != NULL);
    for (uint32_t q = 0; q < batch; q++) {
        queries[q].vector = b->queries + (size_t)(first + q) * b->d;
        queries[q].k = b->k;
    }
    rs_scorer_use(b->scorer, path->kernel, path->code_kernel, path->survivors);
    double begin = b->clock();
    CHECK_OK(recsys_scorer_top_k(b->scorer, b->model, queries, batch, answers, b->k, counts, &err),
             &err);
    double ms = 1e3 * (b->clock() - begin);
    free(queries);
    free(counts);
    return ms;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, uint32_t n)
{
    qsort(values, n, sizeof *values, ascending);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/* The median call of one round. */
static double measure(struct bench *b, const struct path *path, uint32_t batch,
                      recsys_scored *answers)
{
    double begin = roof_clock(), times[1000];
    uint32_t n = 0;

    while (n < 3 || (n < 1000 && roof_clock() - begin < b->seconds)) {
        times[n] = ask(b, path, batch, n % (b->n_queries / batch) * batch, answers);
        n++;
    }
    return median(times, n);
}

static void run_batch(struct bench *b, uint32_t batch)
{
    size_t size = (size_t)batch * b->k * sizeof(recsys_scored);
    recsys_scored *answers = calloc(1, size), *first = calloc(1, size);

    CHECK(answers != NULL && first != NULL);
    for (uint32_t p = 0; p < b->n_paths; p++) {
        (void)ask(b, &b->paths[p], batch, 0, p == 0 ? first : answers);
        CHECK(p == 0 || memcmp(first, answers, size) == 0);
    }
    for (uint32_t round = 0; round < b->rounds; round++)
        for (uint32_t i = 0; i < b->n_paths; i++) {
            struct path *path = &b->paths[round % 2 == 0 ? i : b->n_paths - 1 - i];
            path->ms[round] = measure(b, path, batch, answers);
        }
    for (uint32_t p = 0; p < b->n_paths; p++) {
        double ratios[MAX_ROUNDS], times[MAX_ROUNDS];
        for (uint32_t r = 0; r < b->rounds; r++) {
            ratios[r] = b->paths[0].ms[r] / b->paths[p].ms[r];
            times[r] = b->paths[p].ms[r];
        }
        double ms = median(times, b->rounds);
        printf("{\"n\": %u, \"d\": %u, \"batch\": %u, \"k\": %u, \"threads\": %u, \"path\": "
               "\"%s\", \"median_ms\": %.4f, \"best_ms\": %.4f, \"times_first\": %.3f, "
               "\"gflops\": %.1f}\n",
               b->n, b->d, batch, b->k, b->threads, b->paths[p].name, ms, times[0],
               median(ratios, b->rounds), 2e-6 * b->n * b->d * batch / ms);
        (void)fflush(stdout);
    }
    free(answers);
    free(first);
}

static void open_model(struct bench *b)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    struct numbers numbers = {11};
    struct plain_items items;
    recsys_error err;

    CHECK_OK(recsys_blas_set_threads(1, &err), &err);
    plain_items_create(&items, b->spread ? LOG_NORMAL : GAUSSIAN, b->n, b->d, 0, 1);
    b->model = memory_model_create(&items);
    plain_items_destroy(&items);
    b->n_queries = 2000;
    b->queries = malloc((size_t)b->n_queries * b->d * sizeof *b->queries);
    CHECK(b->queries != NULL);
    for (size_t i = 0; i < (size_t)b->n_queries * b->d; i++)
        b->queries[i] = (float)numbers_gauss(&numbers);
    options.n_threads = b->threads;
    CHECK_OK(recsys_scorer_create(&options, &b->scorer, &err), &err);
}

static void parse(struct bench *b, int argc, char **argv)
{
    struct {
        const char *name;
        uint32_t *place;
    } numbers[] = {{"--n", &b->n},           {"--d", &b->d},
                   {"--k", &b->k},           {"--threads", &b->threads},
                   {"--rounds", &b->rounds}, {"--spread", &b->spread}};

    for (int i = 1; i + 1 < argc; i += 2) {
        for (size_t r = 0; r < sizeof numbers / sizeof *numbers; r++)
            if (strcmp(argv[i], numbers[r].name) == 0)
                *numbers[r].place = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--batches") == 0)
            b->batches = argv[i + 1];
        if (strcmp(argv[i], "--seconds") == 0)
            b->seconds = strtod(argv[i + 1], NULL);
        if (strcmp(argv[i], "--clock") == 0 && strcmp(argv[i + 1], "cpu") == 0)
            b->clock = roof_cpu_clock;
    }
    if (argc % 2 == 0 || b->n == 0 || b->d == 0 || b->k == 0 || b->rounds == 0 ||
        b->rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: bench_kernels [--n N] [--d D] [--k K] [--threads T] [--rounds R] "
                        "[--spread 1] [--seconds S] [--batches 1,8,64] [--clock wall|cpu]\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct bench b = {.n = 1000000,
                      .d = 64,
                      .k = 10,
                      .threads = 1,
                      .rounds = 7,
                      .seconds = 0.3,
                      .batches = "1,8,64",
                      .clock = roof_clock};

    parse(&b, argc, argv);
    (void)rs_code_kernel_allow_amx();
    roofs_print(b.threads);
    open_model(&b);
    add_paths(&b);
    for (const char *at = b.batches; *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
        uint32_t batch = (uint32_t)strtoul(at, NULL, 10);
        if (batch > 0 && batch <= b.n_queries)
            run_batch(&b, batch);
    }
    recsys_scorer_destroy(b.scorer);
    recsys_model_unref(b.model);
    free(b.queries);
    return 0;
}
