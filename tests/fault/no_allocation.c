/* The promises "never allocates", held by counting.
 *
 * Every malloc of the process is counted, so that what BLAS or the C library
 * take on the way shows too. One matrix product beforehand lets BLAS make the
 * buffers that it keeps for the life of the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/fail_alloc.h"
#include "tests/support/scratch.h"

FAIL_ALLOC_INTERPOSE;

#define N_ITEMS 6000
#define N_USERS 80
#define D 48
#define SEED 20260501u

static struct bundle bundle;
static recsys_model *model;
static recsys_error err;
static recsys_scored scored[N_USERS * 100];
static recsys_query queries[N_USERS];
static uint32_t counts[N_USERS];

static void must(recsys_status status, const char *what)
{
    if (status != RECSYS_OK)
        fail_msg("%s: %s: %s", what, recsys_status_name(status), err.message);
}

/* How often this call allocates; the call must succeed. */
#define ALLOCATIONS(n, call)                                                                       \
    do {                                                                                           \
        fail_alloc_start(-1, 0);                                                                   \
        recsys_status status_ = (call);                                                            \
        (n) = fail_alloc_stop();                                                                   \
        must(status_, #call);                                                                      \
    } while (0)

static recsys_scorer *create_scorer(uint32_t n_threads, uint32_t batch)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_scorer *scorer = NULL;

    options.n_threads = n_threads;
    options.max_batch = batch;
    options.max_k = 100;
    options.dimensions = D;
    must(recsys_scorer_create(&options, &scorer, &err), "scorer");
    return scorer;
}

static int set_up(void **state)
{
    char path[1024];
    recsys_scorer *scorer;

    printf("seed %u; %s\n", SEED,
           fail_alloc_sees_everything() ? "all of the process is counted"
                                        : "the library's own allocations are counted");
    scratch_set_up(state);
    snprintf(path, sizeof path, "%s/b", scratch);
    bundle_write(&bundle, path, N_USERS, N_ITEMS, D, SEED,
                 BUNDLE_BIAS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_FEATURES);
    must(recsys_model_load(path, NULL, &model, &err), path);
    for (size_t q = 0; q < N_USERS; q++)
        queries[q] = (recsys_query){.vector = bundle.users + q * D, .k = 100};
    scorer = create_scorer(2, N_USERS); /* warms BLAS up: a batch and a single vector */
    must(recsys_scorer_top_k(scorer, model, queries, N_USERS, scored, 100, counts, &err), "warm");
    must(recsys_scorer_top_k(scorer, model, queries, 1, scored, 100, counts, &err), "warm");
    recsys_scorer_destroy(scorer);
    return 0;
}

static int tear_down(void **state)
{
    recsys_model_unref(model);
    bundle_free(&bundle);
    return scratch_tear_down(state);
}

static void the_counting_itself_works(void **state)
{
    recsys_scorer *scorer = NULL;
    long n;

    (void)state;
    ALLOCATIONS(n, recsys_scorer_create(NULL, &scorer, &err));
    assert_true(n > 0);
    if (fail_alloc_sees_everything()) {
        fail_alloc_start(-1, 0);
        void *volatile block = malloc(1);
        block = realloc(block, 100);
        free(block);
        assert_int_equal(fail_alloc_stop(), 2);
    }
    recsys_scorer_destroy(scorer);
}

static void top_k_allocates_nothing_not_even_at_first(void **state)
{
    static const size_t batches[] = {1, 2, 7, N_USERS};
    long n;

    (void)state;
    for (uint32_t n_threads = 1; n_threads <= 2; n_threads++)
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
            recsys_scorer *scorer = create_scorer(n_threads, N_USERS);
            for (int round = 0; round < 3; round++) {
                ALLOCATIONS(n, recsys_scorer_top_k(scorer, model, queries, batches[b], scored, 100,
                                                   counts, &err));
                if (n != 0)
                    fail_msg("%u threads, %zu queries, call %d: %ld allocations", n_threads,
                             batches[b], round + 1, n);
            }
            recsys_scorer_destroy(scorer);
        }
}

static void top_k_under_a_filter_allocates_nothing(void **state)
{
    recsys_scorer *scorer = create_scorer(1, 1);
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter = NULL;
    recsys_query query = queries[0];
    long n;

    (void)state;
    options.min_rating = 5.0f;
    options.flags = RECSYS_FILTER_EXCLUDE_SEEN;
    options.seen_by.number = 1;
    must(recsys_filter_create(model, &options, &filter, &err), "filter");
    query.filter = filter;
    ALLOCATIONS(n, recsys_scorer_top_k(scorer, model, &query, 1, scored, 100, counts, &err));
    assert_int_equal(n, 0);
    recsys_filter_unref(filter);
    recsys_scorer_destroy(scorer);
}

static void sizes_beyond_the_options_are_met_once(void **state)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_scorer *scorer = NULL;
    long n;

    (void)state;
    options.max_k = 1;
    options.dimensions = 1;
    must(recsys_scorer_create(&options, &scorer, &err), "scorer");
    ALLOCATIONS(n, recsys_scorer_top_k(scorer, model, queries, 9, scored, 100, counts, &err));
    assert_true(n > 0);
    ALLOCATIONS(n, recsys_scorer_top_k(scorer, model, queries, 9, scored, 100, counts, &err));
    assert_int_equal(n, 0);
    ALLOCATIONS(n, recsys_scorer_top_k(scorer, model, queries, 4, scored, 100, counts, &err));
    assert_int_equal(n, 0);
    recsys_scorer_destroy(scorer);
}

static void similar_allocates_nothing(void **state)
{
    recsys_scorer *scorer = create_scorer(1, 1);
    const recsys_id item = RECSYS_ID_NUMBER(17);
    uint32_t count;
    long n;

    (void)state;
    ALLOCATIONS(n, recsys_scorer_similar(scorer, model, item, NULL, 50, scored, &count, &err));
    assert_int_equal(n, 0);
    recsys_scorer_destroy(scorer);
}

/* Requests of every kind, n of them. */
static void make_requests(recsys_request *requests, size_t n)
{
    static const char *const genres[] = {"Drama", "Horror"}, *const languages[] = {"en", "fr"};
    static recsys_id exclude[20];

    for (size_t i = 0; i < 20; i++)
        exclude[i].number = 100 + i;
    for (size_t i = 0; i < n; i++) {
        requests[i] = (recsys_request)RECSYS_REQUEST_INIT;
        requests[i].user.number = i + 1;
        requests[i].k = 20;
        requests[i].flags = RECSYS_REQUEST_REASONS | (i % 5 == 4 ? RECSYS_REQUEST_ANONYMOUS : 0);
        requests[i].exclude = exclude;
        requests[i].n_exclude = i % 3 == 0 ? 20 : 0;
        requests[i].genres = genres;
        requests[i].n_genres = i % 2 == 0 ? 2 : 0;
        requests[i].languages = languages;
        requests[i].n_languages = i % 4 == 1 ? 2 : 0;
        requests[i].min_rating = i % 4 == 2 ? 3.0f : 0.0f;
        requests[i].decade = i % 4 == 3 ? 1980 : 0;
    }
}

static void recommending_allocates_nothing_from_the_second_call_on(void **state)
{
    static recsys_request requests[40];
    recsys_reply replies[40] = {RECSYS_REPLY_INIT};
    const size_t sizes[] = {40, 1, 13, 40};
    long n;

    (void)state;
    make_requests(requests, 40);
    for (uint32_t n_threads = 1; n_threads <= 2; n_threads++) {
        recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
        recsys_recommender *recommender = NULL;
        options.n_threads = n_threads;
        must(recsys_recommender_create(&options, &recommender, &err), "recommender");
        must(recsys_recommend(recommender, model, requests, 40, replies, &err), "first");
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            ALLOCATIONS(n, recsys_recommend(recommender, model, requests, sizes[i], replies, &err));
            if (n != 0)
                fail_msg("%u threads, %zu requests: %ld allocations", n_threads, sizes[i], n);
        }
        recsys_recommender_destroy(recommender);
    }
}

static void recommending_similar_items_allocates_nothing_from_the_second_call_on(void **state)
{
    recsys_recommender *recommender = NULL;
    recsys_request request;
    recsys_reply reply = RECSYS_REPLY_INIT;
    const recsys_id first = RECSYS_ID_NUMBER(17), second = RECSYS_ID_NUMBER(18);
    long n;

    (void)state;
    make_requests(&request, 1);
    must(recsys_recommender_create(NULL, &recommender, &err), "recommender");
    must(recsys_recommend_similar(recommender, model, first, &request, &reply, &err), "first");
    ALLOCATIONS(n, recsys_recommend_similar(recommender, model, second, &request, &reply, &err));
    assert_int_equal(n, 0);
    ALLOCATIONS(n, recsys_recommend_similar(recommender, model, second, NULL, &reply, &err));
    assert_int_equal(n, 0);
    recsys_recommender_destroy(recommender);
}

static void a_matrix_allocates_nothing_not_even_at_first(void **state)
{
    static uint64_t ids[N_USERS * 100];
    static uint32_t rows[N_USERS * 100];
    static float scores[N_USERS * 100];
    recsys_scorer *scorer = create_scorer(2, N_USERS);
    long n;

    (void)state;
    ALLOCATIONS(n, recsys_scorer_top_k_matrix(scorer, model, bundle.users, N_USERS, D, NULL, NULL,
                                              100, ids, rows, scores, counts, &err));
    assert_int_equal(n, 0);
    recsys_scorer_destroy(scorer);
}

static void answers_in_the_callers_memory_and_named_items_allocate_nothing(void **state)
{
    static recsys_request requests[40];
    static recsys_id items[40 * 20], liked[5], allow[30];
    static float scores[40 * 20], weights[5] = {1, 2, 3, 4, 5};
    recsys_recommender *recommender = NULL;
    uint32_t n_found[40];
    long n;

    (void)state;
    make_requests(requests, 40);
    for (size_t i = 0; i < 30; i++)
        allow[i].number = 50 + i;
    for (size_t i = 0; i < 5; i++)
        liked[i].number = 10 + i;
    for (size_t i = 0; i < 40; i += 3) {
        requests[i].liked = liked;
        requests[i].liked_weights = weights;
        requests[i].n_liked = 5;
        requests[i].allow = allow;
        requests[i].n_allow = 30;
        requests[i].flags |= RECSYS_REQUEST_ALLOW;
    }
    must(recsys_recommender_create(NULL, &recommender, &err), "recommender");
    for (int round = 0; round < 2; round++) {
        ALLOCATIONS(n, recsys_recommend_into(recommender, model, requests, 40, 20, items, NULL,
                                             scores, n_found, NULL, NULL, &err));
        assert_true(round == 0 || n == 0);
        ALLOCATIONS(n, recsys_recommend_score_items(recommender, model, requests, allow, 30, scores,
                                                    NULL, NULL, &err));
        assert_true(round == 0 || n == 0);
    }
    recsys_recommender_destroy(recommender);
}

static void looking_things_up_allocates_nothing(void **state)
{
    const recsys_id id = RECSYS_ID_NUMBER(3), unknown = RECSYS_ID_NUMBER(99999);
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};
    recsys_item item = {.struct_size = (uint32_t)sizeof item};
    float vector[D], bias;
    recsys_id ids[10];
    size_t count;
    long n;

    (void)state;
    ALLOCATIONS(n, recsys_model_get_info(model, &info, &err));
    assert_int_equal(n, 0);
    ALLOCATIONS(n, recsys_model_get_user(model, id, vector, &bias, &err));
    assert_int_equal(n, 0);
    ALLOCATIONS(n, recsys_model_get_item(model, id, vector, &bias, &err));
    assert_int_equal(n, 0);
    ALLOCATIONS(n, recsys_model_get_item_ids(model, 5, ids, 10, &count, &err));
    assert_int_equal(n, 0);
    ALLOCATIONS(n, recsys_catalog_get(model, id, &item, &err));
    assert_int_equal(n, 0);
    fail_alloc_start(-1, 0); /* nor does a failure, message and all */
    recsys_status status = recsys_model_get_item(model, unknown, vector, &bias, &err);
    assert_int_equal(fail_alloc_stop(), 0);
    assert_int_equal(status, RECSYS_E_NOT_FOUND);
}

static void a_cache_hit_and_a_miss_allocate_nothing(void **state)
{
    const recsys_bytes key = {"key", 3};
    recsys_cache *cache = NULL;
    recsys_cache_entry *entry = NULL;
    long n;

    (void)state;
    must(recsys_cache_create(NULL, &cache, &err), "cache");
    must(recsys_cache_set(cache, key, (recsys_bytes){"value", 5}, 0, &err), "set");
    for (int round = 0; round < 3; round++) {
        ALLOCATIONS(n, recsys_cache_get(cache, key, &entry, &err));
        assert_int_equal(n, 0);
        fail_alloc_start(-1, 0);
        recsys_cache_release(entry);
        assert_int_equal(fail_alloc_stop(), 0);
    }
    fail_alloc_start(-1, 0);
    recsys_status status = recsys_cache_get(cache, (recsys_bytes){"other", 5}, &entry, &err);
    assert_int_equal(fail_alloc_stop(), 0);
    assert_int_equal(status, RECSYS_E_NOT_FOUND);
    recsys_cache_destroy(cache);
}

static void acquiring_a_model_allocates_nothing(void **state)
{
    recsys_slot *slot = NULL;
    char path[1024];
    recsys_deployment *deployment = NULL;

    (void)state;
    must(recsys_slot_create(&slot, &err), "slot");
    must(recsys_slot_swap(slot, model, &err), "swap");
    fail_alloc_start(-1, 0);
    for (int i = 0; i < 100; i++)
        recsys_model_unref(recsys_slot_acquire(slot));
    assert_int_equal(fail_alloc_stop(), 0);
    recsys_slot_destroy(slot);

    snprintf(path, sizeof path, "%s/b", scratch);
    must(recsys_deployment_create(path, NULL, &deployment, &err), "deployment");
    must(recsys_deployment_reload(deployment, NULL, &err), "reload");
    fail_alloc_start(-1, 0);
    for (int i = 0; i < 100; i++)
        recsys_model_unref(recsys_deployment_acquire(deployment));
    assert_int_equal(fail_alloc_stop(), 0);
    recsys_deployment_destroy(deployment);
}

static void recording_a_number_allocates_nothing(void **state)
{
    recsys_stats *stats = NULL;
    recsys_metric *counter = NULL, *gauge = NULL, *histogram = NULL;

    (void)state;
    must(recsys_stats_create(&stats, &err), "stats");
    must(recsys_stats_add_counter(stats, "a_total", "a", NULL, &counter, &err), "counter");
    must(recsys_stats_add_gauge(stats, "b", "b", NULL, &gauge, &err), "gauge");
    must(recsys_stats_add_histogram(stats, "c", "c", NULL, NULL, 0, &histogram, &err), "histogram");
    fail_alloc_start(-1, 0);
    for (int i = 0; i < 100; i++) {
        recsys_metric_add(counter, 1);
        recsys_metric_set(gauge, i);
        recsys_metric_record(histogram, i * 1e-3);
    }
    assert_int_equal(fail_alloc_stop(), 0);
    recsys_stats_unref(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counting_itself_works),
        cmocka_unit_test(top_k_allocates_nothing_not_even_at_first),
        cmocka_unit_test(top_k_under_a_filter_allocates_nothing),
        cmocka_unit_test(sizes_beyond_the_options_are_met_once),
        cmocka_unit_test(similar_allocates_nothing),
        cmocka_unit_test(recommending_allocates_nothing_from_the_second_call_on),
        cmocka_unit_test(recommending_similar_items_allocates_nothing_from_the_second_call_on),
        cmocka_unit_test(a_matrix_allocates_nothing_not_even_at_first),
        cmocka_unit_test(answers_in_the_callers_memory_and_named_items_allocate_nothing),
        cmocka_unit_test(looking_things_up_allocates_nothing),
        cmocka_unit_test(a_cache_hit_and_a_miss_allocate_nothing),
        cmocka_unit_test(acquiring_a_model_allocates_nothing),
        cmocka_unit_test(recording_a_number_allocates_nothing),
    };

    fail_alloc_init(FAIL_ALLOC_INTERPOSED);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
