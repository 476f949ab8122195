/* lib/base/log.c - the log hook.
 *
 * A thread holds a read lock while the hook runs. recsys_log_set() waits for those calls, so its
 * caller may then free what the hook used. Without a hook, a log call costs one load.
 */
#include "lib/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/base/error.h"
#include "lib/base/text.h"

static pthread_rwlock_t hook_lock = PTHREAD_RWLOCK_INITIALIZER;
static recsys_log_callback hook;   /* protected by hook_lock */
static void *hook_user_data;       /* protected by hook_lock */
static _Atomic int32_t hook_level; /* 0 = silent; written under hook_lock */

/* A forked child does not have the threads that were inside the hook at the fork. */
static void before_fork(void)
{
    pthread_rwlock_rdlock(&hook_lock);
}

static void after_fork(void)
{
    pthread_rwlock_unlock(&hook_lock);
}

static void in_child(void)
{
    pthread_rwlock_init(&hook_lock, NULL);
}

__attribute__((constructor)) static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork, in_child);
}

recsys_status recsys_log_set(int32_t level, recsys_log_callback callback, void *user_data,
                             recsys_error *err)
{
    if (callback != NULL && (level < RECSYS_LOG_ERROR || level > RECSYS_LOG_DEBUG))
        return rs_error(err, RECSYS_E_INVALID, "recsys_log_set: level %d is not one of 1..4",
                        (int)level);
    pthread_rwlock_wrlock(&hook_lock);
    hook = callback;
    hook_user_data = user_data;
    atomic_store_explicit(&hook_level, callback == NULL ? 0 : level, memory_order_relaxed);
    pthread_rwlock_unlock(&hook_lock);
    return RECSYS_OK;
}

void recsys_log_write(int32_t level, const char *line)
{
    if (line != NULL && level >= RECSYS_LOG_ERROR && level <= RECSYS_LOG_DEBUG)
        rs_log_hand_over(level, line);
}

void rs_log(int32_t level, const char *format, ...)
{
    char line[512];
    va_list arguments;

    if (level > atomic_load_explicit(&hook_level, memory_order_relaxed))
        return;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    rs_text_trim(line);
    rs_log_hand_over(level, line);
}

void rs_log_hand_over(int32_t level, const char *line)
{
    pthread_rwlock_rdlock(&hook_lock);
    if (hook != NULL && (level == RECSYS_LOG_TRACE ||
                         level <= atomic_load_explicit(&hook_level, memory_order_relaxed)))
        hook(level, line, hook_user_data);
    pthread_rwlock_unlock(&hook_lock);
}
