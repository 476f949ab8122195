/* Nothing older than an invalidation is read after it: 4 processes over one Redis.
 *
 * A database of a few versioned rows is shared memory. Threads of all processes
 * read through the cache, change rows and invalidate, or write through. Before
 * a read its thread notes the newest version whose invalidation had returned;
 * the read must not give less. A load counts as an interleaving if a
 * change overtook it: the row was another one when the load ended than when it
 * was read. The control is get, load, set and delete in the same harness.
 * RECSYS_LONG=1: 100,000 interleavings. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recsys/aside.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"
#include "tests/support/processes.h"
#include "tests/support/redis_store.h"

#define N_PROCESSES 4u
#define N_THREADS 3u
#define N_ROWS 4u
#define DB 12u
#define SEED 20260112u
#define MAX_DELAY_US 400u

static struct shared {
    struct {
        _Atomic uint64_t version;   /* committed */
        _Atomic uint64_t announced; /* the newest whose invalidation has returned */
    } rows[N_ROWS];
    atomic_uint overtaken, wanted, stale;
    _Atomic uint64_t reads, writes, loads;
} * shared;

static int is_naive;
static pid_t run_id;
static recsys_store *store;
static recsys_aside *aside;
static recsys_bytes keys[N_ROWS];

struct thread {
    uint64_t random;
    uint64_t written; /* the version that its change has made */
    unsigned row;
};

static void open_cache(void)
{
    static char texts[N_ROWS][64];
    recsys_redis_options redis;
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_error err;

    redis_store_options(&redis, DB);
    store = redis_store_create(&redis);
    options.ttl_ms = 300; /* expiry and early refresh take part */
    CHECK_OK(recsys_aside_create(store, &options, &aside, &err), &err);
    for (unsigned i = 0; i < N_ROWS; i++) {
        int size =
            snprintf(texts[i], sizeof texts[i], "stale:%ld:%d:%u", (long)run_id, is_naive, i);
        keys[i] = (recsys_bytes){texts[i], (size_t)size};
    }
}

static void close_cache(void)
{
    recsys_aside_destroy(aside);
    recsys_store_unref(store);
}

/* A value or a change on its way through a slow network. */
static void dawdle(struct thread *thread)
{
    const struct timespec pause = {0, (long)bundle_random(&thread->random, MAX_DELAY_US) * 1000};

    nanosleep(&pause, NULL);
}

static uint64_t read_row(struct thread *thread)
{
    uint64_t version = atomic_load(&shared->rows[thread->row].version);

    dawdle(thread);
    atomic_fetch_add(&shared->loads, 1);
    if (atomic_load(&shared->rows[thread->row].version) != version)
        atomic_fetch_add(&shared->overtaken, 1);
    return version;
}

static recsys_status load_row(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    uint64_t version = read_row(user_data);

    return recsys_aside_load_set(load, (recsys_bytes){&version, sizeof version}, version, 0, 0,
                                 err);
}

static uint64_t take(recsys_value *value)
{
    uint64_t version;

    CHECK_EQ(value->size, sizeof version);
    memcpy(&version, value->data, sizeof version);
    recsys_value_release(value);
    return version;
}

static uint64_t ask_cache(struct thread *thread)
{
    recsys_value value;
    recsys_error err;

    CHECK_OK(recsys_aside_get_or_load(aside, keys[thread->row], load_row, thread, 30000, &value,
                                      NULL, &err),
             &err);
    return take(&value);
}

static uint64_t ask_naively(struct thread *thread)
{
    recsys_value value;
    recsys_error err;

    if (recsys_aside_get(aside, keys[thread->row], &value, NULL, &err) == RECSYS_OK)
        return take(&value);
    uint64_t version = read_row(thread);
    CHECK_OK(recsys_aside_set(aside, keys[thread->row], (recsys_bytes){&version, sizeof version}, 0,
                              0, &err),
             &err);
    return version;
}

static void announce(unsigned row, uint64_t version)
{
    uint64_t announced = atomic_load(&shared->rows[row].announced);

    while (announced < version &&
           !atomic_compare_exchange_weak(&shared->rows[row].announced, &announced, version))
        ;
}

static void commit(struct thread *thread)
{
    thread->written = atomic_fetch_add(&shared->rows[thread->row].version, 1) + 1;
}

static recsys_status change_row(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    struct thread *thread = user_data;

    commit(thread);
    dawdle(thread); /* so that later changes may be told to the cache earlier */
    return recsys_aside_changes_set(
        changes, 0, (recsys_bytes){&thread->written, sizeof thread->written}, thread->written, err);
}

static void change(struct thread *thread)
{
    recsys_bytes key = keys[thread->row];
    recsys_error err;

    if (is_naive) {
        commit(thread);
        CHECK_OK(recsys_store_remove(store, &key, 1, NULL, &err), &err);
    } else if (bundle_random(&thread->random, 2) == 0) {
        commit(thread);
        CHECK_OK(recsys_aside_invalidate(aside, &key, 1, &err), &err);
    } else {
        CHECK_OK(recsys_aside_write(aside, &key, 1, change_row, thread, &err), &err);
    }
    announce(thread->row, thread->written);
    atomic_fetch_add(&shared->writes, 1);
}

static unsigned process_number;

static void live(unsigned number)
{
    struct thread thread = {.random = SEED + process_number * N_THREADS + number};

    while (atomic_load(&shared->overtaken) < atomic_load(&shared->wanted)) {
        thread.row = (unsigned)bundle_random(&thread.random, N_ROWS);
        if (bundle_random(&thread.random, 4) == 0) {
            change(&thread);
            continue;
        }
        uint64_t announced = atomic_load(&shared->rows[thread.row].announced);
        uint64_t seen = is_naive ? ask_naively(&thread) : ask_cache(&thread);
        atomic_fetch_add(&shared->reads, 1);
        if (seen < announced)
            atomic_fetch_add(&shared->stale, 1);
    }
}

static void take_part(unsigned number)
{
    process_number = number;
    open_cache();
    threads_run(live, N_THREADS);
    close_cache();
}

static unsigned count_stale(int naive, unsigned n_interleavings)
{
    pid_t children[N_PROCESSES];

    is_naive = naive;
    memset(shared, 0, sizeof *shared);
    atomic_store(&shared->wanted, n_interleavings);
    for (unsigned i = 0; i < N_PROCESSES; i++)
        children[i] = process_start(take_part, i);
    for (unsigned i = 0; i < N_PROCESSES; i++)
        process_expect_success(children[i]);
    printf("%s: %u interleavings, %" PRIu64 " reads, %" PRIu64 " loads, %" PRIu64
           " changes: %u stale reads\n",
           naive ? "control, get-load-set" : "recsys_aside", atomic_load(&shared->overtaken),
           atomic_load(&shared->reads), atomic_load(&shared->loads), atomic_load(&shared->writes),
           atomic_load(&shared->stale));
    return atomic_load(&shared->stale);
}

int main(void)
{
    unsigned n = figure_length(3000, 100000);

    setvbuf(stdout, NULL, _IOLBF, 0);
    shared = processes_share(sizeof *shared);
    redis_store_port();
    run_id = getpid();
    printf("seed %u, %u processes with %u threads, %u rows\n", SEED, N_PROCESSES, N_THREADS,
           N_ROWS);
    CHECK_EQ(count_stale(0, n), 0);
    CHECK(count_stale(1, n / 3) > 0);
    return 0;
}
