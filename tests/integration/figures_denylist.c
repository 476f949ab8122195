/* 2,000 revoked tokens, and everything that can become of a Redis: flushed, under eviction
 * pressure, restarted, restarted with what was in its file, killed, frozen. None of them is ever
 * CLEAR and no other token is refused, for a process that has run all the time and for one that has
 * just started. With the database away, too, what cannot be known is UNKNOWN.
 *
 * The control asks Redis whether `blacklist:{jti}` exists, and what it loses is printed beside. */
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recsys/denylist.h"
#include "recsys/postgres.h"
#include "tests/support/check.h"
#include "tests/support/database.h"
#include "tests/support/processes.h"
#include "tests/support/redis_store.h"
#include "tests/support/servers.h"

#define N_TOKENS 2000u

static struct redis_server server;
static struct database_server *postgres;
static recsys_store *store;
static recsys_source *source;
static recsys_denylist *veteran;
static uint64_t expires_s;
static recsys_error err;

static recsys_bytes token(char room[64], const char *kind, unsigned number)
{
    snprintf(room, 64, "%s-%u", kind, number);
    return (recsys_bytes){room, strlen(room)};
}

/* -- set-up -- */

static recsys_store *open_store(uint32_t port, uint32_t db)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;

    options.port = port;
    options.db = db;
    options.command_timeout_ms = 500; /* this machine may be busy */
    options.connect_timeout_ms = 500;
    return redis_store_create(&options);
}

static recsys_denylist *open_denylist(recsys_store *over)
{
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;
    recsys_denylist *denylist;

    options.timeout_ms = 5000; /* no answer shall be UNKNOWN because this machine is busy */
    CHECK_OK(recsys_denylist_create(over, source, &options, &denylist, &err), &err);
    return denylist;
}

static void migrate(void)
{
    char *script = database_read_script("0001_domains.sql");

    CHECK_OK(recsys_source_run(source, script, 60000, &err), &err);
    free(script);
}

static void revoke_token(recsys_denylist *denylist, const char *kind, unsigned number)
{
    char room[64];

    CHECK_OK(recsys_denylist_revoke(denylist, token(room, kind, number), "u-1", "logout", expires_s,
                                    &err),
             &err);
}

static void wait_until_well(void)
{
    while (recsys_store_probe(store, &err) != RECSYS_OK)
        rest_ms(5);
}

/* -- what is measured -- */

struct count {
    unsigned clear, revoked, unknown;
};

static struct count check_all(recsys_denylist *denylist, const char *kind)
{
    struct count count = {0};
    char room[64];
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;

    for (unsigned i = 0; i < N_TOKENS; i++) {
        CHECK_OK(recsys_denylist_check(denylist, token(room, kind, i), &found, &err), &err);
        count.clear += found.verdict == RECSYS_TOKEN_CLEAR;
        count.revoked += found.verdict == RECSYS_TOKEN_REVOKED;
        count.unknown +=
            found.verdict == RECSYS_TOKEN_UNKNOWN || found.verdict == RECSYS_TOKEN_UNCONFIRMED;
    }
    CHECK_EQ(count.clear + count.revoked + count.unknown, N_TOKENS);
    return count;
}

/* As many services do it: no key, no entry, and an error is no key either. */
static unsigned count_lost_by_control(void)
{
    unsigned lost = 0;
    char room[80], jti[64];

    for (unsigned i = 0; i < N_TOKENS; i++) {
        recsys_value value = {0};
        uint64_t incarnation;
        recsys_bytes key = {room, (size_t)snprintf(room, sizeof room, "blacklist:%s",
                                                   (const char *)token(jti, "bad", i).data)};
        if (recsys_store_get(store, &key, 1, &value, &incarnation, NULL) != RECSYS_OK ||
            value.data == NULL)
            lost++;
        recsys_value_release(&value);
    }
    return lost;
}

/* `must_lose`: a control that loses nothing would mean that nothing has happened. */
static void measure(const char *what, int must_lose)
{
    unsigned lost = count_lost_by_control();
    recsys_denylist *born = open_denylist(store);

    for (int i = 0; i < 2; i++) {
        recsys_denylist *denylist = i == 0 ? veteran : born;
        struct count bad = check_all(denylist, "bad"), good = check_all(denylist, "good");
        printf("%-34s %-7s %u of %u revoked tokens CLEAR (control: %u), %u UNKNOWN; "
               "%u of %u others REVOKED, %u UNKNOWN\n",
               what, i == 0 ? "old" : "new", bad.clear, N_TOKENS, lost, bad.unknown, good.revoked,
               N_TOKENS, good.unknown);
        /* On a busy machine a check may run into its time-out, and say so. */
        CHECK_EQ(bad.clear, 0u);
        CHECK_EQ(good.revoked, 0u);
        CHECK(bad.unknown + good.unknown < N_TOKENS / 10);
    }
    CHECK(!must_lose || lost > 0);
    recsys_denylist_destroy(born);
}

/* For the control: the entries as they were. */
static void put_entries_back(void)
{
    static const char json[] = "{\"user_id\":\"u-1\",\"reason\":\"logout\"}";
    char room[80], jti[64];

    for (unsigned i = 0; i < N_TOKENS; i++) {
        recsys_bytes key = {room, (size_t)snprintf(room, sizeof room, "blacklist:%s",
                                                   (const char *)token(jti, "bad", i).data)};
        CHECK_OK(recsys_store_set(store, key, (recsys_bytes){json, sizeof json - 1}, 3600000,
                                  RECSYS_STORE_ALWAYS, &err),
                 &err);
    }
}

static void ask(const char *command, const char *argument)
{
    char *answer = redis_server_ask(&server, command, argument, NULL);

    CHECK(strncmp(answer, "+OK", 3) == 0);
    free(answer);
}

/* -- what becomes of Redis -- */

static unsigned long count_evicted(void)
{
    char *answer = redis_server_ask(&server, "INFO", "stats", NULL);
    const char *found = strstr(answer, "evicted_keys:");
    unsigned long n = found == NULL ? 0 : strtoul(found + 13, NULL, 10);

    free(answer);
    return n;
}

/* Another service's cache in another logical db of the same server. */
static void evict(void)
{
    recsys_store *cache = open_store(server.port, 1);
    static char page[2000];
    char key[32];
    unsigned n = 0;

    for (; count_evicted() < 3 * N_TOKENS; n++)
        for (unsigned i = 0; i < 500; i++) {
            recsys_bytes name = {key, (size_t)snprintf(key, sizeof key, "page:%u-%u", n, i)};
            CHECK_OK(recsys_store_set(cache, name, (recsys_bytes){page, sizeof page}, 3600000,
                                      RECSYS_STORE_ALWAYS, &err),
                     &err);
        }
    recsys_store_unref(cache);
}

/* The file has a proof from before a revocation. Whether it comes back in time
 * to be believed (it lives for a second) depends on the machine; so it is tried
 * until it did. */
static void restart_from_file(void)
{
    char path[PATH_MAX], room[64];
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;
    int came_back = 0;

    snprintf(path, sizeof path, "%s/dump.rdb", server.directory);
    for (unsigned i = 0; i < 20 && !came_back; i++) {
        CHECK_OK(recsys_denylist_sync(veteran, &err), &err);
        recsys_denylist *other = open_denylist(store);
        CHECK_OK(recsys_denylist_sync(other, &err), &err);
        ask("SAVE", NULL);
        revoke_token(other, "late", i);
        redis_server_restart(&server);
        char *answer = redis_server_ask(&server, "GET", "blacklist~revision", NULL);
        came_back = strncmp(answer, "$-1", 3) != 0;
        free(answer);
        wait_until_well();
        CHECK_OK(recsys_denylist_check(veteran, token(room, "late", i), &found, &err), &err);
        CHECK_EQ(found.verdict, RECSYS_TOKEN_REVOKED);
        recsys_denylist_destroy(other);
        CHECK_EQ(unlink(path), 0);
    }
    printf("an old proof came back from the file%s\n",
           came_back ? " and was not believed" : " too late every time");
}

/* -- and of the database -- */

static void shut_database_down(void)
{
    recsys_denylist *born;
    struct count bad, good;

    database_server_shut_down(postgres);
    ask("FLUSHALL", NULL);
    bad = check_all(veteran, "bad");
    good = check_all(veteran, "good");
    printf("%-34s %-7s %u of %u revoked tokens CLEAR, %u UNKNOWN; %u of %u others UNKNOWN\n",
           "no database, and flushed", "old", bad.clear, N_TOKENS, bad.unknown, good.unknown,
           N_TOKENS);
    CHECK_EQ(bad.revoked, N_TOKENS);
    CHECK_EQ(good.unknown, N_TOKENS);
    born = open_denylist(store);
    bad = check_all(born, "bad");
    good = check_all(born, "good");
    printf("%-34s %-7s %u of %u revoked tokens CLEAR, %u UNKNOWN; %u of %u others UNKNOWN\n",
           "no database, and flushed", "new", bad.clear, N_TOKENS, bad.unknown, good.unknown,
           N_TOKENS);
    CHECK_EQ(bad.unknown, N_TOKENS);
    CHECK_EQ(good.unknown, N_TOKENS);
    CHECK(recsys_denylist_revoke(born, (recsys_bytes){"t", 1}, NULL, NULL, expires_s, &err) !=
          RECSYS_OK);
    printf("revoke() without a database: %s\n", err.message);
    recsys_denylist_destroy(born);
    database_server_start_again(postgres);
    measure("the database is back", 1);
}

/* Rows of tokens that expired long ago are removed from the database, other rows are not. */
static void check_expired_leave(void)
{
    const char *conninfo = database_server_get_conninfo(postgres);
    recsys_denylist *denylist = open_denylist(store);

    free(database_ask(conninfo,
                      "INSERT INTO auth_db.revoked_tokens (jti, expires_at, revision) VALUES"
                      " ('long ago', now() - interval '2 days', 1000001),"
                      " ('lately', now() - interval '2 hours', 1000002)"));
    CHECK_OK(recsys_denylist_sync(denylist, &err), &err);
    char *left = database_ask(conninfo, "SELECT string_agg(jti, ',') FROM auth_db.revoked_tokens"
                                        " WHERE revision > 1000000");
    CHECK(strcmp(left, "lately") == 0);
    free(left);
    recsys_denylist_destroy(denylist);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    expires_s = (uint64_t)time(NULL) + 3600;
    redis_server_start(&server, "maxmemory 3mb\nmaxmemory-policy allkeys-lru\n");
    postgres = database_server_start(NULL);
    CHECK_OK(recsys_postgres_create(database_server_get_conninfo(postgres), NULL, &source, &err),
             &err);
    migrate();
    store = open_store(server.port, 0);
    veteran = open_denylist(store);

    recsys_denylist *other = open_denylist(store); /* it revokes; `veteran` only reads that */
    for (unsigned i = 0; i < N_TOKENS; i++)
        revoke_token(other, "bad", i);
    recsys_denylist_destroy(other);
    CHECK_EQ(count_lost_by_control(), 0);
    measure("nothing has happened", 0);

    evict();
    measure("evicted (3 MB, allkeys-lru)", 1);
    ask("FLUSHALL", NULL);
    measure("flushed", 1);
    put_entries_back();
    CHECK_EQ(count_lost_by_control(), 0);
    redis_server_restart(&server);
    wait_until_well();
    measure("restarted", 1);
    restart_from_file();

    put_entries_back();
    redis_server_freeze(&server);
    measure("frozen", 1);
    redis_server_thaw(&server);
    wait_until_well();
    measure("goes on", 0);
    redis_server_kill(&server);
    measure("killed", 1);
    redis_server_restart(&server);
    wait_until_well();
    measure("is back, empty", 1);
    check_expired_leave();
    shut_database_down();

    recsys_denylist_destroy(veteran);
    recsys_store_unref(store);
    recsys_source_unref(source);
    database_server_stop(postgres);
    redis_server_end(&server);
    return 0;
}
