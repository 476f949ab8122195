/* daemon/models/models.c - the routes that show models, and those for the operator's steps.
 *
 * The steps are those of recsys_deployment. The thread of model_changer.c takes them while the
 * worker waits, so that the reply can contain the result. Other requests do not wait. Each named
 * model has a deployment and such a thread of its own.
 */
#include "daemon/models/models.h"

#include <errno.h>
#include <string.h>

#include "daemon/http/body.h"
#include "daemon/http/failure.h"
#include "daemon/http/members.h"
#include "daemon/http/reply.h"
#include "daemon/models/model_state.h"
#include "daemon/models/model_use.h"
#include "daemon/process/logger.h"
#include "lib/base/json_write.h"

#define MAX_LISTED 10000u

struct listing {
    struct rs_buffer *out;
    size_t n;
    bool aliases; /* which of the two lists is being written */
};

static int32_t list_entry(const recsys_registry_entry *entry, void *user_data)
{
    struct listing *listing = user_data;
    struct rs_buffer *out = listing->out;

    if ((entry->alias != NULL) != listing->aliases)
        return 0;
    if (listing->n++ >= MAX_LISTED)
        return 1;
    rs_buffer_add_text(out, listing->n > 1 ? ",{\"name\":" : "{\"name\":");
    rs_json_put_string(out, entry->name);
    rs_buffer_add_text(out, ",\"version\":");
    rs_json_put_string(out, entry->version);
    if (entry->alias != NULL) {
        rs_buffer_add_text(out, ",\"alias\":");
        rs_json_put_string(out, entry->alias);
    }
    rs_buffer_add(out, "}", 1);
    return 0;
}

/* A server that did not answer last time would only make this request wait. */
static bool answers(recsys_registry *registry)
{
    recsys_registry_status status = RECSYS_REGISTRY_STATUS_INIT;

    return recsys_registry_get_status(registry, &status, NULL) == RECSYS_OK && !status.kept &&
           (status.failure.status == RECSYS_OK || status.failure.status == RECSYS_E_NOT_FOUND ||
            status.answered_ms > status.failed_ms);
}

static void write_time(struct rs_buffer *out, const char *name, uint64_t ms)
{
    char time[RD_TIME_SIZE];

    rs_buffer_format(out, "\"%s\":", name);
    if (ms == 0) {
        rs_buffer_add_text(out, "null");
        return;
    }
    rd_time_format(ms, time);
    rs_buffer_format(out, "\"%s\"", time);
}

/* How the registry has answered; null without one. */
static void write_registry(struct rs_buffer *out, recsys_registry *registry)
{
    recsys_registry_status status = RECSYS_REGISTRY_STATUS_INIT;

    rs_buffer_add_text(out, ",\"registry\":");
    if (registry == NULL || recsys_registry_get_status(registry, &status, NULL) != RECSYS_OK) {
        rs_buffer_add_text(out, "null");
        return;
    }
    rs_buffer_format(out, "{\"kept\":%s,", status.kept ? "true" : "false");
    write_time(out, "answered", status.answered_ms);
    rs_buffer_add(out, ",", 1);
    write_time(out, "failed", status.failed_ms);
    rs_buffer_add_text(out, ",\"failure\":");
    rs_json_put_string(out, status.failure.message);
    rs_buffer_add(out, "}", 1);
}

static void write_list(struct rd_request *request, const char *name, bool aliases)
{
    const struct rd_models *models = request->part;
    struct listing listing = {request->out, 0, aliases};
    recsys_status status = RECSYS_OK;
    recsys_error err = {0};

    rs_buffer_format(request->out, ",\"%s\":[", name);
    if (models->registry != NULL && answers(models->registry))
        status = recsys_registry_list(models->registry, NULL, list_entry, &listing, &err);
    if (status != RECSYS_OK && status != RECSYS_E_STOPPED) /* there are more than MAX_LISTED */
        rd_log(RECSYS_LOG_WARN, "cannot list the registry: %s", err.message);
    rs_buffer_add(request->out, "]", 1);
}

static bool get_status(struct rd_request *request, size_t place, recsys_deployment_status *status)
{
    const struct rd_models *models = request->part;
    recsys_error err = {0};

    memset(status, 0, sizeof *status);
    status->struct_size = (uint32_t)sizeof *status;
    if (recsys_deployment_get_status(models->named->all[place].deployment, status, &err) !=
        RECSYS_OK)
        return rd_reply_error(request, 500, err.message);
    return true;
}

/* The state of one named model. */
static bool write_model(struct rd_request *request, const struct rd_plan *plan, size_t place)
{
    const struct rd_models *models = request->part;
    const struct rd_named_model *named = &models->named->all[place];
    recsys_deployment_status status;

    if (!get_status(request, place, &status))
        return false;
    rs_buffer_add_text(request->out, "\"model\":");
    rs_json_put_string(request->out, named->name);
    rs_buffer_add_text(request->out, ",\"source\":");
    rs_json_put_string(request->out, named->source);
    rd_plan_write(request->out, plan, place);
    rd_shadow_write(models->shadow, place, request->out);
    rs_buffer_add(request->out, ",", 1);
    rd_model_state_write(request->out, &status);
    return true;
}

static bool write_models(struct rd_request *request, const struct rd_plan *plan)
{
    const struct rd_models *models = request->part;

    rs_buffer_add_text(request->out, ",\"models\":[");
    for (size_t place = 0; place < models->named->n; place++) {
        rs_buffer_add_text(request->out, place > 0 ? ",{" : "{");
        if (!write_model(request, plan, place))
            return false;
        rs_buffer_add(request->out, "}", 1);
    }
    rs_buffer_add(request->out, "]", 1);
    return true;
}

void rd_get_models(struct rd_request *request)
{
    const struct rd_models *models = request->part;
    struct rd_plan plan;
    size_t place;

    if (!rd_model_find(request, models->traffic, &place))
        return;
    rs_buffer_add(request->out, "{", 1);
    rd_traffic_get(models->traffic, &plan);
    if (!write_model(request, &plan, place))
        return;
    rs_buffer_add_text(request->out, ",\"history\":");
    rd_model_history_write(request->out, models->named->all[place].deployment);
    if (!write_models(request, &plan))
        return;
    request->status = 200;
    write_registry(request->out, models->registry);
    write_list(request, "versions", false);
    write_list(request, "aliases", true);
    rs_buffer_add(request->out, "}", 1);
}

static const char *id_kind(uint32_t kind)
{
    return kind == RECSYS_ID_KIND_TEXT ? "text" : "integer";
}

static const char *link_name(uint32_t link)
{
    static const char *const names[] = {"sigmoid", "linear", "clip"};

    return link >= RECSYS_LINK_SIGMOID && link <= RECSYS_LINK_CLIP ? names[link - 1] : "unknown";
}

void rd_get_current(struct rd_request *request)
{
    const struct rd_models *models = request->part;
    struct rs_buffer *out = request->out;
    recsys_model *model;
    recsys_model_info info;
    size_t place;

    if (!rd_model_find(request, models->traffic, &place) ||
        !rd_model_acquire(request, &models->named->all[place], &model, &info))
        return;
    request->status = 200;
    rs_buffer_add_text(out, "{\"model_version\":");
    rs_json_put_string(out, info.version);
    rs_buffer_add_text(out, ",\"model\":");
    rs_json_put_string(out, models->named->all[place].name);
    rs_buffer_add_text(out, ",\"name\":");
    rs_json_put_string(out, info.name);
    rs_buffer_add_text(out, ",\"status\":\"loaded\",\"algorithm\":");
    rs_json_put_string(out, info.algorithm);
    rs_buffer_add_text(out, ",\"training_date\":");
    rs_json_put_string(out, info.training_date);
    rs_buffer_add_text(out, ",\"item_name\":");
    rs_json_put_string(out, info.item_name);
    rs_buffer_add_text(out, ",\"fingerprint\":");
    rs_json_put_string(out, info.fingerprint);
    rs_buffer_format(out,
                     ",\"catalog_size\":%llu,\"n_users\":%llu,\"n_items\":%llu,\"n_features\":%llu,"
                     "\"n_seen\":%llu,\"dimensions\":%u,\"metric\":\"%s\",\"link\":\"%s\","
                     "\"user_id_kind\":\"%s\",\"item_id_kind\":\"%s\",\"mapped_bytes\":%llu,"
                     "\"private_bytes\":%llu,\"code_bytes\":%llu,"
                     "\"short_code_bytes\":%llu,\"metadata\":",
                     (unsigned long long)info.n_catalog, (unsigned long long)info.n_users,
                     (unsigned long long)info.n_items, (unsigned long long)info.n_features,
                     (unsigned long long)info.n_seen, info.dimensions,
                     info.metric == RECSYS_METRIC_COSINE ? "cosine" : "inner_product",
                     link_name(info.link), id_kind(info.user_id_kind), id_kind(info.item_id_kind),
                     (unsigned long long)info.mapped_bytes, (unsigned long long)info.private_bytes,
                     (unsigned long long)info.code_bytes,
                     (unsigned long long)info.short_code_bytes);
    rs_buffer_add_text(out, info.metadata[0] != '\0' ? info.metadata : "{}");
    rs_buffer_add(out, "}", 1);
    recsys_model_unref(model);
}

static const struct rd_member load_member[] = {{.name = "source", .type = RD_TYPE_TEXT, .min = 1}};
const struct rd_shape rd_load_shape = {
    .name = "LoadRequest", RD_MEMBERS(load_member), .also = &rd_model_shape};
static const struct rd_member use_member[] = {{.name = "version", .type = RD_TYPE_TEXT, .min = 1}};
const struct rd_shape rd_use_shape = {
    .name = "UseRequest", RD_MEMBERS(use_member), .also = &rd_model_shape};

/*
 * The one member that a step may have beside "model", as text; NULL if it, or the whole body, is
 * left out. False: answered with 422. The text lives as long as the request.
 */
static bool read_member(struct rd_request *request, const struct rd_member *member,
                        const char **out)
{
    struct rd_problems problems = {request->out, 0};

    *out = NULL;
    if (request->body->size == 0)
        return true;
    if (rd_body_parse(request, &problems) && member != NULL)
        rd_member_text(&problems, &rd_place_body, request->json, member, out);
    return rd_reply_problems(request, &problems);
}

/* Is there no file or directory of the model, or can there be none of that name? */
static bool is_missing(recsys_status status, const recsys_error *err)
{
    return status == RECSYS_E_IO && (err->sys_errno == ENOENT || err->sys_errno == ENOTDIR ||
                                     err->sys_errno == ENAMETOOLONG);
}

/* The registry's server cannot be reached; what the disk refuses comes with an errno. */
static bool is_away(recsys_status status, const recsys_error *err)
{
    return status == RECSYS_E_IO && err->sys_errno == 0;
}

/* Take a step; the reply is the state after it, or why it failed. `member` of the body, which may
 * be NULL, is the step's argument. */
static void take_step(struct rd_request *request, enum rd_step step, const struct rd_member *member)
{
    static const char *const names[] = {"load", "use", "rollback", "reload"};
    const struct rd_models *models = request->part;
    recsys_deployment_status status;
    recsys_error err = {0};
    recsys_status outcome;
    const char *argument;
    size_t place;

    if (!read_member(request, member, &argument) ||
        !rd_model_find(request, models->traffic, &place))
        return;
    outcome = rd_model_changer_do(&models->changers[place], step, argument, request->id, &err);
    if (outcome != RECSYS_OK) {
        rd_log(RECSYS_LOG_ERROR, "%s, requested by %s, failed: %s", names[step], request->id,
               err.message);
        (void)rd_reply_failure(request,
                               is_missing(outcome, &err) ? RECSYS_E_NOT_FOUND
                               : is_away(outcome, &err)  ? RECSYS_E_UNAVAILABLE
                                                         : outcome,
                               &err);
        return;
    }
    rd_log(RECSYS_LOG_INFO, "%s, requested by %s, done", names[step], request->id);
    if (!get_status(request, place, &status))
        return;
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"message\":");
    rs_json_put_string(request->out, names[step]);
    rs_buffer_add_text(request->out, ",\"model\":");
    rs_json_put_string(request->out, models->named->all[place].name);
    rs_buffer_add(request->out, ",", 1);
    rd_model_state_write(request->out, &status);
    rs_buffer_add(request->out, "}", 1);
}

void rd_post_load(struct rd_request *request)
{
    take_step(request, RD_STEP_LOAD, load_member);
}

void rd_post_use(struct rd_request *request)
{
    take_step(request, RD_STEP_USE, use_member);
}

void rd_post_rollback(struct rd_request *request)
{
    take_step(request, RD_STEP_ROLLBACK, NULL);
}

void rd_post_reload(struct rd_request *request)
{
    take_step(request, RD_STEP_RELOAD, NULL);
}
