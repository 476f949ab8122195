/* daemon/http/stack.h - enough stack for the threads that civetweb starts. */
#ifndef RECSYSD_STACK_H
#define RECSYSD_STACK_H

#include <stdbool.h>

#define RD_STACK_BYTES (1u << 20)

/* Has the calling thread RD_STACK_BYTES of stack? */
bool rd_stack_is_large(void);

#endif
