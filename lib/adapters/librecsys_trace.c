/* lib/adapters/librecsys_trace.c - what lib/base/trace.h declares, for adapters that are libraries
 * of their own.
 *
 * Which components are traced, and the request's id, are librecsys's: it is asked
 * through public functions, as librecsys_memory.c asks it for memory.
 */
#include "lib/base/trace.h"

int rs_trace_is_on(uint32_t component)
{
    return recsys_log_check_trace(component) != 0;
}

void rs_trace_write(uint32_t component, const char *message)
{
    recsys_log_write_trace(component, message);
}
