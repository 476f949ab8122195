/* recsys/log.h - the hook that receives the library's log lines. Silent by default. */
#ifndef RECSYS_LOG_H
#define RECSYS_LOG_H

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
    RECSYS_LOG_DEBUG = 4  /* details for finding the cause of a problem */
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

#ifdef __cplusplus
}
#endif

#endif
