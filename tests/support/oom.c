/* tests/support/oom.c - see oom.h. */
#include "tests/support/oom.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/check.h"
#include "tests/support/fail_alloc.h"
#include "tests/support/scratch.h"

#define SEED 20260601u
#define SAMPLE 70 /* places of a scenario, unless RECSYS_LONG=1 */

char *oom_scratch, oom_root[PATH_MAX];
struct bundle oom_bundles[3];
struct oom_run oom_run;
recsys_error oom_err;

static long n_failed_in_all;
static int n_bad, is_long;

void oom_arm(void)
{
    memset(&oom_err, 0, sizeof oom_err);
    if (oom_run.mappings)
        fail_mmap_start(oom_run.fail_at);
    else
        fail_alloc_start(oom_run.fail_at, oom_run.n_fail);
}

void oom_disarm(void)
{
    oom_run.n_calls = oom_run.mappings ? fail_mmap_stop() : fail_alloc_stop();
    oom_run.n_spared += fail_alloc_spared();
}

const char *oom_path(const char *name)
{
    return path_in(oom_scratch, name);
}

recsys_model *oom_load_model(const char *name)
{
    recsys_model *model = NULL;

    CHECK_OK(recsys_model_load(oom_path(name), NULL, &model, &oom_err), &oom_err);
    return model;
}

void oom_check_answers(const recsys_model *model, const struct bundle *bundle)
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

const char *oom_fixture(const char *name)
{
    static char path[PATH_MAX];
    const char *source = getenv("RECSYS_SOURCE_DIR");

    snprintf(path, sizeof path, "%s/tests/fixtures/npz/%s", source == NULL ? "." : source, name);
    return path;
}

static void complain(const struct oom_scenario *scenario, long fail_at, const char *what)
{
    fprintf(stderr, "%s, %s %ld failing: %s\n", scenario->name,
            oom_run.mappings ? "mapping" : "allocation", fail_at, what);
    n_bad++;
}

static long live(void)
{
    return oom_run.mappings ? fail_mmap_live() : fail_alloc_live();
}

/* One run with allocation `fail_at` (and all after it, if n_fail is large) failing. */
static recsys_status try_one(const struct oom_scenario *scenario, long fail_at, long n_fail)
{
    char what[700];
    long before = live();

    oom_run.fail_at = fail_at;
    oom_run.n_fail = n_fail;
    recsys_status status = scenario->run();
    fail_alloc_settle();
    if (status != RECSYS_OK && status != RECSYS_E_NOMEM && status != scenario->other) {
        snprintf(what, sizeof what, "%s: %s", recsys_status_name(status), oom_err.message);
        complain(scenario, fail_at, what);
    }
    if (status != RECSYS_OK && (oom_err.status != status || oom_err.message[0] == '\0'))
        complain(scenario, fail_at, "the error record does not say what the call returned");
    if (live() != before) {
        snprintf(what, sizeof what, "%ld blocks are left over (%s)", live() - before,
                 recsys_status_name(status));
        complain(scenario, fail_at, what);
    }
    return status;
}

static void run_scenario(const struct oom_scenario *scenario, uint64_t *random)
{
    long n_tried = 0, n_absorbed = 0, step;

    oom_run.n_spared = 0;
    oom_run.fail_at = -1;
    for (int warm = 0; warm < 2; warm++)
        CHECK_OK(scenario->run(), &oom_err); /* caches of others that are made once */
    if (try_one(scenario, -1, 0) != RECSYS_OK)
        return;
    long n = oom_run.n_calls;
    step = is_long || n <= SAMPLE ? 1 : n / SAMPLE + 1;
    for (long i = step == 1 ? 0 : (long)bundle_random(random, (uint64_t)step); i < n; i += step) {
        n_absorbed += try_one(scenario, i, 1) == RECSYS_OK;
        n_tried++;
        if (!oom_run.mappings &&
            (is_long || n_tried % 4 == 0)) { /* ... and nothing more to be had */
            try_one(scenario, i, LONG_MAX / 2);
            n_tried++;
        }
    }
    n_failed_in_all += n_tried;
    if (n > 0)
        printf("%-32s %6ld %s, %5ld failed, %3ld without consequence, %ld spared\n", scenario->name,
               n, oom_run.mappings ? "mappings" : "allocations", n_tried, n_absorbed,
               oom_run.n_spared);
}

int oom_main(const struct oom_scenario *scenarios, size_t n_scenarios, int interposed)
{
    uint64_t random = SEED;

    fail_alloc_init(interposed);
    setvbuf(stdout, NULL, _IOLBF, 0);
    is_long = getenv("RECSYS_LONG") != NULL && strcmp(getenv("RECSYS_LONG"), "1") == 0;
    printf("seed %u; %s; %s\n", SEED,
           is_long ? "every allocation" : "a sample (RECSYS_LONG=1: all)",
           fail_alloc_sees_everything() ? "of the whole process" : "of the library");
    oom_scratch = bundle_make_directory();
    snprintf(oom_root, sizeof oom_root, "%s", oom_path("registry"));
    CHECK_EQ(mkdir(oom_root, 0777), 0);
    struct bundle other;
    bundle_write(&oom_bundles[0], oom_path("full"), OOM_N_USERS, OOM_N_ITEMS, OOM_D, SEED,
                 BUNDLE_BIAS | BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_FEATURES |
                     BUNDLE_POPULARITY);
    bundle_write(&oom_bundles[1], oom_path("texts"), OOM_N_USERS, OOM_N_ITEMS, OOM_D, SEED + 1,
                 BUNDLE_TEXT_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_UNSORTED);
    bundle_write(&oom_bundles[2], oom_path("cosine"), OOM_N_USERS, OOM_N_ITEMS, OOM_D, SEED + 2,
                 BUNDLE_COSINE | BUNDLE_SEEN);
    bundle_write(&other, oom_path("other"), OOM_N_USERS, OOM_N_ITEMS, OOM_D, SEED,
                 BUNDLE_BIAS | BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG);
    bundle_free(&other);
    bundle_write(&other, oom_path("columns"), OOM_N_USERS, OOM_N_ITEMS, OOM_D, SEED,
                 BUNDLE_BIAS | BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_FEATURES |
                     BUNDLE_POPULARITY | BUNDLE_FORMAT_2 | BUNDLE_CODES);
    bundle_free(&other);
    bundle_write(&other, oom_path("unsorted"), OOM_N_USERS, OOM_N_ITEMS, OOM_D, SEED,
                 BUNDLE_CATALOG | BUNDLE_UNSORTED | BUNDLE_FORMAT_2);
    bundle_free(&other);

    for (size_t i = 0; i < n_scenarios; i++)
        run_scenario(&scenarios[i], &random);
    oom_run.mappings = interposed;
    for (size_t i = 0; oom_run.mappings && i < n_scenarios; i++)
        run_scenario(&scenarios[i], &random);

    for (size_t i = 0; i < 3; i++)
        bundle_free(&oom_bundles[i]);
    bundle_remove_directory(oom_scratch);
    free(oom_scratch);
    printf("%ld failures of memory, %d findings\n", n_failed_in_all, n_bad);
    return n_bad != 0;
}
