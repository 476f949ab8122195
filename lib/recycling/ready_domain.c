/* lib/recycling/ready_domain.c - see ready_domain.h. */
#include "lib/recycling/ready_domain.h"

#include <string.h>

#include "lib/base/error.h"

recsys_status rs_ready_domain_find(const recsys_domains *domains, const char *name,
                                   const struct rs_domain_way *way, const struct rs_domain **out,
                                   recsys_error *err)
{
    recsys_status status = rs_domains_find(domains, name, way->read_by, out, err);

    if (status == RECSYS_OK && (*out)->way != way)
        return rs_error(err, RECSYS_E_UNDEFINED,
                        "%s: %s of this set is not the ready domain; add that with "
                        "recsys_recycling_add_domains()",
                        way->read_by, name);
    return status;
}

recsys_status rs_ready_begin(const recsys_domains *domains, recsys_value *json, uint32_t *outcome,
                             const char *function, recsys_error *err)
{
    if (json != NULL)
        memset(json, 0, sizeof *json);
    if (outcome != NULL)
        *outcome = 0;
    if (domains == NULL || json == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: an argument is missing", function);
    return RECSYS_OK;
}
