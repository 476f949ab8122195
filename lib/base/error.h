/* lib/base/error.h - fill in the caller's error record. */
#ifndef RS_BASE_ERROR_H
#define RS_BASE_ERROR_H

#include "recsys/status.h"

/* Write status and message (cut to fit, at a character's boundary) to `err`
 * unless it is NULL. Returns `status`, so that a failing function can end in
 * `return rs_error(err, RECSYS_E_FORMAT, "...", ...)`. Keeps errno. */
recsys_status rs_error(recsys_error *err, recsys_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with RECSYS_E_IO (E_NOMEM for ENOMEM), `sys_errno` and its text
 * appended: "cannot open /srv/m: No such file or directory". */
recsys_status rs_error_sys(recsys_error *err, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Copy a failure from a local record to the caller's. A function uses a local record while it
 * does not know yet whether its call fails: a call that succeeds must leave the caller's record
 * as it was. Returns said->status. */
recsys_status rs_error_copy(recsys_error *err, const recsys_error *said);

/* One cause may make several calls fail at once. All but one of them mark their record as its echo,
 * so that the cause is counted once. */
void rs_error_echo(recsys_error *err);
int rs_error_is_echo(const recsys_error *err);

/* "out of memory (%s)" */
recsys_status rs_error_nomem(recsys_error *err, const char *what);

#endif
