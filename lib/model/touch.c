/* lib/model/touch.c - have the pages of a model in memory.
 *
 * A page that is not in the page cache costs the request that needs it a read from disk; one that
 * is there, but not in this process's tables, costs a fault. Both are paid here instead, by the
 * thread that prepares the model.
 */
#include "lib/model/touch.h"

#include "lib/model/model.h"
#include "lib/model/model_memory.h"

uint64_t rs_model_touch(const recsys_model *model)
{
    return rs_memory_touch(model->memory);
}
