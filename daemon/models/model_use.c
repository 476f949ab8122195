/* daemon/models/model_use.c - see model_use.h. */
#include "daemon/models/model_use.h"

#include <string.h>

#include "daemon/http/members.h"
#include "daemon/http/params.h"
#include "daemon/http/reply.h"
#include "lib/base/json_write.h"

static const struct rd_member model_member[] = {RD_MODEL_MEMBER(0)};
const struct rd_shape rd_model_shape = {.name = "ModelOnly", RD_MEMBERS(model_member)};

bool rd_model_acquire(struct rd_request *request, const struct rd_named_model *named,
                      recsys_model **model, recsys_model_info *info)
{
    *model = recsys_deployment_acquire(named->deployment);
    if (*model == NULL)
        return rd_reply_unavailable(request, "No model is loaded");
    memset(info, 0, sizeof *info);
    info->struct_size = (uint32_t)sizeof *info;
    if (recsys_model_get_info(*model, info, NULL) == RECSYS_OK)
        return true;
    recsys_model_unref(*model);
    return rd_reply_error(request, 500, "The model cannot be described");
}

/* As pydantic refuses a value that is none of an enumeration's. */
static void add_unknown(struct rd_problems *problems, const struct rd_place *at,
                        const struct rd_named_models *named, const char *name)
{
    char names[RD_MODELS_MAX * (RD_MODEL_NAME_MAX + 8u)] = "";
    char all[sizeof names + 64] = "", context[sizeof names + 32] = "";
    struct rs_buffer list = RS_BUFFER_FIXED(names), message = RS_BUFFER_FIXED(all),
                     expected = RS_BUFFER_FIXED(context);
    json_t *input = json_string(name);

    for (size_t i = 0; i < named->n; i++)
        rs_buffer_format(&list, "%s'%s'",
                         i == 0             ? ""
                         : i + 1 < named->n ? ", "
                                            : " or ",
                         named->all[i].name);
    rs_buffer_format(&message, "Input should be %s", names);
    rs_buffer_format(&expected, "\"expected\":\"%s\"", names);
    rd_problem_add(problems, "enum", at, all, input, context);
    json_decref(input);
}

/* The name that the request gives, in `buffer` or in the body; NULL if it gives none. False:
 * answered with 400. */
static bool read_name(struct rd_request *request, struct rd_problems *problems, char *buffer,
                      const char **name)
{
    *name = NULL;
    buffer[0] = '\0';
    if (request->json != NULL) {
        rd_member_text(problems, &rd_place_body, request->json, model_member, name);
        return true;
    }
    if (!rd_param_text(request, problems, model_member, buffer))
        return false;
    if (buffer[0] != '\0')
        *name = buffer;
    return true;
}

bool rd_model_named(struct rd_request *request, const struct rd_named_models *named, size_t *place)
{
    const struct rd_place at = {request->json != NULL ? &rd_place_body : &rd_place_query,
                                model_member->name, 0};
    struct rd_problems problems = {request->out, 0};
    char buffer[RD_PARAM_TEXT];
    const char *name;
    size_t found;

    if (!read_name(request, &problems, buffer, &name))
        return false;
    if (name != NULL) {
        found = rd_named_models_find(named, name);
        if (found < named->n)
            *place = found;
        else
            add_unknown(&problems, &at, named, name);
    }
    return rd_reply_problems(request, &problems);
}

bool rd_model_find(struct rd_request *request, struct rd_traffic *traffic, size_t *place)
{
    *place = rd_traffic_main(traffic);
    return rd_model_named(request, traffic->named, place);
}
