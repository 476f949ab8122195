/* daemon/feedback/feedback_kept.c - see feedback_kept.h.
 *
 * The recent items of a user are a domain as any other: read from the database once, kept in
 * logical db 2 beside the user's activities, invalidated by a write.
 */
#include "daemon/feedback/feedback_kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/recommend/recent.h"

#define DOMAIN "user.feedback"
#define TTL_S 300u
#define NEWEST_EVENTS 5000u /* that are looked at: one item may have many of them */
#define ONE_EVENT (8u * RD_FEEDBACK_ID_MAX * 3u) /* bytes, every byte escaped */

recsys_status rd_feedback_kept_add_domain(recsys_domains *domains, uint32_t window_days,
                                          recsys_error *err)
{
    recsys_domain_definition definition = RECSYS_DOMAIN_DEFINITION_INIT;
    char query[768];

    (void)snprintf(query, sizeof query,
                   "SELECT item_id FROM (SELECT item_id, happened_at, id FROM feedback_db.events "
                   "WHERE user_id = $1::text AND kind <> 'impression' "
                   "AND happened_at > now() - interval '%" PRIu32 " days' "
                   "ORDER BY happened_at DESC, id DESC LIMIT %u) AS newest "
                   "GROUP BY item_id ORDER BY max(happened_at) DESC, max(id) DESC LIMIT %u",
                   window_days, NEWEST_EVENTS, RD_RECENT_MAX);
    definition.name = DOMAIN;
    definition.db = 2;
    definition.flags = RECSYS_DOMAIN_PER_USER;
    definition.shape = RECSYS_SHAPE_COLUMN;
    definition.ttl_s = TTL_S;
    definition.key = "user:feedback:{user_id}";
    definition.query = query;
    return recsys_domains_add(domains, &definition, err);
}

/* In the order of the unique index, so that two requests with the same events wait for each other
 * and do not deadlock. */
static const char insert[] =
    "INSERT INTO feedback_db.events (user_id, item_id, kind, value, event_id, happened_at) "
    "SELECT user_id, item_id, kind, value, event_id, to_timestamp(ms / 1000.0) "
    "FROM jsonb_to_recordset($1::text::jsonb) AS given(user_id text, item_id text, kind text, "
    "value float8, event_id text, ms bigint) ORDER BY user_id, event_id "
    "ON CONFLICT DO NOTHING RETURNING 1";

static int compare_users(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of all users but the first event's. */
static recsys_status invalidate_others(recsys_domains *domains, const struct rd_event *events,
                                       size_t n, recsys_error *err)
{
    const char **users = calloc(n, sizeof *users);
    recsys_status status = users != NULL ? RECSYS_OK : RECSYS_E_NOMEM;

    for (size_t i = 0; status == RECSYS_OK && i < n; i++)
        users[i] = events[i].user;
    if (status == RECSYS_OK)
        qsort(users, n, sizeof *users, compare_users);
    for (size_t i = 0; status == RECSYS_OK && i < n; i++) {
        if (strcmp(users[i], events[0].user) == 0 || (i > 0 && strcmp(users[i], users[i - 1]) == 0))
            continue;
        status = recsys_domains_invalidate(domains, DOMAIN, &users[i], 1, err);
    }
    free(users);
    return status;
}

recsys_status rd_feedback_kept_add(recsys_domains *domains, const struct rd_event *events, size_t n,
                                   size_t *n_new, recsys_error *err)
{
    static const char *const names[] = {DOMAIN};
    const char *const values[] = {events[0].user};
    struct rs_buffer json = RS_BUFFER_INIT(n * ONE_EVENT + 3u);
    recsys_rows *rows = NULL;
    recsys_datum parameter;
    recsys_status status;

    *n_new = 0;
    rd_events_write(&json, events, n);
    if (json.status != RECSYS_OK) {
        rs_buffer_destroy(&json);
        return json.status;
    }
    parameter = recsys_datum_text(json.bytes);
    status = recsys_domains_write(domains, names, 1, values, 1, insert, &parameter, 1, &rows, err);
    if (status == RECSYS_OK) {
        *n_new = recsys_rows_count(rows);
        status = invalidate_others(domains, events, n, err);
    }
    recsys_rows_destroy(rows);
    rs_buffer_destroy(&json);
    return status;
}

recsys_status rd_feedback_kept_recent(recsys_domains *domains, const char *user, recsys_value *json,
                                      recsys_error *err)
{
    const char *const values[] = {user};

    return recsys_domains_get(domains, DOMAIN, values, 1, 0, json, NULL, err);
}
