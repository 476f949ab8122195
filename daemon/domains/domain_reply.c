/* daemon/domains/domain_reply.c - from the library's outcomes to HTTP.
 *
 * X-Cache shows the outcome of the cache. If the database does not answer, the reply is 503 with
 * Retry-After. The database's message goes to the log and never to the client, because it may
 * contain names of hosts and tables. If Redis does not answer, that is no failure: the library
 * reads from the database, and X-Cache is bypass.
 */
#include "daemon/domains/domain_reply.h"

#include <string.h>

#include "daemon/domains/domains.h"
#include "daemon/http/failure.h"
#include "daemon/http/reply.h"
#include "lib/base/json_write.h"

#define LONGEST_KEY "character:missions:{user_id}"

recsys_domains *rd_domains_get(struct rd_request *request)
{
    const struct rd_domains *part = request->part;

    if (part->domains == NULL)
        (void)rd_reply_error(request, 503, "No database is configured: set database");
    return part->domains;
}

void rd_domain_reply(struct rd_request *request, recsys_value *json, uint32_t outcome)
{
    request->status = 200;
    request->cache_use = outcome;
    rs_buffer_add(request->out, json->data, json->size);
    recsys_value_release(json);
}

void rd_domain_reply_change(struct rd_request *request, const char *message, const char *name,
                            recsys_value *json)
{
    struct rs_buffer *out = request->out;
    const struct rd_domains *part = request->part;
    bool is_delivered = rd_write_wait_for_caches(part->write_wait, request->route->path);

    request->status = 200;
    rs_buffer_add_text(out, "{\"message\":");
    rs_json_put_string(out, message);
    rs_buffer_add(out, ",", 1);
    rs_json_put_string(out, name);
    rs_buffer_add(out, ":", 1);
    rs_buffer_add(out, json->data, json->size);
    if (!is_delivered)
        rs_buffer_add_text(out, ",\"delivered\":false");
    rs_buffer_add(out, "}", 1);
    recsys_value_release(json);
}

bool rd_domain_takes_id(struct rd_request *request, const char *parameter)
{
    const struct rd_place at = {&rd_place_path, parameter, 0};
    const recsys_bytes id = {request->param, strlen(request->param)};
    char key[RECSYS_KEY_MAX + 1];
    size_t size = sizeof key;
    recsys_error err = {0};

    return recsys_key_format(LONGEST_KEY, &id, 1, key, &size, &err) != RECSYS_E_LIMIT ||
           rd_reply_refusal(request, &at, &err);
}

bool rd_domain_fail(struct rd_request *request, recsys_status status, const recsys_error *err,
                    uint32_t outcome, const struct rd_place *place, const char *missing)
{
    if (status != RECSYS_E_NOT_FOUND && status != RECSYS_E_UNDEFINED)
        return rd_reply_database_failure(request, status, err, place);
    request->cache_use = outcome;
    return rd_reply_error(request, 404, missing);
}

bool rd_domain_get(struct rd_request *request, const char *name, const char *parameter,
                   uint32_t limit, const char *missing, struct rd_domain_value *value)
{
    const struct rd_place at = {&rd_place_path, parameter, 0};
    const char *const values[] = {request->param};
    recsys_domains *domains = rd_domains_get(request);
    recsys_error err = {0};
    recsys_status status;

    memset(value, 0, sizeof *value);
    if (domains == NULL || (parameter != NULL && !rd_domain_takes_id(request, parameter)))
        return false;
    status = recsys_domains_get(domains, name, values, parameter != NULL ? 1 : 0, limit,
                                &value->json, &value->outcome, &err);
    return status == RECSYS_OK ||
           rd_domain_fail(request, status, &err, value->outcome, &at, missing);
}

void rd_domain_read(struct rd_request *request, const char *name, const char *parameter,
                    uint32_t limit, const char *missing)
{
    struct rd_domain_value value;

    if (rd_domain_get(request, name, parameter, limit, missing, &value))
        rd_domain_reply(request, &value.json, value.outcome);
}
