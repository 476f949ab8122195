/* lib/score/scorer.h - the scorer as lib/serve uses it: by position, with eligibility. */
#ifndef RS_SCORE_SCORER_H
#define RS_SCORE_SCORER_H

#include "lib/model/model.h"
#include "lib/score/code_kernel.h"
#include "lib/score/eligible.h"
#include "lib/score/kernel.h"
#include "lib/score/survivors.h"
#include "lib/score/topk.h"
#include "recsys/scorer.h"

/* One question inside the library. */
struct rs_question {
    const float *vector; /* finite; `dimensions` floats; kept until the call returns */
    double offset;
    uint32_t k; /* 1 or more; more than the model has means all items */
    struct rs_eligible eligible;
};

/* The largest possible number of answers. */
static inline uint32_t rs_question_k(const struct rs_question *question,
                                     const struct recsys_model *model)
{
    return question->k < model->n_items ? question->k : model->n_items;
}

/* A long batch is answered in chunks: of this many questions, and of this many answers in all
 * (unless one question asks for more), so that the heaps of a batch with large K do not need
 * several times the memory of the caller's arrays. */
#define RS_CHUNK_QUERIES 1024u
#define RS_CHUNK_ANSWERS ((size_t)1 << 20)

/* Every public call on an object that owns a scorer begins and ends with these. E_BUSY: another
 * thread is between them. E_STATE: the scorer has helper threads that belong to the parent
 * process. */
recsys_status rs_scorer_enter(recsys_scorer *scorer, const char *function, recsys_error *err);
void rs_scorer_leave(recsys_scorer *scorer);

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

/* Room for one chunk, in the scorer: RS_CHUNK_QUERIES of each. Used by queries.c. */
struct rs_chunk {
    struct rs_question *questions;
    struct rs_topk *answers;
};
struct rs_chunk *rs_scorer_chunk(recsys_scorer *scorer);

/* Use these kernels and not the processor's best: for tests and benchmarks. NULL for `kernel`
 * leaves floats to BLAS, NULL for `code_kernel` looks at no codes, NULL for `survivors` leaves
 * them. */
void rs_scorer_use(recsys_scorer *scorer, const struct rs_kernel *kernel,
                   const struct rs_code_kernel *code_kernel, rs_survivors survivors);

/* Room for this many questions, their K summed, and vectors this long. */
recsys_status rs_scorer_reserve(recsys_scorer *scorer, size_t n_questions, size_t sum_k,
                                uint32_t dimensions, recsys_error *err);

#endif
