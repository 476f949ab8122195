/* lib/base/log.c - the log hook. Set before threads start, read without a lock. */
#include "lib/base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/base/error.h"

static recsys_log_callback hook;
static void *hook_user_data;
static int32_t hook_level;

recsys_status recsys_log_set(int32_t level, recsys_log_callback callback, void *user_data,
                             recsys_error *err)
{
    if (level < RECSYS_LOG_ERROR || level > RECSYS_LOG_DEBUG)
        return rs_error(err, RECSYS_E_INVALID, "recsys_log_set: level %d is not one of 1..4",
                        (int)level);
    hook = callback;
    hook_user_data = user_data;
    hook_level = level;
    return RECSYS_OK;
}

void rs_log(int32_t level, const char *format, ...)
{
    char line[512];
    va_list arguments;

    if (hook == NULL || level > hook_level)
        return;
    va_start(arguments, format);
    if (vsnprintf(line, sizeof line, format, arguments) >= 0)
        hook(level, line, hook_user_data);
    va_end(arguments);
}
