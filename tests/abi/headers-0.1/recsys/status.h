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
#define RECSYS_STATUS_TABLE(X)                                             \
    X(OK, 0, "success")                                                    \
    X(E_INVALID, -1, "invalid argument")                                   \
    X(E_NOMEM, -2, "out of memory")                                        \
    X(E_IO, -3, "system call failed; see recsys_error.sys_errno")          \
    X(E_FORMAT, -4, "file is damaged or not of this format")               \
    X(E_UNSUPPORTED, -5, "valid, but newer than this library understands") \
    X(E_NOT_FOUND, -6, "no such model, user, item or key")                 \
    X(E_TIMEOUT, -7, "deadline passed")                                    \
    X(E_BACKEND, -8, "the store answered with an error")                   \
    X(E_INTERNAL, -9, "a bug in recsys; please report it")                 \
    X(E_EXISTS, -10, "already there")                                      \
    X(E_LIMIT, -11, "larger than the configured limit")                    \
    X(E_STATE, -12, "not possible in the present state")

typedef int32_t recsys_status;

enum {
#define X(name, value, text) RECSYS_##name = (value),
    RECSYS_STATUS_TABLE(X)
#undef X
};

/*
 * Where the detail of a failure is written. Lives on the caller's stack;
 * nothing in it is allocated and nothing needs freeing.
 *
 * Frozen: 512 bytes for ever (tests/abi/headers.c checks it).
 *
 * Functions take it as their last argument; NULL means "I only want the
 * status". It is written on failure only - the return value, not this record,
 * says whether the call succeeded.
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

#ifdef __cplusplus
}
#endif

#endif
