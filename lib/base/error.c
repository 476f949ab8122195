/* lib/base/error.c - the error record and the names of statuses. */
#include "lib/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

static void fill(recsys_error *err, recsys_status status, int sys_errno, const char *format,
                 va_list arguments)
{
    err->status = status;
    err->sys_errno = sys_errno;
    if (vsnprintf(err->message, sizeof err->message, format, arguments) < 0)
        err->message[0] = '\0';
    rs_text_trim(err->message);
}

recsys_status rs_error(recsys_error *err, recsys_status status, const char *format, ...)
{
    if (err != NULL) {
        int saved = errno;
        va_list arguments;
        va_start(arguments, format);
        fill(err, status, 0, format, arguments);
        va_end(arguments);
        errno = saved;
    }
    return status;
}

recsys_status rs_error_sys(recsys_error *err, int sys_errno, const char *format, ...)
{
    recsys_status status = sys_errno == ENOMEM ? RECSYS_E_NOMEM : RECSYS_E_IO;

    if (err != NULL) {
        va_list arguments;
        char reason[96] = "";
        va_start(arguments, format);
        fill(err, status, sys_errno, format, arguments);
        va_end(arguments);
        size_t length = strlen(err->message);
        /* The XSI form of strerror_r: with _POSIX_C_SOURCE and no _GNU_SOURCE. */
        if (strerror_r(sys_errno, reason, sizeof reason) != 0)
            snprintf(reason, sizeof reason, "error %d", sys_errno);
        snprintf(err->message + length, sizeof err->message - length, ": %s", reason);
        rs_text_trim(err->message);
    }
    return status;
}

recsys_status rs_error_copy(recsys_error *err, const recsys_error *said)
{
    if (err != NULL)
        *err = *said;
    return said->status;
}

/* The mark stands behind the end of the text, where no reader of a text looks, since the record is
 * frozen. */
void rs_error_echo(recsys_error *err)
{
    if (err == NULL)
        return;
    err->message[sizeof err->message - 2] = '\0';
    err->message[sizeof err->message - 1] = 1;
}

int rs_error_is_echo(const recsys_error *err)
{
    size_t last = sizeof err->message - 1;

    return err->message[last] == 1 && err->message[last - 1] == '\0';
}

recsys_status rs_error_nomem(recsys_error *err, const char *what)
{
    return rs_error(err, RECSYS_E_NOMEM, "out of memory (%s)", what);
}

recsys_status recsys_error_set(recsys_error *err, recsys_status status, const char *message)
{
    return rs_error(err, status, "%s", message == NULL ? recsys_status_text(status) : message);
}

const char *recsys_status_name(recsys_status status)
{
    switch (status) {
#define X(name, value, text)                                                                       \
    case (value):                                                                                  \
        return #name;
        RECSYS_STATUS_TABLE(X)
#undef X
    default:
        return "unknown";
    }
}

const char *recsys_status_text(recsys_status status)
{
    switch (status) {
#define X(name, value, text)                                                                       \
    case (value):                                                                                  \
        return text;
        RECSYS_STATUS_TABLE(X)
#undef X
    default:
        return "unknown status";
    }
}
