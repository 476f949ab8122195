/* recsys_amx_use() of scorer.h: what it says, what it changes for the process, and that answers
 * stay the same. On a machine without AMX it must say that, and the rest holds there, too. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/api/reference.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#define N_ITEMS 3000
#define N_QUERIES 70
#define K 10
#define DIMENSIONS 40

static struct bundle bundle;
static recsys_model *model;
static recsys_error err;

static int set_up(void **state)
{
    scratch_set_up(state);
    model = make_model(scratch, "b", &bundle, N_QUERIES, N_ITEMS, DIMENSIONS, 7, BUNDLE_BIAS);
    return 0;
}

static int tear_down(void **state)
{
    recsys_model_unref(model);
    bundle_free(&bundle);
    return scratch_tear_down(state);
}

/* The same bytes from a scorer of now, one query at a time and all at once. */
static void ask(recsys_scored *single, recsys_scored *together)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_query queries[N_QUERIES] = {0};
    uint32_t counts[N_QUERIES];
    recsys_scorer *scorer = NULL;

    options.n_threads = 2;
    must(recsys_scorer_create(&options, &scorer, &err), &err, "scorer");
    for (uint32_t q = 0; q < N_QUERIES; q++) {
        queries[q].vector = bundle.users + (size_t)q * DIMENSIONS;
        queries[q].k = K;
        must(recsys_scorer_top_k(scorer, model, &queries[q], 1, single + (size_t)q * K, K,
                                 &counts[q], &err),
             &err, "one");
    }
    must(recsys_scorer_top_k(scorer, model, queries, N_QUERIES, together, K, counts, &err), &err,
         "all");
    recsys_scorer_destroy(scorer);
}

/* Linux refuses the registers while a frame of a signal would not fit on a thread's own stack for
 * signals, and afterwards it refuses such stacks. */
static void a_small_signal_stack_is_in_the_way(void **state)
{
    static char small[4096];
    stack_t before, stack = {.ss_sp = small, .ss_size = sizeof small};

    (void)state;
    assert_int_equal(sigaltstack(NULL, &before), 0);
    if ((size_t)sysconf(_SC_MINSIGSTKSZ) <= sizeof small || sigaltstack(&stack, NULL) != 0)
        return; /* no processor with AMX */
    recsys_status status = recsys_amx_use(&err);
    assert_int_equal(sigaltstack(&before, NULL), 0);
    if (status == RECSYS_E_UNSUPPORTED)
        return;
    expect(status, RECSYS_E_STATE, &err, "a small stack");
    must(recsys_amx_use(&err), &err, "without the small stack");
    assert_int_equal(sigaltstack(&stack, NULL), -1);
}

static void answers_do_not_change(void **state)
{
    size_t size = sizeof(recsys_scored) * N_QUERIES * K;
    recsys_scored *answers[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        answers[i] = calloc(1, size);
        assert_non_null(answers[i]);
    }
    ask(answers[0], answers[1]);
    recsys_status status = recsys_amx_use(&err);
    if (status != RECSYS_OK)
        expect(status, RECSYS_E_UNSUPPORTED, &err, "no AMX here");
    assert_int_equal(recsys_amx_use(NULL), status);
    ask(answers[2], answers[3]);
    for (int i = 1; i < 4; i++)
        assert_memory_equal(answers[0], answers[i], size);
    for (int i = 0; i < 4; i++)
        free(answers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_signal_stack_is_in_the_way),
        cmocka_unit_test(answers_do_not_change),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
