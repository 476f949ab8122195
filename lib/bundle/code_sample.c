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
 */
#include "lib/bundle/code_sample.h"

#include <math.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/bundle/coded.h"
#include "lib/bundle/codes.h"

#define QUERIES 8u
#define BLOCKS 4u
#define K 10u

struct sample {
    const struct rs_code_vectors *vectors;
    uint8_t *codes; /* of one block */
    int8_t *query_codes;
    uint32_t blocks[BLOCKS], n_blocks;
    double *scores, *bounds; /* [BLOCKS * RS_BLOCK_ITEMS]: exact, and what codes leave possible */
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

/* Scores of one block's items, and for each the largest score that its codes allow. */
static uint32_t score_block(const struct sample *sample, const float *query,
                            const struct rs_coded *coded, uint32_t block, double *scores,
                            double *bounds)
{
    const struct rs_code_vectors *vectors = sample->vectors;
    size_t first = (size_t)block * RS_BLOCK_ITEMS, left = vectors->n_items - first;
    uint32_t n = (uint32_t)(left < RS_BLOCK_ITEMS ? left : RS_BLOCK_ITEMS);
    const float *rows = vectors->items + first * vectors->stride;
    struct rs_code_bounds codes;

    rs_codes_make(rows, n, vectors->dimensions, vectors->stride, &vectors->blocks[block],
                  sample->codes, &codes);
    double off =
        coded->norm * codes.max_residual + coded->residual * vectors->blocks[block].max_norm;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *item = sample->codes +
                              i / RS_CODES_GROUP * rs_codes_group_bytes(vectors->dimensions) +
                              (size_t)(i % RS_CODES_GROUP) * 4;
        double bias = vectors->item_bias == NULL ? 0 : (double)vectors->item_bias[first + i];
        scores[i] = dot(query, rows + (size_t)i * vectors->stride, vectors->dimensions) + bias;
        bounds[i] = codes.step * coded->step * coded_dot(item, coded->codes, vectors->dimensions) +
                    bias + off;
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

static void ask(const struct sample *sample, const float *query, uint64_t *asked, uint64_t *left)
{
    struct rs_coded coded;
    uint32_t n = 0;

    rs_coded_make(query, sample->vectors->dimensions, (int32_t)RS_CODES_LARGEST,
                  sample->query_codes, &coded);
    if (coded.step == 0)
        return;
    for (uint32_t b = 0; b < sample->n_blocks; b++)
        n += score_block(sample, query, &coded, sample->blocks[b], sample->scores + n,
                         sample->bounds + n);
    double threshold = kth_best(sample->scores, n);
    for (uint32_t i = 0; i < n; i++)
        *left += sample->bounds[i] >= threshold;
    *asked += n;
}

recsys_status rs_code_sample(const struct rs_code_vectors *vectors, double *share,
                             recsys_error *err)
{
    struct sample sample = {.vectors = vectors};
    size_t most = (size_t)BLOCKS * RS_BLOCK_ITEMS;
    uint64_t asked = 0, left = 0;
    uint32_t n = vectors->n_users > 0 ? vectors->n_users : vectors->n_items;
    uint32_t n_queries = n < QUERIES ? n : QUERIES;
    recsys_status status = RECSYS_OK;

    *share = 1.0;
    sample.n_blocks = vectors->n_blocks < BLOCKS ? vectors->n_blocks : BLOCKS;
    for (uint32_t b = 0; b < sample.n_blocks; b++)
        sample.blocks[b] = (uint32_t)((uint64_t)b * vectors->n_blocks / sample.n_blocks);
    sample.codes = rs_alloc_array(rs_codes_bytes(RS_BLOCK_ITEMS, vectors->dimensions), 1);
    sample.query_codes = rs_alloc_array((size_t)(vectors->dimensions + 3) / 4, 4);
    sample.scores = rs_alloc_array(most, sizeof *sample.scores);
    sample.bounds = rs_alloc_array(most, sizeof *sample.bounds);
    if (sample.codes == NULL || sample.query_codes == NULL || sample.scores == NULL ||
        sample.bounds == NULL)
        status = rs_error_nomem(err, "codes of item vectors");
    for (uint32_t q = 0; q < n_queries && status == RECSYS_OK; q++) {
        size_t row = (size_t)((uint64_t)q * n / n_queries);
        ask(&sample,
            vectors->n_users > 0 ? vectors->users + row * vectors->dimensions
                                 : vectors->items + row * vectors->stride,
            &asked, &left);
    }
    if (asked > 0)
        *share = (double)left / (double)asked;
    rs_free(sample.bounds);
    rs_free(sample.scores);
    rs_free(sample.query_codes);
    rs_free(sample.codes);
    return status;
}
