/* daemon/domains/domain_read.c - routes that show one entry of a domain. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/domains/domain_reply.h"
#include "daemon/domains/domains.h"
#include "daemon/http/fields.h"
#include "daemon/http/params.h"
#include "daemon/http/reply.h"

/* Rows of a list; beyond what is cached they come from the database. */
#define LIMIT(usual)                                                                               \
    {                                                                                              \
        .name = "limit", .type = RD_TYPE_INTEGER, .flags = RD_PRESET, .min = 1, .max = 1000,       \
        .preset = (usual)                                                                          \
    }
static const struct rd_member chats_params[] = {LIMIT(10)}, scans_params[] = {LIMIT(20)};
const struct rd_shape rd_chats_params = {RD_MEMBERS(chats_params)};
const struct rd_shape rd_scans_params = {RD_MEMBERS(scans_params)};

static const struct rd_member center_params[] = {
    {.name = "id", .type = RD_TYPE_INTEGER, .min = 1, .max = INT64_MAX - 1}};
const struct rd_shape rd_center_params = {RD_MEMBERS(center_params)};

void rd_get_profile(struct rd_request *request)
{
    rd_domain_read(request, "user.profile", "user_id", 0, "User not found");
}

void rd_get_activity(struct rd_request *request)
{
    rd_domain_read(request, "user.activity", "user_id", 0, "User not found");
}

void rd_get_character(struct rd_request *request)
{
    rd_domain_read(request, "character.state", "user_id", 0, "Character not found");
}

void rd_get_missions(struct rd_request *request)
{
    rd_domain_read(request, "character.missions", "user_id", 0, "Character not found");
}

void rd_get_center(struct rd_request *request)
{
    static const struct rd_place at = {&rd_place_path, "id", 0};
    struct rd_problems problems = {request->out, 0};
    json_t *id = json_string(request->param);
    int64_t number = 0;

    rd_field_int(&problems, &at, id, center_params->min, center_params->max, &number);
    json_decref(id);
    if (!rd_reply_problems(request, &problems))
        return;
    /* The number, however it was written: 007, +7 and 7.0 are 7. */
    (void)snprintf(request->param, sizeof request->param, "%" PRId64, number);
    rd_domain_read(request, "location.center", "id", 0, "Center not found");
}

void rd_get_guides(struct rd_request *request)
{
    rd_domain_read(request, "info.categories", NULL, 0, "Guides not found");
}

void rd_get_guide(struct rd_request *request)
{
    rd_domain_read(request, "info.guide", "category", 0, "Guide not found");
}

static void read_list(struct rd_request *request, const char *name, const struct rd_member *row)
{
    struct rd_problems problems = {request->out, 0};
    int64_t limit;

    if (!rd_param_int(request, &problems, row, &limit) || !rd_reply_problems(request, &problems))
        return;
    rd_domain_read(request, name, "user_id", (uint32_t)limit, "User not found");
}

void rd_get_chat(struct rd_request *request)
{
    read_list(request, "chat.history", chats_params);
}

void rd_get_scans(struct rd_request *request)
{
    read_list(request, "scan.history", scans_params);
}
