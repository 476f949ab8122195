/* tests/bench/bench_trace.c - what the trace costs while it is off.
 *
 *   bench_trace [--items N] [--dimensions N] [--rounds N]
 *
 * Hits of recsys_aside_get_or_load() in the process, and scans for ten items, each round for about
 * a tenth of a second. Prints one line of JSON: the fastest round's nanoseconds a hit and a scan.
 * Calls only what version 0.2 had before there was a trace, so bench_trace.py can run this program
 * with the library of either.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <recsys/recsys.h>

#define N_HITS 200000u
#define K 10u

static uint32_t n_items = 20000, n_dimensions = 64, n_rounds = 10;
static recsys_error err;

static void check(recsys_status status)
{
    if (status == RECSYS_OK)
        return;
    (void)fprintf(stderr, "bench_trace: %s: %s\n", recsys_status_name(status), err.message);
    exit(1);
}

static double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static recsys_status load(recsys_aside_load *loading, void *user_data, recsys_error *problem)
{
    (void)user_data;
    return recsys_aside_load_set(loading, (recsys_bytes){"value", 5}, 0, RECSYS_NEVER, 0, problem);
}

static void hit(recsys_aside *cache)
{
    recsys_value value;

    check(recsys_aside_get_or_load(cache, (recsys_bytes){"user:1", 6}, load, NULL, 0, &value, NULL,
                                   &err));
    recsys_value_release(&value);
}

static double measure_hits(void)
{
    recsys_store *store = NULL;
    recsys_aside *cache = NULL;
    double best = 1e18;

    check(recsys_store_create_memory("bench", NULL, &store, &err));
    check(recsys_aside_create(store, NULL, &cache, &err));
    for (uint32_t round = 0; round < n_rounds; round++) {
        double began = now_ns();
        for (uint32_t i = 0; i < N_HITS; i++)
            hit(cache);
        double took = (now_ns() - began) / N_HITS;
        best = took < best ? took : best;
    }
    recsys_aside_destroy(cache);
    recsys_store_unref(store);
    return best;
}

static float *draw(size_t n)
{
    float *numbers = malloc(n * sizeof *numbers);
    uint64_t random = 42;

    if (numbers == NULL)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        numbers[i] = (float)(random >> 40) / (float)(1 << 24) - 0.5f;
    }
    return numbers;
}

static recsys_model *build_model(const float *numbers, const char *path)
{
    recsys_builder *builder = NULL;
    recsys_model *model = NULL;
    recsys_array items = RECSYS_ARRAY_2D(numbers, RECSYS_DTYPE_F32, n_items, n_dimensions);
    recsys_array users = RECSYS_ARRAY_2D(numbers, RECSYS_DTYPE_F32, 1, n_dimensions);

    check(recsys_builder_create(&builder, &err));
    check(recsys_builder_set_array(builder, "item_factors", &items, &err));
    check(recsys_builder_set_array(builder, "user_factors", &users, &err));
    check(recsys_builder_set_field(builder, "name", "bench", &err));
    check(recsys_builder_set_field(builder, "version", "1", &err));
    check(recsys_builder_write(builder, path, &err));
    recsys_builder_destroy(builder);
    check(recsys_model_load(path, NULL, &model, &err));
    return model;
}

static double measure_scans(void)
{
    char folder[] = "/tmp/bench_trace_XXXXXX", path[64], command[128];
    float *numbers = draw((size_t)n_items * n_dimensions);
    recsys_scorer *scorer = NULL;
    double best = 1e18;
    float scores[K];
    uint32_t count;

    if (mkdtemp(folder) == NULL)
        exit(1);
    (void)snprintf(path, sizeof path, "%s/model", folder);
    recsys_model *model = build_model(numbers, path);
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    options.n_threads = 1;
    check(recsys_scorer_create(&options, &scorer, &err));
    for (uint32_t round = 0; round < n_rounds; round++) {
        const uint32_t n = 200;
        double began = now_ns();
        for (uint32_t i = 0; i < n; i++)
            check(recsys_scorer_top_k_matrix(scorer, model, numbers + (size_t)i * n_dimensions, 1,
                                             n_dimensions, NULL, NULL, K, NULL, NULL, scores,
                                             &count, &err));
        double took = (now_ns() - began) / n;
        best = took < best ? took : best;
    }
    recsys_scorer_destroy(scorer);
    recsys_model_unref(model);
    free(numbers);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0)
        exit(1);
    return best;
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        uint32_t number = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--items") == 0)
            n_items = number;
        else if (strcmp(argv[i], "--dimensions") == 0)
            n_dimensions = number;
        else if (strcmp(argv[i], "--rounds") == 0)
            n_rounds = number;
    }
    double hits = measure_hits();
    (void)printf("{\"hit_ns\": %.1f, \"scan_ns\": %.0f}\n", hits, measure_scans());
    return 0;
}
