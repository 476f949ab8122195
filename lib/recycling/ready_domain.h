/* lib/recycling/ready_domain.h - find a ready domain, and begin a function that uses one. */
#ifndef RS_RECYCLING_READY_DOMAIN_H
#define RS_RECYCLING_READY_DOMAIN_H

#include "lib/domain/domain.h"

/* The set's domain `name`, which must be read by `way`: E_UNDEFINED for another
 * domain of the same name. */
recsys_status rs_ready_domain_find(const recsys_domains *domains, const char *name,
                                   const struct rs_domain_way *way, const struct rs_domain **out,
                                   recsys_error *err);

/* How every function of recsys/recycling.h begins: its outputs are empty. E_INVALID if `domains`
 * or `json` is NULL. `outcome` may be NULL. */
recsys_status rs_ready_begin(const recsys_domains *domains, recsys_value *json, uint32_t *outcome,
                             const char *function, recsys_error *err);

#endif
