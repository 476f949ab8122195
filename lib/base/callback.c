/* lib/base/callback.c - see callback.h. A caller's function may return any number, also one that
 * is no status. */
#include "lib/base/callback.h"

#include <string.h>

#include "lib/base/error.h"

static int is_status(recsys_status status)
{
    return strcmp(recsys_status_name(status), "unknown") != 0;
}

recsys_status rs_callback_result(recsys_status returned, const recsys_error *said,
                                 recsys_error *err, const char *what)
{
    const char *message =
        memchr(said->message, '\0', sizeof said->message) == NULL ? "" : said->message;

    if (returned == RECSYS_OK)
        return RECSYS_OK;
    if (!is_status(returned))
        return rs_error(err, RECSYS_E_CALLBACK, "%s returned %d, which is no recsys_status%s%s",
                        what, (int)returned, message[0] == '\0' ? "" : ": ", message);
    if (message[0] == '\0')
        rs_error(err, returned, "%s failed with %s: %s", what, recsys_status_name(returned),
                 recsys_status_text(returned));
    else
        rs_error(err, returned, "%s", message);
    if (err != NULL)
        err->sys_errno = said->sys_errno;
    return returned;
}

recsys_status rs_walk_result(int32_t returned, recsys_error *err, const char *what)
{
    if (returned == 0)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_STOPPED, "%s stopped the walk by returning %d", what,
                    (int)returned);
}
