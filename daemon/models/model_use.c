/* daemon/models/model_use.c - see model_use.h. */
#include "daemon/models/model_use.h"

#include <string.h>

#include "daemon/http/reply.h"

bool rd_model_acquire(struct rd_request *request, recsys_deployment *deployment,
                      recsys_model **model, recsys_model_info *info)
{
    *model = recsys_deployment_acquire(deployment);
    if (*model == NULL)
        return rd_reply_unavailable(request, "No model is loaded");
    memset(info, 0, sizeof *info);
    info->struct_size = (uint32_t)sizeof *info;
    if (recsys_model_get_info(*model, info, NULL) == RECSYS_OK)
        return true;
    recsys_model_unref(*model);
    return rd_reply_error(request, 500, "The model cannot be described");
}
