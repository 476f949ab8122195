/* tests/fault/oom.h - out of memory at every place in turn.
 *
 * Each scenario is run once to count its allocations, then again for each of
 * them with that one failing. The call must fail with E_NOMEM and leave no
 * output and no memory behind, or succeed all the same; and afterwards what
 * was there before (a model that serves, a cache, a registry) must do what it
 * did. All allocations of the process count, so those that jansson, zlib and
 * OpenSSL make fail too; under sanitizers only the library's own.
 *
 * A sample of the allocations by default, all of them with RECSYS_LONG=1.
 * Private to tests/fault; each program says FAIL_ALLOC_INTERPOSE itself.
 */
#ifndef TESTS_FAULT_OOM_H
#define TESTS_FAULT_OOM_H

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"
#include "tests/support/fail_alloc.h"

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

static inline void arm(void)
{
    memset(&err, 0, sizeof err);
    if (run.mappings)
        fail_mmap_start(run.fail_at);
    else
        fail_alloc_start(run.fail_at, run.n_fail);
}

static inline void disarm(void)
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

static inline const char *at(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", scratch, name);
    return path;
}

static inline recsys_model *load(const char *name)
{
    recsys_model *model = NULL;

    CHECK_OK(recsys_model_load(at(name), NULL, &model, &err), &err);
    return model;
}

/* Does this model still answer as it did? The first user's best item says it. */
static inline void check_answers(const recsys_model *model, const struct bundle *bundle)
{
    recsys_recommender *recommender = NULL;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    char text[32];
    recsys_error why;

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

static inline const char *fixture(const char *name)
{
    static char path[PATH_MAX];
    const char *source = getenv("RECSYS_SOURCE_DIR");

    snprintf(path, sizeof path, "%s/tests/fixtures/npz/%s", source == NULL ? "." : source, name);
    return path;
}

static inline int exists(const char *path)
{
    DIR *directory = opendir(path);

    if (directory != NULL)
        closedir(directory);
    return directory != NULL;
}

/* How many entries a directory has. */
static inline size_t count_entries(const char *path)
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

struct scenario {
    const char *name;
    recsys_status (*run)(void);
    recsys_status other; /* a documented status beside E_NOMEM; 0 = none */
};

static long n_failed_in_all;
static int n_bad, is_long;

static inline void complain(const struct scenario *scenario, long fail_at, const char *what)
{
    fprintf(stderr, "%s, %s %ld failing: %s\n", scenario->name,
            run.mappings ? "mapping" : "allocation", fail_at, what);
    n_bad++;
}

static inline long live(void)
{
    return run.mappings ? fail_mmap_live() : fail_alloc_live();
}

/* One run with allocation `fail_at` (and all after it, if n_fail is large) failing. */
static inline recsys_status try_one(const struct scenario *scenario, long fail_at, long n_fail)
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
    if (status != RECSYS_OK && (err.status != status || err.message[0] == '\0'))
        complain(scenario, fail_at, "the error record does not say what the call returned");
    if (live() != before) {
        snprintf(what, sizeof what, "%ld blocks are left over (%s)", live() - before,
                 recsys_status_name(status));
        complain(scenario, fail_at, what);
    }
    return status;
}

static inline void run_scenario(const struct scenario *scenario, uint64_t *random)
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

/* Write the bundles, run all scenarios, with malloc() failing and with mmap() failing, and say
 * what came of it: main()'s value. */
static inline int run_scenarios(const struct scenario *scenarios, size_t n_scenarios)
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

    for (size_t i = 0; i < n_scenarios; i++)
        run_scenario(&scenarios[i], &random);
    run.mappings = FAIL_ALLOC_INTERPOSED;
    for (size_t i = 0; run.mappings && i < n_scenarios; i++)
        run_scenario(&scenarios[i], &random);

    for (size_t i = 0; i < 3; i++)
        bundle_free(&bundles[i]);
    bundle_remove_directory(scratch);
    free(scratch);
    printf("%ld failures of memory, %d findings\n", n_failed_in_all, n_bad);
    return n_bad != 0;
}

#endif
