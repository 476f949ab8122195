/* daemon/ctl/evaluate/measures.c - the figures of an evaluation.
 *
 * Of one user: R are the held-out items, hits the recommended items among them, the list has K
 * places. All but the last three and precision_capped are means over the users that have held-out
 * items.
 *
 *   recall            hits / |R|
 *   precision         hits / K
 *   precision_capped  all hits / the sum of min(K, |R|), over all users
 *   hit_rate          1 if there is a hit, else 0
 *   mrr               1 / the place of the first hit, else 0
 *   map               the sum of (hits so far / place) over the places of hits, by min(K, |R|)
 *   map_full          the same by |R|
 *   ndcg              the sum of 1 / log2(place + 1) over the places of hits, by the same sum over
 *                     the first min(K, |R|) places
 *   ndcg_full         the same by the sum over all K places
 *   auc               of hits and misses in the list; every item beyond it counts half
 *   coverage          items recommended to anybody, by the model's items
 *   novelty           the mean of -log2(users that have seen the item / users that have seen any),
 *                     an item that nobody has seen counting as seen by one; the mean of a list,
 * then of the users
 *
 * precision_capped, map, ndcg and auc are those of implicit.evaluation; recall, precision,
 * map_full, ndcg_full, hit_rate, mrr, coverage and novelty those of RecTools. docs/recsysctl.md has
 * the table.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/evaluate/evaluate.h"

void ctl_measures_begin(struct ctl_measures *measures, uint32_t k, const struct ctl_rows *rows,
                        const uint32_t *seen_by)
{
    memset(measures, 0, sizeof *measures);
    measures->k = k;
    measures->n_items = rows->info.n_items;
    measures->seen_by = seen_by;
    measures->recommended = ctl_allocate((size_t)rows->info.n_items, 1);
    for (uint64_t user = 0; rows->seen_offsets != NULL && user < rows->info.n_users; user++)
        measures->n_seen_users += rows->seen_offsets[user] < rows->seen_offsets[user + 1];
}

void ctl_measures_end(struct ctl_measures *measures)
{
    free(measures->recommended);
}

static bool is_relevant(const uint32_t *relevant, uint64_t n, uint32_t item)
{
    uint64_t low = 0, high = n;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (relevant[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && relevant[low] == item;
}

/* The sum of 1 / log2(place + 1) over the first n places. */
static double ideal_gain(uint64_t n)
{
    double sum = 0.0;

    for (uint64_t place = 1; place <= n; place++)
        sum += 1.0 / log2((double)place + 1.0);
    return sum;
}

static void add_list(struct ctl_measures *measures, const uint32_t *items, uint32_t n)
{
    double sum = 0.0;

    for (uint32_t i = 0; i < n; i++) {
        measures->recommended[items[i]] = 1;
        if (measures->seen_by != NULL) {
            uint32_t n_users = measures->seen_by[items[i]];
            sum -= log2((double)(n_users > 0 ? n_users : 1) / (double)measures->n_seen_users);
        }
    }
    if (n > 0) {
        measures->novelty += sum / n;
        measures->n_lists++;
    }
}

void ctl_measures_add(struct ctl_measures *measures, const uint32_t *items, uint32_t n,
                      const uint32_t *relevant, uint64_t n_relevant)
{
    uint32_t k = measures->k;
    double reachable = (double)(n_relevant < k ? n_relevant : k);
    double n_others = (double)measures->n_items - (double)n_relevant;
    double gain = 0.0, precisions = 0.0, above = 0.0;
    uint32_t hits = 0, misses = 0, first = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (!is_relevant(relevant, n_relevant, items[i])) {
            misses++;
            above += hits;
            continue;
        }
        hits++;
        first = hits == 1 ? i + 1 : first;
        precisions += (double)hits / (i + 1.0);
        gain += 1.0 / log2(i + 2.0);
    }
    above += (hits + (double)n_relevant) / 2.0 * (n_others - misses);
    measures->n_users++;
    measures->n_hits += hits;
    measures->n_reachable += (uint64_t)reachable;
    measures->recall += (double)hits / (double)n_relevant;
    measures->precision += (double)hits / k;
    measures->hit_rate += hits > 0;
    measures->mrr += first > 0 ? 1.0 / first : 0.0;
    measures->map += precisions / reachable;
    measures->map_full += precisions / (double)n_relevant;
    measures->ndcg += gain / ideal_gain((uint64_t)reachable);
    measures->ndcg_full += gain / ideal_gain(k);
    measures->auc += n_others > 0.0 ? above / ((double)n_relevant * n_others) : 1.0;
    add_list(measures, items, n);
}

static double coverage(const struct ctl_measures *measures)
{
    uint64_t n = 0;

    for (uint64_t row = 0; row < measures->n_items; row++)
        n += measures->recommended[row];
    return (double)n / (double)measures->n_items;
}

bool ctl_measures_get(const struct ctl_measures *measures, unsigned i, const char **name,
                      double *value)
{
    double n = (double)measures->n_users;
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"recall", measures->recall / n},
        {"precision", measures->precision / n},
        {"precision_capped", (double)measures->n_hits / (double)measures->n_reachable},
        {"hit_rate", measures->hit_rate / n},
        {"mrr", measures->mrr / n},
        {"map", measures->map / n},
        {"map_full", measures->map_full / n},
        {"ndcg", measures->ndcg / n},
        {"ndcg_full", measures->ndcg_full / n},
        {"auc", measures->auc / n},
        {"coverage", coverage(measures)},
        {"novelty", measures->seen_by != NULL && measures->n_lists > 0
                        ? measures->novelty / (double)measures->n_lists
                        : (double)NAN},
    };

    if (i >= sizeof figures / sizeof *figures)
        return false;
    *name = figures[i].name;
    *value = figures[i].value;
    return true;
}
