/* Commands of many threads in one write, whose leader stands still.
 *
 * A leader is stopped at a point that the test chooses: while it gathers, where it yields; while it
 * connects, in the hook for traces; while it waits for answers, in a signal handler. It stays there
 * until the test lets it go, so no test depends on how long something takes. Whatever it does, the
 * others take the write over, or leave it in words of their own and count for nothing: the server
 * has done nothing wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "recsys/log.h"
#include "tests/support/check.h"
#include "tests/support/proof_redis.h"
#include "tests/support/redis_case.h"

#define N_THREADS 12u

static uint32_t port;
static recsys_store *store;

/* -- where a leader stops -- */

static atomic_uint is_armed, n_stopped, may_go;

static void stand_still(void)
{
    atomic_fetch_add(&n_stopped, 1u);
    while (!atomic_load(&may_go))
        poll(NULL, 0, 1);
}

/* In place of the C library's, also for the library under test. */
int sched_yield(void)
{
    unsigned one = 1;

    if (atomic_compare_exchange_strong(&is_armed, &one, 0u))
        stand_still();
    return 0;
}

static void stop_who_has_connected(int32_t level, const char *message, void *user_data)
{
    (void)level;
    (void)user_data;
    if (atomic_load(&is_armed) == 2 && strstr(message, "OPENING -> LENT") != NULL)
        stand_still();
}

static void arm(unsigned how)
{
    atomic_store(&n_stopped, 0u);
    atomic_store(&may_go, 0u);
    atomic_store(&is_armed, how);
}

static void let_go(void)
{
    atomic_store(&is_armed, 0u);
    atomic_store(&may_go, 1u);
}

/* -- callers -- */

static struct caller {
    pthread_t thread;
    char key[32];
    unsigned n_calls, n_good;
    char message[sizeof((recsys_error *)NULL)->message]; /* of the last failure */
    recsys_status status;
} callers[N_THREADS], others[N_THREADS];

static atomic_uint n_ready;

static void open_shared(uint32_t pool_timeout_ms, uint32_t timeout_ms, uint32_t failures)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    recsys_store_options store_options = RECSYS_STORE_OPTIONS_INIT;

    options.port = port;
    options.share_from = 1;
    options.pool_size = N_THREADS;
    options.pool_timeout_ms = pool_timeout_ms;
    options.connect_timeout_ms = options.command_timeout_ms = timeout_ms;
    store_options.failures = failures;
    assert_ok(recsys_redis_create("test", &options, &store_options, &store, &err));
}

static void *call(void *argument)
{
    struct caller *caller = argument;
    recsys_bytes key = text(caller->key);

    for (unsigned i = 0; i < caller->n_calls; i++) {
        recsys_value value = {NULL, 0, NULL, NULL};
        recsys_error said = {0};
        recsys_status status = recsys_store_get(store, &key, 1, &value, NULL, &said);
        if (status == RECSYS_OK) {
            CHECK(proof_redis_is_value(key.data, key.size, value.data, value.size));
            caller->n_good++;
        } else {
            caller->status = status;
            memcpy(caller->message, said.message, sizeof said.message);
        }
        recsys_value_release(&value);
    }
    atomic_fetch_add(&n_ready, 1u);
    return NULL;
}

static void start(struct caller *some, unsigned n, unsigned n_calls)
{
    atomic_store(&n_ready, 0u);
    for (unsigned i = 0; i < n; i++) {
        memset(&some[i], 0, sizeof some[i]);
        some[i].n_calls = n_calls;
        (void)snprintf(some[i].key, sizeof some[i].key, "t%u", i);
        CHECK(pthread_create(&some[i].thread, NULL, call, &some[i]) == 0);
    }
}

static void wait_until_ready(unsigned n)
{
    while (atomic_load(&n_ready) < n)
        poll(NULL, 0, 1);
}

static void join(const struct caller *some, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        CHECK(pthread_join(some[i].thread, NULL) == 0);
}

static void who_waits_takes_over_from_a_leader_that_gathers_and_stands_still(void **state)
{
    unsigned n_failed = 0, n_calls = 2000;

    (void)state;
    /* A caller that had to wait for the leader would fail after these times. */
    open_shared(1000, 10000, UINT_MAX);
    arm(1);
    start(callers, N_THREADS, n_calls);
    wait_until_ready(N_THREADS - 1);
    unsigned n = atomic_load(&n_stopped);
    let_go();
    join(callers, N_THREADS);
    assert_int_equal(n, 1);
    for (unsigned i = 0; i < N_THREADS; i++) {
        if (callers[i].n_good < n_calls)
            print_message("%s\n", callers[i].message);
        n_failed += n_calls - callers[i].n_good;
    }
    assert_int_equal(n_failed, 0);
    recsys_store_unref(store);
}

static void who_leaves_a_leader_counts_for_nothing_and_says_why(void **state)
{
    recsys_store_stats stats = RECSYS_STORE_STATS_INIT;
    unsigned n_left = 0, n_leaders;

    (void)state;
    for (unsigned round = 0; round < 50 && n_left < 2; round++) {
        open_shared(100, 2000, 1); /* a single failure would open the breaker */
        arm(2);
        start(callers, N_THREADS, 1);
        do /* all who have connected stand still, and all others leave */
            poll(NULL, 0, 1);
        while (atomic_load(&n_ready) + atomic_load(&n_stopped) < N_THREADS);
        n_left = atomic_load(&n_ready);
        n_leaders = atomic_load(&n_stopped);
        assert_ok(recsys_store_get_stats(store, &stats, &err));
        assert_int_equal(stats.failures, n_left);
        assert_int_equal(stats.opened, 0);
        let_go();
        join(callers, N_THREADS);
        for (unsigned i = 0; i < N_THREADS; i++) {
            n_leaders -= callers[i].n_good;
            if (callers[i].n_good == 1)
                continue;
            assert_int_equal(callers[i].status, RECSYS_E_TIMEOUT);
            assert_non_null(strstr(callers[i].message, "db 0: GET: the thread"));
            assert_non_null(strstr(callers[i].message, "was kept from running"));
        }
        assert_int_equal(n_leaders, 0);
        recsys_store_unref(store);
    }
    assert_true(n_left >= 2);
}

static void stop_in_handler(int signal_number)
{
    (void)signal_number;
    stand_still();
}

/* Until all are in writes that the server has got. 0: some have failed meanwhile. */
static int wait_until_sent(uint64_t n_late)
{
    for (;; poll(NULL, 0, 1)) {
        recsys_redis_stats stats = pool_stats(store);
        if (atomic_load(&n_ready) > 0)
            return 0;
        if (stats.shared_commands >= N_THREADS &&
            proof_redis_count(PROOF_LATE) - n_late == stats.shared_writes)
            return 1;
    }
}

/* One caller stands still, and all others are gone. 0: it came to that too late. */
static int stop_one(unsigned which)
{
    uint64_t n_late = proof_redis_count(PROOF_LATE);

    proof_redis_misbehave(1000, 1u << PROOF_LATE, 20000, 1);
    arm(0);
    start(callers, N_THREADS, 1);
    int is_sent = wait_until_sent(n_late);
    if (is_sent) {
        CHECK(pthread_kill(callers[which].thread, SIGUSR1) == 0);
        while (atomic_load(&n_stopped) == 0)
            poll(NULL, 0, 1);
        for (unsigned ms = 0; ms < 20000 && atomic_load(&n_ready) < N_THREADS - 1; ms++)
            poll(NULL, 0, 1);
        is_sent = atomic_load(&n_ready) >= N_THREADS - 1; /* else it has stopped under a lock */
    }
    proof_redis_misbehave(0, 0, 0, 1);
    return is_sent;
}

/* As many calls as there is room for beside the one that stands still. */
static void fill_the_pool(void)
{
    struct caller first = {.key = "first"};

    while (first.n_good == 0) { /* until the pool is no longer silent */
        poll(NULL, 0, 1);
        first.n_calls = 1;
        call(&first);
    }
    assert_int_equal(pool_stats(store).wait_timeouts, 0);
    proof_redis_misbehave(1000, 1u << PROOF_LATE, 150, 1);
    start(others, N_THREADS - 1, 1);
    join(others, N_THREADS - 1);
    proof_redis_misbehave(0, 0, 0, 1);
    assert_int_equal(pool_stats(store).wait_timeouts, 0);
}

static void who_leaves_gives_its_place_back(void **state)
{
    struct sigaction stop = {.sa_handler = stop_in_handler};
    unsigned n_proofs = 0;

    (void)state;
    sigemptyset(&stop.sa_mask);
    assert_int_equal(sigaction(SIGUSR1, &stop, NULL), 0);
    for (unsigned i = 0; i < N_THREADS; i++) { /* some of them lead others */
        open_shared(1, 400, UINT_MAX);
        if (stop_one(i)) {
            fill_the_pool();
            n_proofs++;
        }
        let_go();
        join(callers, N_THREADS);
        recsys_store_unref(store);
    }
    assert_true(n_proofs > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_takes_over_from_a_leader_that_gathers_and_stands_still),
        cmocka_unit_test(who_leaves_a_leader_counts_for_nothing_and_says_why),
        cmocka_unit_test(who_leaves_gives_its_place_back),
    };

    port = proof_redis_start();
    CHECK_EQ(recsys_log_set(RECSYS_LOG_ERROR, stop_who_has_connected, NULL, NULL), RECSYS_OK);
    CHECK_EQ(recsys_log_set_trace("redis", NULL), RECSYS_OK);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    proof_redis_stop();
    return failed;
}
