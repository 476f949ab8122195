/* Everything that a Redis may do to a client, one thing after the other.
 *
 * A fake server (tests/support/fake_redis.h) answers as it is told: cut after every byte, byte by
 * byte, with rubbish, with another type, with lengths for which no machine has memory,
 * twice, or not at all. Whatever it does, a call must end with the right
 * status, leave no value and no memory behind, close a connection on which
 * something was wrong, and never give one caller another one's answer. At the
 * end the server behaves and every allocation fails in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "recsys/log.h"
#include "tests/support/check.h"
#include "tests/support/fail_alloc.h"
#include "tests/support/fake_redis.h"
#include "tests/support/processes.h"
#include "tests/support/redis_case.h"
#include "tests/support/trace_lines.h"

FAIL_ALLOC_INTERPOSE;

#define SEED 20260612u

static uint32_t port;

static void say(const char *reply, enum fake_manner manner)
{
    fake_redis_say(reply, strlen(reply), manner);
}

/* -- the client -- */

static recsys_store *store;

static recsys_status open_client(uint32_t command_timeout_ms)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    recsys_store_options store_options = RECSYS_STORE_OPTIONS_INIT;

    options.port = port;
    options.prefix = "p:";
    options.pool_size = 1;
    options.connect_timeout_ms = options.pool_timeout_ms = 10000;
    options.command_timeout_ms = command_timeout_ms;
    store_options.failures = UINT_MAX; /* the breaker stays out of it */
    return recsys_redis_create("test", &options, &store_options, &store, &err);
}

static void close_client(void)
{
    recsys_store_unref(store);
    store = NULL;
}

static const recsys_bytes keys[] = {{"a", 1}, {"b", 1}, {"c", 1}};
static char seen[64];

/* Whatever came out must be what a whole reply says, and nothing otherwise. */
static void check_value(const recsys_value *value, recsys_status status, const char *want)
{
    if (status != RECSYS_OK || want == NULL)
        CHECK(value->data == NULL);
    else
        CHECK(value->size == strlen(want) && memcmp(value->data, want, value->size) == 0);
}

static recsys_status do_get(void)
{
    recsys_value value;
    uint64_t incarnation;
    recsys_status status = recsys_store_get(store, keys, 1, &value, &incarnation, &err);

    check_value(&value, status, "hello");
    CHECK((incarnation != 0) == (status == RECSYS_OK));
    recsys_value_release(&value);
    return status;
}

static recsys_status do_get_three(void)
{
    recsys_value values[3];
    uint64_t incarnation;
    recsys_status status = recsys_store_get(store, keys, 3, values, &incarnation, &err);

    check_value(&values[0], status, "one");
    check_value(&values[1], status, NULL);
    check_value(&values[2], status, "");
    for (size_t i = 0; i < 3; i++)
        recsys_value_release(&values[i]);
    return status;
}

static recsys_status do_set(void)
{
    return recsys_store_set(store, keys[0], keys[1], 1000, RECSYS_STORE_ALWAYS, &err);
}

static recsys_status do_set_absent(void)
{
    return recsys_store_set(store, keys[0], keys[1], 0, RECSYS_STORE_IF_ABSENT, &err);
}

static recsys_status do_remove(void)
{
    uint64_t n;
    recsys_status status = recsys_store_remove(store, keys, 3, &n, &err);

    CHECK_EQ(n, status == RECSYS_OK ? 2 : 0);
    return status;
}

static recsys_status do_get_or_set(void)
{
    recsys_value value;
    uint64_t incarnation;
    recsys_status status =
        recsys_store_get_or_set(store, keys[0], keys[1], 1000, &value, &incarnation, &err);

    check_value(&value, status, "there");
    recsys_value_release(&value);
    return status;
}

static recsys_status do_replace(void)
{
    return recsys_store_replace(store, keys[0], keys[1], keys[2], 1000, &err);
}

static int32_t see(recsys_bytes key, void *user_data)
{
    (void)user_data;
    strncat(seen, key.data, key.size);
    strncat(seen, ";", 2);
    return 0;
}

static recsys_status do_scan(void)
{
    uint64_t cursor = 0;

    seen[0] = '\0';
    recsys_status status = recsys_store_scan(store, keys, 2, &cursor, see, NULL, &err);
    CHECK(strcmp(seen, status == RECSYS_OK ? "k1;k2;" : "") == 0);
    CHECK_EQ(cursor != 0, status == RECSYS_OK);
    return status;
}

static recsys_status do_rate_limit(void)
{
    recsys_rate_decision out;
    recsys_status status = recsys_store_rate_limit(store, keys[0], 1000, 5, 1, &out, &err);

    CHECK_EQ(out.remaining, status == RECSYS_OK ? 4 : 0);
    CHECK_EQ(out.reset_us, status == RECSYS_OK ? 17 : 0);
    return status;
}

static const struct operation {
    const char *name, *reply;
    recsys_status (*run)(void);
    const char *fitting[2]; /* how replies begin that are right, too */
} operations[] = {
    {"GET", "$5\r\nhello\r\n", do_get, {"$"}},
    {"MGET", "*3\r\n$3\r\none\r\n$-1\r\n$0\r\n\r\n", do_get_three, {NULL}},
    {"SET", "+OK\r\n", do_set, {"+OK"}},
    {"SET NX", "+OK\r\n", do_set_absent, {"+OK", "$-1"}},
    {"UNLINK", ":2\r\n", do_remove, {":0"}},
    {"get_or_set", "$5\r\nthere\r\n", do_get_or_set, {"$"}},
    {"replace", ":1\r\n", do_replace, {":0"}},
    {"SCAN",
     "*2\r\n$2\r\n17\r\n*3\r\n$4\r\np:k1\r\n$4\r\np:k2\r\n$5\r\nother\r\n",
     do_scan,
     {NULL}},
    {"take", "*4\r\n:1\r\n$1\r\n4\r\n$1\r\n0\r\n$2\r\n17\r\n", do_rate_limit, {NULL}},
};

#define N_OPERATIONS (sizeof operations / sizeof operations[0])

/* The status must be this, the message must say why, and the connection must be
 * gone; it counts as broken if it had ever been ready. */
static void expect(const struct operation *one, recsys_status want, const char *how, int was_ready)
{
    uint64_t n_broken = pool_stats(store).closed_broken;

    memset(&err, 0, sizeof err);
    recsys_status status = one->run();
    while (status == RECSYS_E_EXHAUSTED) { /* a time-out before this one: not yet again */
        rest_ms(1);
        status = one->run();
    }
    if (status != want || err.status != want || err.message[0] == '\0')
        fail_msg("%s, %s: %s: %s", one->name, how, recsys_status_name(status), err.message);
    assert_int_equal(pool_stats(store).open, 0);
    assert_int_equal(pool_stats(store).idle, 0);
    assert_int_equal(pool_stats(store).closed_broken, n_broken + (was_ready ? 1u : 0u));
}

static void expect_failure(const struct operation *one, recsys_status want, const char *how)
{
    expect(one, want, how, 1);
}

static void expect_success(const struct operation *one, const char *how)
{
    memset(&err, 0, sizeof err);
    recsys_status status = one->run();
    if (status != RECSYS_OK)
        fail_msg("%s, %s: %s: %s", one->name, how, recsys_status_name(status), err.message);
}

static int open_patient(void **state)
{
    (void)state;
    assert_ok(open_client(10000));
    return 0;
}

static int open_impatient(void **state)
{
    (void)state;
    assert_ok(open_client(40));
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    close_client();
    return 0;
}

static void a_whole_answer_may_come_in_any_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OPERATIONS; i++) {
        say(operations[i].reply, FAKE_AT_ONCE);
        expect_success(&operations[i], "at once");
        say(operations[i].reply, FAKE_BYTE_BY_BYTE);
        expect_success(&operations[i], "byte by byte");
    }
    assert_int_equal(pool_stats(store).connected, 1);
}

static void an_answer_that_is_cut_anywhere_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OPERATIONS; i++)
        for (size_t cut = 0; cut < strlen(operations[i].reply); cut++) {
            fake_redis_say(operations[i].reply, cut, FAKE_THEN_CLOSE);
            expect_failure(&operations[i], RECSYS_E_IO, "closed");
            fake_redis_say(operations[i].reply, cut, FAKE_THEN_RESET);
            expect_failure(&operations[i], RECSYS_E_IO, "reset");
            if (cut % 7 == 0) {
                say(operations[i].reply, FAKE_AT_ONCE);
                expect_success(&operations[i], "after all that");
            }
        }
}

static void an_answer_that_stops_or_drips_runs_into_the_time_out(void **state)
{
    static const char letters[] =
        "+a line without an end, as long as this one goes on and on and on";

    (void)state;
    for (size_t i = 0; i < N_OPERATIONS; i++)
        for (size_t cut = 0; cut < strlen(operations[i].reply); cut += 5) {
            fake_redis_say(operations[i].reply, cut, FAKE_AT_ONCE);
            expect_failure(&operations[i], RECSYS_E_TIMEOUT, "silent");
        }
    say(letters, FAKE_SLOWLY); /* never 40 ms without a byte */
    expect_failure(&operations[0], RECSYS_E_TIMEOUT, "dripping");
    say("$536870911\r\n", FAKE_FOR_EVER); /* never a moment without bytes */
    expect_failure(&operations[0], RECSYS_E_TIMEOUT, "endless");
    say(operations[0].reply, FAKE_AT_ONCE);
    recsys_status status;
    while ((status = do_get()) == RECSYS_E_TIMEOUT || status == RECSYS_E_EXHAUSTED)
        rest_ms(1); /* not yet again, or the machine is busy */
    assert_int_equal(status, RECSYS_OK);
}

static void a_greeting_that_is_cut_anywhere_makes_no_connection(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof FAKE_HELLO - 1; cut++) {
        say(operations[0].reply, FAKE_AT_ONCE);
        fake_redis_greet(FAKE_HELLO, cut, FAKE_THEN_CLOSE);
        expect(&operations[0], RECSYS_E_IO, "greeting", 0);
    }
    say(operations[0].reply, FAKE_AT_ONCE);
    fake_redis_greet(FAKE_HELLO, sizeof FAKE_HELLO - 1, FAKE_BYTE_BY_BYTE);
    expect_success(&operations[0], "greeting byte by byte");
    assert_int_equal(pool_stats(store).connected, 1);
}

static void a_strange_greeting_makes_no_connection(void **state)
{
    static const char *const greetings[] = {"+OK\r\n",
                                            ":1\r\n",
                                            "*0\r\n",
                                            "$-1\r\n",
                                            "-LOADING soon\r\n",
                                            FAKE_HELLO "+OK\r\n",
                                            FAKE_INFO_SERVER "-ERR\r\n",
                                            "HTTP/1.1 400 Bad Request\r\n\r\n",
                                            "-DENIED protected mode\r\n"};

    (void)state;
    say(operations[0].reply, FAKE_AT_ONCE);
    for (size_t i = 0; i < sizeof greetings / sizeof greetings[0]; i++) {
        fake_redis_greet(greetings[i], strlen(greetings[i]), FAKE_THEN_CLOSE);
        expect(&operations[0], RECSYS_E_BACKEND, greetings[i], 0);
    }
}

/* Every type, also those of RESP3, for every operation; and what is almost right. */
static void an_answer_of_another_type_is_distrusted(void **state)
{
    static const char *const replies[] = {
        "$3\r\nabc\r\n",
        "$-1\r\n",
        "+OK\r\n",
        "+PONG\r\n",
        "+QUEUED\r\n",
        ":0\r\n",
        ":17\r\n",
        ":-1\r\n",
        "*0\r\n",
        "*-1\r\n",
        "*1\r\n$1\r\na\r\n",
        "*1\r\n*1\r\n*1\r\n:1\r\n",
        "*3\r\n:1\r\n:2\r\n:3\r\n",
        "*4\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n",
        "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n",
        "*2\r\n$1\r\n0\r\n$1\r\n0\r\n",
        "*2\r\n:0\r\n*0\r\n",
        "*2\r\n$2\r\n-1\r\n*0\r\n",
        "*2\r\n$0\r\n\r\n*0\r\n",
        "*2\r\n$20\r\n18446744073709551615\r\n*0\r\n",
        "*3\r\n-ERR\r\n-ERR\r\n-ERR\r\n",
        "*4\r\n:2\r\n$1\r\n4\r\n$1\r\n0\r\n$2\r\n17\r\n",
        "*4\r\n:1\r\n$10\r\n4294967296\r\n$1\r\n0\r\n$2\r\n17\r\n",
        "*4\r\n:1\r\n$1\r\n4\r\n$4\r\n1e10\r\n$2\r\n17\r\n",
        "_\r\n",
        ",1.5\r\n",
        "#t\r\n",
        "=7\r\ntxt:abc\r\n",
        "(1234567890123456789012\r\n",
        "%1\r\n+a\r\n:1\r\n",
        "~1\r\n:1\r\n",
        ">2\r\n+a\r\n:1\r\n",
        "|1\r\n+a\r\n:1\r\n"};

    (void)state;
    for (size_t i = 0; i < N_OPERATIONS; i++)
        for (size_t j = 0; j < sizeof replies / sizeof replies[0]; j++) {
            int is_fitting = 0;
            for (size_t k = 0; k < 2 && operations[i].fitting[k] != NULL; k++)
                is_fitting |= strncmp(replies[j], operations[i].fitting[k],
                                      strlen(operations[i].fitting[k])) == 0;
            if (is_fitting)
                continue;
            say(replies[j], FAKE_AT_ONCE);
            expect_failure(&operations[i], RECSYS_E_BACKEND, replies[j]);
        }
}

/* No more than 64 MB beside what there is. Sanitizers need more than that for themselves. */
static void limit_memory(int is_limited)
{
    static struct rlimit before;
    struct rlimit limit;
    unsigned long pages = 0;

    if (!fail_alloc_sees_everything())
        return;
    if (is_limited) {
        FILE *file = fopen("/proc/self/statm", "r");
        CHECK(file != NULL && fscanf(file, "%lu", &pages) == 1 && fclose(file) == 0);
        CHECK_EQ(getrlimit(RLIMIT_AS, &before), 0);
        limit = before;
        limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (64u << 20);
    } else
        limit = before;
    CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
}

static void lengths_that_nobody_has_memory_for_are_not_believed(void **state)
{
    static const struct {
        const char *reply;
        recsys_status status; /* E_IO: it waits for more, and the server closes */
    } cases[] = {{"$2147483647\r\nab", RECSYS_E_IO},
                 {"$9223372036854775807\r\nab", RECSYS_E_BACKEND},
                 {"$9223372036854775806\r\nab", RECSYS_E_IO},
                 {"$99999999999999999999\r\nab", RECSYS_E_BACKEND},
                 {"$-2\r\nab", RECSYS_E_BACKEND},
                 {"*2147483647\r\n", RECSYS_E_BACKEND},
                 {"*4294967295\r\n", RECSYS_E_BACKEND},
                 {"*4\r\n", RECSYS_E_BACKEND}, /* MGET of three */
                 {"*-2\r\n", RECSYS_E_BACKEND},
                 {"*9223372036854775807\r\n", RECSYS_E_BACKEND}};

    (void)state;
    limit_memory(1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        say(cases[i].reply, FAKE_THEN_CLOSE);
        recsys_status status = do_get_three();
        /* Versions of hiredis draw the line between "too long" and "not yet whole"
         * in different places; neither may be anything else. */
        if (status != cases[i].status && !(cases[i].reply[0] == '$' && status == RECSYS_E_IO) &&
            !(cases[i].reply[0] == '$' && status == RECSYS_E_BACKEND))
            fail_msg("%s: %s", cases[i].reply, recsys_status_name(status));
        assert_int_equal(pool_stats(store).open, 0);
    }
    for (int i = 0; i < 3; i++) { /* the most that a scan allows */
        say("*2\r\n$1\r\n0\r\n*4194304\r\n$1\r\na\r\n", FAKE_THEN_CLOSE);
        expect_failure(&operations[7], RECSYS_E_IO, "keys announced");
    }
    limit_memory(0);
}

static void rubbish_is_never_an_answer(void **state)
{
    static char rubbish[512];
    static const char first[] = "$*:+-_,#=(%~>|\r\n0123456789";
    uint64_t random = SEED;
    unsigned n_answers = 0;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        size_t size = 1;
        for (size_t j = 0; j < sizeof rubbish; j++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            unsigned kind = (unsigned)(random >> 33) % 8;
            rubbish[j] =
                kind == 0 ? (char)(random >> 40) : first[(random >> 40) % (sizeof first - 1)];
            if (j > 0 && kind == 1)
                memcpy(rubbish + j - 1, "\r\n", 2);
        }
        size += (size_t)(random >> 45) % (sizeof rubbish - 1);
        fake_redis_say(rubbish, size, FAKE_THEN_CLOSE);
        recsys_value value;
        uint64_t incarnation;
        recsys_status status = recsys_store_get(store, keys, 1, &value, &incarnation, &err);
        n_answers += status == RECSYS_OK;
        recsys_value_release(&value);
        /* An error reply in good form, and nothing after it, leaves the connection. */
        if (status != RECSYS_E_BACKEND && status != RECSYS_E_IO && status != RECSYS_OK)
            fail_msg("seed %u, run %d: %s: %s", SEED, i, recsys_status_name(status), err.message);
        assert_true(pool_stats(store).open <= 1);
    }
    assert_true(n_answers < 30); /* "$-1\r\n" can be drawn */
}

static void more_than_was_asked_for_poisons_the_connection(void **state)
{
    static const char *const twice[] = {"$5\r\nhello\r\n$5\r\nhello\r\n", "$5\r\nhello\r\n\r\n",
                                        "$5\r\nhello\r\n$", "$-1\r\n$5\r\nhello\r\n",
                                        "-ERR no\r\n$5\r\nhello\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
        say(twice[i], FAKE_AT_ONCE);
        expect_failure(&operations[0], RECSYS_E_BACKEND, twice[i]);
        say("$5\r\nhello\r\n", FAKE_AT_ONCE);
        expect_success(&operations[0], "after that");
    }
}

static void what_comes_while_nobody_asks_reaches_nobody(void **state)
{
    uint64_t n_closed;

    (void)state;
    say("$5\r\nhello\r\n", FAKE_AT_ONCE);
    expect_success(&operations[0], "at first");
    for (int i = 0; i < 20; i++) {
        n_closed = pool_stats(store).closed_broken;
        fake_redis_say_unasked("$5\r\nwrong\r\n");
        expect_success(&operations[0], "after something unasked"); /* "hello", as do_get checks */
        assert_int_equal(pool_stats(store).closed_broken, n_closed + 1);
    }
}

static void an_error_in_good_form_leaves_the_connection_in_use(void **state)
{
    static const struct {
        const char *reply;
        recsys_status status;
        const char *words;
    } errors[] = {
        {"-OOM command not allowed when used memory > 'maxmemory'.\r\n", RECSYS_E_BACKEND,
         "maxmemory"},
        {"-ERR max number of clients reached\r\n", RECSYS_E_BACKEND, "maxclients"},
        {"-LOADING Redis is loading\r\n", RECSYS_E_BACKEND, "just started"},
        {"-MISCONF Errors writing\r\n", RECSYS_E_BACKEND, "disk"},
        {"-BUSY Redis is busy\r\n", RECSYS_E_BACKEND, "script"},
        {"-NOAUTH Authentication required.\r\n", RECSYS_E_BACKEND, "password"},
        {"-NOPERM this user has no\r\n", RECSYS_E_BACKEND, "ACL"},
        {"-MOVED 3999 127.0.0.1:6381\r\n", RECSYS_E_BACKEND, "Redis Cluster"},
        {"-CROSSSLOT Keys in request don't hash to the same slot\r\n", RECSYS_E_BACKEND,
         "Redis Cluster"},
        {"-WRONGTYPE Operation against a key\r\n", RECSYS_E_FORMAT, "another kind of value"},
        {"-ERR Error running script (call to f_1): @user_script:1: WRONGTYPE Operation\r\n",
         RECSYS_E_FORMAT, "another kind of value"},
        {"-ERR Error running script: @user_script: 1: -OOM command not allowed\r\n",
         RECSYS_E_BACKEND, "raise maxmemory"},
        {"-ERR strange \x1b[2J\xff\r\n", RECSYS_E_BACKEND, "strange ?[2J?"},
        {"-NOSCRIPT No matching script\r\n", RECSYS_E_BACKEND, "NOSCRIPT"}, /* to EVAL, too */
        {"-\r\n", RECSYS_E_BACKEND, "refused"}};

    (void)state;
    for (size_t i = 0; i < N_OPERATIONS; i++)
        for (size_t j = 0; j < sizeof errors / sizeof errors[0]; j++) {
            say(errors[j].reply, FAKE_AT_ONCE);
            memset(&err, 0, sizeof err);
            recsys_status status = operations[i].run();
            if (status != errors[j].status || strstr(err.message, errors[j].words) == NULL)
                fail_msg("%s, %s: %s: %s", operations[i].name, errors[j].reply,
                         recsys_status_name(status), err.message);
            assert_int_equal(pool_stats(store).idle, 1);
        }
    assert_int_equal(pool_stats(store).connected, 1);
}

static void a_replica_is_left_after_its_error(void **state)
{
    static const char *const errors[] = {
        "-READONLY You can't write against a read only replica.\r\n",
        "-MASTERDOWN Link with MASTER is down\r\n",
        "-ERR Error running script: @user_script: 1: -READONLY You can't write\r\n"};

    (void)state;
    for (size_t i = 0; i < N_OPERATIONS; i++)
        for (size_t j = 0; j < sizeof errors / sizeof errors[0]; j++) {
            say(errors[j], FAKE_AT_ONCE);
            expect(&operations[i], RECSYS_E_BACKEND, errors[j], 0);
            assert_non_null(strstr(err.message, "connect to the primary"));
        }
    assert_int_equal(pool_stats(store).closed_broken, 0);
}

static void a_probe_pings_and_wants_a_pong(void **state)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    recsys_store_options store_options = RECSYS_STORE_OPTIONS_INIT;
    recsys_store *fragile;
    recsys_value value;
    uint64_t incarnation;

    (void)state;
    options.port = port;
    options.connect_timeout_ms = options.command_timeout_ms = 10000;
    store_options.failures = 1;
    store_options.rest_ms = store_options.max_rest_ms = 1;
    store_options.flags = RECSYS_STORE_PROBED;
    assert_ok(recsys_redis_create("fragile", &options, &store_options, &fragile, &err));
    say("-LOADING\r\n", FAKE_AT_ONCE);
    assert_fails(recsys_store_get(fragile, keys, 1, &value, &incarnation, &err), RECSYS_E_BACKEND);
    assert_fails(recsys_store_get(fragile, keys, 1, &value, &incarnation, &err),
                 RECSYS_E_UNAVAILABLE);
    say("+PENG\r\n", FAKE_AT_ONCE);
    recsys_status status;
    while ((status = recsys_store_probe(fragile, &err)) == RECSYS_E_UNAVAILABLE)
        poll(NULL, 0, 1);
    assert_int_equal(status, RECSYS_E_BACKEND);
    say("+PONG\r\n", FAKE_AT_ONCE);
    while ((status = recsys_store_probe(fragile, &err)) == RECSYS_E_UNAVAILABLE)
        poll(NULL, 0, 1);
    assert_int_equal(status, RECSYS_OK);
    say("$1\r\nx\r\n", FAKE_AT_ONCE);
    assert_ok(recsys_store_get(fragile, keys, 1, &value, &incarnation, &err));
    recsys_value_release(&value);
    recsys_store_unref(fragile);
}

/* -- memory -- */

/* Create, ask, destroy, with allocation `fail_at` failing. Returns how many there were. */
static long run_without(const struct operation *one, long fail_at, recsys_status *status)
{
    memset(&err, 0, sizeof err);
    fail_alloc_start(fail_at, 1);
    *status = open_client(10000);
    if (*status == RECSYS_OK)
        *status = one->run();
    long n = fail_alloc_stop();
    CHECK(*status == RECSYS_OK || err.status == *status);
    close_client();
    fail_alloc_settle();
    return n;
}

static void every_allocation_may_fail(void **state)
{
    recsys_status status;
    unsigned n_failed = 0;

    (void)state;
    for (size_t i = 0; i < N_OPERATIONS; i++) {
        say(operations[i].reply, FAKE_AT_ONCE);
        for (int warm = 0; warm < 2; warm++)
            run_without(&operations[i], -1, &status);
        assert_int_equal(status, RECSYS_OK);
        long before = fail_alloc_live(), n = run_without(&operations[i], -1, &status);
        assert_int_equal(fail_alloc_live(), before);
        for (long fail_at = 0; fail_at < n; fail_at++) {
            run_without(&operations[i], fail_at, &status);
            if (status != RECSYS_OK && status != RECSYS_E_NOMEM)
                fail_msg("%s, allocation %ld: %s: %s", operations[i].name, fail_at,
                         recsys_status_name(status), err.message);
            if (fail_alloc_live() != before)
                fail_msg("%s, allocation %ld: %ld blocks are left", operations[i].name, fail_at,
                         fail_alloc_live() - before);
            n_failed += status == RECSYS_E_NOMEM;
        }
        assert_true(n > 0);
    }
    printf("%u failed allocations, %s\n", n_failed,
           fail_alloc_sees_everything() ? "of the whole process" : "of the library");
}

/* A connection that had no memory for an answer is closed; the next call has another. */
static void an_answer_without_memory_is_lost_alone(void **state)
{
    static char large[100000 + 16];
    recsys_value value;
    uint64_t incarnation;

    (void)state;
    int head = snprintf(large, sizeof large, "$%d\r\n", 100000);
    memset(large + head, 'x', 100000);
    memcpy(large + head + 100000, "\r\n", 2);
    fake_redis_say(large, (size_t)head + 100002, FAKE_AT_ONCE);
    assert_ok(open_client(10000));
    assert_ok(recsys_store_get(store, keys, 1, &value, &incarnation, &err));
    recsys_value_release(&value);
    for (long fail_at = 0;; fail_at++) {
        fail_alloc_start(fail_at, 1);
        recsys_status status = recsys_store_get(store, keys, 1, &value, &incarnation, &err);
        fail_alloc_stop();
        if (status == RECSYS_OK) {
            assert_int_equal(value.size, 100000);
            recsys_value_release(&value);
        } else
            assert_int_equal(status, RECSYS_E_NOMEM);
        if (fail_alloc_failed() == 0)
            break;
        assert_ok(recsys_store_get(store, keys, 1, &value, &incarnation, &err));
        assert_int_equal(value.size, 100000);
        recsys_value_release(&value);
    }
    close_client();
}

/* -- the trace -- */

static void a_connection_that_is_opened_or_closed_is_a_line_with_its_reason(void **state)
{
    static const struct operation *const get = &operations[0];

    (void)state;
    trace_begin("redis");
    recsys_log_set_request("r1");
    say(get->reply, FAKE_AT_ONCE);
    expect_success(get, "traced");
    expect_success(get, "with the same connection");
    assert_int_equal(trace_with("redis [r1] redis at 127.0.0.1:"), 1);
    assert_int_equal(trace_with("OPENING -> LENT: connected"), 1);
    fake_redis_say(get->reply, 1, FAKE_THEN_CLOSE);
    expect_failure(get, RECSYS_E_IO, "closed");
    assert_int_equal(trace_with("LENT -> FREE: broken"), 1);
    fake_redis_greet("-ERR no\r\n", 9, FAKE_THEN_CLOSE);
    expect(get, RECSYS_E_BACKEND, "refused", 0);
    assert_int_equal(trace_with("OPENING -> FREE: cannot connect"), 1);
    trace_end();
    recsys_log_set_request(NULL);
    size_t n = trace_count();
    fake_redis_greet(FAKE_HELLO, sizeof FAKE_HELLO - 1, FAKE_AT_ONCE);
    say(get->reply, FAKE_AT_ONCE);
    expect_success(get, "untraced");
    assert_int_equal(trace_count(), n);
}

#define PATIENT(name) cmocka_unit_test_setup_teardown(name, open_patient, close_it)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, open_impatient, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PATIENT(a_whole_answer_may_come_in_any_pieces),
        PATIENT(an_answer_that_is_cut_anywhere_is_none),
        IMPATIENT(an_answer_that_stops_or_drips_runs_into_the_time_out),
        PATIENT(a_greeting_that_is_cut_anywhere_makes_no_connection),
        PATIENT(a_strange_greeting_makes_no_connection),
        PATIENT(an_answer_of_another_type_is_distrusted),
        PATIENT(lengths_that_nobody_has_memory_for_are_not_believed),
        PATIENT(rubbish_is_never_an_answer),
        PATIENT(more_than_was_asked_for_poisons_the_connection),
        PATIENT(what_comes_while_nobody_asks_reaches_nobody),
        PATIENT(an_error_in_good_form_leaves_the_connection_in_use),
        PATIENT(a_replica_is_left_after_its_error),
        PATIENT(a_connection_that_is_opened_or_closed_is_a_line_with_its_reason),
        cmocka_unit_test(a_probe_pings_and_wants_a_pong),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(an_answer_without_memory_is_lost_alone),
    };

    fail_alloc_init(FAIL_ALLOC_INTERPOSED);
    port = fake_redis_start();
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    fake_redis_stop();
    return result;
}
