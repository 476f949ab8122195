/* lib/score/scorer.h - the scorer as lib/serve uses it: by position, with eligibility. */
#ifndef RS_SCORE_SCORER_H
#define RS_SCORE_SCORER_H

#include "lib/model/model.h"
#include "lib/score/eligible.h"
#include "lib/score/topk.h"
#include "recsys/scorer.h"

/* One question inside the library. */
struct rs_question {
    const float *vector; /* finite; `dimensions` floats; kept until the call returns */
    double offset;
    uint32_t k; /* 1..RECSYS_MAX_K */
    struct rs_eligible eligible;
};

/* Answers to questions[q]: answers[q].n entries, best first, in the scorer's
 * own memory until its next call. E_NOMEM as recsys_scorer_top_k(). */
recsys_status rs_scorer_run(recsys_scorer *scorer, const struct recsys_model *model,
                            const struct rs_question *questions, size_t n_questions,
                            struct rs_topk *answers, recsys_error *err);

/* The same for the items most similar to the one at `position`. */
recsys_status rs_scorer_run_similar(recsys_scorer *scorer, const struct recsys_model *model,
                                    uint32_t position, uint32_t k,
                                    const struct rs_eligible *eligible, struct rs_topk *answer,
                                    recsys_error *err);

/* Leave all products to BLAS, as on a processor that has no kernel: for tests. */
void rs_scorer_use_blas(recsys_scorer *scorer);

/* Room for this many questions, their K summed, and vectors this long. */
recsys_status rs_scorer_reserve(recsys_scorer *scorer, size_t n_questions, size_t sum_k,
                                uint32_t dimensions, recsys_error *err);

#endif
