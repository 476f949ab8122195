/* lib/base/callback.h - turn the return value of a caller's function into a status. */
#ifndef RS_BASE_CALLBACK_H
#define RS_BASE_CALLBACK_H

#include <stdint.h>

#include "recsys/status.h"

/* The return value of a loader, a writer or a driver, as a status of the library. `said` is the
 * error record that it was given, zeroed before. `what` names it: "recsys_aside_get_or_load: the
 * loader".
 *   RECSYS_OK            RECSYS_OK, and `err` stays as it is.
 *   a status of the table  that status, with the function's own message, or with
 *                        the table's words if it left none.
 *   any other number     E_CALLBACK; the message has the number. */
recsys_status rs_callback_result(recsys_status returned, const recsys_error *said,
                                 recsys_error *err, const char *what);

/* The return value of a callback that was called for each entry: RECSYS_OK for 0, else
 * E_STOPPED. */
recsys_status rs_walk_result(int32_t returned, recsys_error *err, const char *what);

#endif
