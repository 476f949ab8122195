/* lib/recycling/ready_domain.h - a ready domain of a set, for the functions that read it. */
#ifndef RS_RECYCLING_READY_DOMAIN_H
#define RS_RECYCLING_READY_DOMAIN_H

#include "lib/domain/domain.h"

/* The set's domain `name`, which must be read by `way`: E_UNDEFINED for another
 * domain of the same name. */
recsys_status rs_ready_domain_find(const recsys_domains *domains, const char *name,
                                   const struct rs_domain_way *way, const struct rs_domain **out,
                                   recsys_error *err);

#endif
