/* Out of memory while models are loaded and asked: see oom.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/als_model.h"
#include "tests/support/check.h"
#include "tests/support/oom.h"

FAIL_ALLOC_INTERPOSE;

static int same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* A load that succeeded although something failed has nevertheless loaded everything. */
static void check_same(const recsys_model *model, const char *path)
{
    recsys_model_info got = {.struct_size = (uint32_t)sizeof got}, want = got;
    recsys_model *whole = NULL;

    CHECK_OK(recsys_model_load(path, NULL, &whole, &oom_err), &oom_err);
    CHECK_OK(recsys_model_get_info(model, &got, &oom_err), &oom_err);
    CHECK_OK(recsys_model_get_info(whole, &want, &oom_err), &oom_err);
    CHECK(same_text(got.name, want.name) && same_text(got.version, want.version));
    CHECK(same_text(got.algorithm, want.algorithm) && same_text(got.metadata, want.metadata));
    CHECK(same_text(got.training_date, want.training_date));
    CHECK(same_text(got.fingerprint, want.fingerprint));
    CHECK(got.n_features == want.n_features && got.n_seen == want.n_seen);
    CHECK(got.n_catalog == want.n_catalog);
    recsys_model_unref(whole);
}

static recsys_status load_it(const char *path, const struct bundle *bundle, uint32_t flags)
{
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    recsys_model *model = (recsys_model *)&oom_err;
    recsys_status status;

    options.flags = flags;
    FAILING(status, recsys_model_load(path, &options, &model, &oom_err));
    if (status != RECSYS_OK) {
        CHECK(model == NULL);
        return status;
    }
    if (bundle != NULL)
        oom_check_answers(model, bundle);
    check_same(model, path);
    recsys_model_unref(model);
    return status;
}

static recsys_status load_a_bundle(void)
{
    return load_it(oom_path("full"), &oom_bundles[0], 0);
}

static recsys_status load_a_bundle_with_text_ids(void)
{
    return load_it(oom_path("texts"), &oom_bundles[1], 0);
}

static recsys_status load_columns_and_codes(void)
{
    return load_it(oom_path("columns"), &oom_bundles[0], 0);
}

/* The columns are copied into the order of the positions. */
static recsys_status load_columns_in_no_order(void)
{
    return load_it(oom_path("unsorted"), NULL, 0);
}

static recsys_status load_a_bundle_into_huge_pages(void)
{
    return load_it(oom_path("full"), &oom_bundles[0], RECSYS_MODEL_HUGE_PAGES);
}

static recsys_status load_a_cosine_bundle(void)
{
    return load_it(oom_path("cosine"), &oom_bundles[2], 0);
}

static recsys_status load_a_bare_file(void)
{
    return load_it(oom_path("full/model.safetensors"), &oom_bundles[0], 0);
}

static recsys_status load_an_npz(void)
{
    return load_it(oom_fixture("als.npz"), NULL, 0);
}

static recsys_status load_an_npz_with_bias_columns(void)
{
    return load_it(oom_fixture("bpr.npz"), NULL, 0);
}

static void count_release(void *user_data, const void *data, uint64_t size)
{
    (void)data;
    (void)size;
    ++*(int *)user_data;
}

/* Two files that are borrowed and two that are copied. */
static recsys_status load_from_memory(void)
{
    static const char *const names[] = {"recsys.json", "model.safetensors", "seen.safetensors",
                                        "catalog.jsonl"};
    const recsys_model_file init = RECSYS_MODEL_FILE_INIT;
    recsys_model_file files[4];
    unsigned char *bytes[4];
    recsys_model *model = (recsys_model *)&oom_err;
    recsys_status status;
    int released = 0;

    for (size_t i = 0; i < 4; i++) {
        size_t size;
        bytes[i] = bundle_read_file(oom_path("full"), names[i], &size);
        files[i] = init;
        files[i].name = names[i];
        files[i].data = bytes[i];
        files[i].size = size;
        files[i].release = i % 2 == 0 ? count_release : NULL;
        files[i].user_data = &released;
    }
    FAILING(status, recsys_model_load_files(files, 4, NULL, &model, &oom_err));
    if (status == RECSYS_OK) {
        oom_check_answers(model, &oom_bundles[0]);
        check_same(model, oom_path("full"));
        recsys_model_unref(model);
    } else {
        CHECK(model == NULL);
    }
    CHECK(released == 2);
    for (size_t i = 0; i < 4; i++)
        free(bytes[i]);
    return status;
}

/* A list that is made when it is first asked for. */
static recsys_status get_ids_as_an_array(void)
{
    recsys_model *model = oom_load_model("cosine");
    recsys_array array;
    recsys_status status;

    memset(&array, 0xa5, sizeof array);
    FAILING(status, recsys_model_get_array(model, "item_ids", &array, &oom_err));
    CHECK((status == RECSYS_OK) == (array.data != NULL));
    recsys_model_unref(model);
    return status;
}

static recsys_status create_a_filter(void)
{
    static const char *const languages[] = {"en", "fr"};
    recsys_model *model = oom_load_model("full");
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter = (recsys_filter *)&oom_err;
    recsys_id ids[20];
    size_t count;
    recsys_status status;

    CHECK_OK(recsys_model_get_item_ids(model, 0, ids, 20, &count, &oom_err), &oom_err);
    options = (recsys_filter_options)RECSYS_FILTER_OPTIONS_INIT;
    options.flags = RECSYS_FILTER_ALLOW | RECSYS_FILTER_EXCLUDE_SEEN;
    options.min_rating = 1;
    options.languages = languages;
    options.n_languages = 2;
    options.allow = ids;
    options.n_allow = 20;
    options.exclude = ids + 3;
    options.n_exclude = 5;
    options.seen_by.number = (uint64_t)oom_bundles[0].user_numbers[0];
    FAILING(status, recsys_filter_create(model, &options, &filter, &oom_err));
    if (status == RECSYS_OK)
        recsys_filter_unref(filter);
    else
        CHECK(filter == NULL);
    oom_check_answers(model, &oom_bundles[0]);
    recsys_model_unref(model);
    return status;
}

static recsys_status create_a_scorer(void)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_scorer *scorer = (recsys_scorer *)&oom_err;
    recsys_status status;

    options.n_threads = 3;
    options.max_batch = 7;
    FAILING(status, recsys_scorer_create(&options, &scorer, &oom_err));
    if (status == RECSYS_OK)
        recsys_scorer_destroy(scorer);
    else
        CHECK(scorer == NULL);
    return status;
}

static recsys_status score_beyond_the_reserved_sizes(void)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_model *model = oom_load_model("full");
    recsys_scorer *scorer = NULL;
    recsys_query queries[OOM_N_USERS];
    static recsys_scored got[OOM_N_USERS * 60], again[60];
    uint32_t counts[OOM_N_USERS], count;
    recsys_status status;

    options.max_k = 1;
    options.dimensions = 1;
    CHECK_OK(recsys_scorer_create(&options, &scorer, &oom_err), &oom_err);
    for (size_t q = 0; q < OOM_N_USERS; q++) {
        queries[q] = (recsys_query){.vector = oom_bundles[0].users + q * OOM_D, .k = 60};
        counts[q] = 77;
    }
    FAILING(status,
            recsys_scorer_top_k(scorer, model, queries, OOM_N_USERS, got, 60, counts, &oom_err));
    for (size_t q = 0; q < OOM_N_USERS; q++)
        CHECK_EQ(counts[q], status == RECSYS_OK ? 60 : 0);
    /* Now, or at last, it works: one by one and all together, with the same answers. */
    CHECK_OK(recsys_scorer_top_k(scorer, model, queries, OOM_N_USERS, got, 60, counts, &oom_err),
             &oom_err);
    for (size_t q = 0; q < OOM_N_USERS; q++) {
        CHECK_OK(recsys_scorer_top_k(scorer, model, &queries[q], 1, again, 60, &count, &oom_err),
                 &oom_err);
        CHECK_EQ(count, counts[q]);
        CHECK(memcmp(again, got + q * 60, count * sizeof *again) == 0);
    }
    recsys_scorer_destroy(scorer);
    recsys_model_unref(model);
    return status;
}

static recsys_status create_a_recommender(void)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_recommender *recommender = (recsys_recommender *)&oom_err;
    recsys_status status;

    options.n_threads = 2;
    FAILING(status, recsys_recommender_create(&options, &recommender, &oom_err));
    if (status == RECSYS_OK)
        recsys_recommender_destroy(recommender);
    else
        CHECK(recommender == NULL);
    return status;
}

/* Known, unknown with preferences, and anonymous ones, with reasons and without. */
static void make_requests(recsys_request *requests, size_t n)
{
    static const char *const genres[] = {"Drama", "Horror"};
    static recsys_id exclude[3];

    for (size_t i = 0; i < 3; i++)
        exclude[i].number = (uint64_t)oom_bundles[0].item_numbers[i];
    for (size_t i = 0; i < n; i++) {
        requests[i] = (recsys_request)RECSYS_REQUEST_INIT;
        requests[i].k = 30;
        requests[i].user.number = (uint64_t)oom_bundles[0].user_numbers[i % OOM_N_USERS];
        requests[i].genres = genres;
        requests[i].n_genres = i % 4 == 0 ? 2 : 0;
        requests[i].exclude = exclude;
        requests[i].n_exclude = 3;
        requests[i].flags =
            (i % 2 == 0 ? RECSYS_REQUEST_REASONS : 0) | (i % 3 == 2 ? RECSYS_REQUEST_ANONYMOUS : 0);
    }
}

static recsys_status recommend_many(size_t n)
{
    recsys_model *model = oom_load_model("full");
    recsys_recommender *recommender = NULL;
    recsys_request requests[40];
    recsys_reply replies[40] = {RECSYS_REPLY_INIT};
    recsys_status status;

    make_requests(requests, n);
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &oom_err), &oom_err);
    memset(replies, 0xa5, sizeof replies);
    replies[0].struct_size = (uint32_t)sizeof replies[0];
    FAILING(status, recsys_recommend(recommender, model, requests, n, replies, &oom_err));
    for (size_t i = 0; status != RECSYS_OK && i < n; i++)
        CHECK(replies[i].items == NULL && replies[i].count == 0);
    CHECK_OK(recsys_recommend(recommender, model, requests, n, replies, &oom_err), &oom_err);
    for (size_t i = 0; i < n; i++) {
        CHECK_EQ(replies[i].status, RECSYS_OK);
        CHECK_EQ(replies[i].count, 30);
    }
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    return status;
}

/* A session and an allow list, answered into arrays; then scores of named items. */
static recsys_status recommend_into_arrays(void)
{
    recsys_model *model = oom_load_model("full");
    recsys_recommender *recommender = NULL;
    recsys_request requests[20];
    static recsys_id items[20 * 30], list[12];
    static float scores[20 * 30];
    uint32_t counts[20];
    recsys_status status, again;

    make_requests(requests, 20);
    for (size_t i = 0; i < 12; i++)
        list[i].number = (uint64_t)oom_bundles[0].item_numbers[10 + i];
    for (size_t i = 0; i < 20; i++) {
        requests[i].liked = list;
        requests[i].n_liked = i % 3;
        requests[i].allow = i % 2 == 0 ? list : NULL;
        requests[i].n_allow = i % 2 == 0 ? 12 : 0;
        requests[i].flags |= i % 2 == 0 ? RECSYS_REQUEST_ALLOW : 0;
    }
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &oom_err), &oom_err);
    memset(counts, 0xa5, sizeof counts);
    FAILING(status, recsys_recommend_into(recommender, model, requests, 20, 30, items, NULL, scores,
                                          counts, NULL, NULL, &oom_err));
    for (size_t i = 0; i < 20; i++)
        CHECK(status == RECSYS_OK ? counts[i] <= (i % 2 == 0 ? 12u : 30u) : counts[i] == 0);
    recsys_recommender_destroy(recommender);
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &oom_err), &oom_err);
    FAILING(again, recsys_recommend_score_items(recommender, model, &requests[4], list, 12, scores,
                                                NULL, NULL, &oom_err));
    for (size_t i = 0; i < 12; i++)
        CHECK((scores[i] == scores[i]) == (again == RECSYS_OK)); /* else NaN */
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    return status != RECSYS_OK ? status : again;
}

/* The model makes its equations in this call; if it cannot, the next call does. */
static recsys_status recommend_a_session(void)
{
    static const char *const fields[] = {
        "algorithm", "als", "hyperparameters.regularization", "0.1", "hyperparameters.alpha",
        "2",         NULL};
    recsys_recommender *recommender = NULL;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_id liked[6];
    struct als_model als;
    recsys_status status;

    bundle_remove_directory(oom_path("als"));
    als_model_create(&als, oom_path("als"), 4, 60, 8, 5, fields);
    for (size_t i = 0; i < 6; i++)
        liked[i] = (recsys_id){NULL, i * 50};
    request.flags = RECSYS_REQUEST_ANONYMOUS | RECSYS_REQUEST_REASONS;
    request.liked = liked;
    request.n_liked = 6;
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &oom_err), &oom_err);
    FAILING(status, recsys_recommend(recommender, als.model, &request, 1, &reply, &oom_err));
    CHECK(status == RECSYS_OK || (reply.items == NULL && reply.count == 0));
    CHECK_OK(recsys_recommend(recommender, als.model, &request, 1, &reply, &oom_err), &oom_err);
    CHECK_EQ(reply.strategy, RECSYS_STRATEGY_FOLD_IN);
    CHECK_EQ(reply.count, 10);
    recsys_recommender_destroy(recommender);
    als_model_destroy(&als);
    return status;
}

static recsys_status recommend_to_one(void)
{
    return recommend_many(1);
}

static recsys_status recommend_to_many(void)
{
    return recommend_many(40);
}

static recsys_status find_similar_items(void)
{
    recsys_model *model = oom_load_model("full");
    recsys_recommender *recommender = NULL;
    recsys_request request;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_id item = RECSYS_ID_NUMBER((uint64_t)oom_bundles[0].item_numbers[5]);
    recsys_status status;

    make_requests(&request, 1);
    request.k = 0; /* 10, which is reserved: only the rest is allocated */
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &oom_err), &oom_err);
    memset(&reply, 0xa5, sizeof reply);
    reply.struct_size = (uint32_t)sizeof reply;
    FAILING(status, recsys_recommend_similar(recommender, model, item, &request, &reply, &oom_err));
    CHECK(status == RECSYS_OK || (reply.items == NULL && reply.count == 0));
    CHECK_OK(recsys_recommend_similar(recommender, model, item, &request, &reply, &oom_err),
             &oom_err);
    CHECK_EQ(reply.count, 10);
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    return status;
}

static const struct oom_scenario scenarios[] = {
    {"load a bundle", load_a_bundle, 0},
    {"load a bundle with text ids", load_a_bundle_with_text_ids, 0},
    {"load columns and codes", load_columns_and_codes, 0},
    {"load columns in no order", load_columns_in_no_order, 0},
    {"load a bundle into huge pages", load_a_bundle_into_huge_pages, 0},
    {"load a cosine bundle", load_a_cosine_bundle, 0},
    {"load a bare file", load_a_bare_file, 0},
    {"load an npz", load_an_npz, 0},
    {"load an npz with bias columns", load_an_npz_with_bias_columns, 0},
    {"load from memory", load_from_memory, 0},
    {"get ids as an array", get_ids_as_an_array, 0},
    {"create a filter", create_a_filter, 0},
    {"create a scorer", create_a_scorer, RECSYS_E_IO}, /* a thread could not be started */
    {"score beyond the reserved sizes", score_beyond_the_reserved_sizes, 0},
    {"create a recommender", create_a_recommender, RECSYS_E_IO},
    {"recommend to one", recommend_to_one, 0},
    {"recommend to many", recommend_to_many, 0},
    {"recommend into arrays", recommend_into_arrays, 0},
    {"recommend a session", recommend_a_session, 0},
    {"find similar items", find_similar_items, 0},
};

int main(void)
{
    return oom_main(scenarios, sizeof scenarios / sizeof *scenarios, FAIL_ALLOC_INTERPOSED);
}
