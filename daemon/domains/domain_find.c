/* daemon/domains/domain_find.c - routes that search: centres near a place, guides by keyword. */
#include <recsys/recycling.h>

#include "daemon/domains/domain_reply.h"
#include "daemon/domains/domains.h"
#include "daemon/http/params.h"
#include "daemon/http/reply.h"

#define RADIUS_KM 5
#define MAX_RADIUS_KM 100
#define MAX_KEYWORD 100u /* characters */

void rd_get_nearby(struct rd_request *request)
{
    struct rd_problems problems = {request->out, 0};
    recsys_domains *domains = rd_domains_get(request);
    double latitude = 0.0, longitude = 0.0;
    int64_t radius = RADIUS_KM;
    recsys_value json = {0};
    uint32_t outcome = 0;
    recsys_error err = {0};
    recsys_status status;

    if (domains == NULL ||
        !rd_param_number(request, &problems, "lat", RD_PARAM_REQUIRED, -90, 90, &latitude) ||
        !rd_param_number(request, &problems, "lon", RD_PARAM_REQUIRED, -180, 180, &longitude) ||
        !rd_param_int(request, &problems, "radius", RD_PARAM_OPTIONAL, 1, MAX_RADIUS_KM, &radius) ||
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

    if (domains == NULL ||
        !rd_param_text(request, &problems, "keyword", RD_PARAM_REQUIRED, 1, MAX_KEYWORD, keyword) ||
        !rd_reply_problems(request, &problems))
        return;
    status = recsys_recycling_search_guides(domains, keyword, &json, &outcome, &err);
    if (status == RECSYS_OK)
        rd_domain_reply(request, &json, outcome);
    else
        (void)rd_domain_fail(request, status, &err, outcome, &at, "Guides not found");
}
