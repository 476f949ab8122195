/* lib/score/scorer.c - the workspace of one thread that scores.
 *
 * Owns every buffer of a scan. Buffers grow to the largest sizes so far and are kept, so that a
 * scan itself never allocates. The public calls (queries.c) work by id. The rest of the library
 * works by position, calls rs_scorer_run() and reads the answers in the scorer's memory.
 *
 * `busy` is no lock, and no thread waits for it. If two threads are inside at the same time, the
 * second gets E_BUSY, because they would mix their answers.
 */
#include "lib/score/scorer.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/structs.h"
#include "lib/score/canonical.h"
#include "lib/score/scan.h"
#include "lib/score/scan_codes.h"
#include "lib/score/scan_trace.h"
#include "lib/score/team.h"

#define MAX_THREADS 256u

/* A scan this small ends before a second thread is awake. */
#define ALONE_MULTIPLICATIONS (1u << 20)

/* Bytes of panels for each float of the queries: a panel may have chunks of 64 codes where a row
 * has 16 floats. */
#define CODE_ROOM 4u

struct recsys_scorer {
    atomic_uint busy;    /* 1: a call is inside */
    uint32_t fork_count; /* when the threads of the team were started */
    struct rs_team *team;
    uint32_t n_threads;
    rs_survivors survivors;
    const struct rs_kernel *kernel;                              /* NULL: BLAS */
    const struct rs_code_kernel *code_kernel, *many_code_kernel; /* NULL: no codes */
    struct rs_worker *workers;                                   /* n_threads */
    struct rs_lane *lanes;
    float *queries;              /* [max_lanes, stride] */
    float *panels;               /* the same numbers as the tiles want them */
    int8_t *codes, *code_panels; /* the same for queries as codes */
    int32_t *code_shifts;        /* one a lane, padded */
    size_t max_lanes, max_best, max_stride, max_query_floats;
    struct rs_chunk chunk; /* of the public calls */
};

static void free_worker(struct rs_worker *worker)
{
    rs_free(worker->topk);
    rs_free_aligned(worker->best);
    rs_free_aligned(worker->scores);
    rs_free_aligned(worker->queries);
    rs_free_aligned(worker->limits);
    rs_free_aligned(worker->scales);
    rs_free_aligned(worker->least);
    rs_free_aligned(worker->packed_codes);
    rs_free_aligned(worker->packed_shifts);
    rs_free(worker->packed_lanes);
    rs_free(worker->active);
    rs_free(worker->others);
    rs_free(worker->survivors);
}

void recsys_scorer_destroy(recsys_scorer *scorer)
{
    if (scorer == NULL)
        return;
    if (scorer->fork_count == rs_fork_count())
        rs_team_destroy(scorer->team);
    else
        rs_team_abandon(scorer->team);
    for (uint32_t w = 0; scorer->workers != NULL && w < scorer->n_threads; w++)
        free_worker(&scorer->workers[w]);
    rs_free(scorer->workers);
    rs_free(scorer->lanes);
    rs_free_aligned(scorer->queries);
    rs_free_aligned(scorer->panels);
    rs_free_aligned(scorer->codes);
    rs_free_aligned(scorer->code_panels);
    rs_free_aligned(scorer->code_shifts);
    rs_free(scorer->chunk.questions);
    rs_free(scorer->chunk.answers);
    rs_free(scorer);
}

/* Replace *memory by a larger block, whose content is not set. */
static int regrow(void **memory, size_t n, size_t size)
{
    void *larger = rs_alloc_aligned(n, size);

    if (larger == NULL)
        return 0;
    rs_free_aligned(*memory);
    *memory = larger;
    return 1;
}

static int regrow_array(void **memory, size_t n, size_t size)
{
    void *larger = rs_alloc_array(n, size);

    if (larger == NULL)
        return 0;
    rs_free(*memory);
    *memory = larger;
    return 1;
}

static int reserve_lanes(recsys_scorer *scorer, size_t n)
{
    if (n <= scorer->max_lanes)
        return 1;
    size_t padded = rs_scan_padded((uint32_t)n);
    if (!regrow_array((void **)&scorer->lanes, n, sizeof *scorer->lanes) ||
        !regrow((void **)&scorer->code_shifts, padded, sizeof *scorer->code_shifts))
        return 0;
    for (uint32_t w = 0; w < scorer->n_threads; w++) {
        struct rs_worker *worker = &scorer->workers[w];
        if (!regrow_array((void **)&worker->topk, n, sizeof *worker->topk) ||
            !regrow_array((void **)&worker->active, n, sizeof *worker->active) ||
            !regrow_array((void **)&worker->others, n, sizeof *worker->others) ||
            !regrow_array((void **)&worker->packed_lanes, n, sizeof *worker->packed_lanes) ||
            !regrow((void **)&worker->packed_shifts, padded, sizeof(int32_t)) ||
            !regrow((void **)&worker->limits, padded, sizeof(float)) ||
            !regrow((void **)&worker->scales, padded, sizeof(float)) ||
            !regrow((void **)&worker->least, padded, sizeof *worker->least))
            return 0;
    }
    scorer->max_lanes = n;
    return 1;
}

static int reserve_best(recsys_scorer *scorer, size_t n)
{
    if (n <= scorer->max_best)
        return 1;
    for (uint32_t w = 0; w < scorer->n_threads; w++)
        if (!regrow((void **)&scorer->workers[w].best, n, sizeof(struct rs_best)))
            return 0;
    scorer->max_best = n;
    return 1;
}

static int reserve_vectors(recsys_scorer *scorer, size_t n_lanes, uint32_t dimensions)
{
    size_t stride = ((size_t)dimensions + 15) / 16 * 16, floats;

    if (!rs_multiply(rs_scan_padded((uint32_t)n_lanes), stride, &floats))
        return 0;
    if (floats > scorer->max_query_floats) {
        if (!regrow((void **)&scorer->queries, floats, sizeof(float)) ||
            !regrow((void **)&scorer->panels, floats, sizeof(float)) ||
            !regrow((void **)&scorer->codes, floats, sizeof *scorer->codes) ||
            !regrow((void **)&scorer->code_panels, floats, CODE_ROOM))
            return 0;
        for (uint32_t w = 0; w < scorer->n_threads; w++)
            if (!regrow((void **)&scorer->workers[w].packed_codes, floats, CODE_ROOM))
                return 0;
        scorer->max_query_floats = floats;
    }
    if (stride <= scorer->max_stride)
        return 1;
    for (uint32_t w = 0; w < scorer->n_threads; w++)
        if (!regrow((void **)&scorer->workers[w].queries, RS_TILE_QUERIES * stride, sizeof(float)))
            return 0;
    scorer->max_stride = stride;
    return 1;
}

recsys_status rs_scorer_reserve(recsys_scorer *scorer, size_t n_questions, size_t sum_k,
                                uint32_t dimensions, recsys_error *err)
{
    if (n_questions > UINT32_MAX - RS_TILE_MAX_LANES || !reserve_best(scorer, sum_k) ||
        !reserve_lanes(scorer, n_questions) || !reserve_vectors(scorer, n_questions, dimensions))
        return rs_error_nomem(err, "scorer");
    return RECSYS_OK;
}

static recsys_status create_workers(recsys_scorer *scorer, recsys_error *err)
{
    scorer->workers = rs_alloc_array(scorer->n_threads, sizeof *scorer->workers);
    scorer->chunk.questions = rs_alloc_array(RS_CHUNK_QUERIES, sizeof *scorer->chunk.questions);
    scorer->chunk.answers = rs_alloc_array(RS_CHUNK_QUERIES, sizeof *scorer->chunk.answers);
    if (scorer->workers == NULL || scorer->chunk.questions == NULL || scorer->chunk.answers == NULL)
        return rs_error_nomem(err, "scorer");
    for (uint32_t w = 0; w < scorer->n_threads; w++) {
        struct rs_worker *worker = &scorer->workers[w];
        worker->scores = rs_alloc_aligned((size_t)RS_TILE_QUERIES * RS_BLOCK_ITEMS, sizeof(float));
        worker->survivors = rs_alloc_array(RS_BLOCK_ITEMS, sizeof *worker->survivors);
        if (worker->scores == NULL || worker->survivors == NULL)
            return rs_error_nomem(err, "scorer");
    }
    return RECSYS_OK;
}

recsys_status recsys_scorer_create(const recsys_scorer_options *options, recsys_scorer **out,
                                   recsys_error *err)
{
    recsys_scorer_options seen;
    recsys_scorer *scorer;
    recsys_status status;

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_scorer_create: out is NULL");
    *out = NULL;
    status = rs_struct_read(&seen, sizeof seen, options, RECSYS_SCORER_OPTIONS_SIZE_V1,
                            "recsys_scorer_create: options", err);
    if (status != RECSYS_OK)
        return status;
    if (seen.n_threads > MAX_THREADS)
        return rs_error(err, RECSYS_E_INVALID, "recsys_scorer_create: %u threads, at most %u",
                        seen.n_threads, MAX_THREADS);
    if ((status = rs_reserved(seen.reserved, "recsys_scorer_create: options->reserved", err)) !=
        RECSYS_OK)
        return status;
    scorer = rs_alloc_array(1, sizeof *scorer);
    if (scorer == NULL)
        return rs_error_nomem(err, "scorer");
    scorer->n_threads = seen.n_threads == 0 ? 1 : seen.n_threads;
    scorer->survivors = rs_survivors_choose();
    scorer->kernel = rs_kernel_get(0);
    scorer->code_kernel = rs_code_kernel_choose(0);
    scorer->many_code_kernel = rs_code_kernel_choose(1);
    scorer->fork_count = rs_fork_count();
    atomic_init(&scorer->busy, 0u);
    size_t batch = seen.max_batch == 0 ? 1 : seen.max_batch, sum_k;
    if (!rs_multiply(batch, seen.max_k == 0 ? 100 : seen.max_k, &sum_k))
        status = rs_error_nomem(err, "scorer");
    else
        status = create_workers(scorer, err);
    if (status == RECSYS_OK)
        status = rs_scorer_reserve(scorer, batch, sum_k,
                                   seen.dimensions == 0 ? 128 : seen.dimensions, err);
    if (status == RECSYS_OK)
        status = rs_team_create(scorer->n_threads, &scorer->team, err);
    if (status != RECSYS_OK) {
        recsys_scorer_destroy(scorer);
        return status;
    }
    *out = scorer;
    return RECSYS_OK;
}

recsys_status rs_scorer_enter(recsys_scorer *scorer, const char *function, recsys_error *err)
{
    char what[96];
    recsys_status status;

    if (scorer->n_threads > 1 && scorer->fork_count != rs_fork_count()) {
        (void)snprintf(what, sizeof what, "%s: what has helper threads", function);
        if ((status = rs_fork_check(scorer->fork_count, what, err)) != RECSYS_OK)
            return status;
    }
    if (atomic_exchange_explicit(&scorer->busy, 1u, memory_order_acquire) != 0)
        return rs_error(err, RECSYS_E_BUSY,
                        "%s: another thread is inside this object; make one for each thread",
                        function);
    return RECSYS_OK;
}

void rs_scorer_leave(recsys_scorer *scorer)
{
    atomic_store_explicit(&scorer->busy, 0u, memory_order_release);
}

struct rs_chunk *rs_scorer_chunk(recsys_scorer *scorer)
{
    return &scorer->chunk;
}

void rs_scorer_use(recsys_scorer *scorer, const struct rs_kernel *kernel,
                   const struct rs_code_kernel *code_kernel, rs_survivors survivors)
{
    scorer->kernel = kernel;
    scorer->code_kernel = scorer->many_code_kernel = code_kernel;
    if (survivors != NULL)
        scorer->survivors = survivors;
}

/* The queries as panels. The last one is filled up with zeros. */
static void make_panels(recsys_scorer *scorer, const struct rs_scan *scan)
{
    uint32_t width = scan->tile->lanes, d = scan->model->dimensions;
    uint32_t padded = (scan->n_lanes + width - 1) / width * width;

    for (uint32_t q = 0; q < padded; q++) {
        float *column = scorer->panels + (size_t)(q / width) * width * d + q % width;
        for (uint32_t j = 0; j < d; j++)
            column[(size_t)j * width] = q < scan->n_lanes ? scan->lanes[q].query[j] : 0.0f;
    }
}

/* The same of codes. */
static void make_code_panels(recsys_scorer *scorer, const struct rs_scan *scan)
{
    uint32_t width = scan->code_kernel->lanes, n_panels = (scan->n_lanes + width - 1) / width;

    memset(scorer->code_panels, 0, n_panels * rs_codes_panel_bytes(scan));
    memset(scorer->code_shifts, 0, (size_t)n_panels * width * sizeof *scorer->code_shifts);
    for (uint32_t q = 0; q < scan->n_lanes; q++) {
        scorer->code_shifts[q] = scan->lanes[q].coded.shift;
        rs_codes_place(scan, scorer->code_panels, q, scan->lanes[q].coded.codes);
    }
}

/* Lanes, and an empty heap for each in every worker. */
static void set_up(recsys_scorer *scorer, const struct rs_scan *scan,
                   const struct rs_question *questions)
{
    const struct recsys_model *model = scan->model;
    size_t d = model->dimensions, first = 0;

    for (uint32_t q = 0; q < scan->n_lanes; q++) {
        const struct rs_question *question = &questions[q];
        struct rs_lane *lane = &scorer->lanes[q];
        float *row = scorer->queries + (size_t)q * model->stride;
        memcpy(row, question->vector, d * sizeof(float));
        memset(row + d, 0, (model->stride - d) * sizeof(float));
        lane->query = row;
        lane->offset = question->offset;
        lane->norm = sqrt(rs_canonical_dot(row, row, d)) * (1.0 + 0x1p-40);
        if (scan->code_kernel != NULL)
            rs_coded_make(row, model->dimensions, scan->code_kernel->largest,
                          scorer->codes + (size_t)q * model->stride, &lane->coded);
        lane->k = rs_question_k(question, model);
        lane->eligible = question->eligible;
        atomic_init(&lane->threshold, -INFINITY);
        for (uint32_t w = 0; w < scan->n_workers; w++)
            rs_topk_init(&scorer->workers[w].topk[q], scorer->workers[w].best + first, lane->k,
                         &model->item_ids);
        first += lane->k;
    }
    for (uint32_t w = 0; w < scan->n_workers; w++) {
        scorer->workers[w].n_packed = 0;
        memset(scorer->workers[w].short_pause, 0, sizeof scorer->workers[w].short_pause);
    }
}

recsys_status rs_scorer_run(recsys_scorer *scorer, const struct recsys_model *model,
                            const struct rs_question *questions, size_t n_questions,
                            struct rs_topk *answers, recsys_error *err)
{
    size_t sum_k = 0;
    recsys_status status;

    if (n_questions == 0)
        return RECSYS_OK;
    for (size_t q = 0; q < n_questions; q++)
        if (__builtin_add_overflow(sum_k, rs_question_k(&questions[q], model), &sum_k))
            return rs_error_nomem(err, "scorer");
    status = rs_scorer_reserve(scorer, n_questions, sum_k, model->dimensions, err);
    if (status != RECSYS_OK)
        return status;

    uint32_t n = (uint32_t)n_questions;
    double work = (double)n * model->n_items * model->dimensions;
    struct rs_scan scan = {.model = model,
                           .lanes = scorer->lanes,
                           .n_lanes = n,
                           .workers = scorer->workers,
                           .n_workers = work < ALONE_MULTIPLICATIONS ? 1 : scorer->n_threads,
                           .survivors = scorer->survivors,
                           .kernel = scorer->kernel,
                           .panels = scorer->panels,
                           .code_kernel = model->codes == NULL ? NULL
                                          : n < RS_CODE_MANY   ? scorer->code_kernel
                                                               : scorer->many_code_kernel,
                           .code_shifts = scorer->code_shifts,
                           .with_short_codes =
                               n <= RS_FEW_QUERIES && model->short_codes.codes != NULL};
    atomic_init(&scan.next_block, 0u);
    set_up(scorer, &scan, questions);
    scan.tile = rs_scan_choose_tile(scan.kernel, n);
    if (scan.tile != NULL && model->n_items < scan.tile->rows)
        scan.tile = NULL;
    if (scan.tile != NULL)
        make_panels(scorer, &scan);
    if (scan.code_kernel != NULL && scan.code_kernel->tiles != NULL && n > RS_FEW_QUERIES) {
        make_code_panels(scorer, &scan);
        scan.code_panels = scorer->code_panels;
    }
    if (scan.n_workers == 1)
        rs_scan_work(&scan, 0);
    else
        rs_team_run(scorer->team, rs_scan_work, &scan);
    rs_scan_trace(&scan);

    for (uint32_t q = 0; q < n; q++) {
        struct rs_topk *all = &scorer->workers[0].topk[q];
        for (uint32_t w = 1; w < scan.n_workers; w++) {
            const struct rs_topk *part = &scorer->workers[w].topk[q];
            for (uint32_t i = 0; i < part->n; i++)
                rs_topk_push(all, part->entries[i].score, part->entries[i].position);
        }
        rs_topk_sort(all);
        answers[q] = *all;
    }
    return RECSYS_OK;
}

/* The columns beside the vector that count in the cosine of two items. */
static double similar_rest(const struct recsys_model *model, uint32_t a, uint32_t b)
{
    double rest = 0.0;

    if (model->similar_by == RECSYS_SIMILAR_VECTOR)
        return 0.0;
    if (model->item_bias != NULL)
        rest = (double)model->item_bias[a] * (double)model->item_bias[b];
    return model->similar_by == RECSYS_SIMILAR_VECTOR_BIAS_ONE ? rest + 1.0 : rest;
}

static double similar_norm(const struct recsys_model *model, uint32_t position)
{
    const float *item = model->items + (size_t)position * model->stride;

    return sqrt(rs_canonical_dot(item, item, model->dimensions) +
                similar_rest(model, position, position));
}

recsys_status rs_scorer_run_similar(recsys_scorer *scorer, const struct recsys_model *model,
                                    uint32_t position, uint32_t k,
                                    const struct rs_eligible *eligible, struct rs_topk *answer,
                                    recsys_error *err)
{
    const float *wanted = model->items + (size_t)position * model->stride;
    double wanted_norm = similar_norm(model, position);
    k = k < model->n_items ? k : model->n_items;
    recsys_status status = rs_scorer_reserve(scorer, 1, k, model->dimensions, err);

    if (status != RECSYS_OK)
        return status;
    rs_topk_init(answer, scorer->workers[0].best, k, &model->item_ids);
    if (wanted_norm == 0.0)
        return RECSYS_OK;
    for (uint32_t p = 0; p < model->n_items; p++) {
        const float *item = model->items + (size_t)p * model->stride;
        double norm = similar_norm(model, p);
        if (norm == 0.0 && model->similar_by == RECSYS_SIMILAR_VECTOR)
            break; /* scan order: only zeros follow */
        double product = rs_canonical_dot(wanted, item, model->dimensions);
        float cosine = (float)((product + similar_rest(model, position, p)) / (wanted_norm * norm));
        if (norm == 0.0 || cosine < rs_topk_threshold(answer) || p == position ||
            !rs_eligible_item(eligible, p))
            continue;
        rs_topk_push(answer, cosine, p);
    }
    rs_topk_sort(answer);
    return RECSYS_OK;
}
