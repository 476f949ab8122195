/* lib/denylist/denylist_arguments.c - the arguments of the public functions: checked, and made into
 * keys of the store and parameters of the database.
 *
 * A token is named by its jti, the id that the JSON Web Token carries (RFC 7519, 4.1.7). In the
 * store its entry lies under the key `blacklist:{jti}`; in a statement the jti is a parameter.
 * Every public function checks its denylist and its jti here, so all refuse the same.
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/utf8.h"
#include "lib/denylist/denylist.h"

#define MAX_JTI 255u

recsys_status rs_denylist_is_usable(const struct recsys_denylist *denylist, const char *function,
                                    recsys_error *err)
{
    if (denylist == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: denylist is NULL", function);
    return rs_fork_check(denylist->forks, "a denylist", err);
}

recsys_status rs_denylist_check_jti(recsys_bytes jti, const char *function, recsys_error *err)
{
    if (jti.data == NULL || jti.size == 0 || jti.size > MAX_JTI ||
        !rs_utf8_is_valid(jti.data, jti.size))
        return rs_error(err, RECSYS_E_INVALID, "%s: the jti is not 1..%u bytes of UTF-8", function,
                        MAX_JTI);
    return RECSYS_OK;
}

recsys_status rs_denylist_check_user_id(const char *user_id, const char *function,
                                        recsys_error *err)
{
    size_t size = user_id == NULL ? 0 : strnlen(user_id, MAX_JTI + 1u);

    if (size == 0 || size > MAX_JTI || !rs_utf8_is_valid(user_id, size))
        return rs_error(err, RECSYS_E_INVALID, "%s: the user_id is not 1..%u bytes of UTF-8",
                        function, MAX_JTI);
    return RECSYS_OK;
}

recsys_bytes rs_denylist_key(recsys_bytes jti, char room[RS_DENYLIST_KEY_SIZE])
{
    memcpy(room, "blacklist:", 10);
    memcpy(room + 10, jti.data, jti.size);
    return (recsys_bytes){room, 10 + jti.size};
}

recsys_bytes rs_denylist_user_key(recsys_bytes user, char room[RS_DENYLIST_KEY_SIZE])
{
    memcpy(room, "blacklist:user:", 15);
    memcpy(room + 15, user.data, user.size);
    return (recsys_bytes){room, 15 + user.size};
}

recsys_datum rs_denylist_text(recsys_bytes text)
{
    if (text.data == NULL)
        return (recsys_datum){.type = RECSYS_TYPE_NULL};
    return (recsys_datum){.type = RECSYS_TYPE_TEXT, .text = text.data, .size = text.size};
}
