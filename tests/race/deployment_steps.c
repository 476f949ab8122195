/* Operators load, use, roll back and reload at once, while requests are served and recorded, some
 * of them so that the watch rolls back, too, and the status is asked for. For TSan and ASan. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/lock.h"
#include "recsys/deployment.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

static char *root, first[512], second[512], missing[512];
static recsys_model *own; /* loaded by the program; both operators hand it over */
static recsys_deployment *deployment;
static atomic_int stop;
static unsigned n_steps;

static void write_bundle(const char *path, size_t n_items)
{
    struct bundle bundle;

    bundle_write(&bundle, path, 20, n_items, 8, n_items, BUNDLE_SEEN | BUNDLE_CATALOG);
    bundle_free(&bundle);
}

static void *serve(void *unused)
{
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};
    recsys_request request = RECSYS_REQUEST_INIT;

    (void)unused;
    while (!atomic_load(&stop)) {
        recsys_model *model = recsys_deployment_acquire(deployment);
        CHECK(model != NULL); /* there is one all the time */
        CHECK_EQ(recsys_model_get_info(model, &info, NULL), RECSYS_OK);
        CHECK(info.n_items == 40 || info.n_items == 50);
        CHECK(strcmp(info.name, "demo") == 0);
        request.user.number = request.user.number % 20 + 1;
        CHECK_EQ(recsys_deployment_record(deployment, model, &request, 1, info.n_items == 50, 0,
                                          NULL),
                 RECSYS_OK); /* the second model is always bad */
        recsys_model_unref(model);
    }
    return NULL;
}

static void *watch(void *unused)
{
    unsigned n_seen_loading = 0;
    uint64_t n_swaps = 0;

    (void)unused;
    while (!atomic_load(&stop)) {
        recsys_deployment_status status = {.struct_size = (uint32_t)sizeof status};
        CHECK_EQ(recsys_deployment_get_status(deployment, &status, NULL), RECSYS_OK);
        CHECK(strcmp(status.active.name, "demo") == 0);
        CHECK(status.n_swaps >= n_swaps);
        n_swaps = status.n_swaps;
        n_seen_loading += status.loading;
        recsys_deployment_reap(deployment);
    }
    recsys_deployment_status status = {.struct_size = (uint32_t)sizeof status};
    CHECK_EQ(recsys_deployment_get_status(deployment, &status, NULL), RECSYS_OK);
    printf("%u times while a step was running; the watch has rolled back %llu times\n",
           n_seen_loading, (unsigned long long)status.n_withdrawn);
    CHECK(status.n_withdrawn > 0);
    CHECK(n_seen_loading > 0); /* so nobody waited for the step */
    return NULL;
}

static void *operate(void *number)
{
    uint64_t random = 20260105 + *(uint64_t *)number;

    for (unsigned i = 0; i < n_steps; i++) {
        const char *source = i % 2 == 0 ? first : second;
        recsys_status status = RECSYS_OK;
        switch (bundle_random(&random, 7)) {
        case 0:
        case 1:
            CHECK_EQ(recsys_deployment_load(deployment, source, NULL), RECSYS_OK);
            break;
        case 2:
            status = recsys_deployment_use(deployment, NULL, NULL);
            CHECK(status == RECSYS_OK || status == RECSYS_E_STATE);
            break;
        case 3:
            status = recsys_deployment_rollback(deployment, NULL);
            CHECK(status == RECSYS_OK || status == RECSYS_E_STATE);
            break;
        case 4:
            CHECK_EQ(recsys_deployment_reload(deployment, NULL, NULL), RECSYS_OK);
            break;
        case 5:
            CHECK_EQ(recsys_deployment_load_model(deployment, own, NULL), RECSYS_OK);
            break;
        default:
            CHECK_EQ(recsys_deployment_load(deployment, missing, NULL), RECSYS_E_IO);
        }
    }
    return NULL;
}

int main(void)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    pthread_t operators[2], others[3];
    uint64_t numbers[2] = {1, 2};
    recsys_error err;

    n_steps = getenv("RECSYS_LONG") != NULL ? 5000 : 100;
    printf("seed 20260105, %u steps\n", n_steps);
    root = bundle_make_directory();
    snprintf(first, sizeof first, "%s/first", root);
    snprintf(second, sizeof second, "%s/second", root);
    snprintf(missing, sizeof missing, "%s/missing", root);
    write_bundle(first, 40);
    write_bundle(second, 50);
    CHECK_OK(recsys_model_load(second, NULL, &own, &err), &err);
    options.watch_min_answers = 3;
    CHECK_OK(recsys_deployment_create(first, &options, &deployment, &err), &err);
    CHECK_OK(recsys_deployment_reload(deployment, NULL, &err), &err);

    for (int i = 0; i < 3; i++)
        CHECK_EQ(rs_thread_start(&others[i], i == 0 ? watch : serve, NULL), 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(rs_thread_start(&operators[i], operate, &numbers[i]), 0);
    for (int i = 0; i < 2; i++)
        rs_thread_join(operators[i]);
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++)
        rs_thread_join(others[i]);

    recsys_model_unref(own);
    CHECK_EQ(recsys_deployment_reap(deployment), 0);
    recsys_deployment_destroy(deployment);
    bundle_remove_directory(root);
    free(root);
    return 0;
}
