/* lib/aside/aside_arguments.c - may a cache take this key, and this value?
 *
 * Every public function checks its arguments here, so all refuse the same.
 */
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/store/store.h"

recsys_status rs_aside_check_key(const recsys_aside *aside, recsys_bytes key, const char *function,
                                 recsys_error *err)
{
    const char *bytes = key.data;

    if (aside == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: the cache is NULL", function);
    if (bytes == NULL || key.size == 0 || key.size > RECSYS_KEY_MAX)
        return rs_error(err, RECSYS_E_INVALID, "%s: a key has 1 to %u bytes, this one has %zu",
                        function, RECSYS_KEY_MAX, bytes == NULL ? (size_t)0 : key.size);
    if (rs_aside_is_own(aside, bytes, key.size))
        return rs_error(err, RECSYS_E_INVALID, "%s: keys that begin with '~'%s are the cache's own",
                        function, aside->is_plain ? "" : " or end in \"~r\"");
    return rs_store_check_fork(aside->store, err);
}

recsys_status rs_aside_check_value(const recsys_aside *aside, recsys_bytes value, recsys_error *err)
{
    json_t *parsed = NULL;

    if ((aside->flags & RECSYS_ASIDE_JSON) == 0)
        return RECSYS_OK;
    recsys_status status =
        rs_json_parse(value.size == 0 ? "" : value.data, value.size, "cached value", &parsed, err);
    json_decref(parsed);
    return status;
}
