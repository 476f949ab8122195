/* lib/score/bound.h - which items and blocks a scan may skip without an exact score.
 *
 * A scan reads scores that BLAS computed in float, in an order of its own. Let t be the canonical
 * score of the K-th best item so far. An item can still win only if its canonical score is at least
 * t, so only if its float score is at least t minus everything that the two can differ by:
 *
 *   summation in float, any order:  gamma_d * |q| * |x|,  gamma_d = d*u / (1 - d*u)
 *     (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1)
 *   adding the bias in float, rounding the canonical score to float: u each
 *   the canonical sum itself, in double: far below u
 *   products that underflow, or are flushed to zero: 2^-125 each
 *
 * with u = 2^-24. By Cauchy-Schwarz |q|*|x| also bounds every score of a block,
 * which skips whole blocks: LEMP (Teflioudi, Gemulla, Mykytiuk, SIGMOD 2015).
 *
 * Or it sees scores of integer codes (lib/bundle/codes.h): x = s*c + e, q = t*k + f, and
 * t*s*<k,c> is exact but for its conversion to float. By Cauchy-Schwarz
 *
 *   |<q,x> - t*s*<k,c>| = |<t*k, e> + <f, x>|  <=  |t*k| * |e|  +  |f| * |x|
 */
#ifndef RS_SCORE_BOUND_H
#define RS_SCORE_BOUND_H

#include <math.h>

#include "lib/bundle/coded.h"
#include "lib/model/model.h"

/* The largest difference between float score and canonical score of any item whose norm is at
 * most `norm`, plus the rounding error of `threshold`. */
static inline double rs_bound_slack(const struct recsys_model *model, double query_norm,
                                    double norm, double offset, double abs_bias, float threshold)
{
    const double u = 0x1p-24;
    double d = (double)model->dimensions + 4.0;
    double reach = query_norm * norm;

    return (d * u / (1.0 - d * u)) * reach + u * (abs_bias + fabs((double)threshold)) +
           0x1p-48 * (reach + abs_bias + fabs(offset)) + d * 0x1p-125;
}

/* 1 if no item of norm <= `norm` and bias <= `bias` can reach `threshold`. */
static inline int rs_bound_excludes(const struct recsys_model *model, double query_norm,
                                    double norm, double offset, double bias, double abs_bias,
                                    float threshold)
{
    if (!isfinite(threshold))
        return 0;
    return offset + query_norm * norm + bias +
               rs_bound_slack(model, query_norm, norm, offset, abs_bias, threshold) <
           (double)threshold;
}

/* The float score (bias included, offset not) below which an item cannot reach
 * `threshold`. */
static inline float rs_bound_float(const struct recsys_model *model, double query_norm, double norm,
                                   double offset, double abs_bias, float threshold)
{
    /* Float sums may overflow. Then they prove nothing, and every item is scored exactly. */
    if (!isfinite(threshold) || !(query_norm * norm + abs_bias < 0x1p120))
        return -INFINITY;
    double limit = (double)threshold - offset -
                   rs_bound_slack(model, query_norm, norm, offset, abs_bias, threshold);
    return nextafterf((float)limit, -INFINITY);
}

/* The largest difference between <q,x> and what codes say of it, for the items of a block. */
static inline double rs_bound_residual(const struct recsys_model *model,
                                       const struct rs_coded *query, uint32_t block)
{
    const struct rs_code_bounds *codes = &model->code_bounds[block];

    return (query->norm * codes->max_residual + query->residual * model->blocks[block].max_norm) *
           (1.0 + 0x1p-40);
}

/* The score by codes (bias included, offset not) below which no item of the block can reach
 * `threshold`. */
static inline float rs_bound_codes(const struct recsys_model *model, const struct rs_coded *query,
                                   double query_norm, uint32_t block, double offset,
                                   float threshold)
{
    const struct rs_block *bounds = &model->blocks[block];
    const struct rs_code_bounds *codes = &model->code_bounds[block];

    if (!isfinite(threshold))
        return -INFINITY;
    /* The slack is that of the codes' own vectors. Its (d + 4) u, at least 5 u, times their norms
     * covers the roundings of the scale, of the product to float, and of their multiplication. */
    double limit =
        (double)threshold - offset - rs_bound_residual(model, query, block) -
        rs_bound_slack(model, query_norm + query->residual, bounds->max_norm + codes->max_residual,
                       offset, bounds->rest_abs_bias, threshold);
    return nextafterf((float)limit, -INFINITY);
}

/* The same of short codes, whose scores have the item's own residual in them already
 * (code_kernel.h): what that is at most takes part in the roundings only, some of which there are
 * more. An item with codes is at most twice as long by them. */
static inline float rs_bound_short_codes(const struct recsys_model *model,
                                         const struct rs_coded *query, double query_norm,
                                         uint32_t block, double offset, float threshold)
{
    const struct rs_block *bounds = &model->blocks[block];

    if (!isfinite(threshold))
        return -INFINITY;
    double limit = (double)threshold - offset -
                   query->residual * bounds->max_norm * (1.0 + 0x1p-40) -
                   rs_bound_slack(model, query_norm + query->residual, 3.0 * bounds->max_norm,
                                  offset, bounds->rest_abs_bias, threshold);
    return nextafterf((float)limit, -INFINITY);
}

#endif
