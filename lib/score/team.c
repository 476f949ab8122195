/* lib/score/team.c - a caller and its helper threads.
 *
 * Helpers sleep between calls. Before a helper sleeps, it watches for the next call for about as
 * long as waking up would take, because under load the next call comes at once. The caller waits
 * for the last helper in the same way.
 */
#include "lib/score/team.h"

#include <stdatomic.h>
#include <stddef.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/lock.h"

#define SPIN_NS 30000u

struct member {
    struct rs_team *team;
    uint32_t number;
    pthread_t thread;
};

struct rs_team {
    struct rs_lock lock;
    struct rs_signal start, finish;
    atomic_uint round;   /* raised under lock, read without; a new number is a new call */
    atomic_uint working; /* helpers that have not finished this round */
    int ending;          /* protected by lock */
    void (*work)(void *argument, uint32_t member); /* set before round is raised */
    void *argument;
    uint32_t n_helpers;
    struct member *helpers;
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Watch until *number differs from `old`, but not for longer than SPIN_NS. */
static void watch(atomic_uint *number, unsigned old)
{
    uint64_t end = rs_clock_ns() + SPIN_NS;

    while (atomic_load_explicit(number, memory_order_acquire) == old) {
        for (int i = 0; i < 64; i++)
            relax();
        if (rs_clock_ns() >= end)
            return;
    }
}

static void *help(void *argument)
{
    struct member *member = argument;
    struct rs_team *team = member->team;
    unsigned round = 0;

    rs_thread_name("recsys-scan");
    for (;;) {
        watch(&team->round, round);
        rs_lock_take(&team->lock);
        while (atomic_load_explicit(&team->round, memory_order_relaxed) == round && !team->ending)
            rs_signal_wait(&team->start, &team->lock);
        int ending = team->ending;
        round = atomic_load_explicit(&team->round, memory_order_relaxed);
        rs_lock_give(&team->lock);
        if (ending)
            return NULL;
        team->work(team->argument, member->number);
        if (atomic_fetch_sub_explicit(&team->working, 1u, memory_order_acq_rel) == 1u) {
            rs_lock_take(&team->lock);
            rs_signal_one(&team->finish);
            rs_lock_give(&team->lock);
        }
    }
}

recsys_status rs_team_create(uint32_t n_threads, struct rs_team **out, recsys_error *err)
{
    struct rs_team *team = rs_alloc_array(1, sizeof *team);
    int result;

    *out = NULL;
    if (team == NULL)
        return rs_error_nomem(err, "scorer threads");
    if ((result = rs_lock_init(&team->lock)) != 0)
        goto fail_team;
    if ((result = rs_signal_init(&team->start)) != 0)
        goto fail_lock;
    if ((result = rs_signal_init(&team->finish)) != 0)
        goto fail_start;
    team->helpers = rs_alloc_array(n_threads, sizeof *team->helpers);
    if (team->helpers == NULL) {
        rs_team_destroy(team);
        return rs_error_nomem(err, "scorer threads");
    }
    for (uint32_t i = 0; i + 1 < n_threads; i++) {
        team->helpers[i].team = team;
        team->helpers[i].number = i + 1;
        result = rs_thread_start(&team->helpers[i].thread, help, &team->helpers[i]);
        if (result != 0) {
            rs_team_destroy(team);
            return rs_error_sys(err, result, "cannot start scorer thread %u", i + 1);
        }
        team->n_helpers++;
    }
    *out = team;
    return RECSYS_OK;

fail_start:
    rs_signal_destroy(&team->start);
fail_lock:
    rs_lock_destroy(&team->lock);
fail_team:
    rs_free(team);
    return rs_error_sys(err, result, "cannot set up scorer threads");
}

void rs_team_abandon(struct rs_team *team)
{
    if (team == NULL)
        return;
    rs_free(team->helpers);
    rs_free(team);
}

void rs_team_destroy(struct rs_team *team)
{
    if (team == NULL)
        return;
    rs_lock_take(&team->lock);
    team->ending = 1;
    rs_signal_all(&team->start);
    rs_lock_give(&team->lock);
    for (uint32_t i = 0; i < team->n_helpers; i++)
        rs_thread_join(team->helpers[i].thread);
    rs_signal_destroy(&team->finish);
    rs_signal_destroy(&team->start);
    rs_lock_destroy(&team->lock);
    rs_free(team->helpers);
    rs_free(team);
}

void rs_team_run(struct rs_team *team, void (*work)(void *argument, uint32_t member),
                 void *argument)
{
    if (team->n_helpers == 0) {
        work(argument, 0);
        return;
    }
    rs_lock_take(&team->lock);
    team->work = work;
    team->argument = argument;
    atomic_store_explicit(&team->working, team->n_helpers, memory_order_relaxed);
    atomic_fetch_add_explicit(&team->round, 1u, memory_order_release);
    rs_signal_all(&team->start);
    rs_lock_give(&team->lock);

    work(argument, 0);

    uint64_t end = rs_clock_ns() + SPIN_NS;
    while (atomic_load_explicit(&team->working, memory_order_acquire) != 0 && rs_clock_ns() < end)
        relax();
    rs_lock_take(&team->lock);
    while (atomic_load_explicit(&team->working, memory_order_acquire) != 0)
        rs_signal_wait(&team->finish, &team->lock);
    rs_lock_give(&team->lock);
}
