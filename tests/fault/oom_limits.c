/* Out of memory in limiters and denylists: a limit stays a limit, and a revoked token is never
 * clear; see oom.h. */
#include <stdio.h>
#include <string.h>

#include "recsys/denylist.h"
#include "recsys/limiter.h"
#include "tests/support/auth_fakes.h"
#include "tests/support/check.h"
#include "tests/support/oom.h"

FAIL_ALLOC_INTERPOSE;

#define EXPIRES_S ((uint64_t)4102444800u)

static const recsys_bytes bad = {"bad", 3}, good = {"good", 4};

/* Every scenario has these: a database in which `bad` may be revoked, and a store. */
static struct auth_database database;
static recsys_source *source;
static recsys_store *store;

static void open_both(void)
{
    auth_database_init(&database);
    source = auth_database_open(&database);
    CHECK_OK(recsys_store_create_memory("memory", NULL, &store, &oom_err), &oom_err);
}

static void close_both(void)
{
    recsys_store_unref(store);
    recsys_source_unref(source);
    auth_database_destroy(&database);
}

static recsys_denylist *new_denylist(void)
{
    recsys_denylist *denylist = NULL;

    CHECK_OK(recsys_denylist_create(store, source, NULL, &denylist, &oom_err), &oom_err);
    return denylist;
}

static uint32_t verdict_of(recsys_denylist *denylist, recsys_bytes jti)
{
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;

    CHECK_OK(recsys_denylist_check(denylist, jti, &found, &oom_err), &oom_err);
    return found.verdict;
}

static recsys_status create_a_limiter(void)
{
    recsys_limiter *limiter = (recsys_limiter *)&oom_err;
    recsys_status status;

    open_both();
    FAILING(status, recsys_limiter_create(store, NULL, &limiter, &oom_err));
    CHECK(status == RECSYS_OK || limiter == NULL);
    recsys_limiter_destroy(limiter);
    close_both();
    return status;
}

/* Without memory the store fails, and the limiter does not. */
static recsys_status take_from_a_limiter(void)
{
    recsys_limiter *limiter = NULL;
    recsys_limiter_options options = RECSYS_LIMITER_OPTIONS_INIT;
    recsys_limit limit = RECSYS_LIMIT_INIT;
    unsigned n_admitted = 0;
    recsys_status status = RECSYS_OK;

    options.period_ms = 3600000;
    options.burst = 5;
    open_both();
    CHECK_OK(recsys_limiter_create(store, &options, &limiter, &oom_err), &oom_err);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(recsys_limiter_allow(limiter, (recsys_bytes){"key", 3}, 1, &limit, &oom_err),
                 &oom_err);
        n_admitted += limit.allowed;
    }
    FAILING(status, recsys_limiter_allow(limiter, (recsys_bytes){"key", 3}, 1, &limit, &oom_err));
    CHECK_EQ(status, RECSYS_OK);
    CHECK_EQ(limit.remaining, 1);
    recsys_limiter_destroy(limiter);
    close_both();
    CHECK_EQ(n_admitted, 3);
    return status;
}

static recsys_status create_a_denylist(void)
{
    recsys_denylist *denylist = (recsys_denylist *)&oom_err;
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;
    recsys_stats *stats;
    recsys_status status;

    open_both();
    CHECK_OK(recsys_stats_create(&stats, &oom_err), &oom_err);
    options.stats = stats;
    FAILING(status, recsys_denylist_create(store, source, &options, &denylist, &oom_err));
    CHECK(status == RECSYS_OK || denylist == NULL);
    recsys_denylist_destroy(denylist);
    recsys_stats_unref(stats);
    close_both();
    return status;
}

static recsys_status revoke_a_token(void)
{
    recsys_denylist *one, *other;
    recsys_status status;

    open_both();
    one = new_denylist();
    other = new_denylist();
    CHECK_EQ(verdict_of(other, bad), RECSYS_TOKEN_CLEAR);
    FAILING(status, recsys_denylist_revoke(one, bad, "u-1", "logout", EXPIRES_S, &oom_err));
    if (status == RECSYS_OK) {
        CHECK_EQ(verdict_of(one, bad), RECSYS_TOKEN_REVOKED);
        CHECK_EQ(verdict_of(other, bad), RECSYS_TOKEN_REVOKED);
    }
    CHECK_EQ(verdict_of(other, good), RECSYS_TOKEN_CLEAR);
    recsys_denylist_destroy(one);
    recsys_denylist_destroy(other);
    close_both();
    return status;
}

/* By one that knows nothing yet and must read. */
static recsys_status check_a_token(recsys_bytes jti, uint32_t right)
{
    recsys_denylist *denylist;
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;
    recsys_status status;

    open_both();
    auth_database_add(&database, "bad", (int64_t)EXPIRES_S);
    denylist = new_denylist();
    FAILING(status, recsys_denylist_check(denylist, jti, &found, &oom_err));
    CHECK_EQ(status, RECSYS_OK);
    CHECK(found.verdict == right || found.verdict == RECSYS_TOKEN_UNKNOWN ||
          found.verdict == RECSYS_TOKEN_UNCONFIRMED);
    CHECK(found.verdict == right || found.problem.message[0] != '\0');
    CHECK_EQ(verdict_of(denylist, jti), right);
    recsys_denylist_destroy(denylist);
    close_both();
    return status;
}

static recsys_status check_a_revoked_token(void)
{
    return check_a_token(bad, RECSYS_TOKEN_REVOKED);
}

static recsys_status check_another_token(void)
{
    return check_a_token(good, RECSYS_TOKEN_CLEAR);
}

static recsys_status sync_a_denylist(void)
{
    recsys_denylist *denylist;
    recsys_status status;
    char jti[16];

    open_both();
    for (unsigned i = 0; i < 1500; i++) { /* the set is made twice */
        snprintf(jti, sizeof jti, "old-%u", i);
        auth_database_add(&database, jti, (int64_t)EXPIRES_S);
    }
    auth_database_add(&database, "bad", (int64_t)EXPIRES_S);
    denylist = new_denylist();
    FAILING(status, recsys_denylist_sync(denylist, &oom_err));
    CHECK_EQ(verdict_of(denylist, bad), RECSYS_TOKEN_REVOKED);
    CHECK_EQ(verdict_of(denylist, good), RECSYS_TOKEN_CLEAR);
    recsys_denylist_destroy(denylist);
    close_both();
    return status;
}

static recsys_status get_a_token(int database_fails)
{
    recsys_denylist *denylist;
    recsys_value json = {0};
    recsys_status status;

    open_both();
    denylist = new_denylist();
    CHECK_OK(recsys_denylist_revoke(denylist, bad, "u-1", NULL, EXPIRES_S, &oom_err), &oom_err);
    atomic_store(&database.fail, database_fails ? RECSYS_E_NOMEM : RECSYS_OK);
    FAILING(status, recsys_denylist_get(denylist, bad, &json, &oom_err));
    CHECK((status == RECSYS_OK) == (json.data != NULL));
    CHECK(status != RECSYS_OK || strncmp(json.data, "{\"jti\":\"bad\",", 13) == 0);
    recsys_value_release(&json);
    recsys_denylist_destroy(denylist);
    close_both();
    return status;
}

static recsys_status get_a_token_from_the_database(void)
{
    return get_a_token(0);
}

static recsys_status get_a_token_from_the_store(void)
{
    return get_a_token(1);
}

static const struct oom_scenario scenarios[] = {
    {"create a limiter", create_a_limiter, 0},
    {"take from a limiter", take_from_a_limiter, 0},
    {"create a denylist", create_a_denylist, 0},
    {"revoke a token", revoke_a_token, 0},
    {"check a revoked token", check_a_revoked_token, 0},
    {"check another token", check_another_token, 0},
    {"sync a denylist", sync_a_denylist, 0},
    {"get a token from the database", get_a_token_from_the_database, 0},
    {"get a token from the store", get_a_token_from_the_store, 0},
};

int main(void)
{
    return oom_main(scenarios, sizeof scenarios / sizeof *scenarios, FAIL_ALLOC_INTERPOSED);
}
