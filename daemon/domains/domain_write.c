/* daemon/domains/domain_write.c - routes that change a domain: profile, experience, chat.
 *
 * The library changes the database first and the cache after it; this file checks the bodies, and
 * the reply contains the value after the change.
 */
#include <string.h>

#include <recsys/recycling.h>

#include "daemon/auth/caller.h"
#include "daemon/domains/domain_reply.h"
#include "daemon/domains/domains.h"
#include "daemon/http/body.h"
#include "daemon/http/failure.h"
#include "daemon/http/members.h"
#include "daemon/http/params.h"
#include "daemon/http/reply.h"

#define MAX_AWARD 255u /* bytes */
#define MAX_TEXT 16384 /* characters of a message or its answer */

static const struct rd_member profile_members[] = {
    {.name = "name", .type = RD_TYPE_TEXT, .flags = RD_NOT_NULL, .min = 1, .max = 100},
    {.name = "email", .type = RD_TYPE_TEXT, .min = 1, .max = 254},
    {.name = "phone", .type = RD_TYPE_TEXT, .min = 1, .max = 32},
    {.name = "avatar_url", .type = RD_TYPE_TEXT, .min = 1, .max = 2048},
    {.name = "preferences", .type = RD_TYPE_OBJECT, .flags = RD_NOT_NULL},
};
const struct rd_shape rd_profile_shape = {.name = "ProfileUpdate", RD_MEMBERS(profile_members)};

enum { EXP, AWARD };
#define EXP_ROW(is_needed)                                                                         \
    {                                                                                              \
        .name = "exp", .type = RD_TYPE_INTEGER, .flags = (is_needed), .min = 1, .max = 1000000000  \
    }
static const struct rd_member exp_members[] = {
    [EXP] = EXP_ROW(RD_REQUIRED),
    [AWARD] = {.name = "award_id", .type = RD_TYPE_TEXT, .min = 1, .max = MAX_AWARD},
};
const struct rd_shape rd_exp_shape = {.name = "Award", RD_MEMBERS(exp_members)};
/* Required only if there is no body, which a description of the query cannot say. */
static const struct rd_member exp_params[] = {EXP_ROW(0)};
const struct rd_shape rd_exp_params = {RD_MEMBERS(exp_params)};

enum { MESSAGE, RESPONSE };
static const struct rd_member chat_members[] = {
    [MESSAGE] =
        {.name = "message", .type = RD_TYPE_TEXT, .flags = RD_REQUIRED, .min = 1, .max = MAX_TEXT},
    [RESPONSE] = {.name = "response", .type = RD_TYPE_TEXT, .flags = RD_REQUIRED, .max = MAX_TEXT},
};
const struct rd_shape rd_chat_shape = {.name = "NewConversation", RD_MEMBERS(chat_members)};

/* SQL's character_db.gain_exp() raises this if the award was given to another user or with
 * another amount. */
#define AWARD_IS_USED "(SQLSTATE 22023)"

/* Reports every wrong member; the library, which has the same limits, reports only the first.
 * Unknown members are left to the library. */
static void check_profile(struct rd_problems *problems, const json_t *body)
{
    const json_t *preferences = json_object_get(body, "preferences");
    const struct rd_place preferences_at = {&rd_place_body, "preferences", 0};

    for (size_t i = 0; i < sizeof profile_members / sizeof profile_members[0]; i++) {
        const struct rd_member *row = &profile_members[i];
        const struct rd_place at = {&rd_place_body, row->name, 0};
        const char *text = NULL, *sign;

        if (row->type == RD_TYPE_TEXT)
            rd_member_text(problems, &rd_place_body, body, row, &text);
        if (text == NULL || strcmp(row->name, "email") != 0)
            continue;
        sign = strchr(text, '@');
        if (sign == NULL || sign == text || sign[1] == '\0')
            rd_problem_add(problems, "value_error", &at,
                           "Input should be an address with an @ in it",
                           json_object_get(body, row->name), NULL);
    }
    if (preferences != NULL && !json_is_object(preferences))
        rd_problem_add(problems, "dict_type", &preferences_at, "Input should be a valid dictionary",
                       preferences, NULL);
}

void rd_put_profile(struct rd_request *request)
{
    const struct rs_buffer *body = request->body;
    struct rd_problems problems = {request->out, 0};
    recsys_domains *domains = rd_domains_get(request);
    recsys_value json = {0};
    recsys_error err = {0};
    recsys_status status;

    if (domains == NULL || !rd_domain_takes_id(request, "user_id"))
        return;
    if (rd_body_parse(request, &problems))
        check_profile(&problems, request->json);
    if (rd_reply_problems(request, &problems)) {
        status = recsys_recycling_update_user(domains, request->param,
                                              (recsys_bytes){body->bytes, body->size}, &json, &err);
        if (status == RECSYS_OK)
            rd_domain_reply_change(request, "Profile updated", "profile", &json);
        else if (status == RECSYS_E_EXISTS)
            (void)rd_reply_error(request, 409, "This email is another user's");
        else if (status == RECSYS_E_LIMIT) /* the id is short enough, so it is about the body */
            (void)rd_reply_refusal(request, &rd_place_body, &err);
        else
            (void)rd_domain_fail(request, status, &err, 0, &rd_place_body, "User not found");
    }
}

/* At most 255 characters, as everywhere; the library's limit is 255 bytes, so that is checked,
 * too. */
static void read_award(struct rd_problems *problems, const json_t *body, const char **award)
{
    const struct rd_member *row = &exp_members[AWARD];
    const struct rd_place at = {&rd_place_body, row->name, 0};

    rd_member_text(problems, &rd_place_body, body, row, award);
    if (*award != NULL && strlen(*award) > MAX_AWARD)
        rd_problem_add(problems, "value_error", &at,
                       "String should have at most 255 bytes of UTF-8",
                       json_object_get(body, row->name), "\"max_bytes\":255");
}

/* exp and award_id from the body, or exp from the query if there is no body. */
static bool read_exp(struct rd_request *request, int64_t *exp, const char **award)
{
    static const struct rd_member needed = EXP_ROW(RD_REQUIRED);
    struct rd_problems problems = {request->out, 0};

    if (request->body->size == 0)
        return rd_param_int(request, &problems, &needed, exp) &&
               rd_reply_problems(request, &problems);
    if (rd_body_parse(request, &problems)) {
        rd_member_int(&problems, &rd_place_body, request->json, &exp_members[EXP], exp);
        read_award(&problems, request->json, award);
    }
    return rd_reply_problems(request, &problems);
}

/* Points and the assistant's words are no user's own. False: answered with 403. */
static bool may_grant(struct rd_request *request)
{
    const struct rd_domains *part = request->part;

    return part->users_may_grant || !rd_caller_is_user(request) ||
           rd_reply_error(request, 403, "Only services and admins may do this; see grants");
}

void rd_post_exp(struct rd_request *request)
{
    recsys_domains *domains = rd_domains_get(request);
    const char *award = NULL;
    int64_t exp = 0;
    recsys_value json = {0};
    recsys_error err = {0};
    recsys_status status;

    if (!may_grant(request) || domains == NULL || !rd_domain_takes_id(request, "user_id"))
        return;
    if (read_exp(request, &exp, &award)) {
        status = recsys_recycling_gain_experience(domains, request->param, exp, award, &json, &err);
        if (status == RECSYS_OK)
            rd_domain_reply_change(request, "Exp gained", "character", &json);
        else if (status == RECSYS_E_INVALID && strstr(err.message, AWARD_IS_USED) != NULL)
            (void)rd_reply_error(request, 409,
                                 "This award has been given before, to another user "
                                 "or of another amount");
        else
            (void)rd_domain_fail(request, status, &err, 0, &rd_place_body, "Character not found");
    }
}

void rd_post_chat(struct rd_request *request)
{
    struct rd_problems problems = {request->out, 0};
    recsys_domains *domains = rd_domains_get(request);
    const char *message = NULL, *response = NULL;
    recsys_value json = {0};
    recsys_error err = {0};
    recsys_status status;

    if (domains == NULL || !rd_domain_takes_id(request, "user_id"))
        return;
    if (rd_body_parse(request, &problems)) {
        rd_member_text(&problems, &rd_place_body, request->json, &chat_members[MESSAGE], &message);
        rd_member_text(&problems, &rd_place_body, request->json, &chat_members[RESPONSE],
                       &response);
    }
    if (rd_reply_problems(request, &problems) && (response[0] == '\0' || may_grant(request))) {
        status =
            recsys_recycling_add_message(domains, request->param, message, response, &json, &err);
        if (status == RECSYS_OK)
            rd_domain_reply_change(request, "Conversation added", "conversation", &json);
        else
            (void)rd_domain_fail(request, status, &err, 0, &rd_place_body, "User not found");
    }
}
