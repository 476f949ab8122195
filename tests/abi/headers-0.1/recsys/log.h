/* recsys/log.h - where the library says what it does. Silent by default. */
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
    RECSYS_LOG_DEBUG = 4  /* for finding out why */
};

/*
 * Receives one finished line, UTF-8, without a newline. `message` is BORROWED
 * for the call. Called on the thread that had something to say; must not call
 * back into the library.
 */
typedef void (*recsys_log_callback)(int32_t level, const char *message, void *user_data);

/*
 * Send every line of `level` or more urgent to `callback`; NULL makes the
 * library silent again. Process-wide.
 *
 * Fails with: E_INVALID (level not in the list above).
 * Thread-safety: before any other thread uses the library.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_log_set(int32_t level,
                                                         recsys_log_callback callback,
                                                         void *user_data, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
