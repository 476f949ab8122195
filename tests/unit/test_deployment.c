/* Covers lib/registry/deployment.c, deployment_steps.c, deployment_orders.c, tried.c and canary.c:
 * every step that fails leaves the old model serving. It is one file because all tests together
 * take every transition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/lock.h"
#include "lib/registry/step.h"
#include "recsys/deployment.h"
#include "recsys/log.h"
#include "tests/support/bundle.h"
#include "tests/support/count_alloc.h"

static char *root;
static recsys_registry *registry;
static recsys_deployment *deployment;
static recsys_error err;
static char said[16000];

/* The path of one of the bundles that set_up() writes; valid until four more are asked for. */
static const char *at(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", root, name);
    return path;
}

static void write_bundle(const char *name, size_t n_users, size_t n_items, uint64_t seed,
                         uint32_t flags)
{
    struct bundle bundle;

    bundle_write(&bundle, at(name), n_users, n_items, 8, seed, flags);
    bundle_free(&bundle);
}

/* Well-formed, and its scores overflow. */
static void write_diverged(const char *name)
{
    struct bundle bundle;
    size_t size;

    bundle_write(&bundle, at(name), 20, 30, 8, 9, BUNDLE_UNSORTED | BUNDLE_SEEN);
    for (size_t i = 0; i < 20 * 8; i++)
        bundle.users[i] *= 1e30f;
    for (size_t i = 0; i < 30 * 8; i++)
        bundle.items[i] *= 1e30f;
    struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {30, 8}, bundle.items, sizeof(float) * 30 * 8},
        {"user_factors", "F32", 2, {20, 8}, bundle.users, sizeof(float) * 20 * 8}};
    unsigned char *bytes = bundle_make_safetensors(tensors, 2, 64, &size);
    bundle_write_file(at(name), "model.safetensors", bytes, size);
    char *members = bundle_manifest_members(&bundle);
    bundle_write_manifest(at(name), members);
    free(members);
    free(bytes);
    bundle_free(&bundle);
}

/* Well-formed, and no default request may get any of its items. */
static void write_all_adult(const char *name)
{
    char lines[30 * 64] = "";
    struct bundle bundle;

    bundle_write(&bundle, at(name), 20, 30, 8, 9, 0);
    for (int i = 1; i <= 30; i++)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines),
                 "{\"id\": %d, \"title\": \"x\", \"adult\": true}\n", i);
    bundle_write_file(at(name), "catalog.jsonl", lines, strlen(lines));
    char *members = bundle_manifest_members(&bundle);
    bundle_write_manifest(at(name), members);
    free(members);
    bundle_free(&bundle);
}

/* Well-formed, and every second user has seen everything. */
static void write_half_seen(const char *name)
{
    uint64_t offsets[21] = {0};
    uint32_t seen[10 * 30];
    float weights[10 * 30];
    struct bundle bundle;
    size_t size;

    bundle_write(&bundle, at(name), 20, 30, 8, 1, BUNDLE_SEEN);
    for (uint32_t i = 0; i < 20; i++)
        offsets[i + 1] = offsets[i] + (i % 2 == 0 ? 30 : 0);
    for (uint32_t i = 0; i < 10 * 30; i++) {
        seen[i] = i % 30;
        weights[i] = 1.0f;
    }
    struct bundle_tensor tensors[] = {{"seen_offsets", "U64", 1, {21}, offsets, sizeof offsets},
                                      {"seen_items", "U32", 1, {300}, seen, sizeof seen},
                                      {"seen_weights", "F32", 1, {300}, weights, sizeof weights}};
    unsigned char *bytes = bundle_make_safetensors(tensors, 3, 64, &size);
    bundle_write_file(at(name), "seen.safetensors", bytes, size);
    char *members = bundle_manifest_members(&bundle);
    bundle_write_manifest(at(name), members);
    free(members);
    free(bytes);
    bundle_free(&bundle);
}

static void damage(const char *name)
{
    size_t size;
    unsigned char *bytes = bundle_read_file(at(name), "model.safetensors", &size);

    bytes[size - 1] ^= 1u;
    bundle_write_file(at(name), "model.safetensors", bytes, size);
    free(bytes);
}

/* The table of lib/registry/deployment.h as the trace writes it, and which rows were taken. */
static const char *const transitions[] = {
#define LINE(state, event, next) ": " #state ": " #event " -> " #next,
    RS_STEP_TRANSITIONS(LINE)
#undef LINE
};
#define N_TRANSITIONS (sizeof transitions / sizeof transitions[0])
static int is_taken[N_TRANSITIONS];

static void note_transition(const char *line)
{
    for (size_t i = 0; i < N_TRANSITIONS; i++)
        is_taken[i] |= strstr(line, transitions[i]) != NULL;
}

static void listen(int32_t level, const char *message, void *user_data)
{
    size_t used = strlen(said);

    (void)user_data;
    if (level == RECSYS_LOG_TRACE) {
        note_transition(message);
        return;
    }
    snprintf(said + used, sizeof said - used, "%s\n", message);
}

static void deploy_allowing(const char *source, float min_items_ratio, uint32_t flags)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;

    options.registry = registry;
    options.min_items_ratio = min_items_ratio;
    options.flags = flags;
    assert_int_equal(recsys_deployment_create(source, &options, &deployment, &err), RECSYS_OK);
}

static void deploy(const char *source, float min_items_ratio)
{
    deploy_allowing(source, min_items_ratio, 0);
}

static int set_up(void **state)
{
    (void)state;
    root = bundle_make_directory();
    said[0] = '\0';
    write_bundle("a", 20, 30, 1, BUNDLE_SEEN);
    write_bundle("b", 25, 28, 2, BUNDLE_BIAS | BUNDLE_SEEN);
    return recsys_registry_open(root, &registry, &err);
}

static int tear_down(void **state)
{
    (void)state;
    recsys_deployment_destroy(deployment);
    deployment = NULL;
    recsys_registry_unref(registry);
    bundle_remove_directory(root);
    free(root);
    return 0;
}

static recsys_deployment_status status_now(void)
{
    recsys_deployment_status status = {.struct_size = (uint32_t)sizeof status};

    assert_int_equal(recsys_deployment_get_status(deployment, &status, &err), RECSYS_OK);
    return status;
}

/* How many items the model that requests get has; 0 if they get none. */
static uint64_t items_served(void)
{
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};
    recsys_model *model = recsys_deployment_acquire(deployment);

    if (model == NULL)
        return 0;
    assert_int_equal(recsys_model_get_info(model, &info, NULL), RECSYS_OK);
    recsys_model_unref(model);
    return info.n_items;
}

static void load(const char *source)
{
    if (recsys_deployment_load(deployment, source, &err) != RECSYS_OK)
        fail_msg("load: %s", err.message);
}

static void load_and_use(const char *source)
{
    load(source);
    assert_int_equal(recsys_deployment_use(deployment, NULL, &err), RECSYS_OK);
}

/* After a failed step: what served serves, and the failure can be seen. */
static void expect_failure(recsys_status got, recsys_status want, uint64_t n_items,
                           uint64_t n_failures)
{
    recsys_deployment_status status = status_now();

    assert_int_equal(got, want);
    assert_int_equal(err.status, want);
    assert_int_equal(items_served(), n_items);
    assert_int_equal(status.n_failures, n_failures);
    assert_int_equal(status.last_error.status, want);
    assert_string_equal(status.last_error.message, err.message);
    assert_true(status.last_error_ms > 0);
    assert_int_equal(status.loading, 0);
    assert_non_null(strstr(said, err.message));
}

static void a_new_deployment_serves_nothing(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    recsys_deployment_status status = status_now();
    assert_int_equal(items_served(), 0);
    assert_string_equal(status.active.name, "");
    assert_int_equal(status.n_swaps, 0);
    assert_int_equal(status.last_error_ms, 0);
    expect_failure(recsys_deployment_use(deployment, NULL, &err), RECSYS_E_STATE, 0, 1);
    expect_failure(recsys_deployment_rollback(deployment, &err), RECSYS_E_STATE, 0, 2);
}

static void arguments_are_checked(void **state)
{
    recsys_deployment *none = (recsys_deployment *)root;
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    recsys_deployment_status status = {0};

    (void)state;
    assert_int_equal(recsys_deployment_create("", NULL, &none, &err), RECSYS_E_INVALID);
    assert_null(none);
    assert_int_equal(recsys_deployment_create("x", NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_create("models:/m/1", NULL, &none, &err), RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "registry"));
    options.registry = registry;
    assert_int_equal(recsys_deployment_create("models:/m", &options, &none, &err),
                     RECSYS_E_INVALID);
    options.struct_size = 3;
    assert_int_equal(recsys_deployment_create("x", &options, &none, &err), RECSYS_E_INVALID);
    options.struct_size = (uint32_t)sizeof options;
    recsys_model_options model_options = {0};
    options.model_options = &model_options;
    assert_int_equal(recsys_deployment_create("x", &options, &none, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_load(NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_use(NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_rollback(NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_reload(NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_poll(NULL, NULL, &err), RECSYS_E_INVALID);
    deploy("x", 0);
    assert_int_equal(recsys_deployment_get_status(deployment, &status, &err), RECSYS_E_INVALID);
    assert_null(recsys_deployment_acquire(NULL));
    recsys_model_unref(NULL);
    assert_int_equal(recsys_deployment_reap(NULL), 0);
}

static void load_and_use_are_two_steps(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load(NULL);
    assert_int_equal(items_served(), 0);
    assert_string_equal(status_now().candidate.name, "demo");
    assert_int_equal(recsys_deployment_use(deployment, "3", &err), RECSYS_OK);
    assert_int_equal(items_served(), 30);

    recsys_deployment_status status = status_now();
    assert_string_equal(status.active.version, "3");
    assert_int_equal(strlen(status.active.fingerprint), 64);
    assert_true(status.active.since_ms > 0);
    assert_string_equal(status.candidate.name, "");
    assert_string_equal(status.previous.name, "");
    assert_int_equal(status.n_swaps, 1);
}

static void a_rollback_exchanges_active_and_previous(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    load_and_use(at("b"));
    assert_int_equal(items_served(), 28);
    bundle_remove_directory(at("a")); /* a rollback touches no disk */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(recsys_deployment_rollback(deployment, &err), RECSYS_OK);
        assert_int_equal(items_served(), i % 2 == 0 ? 30 : 28);
        assert_int_equal(recsys_deployment_reap(deployment), 0);
    }
    assert_int_equal(status_now().n_swaps, 5);
    assert_int_equal(status_now().n_retired, 0);
}

static void a_model_in_use_counts_as_retired_until_it_is_released(void **state)
{
    (void)state;
    write_bundle("c", 20, 30, 3, BUNDLE_SEEN);
    deploy(at("a"), 0);
    load_and_use(NULL);
    recsys_model *held = recsys_deployment_acquire(deployment);
    load_and_use(at("b"));
    assert_int_equal(status_now().n_retired, 1); /* previous, and in use */
    load_and_use(at("c"));
    assert_int_equal(status_now().n_retired, 1);
    assert_int_equal(recsys_deployment_reap(deployment), 1);
    recsys_model_unref(held);
    assert_int_equal(recsys_deployment_reap(deployment), 0);
    assert_int_equal(status_now().n_retired, 0);
    assert_int_equal(recsys_deployment_rollback(deployment, &err), RECSYS_OK);
    assert_int_equal(items_served(), 28);
}

/* Loaded by the caller, who has the only reference. */
static recsys_model *caller_loads(const char *name)
{
    recsys_model *model;

    if (recsys_model_load(at(name), NULL, &model, &err) != RECSYS_OK)
        fail_msg("model: %s", err.message);
    return model;
}

static void a_model_of_the_caller_becomes_the_candidate(void **state)
{
    (void)state;
    assert_int_equal(recsys_deployment_create(NULL, NULL, &deployment, &err), RECSYS_OK);
    recsys_model *model = caller_loads("a");
    assert_int_equal(recsys_deployment_load_model(deployment, model, &err), RECSYS_OK);
    recsys_model_unref(model); /* the deployment has its own */
    assert_int_equal(items_served(), 0);
    assert_int_equal(recsys_deployment_use(deployment, "3", &err), RECSYS_OK);
    assert_int_equal(items_served(), 30);
    load_and_use(at("b"));
    expect_failure(recsys_deployment_reload(deployment, NULL, &err), RECSYS_E_STATE, 28, 1);
    expect_failure(recsys_deployment_load(deployment, NULL, &err), RECSYS_E_STATE, 28, 2);
    assert_int_equal(recsys_deployment_load_model(NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_load_model(deployment, NULL, &err), RECSYS_E_INVALID);
}

static void a_model_of_the_caller_goes_through_the_canary(void **state)
{
    (void)state;
    write_diverged("huge");
    deploy(at("a"), 0);
    load_and_use(NULL);
    recsys_model *model = caller_loads("huge");
    expect_failure(recsys_deployment_load_model(deployment, model, &err), RECSYS_E_REJECTED, 30, 1);
    recsys_model_unref(model);
}

/* The sanitizers say whether every reference is given back once. */
static void the_same_model_may_be_active_previous_and_candidate(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    recsys_model *model = caller_loads("a"), *other = caller_loads("b");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(recsys_deployment_load_model(deployment, model, &err), RECSYS_OK);
        assert_int_equal(recsys_deployment_use(deployment, NULL, &err), RECSYS_OK);
    }
    assert_int_equal(recsys_deployment_load_model(deployment, model, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_rollback(deployment, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_load_model(deployment, other, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_use(deployment, NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_load_model(deployment, model, &err), RECSYS_OK);
    assert_int_equal(status_now().n_retired, 1); /* the caller still has it */
    recsys_model_unref(model);
    assert_int_equal(status_now().n_retired, 0);
    assert_int_equal(recsys_deployment_use(deployment, NULL, &err), RECSYS_OK);
    assert_int_equal(items_served(), 30);
    recsys_model_unref(other);
}

static void an_acquired_model_outlives_the_deployment(void **state)
{
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};

    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    recsys_model *held = recsys_deployment_acquire(deployment);
    recsys_deployment_destroy(deployment);
    deployment = NULL;
    assert_int_equal(recsys_model_get_info(held, &info, &err), RECSYS_OK);
    assert_int_equal(info.n_items, 30);
    recsys_model_unref(held);
}

static void the_registry_may_be_given_back_before_the_deployment(void **state)
{
    (void)state;
    assert_int_equal(recsys_registry_publish(registry, at("a"), "m", NULL, &err), RECSYS_OK);
    deploy("models:/m/latest", 0);
    recsys_registry_unref(registry);
    registry = NULL;
    load_and_use(NULL);
    assert_int_equal(items_served(), 30);
}

static void a_status_is_zero_after_a_failure(void **state)
{
    recsys_deployment_status status = RECSYS_DEPLOYMENT_STATUS_INIT, empty = status;

    (void)state;
    status.n_swaps = 7;
    status.active.version[200] = 'x';
    assert_int_equal(recsys_deployment_get_status(NULL, &status, &err), RECSYS_E_INVALID);
    assert_memory_equal(&status, &empty, sizeof empty);
    assert_int_equal(recsys_deployment_get_status(NULL, NULL, &err), RECSYS_E_INVALID);
}

static void the_longest_version_is_not_cut(void **state)
{
    char version[256];
    struct bundle bundle;

    (void)state;
    memset(version, 'v', sizeof version - 1);
    version[255] = '\0';
    bundle_write(&bundle, at("long"), 20, 30, 8, 1, 0);
    char *members = bundle_manifest_members(&bundle), *manifest;
    char *place = strstr(members, "\"version\": \"3\"");
    assert_non_null(place);
    manifest = malloc(strlen(members) + sizeof version);
    assert_non_null(manifest);
    sprintf(manifest, "%.*s\"version\": \"%s\"%s", (int)(place - members), members, version,
            place + strlen("\"version\": \"3\""));
    bundle_write_manifest(at("long"), manifest);
    free(manifest);
    free(members);
    bundle_free(&bundle);

    deploy(at("long"), 0);
    load(NULL);
    assert_string_equal(status_now().candidate.version, version);
    version[254] = '\0';
    assert_int_equal(recsys_deployment_use(deployment, version, &err), RECSYS_E_CONFLICT);
    version[254] = 'v';
    assert_int_equal(recsys_deployment_use(deployment, version, &err), RECSYS_OK);
    assert_string_equal(status_now().active.version, version);
}

static void a_missing_bundle_leaves_the_old_model_serving(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    expect_failure(recsys_deployment_load(deployment, at("nowhere"), &err), RECSYS_E_IO, 30, 1);
}

static void a_file_uri_names_a_path(void **state)
{
    static const char *const forms[] = {"file:%s", "file://%s", "file://localhost%s"};
    char uri[PATH_MAX + 32];

    (void)state;
    deploy(at("a"), 0);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        snprintf(uri, sizeof uri, forms[i], at("a"));
        load(uri);
    }
    snprintf(uri, sizeof uri, "file://%s/%%61", root); /* %61 is a */
    load(uri);
}

static void another_uri_is_refused(void **state)
{
    static const char *const others[] = {"s3://bucket/model", "runs:/1/model", "file://else/model",
                                         "file:/a%",          "file:/a%0",     "file:/a%00b",
                                         "file:///%zz"};

    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_failure(recsys_deployment_load(deployment, others[i], &err), RECSYS_E_INVALID, 30,
                       i + 1);
    recsys_deployment *other = NULL;
    assert_int_equal(recsys_deployment_create("s3://bucket/model", NULL, &other, &err),
                     RECSYS_E_INVALID);
    assert_null(other);
}

static void a_damaged_bundle_leaves_the_old_model_serving(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    damage("b");
    expect_failure(recsys_deployment_load(deployment, at("b"), &err), RECSYS_E_FORMAT, 30, 1);
    expect_failure(recsys_deployment_use(deployment, NULL, &err), RECSYS_E_STATE, 30, 2);
}

static void a_diverged_model_is_refused(void **state)
{
    (void)state;
    write_diverged("huge");
    deploy(at("a"), 0);
    load_and_use(NULL);
    expect_failure(recsys_deployment_load(deployment, at("huge"), &err), RECSYS_E_REJECTED, 30, 1);
    assert_non_null(strstr(err.message, "not finite"));
}

static void a_model_that_shrank_is_refused_unless_that_is_allowed(void **state)
{
    (void)state;
    write_bundle("small", 20, 10, 4, BUNDLE_SEEN);
    deploy(at("a"), 0);
    load_and_use(NULL);
    expect_failure(recsys_deployment_load(deployment, at("small"), &err), RECSYS_E_REJECTED, 30, 1);
    assert_non_null(strstr(err.message, "10 items"));
    recsys_deployment_destroy(deployment);

    deploy(at("a"), -1.0f);
    load_and_use(NULL);
    load_and_use(at("small"));
    assert_int_equal(items_served(), 10);
}

static void models_without_users_or_with_other_ids_can_follow(void **state)
{
    (void)state;
    write_bundle("no-users", 0, 30, 5, 0);
    write_bundle("texts", 20, 30, 6, BUNDLE_TEXT_IDS);
    write_bundle("cosine", 3, 30, 6, BUNDLE_COSINE);
    deploy_allowing(at("no-users"), 0,
                    RECSYS_DEPLOYMENT_ALLOW_ID_KIND | RECSYS_DEPLOYMENT_ALLOW_NO_SEEN);
    load_and_use(NULL);
    load_and_use(at("texts"));
    load_and_use(at("a"));
    load_and_use(at("cosine"));
    assert_int_equal(items_served(), 30);
    assert_int_equal(recsys_deployment_reap(deployment), 0);
}

/* `candidate` follows `active` only if that is allowed. */
static void expect_permission(const char *active, const char *candidate, uint32_t permission,
                              const char *reason)
{
    deploy(at(active), -1.0f);
    load_and_use(NULL);
    uint64_t n_items = items_served();
    expect_failure(recsys_deployment_load(deployment, at(candidate), &err), RECSYS_E_REJECTED,
                   n_items, 1);
    if (strstr(err.message, reason) == NULL)
        fail_msg("%s: %s", candidate, err.message);
    recsys_deployment_destroy(deployment);

    deploy_allowing(at(active), -1.0f, permission);
    load_and_use(NULL);
    load_and_use(at(candidate));
    recsys_deployment_destroy(deployment);
    deployment = NULL;
}

static void what_clients_would_miss_rejects_a_candidate_unless_allowed(void **state)
{
    (void)state;
    write_bundle("with-catalog", 20, 30, 1, BUNDLE_CATALOG);
    write_bundle("plain", 20, 30, 1, 0);
    write_bundle("texts", 20, 30, 1, BUNDLE_TEXT_IDS | BUNDLE_SEEN);
    write_bundle("text-items", 0, 30, 1, BUNDLE_TEXT_IDS);
    expect_permission("with-catalog", "plain", RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG,
                      "it has no catalogue");
    expect_permission("a", "plain", RECSYS_DEPLOYMENT_ALLOW_NO_SEEN, "it has no seen lists");
    expect_permission("a", "texts", RECSYS_DEPLOYMENT_ALLOW_ID_KIND, "its user ids are of another");
    expect_permission("plain", "text-items", RECSYS_DEPLOYMENT_ALLOW_ID_KIND,
                      "its item ids are of another");
}

static void a_model_that_recommends_nothing_to_anybody_is_rejected(void **state)
{
    (void)state;
    write_all_adult("dull");
    deploy(at("dull"), 0);
    expect_failure(recsys_deployment_load(deployment, NULL, &err), RECSYS_E_REJECTED, 0, 1);
    assert_non_null(strstr(err.message, "answers to all 20 canary queries are empty"));
}

static void an_unknown_permission_is_refused(void **state)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;

    (void)state;
    options.flags = 1u << 31;
    assert_int_equal(recsys_deployment_create(NULL, &options, &deployment, &err),
                     RECSYS_E_UNSUPPORTED);
}

static void another_candidate_than_expected_is_not_used(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    load(at("b"));
    expect_failure(recsys_deployment_use(deployment, "4", &err), RECSYS_E_CONFLICT, 30, 1);
    assert_int_equal(recsys_deployment_use(deployment, "3", &err), RECSYS_OK);
    assert_int_equal(items_served(), 28);
}

static void a_failed_load_keeps_the_candidate_there_was(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    load(at("b"));
    assert_int_equal(recsys_deployment_load(deployment, at("nowhere"), &err), RECSYS_E_IO);
    assert_int_equal(recsys_deployment_use(deployment, NULL, &err), RECSYS_OK);
    assert_int_equal(items_served(), 28);
}

static void reloading_the_same_content_changes_nothing(void **state)
{
    uint32_t changed = 7;

    (void)state;
    deploy(at("a"), 0);
    assert_int_equal(recsys_deployment_reload(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(changed, 1);
    recsys_model *before = recsys_deployment_acquire(deployment);
    assert_int_equal(recsys_deployment_reload(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(changed, 0);
    recsys_model *after = recsys_deployment_acquire(deployment);
    assert_ptr_equal(before, after);
    recsys_model_unref(before);
    recsys_model_unref(after);
    assert_int_equal(status_now().n_swaps, 1);
}

static void a_reload_follows_the_alias(void **state)
{
    uint32_t changed;

    (void)state;
    assert_int_equal(recsys_registry_publish(registry, at("a"), "m", NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_registry_publish(registry, at("b"), "m", NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "live", "1", &err), RECSYS_OK);
    deploy("models:/m@live", 0);
    assert_int_equal(recsys_deployment_reload(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(items_served(), 30);
    assert_string_equal(status_now().active.version, "1");

    assert_int_equal(recsys_registry_set_alias(registry, "m", "live", "2", &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_reload(deployment, NULL, &err), RECSYS_OK);
    assert_int_equal(items_served(), 28);
    assert_string_equal(status_now().previous.version, "1");

    assert_int_equal(recsys_registry_remove_alias(registry, "m", "live", &err), RECSYS_OK);
    expect_failure(recsys_deployment_reload(deployment, &changed, &err), RECSYS_E_NOT_FOUND, 28, 1);
    assert_int_equal(changed, 0);
    expect_failure(recsys_deployment_load(deployment, "models:/other/1", &err), RECSYS_E_NOT_FOUND,
                   28, 2);
    expect_failure(recsys_deployment_load(deployment, "models:nonsense", &err), RECSYS_E_INVALID,
                   28, 3);
    load_and_use("models:/m/1");
    assert_int_equal(items_served(), 30);
}

static void a_reload_that_the_canary_refuses_changes_nothing(void **state)
{
    uint32_t changed = 7;

    (void)state;
    deploy(at("a"), 0);
    load_and_use(at("b"));
    bundle_remove_directory(at("a"));
    write_diverged("a");
    expect_failure(recsys_deployment_reload(deployment, &changed, &err), RECSYS_E_REJECTED, 28, 1);
    assert_int_equal(changed, 0);
}

/* -- polls -- */

/* Poll, and see that it has swapped, loaded and failed so often. */
static void poll_and_expect(uint32_t swapped, unsigned loaded, uint64_t failed)
{
    uint64_t n_failures = status_now().n_failures;
    uint32_t changed = 7;
    unsigned n_loaded = 0;

    said[0] = '\0';
    assert_int_equal(recsys_deployment_poll(deployment, &changed, &err) != RECSYS_OK, failed);
    for (const char *at_word = said; (at_word = strstr(at_word, "deployment: loaded")) != NULL;
         at_word++)
        n_loaded++;
    assert_int_equal(changed, swapped);
    assert_int_equal(n_loaded, loaded);
    assert_int_equal(status_now().n_failures - n_failures, failed);
}

static void a_poll_loads_nothing_twice(void **state)
{
    (void)state;
    assert_int_equal(recsys_registry_publish(registry, at("a"), "m", NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_registry_publish(registry, at("b"), "m", NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "live", "1", &err), RECSYS_OK);
    deploy("models:/m@live", 0);
    poll_and_expect(1, 1, 0);
    poll_and_expect(0, 0, 0);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "live", "2", &err), RECSYS_OK);
    poll_and_expect(1, 1, 0);
    poll_and_expect(0, 0, 0);
    assert_int_equal(recsys_deployment_rollback(deployment, &err), RECSYS_OK);
    poll_and_expect(0, 0, 0); /* nobody has moved the alias */
    assert_int_equal(items_served(), 30);
    assert_int_equal(recsys_deployment_reload(deployment, NULL, &err), RECSYS_OK);
    assert_int_equal(items_served(), 28);
    assert_int_equal(recsys_registry_remove_alias(registry, "m", "live", &err), RECSYS_OK);
    poll_and_expect(0, 0, 1);
    poll_and_expect(0, 0, 0);
    assert_int_equal(recsys_registry_set_alias(registry, "m", "live", "1", &err), RECSYS_OK);
    poll_and_expect(1, 1, 0);
}

static void a_poll_tries_what_was_refused_when_it_is_another_one(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    poll_and_expect(1, 1, 0);
    bundle_remove_directory(at("a"));
    write_diverged("a");
    poll_and_expect(0, 1, 1); /* the canary refuses it */
    poll_and_expect(0, 0, 0);
    bundle_remove_directory(at("a"));
    poll_and_expect(0, 0, 1); /* a disk that comes back would look the same: tried each time */
    assert_non_null(strstr(said, "serving as before"));
    poll_and_expect(0, 0, 1);
    assert_null(strstr(said, "serving as before"));
    write_bundle("a", 20, 26, 5, BUNDLE_SEEN);
    poll_and_expect(1, 1, 0);
    assert_int_equal(items_served(), 26);
}

static void a_rollback_outlasts_a_disk_that_is_away(void **state)
{
    char away[PATH_MAX];

    (void)state;
    deploy(at("b"), 0);
    load_and_use(at("a"));
    poll_and_expect(1, 1, 0);
    assert_int_equal(recsys_deployment_rollback(deployment, &err), RECSYS_OK);
    snprintf(away, sizeof away, "%s", at("away"));
    assert_int_equal(rename(at("b"), away), 0);
    poll_and_expect(0, 0, 1);
    assert_int_equal(mkdir(at("b"), 0700), 0); /* where it will be mounted again */
    poll_and_expect(0, 0, 1);
    poll_and_expect(0, 0, 1);
    assert_int_equal(rmdir(at("b")), 0);
    assert_int_equal(rename(away, at("b")), 0);
    poll_and_expect(0, 0, 0);
    assert_int_equal(items_served(), 30);
}

/* -- answers -- */

static void record(const recsys_model *model, uint64_t n_answers, uint64_t n_failed,
                   uint64_t n_empty)
{
    assert_int_equal(
        recsys_deployment_record(deployment, model, NULL, n_answers, n_failed, n_empty, &err),
        RECSYS_OK);
}

/* Answers of the model that serves now. */
static void record_now(uint64_t n_answers, uint64_t n_failed, uint64_t n_empty)
{
    recsys_model *model = recsys_deployment_acquire(deployment);

    record(model, n_answers, n_failed, n_empty);
    recsys_model_unref(model);
}

static void a_model_whose_answers_fail_more_often_is_rolled_back(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    assert_int_equal(status_now().watching, 0); /* nothing has served before it */
    record_now(1000, 100, 0);
    load_and_use(at("b"));
    assert_int_equal(status_now().watching, 1);
    record_now(99, 99, 0);
    assert_int_equal(items_served(), 28); /* too few to say anything */
    record_now(1, 0, 0);
    assert_int_equal(items_served(), 30);
    recsys_deployment_status status = status_now();
    assert_int_equal(status.n_withdrawn, 1);
    assert_int_equal(status.watching, 0);
    assert_int_equal(status.n_answers, 0);
    assert_int_equal(status.last_error.status, RECSYS_E_REJECTED);
    assert_non_null(strstr(status.last_error.message,
                           "rolled back demo 3: 99.0 % of its 100 answers failed, 10.0 % of"));
    assert_int_equal(status.previous.since_ms >= status.active.since_ms, 1);
    record_now(1000, 1000, 0); /* one that came back is not watched */
    assert_int_equal(items_served(), 30);
    assert_int_equal(recsys_deployment_reap(deployment), 0);
}

static void a_model_whose_answers_are_empty_more_often_is_rolled_back(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    record_now(1000, 0, 300);
    load_and_use(at("b"));
    for (int i = 0; i < 50; i++)
        record_now(10, 0, 4);
    assert_int_equal(items_served(), 28); /* ten points more than usual are allowed */
    for (int i = 0; i < 100; i++)
        record_now(10, 0, 9);
    assert_int_equal(items_served(), 30);
    assert_non_null(strstr(status_now().last_error.message, "were empty"));
}

static void answers_of_another_model_say_nothing_about_the_new_one(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    recsys_model *old = recsys_deployment_acquire(deployment);
    load_and_use(at("b"));
    record(old, 1000, 1000, 0);
    assert_int_equal(status_now().n_answers, 0);
    assert_int_equal(items_served(), 28);
    recsys_model_unref(old);
}

static void the_watch_leaves_a_model_alone_that_was_replaced_meanwhile(void **state)
{
    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    recsys_model *old = recsys_deployment_acquire(deployment);
    load_and_use(at("b"));
    struct rs_step step = {.deployment = deployment,
                           .name = "rollback by the watch",
                           .chosen = &deployment->previous,
                           .blamed = old,
                           .why = "test"};
    assert_int_equal(rs_step_run(&step, RS_STEP_CHOOSE, &err), RECSYS_OK);
    assert_int_equal(items_served(), 28);
    assert_int_equal(status_now().n_withdrawn, 0);
    recsys_model_unref(old);
}

static void the_watch_ends_and_its_limits_can_be_lifted(void **state)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;

    (void)state;
    options.watch_s = UINT32_MAX;
    assert_int_equal(recsys_deployment_create(at("a"), &options, &deployment, &err), RECSYS_OK);
    load_and_use(NULL);
    load_and_use(at("b"));
    record_now(1000, 1000, 0);
    assert_int_equal(items_served(), 28);
    recsys_deployment_destroy(deployment);

    options.watch_s = 60;
    options.max_error_rise = -1.0f;
    options.max_empty_rise = 0.5f;
    options.watch_min_answers = 10;
    assert_int_equal(recsys_deployment_create(at("a"), &options, &deployment, &err), RECSYS_OK);
    load_and_use(NULL);
    load_and_use(at("b"));
    record_now(100, 100, 0);
    record_now(100, 0, 100);
    assert_int_equal(items_served(), 28); /* half of them, not more */
    record_now(10, 0, 10);
    assert_int_equal(items_served(), 30);
}

static void what_is_recorded_is_checked(void **state)
{
    recsys_request request = RECSYS_REQUEST_INIT;

    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    recsys_model *model = recsys_deployment_acquire(deployment);
    assert_int_equal(recsys_deployment_record(NULL, model, NULL, 1, 0, 0, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_record(deployment, NULL, NULL, 1, 0, 0, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_record(deployment, model, NULL, 1, 1, 1, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_record(deployment, model, NULL, 1, UINT64_MAX, 2, &err),
                     RECSYS_E_INVALID);
    request.struct_size = 3;
    assert_int_equal(recsys_deployment_record(deployment, model, &request, 1, 0, 0, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(status_now().n_answers, 0);
    recsys_model_unref(model);
}

static void record_request(recsys_request request)
{
    recsys_model *model = recsys_deployment_acquire(deployment);

    assert_int_equal(recsys_deployment_record(deployment, model, &request, 1, 0, 0, &err),
                     RECSYS_OK);
    recsys_model_unref(model);
}

static void a_candidate_answers_the_requests_that_users_made(void **state)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    float vector[8] = {0};

    (void)state;
    options.n_recent = 3;
    assert_int_equal(recsys_deployment_create(at("a"), &options, &deployment, &err), RECSYS_OK);
    load_and_use(NULL);
    record_request(request);
    request.user.number = 7;
    record_request(request);
    request.min_rating = 10.0f;
    record_request(request);
    request.user = (recsys_id)RECSYS_ID_TEXT("another kind", 12);
    record_request(request); /* in the place of the oldest */
    request.vector = vector;
    record_request(request); /* what made it is gone with the call */
    assert_int_equal(status_now().n_recent, 3);
    assert_int_equal(status_now().n_answers, 5);
    said[0] = '\0';
    load(at("b"));
    assert_non_null(strstr(said, "answered 3 recent requests"));
    assert_non_null(strstr(said, "1 failed"));

    for (unsigned long n = 0; n < 10000; n++) { /* also without memory */
        count_alloc.n_allowed = n;
        recsys_status status = recsys_deployment_load(deployment, at("b"), &err);
        count_alloc.n_allowed = ULONG_MAX;
        if (status == RECSYS_OK)
            return;
        assert_int_equal(status, RECSYS_E_NOMEM);
    }
    fail_msg("there was never enough memory");
}

static void only_shares_and_numbers_are_limits(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
        float *const fields[] = {&options.min_overlap,     &options.max_score_shift,
                                 &options.max_empty_share, &options.max_error_rise,
                                 &options.max_empty_rise,  &options.min_items_ratio};
        *fields[i] = i < 3 ? 1.5f : (float)NAN;
        assert_int_equal(recsys_deployment_create(NULL, &options, &deployment, &err),
                         RECSYS_E_INVALID);
        *fields[i] = 0.0f;
        options.n_recent = 1u << 20;
        assert_int_equal(recsys_deployment_create(NULL, &options, &deployment, &err),
                         RECSYS_E_INVALID);
    }
}

/* -- memory, history, schedule -- */

static void a_model_beyond_the_budget_is_refused(void **state)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;

    (void)state;
    write_bundle("large", 2000, 40000, 3, BUNDLE_SEEN);
    options.max_memory = 2u << 20;
    options.min_items_ratio = -1.0f;
    assert_int_equal(recsys_deployment_create(at("a"), &options, &deployment, &err), RECSYS_OK);
    load_and_use(NULL);
    expect_failure(recsys_deployment_load(deployment, at("large"), &err), RECSYS_E_LIMIT, 30, 1);
    assert_non_null(strstr(err.message, "large needs about"));
    assert_non_null(strstr(err.message, "more than max_memory, 2 MB, allows"));
    recsys_deployment_status status = status_now();
    assert_true(status.needed_bytes > options.max_memory);
    assert_int_equal(status.max_memory, options.max_memory);
    assert_true(status.memory_bytes > 0 && status.memory_bytes < 100000);
    load_and_use(at("b"));
    assert_true(status_now().memory_bytes > status.memory_bytes); /* of both */
    recsys_deployment_destroy(deployment);

    options.max_memory = UINT64_MAX;
    assert_int_equal(recsys_deployment_create(at("large"), &options, &deployment, &err), RECSYS_OK);
    load_and_use(NULL);
}

static int32_t note_event(const recsys_deployment_event *event, void *user_data)
{
    char *text = user_data;

    snprintf(text + strlen(text), 1000 - strlen(text), "%s%s %s%s%s;",
             event->kind == RECSYS_DEPLOYMENT_SERVED ? "" : "failed ", event->step, event->version,
             strstr(event->message, "rejected") != NULL ? " rejected" : "",
             strstr(event->message, "its 100 answers failed") != NULL ? " answers failed" : "");
    assert_true(event->time_ms > 0);
    return strstr(text, "stop") != NULL;
}

static void the_history_says_what_served_and_why_steps_failed(void **state)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    char text[1000] = "", again[1000] = "stop", file[PATH_MAX];

    (void)state;
    write_diverged("huge");
    snprintf(file, sizeof file, "%s/history.jsonl", root);
    options.history = file;
    assert_int_equal(recsys_deployment_create(at("a"), &options, &deployment, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_reload(deployment, NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_load(deployment, at("huge"), &err), RECSYS_E_REJECTED);
    load_and_use(at("b"));
    assert_int_equal(recsys_deployment_rollback(deployment, &err), RECSYS_OK);
    load_and_use(at("b"));
    record_now(100, 100, 0);
    assert_int_equal(recsys_deployment_list(deployment, note_event, text, &err), RECSYS_OK);
    const char *wanted = "reload 3;failed load 3 rejected;use 3;rollback 3;use 3;"
                         "rollback by the watch 3 answers failed;";
    assert_string_equal(text, wanted);
    assert_int_equal(recsys_deployment_list(deployment, note_event, again, &err), RECSYS_E_STOPPED);
    recsys_deployment_destroy(deployment);

    assert_int_equal(recsys_deployment_create(at("a"), &options, &deployment, &err), RECSYS_OK);
    text[0] = '\0';
    assert_int_equal(recsys_deployment_list(deployment, note_event, text, &err), RECSYS_OK);
    assert_string_equal(text, wanted);
}

static void a_poll_that_fails_is_tried_again_later_and_later(void **state)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;

    (void)state;
    options.poll_interval_ms = 10000;
    options.poll_jitter = -1.0f;
    assert_int_equal(recsys_deployment_create(at("a"), &options, &deployment, &err), RECSYS_OK);
    assert_true(recsys_deployment_get_poll_wait(deployment) <= 10000);
    poll_and_expect(1, 1, 0);
    assert_in_range(recsys_deployment_get_poll_wait(deployment), 1, 10000);
    bundle_remove_directory(at("a"));
    poll_and_expect(0, 0, 1);
    poll_and_expect(0, 0, 1);
    assert_int_equal(status_now().n_failed_polls, 2);
    assert_in_range(recsys_deployment_get_poll_wait(deployment), 20001, 40000);
    write_bundle("a", 20, 30, 1, BUNDLE_SEEN);
    poll_and_expect(0, 1, 0);
    assert_int_equal(status_now().n_failed_polls, 0);
    assert_int_equal(recsys_deployment_get_poll_wait(NULL), 0);
}

static void a_first_load_that_fails_is_tried_again_soon(void **state)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;

    (void)state;
    options.poll_interval_ms = 3600000;
    options.poll_jitter = -1.0f;
    assert_int_equal(recsys_deployment_create(at("later"), &options, &deployment, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_reload(deployment, NULL, &err), RECSYS_E_IO);
    assert_in_range(recsys_deployment_get_poll_wait(deployment), 0, 2000);
    write_bundle("later", 20, 30, 1, BUNDLE_SEEN);
    poll_and_expect(1, 1, 0);
    assert_true(recsys_deployment_get_poll_wait(deployment) > 2000);
}

/* -- a registry that is a server -- */

static unsigned n_found, n_fetched;
static recsys_status fetching; /* what the next fetch ends with */
static atomic_int gate;        /* 1: a fetch waits; 2: it does */

static void destroy_server(void *self)
{
    (void)self;
}

static recsys_status find_on_server(void *self, const recsys_registry_question *question,
                                    recsys_registry_location *out, recsys_error *error)
{
    (void)self;
    (void)question;
    (void)error;
    n_found++;
    snprintf(out->name, sizeof out->name, "m");
    snprintf(out->version, sizeof out->version, "1");
    snprintf(out->stamp, sizeof out->stamp, "never changes");
    return RECSYS_OK;
}

static recsys_status fetch_from_server(void *self, recsys_registry_location *location,
                                       recsys_error *error)
{
    (void)self;
    n_fetched++;
    if (atomic_load(&gate) == 1)
        for (atomic_store(&gate, 2); atomic_load(&gate) == 2;)
            sched_yield();
    if (fetching != RECSYS_OK)
        return recsys_error_set(error, fetching, "the hash is wrong");
    snprintf(location->path, sizeof location->path, "%s", at("a"));
    return RECSYS_OK;
}

static recsys_status list_server(void *self, const char *name, recsys_registry_callback callback,
                                 void *user_data, recsys_error *error)
{
    (void)self, (void)name, (void)callback, (void)user_data, (void)error;
    return RECSYS_OK;
}

static void deploy_from_server(void)
{
    recsys_registry_driver driver = RECSYS_REGISTRY_DRIVER_INIT;
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;

    driver.destroy = destroy_server;
    driver.find = find_on_server;
    driver.fetch = fetch_from_server;
    driver.list = list_server;
    n_found = n_fetched = 0;
    atomic_store(&gate, 0);
    assert_int_equal(recsys_registry_create("server", &driver, NULL, &options.registry, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_deployment_create("models:/m/1", &options, &deployment, &err),
                     RECSYS_OK);
    recsys_registry_unref(options.registry);
}

static void *poll_in_thread(void *result)
{
    uint32_t changed = 0;

    *(recsys_status *)result = recsys_deployment_poll(deployment, &changed, NULL);
    return NULL;
}

static void a_rollback_and_the_watch_do_not_wait_for_a_load(void **state)
{
    recsys_status polled = RECSYS_E_STATE;
    pthread_t thread;

    (void)state;
    write_bundle("c", 20, 26, 7, BUNDLE_SEEN);
    deploy_from_server();
    load_and_use(at("b"));
    load_and_use(at("c"));
    load(at("b"));
    atomic_store(&gate, 1);
    assert_int_equal(rs_thread_start(&thread, poll_in_thread, &polled), 0);
    while (atomic_load(&gate) != 2)
        sched_yield();
    assert_int_equal(status_now().step, RECSYS_DEPLOYMENT_STEP_FETCH);
    assert_int_equal(recsys_deployment_rollback(deployment, &err), RECSYS_OK);
    assert_int_equal(items_served(), 28);
    assert_int_equal(recsys_deployment_rollback(deployment, &err), RECSYS_OK);
    assert_int_equal(items_served(), 26);
    assert_int_equal(recsys_deployment_use(deployment, NULL, &err), RECSYS_OK);
    assert_int_equal(items_served(), 28);
    record_now(100, 100, 0);
    assert_int_equal(items_served(), 26);
    recsys_deployment_status status = status_now();
    assert_int_equal(status.step, RECSYS_DEPLOYMENT_STEP_FETCH); /* still */
    assert_true(status.step_since_ms > 0);
    assert_int_equal(status.loading, 1);
    atomic_store(&gate, 0);
    rs_thread_join(thread);
    assert_int_equal(polled, RECSYS_OK);
    assert_int_equal(items_served(), 30);
    assert_int_equal(status_now().step, RECSYS_DEPLOYMENT_STEP_NONE);
}

static void files_that_a_server_repairs_are_fetched_again(void **state)
{
    (void)state;
    deploy_from_server();
    load_and_use(at("b"));
    fetching = RECSYS_E_FORMAT;
    poll_and_expect(0, 0, 1);
    poll_and_expect(0, 0, 1);
    assert_int_equal(n_fetched, 2);
    assert_int_equal(items_served(), 28);
    fetching = RECSYS_OK;
    poll_and_expect(1, 1, 0);
    poll_and_expect(0, 0, 0);
    assert_int_equal(n_fetched, 3);
    assert_int_equal(n_found, 4);
    assert_int_equal(items_served(), 30);
}

/* -- limits of the canary -- */

static void expect_limit(recsys_deployment_options options, const char *candidate,
                         const char *reason)
{
    options.registry = registry;
    assert_int_equal(recsys_deployment_create(at("a"), &options, &deployment, &err), RECSYS_OK);
    load_and_use(NULL);
    expect_failure(recsys_deployment_load(deployment, at(candidate), &err), RECSYS_E_REJECTED, 30,
                   1);
    if (strstr(err.message, reason) == NULL)
        fail_msg("%s: %s", candidate, err.message);
    load(at("a")); /* the same model keeps every limit */
    recsys_deployment_destroy(deployment);
    deployment = NULL;
    deploy(at("a"), 0);
    load_and_use(NULL);
    load_and_use(at(candidate)); /* without the limit it may serve */
    recsys_deployment_destroy(deployment);
    deployment = NULL;
}

static void a_candidate_beyond_a_limit_is_rejected(void **state)
{
    recsys_deployment_options overlap = RECSYS_DEPLOYMENT_OPTIONS_INIT, shift = overlap,
                              empty = overlap;
    (void)state;
    overlap.min_overlap = 0.99f;
    expect_limit(overlap, "b", "less than min_overlap 0.99 allows");
    shift.max_score_shift = 0.001f;
    expect_limit(shift, "b", "more than max_score_shift 0.001 allows");
    write_half_seen("half");
    empty.max_empty_share = 0.2f;
    expect_limit(empty, "half", "more than max_empty_share 0.2 allows");
}

/* -- out of memory at every place -- */

static void running_out_of_memory_anywhere_leaves_the_old_model_serving(void **state)
{
    unsigned long n = 0;
    recsys_status status;

    (void)state;
    deploy(at("a"), 0);
    load_and_use(NULL);
    do {
        count_alloc.n_allowed = n;
        status = recsys_deployment_load(deployment, at("b"), &err);
        if (status == RECSYS_OK)
            status = recsys_deployment_use(deployment, NULL, &err);
        count_alloc.n_allowed = ULONG_MAX;
        if (status != RECSYS_OK) {
            assert_int_equal(status, RECSYS_E_NOMEM);
            assert_int_equal(items_served(), 30);
        }
    } while (status != RECSYS_OK && ++n < 10000);
    assert_true(n > 5 && n < 10000);
    assert_int_equal(items_served(), 28);
    for (count_alloc.n_allowed = 0; recsys_deployment_rollback(deployment, &err) != RECSYS_OK;
         count_alloc.n_allowed = n)
        n = 1;
    count_alloc.n_allowed = ULONG_MAX;
    assert_int_equal(items_served(), 30);
}

static void every_transition_of_the_table_was_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TRANSITIONS; i++)
        if (!is_taken[i])
            fail_msg("never taken%s", transitions[i]);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_new_deployment_serves_nothing),
        T(arguments_are_checked),
        T(load_and_use_are_two_steps),
        T(a_rollback_exchanges_active_and_previous),
        T(a_model_in_use_counts_as_retired_until_it_is_released),
        T(a_model_of_the_caller_becomes_the_candidate),
        T(a_model_of_the_caller_goes_through_the_canary),
        T(the_same_model_may_be_active_previous_and_candidate),
        T(an_acquired_model_outlives_the_deployment),
        T(the_registry_may_be_given_back_before_the_deployment),
        T(a_status_is_zero_after_a_failure),
        T(the_longest_version_is_not_cut),
        T(a_missing_bundle_leaves_the_old_model_serving),
        T(a_file_uri_names_a_path),
        T(another_uri_is_refused),
        T(a_damaged_bundle_leaves_the_old_model_serving),
        T(a_diverged_model_is_refused),
        T(a_model_that_shrank_is_refused_unless_that_is_allowed),
        T(models_without_users_or_with_other_ids_can_follow),
        T(what_clients_would_miss_rejects_a_candidate_unless_allowed),
        T(a_model_that_recommends_nothing_to_anybody_is_rejected),
        T(an_unknown_permission_is_refused),
        T(another_candidate_than_expected_is_not_used),
        T(a_failed_load_keeps_the_candidate_there_was),
        T(reloading_the_same_content_changes_nothing),
        T(a_reload_follows_the_alias),
        T(a_reload_that_the_canary_refuses_changes_nothing),
        T(a_poll_loads_nothing_twice),
        T(a_poll_tries_what_was_refused_when_it_is_another_one),
        T(a_rollback_outlasts_a_disk_that_is_away),
        T(a_model_whose_answers_fail_more_often_is_rolled_back),
        T(a_model_whose_answers_are_empty_more_often_is_rolled_back),
        T(answers_of_another_model_say_nothing_about_the_new_one),
        T(the_watch_leaves_a_model_alone_that_was_replaced_meanwhile),
        T(the_watch_ends_and_its_limits_can_be_lifted),
        T(what_is_recorded_is_checked),
        T(a_candidate_answers_the_requests_that_users_made),
        T(only_shares_and_numbers_are_limits),
        T(a_model_beyond_the_budget_is_refused),
        T(the_history_says_what_served_and_why_steps_failed),
        T(a_poll_that_fails_is_tried_again_later_and_later),
        T(a_first_load_that_fails_is_tried_again_soon),
        T(a_rollback_and_the_watch_do_not_wait_for_a_load),
        T(files_that_a_server_repairs_are_fetched_again),
        T(a_candidate_beyond_a_limit_is_rejected),
        T(running_out_of_memory_anywhere_leaves_the_old_model_serving),
        cmocka_unit_test(every_transition_of_the_table_was_taken),
    };

    if (count_alloc_install() != 0 ||
        recsys_log_set(RECSYS_LOG_INFO, listen, NULL, NULL) != RECSYS_OK ||
        recsys_log_set_trace("deployment", NULL) != RECSYS_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
