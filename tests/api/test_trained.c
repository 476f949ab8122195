/* The exactness contract on models that were really trained: every user's
 * answer has the bits of a full sort of canonical scores, alone and in a batch,
 * with one thread and with two, with what the user has seen and without.
 *
 * RECSYS_TRAINED_BUNDLES names the bundles, separated by colons (tests/install
 * trains them); without it there is nothing to test and the test is skipped. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/catalog.h"
#include "recsys/scorer.h"
#include "tests/support/check.h"

#define SKIPPED 77
#define MAX_BATCH 1000u
#define MAX_K 1000u

struct trained {
    recsys_model *model;
    recsys_model_info info;
    recsys_id *items;
    float *vectors, *biases; /* of items, in the order of ids */
};

static recsys_error err;

static void open_bundle(struct trained *t, const char *path)
{
    size_t n;

    CHECK_OK(recsys_model_load(path, NULL, &t->model, &err), &err);
    t->info.struct_size = (uint32_t)sizeof t->info;
    CHECK_OK(recsys_model_get_info(t->model, &t->info, &err), &err);
    t->items = malloc(t->info.n_items * sizeof *t->items);
    t->vectors = malloc(t->info.n_items * t->info.dimensions * sizeof *t->vectors);
    t->biases = malloc(t->info.n_items * sizeof *t->biases);
    CHECK(t->items != NULL && t->vectors != NULL && t->biases != NULL);
    CHECK_OK(recsys_model_get_item_ids(t->model, 0, t->items, t->info.n_items, &n, &err), &err);
    CHECK_EQ(n, t->info.n_items);
    for (size_t i = 0; i < n; i++)
        CHECK_OK(recsys_model_get_item(t->model, t->items[i], t->vectors + i * t->info.dimensions,
                                       &t->biases[i], &err),
                 &err);
}

static void close_bundle(struct trained *t)
{
    recsys_model_unref(t->model);
    free(t->items);
    free(t->vectors);
    free(t->biases);
}

/* model.h's definition of a raw score, written down once more. */
static float score_of(const struct trained *t, size_t item, const float *user, double offset)
{
    const float *vector = t->vectors + item * t->info.dimensions;
    double part[8] = {0};

    for (uint32_t j = 0; j < t->info.dimensions; j++)
        part[j % 8] += (double)user[j] * (double)vector[j];
    return (float)((offset + (double)t->biases[item]) +
                   (((part[0] + part[4]) + (part[2] + part[6])) +
                    ((part[1] + part[5]) + (part[3] + part[7]))));
}

/* Every item once: better ones first; items are in the order of ids already. */
static const float *sorted_by;
static int better_first(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (sorted_by[x] != sorted_by[y])
        return sorted_by[x] > sorted_by[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void check_answer(const struct trained *t, const recsys_query *query,
                         const recsys_filter *unseen, const recsys_scored *got, uint32_t count,
                         float *scores, uint32_t *order)
{
    size_t n = t->info.n_items, at = 0, allowed = unseen == NULL ? n : recsys_filter_count(unseen);

    for (size_t i = 0; i < n; i++) {
        scores[i] = score_of(t, i, query->vector, query->offset);
        order[i] = (uint32_t)i;
    }
    sorted_by = scores;
    qsort(order, n, sizeof *order, better_first);
    CHECK_EQ(count, allowed < query->k ? allowed : query->k);
    for (uint32_t i = 0; i < count; i++, at++) {
        /* A filter only leaves items out; that it leaves out the right ones is tested elsewhere. */
        while (unseen != NULL && at < n && t->items[order[at]].number != got[i].item.number)
            at++;
        CHECK(at < n);
        CHECK_EQ(got[i].item.number, t->items[order[at]].number);
        CHECK(memcmp(&got[i].score, &scores[order[at]], sizeof(float)) == 0);
    }
}

static void check_users(const struct trained *t, uint32_t n_threads, uint32_t batch, uint32_t k,
                        int leave_out_seen)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_scorer *scorer;
    recsys_id *users = calloc(batch, sizeof *users);
    recsys_query *queries = calloc(batch, sizeof *queries);
    recsys_filter **filters = calloc(batch, sizeof *filters);
    float *vectors = malloc((size_t)batch * t->info.dimensions * sizeof *vectors);
    recsys_scored *got = malloc((size_t)batch * k * sizeof *got);
    uint32_t *counts = calloc(batch, sizeof *counts);
    float *scores = malloc(t->info.n_items * sizeof *scores);
    uint32_t *order = malloc(t->info.n_items * sizeof *order);
    size_t n;

    CHECK(users && queries && filters && vectors && got && counts && scores && order);
    options.n_threads = n_threads;
    CHECK_OK(recsys_scorer_create(&options, &scorer, &err), &err);
    CHECK_OK(recsys_model_get_user_ids(t->model, 0, users, batch, &n, &err), &err);
    for (size_t u = 0; u < n; u++) {
        float bias;
        recsys_filter_options conditions = RECSYS_FILTER_OPTIONS_INIT;
        queries[u].vector = vectors + u * t->info.dimensions;
        CHECK_OK(recsys_model_get_user(t->model, users[u], vectors + u * t->info.dimensions, &bias,
                                       &err),
                 &err);
        queries[u].offset = (double)bias;
        queries[u].k = k;
        conditions = (recsys_filter_options)RECSYS_FILTER_OPTIONS_INIT;
        conditions.flags = RECSYS_FILTER_EXCLUDE_SEEN;
        conditions.seen_by = users[u];
        if (leave_out_seen)
            CHECK_OK(recsys_filter_create(t->model, &conditions, &filters[u], &err), &err);
        queries[u].filter = filters[u];
    }
    CHECK_OK(recsys_scorer_top_k(scorer, t->model, queries, n, got, k, counts, &err), &err);
    /* All of a small batch; of a large one, every eighth. */
    for (size_t u = 0; u<n; u += n> 64 ? 8 : 1)
        check_answer(t, &queries[u], filters[u], got + u * k, counts[u], scores, order);
    for (size_t u = 0; u < n; u++)
        recsys_filter_unref(filters[u]);
    recsys_scorer_destroy(scorer);
    free(users);
    free(queries);
    free(filters);
    free(vectors);
    free(got);
    free(counts);
    free(scores);
    free(order);
}

static void a_trained_model_is_answered_exactly(const char *path)
{
    struct trained t = {0};

    open_bundle(&t, path);
    check_users(&t, 1, 1, 10, 0);
    check_users(&t, 2, 16, MAX_K, 1);
    check_users(&t, 1, 64, 100, 1);
    check_users(&t, 2, MAX_BATCH, 10, 0);
    printf("%s: %llu users, %llu items: exact\n", path, (unsigned long long)t.info.n_users,
           (unsigned long long)t.info.n_items);
    close_bundle(&t);
}

int main(void)
{
    const char *bundles = getenv("RECSYS_TRAINED_BUNDLES");
    int n = 0;

    if (bundles == NULL || *bundles == '\0')
        return SKIPPED;
    char *list = malloc(strlen(bundles) + 1);
    CHECK(list != NULL);
    memcpy(list, bundles, strlen(bundles) + 1);
    for (char *path = list, *next; path != NULL; path = next) {
        next = strchr(path, ':');
        if (next != NULL)
            *next++ = '\0';
        a_trained_model_is_answered_exactly(path);
        n++;
    }
    free(list);
    return n > 0 ? 0 : 1;
}
