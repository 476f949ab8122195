/* Commands of many threads in one write, over a server at its worst.
 *
 * Sixteen threads ask a server (tests/support/proof_redis.h) whose every answer says to which
 * command it belongs. It answers late, by halves, in pieces, too much, wrongly or not at all,
 * closes, resets, refuses and stands still, at random; threads are stopped in the middle of a
 * call, so that some lead for longer than the others wait. Whatever happens: a call ends with its
 * own value or with a failure in its own words, no answer reaches another caller, and the store
 * works again when the server does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/support/check.h"
#include "tests/support/proof_redis.h"
#include "tests/support/redis_case.h"

#define PREFIX "{t}:" /* with a hash tag, so that ASK is followed */
#define N_THREADS 16u
#define MAX_KEYS 3u
#define TIMEOUT_MS 40u
#define DELAY_MS 60u
#define MAX_STOPS 20u
#define ALL_FAULTS ((1u << PROOF_N_FAULTS) - 1u)

static uint32_t port;
static recsys_store *store;

static void open_shared(uint32_t command_timeout_ms, uint32_t failures, uint32_t share_from)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    recsys_store_options store_options = RECSYS_STORE_OPTIONS_INIT;

    options.port = port;
    options.prefix = PREFIX;
    options.connect_timeout_ms = 5000;
    options.pool_timeout_ms = 5000;
    options.command_timeout_ms = command_timeout_ms;
    options.share_from = share_from;
    store_options.failures = failures;
    assert_ok(recsys_redis_create("test", &options, &store_options, &store, &err));
}

static void close_shared(void)
{
    recsys_store_unref(store);
    store = NULL;
}

/* -- one call, and whether its result is its own -- */

enum operation { GET_ONE, GET_SEVERAL, SET_ONE, REMOVE_SEVERAL, GET_OR_SET, N_OPERATIONS };

struct ask {
    char text[MAX_KEYS][64];
    recsys_bytes keys[MAX_KEYS];
    size_t n;
    enum operation operation;
};

static void check_words(const struct ask *ask, recsys_status status, const recsys_error *said)
{
    static const char *const names[] = {"db 0: GET", "db 0: MGET", "db 0: SET", "db 0: UNLINK",
                                        "db 0: get-or-set script"};
    const char *refused = strstr(said->message, "ERR refused: ");

    if (status == RECSYS_E_UNAVAILABLE) /* where a test lets the breaker open */
        return;
    CHECK(status == RECSYS_E_TIMEOUT || status == RECSYS_E_IO || status == RECSYS_E_BACKEND ||
          status == RECSYS_E_EXHAUSTED);
    if (refused != NULL) { /* the server's words are about this caller's key */
        size_t size = strlen(ask->text[0]);
        refused += strlen("ERR refused: " PREFIX);
        if (strncmp(refused, ask->text[0], size) != 0 || refused[size] != '\0')
            fprintf(stderr, "%s was told: %s\n", ask->text[0], said->message);
        CHECK(strncmp(refused, ask->text[0], size) == 0 && refused[size] == '\0');
    }
    if (status != RECSYS_E_EXHAUSTED && strstr(said->message, "connecting") == NULL &&
        strstr(said->message, "INFO") == NULL)
        CHECK(strstr(said->message, names[ask->operation]) != NULL);
}

static void check_value(const struct ask *ask, size_t i, const recsys_value *value)
{
    char key[80];
    size_t key_size = (size_t)snprintf(key, sizeof key, PREFIX "%s", ask->text[i]);
    int is_its_own =
        value->data != NULL && proof_redis_is_value(key, key_size, value->data, value->size);

    if (!is_its_own)
        fprintf(stderr, "%s got %.*s\n", ask->text[i],
                value->data == NULL ? 4 : (int)(value->size < 60 ? value->size : 60),
                value->data == NULL ? "none" : (const char *)value->data);
    CHECK(is_its_own);
}

static recsys_status call(const struct ask *ask)
{
    recsys_value values[MAX_KEYS] = {{NULL, 0, NULL, NULL}};
    uint64_t incarnation = 0, n_removed = 0;
    size_t n = ask->operation == GET_SEVERAL ? ask->n : 1;
    int has_values = ask->operation != SET_ONE && ask->operation != REMOVE_SEVERAL;
    recsys_error said = {0};
    recsys_status status;

    switch (ask->operation) {
    case SET_ONE:
        status = recsys_store_set(store, ask->keys[0], ask->keys[0], 0, RECSYS_STORE_ALWAYS, &said);
        break;
    case REMOVE_SEVERAL:
        status = recsys_store_remove(store, ask->keys, ask->n, &n_removed, &said);
        CHECK_EQ(n_removed, status == RECSYS_OK ? ask->n : 0);
        break;
    case GET_OR_SET:
        status = recsys_store_get_or_set(store, ask->keys[0], ask->keys[0], 0, &values[0],
                                         &incarnation, &said);
        break;
    default:
        status = recsys_store_get(store, ask->keys, n, values, &incarnation, &said);
    }
    for (size_t i = 0; i < n && has_values; i++) {
        if (status == RECSYS_OK)
            check_value(ask, i, &values[i]);
        else
            CHECK(values[i].data == NULL);
        recsys_value_release(&values[i]);
    }
    CHECK((incarnation != 0) == (has_values && status == RECSYS_OK));
    if (status != RECSYS_OK)
        check_words(ask, status, &said);
    return status;
}

/* -- many of them -- */

struct caller {
    pthread_t thread;
    unsigned number, n_calls;
    atomic_uint n_good, n_failed, is_over;
};

static struct caller callers[N_THREADS];

static void prepare(struct ask *ask, unsigned thread, unsigned number)
{
    unsigned kind = (thread * 7u + number * 13u) % 32u;

    ask->operation = kind < 16   ? GET_ONE
                     : kind < 22 ? GET_SEVERAL
                     : kind < 25 ? SET_ONE
                     : kind < 28 ? REMOVE_SEVERAL
                                 : GET_OR_SET;
    ask->n = 1 + (number + thread) % MAX_KEYS;
    if (ask->operation == GET_SEVERAL && ask->n == 1)
        ask->n = 2;
    for (size_t i = 0; i < ask->n; i++) {
        /* Of all sizes, some beyond what one read takes. */
        unsigned more = number % 40 == 0 ? 50000u : number % 5 * 100u;
        int size =
            snprintf(ask->text[i], sizeof ask->text[i], "t%u-%u-%zu@%u", thread, number, i, more);
        ask->keys[i] = (recsys_bytes){ask->text[i], (size_t)size};
    }
}

static void *call_often(void *argument)
{
    struct caller *caller = argument;
    struct ask ask;

    for (unsigned i = 0; i < caller->n_calls; i++) {
        prepare(&ask, caller->number, i);
        recsys_status status = call(&ask);
        atomic_fetch_add(status == RECSYS_OK ? &caller->n_good : &caller->n_failed, 1u);
        if (status == RECSYS_E_EXHAUSTED)
            poll(NULL, 0, 1);
    }
    atomic_store(&caller->is_over, 1u);
    return NULL;
}

static void start_callers(unsigned n_calls)
{
    for (unsigned i = 0; i < N_THREADS; i++) {
        callers[i].number = i;
        callers[i].n_calls = n_calls;
        atomic_store(&callers[i].n_good, 0u);
        atomic_store(&callers[i].n_failed, 0u);
        atomic_store(&callers[i].is_over, 0u);
        CHECK(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]) == 0);
    }
}

static void end_callers(unsigned *n_good, unsigned *n_failed)
{
    *n_good = *n_failed = 0;
    for (unsigned i = 0; i < N_THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        *n_good += atomic_load(&callers[i].n_good);
        *n_failed += atomic_load(&callers[i].n_failed);
    }
}

static void insist_on_an_answer(void)
{
    struct ask ask;

    prepare(&ask, 0, 1);
    while (call(&ask) != RECSYS_OK)
        poll(NULL, 0, 5);
}

static void without_faults_every_answer_is_its_callers(void **state)
{
    unsigned n_good, n_failed;
    recsys_redis_stats stats;

    (void)state;
    proof_redis_misbehave(0, 0, 0, 1);
    open_shared(10000, UINT_MAX, 2);
    start_callers(800);
    end_callers(&n_good, &n_failed);
    stats = pool_stats(store);
    assert_int_equal(n_good, N_THREADS * 800);
    assert_int_equal(n_failed, 0);
    assert_true(stats.shared_commands > stats.shared_writes);
    assert_true(proof_redis_count_shared() > 0);
    assert_true(stats.open <= 16);
    close_shared();
}

static void a_switch_turns_it_off(void **state)
{
    unsigned n_good, n_failed;

    (void)state;
    open_shared(10000, UINT_MAX, RECSYS_NEVER_32);
    start_callers(100);
    end_callers(&n_good, &n_failed);
    assert_int_equal(n_failed, 0);
    assert_int_equal(pool_stats(store).shared_writes, 0);
    close_shared();
}

static void stand_still(int signal_number)
{
    (void)signal_number;
    poll(NULL, 0, 2 * DELAY_MS);
}

static void no_fault_gives_a_caller_what_is_not_its_own(void **state)
{
    struct sigaction stop = {.sa_handler = stand_still};
    unsigned n_good, n_failed, at = 0, n_over = 0, n_calls = getenv("RECSYS_LONG") ? 20000 : 600;

    (void)state;
    sigemptyset(&stop.sa_mask);
    assert_int_equal(sigaction(SIGUSR1, &stop, NULL), 0);
    proof_redis_misbehave(60, ALL_FAULTS, DELAY_MS, 20261130);
    open_shared(TIMEOUT_MS, UINT_MAX, 2);
    start_callers(n_calls);
    while (n_over < N_THREADS) { /* somebody stands still, perhaps one who leads */
        if (at < 5 * MAX_STOPS && !atomic_load(&callers[at % N_THREADS].is_over))
            pthread_kill(callers[at % N_THREADS].thread, SIGUSR1);
        at += 5;
        poll(NULL, 0, 3 * DELAY_MS); /* one at a time: it may hold a lock */
        n_over = 0;
        for (unsigned i = 0; i < N_THREADS; i++)
            n_over += atomic_load(&callers[i].is_over);
    }
    end_callers(&n_good, &n_failed);
    print_message("%u good, %u failed\n", n_good, n_failed);
    for (unsigned i = 0; i < PROOF_N_FAULTS; i++)
        assert_true(proof_redis_count((enum proof_fault)i) > 0);
    assert_true(n_good > n_calls);
    assert_true(n_failed > 0);
    proof_redis_misbehave(0, 0, 0, 1);
    insist_on_an_answer();
    assert_true(pool_stats(store).open <= 16);
    close_shared();
}

/* -- callers whose leader stands still -- */

#define N_PATIENT 6u
#define STILL_MS 300

static atomic_uint n_left;

static void stand_still_for_long(int signal_number)
{
    (void)signal_number;
    poll(NULL, 0, STILL_MS);
}

static void *call_once(void *argument)
{
    struct caller *caller = argument;
    struct ask ask;

    prepare(&ask, caller->number, caller->n_calls);
    ask.operation = GET_ONE;
    recsys_status status = call(&ask);
    if (status == RECSYS_E_TIMEOUT && !atomic_load(&caller->is_over))
        atomic_fetch_add(&n_left, 1u);
    return NULL;
}

static void who_cannot_wait_for_a_leader_leaves_and_harms_nobody(void **state)
{
    struct sigaction stop = {.sa_handler = stand_still_for_long};

    (void)state;
    sigemptyset(&stop.sa_mask);
    assert_int_equal(sigaction(SIGUSR1, &stop, NULL), 0);
    atomic_store(&n_left, 0u);
    /* Every answer comes after 60 ms and is in time; only a leader that stands still is late. */
    proof_redis_misbehave(1000, 1u << PROOF_LATE, DELAY_MS, 7);
    open_shared(150, UINT_MAX, 1);
    for (unsigned round = 0; round < 300 && atomic_load(&n_left) < 4; round++) {
        for (unsigned i = 0; i < N_PATIENT; i++) {
            callers[i].number = i;
            callers[i].n_calls = 2 * round + 1;
            atomic_store(&callers[i].is_over, i == round % N_PATIENT); /* it is to stand still */
            CHECK(pthread_create(&callers[i].thread, NULL, call_once, &callers[i]) == 0);
        }
        poll(NULL, 0, DELAY_MS / 2);
        pthread_kill(callers[round % N_PATIENT].thread, SIGUSR1);
        for (unsigned i = 0; i < N_PATIENT; i++)
            pthread_join(callers[i].thread, NULL);
    }
    assert_true(atomic_load(&n_left) > 0);
    proof_redis_misbehave(0, 0, 0, 1);
    insist_on_an_answer();
    close_shared();
}

/* -- what counts for the breaker -- */

static pthread_barrier_t together;

static unsigned fail_round;

static void *fail_once(void *argument)
{
    struct caller *caller = argument;
    struct ask ask;

    prepare(&ask, caller->number, 2 * fail_round + 1); /* new keys: none is known as slow */
    ask.operation = GET_ONE;
    pthread_barrier_wait(&together);
    recsys_status status = call(&ask);
    atomic_fetch_add(status == RECSYS_OK ? &caller->n_good : &caller->n_failed, 1u);
    return NULL;
}

static void start_together(unsigned round)
{
    fail_round = round;
    pthread_barrier_init(&together, NULL, N_THREADS);
    for (unsigned i = 0; i < N_THREADS; i++) {
        callers[i].number = i;
        atomic_store(&callers[i].n_good, 0u);
        atomic_store(&callers[i].n_failed, 0u);
        CHECK(pthread_create(&callers[i].thread, NULL, fail_once, &callers[i]) == 0);
    }
}

/* Rounds in which all callers meet a fault, in few writes: the breaker, which opens after more
 * failures than there are writes, stays closed. */
static void expect_one_count_a_write(enum proof_fault fault, uint32_t timeout_ms, unsigned n_rounds)
{
    recsys_store_stats before = RECSYS_STORE_STATS_INIT, after = RECSYS_STORE_STATS_INIT;
    unsigned n_proofs = 0, n_good, n_failed;

    open_shared(timeout_ms, N_THREADS / 2 + 1, 1);
    for (unsigned round = 0; round < 200 && n_proofs < n_rounds; round++) {
        proof_redis_misbehave(0, 0, 0, 1);
        insist_on_an_answer();
        recsys_redis_stats shared = pool_stats(store);
        assert_ok(recsys_store_get_stats(store, &before, &err));
        proof_redis_misbehave(1000, 1u << fault, 5 * timeout_ms, round);
        start_together(round);
        end_callers(&n_good, &n_failed);
        pthread_barrier_destroy(&together);
        assert_int_equal(n_good, 0);
        assert_ok(recsys_store_get_stats(store, &after, &err));
        recsys_redis_stats now = pool_stats(store);
        uint64_t n_writes = now.shared_writes - shared.shared_writes;
        uint64_t n_alone = N_THREADS - (now.shared_commands - shared.shared_commands);
        if (n_writes + n_alone > N_THREADS / 2)
            continue; /* they did not come together: too many failures */
        n_proofs++;
        assert_int_equal(after.failures - before.failures, N_THREADS);
        assert_int_equal(after.breaker, RECSYS_BREAKER_CLOSED);
    }
    assert_true(n_proofs > 0);
    close_shared();
    proof_redis_misbehave(0, 0, 0, 1);
}

static void a_write_that_fails_counts_once_for_the_breaker(void **state)
{
    (void)state;
    expect_one_count_a_write(PROOF_CLOSED, 10000, 3);
}

static void so_does_one_whose_answers_have_begun_to_come(void **state)
{
    (void)state;
    expect_one_count_a_write(PROOF_HALF_LATE, 1000, 1);
}

/* Some connections say nothing any more, others work. */
static void a_connection_that_dies_counts_once_for_each_write(void **state)
{
    recsys_store_stats stats = RECSYS_STORE_STATS_INIT;
    unsigned n_good, n_failed;
    uint64_t n_late;

    (void)state;
    open_shared(2000, N_THREADS / 2 + 1, 1);
    proof_redis_misbehave(0, 0, 0, 1);
    insist_on_an_answer();
    n_late = proof_redis_count(PROOF_LATE);
    proof_redis_misbehave(1000, 1u << PROOF_LATE, 20000, 1);
    start_together(900);
    while (proof_redis_count(PROOF_LATE) < n_late + 2)
        poll(NULL, 0, 1);
    proof_redis_misbehave(0, 0, 0, 1);
    for (int i = 0; i < 100; i++) { /* until all of them have failed, and longer */
        insist_on_an_answer();
        poll(NULL, 0, 25);
    }
    end_callers(&n_good, &n_failed);
    pthread_barrier_destroy(&together);
    print_message("%u good, %u failed\n", n_good, n_failed);
    assert_true(n_failed > 0);
    assert_ok(recsys_store_get_stats(store, &stats, &err));
    assert_int_equal(stats.opened, 0);
    close_shared();
}

static recsys_status try_key(const char *key)
{
    struct ask ask = {.n = 1, .operation = GET_ONE};
    int size = snprintf(ask.text[0], sizeof ask.text[0], "%s", key);

    ask.keys[0] = (recsys_bytes){ask.text[0], (size_t)size};
    return call(&ask);
}

static void a_value_that_is_too_slow_holds_others_up_once(void **state)
{
    uint64_t n;

    (void)state;
    proof_redis_misbehave(1000, 1u << PROOF_LATE, 10000, 1);
    open_shared(1000, UINT_MAX, 1);
    assert_int_equal(try_key("slow@0"), RECSYS_E_TIMEOUT);
    proof_redis_misbehave(0, 0, 0, 1);
    n = pool_stats(store).shared_commands;
    assert_int_equal(n, 1);
    while (try_key("slow@0") != RECSYS_OK) /* the pool is silent at first */
        poll(NULL, 0, 10);
    assert_int_equal(pool_stats(store).shared_commands, n); /* by itself */
    assert_int_equal(try_key("slow@0"), RECSYS_OK);
    assert_int_equal(pool_stats(store).shared_commands, n + 1); /* it was small */
    close_shared();
}

static void get_key(const char *key)
{
    CHECK_EQ(try_key(key), RECSYS_OK);
}

static void large_answers_go_by_themselves_once_they_are_known(void **state)
{
    uint64_t n;

    (void)state;
    open_shared(10000, UINT_MAX, 1);
    get_key("small@10");
    get_key("large@100000");
    n = pool_stats(store).shared_commands;
    assert_int_equal(n, 2);
    for (int i = 0; i < 64; i++) /* others may be large, too */
        get_key("small@10");
    assert_int_equal(pool_stats(store).shared_commands, n);
    get_key("small@10");
    assert_int_equal(pool_stats(store).shared_commands, n + 1);
    for (int i = 0; i < 10; i++)
        get_key("large@100000");
    assert_int_equal(pool_stats(store).shared_commands, n + 1);
    get_key("small@10");
    assert_int_equal(pool_stats(store).shared_commands, n + 2);
    close_shared();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults_every_answer_is_its_callers),
        cmocka_unit_test(a_switch_turns_it_off),
        cmocka_unit_test(no_fault_gives_a_caller_what_is_not_its_own),
        cmocka_unit_test(who_cannot_wait_for_a_leader_leaves_and_harms_nobody),
        cmocka_unit_test(a_write_that_fails_counts_once_for_the_breaker),
        cmocka_unit_test(so_does_one_whose_answers_have_begun_to_come),
        cmocka_unit_test(a_connection_that_dies_counts_once_for_each_write),
        cmocka_unit_test(a_value_that_is_too_slow_holds_others_up_once),
        cmocka_unit_test(large_answers_go_by_themselves_once_they_are_known),
    };

    port = proof_redis_start();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    proof_redis_stop();
    return failed;
}
