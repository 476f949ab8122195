/* recsys/status.h - result codes and the caller-owned error record. */
#ifndef RECSYS_STATUS_H
#define RECSYS_STATUS_H

#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Every fallible function returns a recsys_status: 0 on success, negative on
 * failure. The number is ABI: a value is never changed and never reused.
 *
 * X(NAME, value, "text") - expanded by recsys_status_name() and
 * recsys_status_text(), and by bindings that want the whole table.
 */
#define RECSYS_STATUS_TABLE(X)                                                      \
    X(OK, 0, "success")                                                             \
    X(E_INVALID, -1, "invalid argument")                                            \
    X(E_NOMEM, -2, "out of memory")                                                 \
    X(E_IO, -3, "system call failed; see recsys_error.sys_errno")                   \
    X(E_FORMAT, -4, "file is damaged or not of this format")                        \
    X(E_UNSUPPORTED, -5, "valid, but newer than this library understands")          \
    X(E_NOT_FOUND, -6, "no such model, user, item or key")                          \
    X(E_TIMEOUT, -7, "deadline passed")                                             \
    X(E_BACKEND, -8, "the store or the database answered with an error")            \
    X(E_INTERNAL, -9, "a bug in recsys; please report it")                          \
    X(E_EXISTS, -10, "already there")                                               \
    X(E_LIMIT, -11, "larger than the configured limit")                             \
    X(E_STATE, -12, "called in the wrong order, twice, or in a forked child")       \
    X(E_UNAVAILABLE, -13, "circuit breaker open: nothing was sent")                 \
    X(E_CONFLICT, -14, "somebody else changed it at the same time; try again")      \
    X(E_REJECTED, -15, "checked and refused")                                       \
    X(E_STOPPED, -16, "the callback stopped the walk")                              \
    X(E_EXHAUSTED, -17, "all connections or loaders are in use; try later")         \
    X(E_UNDEFINED, -18, "nothing of this name is defined")                          \
    X(E_CALLBACK, -19, "a callback returned a number that is no status")            \
    X(E_BUSY, -20, "in use by another thread")

typedef int32_t recsys_status;

/* As a time to live: does not expire. As a time-out: wait as long as it takes.
 * RECSYS_NEVER_32 where the field has 32 bits. */
#define RECSYS_NEVER UINT64_MAX
#define RECSYS_NEVER_32 UINT32_MAX

enum {
#define X(name, value, text) RECSYS_##name = (value),
    RECSYS_STATUS_TABLE(X)
#undef X
};

/*
 * The record into which a function writes the detail of a failure. The caller
 * usually puts it on its stack; nothing in it is allocated and nothing needs
 * freeing.
 *
 * Frozen: it will always have 512 bytes (tests/abi/headers.c checks it).
 *
 * Functions take it as their last argument; NULL means "I only want the
 * status". They write it on failure only: a call that returns RECSYS_OK does
 * not change it. The return value, not this record, says whether the call
 * succeeded.
 */
typedef struct recsys_error {
    recsys_status status;
    int32_t sys_errno; /* errno at the failing system call, else 0 */
    char message[504]; /* UTF-8, NUL-terminated, truncated if it must be */
} recsys_error;

/* "E_FORMAT" for RECSYS_E_FORMAT; "unknown" for anything else. Never NULL.
 * Thread-safety: any thread. Since: 0.1 */
RECSYS_API const char *recsys_status_name(recsys_status status);

/* The table's sentence for a status; "unknown status" for anything else.
 * Never NULL. Thread-safety: any thread. Since: 0.1 */
RECSYS_API const char *recsys_status_text(recsys_status status);

/*
 * For callbacks and drivers: fill in `err` and return `status`, so that a
 * failing callback can end in `return recsys_error_set(err, RECSYS_E_IO, text)`.
 *
 * message  COPIED, cut to fit at a character's boundary; NULL = the table's text
 *
 * A NULL `err` is allowed. Thread-safety: any thread. Since: 0.2
 */
RECSYS_API recsys_status recsys_error_set(recsys_error *err, recsys_status status,
                                          const char *message);

#ifdef __cplusplus
}
#endif

#endif
