/* Covers recsys/batcher.h. That answers are the right bytes is tests/race/batcher_threads.c's; here
 * callers stand where the test wants them: a reply callback that does not return keeps an engine,
 * and a batcher whose engines are all kept makes callers wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recsys/batcher.h"
#include "tests/api/reference.h"
#include "tests/support/scratch.h"

#define N_ENGINES 3 /* of a batcher with one scan */
#define N_WAITING 5

static recsys_error err;
static recsys_model *first_model, *second_model;
static recsys_batcher *batcher;
static recsys_batcher_options options = RECSYS_BATCHER_OPTIONS_INIT;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int n_kept, may_go; /* protected by lock */

/* A thread that makes one call. */
struct asker {
    pthread_t thread;
    const recsys_model *model;
    int keeps;        /* its reply callback returns only when may_go is set */
    int is_cancelled; /* what the cancelled callback says */
    recsys_status from_callback;
    const char *message; /* that the reply callback leaves */
    recsys_status status;
    recsys_error err;
    recsys_batch batch;
    uint32_t count; /* items */
    uint32_t n_replies;
    int was_asked; /* whether it is cancelled */
    pthread_t asked_by;
};

static int set_up(void **state)
{
    struct bundle bundle;

    scratch_set_up(state);
    first_model = make_model(scratch, "first", &bundle, 12, 90, 8, 1, BUNDLE_SEEN);
    bundle_free(&bundle);
    second_model = make_model(scratch, "second", &bundle, 12, 90, 8, 2, BUNDLE_SEEN);
    bundle_free(&bundle);
    return 0;
}

static int tear_down(void **state)
{
    recsys_model_unref(first_model);
    recsys_model_unref(second_model);
    return scratch_tear_down(state);
}

static recsys_status take_reply(const recsys_reply *reply, const recsys_batch *batch,
                                void *user_data, recsys_error *said)
{
    struct asker *asker = user_data;

    asker->batch = *batch;
    asker->count = reply->count;
    asker->n_replies++;
    pthread_mutex_lock(&lock);
    n_kept += asker->keeps;
    pthread_cond_broadcast(&changed);
    while (asker->keeps && !may_go)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    if (asker->message != NULL)
        return recsys_error_set(said, asker->from_callback, asker->message);
    return asker->from_callback;
}

static int32_t say_cancelled(void *user_data)
{
    struct asker *asker = user_data;

    asker->was_asked = 1;
    asker->asked_by = pthread_self();
    return asker->is_cancelled;
}

static recsys_status ask_within(struct asker *asker, uint32_t timeout_ms)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_batcher_call call = RECSYS_BATCHER_CALL_INIT;

    request.user.number = 3;
    call.timeout_ms = timeout_ms;
    call.reply = take_reply;
    call.cancelled = say_cancelled;
    call.user_data = asker;
    asker->status = recsys_batcher_recommend(
        batcher, asker->model == NULL ? first_model : asker->model, &request, &call, &asker->err);
    return asker->status;
}

static void *ask(void *asker)
{
    while (ask_within(asker, 0) == RECSYS_E_EXHAUSTED) /* a probe stands in its place */
        sched_yield();
    return NULL;
}

static void start(struct asker *asker)
{
    assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

static void finish(struct asker *askers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pthread_join(askers[i].thread, NULL);
}

static void create(uint32_t max_batch)
{
    options.max_batch = max_batch;
    options.max_waiting = N_WAITING;
    must(recsys_batcher_create(&options, &batcher, &err), &err, "batcher");
    n_kept = may_go = 0;
}

/* All engines are kept by callers that read their replies. */
static void keep_engines(struct asker keepers[N_ENGINES])
{
    memset(keepers, 0, N_ENGINES * sizeof *keepers);
    for (int i = 0; i < N_ENGINES; i++) {
        keepers[i].keeps = 1;
        start(&keepers[i]);
        pthread_mutex_lock(&lock);
        while (n_kept <= i)
            pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
    }
}

static void let_go(void)
{
    pthread_mutex_lock(&lock);
    may_go = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Until the queue is full: one more caller is refused, instead of being late. */
static void wait_until_full(void)
{
    struct asker probe = {0};

    while (ask_within(&probe, 1) == RECSYS_E_TIMEOUT)
        ;
    assert_int_equal(probe.status, RECSYS_E_EXHAUSTED);
    assert_non_null(strstr(probe.err.message, "5 requests wait already"));
    assert_int_equal(probe.n_replies, 0);
}

static void a_free_scan_is_taken_at_once(void **state)
{
    struct asker asker = {0};

    (void)state;
    create(0);
    must(ask_within(&asker, 0), &asker.err, "recommend");
    assert_int_equal(asker.n_replies, 1);
    assert_int_equal(asker.count, 10);
    assert_int_equal(asker.batch.n_requests, 1);
    assert_int_equal(asker.batch.place, 0);
    assert_int_equal(asker.batch.struct_size, sizeof asker.batch);
    assert_true(asker.batch.scan_ns > 0);
    assert_false(asker.was_asked);
    recsys_batcher_destroy(batcher);
}

static void all_that_wait_are_answered_together(void **state)
{
    struct asker keepers[N_ENGINES], waiting[N_WAITING] = {{0}};
    unsigned places = 0;

    (void)state;
    create(0);
    keep_engines(keepers);
    for (size_t i = 0; i < N_WAITING; i++)
        start(&waiting[i]);
    wait_until_full();
    let_go();
    finish(waiting, N_WAITING);
    finish(keepers, N_ENGINES);
    for (size_t i = 0; i < N_WAITING; i++) {
        must(waiting[i].status, &waiting[i].err, "recommend");
        assert_int_equal(waiting[i].count, 10);
        assert_int_equal(waiting[i].batch.n_requests, N_WAITING);
        assert_true(waiting[i].batch.wait_ns > 0);
        places |= 1u << waiting[i].batch.place;
    }
    assert_int_equal(places, (1u << N_WAITING) - 1);
    for (size_t i = 0; i < N_ENGINES; i++)
        assert_int_equal(keepers[i].status, RECSYS_OK);
    recsys_batcher_destroy(batcher);
}

static void a_batch_has_a_largest_size_and_one_model(void **state)
{
    struct asker keepers[N_ENGINES], waiting[N_WAITING] = {{0}};

    (void)state;
    create(2);
    keep_engines(keepers);
    waiting[2].model = second_model;
    for (size_t i = 0; i < N_WAITING; i++)
        start(&waiting[i]);
    wait_until_full();
    let_go();
    finish(waiting, N_WAITING);
    finish(keepers, N_ENGINES);
    for (size_t i = 0; i < N_WAITING; i++) {
        assert_int_equal(waiting[i].status, RECSYS_OK);
        assert_int_equal(waiting[i].batch.n_requests, i == 2 ? 1 : 2);
    }
    recsys_batcher_destroy(batcher);
}

static void a_caller_does_not_wait_longer_than_it_wants(void **state)
{
    struct asker keepers[N_ENGINES], late = {0}, after = {0};

    (void)state;
    create(0);
    keep_engines(keepers);
    assert_int_equal(ask_within(&late, 5), RECSYS_E_TIMEOUT);
    assert_non_null(strstr(late.err.message, "within 5 ms"));
    assert_int_equal(late.n_replies, 0);
    let_go();
    finish(keepers, N_ENGINES);
    assert_int_equal(ask_within(&after, 5), RECSYS_OK); /* it is not in the queue any more */
    assert_int_equal(after.batch.n_requests, 1);
    recsys_batcher_destroy(batcher);
}

static void the_cancelled_leave_the_batch(void **state)
{
    for (unsigned cancelled = 1; cancelled < 1u << N_WAITING; cancelled += 5) {
        struct asker keepers[N_ENGINES], waiting[N_WAITING] = {{0}};
        uint32_t n_left = 0;

        (void)state;
        create(0);
        keep_engines(keepers);
        for (size_t i = 0; i < N_WAITING; i++) {
            waiting[i].is_cancelled = (cancelled & 1u << i) != 0;
            n_left += !waiting[i].is_cancelled;
            start(&waiting[i]);
        }
        wait_until_full();
        let_go();
        finish(waiting, N_WAITING);
        finish(keepers, N_ENGINES);
        for (size_t i = 0; i < N_WAITING; i++) {
            assert_true(waiting[i].was_asked);
            assert_true(pthread_equal(waiting[i].asked_by, waiting[0].asked_by));
            if (waiting[i].is_cancelled) {
                assert_int_equal(waiting[i].status, RECSYS_E_STOPPED);
                assert_int_equal(waiting[i].n_replies, 0);
            } else {
                assert_int_equal(waiting[i].status, RECSYS_OK);
                assert_int_equal(waiting[i].batch.n_requests, n_left);
            }
        }
        struct asker after = {0};
        assert_int_equal(ask_within(&after, 0), RECSYS_OK);
        recsys_batcher_destroy(batcher);
    }
}

static void the_callback_decides_the_status(void **state)
{
    struct asker refuses = {.from_callback = RECSYS_E_LIMIT, .message = "too much"};
    struct asker strange = {.from_callback = 77};

    (void)state;
    create(0);
    assert_int_equal(ask_within(&refuses, 0), RECSYS_E_LIMIT);
    assert_string_equal(refuses.err.message, "too much");
    assert_int_equal(ask_within(&strange, 0), RECSYS_E_CALLBACK);
    recsys_batcher_destroy(batcher);
}

static recsys_status never(const recsys_reply *reply, const recsys_batch *batch, void *user_data,
                           recsys_error *said)
{
    (void)reply;
    (void)batch;
    (void)user_data;
    (void)said;
    fail_msg("there is no reply");
    return RECSYS_OK;
}

static void arguments_are_checked(void **state)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_batcher_call call = RECSYS_BATCHER_CALL_INIT;
    recsys_batcher_options wrong = RECSYS_BATCHER_OPTIONS_INIT;
    recsys_batcher *none = (recsys_batcher *)&err;

    (void)state;
    wrong.n_scans = 257;
    assert_int_equal(recsys_batcher_create(&wrong, &none, &err), RECSYS_E_INVALID);
    assert_null(none);
    wrong.n_scans = 0;
    wrong.max_batch = 1025;
    assert_int_equal(recsys_batcher_create(&wrong, &none, &err), RECSYS_E_INVALID);
    wrong.max_batch = 0;
    wrong.n_threads = 257;
    assert_int_equal(recsys_batcher_create(&wrong, &none, &err), RECSYS_E_INVALID);
    wrong.n_threads = 0;
    wrong.reserved = 1;
    assert_int_equal(recsys_batcher_create(&wrong, &none, &err), RECSYS_E_UNSUPPORTED);
    assert_int_equal(recsys_batcher_create(NULL, NULL, &err), RECSYS_E_INVALID);
    recsys_batcher_destroy(NULL);

    create(0);
    assert_int_equal(recsys_batcher_recommend(NULL, first_model, &request, &call, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_batcher_recommend(batcher, NULL, &request, &call, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_batcher_recommend(batcher, first_model, &request, &call, &err),
                     RECSYS_E_INVALID); /* no callback */
    assert_int_equal(recsys_batcher_recommend(batcher, first_model, &request, NULL, &err),
                     RECSYS_E_INVALID);
    call.reply = never;
    assert_int_equal(recsys_batcher_recommend(batcher, first_model, NULL, &call, &err),
                     RECSYS_E_INVALID);
    request.min_rating = 11;
    assert_int_equal(recsys_batcher_recommend(batcher, first_model, &request, &call, &err),
                     RECSYS_E_INVALID);
    assert_string_equal(err.message, "recsys_recommend: min_rating is not within 0..10");
    request.flags = 1u << 31;
    assert_int_equal(recsys_batcher_recommend(batcher, first_model, &request, &call, &err),
                     RECSYS_E_UNSUPPORTED);
    request.struct_size = 3;
    assert_int_equal(recsys_batcher_recommend(batcher, first_model, &request, &call, &err),
                     RECSYS_E_INVALID);
    recsys_batcher_destroy(batcher);
}

static void a_forked_child_may_only_destroy_it(void **state)
{
    struct asker asker = {0};
    int status;

    (void)state;
    create(0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int is_right = ask_within(&asker, 0) == RECSYS_E_STATE;
        recsys_batcher_destroy(batcher);
        _exit(is_right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    must(ask_within(&asker, 0), &asker.err, "parent");
    recsys_batcher_destroy(batcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_scan_is_taken_at_once),
        cmocka_unit_test(all_that_wait_are_answered_together),
        cmocka_unit_test(a_batch_has_a_largest_size_and_one_model),
        cmocka_unit_test(a_caller_does_not_wait_longer_than_it_wants),
        cmocka_unit_test(the_cancelled_leave_the_batch),
        cmocka_unit_test(the_callback_decides_the_status),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(a_forked_child_may_only_destroy_it),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
