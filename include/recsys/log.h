/* recsys/log.h - the hook that receives the library's log lines. Silent by default. */
#ifndef RECSYS_LOG_H
#define RECSYS_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    RECSYS_LOG_ERROR = 1, /* something the operator must act on */
    RECSYS_LOG_WARN = 2,  /* served, but not as well as it could be */
    RECSYS_LOG_INFO = 3,  /* a model was loaded, swapped, retired */
    RECSYS_LOG_DEBUG = 4, /* details for finding the cause of a problem */
    RECSYS_LOG_TRACE = 5  /* one step of one request; see recsys_log_set_trace() */
};

/*
 * Receives one finished line, UTF-8, without a newline. `message` is BORROWED
 * for the call. The library calls it on the thread that logs, and so on several
 * threads at once. It must not call the library, and no exception or longjmp may
 * leave it.
 */
typedef void (*recsys_log_callback)(int32_t level, const char *message, void *user_data);

/*
 * Send every line that is as urgent as `level`, or more urgent, to `callback`;
 * NULL makes the library silent again (the level is then not read). This holds
 * for the whole process. When the call returns, the callback that was set before
 * is not running and will not be called again, so the caller may free what that
 * callback used.
 *
 * Fails with: E_INVALID (level not in the list above).
 * Thread-safety: any thread, but not from inside the callback.
 * Since: 0.1
 */
RECSYS_API recsys_status recsys_log_set(int32_t level, recsys_log_callback callback,
                                        void *user_data, recsys_error *err);

/* -- trace: show the steps of a part of the library -- */

enum {
    RECSYS_TRACE_ASIDE = 1u << 0,      /* each state of recsys_aside_get_or_load() */
    RECSYS_TRACE_STORE = 1u << 1,      /* each state of a store's circuit breaker */
    RECSYS_TRACE_REDIS = 1u << 2,      /* connections opened and closed, and why */
    RECSYS_TRACE_POSTGRES = 1u << 3,   /* connections; statements, without their values */
    RECSYS_TRACE_DENYLIST = 1u << 4,   /* the steps to a verdict; proofs */
    RECSYS_TRACE_DEPLOYMENT = 1u << 5, /* each state of a deployment */
    RECSYS_TRACE_SCAN = 1u << 6        /* the steps that find the best items */
};

/*
 * Choose the components whose steps the library sends to the callback of recsys_log_set(). The
 * lines have the level RECSYS_LOG_TRACE and are sent whatever level was given there. At first no
 * component is traced. A line begins with the component's name and the request's id in brackets:
 * "aside [7f3a] ...". The rest is for people and may change with every version. It contains keys
 * of caches, texts of statements, statuses and numbers; no values of statements or caches, no
 * passwords, no tokens.
 *
 * components  names with commas between: "aside,redis"; "all"; NULL or "" = none
 *
 * Fails with: E_INVALID (an unknown name; the message lists the names; nothing has changed).
 * Thread-safety: any thread, at any time; lines that other threads have begun may still come.
 * Since: 0.2
 */
RECSYS_API recsys_status recsys_log_set_trace(const char *components, recsys_error *err);

/*
 * The components that are traced, as recsys_log_set_trace() takes them.
 *
 * out   receives the names, NUL-terminated; "" = none
 * size  in: of the buffer, RECSYS_TRACE_NAMES_SIZE is enough; out: of the text without the NUL
 *
 * Fails with: E_INVALID, E_LIMIT (longer than the buffer). Thread-safety: any thread. Since: 0.2
 */
RECSYS_API recsys_status recsys_log_get_trace(char *out, size_t *size, recsys_error *err);

#define RECSYS_TRACE_NAMES_SIZE 128u

/*
 * Name the request that the calling thread works for from now on: trace lines of this thread
 * contain the name. It is for people who read the lines, and has no other effect.
 *
 * id  COPIED, at most 128 bytes of it; bytes that are not printable ASCII become '?'; NULL or "" =
 *     none
 *
 * Thread-safety: any thread; each has its own. Since: 0.2
 */
RECSYS_API void recsys_log_set_request(const char *id);

/* For drivers: send a line to the hook, if there is one that wants this level (RECSYS_LOG_ERROR to
 * RECSYS_LOG_DEBUG). NULL is ignored. Thread-safety: any thread. Since: 0.2 */
RECSYS_API void recsys_log_write(int32_t level, const char *line);

/* For drivers of stores and sources: 1 if this component (one of RECSYS_TRACE_*) is traced, else
 * 0. Costs one load. Thread-safety: any thread. Since: 0.2 */
RECSYS_API uint32_t recsys_log_check_trace(uint32_t component);
/* For drivers: send a line, without component and request, which the library adds in front; it is
 * cut at 512 bytes. Does nothing unless recsys_log_check_trace() returns 1. Thread-safety: any
 * thread. Since: 0.2 */
RECSYS_API void recsys_log_write_trace(uint32_t component, const char *message);

#ifdef __cplusplus
}
#endif

#endif
