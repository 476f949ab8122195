/* In a forked child: models, filters and what has no threads of its own work as in the parent;
 * what has says E_STATE and can be given back, and the parent's goes on. A child that hangs is
 * ended by an alarm. Stores and sources: tests/integration. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pthread.h>

#include <cmocka.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/model_setup.h"

#define N_USERS 40u
#define N_ITEMS 3000u
#define D 16u
#define N_REQUESTS 20u
#define K 10u
#define SECONDS 300u

static struct model_setup setup;
static recsys_model *model;
static recsys_error err;

struct answers {
    uint64_t items[N_REQUESTS][K];
    float raws[N_REQUESTS][K];
};

static int set_up(void **state)
{
    (void)state;
    model_setup_bundle(&setup, N_USERS, N_ITEMS, D, BUNDLE_CATALOG | BUNDLE_SEEN | BUNDLE_BIAS);
    model = model_setup_load(setup.path, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_model_unref(model);
    model_setup_end(&setup);
    return 0;
}

static recsys_recommender *create(uint32_t n_threads)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_recommender *recommender = NULL;

    options.n_threads = n_threads;
    if (recsys_recommender_create(&options, &recommender, &err) != RECSYS_OK)
        return NULL;
    return recommender;
}

static recsys_status recommend(recsys_recommender *recommender, struct answers *answers)
{
    recsys_request requests[N_REQUESTS];
    recsys_reply replies[N_REQUESTS];
    recsys_status status;

    memset(answers, 0, sizeof *answers);
    for (uint32_t i = 0; i < N_REQUESTS; i++) {
        const recsys_request empty = RECSYS_REQUEST_INIT;
        requests[i] = empty;
        requests[i].user.number = 1 + i;
        requests[i].k = K;
        const recsys_reply none = RECSYS_REPLY_INIT;
        replies[i] = none;
    }
    status = recsys_recommend(recommender, model, requests, N_REQUESTS, replies, &err);
    for (uint32_t i = 0; status == RECSYS_OK && i < N_REQUESTS; i++)
        for (uint32_t k = 0; k < replies[i].count && k < K; k++) {
            const recsys_recommendation *item = recsys_reply_get_item(&replies[i], k);
            answers->items[i][k] = item->item.number;
            answers->raws[i][k] = item->raw;
        }
    return status;
}

/* Run `act` in a child and expect that it returns 0. */
static void in_child(int (*act)(void *), void *argument)
{
    int result = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        alarm(SECONDS);
        _exit(act(argument));
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    if (WIFSIGNALED(result))
        fail_msg("the child was ended by signal %d%s", WTERMSIG(result),
                 WTERMSIG(result) == SIGALRM ? ": it hung" : "");
    assert_int_equal(WEXITSTATUS(result), 0);
}

struct case_of_one {
    recsys_recommender *recommender;
    recsys_filter *filter;
    struct answers wanted;
    size_t n_passing;
};

static int everything_works(void *argument)
{
    struct case_of_one *c = argument;
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter = NULL;
    struct answers got;

    if (recommend(c->recommender, &got) != RECSYS_OK || memcmp(&got, &c->wanted, sizeof got) != 0)
        return 1;
    if (recsys_filter_count(c->filter) != c->n_passing)
        return 2;
    options.min_rating = 5;
    if (recsys_filter_create(model, &options, &filter, &err) != RECSYS_OK ||
        recsys_filter_count(filter) != c->n_passing)
        return 3;
    /* New ones with helper threads, too: only the parent's threads are not here. */
    recsys_recommender *own = create(2);
    if (own == NULL || recommend(own, &got) != RECSYS_OK ||
        memcmp(&got, &c->wanted, sizeof got) != 0)
        return 4;
    recsys_recommender_destroy(own);
    recsys_filter_unref(filter);
    recsys_filter_unref(c->filter);
    recsys_recommender_destroy(c->recommender);
    return 0;
}

static void models_filters_and_one_threaded_recommenders_work_in_a_child(void **state)
{
    struct case_of_one c = {.recommender = create(1)};
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    struct answers again;

    (void)state;
    options.min_rating = 5;
    assert_int_equal(recsys_filter_create(model, &options, &c.filter, &err), RECSYS_OK);
    c.n_passing = recsys_filter_count(c.filter);
    assert_int_equal(recommend(c.recommender, &c.wanted), RECSYS_OK);
    assert_true(c.wanted.items[0][0] != 0 || c.wanted.items[0][1] != 0);
    in_child(everything_works, &c);
    assert_int_equal(recommend(c.recommender, &again), RECSYS_OK);
    assert_memory_equal(&again, &c.wanted, sizeof again);
    recsys_filter_unref(c.filter);
    recsys_recommender_destroy(c.recommender);
}

static int is_refused_and_given_back(void *argument)
{
    struct answers got;

    if (recommend(argument, &got) != RECSYS_E_STATE || strstr(err.message, "fork()") == NULL)
        return 1;
    recsys_recommender_destroy(argument);
    return 0;
}

static void helper_threads_stay_with_the_parent(void **state)
{
    recsys_recommender *recommender = create(3);
    struct answers before, after;

    (void)state;
    assert_int_equal(recommend(recommender, &before), RECSYS_OK);
    for (int i = 0; i < 3; i++) {
        in_child(is_refused_and_given_back, recommender);
        assert_int_equal(recommend(recommender, &after), RECSYS_OK);
        assert_memory_equal(&after, &before, sizeof after);
    }
    recsys_recommender_destroy(recommender);
}

static pthread_barrier_t inside;
static atomic_flag entered = ATOMIC_FLAG_INIT;

static void wait_inside(int32_t level, const char *message, void *unused)
{
    (void)level, (void)message, (void)unused;
    if (atomic_flag_test_and_set(&entered))
        return;
    pthread_barrier_wait(&inside); /* the hook is running */
    pthread_barrier_wait(&inside); /* the child has ended */
}

static void *log_something(void *unused)
{
    recsys_deployment *deployment = NULL;
    recsys_error inner;

    (void)unused;
    if (recsys_deployment_create("/nowhere/at/all", NULL, &deployment, &inner) == RECSYS_OK &&
        recsys_deployment_load(deployment, NULL, &inner) == RECSYS_OK)
        abort();
    recsys_deployment_destroy(deployment);
    return NULL;
}

static int takes_the_hook_away(void *unused)
{
    (void)unused;
    return recsys_log_set(RECSYS_LOG_DEBUG, NULL, NULL, &err) != RECSYS_OK;
}

static void a_hook_that_runs_in_the_parent_does_not_stop_a_child(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_barrier_init(&inside, NULL, 2), 0);
    assert_int_equal(recsys_log_set(RECSYS_LOG_DEBUG, wait_inside, NULL, &err), RECSYS_OK);
    assert_int_equal(pthread_create(&thread, NULL, log_something, NULL), 0);
    pthread_barrier_wait(&inside);
    in_child(takes_the_hook_away, NULL);
    pthread_barrier_wait(&inside);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(recsys_log_set(RECSYS_LOG_DEBUG, NULL, NULL, &err), RECSYS_OK);
    pthread_barrier_destroy(&inside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_filters_and_one_threaded_recommenders_work_in_a_child),
        cmocka_unit_test(helper_threads_stay_with_the_parent),
        cmocka_unit_test(a_hook_that_runs_in_the_parent_does_not_stop_a_child),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
