/* daemon/ctl/evaluate/held_out.c - held-out ratings as a list of items for each user.
 *
 * They take 8 bytes each while they are read, and are then sorted by user with one pass that counts
 * and one that places them. An item that a user has rated more than once counts once.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_progress.h"
#include "daemon/ctl/evaluate/evaluate.h"

static void *grow(void *memory, uint64_t n, size_t size)
{
    memory = realloc(memory, (size_t)n * size);
    if (memory == NULL)
        exit(ctl_failed("out of memory"));
    return memory;
}

static recsys_status keep(void *self, const uint32_t *users, const uint32_t *items,
                          const float *weights, size_t n, recsys_error *err)
{
    struct ctl_held_out *out = self;

    (void)weights;
    (void)err;
    if (n == 0)
        return RECSYS_OK;
    if (out->n + n > out->room) {
        out->room = out->room + out->room / 2 + CTL_RATINGS_BATCH;
        out->users = grow(out->users, out->room, sizeof *out->users);
        out->pairs = grow(out->pairs, out->room, sizeof *out->pairs);
    }
    memcpy(out->users + out->n, users, n * sizeof *users);
    memcpy(out->pairs + out->n, items, n * sizeof *items);
    out->n += n;
    return RECSYS_OK;
}

static int by_row(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Each item once; returns how many are left. */
static uint64_t sort_list(uint32_t *items, uint64_t n)
{
    uint64_t kept = 0;

    qsort(items, (size_t)n, sizeof *items, by_row);
    for (uint64_t i = 0; i < n; i++)
        if (kept == 0 || items[i] != items[kept - 1])
            items[kept++] = items[i];
    return kept;
}

/* offsets[u + 1] goes from the number of pairs of user u to the end of that user's list. */
static void make_lists(struct ctl_held_out *out)
{
    uint64_t begin = 0, end = 0;

    out->offsets = ctl_allocate((size_t)out->n_users + 1, sizeof *out->offsets);
    out->items = ctl_allocate((size_t)out->n, sizeof *out->items);
    for (uint64_t i = 0; i < out->n; i++)
        out->offsets[out->users[i] + 1u]++;
    for (uint64_t user = 0; user < out->n_users; user++) {
        uint64_t n = out->offsets[user + 1];
        out->offsets[user + 1] = begin;
        begin += n;
    }
    for (uint64_t i = 0; i < out->n; i++)
        out->items[out->offsets[out->users[i] + 1u]++] = out->pairs[i];
    begin = 0;
    for (uint64_t user = 0; user < out->n_users; user++) {
        uint64_t n = sort_list(out->items + begin, out->offsets[user + 1] - begin);
        memmove(out->items + end, out->items + begin, (size_t)n * sizeof *out->items);
        begin = out->offsets[user + 1];
        end += n;
        out->offsets[user + 1] = end;
        out->n_lists += n > 0;
    }
}

recsys_status ctl_held_out_read(const struct ctl_arguments *arguments, const struct ctl_rows *rows,
                                recsys_builder *ids, struct ctl_held_out *out, recsys_error *err)
{
    const char *path = ctl_required(arguments, "ratings");
    struct ctl_ratings_input *input = ctl_allocate(1, sizeof *input);
    recsys_status status;

    memset(out, 0, sizeof *out);
    out->n_users = rows->info.n_users;
    input->builder = ids;
    input->sink = keep;
    input->self = out;
    ctl_ratings_set_options(input, arguments);
    ctl_progress_begin("reading", path);
    status = ctl_ratings_read(input, path, err);
    ctl_progress_end();
    if (status == RECSYS_OK)
        status = ctl_ratings_judge(input, ctl_has(arguments, "skip-broken"), err);
    if (status == RECSYS_OK)
        make_lists(out);
    free(input);
    return status;
}

void ctl_held_out_free(struct ctl_held_out *held_out)
{
    free(held_out->offsets);
    free(held_out->items);
    free(held_out->users);
    free(held_out->pairs);
}
