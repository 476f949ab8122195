/* Whatever the path (one query, a batch, threads, filters), the answer has the
 * same bits as a full sort of canonical scores, computed here once more. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/score/scorer.h"
#include "recsys/catalog.h"
#include "recsys/scorer.h"
#include "tests/support/memory_model.h"

struct answer {
    uint64_t id;
    float score;
};

static int by_score_then_id(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The contract of model.h, written down a second time. */
static float score_of(const struct plain_items *items, uint32_t row, const float *query,
                      double offset)
{
    const float *item = items->rows + (size_t)row * items->d;
    double part[8] = {0};

    for (uint32_t j = 0; j < items->d; j++)
        part[j % 8] += (double)query[j] * (double)item[j];
    double sum =
        ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
    return (float)((offset + (items->bias == NULL ? 0.0 : (double)items->bias[row])) + sum);
}

static uint32_t brute_force(const struct plain_items *items, const float *query, double offset,
                            const unsigned char *allowed, struct answer *all)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < items->n; i++)
        if (allowed == NULL || allowed[items->ids[i]]) {
            all[n].id = (uint64_t)items->ids[i];
            all[n++].score = score_of(items, i, query, offset);
        }
    qsort(all, n, sizeof *all, by_score_then_id);
    return n;
}

struct setting {
    const struct plain_items *items;
    struct recsys_model *model;
    recsys_scorer *scorer;
    float *queries;
    double *offsets;
    uint32_t n_queries;
    recsys_filter *filter[4];
    unsigned char *allowed[4]; /* by id */
    struct answer **expected;  /* [n_queries * 4], full sorts */
    uint32_t *n_expected;
};

/* 0: everything; 1: one in ten; 2: one in a thousand; 3: all but a list. */
static void make_filters(struct setting *s, uint64_t seed)
{
    struct numbers numbers = {seed};
    recsys_error err;

    for (int f = 1; f < 4; f++) {
        recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
        recsys_id *ids = malloc(s->items->n * sizeof *ids);
        size_t n = 0;
        s->allowed[f] = calloc(s->items->n + 1, 1);
        double share = f == 1 ? 0.1 : f == 2 ? 0.001 : 0.05;
        memset(s->allowed[f], f == 3, s->items->n + 1);
        for (uint32_t id = 1; id <= s->items->n; id++)
            if (numbers_uniform(&numbers) < share) {
                s->allowed[f][id] = f != 3;
                ids[n].text = NULL;
                ids[n++].number = id;
            }
        if (f == 3) {
            options.exclude = ids;
            options.n_exclude = n;
        } else {
            options.flags = RECSYS_FILTER_ALLOW;
            options.allow = ids;
            options.n_allow = n;
        }
        assert_int_equal(recsys_filter_create(s->model, &options, &s->filter[f], &err), RECSYS_OK);
        free(ids);
    }
}

static void set_up(struct setting *s, const struct plain_items *items, uint32_t n_queries,
                   uint32_t n_threads, enum family family, uint64_t seed)
{
    struct numbers numbers = {seed};
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;

    memset(s, 0, sizeof *s);
    s->items = items;
    s->model = memory_model_create(items);
    options.n_threads = n_threads;
    assert_int_equal(recsys_scorer_create(&options, &s->scorer, NULL), RECSYS_OK);
    s->n_queries = n_queries;
    s->queries = malloc((size_t)n_queries * items->d * sizeof *s->queries);
    s->offsets = malloc(n_queries * sizeof *s->offsets);
    for (size_t i = 0; i < (size_t)n_queries * items->d; i++)
        s->queries[i] = (float)numbers_gauss(&numbers);
    for (uint32_t q = 0; q < n_queries; q++)
        s->offsets[q] = q % 3 == 0 ? 0.0 : 10.0 * numbers_gauss(&numbers);
    /* Some queries that are themselves strange. */
    if (n_queries > 5) {
        memset(s->queries + 3 * items->d, 0, items->d * sizeof(float));
        for (uint32_t j = 0; j < items->d; j++) {
            s->queries[4 * items->d + j] *= 1e-42f;
            /* With huge norms some float sums overflow, and some scores with them. */
            s->queries[5 * items->d + j] *= family == HUGE_NORMS ? 1e9f : 1e30f;
        }
    }
    make_filters(s, seed + 1);
    s->expected = calloc((size_t)n_queries * 4, sizeof *s->expected);
    s->n_expected = calloc((size_t)n_queries * 4, sizeof *s->n_expected);
    for (uint32_t q = 0; q < n_queries; q++)
        for (int f = 0; f < 4; f++) {
            struct answer *all = malloc(items->n * sizeof *all);
            s->n_expected[q * 4 + (uint32_t)f] = brute_force(
                items, s->queries + (size_t)q * items->d, s->offsets[q], s->allowed[f], all);
            s->expected[q * 4 + (uint32_t)f] = all;
        }
}

static void tear_down(struct setting *s)
{
    for (uint32_t i = 0; i < s->n_queries * 4; i++)
        free(s->expected[i]);
    for (int f = 1; f < 4; f++) {
        recsys_filter_unref(s->filter[f]);
        free(s->allowed[f]);
    }
    recsys_scorer_destroy(s->scorer);
    recsys_model_unref(s->model);
    free(s->expected);
    free(s->n_expected);
    free(s->queries);
    free(s->offsets);
}

/* Ask all queries in batches of `batch`; filter_of < 0: a different one for each query. */
static void ask(const struct setting *s, uint32_t batch, uint32_t k, int filter_of,
                const char *what)
{
    recsys_query *queries = calloc(batch, sizeof *queries);
    recsys_scored *got = calloc((size_t)batch * k, sizeof *got);
    uint32_t *counts = calloc(batch, sizeof *counts);
    recsys_error err;

    for (uint32_t first = 0; first < s->n_queries; first += batch) {
        uint32_t n = s->n_queries - first < batch ? s->n_queries - first : batch;
        for (uint32_t q = 0; q < n; q++) {
            int f = filter_of < 0 ? (int)((first + q) % 4) : filter_of;
            queries[q].vector = s->queries + (size_t)(first + q) * s->items->d;
            queries[q].offset = s->offsets[first + q];
            queries[q].filter = s->filter[f];
            queries[q].k = k;
        }
        if (recsys_scorer_top_k(s->scorer, s->model, queries, n, got, k, counts, &err) != RECSYS_OK)
            fail_msg("%s: %s", what, err.message);
        for (uint32_t q = 0; q < n; q++) {
            uint32_t f = filter_of < 0 ? (first + q) % 4 : (uint32_t)filter_of;
            const struct answer *want = s->expected[(first + q) * 4 + f];
            uint32_t n_want = s->n_expected[(first + q) * 4 + f];
            if (n_want > k)
                n_want = k;
            if (counts[q] != n_want)
                fail_msg("%s: query %u has %u answers, want %u", what, first + q, counts[q],
                         n_want);
            for (uint32_t i = 0; i < n_want; i++)
                if (got[(size_t)q * k + i].item.number != want[i].id ||
                    memcmp(&got[(size_t)q * k + i].score, &want[i].score, sizeof(float)) != 0)
                    fail_msg("%s: query %u place %u is %llu (%a), want %llu (%a); batch %u k %u "
                             "filter %u",
                             what, first + q, i,
                             (unsigned long long)got[(size_t)q * k + i].item.number,
                             (double)got[(size_t)q * k + i].score, (unsigned long long)want[i].id,
                             (double)want[i].score, batch, k, f);
        }
    }
    free(queries);
    free(got);
    free(counts);
}

/* The same queries as one matrix, whose rows are wider than a vector. */
static void ask_matrix(const struct setting *s, uint32_t k, int f)
{
    uint32_t d = s->items->d, n = s->n_queries;
    size_t stride = d + 3, places = (size_t)n * k;
    float *queries = calloc(n * stride, sizeof *queries), *scores = malloc(places * sizeof *scores);
    uint64_t *ids = malloc(places * sizeof *ids);
    uint32_t *rows = malloc(places * sizeof *rows), *counts = malloc(n * sizeof *counts);
    recsys_error err;

    for (uint32_t q = 0; q < n; q++) {
        memcpy(queries + q * stride, s->queries + (size_t)q * d, d * sizeof *queries);
        for (size_t j = d; j < stride; j++)
            queries[q * stride + j] = NAN;
    }
    if (recsys_scorer_top_k_matrix(s->scorer, s->model, queries, n, stride, s->offsets,
                                   s->filter[f], k, ids, rows, scores, counts, &err) != RECSYS_OK)
        fail_msg("matrix: %s", err.message);
    for (uint32_t q = 0; q < n; q++) {
        const struct answer *want = s->expected[q * 4 + (uint32_t)f];
        uint32_t n_want = s->n_expected[q * 4 + (uint32_t)f];
        assert_int_equal(counts[q], n_want < k ? n_want : k);
        for (uint32_t i = 0; i < k; i++) {
            size_t at = (size_t)q * k + i;
            if (i < counts[q]) {
                assert_true(ids[at] == want[i].id);
                assert_memory_equal(&scores[at], &want[i].score, sizeof(float));
                assert_true(rs_ids_get(&s->model->item_ids, rows[at]).number == want[i].id);
            } else {
                assert_true(ids[at] == RECSYS_PADDING_ID && rows[at] == RECSYS_PADDING_ROW &&
                            scores[at] == -INFINITY);
            }
        }
    }
    free(queries);
    free(scores);
    free(ids);
    free(rows);
    free(counts);
}

/* By other kernels than the processor's best. */
static void ask_some(const struct setting *s, const char *what)
{
    static const uint32_t some[] = {1, 3, 12, 64};

    for (size_t b = 0; b < sizeof some / sizeof *some && some[b] <= 2 * s->n_queries; b++)
        for (int f = -1; f < 4; f += 2)
            ask(s, some[b], 10, f, what);
}

static void check_family(enum family family, uint32_t n, uint32_t d, int with_bias,
                         uint32_t n_queries, uint32_t n_threads, uint64_t seed)
{
    static const uint32_t batches[] = {1, 2, 3, 4, 64, 129, 1000}, ks[] = {1, 2, 10, 97, 1000};
    struct plain_items items;
    struct setting s;

    plain_items_create(&items, family, n, d, with_bias, seed);
    set_up(&s, &items, n_queries, n_threads, family, seed + 7);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        if (batches[b] > 2 * n_queries)
            continue;
        for (size_t i = 0; i < sizeof ks / sizeof *ks; i++)
            for (int f = -1; f < 4; f++)
                ask(&s, batches[b], ks[i], f, family_name(family));
    }
    for (int f = 0; f < 4; f++)
        ask_matrix(&s, 97, f);
    for (uint32_t kernel = 0; rs_code_kernel_get(kernel) != NULL; kernel++) {
        rs_scorer_use(s.scorer, rs_kernel_get(0), rs_code_kernel_get(kernel), NULL);
        ask_some(&s, rs_code_kernel_get(kernel)->name);
    }
    for (uint32_t kernel = 0; rs_kernel_get(kernel) != NULL; kernel++) {
        rs_scorer_use(s.scorer, rs_kernel_get(kernel), NULL, NULL);
        ask_some(&s, rs_kernel_get(kernel)->name);
    }
    rs_scorer_use(s.scorer, NULL, NULL, NULL); /* what processors without a kernel of ours do */
    ask_some(&s, "by BLAS");
    tear_down(&s);
    plain_items_destroy(&items);
}

/* ThreadSanitizer makes this fifteen times slower, and looks for races, not for bits. Without
 * optimisation it is slow, too, and the release build makes the full run. */
#if defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define SHORT_RUN 1
#define LARGE_BATCH 150
#else
#define SHORT_RUN 2
#define LARGE_BATCH 1000
#endif

static void every_path_equals_a_full_sort(void **state)
{
    static const uint32_t dimensions[] = {1, 3, 16, 50, 64};
    const char *long_run = getenv("RECSYS_LONG");
    size_t wanted =
        long_run != NULL && *long_run == '1' ? 5 : SHORT_RUN; /* of the five dimensions */
    (void)state;
    for (int family = 0; family < N_FAMILIES; family++)
        for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++) {
            if ((i + (size_t)family) % 5 >= wanted)
                continue;
            check_family((enum family)family, 3000 + 17 * (uint32_t)i, dimensions[i],
                         (int)(i + (size_t)family) % 2, 12, 1 + (uint32_t)i % 2,
                         100u * (uint64_t)family + i);
        }
}

static void batches_of_a_thousand_equal_a_full_sort(void **state)
{
    (void)state;
    check_family(GAUSSIAN, 2049, 32, 0, LARGE_BATCH, 2, 42);
    check_family(LOG_NORMAL, 3100, 64, 1, 150, 2, 43);
}

/* For candidate generation: as many as there are, and more than that. */
static void all_of_the_items_come_back_in_order(void **state)
{
    (void)state;
    for (int family = 0; family < N_FAMILIES; family++) {
        uint32_t n = 1500 + 11 * (uint32_t)family;
        struct plain_items items;
        struct setting s;
        plain_items_create(&items, (enum family)family, n, 24, family % 2, 46);
        set_up(&s, &items, 5, 1 + (uint32_t)family % 2, (enum family)family, 53);
        for (int f = -1; f < 4; f++) {
            ask(&s, 1, n, f, "all");
            ask(&s, 5, n - 1, f, "all but one");
            ask(&s, 5, n + 5, f, "more than all");
        }
        for (int f = 0; f < 4; f++)
            ask_matrix(&s, n + 5, f);
        tear_down(&s);
        plain_items_destroy(&items);
    }
}

static void a_tiny_catalogue_returns_all_it_has(void **state)
{
    (void)state;
    check_family(GAUSSIAN, 1, 5, 1, 8, 2, 44);
    check_family(GAUSSIAN, 63, 5, 0, 8, 2, 45);
}

int main(void)
{
    (void)rs_code_kernel_allow_amx();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_equals_a_full_sort),
        cmocka_unit_test(batches_of_a_thousand_equal_a_full_sort),
        cmocka_unit_test(all_of_the_items_come_back_in_order),
        cmocka_unit_test(a_tiny_catalogue_returns_all_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
