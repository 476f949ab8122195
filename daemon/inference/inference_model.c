/* daemon/inference/inference_model.c - finds a model by its path, and describes it.
 *
 * A path has a name and perhaps a version. The router knows one parameter of a path, so the name is
 * read here. Only the version that serves can be asked: a previous or a candidate one is the
 * operator's.
 */
#include "daemon/inference/inference_model.h"

#include <stdio.h>
#include <string.h>

#include <recsys/version.h>

#include "daemon/http/reply.h"
#include "daemon/http/url.h"
#include "lib/base/json_write.h"

#define MODELS_PATH RD_INFERENCE_PATHS "/models/"

const char *rd_inference_datatype(uint32_t id_kind)
{
    return id_kind == RECSYS_ID_KIND_TEXT ? "BYTES" : "INT64";
}

static bool find_place(struct rd_request *request, size_t *place)
{
    const struct rd_recommend *recommend = request->part;
    const struct rd_named_models *named = recommend->traffic->named;
    const char *segment = request->head->path + sizeof MODELS_PATH - 1;
    char name[RD_MODEL_NAME_MAX + 1], message[RD_MODEL_NAME_MAX + 64];

    if (!rd_url_decode(segment, strcspn(segment, "/"), name, sizeof name))
        return rd_reply_error(request, 404, "There is no model of this name");
    *place = rd_named_models_find(named, name);
    if (*place < named->n)
        return true;
    (void)snprintf(message, sizeof message, "There is no model of the name %s", name);
    return rd_reply_error(request, 404, message);
}

static bool is_version(struct rd_request *request, const struct rd_chosen *chosen)
{
    char message[RD_PARAM_MAX + RD_MODEL_NAME_MAX + sizeof chosen->info.version + 64];

    if (strstr(request->route->path, "/versions/") == NULL ||
        strcmp(request->param, chosen->info.version) == 0)
        return true;
    (void)snprintf(message, sizeof message, "Version %s of the model %s does not serve; %s does",
                   request->param, chosen->named->name, chosen->info.version);
    return rd_reply_error(request, 404, message);
}

bool rd_inference_model(struct rd_request *request, struct rd_chosen *chosen)
{
    const struct rd_recommend *recommend = request->part;

    if (!find_place(request, &chosen->place))
        return false;
    chosen->is_named = true;
    chosen->named = &recommend->traffic->named->all[chosen->place];
    if (!rd_model_acquire(request, chosen->named, &chosen->model, &chosen->info))
        return false;
    if (is_version(request, chosen))
        return true;
    recsys_model_unref(chosen->model);
    return false;
}

void rd_get_inference(struct rd_request *request)
{
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"name\":\"recsysd\",\"version\":");
    rs_json_put_string(request->out, recsys_version_string());
    rs_buffer_add_text(request->out, ",\"extensions\":[]}");
}

void rd_get_inference_live(struct rd_request *request)
{
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"live\":true}");
}

void rd_get_inference_ready(struct rd_request *request)
{
    const struct rd_recommend *recommend = request->part;
    struct rd_traffic *traffic = recommend->traffic;
    recsys_model *model =
        recsys_deployment_acquire(traffic->named->all[rd_traffic_main(traffic)].deployment);
    bool ready =
        model != NULL && !atomic_load_explicit(&request->http->draining, memory_order_relaxed);

    recsys_model_unref(model);
    request->status = ready ? 200 : 503;
    rs_buffer_add_text(request->out, ready ? "{\"ready\":true}" : "{\"ready\":false}");
}

static void write_tensor(struct rs_buffer *out, const char *name, const char *datatype,
                         const char *shape)
{
    rs_buffer_format(out, "{\"name\":\"%s\",\"datatype\":\"%s\",\"shape\":%s}", name, datatype,
                     shape);
}

void rd_get_inference_model(struct rd_request *request)
{
    struct rs_buffer *out = request->out;
    struct rd_chosen chosen;

    if (!rd_inference_model(request, &chosen))
        return;
    request->status = 200;
    rs_buffer_add_text(out, "{\"name\":");
    rs_json_put_string(out, chosen.named->name);
    rs_buffer_add_text(out, ",\"versions\":[");
    rs_json_put_string(out, chosen.info.version);
    rs_buffer_add_text(out, "],\"platform\":\"recsys\",\"inputs\":[");
    write_tensor(out, "user_id", rd_inference_datatype(chosen.info.user_id_kind), "[-1]");
    rs_buffer_add_text(out, "],\"outputs\":[");
    write_tensor(out, "item_id", rd_inference_datatype(chosen.info.item_id_kind), "[-1,-1]");
    rs_buffer_add(out, ",", 1);
    write_tensor(out, "score", "FP32", "[-1,-1]");
    rs_buffer_add(out, ",", 1);
    write_tensor(out, "count", "INT32", "[-1]");
    rs_buffer_add_text(out, "]}");
    recsys_model_unref(chosen.model);
}

void rd_get_inference_model_ready(struct rd_request *request)
{
    struct rd_chosen chosen;

    if (!rd_inference_model(request, &chosen))
        return;
    recsys_model_unref(chosen.model);
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"name\":");
    rs_json_put_string(request->out, chosen.named->name);
    rs_buffer_add_text(request->out, ",\"ready\":true}");
}
