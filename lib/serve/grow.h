/* lib/serve/grow.h - memory that is kept from call to call and only grows. */
#ifndef RS_SERVE_GROW_H
#define RS_SERVE_GROW_H

#include <stddef.h>

#include "recsys/status.h"

/* Make *memory, which has *room elements, hold n; its content is lost if it must grow, and is not
 * zero then. */
recsys_status rs_grow(void *memory, size_t *room, size_t n, size_t size, recsys_error *err);

#endif
