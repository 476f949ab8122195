/* A session of an ALS model gets the vector that one more step of the training would give. The
 * expected numbers come from Gaussian elimination (als_model.c). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/recommend.h"
#include "tests/support/als_model.h"
#include "tests/support/scratch.h"

#define SEED 20261129u
#define N_ITEMS 400u
#define MAX_LIKED 60u

static recsys_error err;
static recsys_recommender *recommender;

static int set_up(void **state)
{
    scratch_set_up(state);
    return recsys_recommender_create(NULL, &recommender, &err) == RECSYS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    recsys_recommender_destroy(recommender);
    return scratch_tear_down(state);
}

static void make(struct als_model *als, uint32_t d, const char *regularization, const char *alpha)
{
    const char *const fields[] = {"algorithm",
                                  "als",
                                  "link",
                                  "clip",
                                  regularization == NULL ? NULL : "hyperparameters.regularization",
                                  regularization,
                                  alpha == NULL ? NULL : "hyperparameters.alpha",
                                  alpha,
                                  NULL};

    als_model_create(als, in_scratch("als"), 20, N_ITEMS, d, SEED, fields);
}

static void make_again(struct als_model *als, uint32_t d, const char *regularization,
                       const char *alpha, void **state)
{
    als_model_destroy(als);
    scratch_tear_down(state);
    scratch_set_up(state);
    make(als, d, regularization, alpha);
}

struct session {
    recsys_id ids[MAX_LIKED];
    float weights[MAX_LIKED];
    uint32_t rows[MAX_LIKED];
    double confidences[MAX_LIKED];
    uint32_t n;
};

/* Different rows; weights from 0.25 to 5. */
static void make_session(struct session *session, uint32_t n, double alpha)
{
    session->n = n;
    for (uint32_t i = 0; i < n; i++) {
        session->rows[i] = (i * 37 + 5 * n) % N_ITEMS;
        session->weights[i] = (float)(1 + i * 7 % 20) / 4.0f;
        session->confidences[i] = alpha * (double)session->weights[i];
        session->ids[i] = (recsys_id){NULL, session->rows[i] * 10u};
    }
}

static recsys_request request_of(const struct session *session)
{
    recsys_request request = RECSYS_REQUEST_INIT;

    request.flags = RECSYS_REQUEST_ANONYMOUS;
    request.liked = session->ids;
    request.liked_weights = session->weights;
    request.n_liked = session->n;
    return request;
}

/* All raw scores of a request, by row; returns the strategy. */
static uint32_t scores_of(const recsys_model *model, const recsys_request *request, float *raws)
{
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_id ids[N_ITEMS];

    for (uint32_t i = 0; i < N_ITEMS; i++)
        ids[i] = (recsys_id){NULL, i * 10u};
    assert_int_equal(recsys_recommend_score_items(recommender, model, request, ids, N_ITEMS, NULL,
                                                  raws, &reply, &err),
                     RECSYS_OK);
    return reply.strategy;
}

static void check_session(const struct als_model *als, double regularization, double alpha,
                          uint32_t n)
{
    struct session session;
    float raws[N_ITEMS];
    double vector[64];

    make_session(&session, n, alpha);
    const recsys_request request = request_of(&session);
    als_solve(als, regularization, session.rows, session.confidences, n, vector);
    assert_int_equal(scores_of(als->model, &request, raws), RECSYS_STRATEGY_FOLD_IN);
    for (uint32_t r = 0; r < N_ITEMS; r++) {
        double wanted = 0.0;
        for (uint32_t j = 0; j < als->d; j++)
            wanted += vector[j] * (double)als->items[r * als->d + j];
        assert_true(fabs((double)raws[r] - wanted) < 1e-5);
    }
}

static void a_session_solves_the_normal_equations(void **state)
{
    static const uint32_t sizes[] = {1, 2, 3, 4, 5, 20, MAX_LIKED};
    struct als_model als;

    make(&als, 13, "0.25", "3");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_session(&als, 0.25, 3.0, sizes[i]);
    make_again(&als, 32, "0", "0.5", state);
    check_session(&als, 0.0, 0.5, 20);
    make_again(&als, 1, "10", NULL, state);
    check_session(&als, 10.0, 1.0, 7);
    als_model_destroy(&als);
}

static void confidences_of_one_are_the_models_own_equations(void **state)
{
    struct als_model als;
    struct session session;
    float raws[N_ITEMS];
    double vector[16];

    (void)state;
    make(&als, 16, "0.1", NULL);
    make_session(&session, 9, 1.0);
    recsys_request request = request_of(&session);
    request.liked_weights = NULL;
    for (uint32_t i = 0; i < 9; i++)
        session.confidences[i] = 1.0;
    als_solve(&als, 0.1, session.rows, session.confidences, 9, vector);
    assert_int_equal(scores_of(als.model, &request, raws), RECSYS_STRATEGY_FOLD_IN);
    for (uint32_t r = 0; r < N_ITEMS; r++) {
        double wanted = 0.0;
        for (uint32_t j = 0; j < 16; j++)
            wanted += vector[j] * (double)als.items[r * 16 + j];
        assert_true(fabs((double)raws[r] - wanted) < 1e-6);
    }
    als_model_destroy(&als);
}

static void order_repetition_and_weights_of_zero_do_not_matter(void **state)
{
    struct als_model als;
    struct session session;
    recsys_id ids[23];
    float weights[23], wanted[N_ITEMS], got[N_ITEMS];

    (void)state;
    make(&als, 16, "0.1", "2");
    make_session(&session, 20, 2.0);
    recsys_request request = request_of(&session);
    assert_int_equal(scores_of(als.model, &request, wanted), RECSYS_STRATEGY_FOLD_IN);
    /* Backwards, the first item in two parts, and one that does not count. */
    for (uint32_t i = 0; i < 20; i++) {
        ids[i] = session.ids[19 - i];
        weights[i] = session.weights[19 - i];
    }
    ids[20] = ids[0];
    weights[20] = weights[0] / 2;
    weights[0] /= 2;
    ids[21] = (recsys_id){NULL, 3990};
    weights[21] = 0.0f;
    ids[22] = (recsys_id){NULL, 7}; /* no item */
    weights[22] = 3.0f;
    request.liked = ids;
    request.liked_weights = weights;
    request.n_liked = 23;
    assert_int_equal(scores_of(als.model, &request, got), RECSYS_STRATEGY_FOLD_IN);
    assert_memory_equal(got, wanted, sizeof got);
    als_model_destroy(&als);
}

/* Many sessions and users together: the same bits as alone, and in the order of their scores. */
static void a_batch_of_sessions_is_answered_as_each_alone(void **state)
{
    static struct session sessions[30];
    static recsys_request requests[30];
    static recsys_id items[30 * N_ITEMS], alone[N_ITEMS];
    static float scores[30 * N_ITEMS], alone_scores[N_ITEMS], raws[N_ITEMS];
    uint32_t counts[30], strategies[30], count;
    struct als_model als;

    (void)state;
    make(&als, 24, "0.1", "2");
    for (uint32_t i = 0; i < 30; i++) {
        make_session(&sessions[i], 1 + i * 2, 2.0);
        requests[i] = request_of(&sessions[i]);
        requests[i].k = N_ITEMS;
        if (i % 5 == 4)
            requests[i] = (recsys_request){
                .struct_size = sizeof *requests, .user = {NULL, i % 20}, .k = N_ITEMS};
    }
    assert_int_equal(recsys_recommend_into(recommender, als.model, requests, 30, N_ITEMS, items,
                                           NULL, scores, counts, NULL, strategies, &err),
                     RECSYS_OK);
    for (uint32_t i = 0; i < 30; i++) {
        const size_t at = (size_t)i * N_ITEMS;
        assert_int_equal(strategies[i],
                         i % 5 == 4 ? RECSYS_STRATEGY_USER : RECSYS_STRATEGY_FOLD_IN);
        assert_int_equal(recsys_recommend_into(recommender, als.model, &requests[i], 1, N_ITEMS,
                                               alone, NULL, alone_scores, &count, NULL, NULL, &err),
                         RECSYS_OK);
        assert_int_equal(counts[i], count);
        assert_memory_equal(alone_scores, scores + at, count * sizeof *scores);
        assert_int_equal(count, N_ITEMS - (i % 5 == 4 ? 12u : sessions[i].n));
        assert_true(scores_of(als.model, &requests[i], raws) == strategies[i]);
        for (uint32_t n = 0; n < count; n++) {
            assert_int_equal(alone[n].number, items[at + n].number);
            assert_true(recsys_link_score(als.model, raws[alone[n].number / 10]) == scores[at + n]);
            assert_true(n == 0 || raws[alone[n - 1].number / 10] >= raws[alone[n].number / 10]);
        }
    }
    als_model_destroy(&als);
}

static void reasons_say_what_each_liked_item_adds(void **state)
{
    struct als_model als;
    struct session session;
    recsys_reply reply = RECSYS_REPLY_INIT;

    (void)state;
    make(&als, 12, "0.2", "4");
    make_session(&session, 10, 4.0);
    recsys_request request = request_of(&session);
    request.flags |= RECSYS_REQUEST_REASONS;
    assert_int_equal(recsys_recommend(recommender, als.model, &request, 1, &reply, &err),
                     RECSYS_OK);
    assert_int_equal(reply.count, 10);
    for (uint32_t i = 0; i < reply.count; i++) {
        const recsys_recommendation *item = recsys_reply_get_item(&reply, i);
        double sum = 0.0, best = 0.0, parts[MAX_LIKED];
        for (uint32_t j = 0; j < session.n; j++) {
            parts[j] = als_part(&als, 0.2, session.rows, session.confidences, session.n, j,
                                (uint32_t)item->item.number / 10);
            sum += parts[j];
            best = fmax(best, parts[j]);
        }
        assert_true(fabs(sum - (double)item->raw) < 1e-5);
        assert_int_equal(item->n_causes, 2);
        assert_true(fabs((double)item->contributions[0] - best) < 1e-5);
        assert_true(item->contributions[0] >= item->contributions[1]);
        for (uint32_t c = 0; c < 2; c++)
            for (uint32_t j = 0; j < session.n; j++)
                if (session.ids[j].number == item->causes[c].number)
                    assert_true(fabs((double)item->contributions[c] - parts[j]) < 1e-5);
        assert_non_null(strstr(item->reason, "because of Item "));
        assert_non_null(strstr(item->reason, ", which you liked"));
    }
    als_model_destroy(&als);
}

/* These users were not trained, so their vectors are not what their seen items say. */
static void
a_known_user_whose_score_is_not_made_of_the_seen_items_gets_the_older_reason(void **state)
{
    struct als_model als;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    uint32_t n_parts = 0;

    (void)state;
    make(&als, 12, "0.2", "4");
    request.flags = RECSYS_REQUEST_REASONS;
    for (uint32_t u = 0; u < 20; u++) {
        request.user.number = u;
        assert_int_equal(recsys_recommend(recommender, als.model, &request, 1, &reply, &err),
                         RECSYS_OK);
        for (uint32_t i = 0; i < reply.count; i++)
            n_parts += recsys_reply_get_item(&reply, i)->contributions != NULL;
    }
    assert_true(n_parts < 20);
    als_model_destroy(&als);
}

static void check_mean(const struct als_model *als)
{
    struct session session;
    float raws[N_ITEMS];

    make_session(&session, 4, 1.0);
    const recsys_request request = request_of(&session);
    assert_int_equal(scores_of(als->model, &request, raws), RECSYS_STRATEGY_SESSION);
}

static void without_the_settings_of_the_training_the_mean_answers(void **state)
{
    struct als_model als;

    make(&als, 8, NULL, NULL);
    check_mean(&als);
    make_again(&als, 8, "-1", NULL, state);
    check_mean(&als);
    make_again(&als, 8, "\"a lot\"", NULL, state);
    check_mean(&als);
    make_again(&als, 8, "0.1", "0", state);
    check_mean(&als);
    als_model_destroy(&als);
}

static void equations_without_a_solution_leave_it_to_the_mean(void **state)
{
    struct als_model als;
    struct session session;
    float raws[N_ITEMS];

    (void)state;
    make(&als, 8, "0.1", "1e308");
    make_session(&session, 3, 1.0);
    recsys_request request = request_of(&session);
    session.weights[1] = 1e30f;
    assert_int_equal(scores_of(als.model, &request, raws), RECSYS_STRATEGY_SESSION);
    for (uint32_t r = 0; r < N_ITEMS; r++)
        assert_true(isfinite(raws[r]));
    als_model_destroy(&als);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_solves_the_normal_equations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(confidences_of_one_are_the_models_own_equations, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(order_repetition_and_weights_of_zero_do_not_matter, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_batch_of_sessions_is_answered_as_each_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(reasons_say_what_each_liked_item_adds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_known_user_whose_score_is_not_made_of_the_seen_items_gets_the_older_reason, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(without_the_settings_of_the_training_the_mean_answers,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(equations_without_a_solution_leave_it_to_the_mean, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
