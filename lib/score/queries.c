/* lib/score/queries.c - the public calls of scorer.h: from queries to ids.
 *
 * Checks the arguments, runs the scorer in chunks, and writes positions in the form that the caller
 * wants: as ids, or as rows of the item arrays. One matrix and an array of queries use the same
 * scan, so both give the same bits.
 */
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/score/canonical.h"
#include "lib/score/filter.h"
#include "lib/score/scorer.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static recsys_status check_vector(const struct recsys_model *model, const float *vector,
                                  double offset, size_t number, const char *function,
                                  recsys_error *err)
{
    if (!isfinite(offset) || !isfinite(rs_canonical_dot(vector, vector, model->dimensions)))
        return rs_error(err, RECSYS_E_INVALID, "%s: query %zu holds a number that is not finite",
                        function, number);
    return RECSYS_OK;
}

static recsys_status check_query(const struct recsys_model *model, const recsys_query *query,
                                 size_t number, size_t out_stride, recsys_error *err)
{
    recsys_status status;

    if (query->vector == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_scorer_top_k: query %zu has no vector",
                        number);
    if (query->k == 0)
        return rs_error(err, RECSYS_E_INVALID, "recsys_scorer_top_k: query %zu asks for 0 items",
                        number);
    if (smaller(query->k, model->n_items) > out_stride)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_scorer_top_k: query %zu asks for %u items, out_stride has room "
                        "for %zu",
                        number, query->k, out_stride);
    status = rs_filter_check(query->filter, model, "recsys_scorer_top_k", err);
    if (status == RECSYS_OK)
        status = rs_reserved(query->reserved | query->reserved2,
                             "recsys_scorer_top_k: a reserved field of a query", err);
    if (status == RECSYS_OK)
        status =
            check_vector(model, query->vector, query->offset, number, "recsys_scorer_top_k", err);
    return status;
}

static void write_answer(const struct recsys_model *model, const struct rs_topk *answer,
                         recsys_scored *out, uint32_t *count)
{
    for (uint32_t i = 0; i < answer->n; i++) {
        out[i].item = rs_ids_get(&model->item_ids, answer->entries[i].position);
        out[i].score = answer->entries[i].score;
        out[i].reserved = 0;
    }
    *count = answer->n;
}

/* The number of queries from `first` on that make up a chunk. */
static size_t chunk_size(const struct recsys_model *model, const recsys_query *queries,
                         size_t first, size_t n_queries)
{
    size_t n = 0, answers = 0;

    while (first + n < n_queries && n < RS_CHUNK_QUERIES) {
        answers += smaller(queries[first + n].k, model->n_items);
        if (n > 0 && answers > RS_CHUNK_ANSWERS)
            break;
        n++;
    }
    return n;
}

static recsys_status answer_queries(recsys_scorer *scorer, const struct recsys_model *model,
                                    const recsys_query *queries, size_t n_queries,
                                    recsys_scored *out, size_t out_stride, uint32_t *counts,
                                    recsys_error *err)
{
    struct rs_chunk *chunk = rs_scorer_chunk(scorer);
    recsys_status status;
    size_t n;

    for (size_t q = 0; q < n_queries; q++) {
        status = check_query(model, &queries[q], q, out_stride, err);
        if (status != RECSYS_OK)
            return status;
    }
    for (size_t first = 0; first < n_queries; first += n) {
        n = chunk_size(model, queries, first, n_queries);
        for (size_t q = 0; q < n; q++) {
            const recsys_query *query = &queries[first + q];
            struct rs_question *question = &chunk->questions[q];
            question->vector = query->vector;
            question->offset = query->offset;
            question->k = query->k;
            rs_filter_eligible(query->filter, &question->eligible);
        }
        status = rs_scorer_run(scorer, model, chunk->questions, n, chunk->answers, err);
        if (status != RECSYS_OK)
            return status;
        for (size_t q = 0; q < n; q++)
            write_answer(model, &chunk->answers[q], out + (first + q) * out_stride,
                         &counts[first + q]);
    }
    return RECSYS_OK;
}

recsys_status recsys_scorer_top_k(recsys_scorer *scorer, const recsys_model *model,
                                  const recsys_query *queries, size_t n_queries, recsys_scored *out,
                                  size_t out_stride, uint32_t *counts, recsys_error *err)
{
    recsys_status status;

    if (counts != NULL && n_queries > 0)
        memset(counts, 0, n_queries * sizeof *counts);
    if (scorer == NULL || model == NULL ||
        (n_queries > 0 && (queries == NULL || out == NULL || counts == NULL)))
        return rs_error(err, RECSYS_E_INVALID, "recsys_scorer_top_k: an argument is NULL");
    if ((status = rs_scorer_enter(scorer, "recsys_scorer_top_k", err)) != RECSYS_OK)
        return status;
    status = answer_queries(scorer, model, queries, n_queries, out, out_stride, counts, err);
    rs_scorer_leave(scorer);
    if (status != RECSYS_OK && n_queries > 0)
        memset(counts, 0, n_queries * sizeof *counts);
    return status;
}

/* --- one matrix --- */

struct matrix {
    const struct recsys_model *model;
    const float *queries;
    size_t n_queries, query_stride;
    const double *offsets;
    const recsys_filter *filter;
    uint32_t k; /* also the stride of what follows */
    uint64_t *ids;
    uint32_t *rows;
    float *scores;
    uint32_t *counts;
};

static void pad(const struct matrix *m, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (m->ids != NULL)
            m->ids[i] = RECSYS_PADDING_ID;
        if (m->rows != NULL)
            m->rows[i] = RECSYS_PADDING_ROW;
        if (m->scores != NULL)
            m->scores[i] = -INFINITY;
    }
}

static recsys_status check_matrix(const struct matrix *m, recsys_error *err)
{
    static const char function[] = "recsys_scorer_top_k_matrix";
    recsys_status status;
    size_t n;

    if (m->k == 0)
        return rs_error(err, RECSYS_E_INVALID, "%s: k is 0", function);
    if (m->query_stride < m->model->dimensions)
        return rs_error(err, RECSYS_E_INVALID, "%s: query_stride is %zu, a vector has %u numbers",
                        function, m->query_stride, m->model->dimensions);
    if (!rs_multiply(m->n_queries, m->k, &n) || !rs_multiply(m->n_queries, m->query_stride, &n))
        return rs_error(err, RECSYS_E_INVALID, "%s: the matrix is larger than memory", function);
    if (m->ids != NULL && m->model->item_ids.kind == RECSYS_ID_KIND_TEXT)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: this model's item ids are strings; ask for rows instead of ids",
                        function);
    if ((status = rs_filter_check(m->filter, m->model, function, err)) != RECSYS_OK)
        return status;
    for (size_t q = 0; q < m->n_queries && status == RECSYS_OK; q++)
        status = check_vector(m->model, m->queries + q * m->query_stride,
                              m->offsets == NULL ? 0.0 : m->offsets[q], q, function, err);
    return status;
}

static void write_row(const struct matrix *m, size_t q, const struct rs_topk *answer)
{
    size_t at = q * m->k;

    for (uint32_t i = 0; i < answer->n; i++) {
        uint32_t position = answer->entries[i].position;
        if (m->ids != NULL)
            m->ids[at + i] = rs_ids_get(&m->model->item_ids, position).number;
        if (m->rows != NULL)
            m->rows[at + i] = position;
        if (m->scores != NULL)
            m->scores[at + i] = answer->entries[i].score;
    }
    pad(m, at + answer->n, at + m->k);
    m->counts[q] = answer->n;
}

static recsys_status answer_matrix(recsys_scorer *scorer, const struct matrix *m, recsys_error *err)
{
    struct rs_chunk *chunk = rs_scorer_chunk(scorer);
    size_t most = RS_CHUNK_ANSWERS / smaller(m->k, m->model->n_items), n;
    struct rs_eligible eligible;
    recsys_status status;

    most = most == 0 ? 1 : most < RS_CHUNK_QUERIES ? most : RS_CHUNK_QUERIES;
    rs_filter_eligible(m->filter, &eligible);
    for (size_t first = 0; first < m->n_queries; first += n) {
        n = m->n_queries - first < most ? m->n_queries - first : most;
        for (size_t q = 0; q < n; q++) {
            struct rs_question *question = &chunk->questions[q];
            question->vector = m->queries + (first + q) * m->query_stride;
            question->offset = m->offsets == NULL ? 0.0 : m->offsets[first + q];
            question->k = m->k;
            question->eligible = eligible;
        }
        status = rs_scorer_run(scorer, m->model, chunk->questions, n, chunk->answers, err);
        if (status != RECSYS_OK)
            return status;
        for (size_t q = 0; q < n; q++)
            write_row(m, first + q, &chunk->answers[q]);
    }
    return RECSYS_OK;
}

recsys_status recsys_scorer_top_k_matrix(recsys_scorer *scorer, const recsys_model *model,
                                         const float *queries, size_t n_queries,
                                         size_t query_stride, const double *offsets,
                                         const recsys_filter *filter, uint32_t k, uint64_t *ids,
                                         uint32_t *rows, float *scores, uint32_t *counts,
                                         recsys_error *err)
{
    const struct matrix m = {model, queries, n_queries, query_stride, offsets, filter,
                             k,     ids,     rows,      scores,       counts};
    recsys_status status;

    if (counts != NULL && n_queries > 0)
        memset(counts, 0, n_queries * sizeof *counts);
    if (scorer == NULL || model == NULL || (n_queries > 0 && (queries == NULL || counts == NULL)))
        return rs_error(err, RECSYS_E_INVALID, "recsys_scorer_top_k_matrix: an argument is NULL");
    if ((status = rs_scorer_enter(scorer, "recsys_scorer_top_k_matrix", err)) != RECSYS_OK)
        return status;
    if ((status = check_matrix(&m, err)) == RECSYS_OK) {
        status = answer_matrix(scorer, &m, err);
        if (status != RECSYS_OK) {
            pad(&m, 0, n_queries * k);
            memset(counts, 0, n_queries * sizeof *counts);
        }
    }
    rs_scorer_leave(scorer);
    return status;
}

/* --- similar items --- */

recsys_status recsys_scorer_similar(recsys_scorer *scorer, const recsys_model *model,
                                    recsys_id item, const recsys_filter *filter, uint32_t k,
                                    recsys_scored *out, uint32_t *count, recsys_error *err)
{
    struct rs_eligible eligible;
    struct rs_topk answer;
    uint32_t position;
    recsys_status status;

    if (count != NULL)
        *count = 0;
    if (scorer == NULL || model == NULL || out == NULL || count == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_scorer_similar: an argument is NULL");
    if (k == 0)
        return rs_error(err, RECSYS_E_INVALID, "recsys_scorer_similar: k is 0");
    if ((status = rs_filter_check(filter, model, "recsys_scorer_similar", err)) != RECSYS_OK ||
        (status = rs_ids_lookup(&model->item_ids, item, "item", &position, err)) != RECSYS_OK ||
        (status = rs_scorer_enter(scorer, "recsys_scorer_similar", err)) != RECSYS_OK)
        return status;
    rs_filter_eligible(filter, &eligible);
    status = rs_scorer_run_similar(scorer, model, position, k, &eligible, &answer, err);
    if (status == RECSYS_OK)
        write_answer(model, &answer, out, count);
    rs_scorer_leave(scorer);
    return status;
}
