/* daemon/auth/revoked_until.h - the last exp that a revoked token can have.
 *
 * A denylist keeps a token for eleven minutes after its exp (recsys/denylist.h): as long as any
 * recsysd could accept it, whatever jwt_leeway_s is, since daemons may have different values.
 */
#ifndef RECSYSD_REVOKED_UNTIL_H
#define RECSYSD_REVOKED_UNTIL_H

#include "daemon/config/config_table.h"

#define RD_MAX_TIME_S 253402300799 /* the end of the year 9999 */

_Static_assert(RD_MAX_LEEWAY_S <= 600, "a revoked token must stay on the list that long");

#endif
