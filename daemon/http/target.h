/* daemon/http/target.h - the target of a request line, in the one form that civetweb answers. */
#ifndef RECSYSD_TARGET_H
#define RECSYSD_TARGET_H

#include <stddef.h>

/* `text` begins with a request, of which `size` bytes are there. */
void rd_target_rewrite(char *text, size_t size);

#endif
