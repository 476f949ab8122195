/* daemon/ctl/evaluate/rankings.c - the lists that are evaluated: the model's and the most popular.
 *
 * The scorer answers batches of users with all its threads. It is asked for as many more items as
 * the users of a batch have seen at most, and their seen items are passed over in the answers: that
 * costs less than a filter for each user. So users are taken in the order of how much they have
 * seen.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/evaluate/evaluate.h"

#define BATCH 256u
#define MAX_ANSWERS ((size_t)1 << 22) /* of a batch */

struct ranked_users {
    uint64_t *n_seen_and_user; /* n_seen << 32 | row, ascending */
    uint64_t n;
};

/* One batch on its way through the scorer. */
struct scored_batch {
    const struct ctl_rankings *rankings;
    struct ctl_measures *measures;
    recsys_scorer *scorer;
    float *queries; /* [BATCH, dimensions] */
    double offsets[BATCH];
    uint32_t counts[BATCH];
    uint32_t *rows; /* [users of the batch, their k] */
    size_t room;
    uint64_t *seen_at; /* by the row of an item: the user whose list it is in, + 1 */
};

static uint64_t count_seen(const struct ctl_rankings *rankings, uint64_t user)
{
    const uint64_t *offsets = rankings->rows->seen_offsets;

    return offsets == NULL || rankings->include_seen ? 0 : offsets[user + 1] - offsets[user];
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void list_users(const struct ctl_rankings *rankings, struct ranked_users *out)
{
    const uint64_t *offsets = rankings->held_out->offsets;

    out->n = 0;
    out->n_seen_and_user =
        ctl_allocate((size_t)rankings->held_out->n_lists, sizeof *out->n_seen_and_user);
    for (uint64_t user = 0; user < rankings->held_out->n_users; user++)
        if (offsets[user] < offsets[user + 1])
            out->n_seen_and_user[out->n++] = count_seen(rankings, user) << 32 | user;
    qsort(out->n_seen_and_user, (size_t)out->n, sizeof *out->n_seen_and_user, by_value);
}

/* Mark what the user has seen, so that it is passed over. */
static void mark_seen(const struct ctl_rankings *rankings, uint64_t user, uint64_t *seen_at)
{
    uint64_t begin = count_seen(rankings, user) > 0 ? rankings->rows->seen_offsets[user] : 0;

    for (uint64_t i = 0; i < count_seen(rankings, user); i++)
        seen_at[rankings->rows->seen_items[begin + i]] = user + 1;
}

/* The first k of `rows` that the user has not seen, to the measures. */
static void measure(const struct ctl_rankings *rankings, struct ctl_measures *measures,
                    uint64_t user, const uint32_t *rows, uint64_t n, uint64_t *seen_at,
                    uint32_t *list)
{
    const struct ctl_held_out *held_out = rankings->held_out;
    uint64_t begin = held_out->offsets[user];
    uint32_t n_list = 0;

    mark_seen(rankings, user, seen_at);
    for (uint64_t i = 0; i < n && n_list < rankings->k; i++)
        if (seen_at[rows[i]] != user + 1)
            list[n_list++] = rows[i];
    ctl_measures_add(measures, list, n_list, held_out->items + begin,
                     held_out->offsets[user + 1] - begin);
}

/* The user's vector and bias. */
static void set_query(struct scored_batch *batch, size_t i, uint64_t user)
{
    const struct ctl_rows *rows = batch->rankings->rows;
    const unsigned char *vector = rows->users.data, *bias = rows->user_bias.data;
    float value = 0.0f;

    vector += (ptrdiff_t)user * rows->users.strides[0];
    memcpy(batch->queries + i * rows->info.dimensions, vector,
           rows->info.dimensions * sizeof(float));
    if (rows->user_bias.dtype != 0)
        memcpy(&value, bias + (ptrdiff_t)user * rows->user_bias.strides[0], sizeof value);
    batch->offsets[i] = (double)value;
}

static recsys_status score(struct scored_batch *batch, const uint64_t *users, size_t n, uint32_t k,
                           recsys_error *err)
{
    size_t dimensions = batch->rankings->rows->info.dimensions;
    uint32_t *list = ctl_allocate(batch->rankings->k, sizeof *list);
    recsys_status status;

    if (batch->room < n * k) {
        free(batch->rows);
        batch->room = n * k;
        batch->rows = ctl_allocate(batch->room, sizeof *batch->rows);
    }
    for (size_t i = 0; i < n; i++)
        set_query(batch, i, (uint32_t)users[i]);
    status = recsys_scorer_top_k_matrix(batch->scorer, batch->rankings->model, batch->queries, n,
                                        dimensions, batch->offsets, NULL, k, NULL, batch->rows,
                                        NULL, batch->counts, err);
    for (size_t i = 0; i < n && status == RECSYS_OK; i++)
        measure(batch->rankings, batch->measures, (uint32_t)users[i], batch->rows + i * k,
                batch->counts[i], batch->seen_at, list);
    free(list);
    return status;
}

/* How many users from `first` on fit into one batch, and what it asks for. */
static size_t next_batch(const struct scored_batch *batch, const struct ranked_users *users,
                         uint64_t first, uint32_t *k)
{
    uint64_t n_items = batch->rankings->rows->info.n_items, wanted = 0;
    size_t n = 0;

    while (n < BATCH && first + n < users->n) {
        wanted = (users->n_seen_and_user[first + n] >> 32) + batch->rankings->k;
        wanted = wanted < n_items ? wanted : n_items;
        if (n > 0 && (n + 1) * wanted > MAX_ANSWERS)
            break;
        *k = (uint32_t)wanted;
        n++;
    }
    return n;
}

recsys_status ctl_rank_by_model(const struct ctl_rankings *rankings, struct ctl_measures *measures,
                                recsys_error *err)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    struct scored_batch *batch = ctl_allocate(1, sizeof *batch);
    struct ranked_users users;
    recsys_status status;

    options.n_threads = rankings->n_threads;
    options.max_batch = BATCH;
    options.dimensions = rankings->rows->info.dimensions;
    batch->rankings = rankings;
    batch->measures = measures;
    batch->queries = ctl_allocate((size_t)BATCH * options.dimensions, sizeof(float));
    batch->seen_at = ctl_allocate((size_t)rankings->rows->info.n_items, sizeof *batch->seen_at);
    list_users(rankings, &users);
    status = recsys_scorer_create(&options, &batch->scorer, err);
    for (uint64_t i = 0; i < users.n && status == RECSYS_OK;) {
        uint32_t k = 0;
        size_t n = next_batch(batch, &users, i, &k);
        status = score(batch, users.n_seen_and_user + i, n, k, err);
        i += n;
    }
    recsys_scorer_destroy(batch->scorer);
    free(users.n_seen_and_user);
    free(batch->queries);
    free(batch->seen_at);
    free(batch->rows);
    free(batch);
    return status;
}

/* A row with the values by which it is sorted. */
struct popular {
    recsys_id id;
    float popularity;
    uint32_t row;
};

static int by_id(const recsys_id *a, const recsys_id *b)
{
    uint64_t shorter = a->number < b->number ? a->number : b->number;
    int order = a->text == NULL ? 0 : memcmp(a->text, b->text, (size_t)shorter);

    return order != 0 ? order : a->number < b->number ? -1 : a->number > b->number;
}

static int by_popularity(const void *a, const void *b)
{
    const struct popular *x = a, *y = b;

    if (x->popularity > y->popularity || x->popularity < y->popularity)
        return x->popularity > y->popularity ? -1 : 1;
    return by_id(&x->id, &y->id);
}

/* Rows, the most popular item first; equally popular ones by id. */
static recsys_status order_by_popularity(const struct ctl_rankings *rankings, uint32_t *out,
                                         recsys_error *err)
{
    uint64_t n = rankings->rows->info.n_items;
    bool is_text = rankings->rows->info.item_id_kind == RECSYS_ID_KIND_TEXT;
    struct popular *items = ctl_allocate((size_t)n, sizeof *items);
    recsys_array ids, offsets = RECSYS_ARRAY_INIT;
    recsys_status status = recsys_model_get_array(rankings->model, "item_ids", &ids, err);

    if (status == RECSYS_OK && is_text)
        status = recsys_model_get_array(rankings->model, "item_ids_offsets", &offsets, err);
    for (uint64_t row = 0; row < n && status == RECSYS_OK; row++) {
        const uint64_t *ends = offsets.data;
        items[row].row = (uint32_t)row;
        items[row].popularity = rankings->rows->popularity[row];
        items[row].id =
            is_text ? (recsys_id){(const char *)ids.data + ends[row], ends[row + 1] - ends[row] - 1}
                    : (recsys_id){NULL, (uint64_t)((const int64_t *)ids.data)[row]};
    }
    qsort(items, (size_t)n, sizeof *items, by_popularity);
    for (uint64_t row = 0; row < n; row++)
        out[row] = items[row].row;
    free(items);
    return status;
}

recsys_status ctl_rank_by_popularity(const struct ctl_rankings *rankings,
                                     struct ctl_measures *measures, recsys_error *err)
{
    uint64_t n_items = rankings->rows->info.n_items;
    uint32_t *order = ctl_allocate((size_t)n_items, sizeof *order);
    uint32_t *list = ctl_allocate(rankings->k, sizeof *list);
    uint64_t *seen_at = ctl_allocate((size_t)n_items, sizeof *seen_at);
    const uint64_t *offsets = rankings->held_out->offsets;
    recsys_status status = order_by_popularity(rankings, order, err);

    for (uint64_t user = 0; user < rankings->held_out->n_users && status == RECSYS_OK; user++)
        if (offsets[user] < offsets[user + 1])
            measure(rankings, measures, user, order, n_items, seen_at, list);
    free(order);
    free(list);
    free(seen_at);
    return status;
}
