/* Requests that change the model while the daemon stops: each gets an answer, and the changer keeps
 * nothing of one that went. For TSan and ASan. */
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/models/model_changer.h"
#include "lib/base/clock.h"
#include "recsys/deployment.h"
#include "tests/support/check.h"

#define STOP_NS UINT64_C(60000000000)

enum { N_THREADS = 4, N_LEAST = 20, N_AFTER = 50 };

static struct rd_model_changer changer;
static atomic_uint n_answered, n_refused;

static recsys_status load(recsys_error *err)
{
    return rd_model_changer_do(&changer, RD_STEP_LOAD, "/nonexistent/model", "a request", err);
}

static void *ask(void *unused)
{
    unsigned n_after = 0;

    (void)unused;
    while (n_after < N_AFTER) {
        recsys_error err = {0};
        recsys_status status = load(&err);

        CHECK(status != RECSYS_OK);
        CHECK(err.message[0] != '\0');
        atomic_fetch_add(&n_answered, 1);
        if (status == RECSYS_E_STATE) {
            CHECK(strcmp(err.message, "the daemon is stopping") == 0);
            atomic_fetch_add(&n_refused, 1);
            n_after++;
        }
    }
    return NULL;
}

int main(void)
{
    recsys_deployment *deployment;
    recsys_error err = {0};
    pthread_t threads[N_THREADS];

    CHECK_EQ(recsys_deployment_create("/nonexistent/model", NULL, &deployment, &err), RECSYS_OK);
    rd_model_changer_init(&changer, deployment, "", 0);
    CHECK(rd_model_changer_start(&changer));
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK_EQ(rs_thread_start(&threads[i], ask, NULL), 0);
    while (atomic_load(&n_answered) < N_LEAST)
        sched_yield();
    CHECK(rd_model_changer_stop(&changer, rs_clock_ns() + STOP_NS));
    for (size_t i = 0; i < N_THREADS; i++)
        rs_thread_join(threads[i]);
    CHECK_EQ(load(&err), RECSYS_E_STATE);
    CHECK(changer.jobs == NULL); /* they were on stacks that are gone */
    CHECK_EQ(atomic_load(&n_refused), N_THREADS * N_AFTER);
    recsys_deployment_destroy(deployment);
    return 0;
}
