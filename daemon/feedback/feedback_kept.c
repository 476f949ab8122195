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

#include "daemon/process/logger.h"
#include "daemon/recommend/recent.h"
#include "lib/base/json_write.h"

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
    definition.key = RD_FEEDBACK_KEY;
    definition.query = query;
    return recsys_domains_add(domains, &definition, err);
}

/* In the order of the unique index, so that two requests with the same events wait for each other
 * and do not deadlock. */
#define INSERT                                                                                     \
    "INSERT INTO feedback_db.events (user_id, item_id, kind, value, event_id, happened_at) "       \
    "SELECT user_id, item_id, kind, value, event_id, to_timestamp(ms / 1000.0) "                   \
    "FROM jsonb_to_recordset($1::text::jsonb) AS given(user_id text, item_id text, kind text, "    \
    "value float8, event_id text, ms bigint) ORDER BY user_id, event_id "                          \
    "ON CONFLICT DO NOTHING RETURNING 1"
static const char insert[] = INSERT;
/* The id of a row of the outbox is chosen at random. */
static const char insert_noted[] =
    "WITH noted AS (INSERT INTO cache_db.outbox (id, db, key) "
    "SELECT floor(random() * 9e15)::bigint, 2, key "
    "FROM jsonb_array_elements_text($2::text::jsonb) AS keys(key)) " INSERT;

static int compare_users(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The users of the events, each once. NULL: no memory. */
static const char **list_users(const struct rd_event *events, size_t n, size_t *n_users)
{
    const char **users = calloc(n, sizeof *users);

    *n_users = 0;
    for (size_t i = 0; users != NULL && i < n; i++)
        users[i] = events[i].user;
    if (users != NULL)
        qsort(users, n, sizeof *users, compare_users);
    for (size_t i = 0; users != NULL && i < n; i++)
        if (i == 0 || strcmp(users[i], users[*n_users - 1]) != 0)
            users[(*n_users)++] = users[i];
    return users;
}

/* Each user's key, in both forms: as it is, and as private caches have it. */
static void write_keys(struct rs_buffer *out, const char *const *users, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const recsys_bytes user = {users[i], strlen(users[i])};
        char key[RECSYS_KEY_MAX + 1];
        size_t size = sizeof key;
        recsys_error err = {0};

        (void)snprintf(key, sizeof key, RD_FEEDBACK_KEY_START "%s", users[i]);
        rs_buffer_add(out, i > 0 ? "," : "[", 1);
        rs_json_put_string(out, key);
        if (recsys_key_format(RD_FEEDBACK_KEY, &user, 1, key, &size, &err) != RECSYS_OK ||
            strcmp(key + strlen(RD_FEEDBACK_KEY_START), users[i]) == 0)
            continue;
        rs_buffer_add(out, ",", 1);
        rs_json_put_string(out, key);
    }
    rs_buffer_add(out, "]", 1);
}

/* The rows are committed: what is left to do cannot make this a failure. */
static void invalidate(recsys_domains *domains, const char *const *users, size_t n)
{
    recsys_error err = {0};

    for (size_t i = 1; i < n; i++) /* the write was around the first one's */
        if (recsys_domains_invalidate(domains, DOMAIN, &users[i], 1, &err) != RECSYS_OK)
            rd_log_seldom(RECSYS_LOG_WARN, "feedback: %s", err.message);
}

static recsys_status run_insert(recsys_domains *domains, bool has_outbox,
                                const struct rd_event *events, size_t n, const char *const *users,
                                size_t n_users, recsys_rows **rows, recsys_error *err)
{
    static const char *const names[] = {DOMAIN};
    struct rs_buffer json = RS_BUFFER_INIT(n * ONE_EVENT + 3u);
    struct rs_buffer keys = RS_BUFFER_INIT(n_users * 8u * RECSYS_KEY_MAX + 3u);
    recsys_status status;

    rd_events_write(&json, events, n);
    write_keys(&keys, users, n_users);
    status = json.status != RECSYS_OK ? json.status : keys.status;
    if (status == RECSYS_OK) {
        const recsys_datum parameters[] = {recsys_datum_text(json.bytes),
                                           recsys_datum_text(keys.bytes)};

        status =
            recsys_domains_write(domains, names, 1, users, 1, has_outbox ? insert_noted : insert,
                                 parameters, has_outbox ? 2 : 1, rows, err);
    }
    rs_buffer_destroy(&json);
    rs_buffer_destroy(&keys);
    return status;
}

recsys_status rd_feedback_kept_add(recsys_domains *domains, bool has_outbox,
                                   const struct rd_event *events, size_t n, size_t *n_new,
                                   recsys_error *err)
{
    recsys_rows *rows = NULL;
    recsys_status status = RECSYS_E_NOMEM;
    size_t n_users;
    const char **users = list_users(events, n, &n_users);

    *n_new = 0;
    if (users != NULL)
        status = run_insert(domains, has_outbox, events, n, users, n_users, &rows, err);
    if (status == RECSYS_OK) {
        *n_new = recsys_rows_count(rows);
        invalidate(domains, users, n_users);
    }
    recsys_rows_destroy(rows);
    free(users);
    return status;
}

recsys_status rd_feedback_kept_recent(recsys_domains *domains, const char *user, recsys_value *json,
                                      recsys_error *err)
{
    const char *const values[] = {user};

    return recsys_domains_get(domains, DOMAIN, values, 1, 0, json, NULL, err);
}
