/* lib/base/lock.c - thin wrappers, so that a failure of a lock is never silent. */
#define _GNU_SOURCE /* pthread_setname_np */

#include "lib/base/lock.h"

#include <signal.h>
#include <time.h>

#include "lib/base/log.h"

/* A mutex call fails only if memory is damaged or a rule was broken. The library must not end
 * its host, so it logs the failure and goes on. */
static void expect_zero(int result, const char *what)
{
    if (result != 0)
        rs_log(RECSYS_LOG_ERROR, "%s failed with %d: a bug in recsys, please report it", what,
               result);
}

int rs_lock_init(struct rs_lock *lock)
{
    return pthread_mutex_init(&lock->mutex, NULL);
}

void rs_lock_destroy(struct rs_lock *lock)
{
    expect_zero(pthread_mutex_destroy(&lock->mutex), "pthread_mutex_destroy");
}

void rs_lock_take(struct rs_lock *lock)
{
    expect_zero(pthread_mutex_lock(&lock->mutex), "pthread_mutex_lock");
}

void rs_lock_give(struct rs_lock *lock)
{
    expect_zero(pthread_mutex_unlock(&lock->mutex), "pthread_mutex_unlock");
}

int rs_lock_try(struct rs_lock *lock)
{
    return pthread_mutex_trylock(&lock->mutex) == 0;
}

int rs_signal_init(struct rs_signal *signal)
{
    pthread_condattr_t attributes;
    int result = pthread_condattr_init(&attributes);

    if (result != 0)
        return result;
#if !defined(__APPLE__)
    result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
    if (result == 0)
        result = pthread_cond_init(&signal->condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return result;
}

void rs_signal_destroy(struct rs_signal *signal)
{
    expect_zero(pthread_cond_destroy(&signal->condition), "pthread_cond_destroy");
}

void rs_signal_wait(struct rs_signal *signal, struct rs_lock *lock)
{
    expect_zero(pthread_cond_wait(&signal->condition, &lock->mutex), "pthread_cond_wait");
}

int rs_signal_wait_until(struct rs_signal *signal, struct rs_lock *lock, uint64_t deadline_ns)
{
    struct timespec at = {(time_t)(deadline_ns / 1000000000u), (long)(deadline_ns % 1000000000u)};

    return pthread_cond_timedwait(&signal->condition, &lock->mutex, &at);
}

void rs_signal_one(struct rs_signal *signal)
{
    expect_zero(pthread_cond_signal(&signal->condition), "pthread_cond_signal");
}

void rs_signal_all(struct rs_signal *signal)
{
    expect_zero(pthread_cond_broadcast(&signal->condition), "pthread_cond_broadcast");
}

int rs_thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    sigset_t all, before;
    int result;

    sigfillset(&all);
    result = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (result != 0)
        return result;
    result = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

void rs_thread_name(const char *name)
{
#if defined(__linux__)
    (void)pthread_setname_np(pthread_self(), name);
#elif defined(__APPLE__)
    (void)pthread_setname_np(name);
#else
    (void)name;
#endif
}

void rs_thread_join(pthread_t thread)
{
    expect_zero(pthread_join(thread, NULL), "pthread_join");
}

pthread_t rs_thread_self(void)
{
    return pthread_self();
}

int rs_thread_is_self(pthread_t thread)
{
    return pthread_equal(thread, pthread_self());
}
