/* Every system call that the cache makes of Redis fails in turn.
 *
 * A cold miss, a hit, an invalidation and a write-through run over the real
 * adapter against a real server. This program takes the place of the calls that
 * the adapter makes (socket, connect, fcntl, setsockopt, getsockopt, poll, send,
 * recv), counts those of one scenario and then spoils one of them, each in every
 * way there is: interrupted, one byte at a time, an error, silence, the end of
 * the stream, bytes that are no answer.
 *
 * Failures that only interrupt or delay must have no effect at all. After any other failure
 * a read returns the truth, the connection that failed is not used again, nothing is left
 * open, and once the server answers again no caller reads what was invalidated. A server
 * that does not answer costs the test no time: waiting for it moves the clock.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "recsys/aside.h"
#include "tests/support/check.h"
#include "tests/support/redis_case.h"

#define VISIBLE __attribute__((visibility("default")))
#define PATIENCE_MS 1000u
#define LEASE_MS 20u /* a lease that is lost with its answer delays no caller for long */
#define MAX_CALLS 200
#define MAX_TRIES 2000

/* -- what the adapter calls -- */

enum call { SOCKET, CONNECT, FCNTL, SETSOCKOPT, GETSOCKOPT, POLL, SEND, RECV, N_CALLS };

#define IN(call) (1u << (call))
#define STREAM (IN(SEND) | IN(RECV))
#define ANY ((1u << N_CALLS) - 1u)

enum manner {
    FAILS,       /* with `number`, and has done nothing */
    FAILS_LATER, /* ... and has been done */
    IS_SHORT,    /* one byte goes through */
    IS_SILENT,   /* from now on nothing comes and nothing arrives */
    ENDS,        /* the end of the stream */
    GIVES        /* `bytes` come instead of the answer */
};

static const struct kind {
    const char *name;
    unsigned calls; /* that can fail so */
    enum manner manner;
    int number;
    int is_harmless;
    const char *bytes;
} kinds[] = {
    {"interrupted", IN(POLL) | STREAM, FAILS, EINTR, 1, NULL},
    {"interrupted", IN(CONNECT), FAILS_LATER, EINTR, 1, NULL},
    {"not yet", STREAM, FAILS, EAGAIN, 1, NULL},
    {"one byte", STREAM, IS_SHORT, 0, 1, NULL},
    {"too many files", IN(SOCKET), FAILS, EMFILE, 0, NULL},
    {"no buffers", ANY, FAILS, ENOBUFS, 0, NULL},
    {"refused", IN(CONNECT), FAILS, ECONNREFUSED, 0, NULL},
    {"busy", IN(CONNECT), FAILS, EAGAIN, 0, NULL},
    {"reset", IN(CONNECT) | STREAM, FAILS, ECONNRESET, 0, NULL},
    {"reset after it was sent", IN(SEND), FAILS_LATER, ECONNRESET, 0, NULL},
    {"broken pipe", STREAM, FAILS, EPIPE, 0, NULL},
    {"timed out", IN(CONNECT) | STREAM, FAILS, ETIMEDOUT, 0, NULL},
    {"silent", IN(CONNECT) | IN(POLL) | STREAM, IS_SILENT, 0, 0, NULL},
    {"closed", IN(RECV), ENDS, 0, 0, NULL},
    {"another protocol", IN(RECV), GIVES, 0, 0, "HTTP/1.1 400 Bad Request\r\n\r\n"},
    {"another answer", IN(RECV), GIVES, 0, 0, "+PONG\r\n"},
    {"too many answers", IN(RECV), GIVES, 0, 0, "$-1\r\n$3\r\nold\r\n"},
    {"an endless answer", IN(RECV), GIVES, 0, 0, "$536870911\r\nold"},
};

#define N_KINDS (sizeof kinds / sizeof kinds[0])

static struct {
    int is_armed;
    long n, at;              /* calls so far; the one that fails, or -1 */
    const struct kind *kind; /* how */
    int has_failed, has_polled;
    int broken, silent; /* descriptors; -1 = none */
    uint64_t passed_ns; /* while no caller waited */
    unsigned char calls[MAX_CALLS];
} io = {.at = -1, .broken = -1, .silent = -1};

/* Is it this one? */
static int spoils(enum call call)
{
    if (!io.is_armed)
        return 0;
    if (io.n < MAX_CALLS)
        io.calls[io.n] = (unsigned char)call;
    io.has_polled = io.n > 0 && io.n <= MAX_CALLS && io.calls[io.n - 1] == POLL;
    if (io.n++ != io.at || (io.kind->calls & IN(call)) == 0)
        return 0;
    io.has_failed = 1;
    return 1;
}

static void pass(uint32_t ms)
{
    io.passed_ns += (uint64_t)ms * 1000000u;
}

/* After an error on a stream it is not used any more. */
static void expect_whole(int descriptor)
{
    if (descriptor == io.broken)
        fail_msg("%s: a connection is used after it has failed", io.kind->name);
}

static int fail_with(int descriptor)
{
    if (!io.kind->is_harmless)
        io.broken = descriptor;
    errno = io.kind->number;
    return -1;
}

/* The call that this program has taken the place of. */
#define NEXT(type, name, ...)                                                                      \
    static type (*next)(__VA_ARGS__);                                                              \
    if (next == NULL)                                                                              \
    *(void **)(&next) = dlsym(RTLD_NEXT, name)

VISIBLE int clock_gettime(clockid_t clock, struct timespec *now)
{
    NEXT(int, "clock_gettime", clockid_t, struct timespec *);
    int result = next(clock, now);
    uint64_t ns = (uint64_t)now->tv_nsec + io.passed_ns;
    if (result == 0 && clock == CLOCK_MONOTONIC) {
        now->tv_sec += (time_t)(ns / 1000000000u);
        now->tv_nsec = (long)(ns % 1000000000u);
    }
    return result;
}

VISIBLE int socket(int family, int type, int protocol)
{
    NEXT(int, "socket", int, int, int);
    if (spoils(SOCKET))
        return fail_with(-1);
    int descriptor = next(family, type, protocol);
    if (descriptor == io.broken)
        io.broken = -1;
    if (descriptor == io.silent)
        io.silent = -1;
    return descriptor;
}

VISIBLE int connect(int descriptor, const struct sockaddr *address, socklen_t size)
{
    NEXT(int, "connect", int, const struct sockaddr *, socklen_t);
    if (!spoils(CONNECT))
        return next(descriptor, address, size);
    if (io.kind->manner == IS_SILENT) {
        io.silent = descriptor;
        errno = EINPROGRESS;
        return -1;
    }
    if (io.kind->manner == FAILS_LATER)
        (void)next(descriptor, address, size);
    return fail_with(descriptor);
}

VISIBLE int fcntl(int descriptor, int command, ...)
{
    va_list arguments;
    NEXT(int, "fcntl", int, int, ...);
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return spoils(FCNTL) ? fail_with(descriptor) : next(descriptor, command, argument);
}

VISIBLE int setsockopt(int descriptor, int level, int name, const void *value, socklen_t size)
{
    NEXT(int, "setsockopt", int, int, int, const void *, socklen_t);
    if (!spoils(SETSOCKOPT))
        return next(descriptor, level, name, value, size);
    errno = io.kind->number; /* one that makes it faster may fail, and it is used on */
    return -1;
}

VISIBLE int getsockopt(int descriptor, int level, int name, void *restrict value,
                       socklen_t *restrict size)
{
    NEXT(int, "getsockopt", int, int, int, void *, socklen_t *);
    return spoils(GETSOCKOPT) ? fail_with(descriptor) : next(descriptor, level, name, value, size);
}

VISIBLE int poll(struct pollfd *descriptors, nfds_t n, int timeout_ms)
{
    NEXT(int, "poll", struct pollfd *, nfds_t, int);
    if (spoils(POLL)) {
        if (io.kind->manner != IS_SILENT)
            return fail_with(descriptors->fd);
        io.silent = descriptors->fd;
    }
    if (!io.is_armed || descriptors->fd != io.silent)
        return next(descriptors, n, timeout_ms);
    pass((uint32_t)timeout_ms);
    return 0;
}

VISIBLE ssize_t send(int descriptor, const void *bytes, size_t size, int flags)
{
    NEXT(ssize_t, "send", int, const void *, size_t, int);
    expect_whole(descriptor);
    if (spoils(SEND)) {
        switch (io.kind->manner) {
        case IS_SHORT:
            return next(descriptor, bytes, 1, flags);
        case IS_SILENT:
            io.silent = descriptor;
            return (ssize_t)size;
        case FAILS_LATER:
            (void)next(descriptor, bytes, size, flags);
            return fail_with(descriptor);
        default:
            return fail_with(descriptor);
        }
    }
    return next(descriptor, bytes, size, flags);
}

VISIBLE ssize_t recv(int descriptor, void *bytes, size_t room, int flags)
{
    NEXT(ssize_t, "recv", int, void *, size_t, int);
    expect_whole(descriptor);
    if (spoils(RECV)) {
        size_t size;
        switch (io.kind->manner) {
        case IS_SHORT:
            return next(descriptor, bytes, 1, flags);
        case IS_SILENT:
            io.silent = descriptor;
            break;
        case ENDS:
            io.broken = descriptor;
            return 0;
        case GIVES:
            (void)next(descriptor, bytes, room, flags);
            size = strlen(io.kind->bytes) < room ? strlen(io.kind->bytes) : room;
            memcpy(bytes, io.kind->bytes, size);
            io.silent = descriptor; /* and nothing more */
            return (ssize_t)size;
        default:
            return fail_with(descriptor);
        }
    }
    /* Whether an answer is there already is chance, and it must be the same calls every time. */
    int is_early = (flags & (MSG_DONTWAIT | MSG_PEEK)) == MSG_DONTWAIT && !io.has_polled;
    if (io.is_armed && (is_early || descriptor == io.silent)) {
        errno = EAGAIN;
        return -1;
    }
    return next(descriptor, bytes, room, flags);
}

/* -- the fixture: one row, one key, two processes' caches -- */

#define KEY ((recsys_bytes){"user:1", 6})

static struct redis_server server;
static recsys_store *store, *other_store;
static recsys_aside *aside, *other;
static const char *truth;
static uint64_t version;
static unsigned n_loads;
static char where[200];

static recsys_status load(recsys_aside_load *load, void *user_data, recsys_error *problem)
{
    (void)user_data;
    n_loads++;
    return recsys_aside_load_set(load, text(truth), version, 0, 0, problem);
}

/* Ask, and get the truth. Returns the outcome. */
static uint32_t ask(recsys_aside *whom, const char *what)
{
    recsys_value value;
    uint32_t outcome;
    recsys_status status =
        recsys_aside_get_or_load(whom, KEY, load, NULL, 0, &value, &outcome, &err);

    if (status != RECSYS_OK)
        fail_msg("%s: %s: %s: %s", where, what, recsys_status_name(status), err.message);
    if (value.size != strlen(truth) || memcmp(value.data, truth, value.size) != 0)
        fail_msg("%s: %s: \"%.*s\" instead of \"%s\"", where, what, (int)value.size,
                 (const char *)value.data, truth);
    recsys_value_release(&value);
    return outcome;
}

/* A look-up may fail. It may not give what is no longer true. */
static void look_up(recsys_aside *whom)
{
    recsys_value value;

    if (recsys_aside_get(whom, KEY, &value, NULL, &err) == RECSYS_OK &&
        (value.size != strlen(truth) || memcmp(value.data, truth, value.size) != 0))
        fail_msg("%s: a look-up gives \"%.*s\"", where, (int)value.size, (const char *)value.data);
    recsys_value_release(&value);
}

static void open_aside(recsys_store **one_store, recsys_aside **one_aside, uint32_t lease_ms)
{
    recsys_redis_options options = patient_options(&server);
    recsys_aside_options aside_options = RECSYS_ASIDE_OPTIONS_INIT;

    options.pool_size = 1;
    options.connect_timeout_ms = options.command_timeout_ms = PATIENCE_MS;
    *one_store = open_store(&options);
    aside_options.lease_ms = lease_ms;
    aside_options.wait_ms = 2 * PATIENCE_MS;
    aside_options.flags = RECSYS_ASIDE_NO_REFRESH;
    assert_ok(recsys_aside_create(*one_store, &aside_options, one_aside, &err));
}

static void change_truth(void)
{
    truth = "two";
    version++;
}

static recsys_status change(recsys_aside_changes *changes, void *user_data, recsys_error *problem)
{
    (void)user_data;
    change_truth();
    return recsys_aside_changes_set(changes, 0, text(truth), version, problem);
}

/* -- what is done -- */

static uint32_t miss(void)
{
    return ask(aside, "a miss");
}

static uint32_t hit(void)
{
    return ask(aside, "a hit");
}

static uint32_t invalidate(void)
{
    const recsys_bytes key = KEY;

    change_truth();
    assert_ok(recsys_aside_invalidate(aside, &key, 1, &err));
    return 0;
}

static uint32_t write_through(void)
{
    const recsys_bytes key = KEY;

    assert_ok(recsys_aside_write(aside, &key, 1, change, NULL, &err));
    return 0;
}

static const struct scenario {
    const char *name;
    int is_cold; /* no connection, no script, no value */
    uint32_t (*run)(void);
    uint32_t outcomes[2];   /* when all is well; also when not */
    unsigned n_loads;       /* when all is well */
    uint32_t outcome_after; /* of the next reading, when all is well */
} scenarios[] = {
    {"a cold miss", 1, miss, {RECSYS_ASIDE_MISS, RECSYS_ASIDE_UNKNOWN}, 1, RECSYS_ASIDE_HIT},
    {"a hit", 0, hit, {RECSYS_ASIDE_HIT, RECSYS_ASIDE_UNKNOWN}, 0, RECSYS_ASIDE_HIT},
    {"an invalidation", 0, invalidate, {0, 0}, 0, RECSYS_ASIDE_MISS},
    {"a write-through", 0, write_through, {0, 0}, 0, RECSYS_ASIDE_HIT},
};

#define N_SCENARIOS (sizeof scenarios / sizeof scenarios[0])

static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

/* The server answers again; probe the stores until their breakers are closed. */
static void come_back(void)
{
    recsys_status status = RECSYS_E_STATE;
    recsys_aside_stats stats = {.struct_size = sizeof stats};

    for (int i = 0; status != RECSYS_OK; i++) {
        if (i == MAX_TRIES)
            fail_msg("%s: the store does not come back: %s", where, err.message);
        pass(2 * PATIENCE_MS);
        status = recsys_store_probe(store, &err);
    }
    assert_ok(recsys_aside_get_stats(aside, &stats, &err));
    assert_int_equal(stats.journal, 0);
}

/* A lease whose holder was never told that it has it expires; then it is a cache as before. */
static void expect_a_cache(recsys_aside *whom, const char *what)
{
    for (int i = 0; ask(whom, what) != RECSYS_ASIDE_HIT; i++)
        if (i == MAX_TRIES)
            fail_msg("%s: %s: nothing is kept any more", where, what);
}

/* Returns how many calls there were; fail_at -1: all is well. */
static long run_one(const struct scenario *scenario, long fail_at, const struct kind *kind)
{
    int is_well = kind == NULL || kind->is_harmless, n_descriptors = count_descriptors();

    snprintf(where, sizeof where, "%s, call %ld: %s", scenario->name, fail_at,
             kind == NULL ? "nothing" : kind->name);
    assert_answer(&server, "+OK", "FLUSHALL", "SYNC");
    if (scenario->is_cold)
        assert_answer(&server, "+OK", "SCRIPT", "FLUSH");
    truth = "one";
    version = 1;
    /* A caller that waits long must not lose a lease because the machine is busy. */
    open_aside(&store, &aside, is_well ? 10000 : LEASE_MS);
    open_aside(&other_store, &other, is_well ? 10000 : LEASE_MS);
    if (!scenario->is_cold)
        expect_a_cache(aside, "beforehand");
    n_loads = 0;

    io.n = 0;
    io.at = fail_at;
    io.kind = kind;
    io.has_failed = 0;
    io.is_armed = 1;
    uint32_t outcome = scenario->run();
    io.is_armed = 0;
    long n_calls = io.n;
    int has_failed = io.has_failed;

    if (kind != NULL && !has_failed)
        fail_msg("%s: did not come to that", where);
    if (is_well ? outcome != scenario->outcomes[0] || n_loads != scenario->n_loads
                : outcome != scenario->outcomes[0] && outcome != scenario->outcomes[1])
        fail_msg("%s: outcome %u, %u loads", where, outcome, n_loads);
    if (is_well)
        assert_int_equal(ask(aside, "at once"), scenario->outcome_after);
    look_up(aside);
    ask(aside, "after a look-up");
    come_back();
    look_up(other);
    ask(other, "in another process");
    expect_a_cache(aside, "when the server is back");
    expect_a_cache(other, "in another process, when the server is back");

    recsys_aside_destroy(other);
    recsys_aside_destroy(aside);
    recsys_store_unref(other_store);
    recsys_store_unref(store);
    io.broken = io.silent = -1;
    if (count_descriptors() != n_descriptors)
        fail_msg("%s: %d descriptors instead of %d", where, count_descriptors(), n_descriptors);
    return n_calls;
}

static void every_system_call_may_fail(void **state)
{
    unsigned char calls[MAX_CALLS];
    unsigned n_all = 0;

    (void)state;
    for (size_t i = 0; i < N_SCENARIOS; i++) {
        long n = run_one(&scenarios[i], -1, NULL);
        unsigned n_failures = 0;
        CHECK_BETWEEN(n, 1, MAX_CALLS);
        memcpy(calls, io.calls, sizeof calls);
        for (long at = 0; at < n; at++)
            for (size_t k = 0; k < N_KINDS; k++)
                if ((kinds[k].calls & IN(calls[at])) != 0) {
                    run_one(&scenarios[i], at, &kinds[k]);
                    n_failures++;
                }
        printf("%-16s %2ld system calls, %3u failures\n", scenarios[i].name, n, n_failures);
        n_all += n_failures;
    }
    printf("%u failures, 0 wrong results\n", n_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_system_call_may_fail)};

    redis_server_start(&server, NULL);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    redis_server_end(&server);
    return result;
}
