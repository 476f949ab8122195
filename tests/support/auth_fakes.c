/* tests/support/auth_fakes.c - see auth_fakes.h. */
#include "tests/support/auth_fakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/check.h"

#define TIME "2026-06-01T00:00:00Z"
#define GRACE_S 660

static recsys_error problem;

static uint64_t now_ms(const struct auth_database *database)
{
    struct timespec now;

    if (database->now_ms != NULL)
        return database->now_ms();
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static int is_live(const struct auth_database *database, const struct auth_token *token)
{
    return token->expires_s > (int64_t)(now_ms(database) / 1000u) - GRACE_S;
}

static struct auth_token *find(struct auth_database *database, const char *jti, size_t size)
{
    for (size_t i = 0; i < database->n_tokens; i++)
        if (strlen(database->tokens[i].jti) == size &&
            memcmp(database->tokens[i].jti, jti, size) == 0)
            return &database->tokens[i];
    return NULL;
}

/* The tokens stay in the order of their revisions. */
static void append(struct auth_database *database, const struct auth_token *token)
{
    if (database->n_tokens == database->room) {
        database->room *= 2;
        database->tokens = realloc(database->tokens, database->room * sizeof *database->tokens);
        CHECK(database->tokens != NULL);
    }
    database->tokens[database->n_tokens] = *token;
    database->tokens[database->n_tokens++].revision = ++database->revision;
}

static void remove_token(struct auth_database *database, struct auth_token *token)
{
    size_t n_after = (size_t)(database->tokens + database->n_tokens - (token + 1));

    memmove(token, token + 1, n_after * sizeof *token);
    database->n_tokens--;
}

static recsys_status add_columns(recsys_rows *rows, const char *const *names, recsys_error *err)
{
    for (; *names != NULL; names++)
        TRY(recsys_rows_add_column(rows, *names, err));
    return RECSYS_OK;
}

static recsys_datum time_of(int64_t unix_s, char text[32])
{
    time_t seconds = (time_t)unix_s;
    struct tm parts;

    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    return (recsys_datum){.type = RECSYS_TYPE_TIME, .text = text, .size = strlen(text)};
}

static recsys_datum text_or_null(const char *text)
{
    return *text == '\0' ? (recsys_datum){.type = RECSYS_TYPE_NULL} : recsys_datum_text(text);
}

static recsys_status add_entry(recsys_rows *rows, const struct auth_token *token, recsys_error *err)
{
    recsys_datum began = {.type = RECSYS_TYPE_TIME, .text = TIME, .size = strlen(TIME)};
    char expires[32];

    TRY(recsys_rows_add(rows, text_or_null(token->user_id), err));
    TRY(recsys_rows_add(rows, text_or_null(token->reason), err));
    TRY(recsys_rows_add(rows, began, err));
    return recsys_rows_add(rows, time_of(token->expires_s, expires), err);
}

static void copy(char *out, size_t room, recsys_datum text)
{
    snprintf(out, room, "%.*s", (int)text.size, text.size == 0 ? "" : text.text);
}

static recsys_status revoke(struct auth_database *database, const recsys_datum *parameters,
                            recsys_rows *rows, recsys_error *err)
{
    static const char *const names[] = {"user_id", "reason", "blacklisted_at", "expires_at", NULL};
    struct auth_token *known = find(database, parameters[0].text, parameters[0].size), token = {0};

    if (known != NULL) {
        token = *known;
        remove_token(database, known);
    } else {
        copy(token.jti, sizeof token.jti, parameters[0]);
        copy(token.user_id, sizeof token.user_id, parameters[1]);
        copy(token.reason, sizeof token.reason, parameters[2]);
    }
    if (token.expires_s < parameters[3].number)
        token.expires_s = parameters[3].number;
    append(database, &token);
    TRY(add_columns(rows, names, err));
    return add_entry(rows, &token, err);
}

/* revoked_users, in the same table. */
static recsys_status revoke_user(struct auth_database *database, const recsys_datum *parameters,
                                 recsys_rows *rows, recsys_error *err)
{
    struct auth_token user = {.expires_s = INT64_MAX / 2000, .before_s = parameters[2].number};

    snprintf(user.jti, sizeof user.jti, "user:%.*s", (int)parameters[0].size, parameters[0].text);
    struct auth_token *known = find(database, user.jti, strlen(user.jti));
    if (known != NULL) {
        if (known->before_s > user.before_s)
            user.before_s = known->before_s;
        remove_token(database, known);
    }
    copy(user.user_id, sizeof user.user_id, parameters[0]);
    copy(user.reason, sizeof user.reason, parameters[1]);
    append(database, &user);
    TRY(recsys_rows_add_column(rows, "before_s", err));
    return recsys_rows_add(rows, recsys_datum_integer(user.before_s), err);
}

static recsys_datum integer_or_null(int64_t number)
{
    return number == 0 ? (recsys_datum){.type = RECSYS_TYPE_NULL} : recsys_datum_integer(number);
}

static recsys_status add_point(const struct auth_database *database, recsys_rows *rows,
                               recsys_error *err)
{
    recsys_datum is_replica = {.type = RECSYS_TYPE_BOOL, .number = database->is_replica};
    char history[32];

    snprintf(history, sizeof history, "7/%u/16384", database->timeline);
    TRY(recsys_rows_add(rows, recsys_datum_integer(database->revision), err));
    TRY(recsys_rows_add(rows, recsys_datum_text(history), err));
    return recsys_rows_add(rows, is_replica, err);
}

/* The tokens are in the order of their revisions. */
static recsys_status read_new(struct auth_database *database, const recsys_datum *parameters,
                              recsys_rows *rows, recsys_error *err)
{
    static const char *const names[] = {"newest",   "history",   "is_replica", "jti",
                                        "revision", "expires_s", "before_s",   NULL};
    int64_t n = 0;

    TRY(add_columns(rows, names, err));
    for (size_t i = 0; i < database->n_tokens && n < parameters[1].number; i++) {
        const struct auth_token *token = &database->tokens[i];
        if (token->revision <= parameters[0].number || !is_live(database, token))
            continue;
        TRY(add_point(database, rows, err));
        TRY(recsys_rows_add(
            rows, recsys_datum_text(token->before_s != 0 ? token->user_id : token->jti), err));
        TRY(recsys_rows_add(rows, recsys_datum_integer(token->revision), err));
        TRY(recsys_rows_add(rows, recsys_datum_integer(token->expires_s), err));
        TRY(recsys_rows_add(rows, integer_or_null(token->before_s), err));
        n++;
    }
    if (n > 0)
        return RECSYS_OK;
    TRY(add_point(database, rows, err));
    for (int i = 0; i < 4; i++)
        TRY(recsys_rows_add(rows, (recsys_datum){.type = RECSYS_TYPE_NULL}, err));
    return RECSYS_OK;
}

static recsys_status get(struct auth_database *database, const recsys_datum *parameters,
                         recsys_rows *rows, recsys_error *err)
{
    static const char *const names[] = {"jti",        "user_id", "reason", "blacklisted_at",
                                        "expires_at", NULL};
    const struct auth_token *token = find(database, parameters[0].text, parameters[0].size);

    TRY(add_columns(rows, names, err));
    if (token == NULL || !is_live(database, token))
        return RECSYS_OK;
    TRY(recsys_rows_add(rows, recsys_datum_text(token->jti), err));
    return add_entry(rows, token, err);
}

/* In the order of their names, as a database would. */
static recsys_status read_page(struct auth_database *database, const recsys_datum *parameters,
                               recsys_rows *rows, recsys_error *err)
{
    static const char *const names[] = {"jti",       "user_id",  "reason", "began_s",
                                        "expires_s", "before_s", NULL};
    const struct auth_token *last = NULL;
    char after[264];

    snprintf(after, sizeof after, "%.*s", (int)parameters[0].size, parameters[0].text);
    TRY(add_columns(rows, names, err));
    for (int64_t n = 0; n < parameters[1].number; n++) {
        const struct auth_token *next = NULL;
        for (size_t i = 0; i < database->n_tokens; i++) {
            const struct auth_token *token = &database->tokens[i];
            if (token->expires_s > (int64_t)(now_ms(database) / 1000u) &&
                strcmp(token->jti, last == NULL ? after : last->jti) > 0 &&
                (next == NULL || strcmp(token->jti, next->jti) < 0))
                next = token;
        }
        if (next == NULL)
            return RECSYS_OK;
        TRY(recsys_rows_add(rows, recsys_datum_text(next->jti), err));
        TRY(recsys_rows_add(rows, text_or_null(next->user_id), err));
        TRY(recsys_rows_add(rows, text_or_null(next->reason), err));
        TRY(recsys_rows_add(rows, recsys_datum_integer(1780272000), err));
        TRY(recsys_rows_add(rows, recsys_datum_integer(next->expires_s), err));
        TRY(recsys_rows_add(rows, integer_or_null(next->before_s), err));
        last = next;
    }
    return RECSYS_OK;
}

static recsys_status ask(struct auth_database *database, const recsys_datum *parameters,
                         recsys_rows *rows, recsys_error *err)
{
    const struct auth_token *token = find(database, parameters[0].text, parameters[0].size);
    char name[300];

    TRY(recsys_rows_add_column(rows, "?column?", err));
    if (parameters[1].type == RECSYS_TYPE_TEXT) {
        int size =
            snprintf(name, sizeof name, "user:%.*s", (int)parameters[1].size, parameters[1].text);
        const struct auth_token *user = find(database, name, (size_t)size);
        if (user != NULL && user->before_s > parameters[2].number)
            TRY(recsys_rows_add(rows, recsys_datum_integer(1), err));
    }
    if (token == NULL || !is_live(database, token))
        return RECSYS_OK;
    return recsys_rows_add(rows, recsys_datum_integer(1), err);
}

static int begins(const char *statement, const char *with)
{
    return strncmp(statement, with, strlen(with)) == 0;
}

static recsys_status run(struct auth_database *database, const char *statement,
                         const recsys_datum *parameters, recsys_rows *rows, recsys_error *err)
{
    if (begins(statement, "WITH next"))
        return revoke(database, parameters, rows, err);
    if (begins(statement, "WITH stamp"))
        return revoke_user(database, parameters, rows, err);
    if (begins(statement, "SELECT r.revision")) {
        atomic_fetch_add(&database->n_reads, 1);
        return read_new(database, parameters, rows, err);
    }
    if (begins(statement, "SELECT 1")) {
        atomic_fetch_add(&database->n_asks, 1);
        return ask(database, parameters, rows, err);
    }
    if (begins(statement, "SELECT jti"))
        return get(database, parameters, rows, err);
    if (begins(statement, "SELECT t.jti"))
        return read_page(database, parameters, rows, err);
    CHECK(begins(statement, "DELETE FROM auth_db.revoked_tokens"));
    atomic_fetch_add(&database->n_deletes, 1);
    return RECSYS_OK;
}

static recsys_status say(recsys_error *err, recsys_status status, const char *message)
{
    if (err != NULL) {
        memset(err, 0, sizeof *err);
        err->status = status;
        snprintf(err->message, sizeof err->message, "%s", message);
    }
    return status;
}

static recsys_status query(void *self, void *session, const char *statement,
                           const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                           recsys_rows *rows, recsys_error *err)
{
    struct auth_database *database = self;
    void (*hook)(void *arg) = NULL;

    CHECK(session == NULL && n <= 4 && timeout_ms > 0);
    int fail = atomic_load(&database->fail);
    if (fail != RECSYS_OK) {
        if (atomic_load(&database->fail_next) > 0 && atomic_fetch_sub(&database->fail_next, 1) == 1)
            atomic_store(&database->fail, RECSYS_OK);
        return say(err, fail, "the fake database was told to fail");
    }
    if (begins(statement, "SELECT r.revision") && timeout_ms < atomic_load(&database->slow_ms)) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        return say(err, RECSYS_E_TIMEOUT, "the fake database is slow");
    }
    pthread_mutex_lock(&database->lock);
    recsys_status status = run(database, statement, parameters, rows, err);
    if (begins(statement, "SELECT r.revision")) {
        hook = database->after_read;
        database->after_read = NULL;
    }
    pthread_mutex_unlock(&database->lock);
    if (hook != NULL)
        hook(database->after_read_arg);
    return status;
}

static recsys_status begin(void *self, uint32_t timeout_ms, void **session, recsys_error *err)
{
    (void)self, (void)timeout_ms, (void)session;
    return say(err, RECSYS_E_INTERNAL, "the fake database has no transactions");
}

static recsys_status end(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                         recsys_error *err)
{
    (void)commit;
    return begin(self, timeout_ms, session, err);
}

static void ignore(void *self)
{
    (void)self;
}

void auth_database_init(struct auth_database *database)
{
    memset(database, 0, sizeof *database);
    CHECK_EQ(pthread_mutex_init(&database->lock, NULL), 0);
    database->room = 64;
    database->tokens = malloc(database->room * sizeof *database->tokens);
    CHECK(database->tokens != NULL);
}

void auth_database_destroy(struct auth_database *database)
{
    free(database->tokens);
    pthread_mutex_destroy(&database->lock);
}

recsys_source *auth_database_open(struct auth_database *database)
{
    const recsys_source_driver driver = {.struct_size = (uint32_t)sizeof driver,
                                         .query = query,
                                         .begin = begin,
                                         .end = end,
                                         .destroy = ignore};
    recsys_source *source;

    CHECK_OK(recsys_source_create("auth", &driver, database, &source, &problem), &problem);
    return source;
}

void auth_database_add(struct auth_database *database, const char *jti, int64_t expires_s)
{
    struct auth_token token = {.expires_s = expires_s};

    snprintf(token.jti, sizeof token.jti, "%s", jti);
    pthread_mutex_lock(&database->lock);
    append(database, &token);
    pthread_mutex_unlock(&database->lock);
}

/* -- link -- */

static recsys_status enter(struct auth_link *link, recsys_error *err)
{
    int fail = atomic_load(&link->fail);

    atomic_fetch_add(&link->n_calls, 1);
    if (fail == RECSYS_OK)
        return RECSYS_OK;
    if (atomic_load(&link->fail_next) > 0 && atomic_fetch_sub(&link->fail_next, 1) == 1)
        atomic_store(&link->fail, RECSYS_OK);
    return say(err, fail, "the link was told to fail");
}

static recsys_status link_get(void *self, const recsys_bytes *keys, size_t n, recsys_value *values,
                              uint64_t *incarnation, recsys_error *err)
{
    struct auth_link *link = self;

    void (*hook)(void) = link->before_get;

    if (hook != NULL) {
        link->before_get = NULL;
        hook();
    }
    TRY(enter(link, err));
    TRY(recsys_store_get(link->to, keys, n, values, incarnation, err));
    *incarnation += atomic_load(&link->incarnation);
    return RECSYS_OK;
}

static recsys_status link_set(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                              uint32_t when, recsys_error *err)
{
    struct auth_link *link = self;

    TRY(enter(link, err));
    if (atomic_load(&link->drop_sets))
        return RECSYS_OK;
    return recsys_store_set(link->to, key, value, ttl_ms, when, err);
}

static recsys_status link_remove(void *self, const recsys_bytes *keys, size_t n,
                                 uint64_t *n_removed, recsys_error *err)
{
    struct auth_link *link = self;

    TRY(enter(link, err));
    return recsys_store_remove(link->to, keys, n, n_removed, err);
}

static recsys_status link_get_or_set(void *self, recsys_bytes key, recsys_bytes value,
                                     uint64_t ttl_ms, recsys_value *present, uint64_t *incarnation,
                                     recsys_error *err)
{
    struct auth_link *link = self;

    TRY(enter(link, err));
    TRY(recsys_store_get_or_set(link->to, key, value, ttl_ms, present, incarnation, err));
    *incarnation += atomic_load(&link->incarnation);
    return RECSYS_OK;
}

static recsys_status link_replace(void *self, recsys_bytes key, recsys_bytes prefix,
                                  recsys_bytes value, uint64_t ttl_ms, recsys_error *err)
{
    struct auth_link *link = self;

    TRY(enter(link, err));
    return recsys_store_replace(link->to, key, prefix, value, ttl_ms, err);
}

#define FIRST_PAGE ((uint64_t)1 << 63) /* as the in-process store has it */

static recsys_status link_scan(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                               recsys_key_callback callback, void *user_data, recsys_error *err)
{
    struct auth_link *link = self;

    TRY(enter(link, err));
    recsys_status status;
    do /* all of them are one page */
        status = recsys_store_scan(link->to, parts, n, cursor, callback, user_data, err);
    while (status == RECSYS_OK && *cursor != 0);
    if (status == RECSYS_E_STOPPED)
        *cursor = FIRST_PAGE; /* the same keys again, as Redis gives them */
    return status;
}

static recsys_status link_rate_limit(void *self, recsys_bytes key, uint64_t emission_us,
                                     uint32_t burst, uint32_t cost, recsys_rate_decision *out,
                                     recsys_error *err)
{
    struct auth_link *link = self;

    TRY(enter(link, err));
    return recsys_store_rate_limit(link->to, key, emission_us, burst, cost, out, err);
}

static recsys_status link_ping(void *self, recsys_error *err)
{
    return enter(self, err);
}

recsys_store *auth_link_open(struct auth_link *link, recsys_store *to)
{
    const recsys_store_driver driver = {.struct_size = (uint32_t)sizeof driver,
                                        .get = link_get,
                                        .set = link_set,
                                        .remove = link_remove,
                                        .get_or_set = link_get_or_set,
                                        .replace = link_replace,
                                        .scan = link_scan,
                                        .rate_limit = link_rate_limit,
                                        .ping = link_ping,
                                        .destroy = ignore};
    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;
    recsys_store *store;

    memset(link, 0, sizeof *link);
    link->to = to;
    options.failures = UINT32_MAX;
    CHECK_OK(recsys_store_create("link", &driver, link, &options, &store, &problem), &problem);
    return store;
}
