/* daemon/models/assignment.c - promotes, withdraws, and shows or replaces the whole assignment.
 *
 * Shares and rates are percent here, as people say them. The reply to a change is the assignment
 * after it, with the newest changes; a refused one is 409 or names the member that is wrong.
 */
#include "daemon/models/assignment.h"

#include <string.h>

#include "daemon/http/body.h"
#include "daemon/http/failure.h"
#include "daemon/http/members.h"
#include "daemon/http/reply.h"
#include "daemon/models/model_use.h"
#include "daemon/models/models.h"
#include "daemon/process/logger.h"
#include "daemon/process/timestamp.h"
#include "lib/base/json_write.h"

#define PERCENT(member)                                                                            \
    {                                                                                              \
        .name = (member), .type = RD_TYPE_NUMBER, .max = 100                                       \
    }
static const struct rd_member percent_row = PERCENT("percent");
static const struct rd_shape percents = {.members = &percent_row, .n_members = 1};

static const struct rd_member named_model[] = {RD_MODEL_MEMBER(RD_REQUIRED)};
const struct rd_shape rd_withdraw_shape = {.name = "WithdrawRequest", RD_MEMBERS(named_model)};

enum { TO, PERCENT };
static const struct rd_member promote_members[] = {
    [TO] = {.name = "to",
            .type = RD_TYPE_CHOICE,
            .flags = RD_REQUIRED,
            .choices = rd_role_names + RD_ROLE_SHADOW},
    [PERCENT] = PERCENT("percent"),
};
const struct rd_shape rd_promote_shape = {
    .name = "PromoteRequest", RD_MEMBERS(promote_members), .also = &rd_withdraw_shape};

enum { DEFAULT, SALT, SHARES, SHADOWS };
static const struct rd_member assignment_members[] = {
    [DEFAULT] = {.name = "default", .type = RD_TYPE_TEXT, .min = 1, .max = RD_MODEL_NAME_MAX},
    [SALT] = {.name = "salt", .type = RD_TYPE_TEXT, .max = RECSYS_SPLIT_MAX_SALT / 4},
    [SHARES] = {.name = "shares", .type = RD_TYPE_MAP, .shape = &percents},
    [SHADOWS] = {.name = "shadows", .type = RD_TYPE_MAP, .shape = &percents},
};
const struct rd_shape rd_assignment_shape = {.name = "AssignmentRequest",
                                             RD_MEMBERS(assignment_members)};

static void write_models(struct rs_buffer *out, const struct rd_named_models *named,
                         const struct rd_plan *plan)
{
    rs_buffer_add_text(out, ",\"models\":[");
    for (size_t place = 0; place < plan->n; place++) {
        rs_buffer_add_text(out, place > 0 ? ",{\"model\":" : "{\"model\":");
        rs_json_put_string(out, named->all[place].name);
        rd_plan_write(out, plan, place);
        rs_buffer_add(out, "}", 1);
    }
    rs_buffer_add(out, "]", 1);
}

static void write_change(struct rs_buffer *out, const struct rd_named_models *named,
                         const struct rd_traffic_change *change)
{
    char time[RD_TIME_SIZE];

    rd_time_format(change->time_ms, time);
    rs_buffer_format(out, "{\"time\":\"%s\",\"model\":", time);
    rs_json_put_string(out, named->all[change->place].name);
    rs_buffer_format(out, ",\"from\":\"%s\",\"to\":\"%s\"", rd_role_name(change->from),
                     rd_role_name(change->to));
    rs_buffer_format(out, ",\"share\":%g,\"shadow\":%g", (double)change->share / 100,
                     (double)change->shadow / 100);
    rs_buffer_format(out, ",\"whole\":%s,\"request_id\":", change->whole ? "true" : "false");
    rs_json_put_string(out, change->request_id);
    rs_buffer_add(out, "}", 1);
}

static void write_assignment(struct rd_request *request)
{
    const struct rd_models *models = request->part;
    struct rd_traffic_change changes[RD_TRAFFIC_CHANGES];
    struct rs_buffer *out = request->out;
    struct rd_plan plan;
    size_t before, n = rd_traffic_changes(models->traffic, changes, &before);

    rd_traffic_get(models->traffic, &plan);
    request->status = 200;
    rs_buffer_add_text(out, "{\"default\":");
    rs_json_put_string(out, models->named->all[plan.main_place].name);
    rs_buffer_add_text(out, ",\"before\":");
    if (before < plan.n)
        rs_json_put_string(out, models->named->all[before].name);
    else
        rs_buffer_add_text(out, "null");
    rs_buffer_add_text(out, ",\"salt\":");
    rs_json_put_string(out, plan.salt);
    write_models(out, models->named, &plan);
    rs_buffer_add_text(out, ",\"changes\":[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            rs_buffer_add(out, ",", 1);
        write_change(out, models->named, &changes[i]);
    }
    rs_buffer_add_text(out, "]}");
}

void rd_get_assignment(struct rd_request *request)
{
    write_assignment(request);
}

static void finish(struct rd_request *request, recsys_status status, const recsys_error *err)
{
    if (status == RECSYS_OK) {
        write_assignment(request);
        return;
    }
    rd_log(RECSYS_LOG_WARN, "%s, requested by %s, refused: %s", request->route->path, request->id,
           err->message);
    (void)rd_reply_failure(request, status, err);
}

/* The model that the body must name. */
static bool read_model(struct rd_request *request, size_t *place)
{
    const struct rd_models *models = request->part;
    const struct rd_place at = {&rd_place_body, named_model->name, 0};
    struct rd_problems problems = {request->out, 0};

    *place = models->named->n;
    if (rd_body_parse(request, &problems) &&
        (json_object_get(request->json, at.name) == NULL ||
         json_is_null(json_object_get(request->json, at.name))))
        rd_problem_add(&problems, "missing", &at, "Field required", request->json, NULL);
    return rd_reply_problems(request, &problems) && rd_model_named(request, models->named, place);
}

/* A percent with at most two decimals. */
static void read_percent(struct rd_problems *problems, const struct rd_place *at,
                         const json_t *value, uint32_t *out)
{
    size_t before = problems->count;
    double percent = (double)*out / 100;

    rd_field_double(problems, at, value, (int)percent_row.min, (int)percent_row.max, &percent);
    if (problems->count == before && !rd_percent_read(percent, out))
        rd_problem_add(problems, "decimal_max_places", at,
                       "Decimal input should have no more than 2 decimal places", value,
                       "\"decimal_places\":2");
}

static void read_stage(struct rd_problems *problems, const struct rd_place *at, const json_t *value,
                       enum rd_role *out)
{
    const char *word = json_string_value(value);

    *out = RD_ROLE_IDLE;
    for (enum rd_role stage = RD_ROLE_SHADOW; word != NULL && stage <= RD_ROLE_DEFAULT; stage++)
        if (strcmp(word, rd_role_name(stage)) == 0)
            *out = stage;
    if (value == NULL || json_is_null(value))
        rd_problem_add(problems, "missing", at, "Field required", json_null(), NULL);
    else if (*out == RD_ROLE_IDLE)
        rd_problem_add(problems, "enum", at, "Input should be 'shadow', 'share' or 'default'",
                       value, "\"expected\":\"'shadow', 'share' or 'default'\"");
}

void rd_post_promote(struct rd_request *request)
{
    const struct rd_models *models = request->part;
    const struct rd_place to_at = {&rd_place_body, promote_members[TO].name, 0},
                          percent_at = {&rd_place_body, promote_members[PERCENT].name, 0};
    struct rd_problems problems = {request->out, 0};
    const json_t *percent;
    uint32_t amount = 0;
    enum rd_role to;
    recsys_error err = {0};
    size_t place;

    if (!read_model(request, &place))
        return;
    percent = json_object_get(request->json, percent_at.name);
    read_stage(&problems, &to_at, json_object_get(request->json, to_at.name), &to);
    if (to == RD_ROLE_SHADOW)
        amount = RD_WHOLE;
    if (to == RD_ROLE_SHARE && (percent == NULL || json_is_null(percent)))
        rd_problem_add(&problems, "missing", &percent_at, "Field required", json_null(), NULL);
    else if (to != RD_ROLE_DEFAULT)
        read_percent(&problems, &percent_at, percent, &amount);
    if (problems.count == 0 && to != RD_ROLE_DEFAULT && amount == 0)
        rd_problem_add(&problems, "greater_than", &percent_at,
                       "Input should be greater than 0; withdraw takes a model's users away",
                       percent, "\"gt\":0");
    if (rd_reply_problems(request, &problems))
        finish(request, rd_traffic_promote(models->traffic, place, to, amount, request->id, &err),
               &err);
}

void rd_post_withdraw(struct rd_request *request)
{
    const struct rd_models *models = request->part;
    recsys_error err = {0};
    size_t place;

    if (read_model(request, &place))
        finish(request, rd_traffic_withdraw(models->traffic, place, request->id, &err), &err);
}

/* {"NAME":PERCENT,…}, which replaces all of `out`; nothing changes if it is left out. */
static void read_percents(struct rd_request *request, struct rd_problems *problems,
                          const struct rd_member *member, uint32_t out[RD_MODELS_MAX])
{
    const struct rd_models *models = request->part;
    const struct rd_place at = {&rd_place_body, member->name, 0};
    json_t *all = json_object_get(request->json, member->name), *value;
    const char *name;

    if (all == NULL || json_is_null(all))
        return;
    if (!json_is_object(all)) {
        rd_problem_add(problems, "dict_type", &at, "Input should be a valid dictionary", all, NULL);
        return;
    }
    memset(out, 0, RD_MODELS_MAX * sizeof *out);
    json_object_foreach(all, name, value)
    {
        const struct rd_place inside = {&at, name, 0};
        size_t place = rd_named_models_find(models->named, name);

        if (place == models->named->n)
            rd_problem_add(problems, "value_error", &inside, "Value error, No model has this name",
                           value, "\"error\":{}");
        else
            read_percent(problems, &inside, value, &out[place]);
    }
}

static void read_default(struct rd_request *request, struct rd_problems *problems, size_t *place)
{
    const struct rd_models *models = request->part;
    const struct rd_member *row = &assignment_members[DEFAULT];
    const struct rd_place at = {&rd_place_body, row->name, 0};
    const char *name = NULL;
    size_t found;

    rd_member_text(problems, &rd_place_body, request->json, row, &name);
    if (name == NULL)
        return;
    found = rd_named_models_find(models->named, name);
    if (found < models->named->n)
        *place = found;
    else
        rd_problem_add(problems, "value_error", &at, "Value error, No model has this name",
                       json_object_get(request->json, row->name), "\"error\":{}");
}

static void read_salt(struct rd_request *request, struct rd_problems *problems,
                      char out[RECSYS_SPLIT_MAX_SALT + 1])
{
    const char *salt = NULL;

    rd_member_text(problems, &rd_place_body, request->json, &assignment_members[SALT], &salt);
    if (salt != NULL)
        memcpy(out, salt, strlen(salt) + 1);
}

void rd_put_assignment(struct rd_request *request)
{
    const struct rd_models *models = request->part;
    struct rd_problems problems = {request->out, 0};
    recsys_error err = {0};
    struct rd_plan plan;

    rd_traffic_get(models->traffic, &plan);
    if (rd_body_parse(request, &problems)) {
        read_default(request, &problems, &plan.main_place);
        plan.shares[plan.main_place] = plan.shadows[plan.main_place] = 0;
        read_salt(request, &problems, plan.salt);
        read_percents(request, &problems, &assignment_members[SHARES], plan.shares);
        read_percents(request, &problems, &assignment_members[SHADOWS], plan.shadows);
    }
    if (rd_reply_problems(request, &problems))
        finish(request, rd_traffic_replace(models->traffic, &plan, request->id, &err), &err);
}
