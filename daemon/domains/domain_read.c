/* daemon/domains/domain_read.c - routes that show one entry of a domain. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/domains/domain_reply.h"
#include "daemon/domains/domains.h"
#include "daemon/http/fields.h"
#include "daemon/http/params.h"
#include "daemon/http/reply.h"

#define MAX_LIMIT 1000 /* rows of a list; beyond what is cached they come from the database */
#define CHATS 10
#define SCANS 20

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

    rd_field_int(&problems, &at, id, 1, INT64_MAX - 1, &number);
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

static void read_list(struct rd_request *request, const char *name, int64_t limit)
{
    struct rd_problems problems = {request->out, 0};

    if (!rd_param_int(request, &problems, "limit", RD_PARAM_OPTIONAL, 1, MAX_LIMIT, &limit) ||
        !rd_reply_problems(request, &problems))
        return;
    rd_domain_read(request, name, "user_id", (uint32_t)limit, "User not found");
}

void rd_get_chat(struct rd_request *request)
{
    read_list(request, "chat.history", CHATS);
}

void rd_get_scans(struct rd_request *request)
{
    read_list(request, "scan.history", SCANS);
}
