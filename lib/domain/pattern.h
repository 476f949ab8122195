/* lib/domain/pattern.h - check and compare key patterns.
 *
 * A pattern is fixed text with {name} for each parameter. recsys_key_format() fills it in; here it
 * is checked, compared with others, and cut where a user's keys begin alike, to invalidate them
 * all.
 */
#ifndef RS_DOMAIN_PATTERN_H
#define RS_DOMAIN_PATTERN_H

#include <stddef.h>

#include "recsys/status.h"

#define RS_PATTERN_PARAMETERS 8u /* at most */

/* E_INVALID unless it is fixed text with parameters between braces, different
 * from each other; `what` is for the message. */
recsys_status rs_pattern_check(const char *pattern, const char *what, size_t *n_parameters,
                               recsys_error *err);

/* 1 if there are values with which both patterns make the same key. -1: no memory. `is_plain`: the
 * last value is as it is (lib/aside/plain_key.h). */
int rs_pattern_overlaps(const char *a, const char *b, int is_plain);

/* Where the second parameter's '{' is; the end of the text if there is none. */
size_t rs_pattern_first_part(const char *pattern);

#endif
