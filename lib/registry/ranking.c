/* lib/registry/ranking.c - overlap and rank correlation of two answers.
 *
 * Plain loops over both: an answer has some dozen items, and a table would be slower. Kendall's tau
 * looks at common items only; that the others differ is what the overlap says.
 */
#include "lib/registry/ranking.h"

#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/structs.h"

static int is_same(const recsys_id *a, const recsys_id *b)
{
    if (a->number != b->number || (a->text == NULL) != (b->text == NULL))
        return 0;
    return a->text == NULL || memcmp(a->text, b->text, (size_t)a->number) == 0;
}

void rs_ranking_match(const recsys_id *before, size_t n_before, const recsys_id *after,
                      size_t n_after, uint32_t *places, recsys_agreement *out)
{
    for (size_t b = 0; b < n_before; b++)
        for (size_t a = 0; a < n_after; a++)
            if (is_same(&before[b], &after[a])) {
                if (places != NULL)
                    places[out->n_common] = (uint32_t)a;
                out->n_common++;
                out->n_in_place += a == b;
                break;
            }
}

/* Of `n` items in the order of the one ranking, with their places in the other. */
static double tau_of(const uint32_t *places, size_t n)
{
    int64_t sum = 0;

    if (n < 2)
        return (double)NAN;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            sum += places[i] < places[j] ? 1 : -1;
    return (double)sum / ((double)n * (double)(n - 1) / 2.0);
}

recsys_status recsys_ranking_compare(const recsys_id *before, size_t n_before,
                                     const recsys_id *after, size_t n_after, recsys_agreement *out,
                                     recsys_error *err)
{
    uint32_t places[RECSYS_RANKING_MAX];
    recsys_agreement found = RECSYS_AGREEMENT_INIT;
    size_t longer = n_before > n_after ? n_before : n_after;
    recsys_status status =
        rs_struct_begin(out, RECSYS_AGREEMENT_SIZE_V1, "recsys_ranking_compare: out", err);

    if (status != RECSYS_OK)
        return status;
    if ((before == NULL && n_before > 0) || (after == NULL && n_after > 0))
        return rs_error(err, RECSYS_E_INVALID, "recsys_ranking_compare: %s is NULL",
                        before == NULL && n_before > 0 ? "before" : "after");
    if (longer > RECSYS_RANKING_MAX)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_ranking_compare: a ranking of %zu items, at most %u are compared",
                        longer, RECSYS_RANKING_MAX);
    rs_ranking_match(before, n_before, after, n_after, places, &found);
    found.overlap = longer > 0 ? (double)found.n_common / (double)longer : 1.0;
    found.rank_correlation = tau_of(places, found.n_common);
    rs_struct_write(out, &found, sizeof found);
    return RECSYS_OK;
}
