/* One load an expiry for all callers: 1,000 threads in 4 processes over one Redis.
 *
 * All stand at one line and start together at a value that has just expired.
 * Then one process is killed while it loads: when its lease has run out exactly
 * one other loads. The control is the cache-aside of every tutorial (get, load,
 * set) in the same harness. RECSYS_LONG=1 does it more often.
 *
 * Early refresh is off, for it may load before the expiry. */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "recsys/aside.h"
#include "tests/support/check.h"
#include "tests/support/processes.h"
#include "tests/support/redis_store.h"

#define N_PROCESSES 4u
#define N_THREADS 250u
#define DB 11u
#define LOAD_MS 50u
#define LEASE_MS 2000u

static struct shared {
    pthread_barrier_t line;
    atomic_uint loads, asking;
    _Atomic pid_t leader;
} * shared;

static recsys_store *store;
static recsys_aside *aside;
static recsys_bytes key;

static void open_cache(uint32_t lease_ms)
{
    recsys_redis_options redis;
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_error err;

    redis_store_options(&redis, DB);
    store = redis_store_create(&redis);
    /* Nothing to hand out meanwhile: all must wait. */
    options.flags = RECSYS_ASIDE_NO_STALE | RECSYS_ASIDE_NO_JITTER | RECSYS_ASIDE_NO_REFRESH;
    options.lease_ms = lease_ms;
    options.wait_ms = 60000;
    CHECK_OK(recsys_aside_create(store, &options, &aside, &err), &err);
}

static void close_cache(void)
{
    recsys_aside_destroy(aside);
    recsys_store_unref(store);
}

static void name_key(const char *what, unsigned round)
{
    static char text[64];
    int size = snprintf(text, sizeof text, "stampede:%s:%ld:%u", what, (long)getppid(), round);

    key = (recsys_bytes){text, (size_t)size};
}

static recsys_status load(recsys_aside_load *filling, void *user_data, recsys_error *err)
{
    (void)user_data;
    atomic_fetch_add(&shared->loads, 1);
    rest_ms(LOAD_MS);
    return recsys_aside_load_set(filling, (recsys_bytes){"new", 3}, 0, 0, 0, err);
}

static void ask(unsigned number)
{
    recsys_value value;
    recsys_error err;

    (void)number;
    line_wait(&shared->line);
    CHECK_OK(recsys_aside_get_or_load(aside, key, load, NULL, 60000, &value, NULL, &err), &err);
    CHECK(value.size == 3 && memcmp(value.data, "new", 3) == 0);
    recsys_value_release(&value);
}

/* A way that is right in one process and without failures, and wrong here. */
static void ask_naively(unsigned number)
{
    recsys_value value;
    recsys_error err;

    (void)number;
    line_wait(&shared->line);
    recsys_status status = recsys_aside_get(aside, key, &value, NULL, &err);
    if (status == RECSYS_OK) {
        recsys_value_release(&value);
        return;
    }
    CHECK_EQ(status, RECSYS_E_NOT_FOUND);
    atomic_fetch_add(&shared->loads, 1);
    rest_ms(LOAD_MS);
    CHECK_OK(recsys_aside_set(aside, key, (recsys_bytes){"new", 3}, 0, 0, &err), &err);
}

static unsigned round_number;

static void come(unsigned number)
{
    (void)number;
    open_cache(60000); /* however slow the machine, no lease runs out */
    name_key("crowd", round_number);
    threads_run(ask, N_THREADS);
    close_cache();
}

static void come_naively(unsigned number)
{
    (void)number;
    open_cache(0);
    name_key("naive", round_number);
    threads_run(ask_naively, N_THREADS);
    close_cache();
}

static void store_what_expires(const char *what)
{
    recsys_status status;
    recsys_value value;
    recsys_error err;

    open_cache(0);
    name_key(what, round_number);
    CHECK_OK(recsys_aside_set(aside, key, (recsys_bytes){"old", 3}, 0, 20, &err), &err);
    while ((status = recsys_aside_get(aside, key, &value, NULL, &err)) == RECSYS_OK) {
        recsys_value_release(&value);
        rest_ms(1);
    }
    CHECK_EQ(status, RECSYS_E_NOT_FOUND);
    close_cache();
}

static void store_for_crowd(unsigned number)
{
    (void)number;
    store_what_expires("crowd");
}

static void store_for_naive(unsigned number)
{
    (void)number;
    store_what_expires("naive");
}

/* How many have loaded when all have their value. */
static unsigned stampede(void (*prepare)(unsigned), void (*body)(unsigned))
{
    pid_t children[N_PROCESSES];

    line_init(&shared->line, N_PROCESSES * N_THREADS);
    atomic_store(&shared->loads, 0);
    process_expect_success(process_start(prepare, 0));
    for (unsigned i = 0; i < N_PROCESSES; i++)
        children[i] = process_start(body, i);
    for (unsigned i = 0; i < N_PROCESSES; i++)
        process_expect_success(children[i]);
    return atomic_load(&shared->loads);
}

/* -- the loader is killed -- */

static recsys_status load_for_ever(recsys_aside_load *filling, void *user_data, recsys_error *err)
{
    (void)filling, (void)user_data, (void)err;
    atomic_fetch_add(&shared->loads, 1);
    atomic_store(&shared->leader, getpid());
    while (atomic_load(&shared->leader) == getpid())
        pause(); /* until it is killed */
    return RECSYS_OK;
}

static void lead(unsigned number)
{
    recsys_value value;
    recsys_error err;

    (void)number;
    open_cache(LEASE_MS);
    name_key("killed", round_number);
    CHECK_OK(recsys_aside_get_or_load(aside, key, load_for_ever, NULL, 0, &value, NULL, &err),
             &err);
}

static void follow(unsigned number)
{
    (void)number;
    open_cache(LEASE_MS);
    name_key("killed", round_number);
    threads_run(ask, N_THREADS);
    close_cache();
}

static unsigned kill_who_loads(void)
{
    pid_t leader, followers[N_PROCESSES - 1];

    line_init(&shared->line, (N_PROCESSES - 1) * N_THREADS + 1);
    atomic_store(&shared->loads, 0);
    atomic_store(&shared->leader, 0);
    leader = process_start(lead, 0);
    while (atomic_load(&shared->leader) == 0)
        rest_ms(1);
    for (unsigned i = 0; i < N_PROCESSES - 1; i++)
        followers[i] = process_start(follow, i);
    line_wait(&shared->line); /* all ask now */
    CHECK_EQ(kill(leader, SIGKILL), 0);
    process_expect_signal(leader, SIGKILL);
    for (unsigned i = 0; i < N_PROCESSES - 1; i++)
        process_expect_success(followers[i]);
    return atomic_load(&shared->loads);
}

int main(void)
{
    unsigned n_rounds = figure_length(3, 30), n_waiters = N_PROCESSES * N_THREADS, most = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    shared = processes_share(sizeof *shared);
    redis_store_port();
    for (round_number = 0; round_number < n_rounds; round_number++) {
        unsigned loads = stampede(store_for_crowd, come);
        CHECK_EQ(loads, 1);
    }
    printf("%u waiters in %u processes, %u expiries: 1 load each\n", n_waiters, N_PROCESSES,
           n_rounds);
    for (round_number = 0; round_number < n_rounds; round_number++) {
        unsigned loads = kill_who_loads();
        CHECK_EQ(loads, 2); /* the one that was killed, and one more */
    }
    printf("loader killed %u times, %u waiters: 1 load more each\n", n_rounds,
           (N_PROCESSES - 1) * N_THREADS);
    for (round_number = 0; round_number < n_rounds; round_number++) {
        unsigned loads = stampede(store_for_naive, come_naively);
        most = loads > most ? loads : most;
    }
    printf("control, get-load-set: up to %u loads an expiry\n", most);
    CHECK(most > 10);
    return 0;
}
