/* Covers scorer.h: answers against a brute-force computation, and every documented refusal. */
#include "tests/api/reference.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#define N_ITEMS 700
#define LARGE_K 1000 /* more than there are */
#define N_USERS 20
#define DIMENSIONS 24
#define SEED 20260301u

static struct bundle bundle;
static recsys_model *model, *other_model;
static struct bundle other_bundle;
static struct reference reference;
static recsys_error err;

static int set_up(void **state)
{
    printf("seed %u\n", SEED);
    scratch_set_up(state);
    model = make_model(scratch, "b", &bundle, N_USERS, N_ITEMS, DIMENSIONS, SEED,
                       BUNDLE_CATALOG | BUNDLE_SEEN | BUNDLE_BIAS | BUNDLE_UNSORTED);
    other_model =
        make_model(scratch, "other", &other_bundle, 3, 50, DIMENSIONS, SEED + 1, BUNDLE_TEXT_IDS);
    reference_create(&reference, model);
    return 0;
}

static int tear_down(void **state)
{
    reference_destroy(&reference);
    recsys_model_unref(model);
    recsys_model_unref(other_model);
    bundle_free(&bundle);
    bundle_free(&other_bundle);
    return scratch_tear_down(state);
}

static recsys_scorer *create(uint32_t n_threads)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_scorer *scorer = NULL;

    options.n_threads = n_threads;
    must(recsys_scorer_create(&options, &scorer, &err), &err, "scorer");
    return scorer;
}

static void check_query(const recsys_query *query, const recsys_filter_options *conditions,
                        const recsys_scored *got, uint32_t count, const char *what)
{
    unsigned char eligible[N_ITEMS];
    double scores[N_ITEMS], slack[N_ITEMS];
    struct place places[LARGE_K];

    for (size_t i = 0; i < N_ITEMS; i++)
        eligible[i] = conditions == NULL || passes(&reference, i, conditions);
    for (uint32_t i = 0; i < count; i++) {
        places[i].item = got[i].item;
        places[i].raw = got[i].score;
        assert_int_equal(got[i].reserved, 0);
    }
    reference_score(&reference, query->vector, query->offset, FLOAT_ROUNDING, scores, slack);
    check_answer(&reference, what, eligible, scores, slack, query->k, places, count);
}

static void the_best_items_come_back_best_first(void **state)
{
    static const uint32_t ks[] = {1, 2, 10, 100, N_ITEMS, LARGE_K};
    static recsys_scored got[LARGE_K];

    (void)state;
    for (uint32_t n_threads = 1; n_threads <= 3; n_threads += 2) {
        recsys_scorer *scorer = create(n_threads);
        for (size_t u = 0; u < N_USERS; u++)
            for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
                recsys_query query = {.vector = bundle.users + u * DIMENSIONS, .k = ks[i]};
                uint32_t count = 0;
                query.offset = u % 2 == 0 ? 0.0 : -2.5;
                must(recsys_scorer_top_k(scorer, model, &query, 1, got, LARGE_K, &count, &err),
                     &err, "top_k");
                check_query(&query, NULL, got, count, "one query");
            }
        recsys_scorer_destroy(scorer);
    }
}

static void a_batch_gives_every_query_its_own_answer(void **state)
{
    recsys_scorer *scorer = create(2);
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter = NULL;
    recsys_query queries[N_USERS];
    static recsys_scored got[N_USERS * 64], alone[64];
    uint32_t counts[N_USERS], count;

    (void)state;
    options.min_rating = 5.0f;
    options.flags = RECSYS_FILTER_EXCLUDE_ADULT;
    must(recsys_filter_create(model, &options, &filter, &err), &err, "filter");
    for (size_t u = 0; u < N_USERS; u++)
        queries[u] = (recsys_query){.vector = bundle.users + u * DIMENSIONS,
                                    .filter = u % 3 == 0 ? filter : NULL,
                                    .offset = (double)u,
                                    .k = (uint32_t)u * 3 + 1};
    must(recsys_scorer_top_k(scorer, model, queries, N_USERS, got, 64, counts, &err), &err,
         "batch");
    for (size_t u = 0; u < N_USERS; u++) {
        check_query(&queries[u], u % 3 == 0 ? &options : NULL, got + u * 64, counts[u], "batch");
        must(recsys_scorer_top_k(scorer, model, &queries[u], 1, alone, 64, &count, &err), &err,
             "alone");
        assert_int_equal(count, counts[u]);
        assert_memory_equal(alone, got + u * 64, count * sizeof *alone);
    }
    recsys_filter_unref(filter);
    recsys_scorer_destroy(scorer);
}

static void no_queries_are_no_mistake(void **state)
{
    recsys_scorer *scorer = create(1);
    const recsys_query query = {.vector = bundle.users, .k = 1};
    recsys_scored got[1];
    uint32_t count = 77;

    (void)state;
    must(recsys_scorer_top_k(scorer, model, &query, 0, got, 1, &count, &err), &err, "none");
    assert_int_equal(count, 77);
    recsys_scorer_destroy(scorer);
}

static void a_filter_that_passes_nothing_gives_nothing(void **state)
{
    recsys_scorer *scorer = create(1);
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter = NULL;
    const recsys_id nobody = RECSYS_ID_NUMBER(99999);
    recsys_scored got[5];
    uint32_t count = 77;

    (void)state;
    options = (recsys_filter_options)RECSYS_FILTER_OPTIONS_INIT;
    options.flags = RECSYS_FILTER_ALLOW;
    options.allow = &nobody;
    options.n_allow = 1;
    must(recsys_filter_create(model, &options, &filter, &err), &err, "filter");
    const recsys_query query = {.vector = bundle.users, .filter = filter, .k = 5};
    must(recsys_scorer_top_k(scorer, model, &query, 1, got, 5, &count, &err), &err, "nothing");
    assert_int_equal(count, 0);
    recsys_filter_unref(filter);
    recsys_scorer_destroy(scorer);
}

static void one_scorer_serves_models_of_any_size(void **state)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_scorer *scorer = NULL;
    struct bundle wide;
    static recsys_scored got[300];
    uint32_t counts[3];
    recsys_query queries[3];
    recsys_model *wider = make_model(scratch, "wide", &wide, 3, 300, 200, SEED + 2, 0);

    (void)state;
    options.dimensions = 4; /* less than any of them */
    options.max_k = 1;
    must(recsys_scorer_create(&options, &scorer, &err), &err, "scorer");
    for (int round = 0; round < 2; round++) {
        for (size_t q = 0; q < 3; q++)
            queries[q] = (recsys_query){.vector = wide.users + q * 200, .k = 100};
        must(recsys_scorer_top_k(scorer, wider, queries, 3, got, 100, counts, &err), &err, "wide");
        assert_true(counts[0] == 100 && counts[1] == 100 && counts[2] == 100);
        for (size_t q = 0; q < 3; q++)
            queries[q].vector = other_bundle.users + q * DIMENSIONS;
        must(recsys_scorer_top_k(scorer, other_model, queries, 3, got, 100, counts, &err), &err,
             "narrow");
        assert_true(counts[0] == 50 && counts[1] == 50 && counts[2] == 50);
        assert_non_null(got[0].item.text);
        assert_int_equal(got[0].item.number, strlen(got[0].item.text));
    }
    recsys_scorer_destroy(scorer);
    recsys_model_unref(wider);
    bundle_free(&wide);
}

static void refuse(recsys_scorer *scorer, const recsys_query *query, size_t stride,
                   const char *what)
{
    recsys_scored got[8];
    uint32_t count = 77;

    expect(recsys_scorer_top_k(scorer, model, query, 1, got, stride, &count, &err),
           RECSYS_E_INVALID, &err, what);
    assert_int_equal(count, 0);
    assert_int_equal(recsys_scorer_top_k(scorer, model, query, 1, got, stride, &count, NULL),
                     RECSYS_E_INVALID);
}

static void a_query_that_makes_no_sense_is_refused(void **state)
{
    recsys_scorer *scorer = create(1);
    recsys_filter *filter = NULL;
    float vector[DIMENSIONS];
    recsys_query query;
    const recsys_query whole = {.vector = vector, .k = 5};

    (void)state;
    memcpy(vector, bundle.users, sizeof vector);
    query = whole;
    query.vector = NULL;
    refuse(scorer, &query, 8, "no vector");
    query = whole;
    query.k = 0;
    refuse(scorer, &query, 8, "k of 0");
    query.k = 9;
    refuse(scorer, &query, 8, "k over the stride");
    query.k = UINT32_MAX;
    refuse(scorer, &query, 8, "all there are, and no room for them");
    query = whole;
    query.offset = NAN;
    refuse(scorer, &query, 8, "an offset that is no number");
    query.offset = INFINITY;
    refuse(scorer, &query, 8, "an infinite offset");
    must(recsys_filter_create(other_model, NULL, &filter, &err), &err, "filter");
    query = whole;
    query.filter = filter;
    refuse(scorer, &query, 8, "another model's filter");
    recsys_filter_unref(filter);
    vector[DIMENSIONS - 1] = NAN;
    refuse(scorer, &whole, 8, "a vector with a NaN");
    vector[DIMENSIONS - 1] = -INFINITY;
    refuse(scorer, &whole, 8, "an infinite vector");
    recsys_scorer_destroy(scorer);
}

static void one_bad_query_refuses_its_batch(void **state)
{
    recsys_scorer *scorer = create(1);
    recsys_query queries[3];
    recsys_scored got[15];
    uint32_t counts[3] = {7, 7, 7};

    (void)state;
    for (size_t q = 0; q < 3; q++)
        queries[q] = (recsys_query){.vector = bundle.users, .k = 5};
    queries[1].k = 0;
    expect(recsys_scorer_top_k(scorer, model, queries, 3, got, 5, counts, &err), RECSYS_E_INVALID,
           &err, "the middle one");
    assert_non_null(strstr(err.message, "query 1"));
    assert_true(counts[0] == 0 && counts[1] == 0 && counts[2] == 0);
    recsys_scorer_destroy(scorer);
}

static void null_arguments_are_refused(void **state)
{
    recsys_scorer *scorer = create(1);
    const recsys_query query = {.vector = bundle.users, .k = 1};
    const recsys_id item = reference.ids[0];
    recsys_scored got[1];
    uint32_t count;

    (void)state;
    expect(recsys_scorer_top_k(NULL, model, &query, 1, got, 1, &count, &err), RECSYS_E_INVALID,
           &err, "scorer");
    expect(recsys_scorer_top_k(scorer, NULL, &query, 1, got, 1, &count, &err), RECSYS_E_INVALID,
           &err, "model");
    expect(recsys_scorer_top_k(scorer, model, NULL, 1, got, 1, &count, &err), RECSYS_E_INVALID,
           &err, "queries");
    expect(recsys_scorer_top_k(scorer, model, &query, 1, NULL, 1, &count, &err), RECSYS_E_INVALID,
           &err, "out");
    expect(recsys_scorer_top_k(scorer, model, &query, 1, got, 1, NULL, &err), RECSYS_E_INVALID,
           &err, "counts");
    expect(recsys_scorer_similar(NULL, model, item, NULL, 1, got, &count, &err), RECSYS_E_INVALID,
           &err, "scorer");
    expect(recsys_scorer_similar(scorer, NULL, item, NULL, 1, got, &count, &err), RECSYS_E_INVALID,
           &err, "model");
    expect(recsys_scorer_similar(scorer, model, item, NULL, 1, NULL, &count, &err),
           RECSYS_E_INVALID, &err, "out");
    expect(recsys_scorer_similar(scorer, model, item, NULL, 1, got, NULL, &err), RECSYS_E_INVALID,
           &err, "count");
    recsys_scorer_destroy(scorer);
    recsys_scorer_destroy(NULL);
}

static void refuse_options(const recsys_scorer_options *options, recsys_status want,
                           const char *what)
{
    recsys_scorer *scorer = (recsys_scorer *)&err;

    expect(recsys_scorer_create(options, &scorer, &err), want, &err, what);
    assert_null(scorer);
    assert_int_equal(recsys_scorer_create(options, &scorer, NULL), want);
}

static void options_are_checked(void **state)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    struct {
        recsys_scorer_options options;
        uint64_t new_field;
    } newer;
    recsys_scorer *scorer = NULL;

    (void)state;
    expect(recsys_scorer_create(&options, NULL, &err), RECSYS_E_INVALID, &err, "no out");
    options.struct_size = RECSYS_SCORER_OPTIONS_SIZE_V1 - 1;
    refuse_options(&options, RECSYS_E_INVALID, "a size before version 1");
    options = (recsys_scorer_options)RECSYS_SCORER_OPTIONS_INIT;
    options.reserved = 1;
    refuse_options(&options, RECSYS_E_UNSUPPORTED, "a reserved field");
    options.reserved = 0;
    options.n_threads = 257;
    refuse_options(&options, RECSYS_E_INVALID, "too many threads");
    options.n_threads = 0;
    options.max_k = options.max_batch = UINT32_MAX;
    refuse_options(&options, RECSYS_E_NOMEM, "room for more than there is memory");
    options.max_k = options.max_batch = 0;
    memset(&newer, 0, sizeof newer);
    newer.options.struct_size = (uint32_t)sizeof newer;
    must(recsys_scorer_create(&newer.options, &scorer, &err), &err, "zero tail");
    recsys_scorer_destroy(scorer);
    newer.new_field = 1;
    refuse_options(&newer.options, RECSYS_E_UNSUPPORTED, "a tail that is not zero");
}

static void similar_items_are_those_of_nearest_direction(void **state)
{
    recsys_scorer *scorer = create(1);
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter = NULL;
    recsys_scored got[40];

    (void)state;
    options.max_year = 1985;
    must(recsys_filter_create(model, &options, &filter, &err), &err, "filter");
    for (size_t wanted = 0; wanted < N_ITEMS; wanted += 23) {
        unsigned char eligible[N_ITEMS];
        double scores[N_ITEMS], slack[N_ITEMS];
        struct place places[40];
        const float *from = reference.vectors + wanted * DIMENSIONS;
        int filtered = wanted % 2 == 1;
        uint32_t count = 0;
        for (size_t i = 0; i < N_ITEMS; i++) {
            const float *to = reference.vectors + i * DIMENSIONS;
            scores[i] = dot(from, to, DIMENSIONS) /
                        sqrt(dot(from, from, DIMENSIONS) * dot(to, to, DIMENSIONS));
            slack[i] = FLOAT_ROUNDING;
            eligible[i] = i != wanted && (!filtered || passes(&reference, i, &options));
        }
        must(recsys_scorer_similar(scorer, model, reference.ids[wanted], filtered ? filter : NULL,
                                   40, got, &count, &err),
             &err, "similar");
        for (uint32_t i = 0; i < count; i++)
            places[i] = (struct place){got[i].item, got[i].score};
        check_answer(&reference, "similar", eligible, scores, slack, 40, places, count);
    }
    recsys_filter_unref(filter);
    recsys_scorer_destroy(scorer);
}

static void similar_checks_what_it_is_asked(void **state)
{
    recsys_scorer *scorer = create(1);
    recsys_filter *filter = NULL;
    const recsys_id unknown = RECSYS_ID_NUMBER(99999), text = {"i-5", 3};
    recsys_scored got[1];
    uint32_t count = 7;

    (void)state;
    must(recsys_filter_create(other_model, NULL, &filter, &err), &err, "filter");
    expect(recsys_scorer_similar(scorer, model, unknown, NULL, 1, got, &count, &err),
           RECSYS_E_NOT_FOUND, &err, "unknown");
    assert_int_equal(count, 0);
    expect(recsys_scorer_similar(scorer, model, text, NULL, 1, got, &count, &err), RECSYS_E_INVALID,
           &err, "text");
    expect(recsys_scorer_similar(scorer, model, reference.ids[0], NULL, 0, got, &count, &err),
           RECSYS_E_INVALID, &err, "k of 0");
    expect(recsys_scorer_similar(scorer, model, reference.ids[0], filter, 1, got, &count, &err),
           RECSYS_E_INVALID, &err, "another model's filter");
    recsys_filter_unref(filter);
    recsys_scorer_destroy(scorer);
}

/* A bundle by the builder whose item vectors are these. */
static recsys_model *build(const char *name, const float *items, size_t n, size_t d)
{
    recsys_builder *builder = NULL;
    recsys_model *built;
    const recsys_array item_factors = RECSYS_ARRAY_2D(items, RECSYS_DTYPE_F32, n, d),
                       user_factors = RECSYS_ARRAY_2D(items, RECSYS_DTYPE_F32, 0, d);
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    must(recsys_builder_create(&builder, &err), &err, "builder");
    must(recsys_builder_set_array(builder, "item_factors", &item_factors, &err), &err, "items");
    must(recsys_builder_set_array(builder, "user_factors", &user_factors, &err), &err, "users");
    must(recsys_builder_write(builder, path, &err), &err, "write");
    recsys_builder_destroy(builder);
    built = load_model(path);
    return built;
}

static void an_item_without_a_vector_is_similar_to_nothing(void **state)
{
    static const float items[5][2] = {{1, 0}, {0, 0}, {0.5f, 0.1f}, {0, 0}, {-2, 0}};
    recsys_model *small = build("zeros", &items[0][0], 5, 2);
    recsys_scorer *scorer = create(1);
    recsys_scored got[10];
    uint32_t count = 0;
    const recsys_id one = RECSYS_ID_NUMBER(0), two = RECSYS_ID_NUMBER(1);

    (void)state;
    must(recsys_scorer_similar(scorer, small, one, NULL, 10, got, &count, &err), &err, "one");
    assert_int_equal(count, 2);
    assert_int_equal(got[0].item.number, 2);
    assert_int_equal(got[1].item.number, 4);
    assert_true(got[1].score == -1.0f);
    must(recsys_scorer_similar(scorer, small, two, NULL, 10, got, &count, &err), &err, "two");
    assert_int_equal(count, 0);
    recsys_scorer_destroy(scorer);
    recsys_model_unref(small);
}

static void equal_scores_are_ordered_by_id(void **state)
{
    float items[100][3];
    recsys_scorer *scorer = create(1);
    static const float vector[3] = {0.5f, -1, 2};
    const recsys_query query = {.vector = vector, .k = 30};
    recsys_scored got[30];
    uint32_t count = 0;

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        items[i][0] = items[i][2] = (float)(i % 2) + 1;
        items[i][1] = 0.25f;
    }
    recsys_model *ties = build("ties", &items[0][0], 100, 3);
    must(recsys_scorer_top_k(scorer, ties, &query, 1, got, 30, &count, &err), &err, "ties");
    assert_int_equal(count, 30);
    for (uint32_t i = 0; i < 30; i++)
        assert_int_equal(got[i].item.number, 2 * i + 1); /* odd rows */
    recsys_scorer_destroy(scorer);
    recsys_model_unref(ties);
}

static void the_blas_says_what_it_is(void **state)
{
    recsys_blas_info info = {.struct_size = (uint32_t)sizeof info};

    (void)state;
    must(recsys_blas_get_info(&info, &err), &err, "blas");
    assert_true(info.config != NULL && info.core != NULL && info.n_threads >= 0);
    expect(recsys_blas_get_info(NULL, &err), RECSYS_E_INVALID, &err, "NULL");
    info.struct_size = 4;
    expect(recsys_blas_get_info(&info, &err), RECSYS_E_INVALID, &err, "no size");
    expect(recsys_blas_set_threads(0, &err), RECSYS_E_INVALID, &err, "no threads");
    recsys_status status = recsys_blas_set_threads(1, &err);
    if (status != RECSYS_OK) {
        expect(status, RECSYS_E_UNSUPPORTED, &err, "a BLAS without that call");
        return;
    }
    info.struct_size = (uint32_t)sizeof info;
    must(recsys_blas_get_info(&info, &err), &err, "blas");
    CHECK_BETWEEN(info.n_threads, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_items_come_back_best_first),
        cmocka_unit_test(a_batch_gives_every_query_its_own_answer),
        cmocka_unit_test(no_queries_are_no_mistake),
        cmocka_unit_test(a_filter_that_passes_nothing_gives_nothing),
        cmocka_unit_test(one_scorer_serves_models_of_any_size),
        cmocka_unit_test(a_query_that_makes_no_sense_is_refused),
        cmocka_unit_test(one_bad_query_refuses_its_batch),
        cmocka_unit_test(null_arguments_are_refused),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(similar_items_are_those_of_nearest_direction),
        cmocka_unit_test(similar_checks_what_it_is_asked),
        cmocka_unit_test(an_item_without_a_vector_is_similar_to_nothing),
        cmocka_unit_test(equal_scores_are_ordered_by_id),
        cmocka_unit_test(the_blas_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
