/* recsys/recycling.h - the ready domains of the recycling service. Group: recycling.
 *
 * Users, characters, centres, guides, chats, scans and results of Celery tasks,
 * over the schema of sql/. recsys.h does not include this header, because it
 * belongs to one service; it also shows how to build on domain.h.
 * docs/caching-protocol.md lists their keys.
 */
#ifndef RECSYS_RECYCLING_H
#define RECSYS_RECYCLING_H

#include <stdint.h>

#include "domain.h"
#include "export.h"
#include "status.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Add the ready domains to a set, all or none. The functions below need a set
 * that has them, and fail with E_UNDEFINED on any other. Call it before several
 * threads use the set.
 *
 * Fails with: E_INVALID, E_EXISTS (a domain of the set has the name of one of
 *   them, or its keys), E_NOMEM. Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_recycling_add_domains(recsys_domains *domains,
                                                                       recsys_error *err);

/*
 * Change members of a user's profile.
 *
 * members  a JSON object of at most 64 KiB with any of name, email, phone,
 *          avatar_url and preferences
 * json     receives the whole profile after the change
 *
 * Fails with: E_NOT_FOUND (no such user), E_FORMAT (no object, an unknown
 *   member, a wrong type: the message names it), E_LIMIT, E_EXISTS (another user
 *   has this email), E_INVALID, the database's status. Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_recycling_update_user(recsys_domains *domains,
                                                                       const char *user_id,
                                                                       recsys_bytes members,
                                                                       recsys_value *json,
                                                                       recsys_error *err);

/*
 * Give a character experience. One statement in the database adds it, raises the
 * level (by several levels, if need be) and returns the row, which then replaces
 * the cached one.
 *
 * amount    1..1000000000
 * award_id  a name for this award, unique for the user. It makes a retry harmless:
 *           a second call with it adds nothing. NULL = none
 * json      receives the character's state, "leveled_up" (levels gained) and
 *           "awarded" (false: this award_id was used before)
 *
 * Fails with: E_NOT_FOUND, E_INVALID (an award_id that was used with another
 *   amount), the database's status. Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_recycling_gain_experience(recsys_domains *domains, const char *user_id, int64_t amount,
                                 const char *award_id, recsys_value *json, recsys_error *err);

/*
 * The nearest recycling centres, at most 20, nearest first, ties by id. "distance"
 * is in metres with two decimals. Every answer equals that of PostGIS (WGS 84
 * ellipsoid). The cache keeps candidates for each geohash cell of 5 characters.
 *
 * latitude   -90..90 degrees, longitude -180..180 degrees
 * radius_km  1..100
 *
 * Fails with: E_INVALID, the database's status. Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_recycling_find_nearby(
    recsys_domains *domains, double latitude, double longitude, uint32_t radius_km,
    recsys_value *json, uint32_t *outcome, recsys_error *err);

/* Guides whose title or content contains `keyword` (1..100 characters; case is
 * ignored), at most 50. % and _ have no special meaning. Fails with: E_INVALID, the
 * database's status. Since: 0.2 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_recycling_search_guides(recsys_domains *domains,
                                                                         const char *keyword,
                                                                         recsys_value *json,
                                                                         uint32_t *outcome,
                                                                         recsys_error *err);

/* Store a message (1..65536 bytes) and its answer (0..65536); json receives the
 * new row. Fails with: E_INVALID, the database's status. Since: 0.2 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_recycling_add_message(recsys_domains *domains, const char *user_id, const char *message,
                             const char *response, recsys_value *json, recsys_error *err);

/*
 * A Celery task's result, as its worker wrote it to celery-task-meta-{id} in
 * logical db 9 (Celery's JSON serialiser). It is read from the store each time,
 * without a cache.
 *
 * json  {"task_id","status","ready","successful","result","traceback","date_done"}, and as far as
 *       the worker wrote them: "children", "group_id", "parent_id", "name", "args", "kwargs",
 *       "worker", "retries", "queue"; "stamps" is an object of the stamped headers. A stamp named
 *       "status" or "result" stands over Celery's own member, which is null then. NaN and
 *       Infinity, which Python writes, become null. A result that was compressed with gzip
 *       (result_compression) is inflated.
 *
 * Fails with: E_NOT_FOUND (no result: pending, unknown or expired), E_UNDEFINED
 *   (logical db 9 has no store that workers could write to), E_FORMAT (not JSON;
 *   pickled results are refused without reading them), E_LIMIT (the result is too
 *   large), E_INVALID, the store's status. Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_recycling_get_task(recsys_domains *domains,
                                                                    const char *task_id,
                                                                    recsys_value *json,
                                                                    recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
