/* daemon/recommend/liked.c - see liked.h.
 *
 * The library gets one order of the items and one weight for each, so that two bodies that mean the
 * same are the same question to the cache.
 */
#include "daemon/recommend/liked.h"

#include <stdlib.h>

#include "daemon/http/members.h"

static int compare(const void *a, const void *b)
{
    const struct rd_liked_item *x = a, *y = b;
    int order = rd_id_compare(&x->id, &y->id);

    /* Sums of floats depend on the order. */
    return order != 0 ? order : (x->weight > y->weight) - (x->weight < y->weight);
}

static void read_weights(struct rd_problems *problems, const json_t *body, float *weights, size_t n)
{
    const struct rd_member *row = &rd_session_members[RD_SESSION_WEIGHTS];
    const struct rd_place at = {&rd_place_body, row->name, 0};
    const json_t *list = json_object_get(body, row->name);

    if (list == NULL || json_is_null(list))
        return;
    if (!json_is_array(list)) {
        rd_problem_add(problems, "list_type", &at, "Input should be a valid list", list, NULL);
        return;
    }
    if (json_array_size(list) != n) {
        rd_problem_add(problems, "value_error", &at,
                       "Value error, There must be one weight for each liked item", list,
                       "\"error\":{}");
        return;
    }
    for (size_t i = 0; i < n; i++)
        rd_field_float(problems, &(const struct rd_place){&at, NULL, i}, json_array_get(list, i),
                       (int)row->min, (int)row->max, &weights[i]);
}

static size_t merge(struct rd_liked *liked, size_t n)
{
    struct rd_liked_item *items = liked->unsorted;
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        items[i] = (struct rd_liked_item){liked->ids[i], liked->weights[i]};
    if (n > 1)
        qsort(items, n, sizeof *items, compare);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && rd_id_compare(&items[i].id, &liked->ids[kept - 1]) == 0) {
            liked->weights[kept - 1] += items[i].weight;
            continue;
        }
        liked->ids[kept] = items[i].id;
        liked->weights[kept++] = items[i].weight;
    }
    return kept;
}

void rd_liked_read(struct rd_problems *problems, const json_t *body, uint32_t item_id_kind,
                   struct rd_liked *liked, recsys_request *to)
{
    size_t before = problems->count, n = 0;

    (void)rd_member_ids(problems, &rd_place_body, body, &rd_session_members[RD_SESSION_LIKED],
                        item_id_kind, liked->ids, &n);
    for (size_t i = 0; i < n; i++)
        liked->weights[i] = 1.0f;
    if (problems->count > before)
        return;
    read_weights(problems, body, liked->weights, n);
    to->n_liked = merge(liked, n);
    to->liked = liked->ids;
    to->liked_weights = liked->weights;
}
