/* One process revokes, another checks at once: when revoke() has returned, every process refuses.
 *
 * In the first part both reach Redis. In the second the one that revokes does not
 * (its end of the network is down), the other one does, and renews its proof all
 * the time: revoke() has to wait until there is none from before. The control
 * writes and asks Redis alone, and lets the tokens of the second part pass. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "recsys/denylist.h"
#include "recsys/postgres.h"
#include "tests/support/check.h"
#include "tests/support/database.h"
#include "tests/support/processes.h"
#include "tests/support/redis_store.h"
#include "tests/support/servers.h"

static struct shared {
    atomic_uint revoked, checked; /* of the part that runs; revoked + 1 is next */
    _Atomic uint64_t revoke_us, slowest_us;
} * shared;

static struct redis_server server;
static char *conninfo;
static unsigned n_tokens;
static const char *part;
static uint32_t revoker_port;
static recsys_error err;

static recsys_bytes token(char room[64], unsigned number)
{
    snprintf(room, 64, "%s-%u", part, number);
    return (recsys_bytes){room, strlen(room)};
}

static recsys_store *open_store(uint32_t port)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;

    options.port = port;
    options.command_timeout_ms = options.pool_timeout_ms = 10000;
    return redis_store_create(&options);
}

static recsys_source *open_source(void)
{
    recsys_source *source;

    CHECK_OK(recsys_postgres_create(conninfo, NULL, &source, &err), &err);
    return source;
}

static recsys_denylist *open_denylist(recsys_store *store, recsys_source *source)
{
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;
    recsys_denylist *denylist;

    options.timeout_ms = 10000;
    CHECK_OK(recsys_denylist_create(store, source, &options, &denylist, &err), &err);
    return denylist;
}

static void migrate(recsys_source *source)
{
    char *script = database_read_script("0001_domains.sql");

    CHECK_OK(recsys_source_run(source, script, 60000, &err), &err);
    free(script);
}

/* The child: revoke one, let the other process check it, revoke the next. */
static void revoke_all(unsigned unused)
{
    recsys_store *store = open_store(revoker_port);
    recsys_source *source = open_source();
    recsys_denylist *denylist = open_denylist(store, source);
    uint64_t expires_s = (uint64_t)time(NULL) + 3600;
    char room[64];

    (void)unused;
    for (unsigned i = 0; i < n_tokens; i++) {
        while (atomic_load(&shared->checked) < i)
            rest_ms(0);
        uint64_t began = now_us();
        CHECK_OK(recsys_denylist_revoke(denylist, token(room, i), "u-1", "logout", expires_s, &err),
                 &err);
        uint64_t took = now_us() - began;
        atomic_fetch_add(&shared->revoke_us, took);
        if (took > atomic_load(&shared->slowest_us))
            atomic_store(&shared->slowest_us, took);
        atomic_store(&shared->revoked, i + 1);
    }
    recsys_denylist_destroy(denylist);
    recsys_source_unref(source);
    recsys_store_unref(store);
}

/* As one does without a database: what Redis does not have is not revoked. */
static int passes_control(recsys_store *store, const char *jti)
{
    recsys_value value = {0};
    uint64_t incarnation;
    char room[80];
    recsys_bytes key = {room, (size_t)snprintf(room, sizeof room, "blacklist:%s", jti)};

    CHECK_OK(recsys_store_get(store, &key, 1, &value, &incarnation, &err), &err);
    int passes = value.data == NULL;
    recsys_value_release(&value);
    return passes;
}

static void run(const char *name, const char *what, uint32_t port, unsigned n)
{
    unsigned n_clear = 0, n_unknown = 0, n_passed = 0;
    uint64_t n_checks = 0;
    char room[64];
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;

    part = name;
    revoker_port = port;
    n_tokens = n;
    memset(shared, 0, sizeof *shared);
    pid_t child = process_start(revoke_all, 0);
    recsys_store *store = open_store(server.port);
    recsys_source *source = open_source();
    recsys_denylist *denylist = open_denylist(store, source);
    CHECK_OK(recsys_denylist_sync(denylist, &err), &err);
    for (unsigned i = 0; i < n; i++) {
        while (atomic_load(&shared->revoked) <= i) { /* it believes what it finds until then */
            CHECK_OK(recsys_denylist_check(denylist, (recsys_bytes){"good", 4}, &found, &err),
                     &err);
            CHECK_EQ(found.verdict, RECSYS_TOKEN_CLEAR);
            /* In the second part a sync would write the entry that the control looks for. */
            if (++n_checks % 8 == 0 && port == server.port)
                CHECK_OK(recsys_denylist_sync(denylist, &err), &err);
        }
        CHECK_OK(recsys_denylist_check(denylist, token(room, i), &found, &err), &err);
        n_clear += found.verdict == RECSYS_TOKEN_CLEAR;
        n_unknown +=
            found.verdict == RECSYS_TOKEN_UNKNOWN || found.verdict == RECSYS_TOKEN_UNCONFIRMED;
        n_passed += (unsigned)passes_control(store, room);
        atomic_store(&shared->checked, i + 1);
    }
    process_expect_success(child);
    printf("%s: %u revoked, %u of them CLEAR and %u UNKNOWN when revoke() had returned (control: "
           "%u pass); revoke() took %.1f ms, at most %.1f; %llu other checks\n",
           what, n, n_clear, n_unknown, n_passed, (double)atomic_load(&shared->revoke_us) / 1e3 / n,
           (double)atomic_load(&shared->slowest_us) / 1e3, (unsigned long long)n_checks);
    CHECK_EQ(n_clear, 0);
    CHECK_EQ(n_unknown, 0);
    if (port == server.port)
        CHECK_EQ(n_passed, 0);
    else
        CHECK(n_passed + 1 >= n); /* the first sync may have written the first one's entry */
    recsys_denylist_destroy(denylist);
    recsys_source_unref(source);
    recsys_store_unref(store);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    redis_server_start(&server, NULL);
    conninfo = database_create();
    shared = processes_share(sizeof *shared);
    recsys_source *source = open_source();
    migrate(source);
    recsys_source_unref(source);
    run("near", "both reach Redis", server.port, figure_length(500, 20000));
    run("far", "the revoking one does not", servers_find_port(), figure_length(3, 100));
    database_drop(conninfo);
    redis_server_end(&server);
    return 0;
}
