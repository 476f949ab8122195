/* daemon/domains/domain_find.c - routes that search: centres near a place, guides by keyword. */
#include <recsys/recycling.h>

#include "daemon/domains/domain_reply.h"
#include "daemon/domains/domains.h"
#include "daemon/http/params.h"
#include "daemon/http/reply.h"

enum { LAT, LON, RADIUS };
static const struct rd_member nearby_params[] = {
    [LAT] = {.name = "lat", .type = RD_TYPE_NUMBER, .flags = RD_REQUIRED, .min = -90, .max = 90},
    [LON] = {.name = "lon", .type = RD_TYPE_NUMBER, .flags = RD_REQUIRED, .min = -180, .max = 180},
    [RADIUS] = {.name = "radius",
                .type = RD_TYPE_INTEGER,
                .flags = RD_PRESET,
                .min = 1,
                .max = 100,
                .preset = 5},
};
const struct rd_shape rd_nearby_params = {RD_MEMBERS(nearby_params)};

static const struct rd_member keyword_param[] = {
    {.name = "keyword", .type = RD_TYPE_TEXT, .flags = RD_REQUIRED, .min = 1, .max = 100}};
const struct rd_shape rd_search_params = {RD_MEMBERS(keyword_param)};

void rd_get_nearby(struct rd_request *request)
{
    struct rd_problems problems = {request->out, 0};
    recsys_domains *domains = rd_domains_get(request);
    double latitude = 0.0, longitude = 0.0;
    int64_t radius;
    recsys_value json = {0};
    uint32_t outcome = 0;
    recsys_error err = {0};
    recsys_status status;

    if (domains == NULL || !rd_param_number(request, &problems, &nearby_params[LAT], &latitude) ||
        !rd_param_number(request, &problems, &nearby_params[LON], &longitude) ||
        !rd_param_int(request, &problems, &nearby_params[RADIUS], &radius) ||
        !rd_reply_problems(request, &problems))
        return;
    status = recsys_recycling_find_nearby(domains, latitude, longitude, (uint32_t)radius, &json,
                                          &outcome, &err);
    if (status == RECSYS_OK)
        rd_domain_reply(request, &json, outcome);
    else
        (void)rd_domain_fail(request, status, &err, outcome, &rd_place_query, "Centers not found");
}

void rd_get_search(struct rd_request *request)
{
    static const struct rd_place at = {&rd_place_query, "keyword", 0};
    struct rd_problems problems = {request->out, 0};
    recsys_domains *domains = rd_domains_get(request);
    char keyword[RD_PARAM_TEXT];
    recsys_value json = {0};
    uint32_t outcome = 0;
    recsys_error err = {0};
    recsys_status status;

    if (domains == NULL || !rd_param_text(request, &problems, keyword_param, keyword) ||
        !rd_reply_problems(request, &problems))
        return;
    status = recsys_recycling_search_guides(domains, keyword, &json, &outcome, &err);
    if (status == RECSYS_OK)
        rd_domain_reply(request, &json, outcome);
    else
        (void)rd_domain_fail(request, status, &err, outcome, &at, "Guides not found");
}
