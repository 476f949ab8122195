/* lib/bundle/code_sample.c - see code_sample.h.
 *
 * The codes of a block share one step, which its largest number determines. If one dimension
 * is far larger than all others (an outlier, a bias kept as a factor), the codes of the others
 * are all zero and do not separate the items: then a scan is faster with floats. A few queries
 * show this better than a rule about the numbers would.
 *
 * The threshold of a query is its tenth best score among the sampled items. Among all items
 * it is at least as high, so a real scan has no larger share of items to score than the sample.
 * For the same reason a catalogue of few items gets no codes: ten of them are a large share.
 *
 * Short codes take an eighth of the vectors' memory besides, and make a scan faster that reads more
 * than the processor's caches hold. Where items' norms end most scans early, there is not so much
 * to read.
 */
#include "lib/bundle/code_sample.h"

#include <math.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/bundle/coded.h"
#include "lib/bundle/codes.h"
#include "lib/bundle/short_codes.h"

#define QUERIES 8u
#define BLOCKS 4u
#define K 10u

/* Codes are worth their memory if they leave no more than this share: an exact score costs about as
 * much as the floats of ten items that were not read. */
#define CODES_PAY 0.05

/* Short codes: if they leave no more than SHORT_CODES_PAY, scans look at LOOKED_AT of the blocks,
 * and there are so many codes. Of the whole catalogue short codes leave a tenth of what they leave
 * of the sample, because its tenth best score is higher. */
#define SHORT_CODES_PAY 0.10
#define LOOKED_AT 0.5
#define SHORT_CODES_FROM ((size_t)16 << 20) /* bytes of codes */

struct sample {
    const struct rs_code_vectors *vectors;
    uint8_t *codes;       /* of one block, here and below */
    int with_short_codes; /* they could pay */
    uint8_t *short_codes;
    float *steps, *residuals;
    int8_t *query_codes;
    uint32_t blocks[BLOCKS], n_blocks;
    /* [BLOCKS * RS_BLOCK_ITEMS]: exact, and what codes and short codes leave possible */
    double *scores, *bounds, *short_bounds;
};

/* Counts over all sampled queries. */
struct sampled {
    uint64_t asked, left, short_left, blocks, looked_at;
};

static double dot(const float *a, const float *b, uint32_t n)
{
    double sum[4] = {0};
    uint32_t j = 0;

    for (; j + 4 <= n; j += 4)
        for (uint32_t l = 0; l < 4; l++)
            sum[l] += (double)a[j + l] * (double)b[j + l];
    for (; j < n; j++)
        sum[0] += (double)a[j] * (double)b[j];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static int32_t coded_dot(const uint8_t *item, const int8_t *query, uint32_t dimensions)
{
    int32_t sum = 0;

    for (uint32_t j = 0; j < dimensions; j += 4, item += RS_CODES_CELL, query += 4)
        for (uint32_t l = 0; l < 4; l++)
            sum += ((int32_t)item[l] - (int32_t)RS_CODES_ZERO) * query[l];
    return sum;
}

static int32_t short_dot(const uint8_t *item, const int8_t *query, uint32_t dimensions)
{
    int32_t sum = 0;

    for (uint32_t j = 0; j < dimensions; j += 8, item += RS_CODES_CELL, query += RS_CODED_PAIR)
        for (uint32_t l = 0; l < 4; l++)
            sum += (((item[l] & 0x0f) << 4) - 120) * query[l] +
                   ((item[l] & 0xf0) - 120) * query[l + 4];
    return sum;
}

/* For each of a block's items the largest score, without its bias, that short codes allow. */
static void bound_by_short(const struct sample *sample, const struct rs_coded *coded,
                           const float *rows, uint32_t n, uint32_t block, double *bounds)
{
    const struct rs_code_vectors *vectors = sample->vectors;
    uint32_t d = vectors->dimensions;
    double off = coded->residual * vectors->blocks[block].max_norm;

    rs_short_codes_make(rows, n, d, vectors->stride, sample->short_codes, sample->steps);
    rs_short_codes_measure(rows, n, d, vectors->stride, &vectors->blocks[block],
                           sample->short_codes, sample->steps, sample->residuals);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *item = sample->short_codes +
                              i / RS_CODES_GROUP * rs_short_codes_group_bytes(d) +
                              (size_t)(i % RS_CODES_GROUP) * 4;
        bounds[i] = (double)sample->steps[i] * coded->step * short_dot(item, coded->codes, d) +
                    coded->norm * (double)sample->residuals[i] + off;
    }
}

/* Scores of one block's items, and for each the largest score that its codes allow. Takes the
 * places from `at` on, and returns how many. */
static uint32_t score_block(const struct sample *sample, const float *query,
                            const struct rs_coded *coded, uint32_t block, uint32_t at)
{
    const struct rs_code_vectors *vectors = sample->vectors;
    size_t first = (size_t)block * RS_BLOCK_ITEMS, left = vectors->n_items - first;
    uint32_t n = (uint32_t)(left < RS_BLOCK_ITEMS ? left : RS_BLOCK_ITEMS);
    const float *rows = vectors->items + first * vectors->stride;
    struct rs_code_bounds codes;

    rs_codes_make(rows, n, vectors->dimensions, vectors->stride, &vectors->blocks[block],
                  sample->codes, &codes);
    if (sample->with_short_codes)
        bound_by_short(sample, coded, rows, n, block, sample->short_bounds + at);
    double off =
        coded->norm * codes.max_residual + coded->residual * vectors->blocks[block].max_norm;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *item = sample->codes +
                              i / RS_CODES_GROUP * rs_codes_group_bytes(vectors->dimensions) +
                              (size_t)(i % RS_CODES_GROUP) * 4;
        double bias = vectors->item_bias == NULL ? 0 : (double)vectors->item_bias[first + i];
        sample->scores[at + i] =
            dot(query, rows + (size_t)i * vectors->stride, vectors->dimensions) + bias;
        sample->bounds[at + i] =
            codes.step * coded->step * coded_dot(item, coded->codes, vectors->dimensions) + bias +
            off;
        sample->short_bounds[at + i] =
            sample->with_short_codes ? sample->short_bounds[at + i] + bias : INFINITY;
    }
    return n;
}

static double kth_best(const double *scores, uint32_t n)
{
    double best[K];
    uint32_t used = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = used < K ? used++ : K;
        for (; at > 0 && scores[i] > best[at - 1]; at--)
            if (at < K)
                best[at] = best[at - 1];
        if (at < K)
            best[at] = scores[i];
    }
    return best[used - 1];
}

static void ask(const struct sample *sample, const float *query, struct sampled *found)
{
    const struct rs_code_vectors *vectors = sample->vectors;
    struct rs_coded coded;
    uint32_t n = 0;

    rs_coded_make(query, vectors->dimensions, (int32_t)RS_CODES_LARGEST, sample->query_codes,
                  &coded);
    if (coded.step == 0)
        return;
    for (uint32_t b = 0; b < sample->n_blocks; b++)
        n += score_block(sample, query, &coded, sample->blocks[b], n);
    double threshold = kth_best(sample->scores, n);
    for (uint32_t i = 0; i < n; i++) {
        found->left += sample->bounds[i] >= threshold;
        found->short_left += sample->short_bounds[i] >= threshold;
    }
    found->asked += n;
    for (uint32_t b = 0; b < vectors->n_blocks; b++)
        found->looked_at += (coded.norm + coded.residual) * vectors->blocks[b].max_norm +
                                vectors->blocks[b].max_bias >=
                            threshold;
    found->blocks += vectors->n_blocks;
}

static void judge(const struct sampled *found, struct rs_code_verdict *out)
{
    *out = (struct rs_code_verdict){.left = 1, .short_left = 1};
    if (found->asked > 0) {
        out->left = (double)found->left / (double)found->asked;
        out->short_left = (double)found->short_left / (double)found->asked;
        out->looked_at = (double)found->looked_at / (double)found->blocks;
    }
    out->codes_pay = out->left <= CODES_PAY;
    out->short_codes_pay =
        out->codes_pay && out->short_left <= SHORT_CODES_PAY && out->looked_at >= LOOKED_AT;
}

static int reserve(struct sample *sample)
{
    uint32_t d = sample->vectors->dimensions;
    size_t most = (size_t)BLOCKS * RS_BLOCK_ITEMS;

    sample->codes = rs_alloc(rs_codes_bytes(RS_BLOCK_ITEMS, d));
    sample->short_codes = rs_alloc(rs_short_codes_bytes(RS_BLOCK_ITEMS, d));
    sample->steps = rs_alloc_array(RS_BLOCK_ITEMS, sizeof *sample->steps);
    sample->residuals = rs_alloc_array(RS_BLOCK_ITEMS, sizeof *sample->residuals);
    sample->query_codes = rs_alloc_array(rs_short_codes_pairs(d), RS_CODED_PAIR);
    sample->scores = rs_alloc_array(most, sizeof *sample->scores);
    sample->bounds = rs_alloc_array(most, sizeof *sample->bounds);
    sample->short_bounds = rs_alloc_array(most, sizeof *sample->short_bounds);
    return sample->codes != NULL && sample->short_codes != NULL && sample->steps != NULL &&
           sample->residuals != NULL && sample->query_codes != NULL && sample->scores != NULL &&
           sample->bounds != NULL && sample->short_bounds != NULL;
}

static void give_back(struct sample *sample)
{
    rs_free(sample->short_bounds);
    rs_free(sample->bounds);
    rs_free(sample->scores);
    rs_free(sample->query_codes);
    rs_free(sample->residuals);
    rs_free(sample->steps);
    rs_free(sample->short_codes);
    rs_free(sample->codes);
}

recsys_status rs_code_sample(const struct rs_code_vectors *vectors, struct rs_code_verdict *verdict,
                             recsys_error *err)
{
    struct sample sample = {.vectors = vectors};
    struct sampled found = {0};
    uint32_t n = vectors->n_users > 0 ? vectors->n_users : vectors->n_items;
    uint32_t n_queries = n < QUERIES ? n : QUERIES;
    recsys_status status = RECSYS_OK;

    sample.n_blocks = vectors->n_blocks < BLOCKS ? vectors->n_blocks : BLOCKS;
    for (uint32_t b = 0; b < sample.n_blocks; b++)
        sample.blocks[b] = (uint32_t)((uint64_t)b * vectors->n_blocks / sample.n_blocks);
    sample.with_short_codes =
        rs_codes_bytes(vectors->n_items, vectors->dimensions) >= SHORT_CODES_FROM;
    if (!reserve(&sample))
        status = rs_error_nomem(err, "codes of item vectors");
    for (uint32_t q = 0; q < n_queries && status == RECSYS_OK; q++) {
        size_t row = (size_t)((uint64_t)q * n / n_queries);
        ask(&sample,
            vectors->n_users > 0 ? vectors->users + row * vectors->dimensions
                                 : vectors->items + row * vectors->stride,
            &found);
    }
    judge(&found, verdict);
    give_back(&sample);
    return status;
}
