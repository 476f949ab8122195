/* Out of memory at every place in turn.
 *
 * Each scenario is run once to count its allocations, then again for each of
 * them with that one failing. The call must fail with E_NOMEM and leave no
 * output and no memory behind, or succeed all the same; and afterwards what
 * was there before (a model that serves, a cache, a registry) must do what it
 * did. All allocations of the process count, so those that jansson, zlib and
 * OpenSSL make fail too; under sanitizers only the library's own.
 *
 * A sample of the allocations by default, all of them with RECSYS_LONG=1. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"
#include "tests/support/fail_alloc.h"

FAIL_ALLOC_INTERPOSE;

#define SEED 20260601u
#define SAMPLE 70 /* places of a scenario, unless RECSYS_LONG=1 */
#define N_USERS 12
#define N_ITEMS 90
#define D 8

static char *scratch, root[PATH_MAX];
static struct bundle bundles[3];
static recsys_error err;

/* The allocation that fails in this run, or -1; and how many there were. */
static struct {
    long fail_at, n_fail, n_calls, n_spared;
    int mappings; /* mmap() fails instead of malloc() */
} run;

static void arm(void)
{
    memset(&err, 0, sizeof err);
    if (run.mappings)
        fail_mmap_start(run.fail_at);
    else
        fail_alloc_start(run.fail_at, run.n_fail);
}

static void disarm(void)
{
    run.n_calls = run.mappings ? fail_mmap_stop() : fail_alloc_stop();
    run.n_spared += fail_alloc_spared();
}

/* Run one call of the library in which memory may run out. */
#define FAILING(status, call)                                                                      \
    do {                                                                                           \
        arm();                                                                                     \
        (status) = (call);                                                                         \
        disarm();                                                                                  \
    } while (0)

static const char *at(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", scratch, name);
    return path;
}

static recsys_model *load(const char *name)
{
    recsys_model *model = NULL;

    CHECK_OK(recsys_model_load(at(name), NULL, &model, &err), &err);
    return model;
}

/* Does this model still answer as it did? The first user's best item says it. */
static void check_answers(const recsys_model *model, const struct bundle *bundle)
{
    recsys_recommender *recommender = NULL;
    recsys_request request;
    recsys_reply reply;
    char text[32];
    recsys_error why;

    recsys_request_init(&request);
    request.user.number = (uint64_t)bundle->user_numbers[0];
    if (bundle->flags & BUNDLE_TEXT_IDS) {
        snprintf(text, sizeof text, "u-%lld", (long long)bundle->user_numbers[0]);
        request.user = (recsys_id){text, strlen(text)};
    }
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &why), &why);
    CHECK_OK(recsys_recommend(recommender, model, &request, 1, &reply, &why), &why);
    CHECK_EQ(reply.status, RECSYS_OK);
    CHECK_EQ(reply.strategy, RECSYS_STRATEGY_USER);
    CHECK_EQ(reply.count, 10);
    recsys_recommender_destroy(recommender);
}

/* loading */

static int same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* A load that succeeded although something failed has nevertheless loaded everything. */
static void check_same(const recsys_model *model, const char *path)
{
    recsys_model_info got = {.struct_size = (uint32_t)sizeof got}, want = got;
    recsys_model *whole = NULL;

    CHECK_OK(recsys_model_load(path, NULL, &whole, &err), &err);
    CHECK_OK(recsys_model_get_info(model, &got, &err), &err);
    CHECK_OK(recsys_model_get_info(whole, &want, &err), &err);
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
    recsys_model *model = (recsys_model *)&err;
    recsys_status status;

    options.flags = flags;
    FAILING(status, recsys_model_load(path, &options, &model, &err));
    if (status != RECSYS_OK) {
        CHECK(model == NULL);
        return status;
    }
    if (bundle != NULL)
        check_answers(model, bundle);
    check_same(model, path);
    recsys_model_unref(model);
    return status;
}

static recsys_status load_a_bundle(void)
{
    return load_it(at("full"), &bundles[0], 0);
}

static recsys_status load_a_bundle_with_text_ids(void)
{
    return load_it(at("texts"), &bundles[1], 0);
}

static recsys_status load_a_bundle_into_huge_pages(void)
{
    return load_it(at("full"), &bundles[0], RECSYS_MODEL_HUGE_PAGES);
}

static recsys_status load_a_cosine_bundle(void)
{
    return load_it(at("cosine"), &bundles[2], 0);
}

static recsys_status load_a_bare_file(void)
{
    return load_it(at("full/model.safetensors"), &bundles[0], 0);
}

static const char *fixture(const char *name)
{
    static char path[PATH_MAX];
    const char *source = getenv("RECSYS_SOURCE_DIR");

    snprintf(path, sizeof path, "%s/tests/fixtures/npz/%s", source == NULL ? "." : source, name);
    return path;
}

static recsys_status load_an_npz(void)
{
    return load_it(fixture("als.npz"), NULL, 0);
}

static recsys_status load_an_npz_with_bias_columns(void)
{
    return load_it(fixture("bpr.npz"), NULL, 0);
}

/* asking */

static recsys_status create_a_filter(void)
{
    static const char *const languages[] = {"en", "fr"};
    recsys_model *model = load("full");
    recsys_filter_options options;
    recsys_filter *filter = (recsys_filter *)&err;
    recsys_id ids[20];
    size_t count;
    recsys_status status;

    CHECK_OK(recsys_model_get_item_ids(model, 0, ids, 20, &count, &err), &err);
    recsys_filter_options_init(&options);
    options.min_rating = 1;
    options.languages = languages;
    options.n_languages = 2;
    options.allow = ids;
    options.n_allow = 20;
    options.exclude = ids + 3;
    options.n_exclude = 5;
    options.seen_by.number = (uint64_t)bundles[0].user_numbers[0];
    FAILING(status, recsys_filter_create(model, &options, &filter, &err));
    if (status == RECSYS_OK)
        recsys_filter_destroy(filter);
    else
        CHECK(filter == NULL);
    check_answers(model, &bundles[0]);
    recsys_model_unref(model);
    return status;
}

static recsys_status create_a_scorer(void)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_scorer *scorer = (recsys_scorer *)&err;
    recsys_status status;

    options.n_threads = 3;
    options.max_batch = 7;
    FAILING(status, recsys_scorer_create(&options, &scorer, &err));
    if (status == RECSYS_OK)
        recsys_scorer_destroy(scorer);
    else
        CHECK(scorer == NULL);
    return status;
}

static recsys_status score_beyond_the_reserved_sizes(void)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_model *model = load("full");
    recsys_scorer *scorer = NULL;
    recsys_query queries[N_USERS];
    static recsys_scored got[N_USERS * 60], again[60];
    uint32_t counts[N_USERS], count;
    recsys_status status;

    options.max_k = 1;
    options.dimensions = 1;
    CHECK_OK(recsys_scorer_create(&options, &scorer, &err), &err);
    for (size_t q = 0; q < N_USERS; q++) {
        queries[q] = (recsys_query){.vector = bundles[0].users + q * D, .k = 60};
        counts[q] = 77;
    }
    FAILING(status, recsys_scorer_top_k(scorer, model, queries, N_USERS, got, 60, counts, &err));
    for (size_t q = 0; q < N_USERS; q++)
        CHECK_EQ(counts[q], status == RECSYS_OK ? 60 : 0);
    /* Now, or at last, it works: one by one and all together, with the same answers. */
    CHECK_OK(recsys_scorer_top_k(scorer, model, queries, N_USERS, got, 60, counts, &err), &err);
    for (size_t q = 0; q < N_USERS; q++) {
        CHECK_OK(recsys_scorer_top_k(scorer, model, &queries[q], 1, again, 60, &count, &err), &err);
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
    recsys_recommender *recommender = (recsys_recommender *)&err;
    recsys_status status;

    options.n_threads = 2;
    FAILING(status, recsys_recommender_create(&options, &recommender, &err));
    if (status == RECSYS_OK)
        recsys_recommender_destroy(recommender);
    else
        CHECK(recommender == NULL);
    return status;
}

/* Known, unknown with preferences, and anonymous ones, with reasons and without. */
static void make_requests(recsys_request *requests, size_t n)
{
    static const char *const genres[] = {"Drama", "Comedy"};
    static recsys_id exclude[3];

    for (size_t i = 0; i < 3; i++)
        exclude[i].number = (uint64_t)bundles[0].item_numbers[i];
    for (size_t i = 0; i < n; i++) {
        recsys_request_init(&requests[i]);
        requests[i].k = 30;
        requests[i].user.number = i % 3 == 2 ? 0 : (uint64_t)bundles[0].user_numbers[i % N_USERS];
        requests[i].genres = genres;
        requests[i].n_genres = i % 4 == 0 ? 2 : 0;
        requests[i].exclude = exclude;
        requests[i].n_exclude = 3;
        requests[i].flags = i % 2 == 0 ? RECSYS_REQUEST_REASONS : 0;
    }
}

static recsys_status recommend_many(size_t n)
{
    recsys_model *model = load("full");
    recsys_recommender *recommender = NULL;
    recsys_request requests[40];
    recsys_reply replies[40];
    recsys_status status;

    make_requests(requests, n);
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &err), &err);
    memset(replies, 0xa5, sizeof replies);
    FAILING(status, recsys_recommend(recommender, model, requests, n, replies, &err));
    for (size_t i = 0; status != RECSYS_OK && i < n; i++)
        CHECK(replies[i].items == NULL && replies[i].count == 0);
    CHECK_OK(recsys_recommend(recommender, model, requests, n, replies, &err), &err);
    for (size_t i = 0; i < n; i++) {
        CHECK_EQ(replies[i].status, RECSYS_OK);
        CHECK_EQ(replies[i].count, 30);
    }
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
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
    recsys_model *model = load("full");
    recsys_recommender *recommender = NULL;
    recsys_request request;
    recsys_reply reply;
    recsys_id item = RECSYS_ID_NUMBER((uint64_t)bundles[0].item_numbers[5]);
    recsys_status status;

    make_requests(&request, 1);
    request.k = 0; /* 10, which is reserved: only the rest is allocated */
    CHECK_OK(recsys_recommender_create(NULL, &recommender, &err), &err);
    memset(&reply, 0xa5, sizeof reply);
    FAILING(status, recsys_recommend_similar(recommender, model, item, &request, &reply, &err));
    CHECK(status == RECSYS_OK || (reply.items == NULL && reply.count == 0));
    CHECK_OK(recsys_recommend_similar(recommender, model, item, &request, &reply, &err), &err);
    CHECK_EQ(reply.count, 10);
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    return status;
}

/* building */

static int exists(const char *path)
{
    DIR *directory = opendir(path);

    if (directory != NULL)
        closedir(directory);
    return directory != NULL;
}

/* How many entries a directory has. */
static size_t count_entries(const char *path)
{
    DIR *directory = opendir(path);
    size_t n = 0;

    CHECK(directory != NULL);
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

#define TRY(call)                                                                                  \
    do {                                                                                           \
        recsys_status status_ = (call);                                                            \
        if (status_ != RECSYS_OK)                                                                  \
            return status_;                                                                        \
    } while (0)

/* has_item: the item has got its line already, in an attempt that failed later. */
static recsys_status fill_builder(recsys_builder *builder, int *has_item)
{
    const struct bundle *bundle = &bundles[0];
    const recsys_array users = {bundle->users, RECSYS_DTYPE_F32, 2, {N_USERS, D}},
                       items = {bundle->items, RECSYS_DTYPE_F32, 2, {N_ITEMS, D}},
                       offsets = {bundle->seen_offsets, RECSYS_DTYPE_U64, 1, {N_USERS + 1, 0}},
                       seen = {bundle->seen_items,
                               RECSYS_DTYPE_U32,
                               1,
                               {bundle->seen_offsets[N_USERS], 0}};
    static const char line[] = "{\"id\": \"i-7\", \"title\": \"Seven\", \"genres\": [\"Crime\"]}";
    char names[N_ITEMS][16];
    const char *texts[N_ITEMS];

    for (size_t i = 0; i < N_ITEMS; i++) {
        snprintf(names[i], sizeof names[i], "i-%zu", i);
        texts[i] = names[i];
    }
    TRY(recsys_builder_set_array(builder, "user_factors", &users, &err));
    TRY(recsys_builder_set_array(builder, "item_factors", &items, &err));
    TRY(recsys_builder_set_array(builder, "seen_offsets", &offsets, &err));
    TRY(recsys_builder_set_array(builder, "seen_items", &seen, &err));
    TRY(recsys_builder_set_texts(builder, "item_ids", texts, N_ITEMS, &err));
    TRY(recsys_builder_set_field(builder, "name", "built", &err));
    TRY(recsys_builder_set_field(builder, "metrics.recall@10", "0.25", &err));
    TRY(recsys_builder_set_field(builder, "hyperparameters.factors", "8", &err));
    if (!*has_item)
        TRY(recsys_builder_add_item(builder, line, sizeof line - 1, &err));
    *has_item = 1;
    return recsys_builder_write(builder, at("built"), &err);
}

/* After a failure nothing may be left beside `path`, neither half a bundle nor a temporary one. */
static void check_built(recsys_status status, size_t n_entries)
{
    if (status == RECSYS_OK) {
        recsys_model_unref(load("built"));
        bundle_remove_directory(at("built"));
    }
    CHECK(!exists(at("built")));
    CHECK_EQ(count_entries(scratch), n_entries);
}

static recsys_status create_a_builder(void)
{
    recsys_builder *builder = (recsys_builder *)&err;
    recsys_status status;

    FAILING(status, recsys_builder_create(&builder, &err));
    CHECK(status == RECSYS_OK || builder == NULL);
    if (status == RECSYS_OK)
        recsys_builder_destroy(builder);
    return status;
}

static recsys_status build_a_bundle(void)
{
    size_t n_entries = count_entries(scratch);
    recsys_builder *builder = NULL;
    int has_item = 0;
    recsys_status status;

    CHECK_OK(recsys_builder_create(&builder, &err), &err);
    FAILING(status, fill_builder(builder, &has_item));
    check_built(status, n_entries);
    if (status != RECSYS_OK) { /* the same builder can still be used */
        CHECK_OK(fill_builder(builder, &has_item), &err);
        check_built(RECSYS_OK, n_entries);
    }
    recsys_builder_destroy(builder);
    return status;
}

static recsys_status import_with(recsys_builder *builder, const char *model, const char *catalog)
{
    TRY(recsys_builder_import_model(builder, model, &err));
    if (catalog != NULL)
        TRY(recsys_builder_import_catalog(builder, catalog, &err));
    return recsys_builder_write(builder, at("built"), &err);
}

static recsys_status import_and_write(const char *model, const char *catalog)
{
    size_t n_entries = count_entries(scratch);
    recsys_builder *builder = NULL;
    recsys_status status;

    CHECK_OK(recsys_builder_create(&builder, &err), &err);
    FAILING(status, import_with(builder, model, catalog));
    check_built(status, n_entries);
    recsys_builder_destroy(builder);
    return status;
}

static recsys_status import_a_bundle(void)
{
    return import_and_write(at("full"), NULL);
}

static recsys_status import_a_file_and_a_catalogue(void)
{
    return import_and_write(at("full/model.safetensors"), at("full/catalog.jsonl"));
}

static recsys_status import_an_npz(void)
{
    return import_and_write(fixture("bpr.npz"), NULL);
}

/* swapping and deploying */

static recsys_status create_a_slot(void)
{
    recsys_slot *slot = (recsys_slot *)&err;
    recsys_status status;

    FAILING(status, recsys_slot_create(&slot, &err));
    CHECK(status == RECSYS_OK || slot == NULL);
    if (status == RECSYS_OK)
        recsys_slot_destroy(slot);
    return status;
}

static recsys_status swap_a_model(void)
{
    recsys_slot *slot = NULL;
    recsys_model *old = load("full"), *next = load("full"), *got;
    recsys_status status;

    CHECK_OK(recsys_slot_create(&slot, &err), &err);
    CHECK_OK(recsys_slot_swap(slot, old, &err), &err);
    got = recsys_slot_acquire(slot); /* so that the old one must be remembered */
    FAILING(status, recsys_slot_swap(slot, next, &err));
    check_answers(got, &bundles[0]);
    recsys_slot_release(slot, got);
    got = recsys_slot_acquire(slot);
    CHECK(got == (status == RECSYS_OK ? next : old));
    CHECK_EQ(recsys_slot_get_generation(slot), status == RECSYS_OK ? 2 : 1);
    check_answers(got, &bundles[0]);
    recsys_slot_release(slot, got);
    recsys_slot_destroy(slot);
    recsys_model_unref(old);
    recsys_model_unref(next);
    return status;
}

static recsys_status create_a_deployment(void)
{
    recsys_deployment *deployment = (recsys_deployment *)&err;
    recsys_status status;

    FAILING(status, recsys_deployment_create(at("full"), NULL, &deployment, &err));
    CHECK(status == RECSYS_OK || deployment == NULL);
    if (status == RECSYS_OK)
        recsys_deployment_destroy(deployment);
    return status;
}

static void check_served(recsys_deployment *deployment, const char *fingerprint, uint64_t failures)
{
    recsys_deployment_status now = {.struct_size = (uint32_t)sizeof now};
    recsys_model *model = recsys_deployment_acquire(deployment);

    CHECK(model != NULL);
    check_answers(model, &bundles[0]);
    recsys_deployment_release(deployment, model);
    CHECK_OK(recsys_deployment_get_status(deployment, &now, &err), &err);
    CHECK_EQ(now.n_failures, failures);
    CHECK(fingerprint == NULL || strcmp(now.active.fingerprint, fingerprint) == 0);
    if (failures > 0)
        CHECK(now.last_error.status != RECSYS_OK && now.last_error.message[0] != '\0');
}

enum step { LOAD, USE, ROLLBACK, RELOAD };

/* A deployment that has served "other" and serves "full"; one more step fails. */
static recsys_status take_a_step(enum step step)
{
    recsys_deployment *deployment = NULL;
    recsys_deployment_status before = {.struct_size = (uint32_t)sizeof before};
    uint32_t changed = 7;
    recsys_status status;

    CHECK_OK(recsys_deployment_create(at("other"), NULL, &deployment, &err), &err);
    CHECK_OK(recsys_deployment_load(deployment, NULL, &err), &err);
    CHECK_OK(recsys_deployment_use(deployment, NULL, &err), &err);
    CHECK_OK(recsys_deployment_load(deployment, at("full"), &err), &err);
    CHECK_OK(recsys_deployment_use(deployment, NULL, &err), &err);
    if (step == USE)
        CHECK_OK(recsys_deployment_load(deployment, at("other"), &err), &err);
    CHECK_OK(recsys_deployment_get_status(deployment, &before, &err), &err);
    switch (step) {
    case LOAD:
        FAILING(status, recsys_deployment_load(deployment, at("other"), &err));
        break;
    case USE:
        FAILING(status, recsys_deployment_use(deployment, NULL, &err));
        break;
    case ROLLBACK:
        FAILING(status, recsys_deployment_rollback(deployment, &err));
        break;
    default:
        FAILING(status, recsys_deployment_reload(deployment, &changed, &err));
        CHECK_EQ(changed, status == RECSYS_OK);
        break;
    }
    if (status == RECSYS_OK && step != LOAD)
        check_served(deployment, before.previous.fingerprint, 0);
    else
        check_served(deployment, before.active.fingerprint, status != RECSYS_OK);
    if (status != RECSYS_OK && step == USE) /* the candidate is still there */
        CHECK_OK(recsys_deployment_use(deployment, NULL, &err), &err);
    if (status != RECSYS_OK && step == ROLLBACK)
        CHECK_OK(recsys_deployment_rollback(deployment, &err), &err);
    recsys_deployment_destroy(deployment);
    return status;
}

static recsys_status deploy_load(void)
{
    return take_a_step(LOAD);
}

static recsys_status deploy_use(void)
{
    return take_a_step(USE);
}

static recsys_status deploy_roll_back(void)
{
    return take_a_step(ROLLBACK);
}

static recsys_status deploy_reload(void)
{
    return take_a_step(RELOAD);
}

/* registry */

static int32_t count_versions(const char *name, uint64_t version, const char *alias,
                              void *user_data)
{
    (void)name;
    (void)version;
    *(int *)user_data += alias == NULL;
    return 0;
}

static recsys_status open_a_registry(void)
{
    recsys_registry *registry = (recsys_registry *)&err;
    recsys_status status;

    FAILING(status, recsys_registry_open(root, &registry, &err));
    CHECK(status == RECSYS_OK || registry == NULL);
    if (status == RECSYS_OK)
        recsys_registry_close(registry);
    return status;
}

static recsys_status publish_a_bundle(void)
{
    char folder[PATH_MAX], path[PATH_MAX];
    recsys_registry *registry = NULL;
    uint64_t version = 7, found = 0;
    int n_versions = 0;
    recsys_status status;

    snprintf(folder, sizeof folder, "%s", at("registry/m"));
    bundle_remove_directory(folder);
    CHECK_OK(recsys_registry_open(root, &registry, &err), &err);
    CHECK_OK(recsys_registry_publish(registry, at("full"), "m", &version, &err), &err);
    CHECK_EQ(version, 1);
    FAILING(status, recsys_registry_publish(registry, at("full"), "m", &version, &err));
    CHECK_EQ(version, status == RECSYS_OK ? 2 : 0);
    CHECK_OK(recsys_registry_list(registry, "m", count_versions, &n_versions, &err), &err);
    CHECK_EQ(n_versions, status == RECSYS_OK ? 2 : 1);
    if (status != RECSYS_OK) /* and now it works, and clears up */
        CHECK_OK(recsys_registry_publish(registry, at("full"), "m", &version, &err), &err);
    CHECK_OK(recsys_registry_resolve(registry, "models:/m/latest", path, sizeof path, &found, &err),
             &err);
    CHECK_EQ(found, version);
    CHECK_EQ(count_entries(folder), status == RECSYS_OK ? 4 : 2 + (size_t)version);
    recsys_registry_close(registry);
    return status;
}

static recsys_status use_a_registry(void)
{
    char path[PATH_MAX];
    recsys_registry *registry = NULL;
    uint64_t version = 0, found = 0;
    int n_versions = 0;
    recsys_status status;

    CHECK_OK(recsys_registry_open(root, &registry, &err), &err);
    CHECK_OK(recsys_registry_publish(registry, at("full"), "used", &version, &err), &err);
    arm();
    status = recsys_registry_set_alias(registry, "used", "live", version, &err);
    if (status == RECSYS_OK)
        status = recsys_registry_resolve(registry, "models:/used@live", path, sizeof path, &version,
                                         &err);
    if (status == RECSYS_OK)
        status = recsys_registry_resolve(registry, "models:/used/latest", path, sizeof path, &found,
                                         &err);
    if (status == RECSYS_OK)
        status = recsys_registry_list(registry, NULL, count_versions, &n_versions, &err);
    if (status == RECSYS_OK)
        status = recsys_registry_remove_alias(registry, "used", "live", &err);
    disarm();
    CHECK_OK(recsys_registry_set_alias(registry, "used", "live", version, &err), &err);
    CHECK_OK(
        recsys_registry_resolve(registry, "models:/used@live", path, sizeof path, &found, &err),
        &err);
    CHECK_EQ(found, version);
    recsys_registry_close(registry);
    bundle_remove_directory(at("registry/used"));
    return status;
}

/* cache */

static recsys_status create_a_cache(void)
{
    recsys_cache *cache = (recsys_cache *)&err;
    recsys_status status;

    FAILING(status, recsys_cache_create(NULL, &cache, &err));
    CHECK(status == RECSYS_OK || cache == NULL);
    if (status == RECSYS_OK)
        recsys_cache_destroy(cache);
    return status;
}

/* A key holds what it should hold, or nothing. */
static void check_key(recsys_cache *cache, const char *key, const char *want)
{
    recsys_cache_entry *entry = NULL;
    recsys_status status = recsys_cache_get(cache, key, strlen(key), &entry, NULL);
    size_t size;

    CHECK_EQ(status, want == NULL ? RECSYS_E_NOT_FOUND : RECSYS_OK);
    if (want == NULL)
        return;
    const void *value = recsys_cache_entry_get(entry, &size);
    CHECK(size == strlen(want) && memcmp(value, want, size) == 0);
    recsys_cache_release(entry);
}

static recsys_status set_in_a_cache(void)
{
    recsys_cache *cache = NULL;
    recsys_status status;

    CHECK_OK(recsys_cache_create(NULL, &cache, &err), &err);
    CHECK_OK(recsys_cache_set(cache, "kept", 4, "old", 3, 0, &err), &err);
    CHECK_OK(recsys_cache_set(cache, "key", 3, "old", 3, 0, &err), &err);
    FAILING(status, recsys_cache_set(cache, "key", 3, "new", 3, 0, &err));
    /* "A value that cannot be stored does not stay either" */
    check_key(cache, "key", status == RECSYS_OK ? "new" : NULL);
    check_key(cache, "kept", "old");
    CHECK_OK(recsys_cache_set(cache, "key", 3, "newer", 5, 0, &err), &err);
    check_key(cache, "key", "newer");
    recsys_cache_destroy(cache);
    return status;
}

static recsys_status load_value(recsys_cache_load *load, void *user_data, recsys_error *why)
{
    ++*(int *)user_data;
    return recsys_cache_load_set(load, "loaded", 6, 0, why);
}

static recsys_status load_through_a_cache(void)
{
    recsys_cache *cache = NULL;
    recsys_cache_entry *entry = (recsys_cache_entry *)&err;
    uint32_t outcome = 0;
    int n_loads = 0;
    recsys_status status;

    CHECK_OK(recsys_cache_create(NULL, &cache, &err), &err);
    CHECK_OK(recsys_cache_set(cache, "kept", 4, "old", 3, 0, &err), &err);
    FAILING(status, recsys_cache_get_or_load(cache, "key", 3, load_value, &n_loads, 0, &entry,
                                             &outcome, &err));
    if (status == RECSYS_OK)
        recsys_cache_release(entry);
    else
        CHECK(entry == NULL);
    CHECK_OK(
        recsys_cache_get_or_load(cache, "key", 3, load_value, &n_loads, 0, &entry, &outcome, &err),
        &err);
    CHECK(n_loads >= 1 && n_loads <= 2);
    recsys_cache_release(entry);
    check_key(cache, "key", "loaded");
    check_key(cache, "kept", "old");
    recsys_cache_destroy(cache);
    return status;
}

/* stats */

static int32_t add_size(const char *text, size_t size, void *user_data)
{
    (void)text;
    *(size_t *)user_data += size;
    return 0;
}

static recsys_status fill_stats(recsys_stats *stats, recsys_metric *metrics[4])
{
    static const double bounds[] = {0.1, 1, 10};

    TRY(recsys_stats_add_counter(stats, "a_total", "a", "x=\"1\"", &metrics[0], &err));
    TRY(recsys_stats_add_counter(stats, "a_total", "a", "x=\"2\"", &metrics[1], &err));
    TRY(recsys_stats_add_gauge(stats, "b", "b", NULL, &metrics[2], &err));
    return recsys_stats_add_histogram(stats, "c", "c", NULL, bounds, 3, &metrics[3], &err);
}

static recsys_status create_and_fill(recsys_stats **stats, recsys_metric *metrics[4])
{
    TRY(recsys_stats_create(stats, &err));
    return fill_stats(*stats, metrics);
}

static recsys_status make_metrics(void)
{
    recsys_stats *stats = NULL;
    recsys_metric *metrics[4] = {NULL, NULL, NULL, NULL};
    size_t size = 0;
    recsys_status status;

    FAILING(status, create_and_fill(&stats, metrics));
    if (stats == NULL)
        return status;
    CHECK_OK(fill_stats(stats, metrics), &err);
    recsys_metric_add(metrics[0], 3);
    recsys_metric_record(metrics[3], 0.5);
    CHECK(recsys_metric_get(metrics[0]) == 3.0);
    CHECK_OK(recsys_stats_write(stats, add_size, &size, &err), &err);
    CHECK(size > 0);
    recsys_stats_destroy(stats);
    return status;
}

static recsys_status write_metrics(void)
{
    recsys_stats *stats = NULL;
    recsys_metric *metrics[4];
    size_t size = 0, again = 0;
    recsys_status status;

    CHECK_OK(recsys_stats_create(&stats, &err), &err);
    CHECK_OK(fill_stats(stats, metrics), &err);
    FAILING(status, recsys_stats_write(stats, add_size, &size, &err));
    CHECK_OK(recsys_stats_write(stats, add_size, &again, &err), &err);
    CHECK(status != RECSYS_OK || size == again);
    recsys_stats_destroy(stats);
    return status;
}

/* running them */

struct scenario {
    const char *name;
    recsys_status (*run)(void);
    recsys_status other; /* a documented status beside E_NOMEM; 0 = none */
};

static const struct scenario scenarios[] = {
    {"load a bundle", load_a_bundle, 0},
    {"load a bundle with text ids", load_a_bundle_with_text_ids, 0},
    {"load a bundle into huge pages", load_a_bundle_into_huge_pages, 0},
    {"load a cosine bundle", load_a_cosine_bundle, 0},
    {"load a bare file", load_a_bare_file, 0},
    {"load an npz", load_an_npz, 0},
    {"load an npz with bias columns", load_an_npz_with_bias_columns, 0},
    {"create a filter", create_a_filter, 0},
    {"create a scorer", create_a_scorer, RECSYS_E_IO}, /* a thread could not be started */
    {"score beyond the reserved sizes", score_beyond_the_reserved_sizes, 0},
    {"create a recommender", create_a_recommender, RECSYS_E_IO},
    {"recommend to one", recommend_to_one, 0},
    {"recommend to many", recommend_to_many, 0},
    {"find similar items", find_similar_items, 0},
    {"create a builder", create_a_builder, 0},
    {"build a bundle", build_a_bundle, 0},
    {"import a bundle", import_a_bundle, 0},
    {"import a file and a catalogue", import_a_file_and_a_catalogue, 0},
    {"import an npz", import_an_npz, 0},
    {"create a slot", create_a_slot, 0},
    {"swap a model", swap_a_model, 0},
    {"create a deployment", create_a_deployment, 0},
    {"deployment: load", deploy_load, 0},
    {"deployment: use", deploy_use, 0},
    {"deployment: roll back", deploy_roll_back, 0},
    {"deployment: reload", deploy_reload, 0},
    {"open a registry", open_a_registry, 0},
    {"publish a bundle", publish_a_bundle, 0},
    {"use a registry", use_a_registry, 0},
    {"create a cache", create_a_cache, 0},
    {"set in a cache", set_in_a_cache, 0},
    {"load through a cache", load_through_a_cache, 0},
    {"make metrics", make_metrics, 0},
    {"write metrics", write_metrics, 0},
};
#define N_SCENARIOS (sizeof scenarios / sizeof *scenarios)

static long n_failed_in_all;
static int n_bad, is_long;

static void complain(const struct scenario *scenario, long fail_at, const char *what)
{
    fprintf(stderr, "%s, %s %ld failing: %s\n", scenario->name,
            run.mappings ? "mapping" : "allocation", fail_at, what);
    n_bad++;
}

static long live(void)
{
    return run.mappings ? fail_mmap_live() : fail_alloc_live();
}

/* One run with allocation `fail_at` (and all after it, if n_fail is large) failing. */
static recsys_status try_one(const struct scenario *scenario, long fail_at, long n_fail)
{
    char what[700];
    long before = live();

    run.fail_at = fail_at;
    run.n_fail = n_fail;
    recsys_status status = scenario->run();
    fail_alloc_settle();
    if (status != RECSYS_OK && status != RECSYS_E_NOMEM && status != scenario->other) {
        snprintf(what, sizeof what, "%s: %s", recsys_status_name(status), err.message);
        complain(scenario, fail_at, what);
    }
    if (live() != before) {
        snprintf(what, sizeof what, "%ld blocks are left over (%s)", live() - before,
                 recsys_status_name(status));
        complain(scenario, fail_at, what);
    }
    return status;
}

static void run_scenario(const struct scenario *scenario, uint64_t *random)
{
    long n_tried = 0, n_absorbed = 0, step;

    run.n_spared = 0;
    run.fail_at = -1;
    for (int warm = 0; warm < 2; warm++)
        CHECK_OK(scenario->run(), &err); /* caches of others that are made once */
    if (try_one(scenario, -1, 0) != RECSYS_OK)
        return;
    long n = run.n_calls;
    step = is_long || n <= SAMPLE ? 1 : n / SAMPLE + 1;
    for (long i = step == 1 ? 0 : (long)bundle_random(random, (uint64_t)step); i < n; i += step) {
        n_absorbed += try_one(scenario, i, 1) == RECSYS_OK;
        n_tried++;
        if (!run.mappings && (is_long || n_tried % 4 == 0)) { /* ... and nothing more to be had */
            try_one(scenario, i, LONG_MAX / 2);
            n_tried++;
        }
    }
    n_failed_in_all += n_tried;
    if (n > 0)
        printf("%-32s %6ld %s, %5ld failed, %3ld without consequence, %ld spared\n", scenario->name,
               n, run.mappings ? "mappings" : "allocations", n_tried, n_absorbed, run.n_spared);
}

int main(void)
{
    uint64_t random = SEED;

    fail_alloc_init(FAIL_ALLOC_INTERPOSED);
    setvbuf(stdout, NULL, _IOLBF, 0);
    is_long = getenv("RECSYS_LONG") != NULL && strcmp(getenv("RECSYS_LONG"), "1") == 0;
    printf("seed %u; %s; %s\n", SEED,
           is_long ? "every allocation" : "a sample (RECSYS_LONG=1: all)",
           fail_alloc_sees_everything() ? "of the whole process" : "of the library");
    scratch = bundle_make_directory();
    snprintf(root, sizeof root, "%s", at("registry"));
    CHECK_EQ(mkdir(root, 0777), 0);
    struct bundle other;
    bundle_write(&bundles[0], at("full"), N_USERS, N_ITEMS, D, SEED,
                 BUNDLE_BIAS | BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_FEATURES |
                     BUNDLE_POPULARITY);
    bundle_write(&bundles[1], at("texts"), N_USERS, N_ITEMS, D, SEED + 1,
                 BUNDLE_TEXT_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_UNSORTED);
    bundle_write(&bundles[2], at("cosine"), N_USERS, N_ITEMS, D, SEED + 2,
                 BUNDLE_COSINE | BUNDLE_SEEN);
    bundle_write(&other, at("other"), N_USERS, N_ITEMS, D, SEED,
                 BUNDLE_BIAS | BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG);
    bundle_free(&other);

    for (size_t i = 0; i < N_SCENARIOS; i++)
        run_scenario(&scenarios[i], &random);
    run.mappings = FAIL_ALLOC_INTERPOSED;
    for (size_t i = 0; run.mappings && i < N_SCENARIOS; i++)
        run_scenario(&scenarios[i], &random);

    for (size_t i = 0; i < 3; i++)
        bundle_free(&bundles[i]);
    bundle_remove_directory(scratch);
    free(scratch);
    printf("%ld failures of memory, %d findings\n", n_failed_in_all, n_bad);
    return n_bad != 0;
}
