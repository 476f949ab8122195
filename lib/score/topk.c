/* lib/score/topk.c - see topk.h. Order: score descending, then id ascending. */
#include "lib/score/topk.h"

static int is_worse(const struct rs_ids *ids, struct rs_best a, struct rs_best b)
{
    if (a.score != b.score)
        return a.score < b.score;
    return rs_ids_rank(ids, a.position) > rs_ids_rank(ids, b.position);
}

/* Put `entry` at the root of the first n entries and move it down to its place. */
static void sink(struct rs_topk *topk, uint32_t n, struct rs_best entry)
{
    struct rs_best *entries = topk->entries;
    uint32_t at = 0;

    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && is_worse(topk->ids, entries[child + 1], entries[child]))
            child++;
        if (!is_worse(topk->ids, entries[child], entry))
            break;
        entries[at] = entries[child];
        at = child;
    }
    entries[at] = entry;
}

int rs_topk_push(struct rs_topk *topk, float score, uint32_t position)
{
    struct rs_best entry = {score, position};

    if (topk->n == topk->k) {
        if (!is_worse(topk->ids, topk->entries[0], entry))
            return 0;
        sink(topk, topk->n, entry);
        return 1;
    }
    uint32_t at = topk->n++;
    while (at > 0 && is_worse(topk->ids, entry, topk->entries[(at - 1) / 2])) {
        topk->entries[at] = topk->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    topk->entries[at] = entry;
    return 1;
}

void rs_topk_sort(struct rs_topk *topk)
{
    for (uint32_t n = topk->n; n > 1; n--) {
        struct rs_best worst = topk->entries[0], last = topk->entries[n - 1];
        sink(topk, n - 1, last);
        topk->entries[n - 1] = worst;
    }
}
