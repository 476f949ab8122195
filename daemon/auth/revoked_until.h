/* daemon/auth/revoked_until.h - how long a token stays on the denylist.
 *
 * As long as any recsysd could accept it, whatever jwt_leeway_s is: daemons may have different
 * values, an operator may raise it later, and recsysctl does not know it.
 */
#ifndef RECSYSD_REVOKED_UNTIL_H
#define RECSYSD_REVOKED_UNTIL_H

#include <stdint.h>

#include "daemon/config/config_table.h"

#define RD_MAX_TIME_S 253402300799 /* the end of the year 9999 */

/* The last argument of recsys_denylist_revoke(); `expires_s` is the token's exp. */
static inline uint64_t rd_revoked_until_s(uint64_t expires_s)
{
    uint64_t last_s = RD_MAX_TIME_S - RD_MAX_LEEWAY_S;

    return (expires_s < last_s ? expires_s : last_s) + RD_MAX_LEEWAY_S;
}

#endif
