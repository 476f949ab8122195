/* lib/recycling/task_text.h - from the bytes that a Celery worker stored to JSON text. */
#ifndef RS_RECYCLING_TASK_TEXT_H
#define RS_RECYCLING_TASK_TEXT_H

#include <stddef.h>

#include "recsys/status.h"
#include "recsys/store.h"

#define RS_TASK_MAX_RESULT ((size_t)4 << 20) /* stored, and after it was inflated */

/*
 * `id` is for messages. `bytes` is replaced by the text if it differs from what was stored; *own
 * then is for rs_free(), else NULL.
 *
 * Fails with: E_LIMIT, E_FORMAT, E_NOMEM.
 */
recsys_status rs_task_text(const char *id, recsys_bytes *bytes, char **own, recsys_error *err);

#endif
