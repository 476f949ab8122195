/* lib/model/seen.c - load and check the seen lists: positions in ascending order.
 *
 * A file has rows of item_factors. If rows are positions and each user's list ascends already, the
 * list is used where it is mapped. Else a copy is made and sorted, user by user, by the bytes of
 * the position: the time is proportional to the length of the list.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/model/loading.h"

#define SHORT_LIST 40u /* up to here, inserting is faster than clearing counters */

/* One entry: the position in the upper half, the weight's bits in the lower, so that they move
 * together. */
static uint64_t *sort_entries(uint64_t *entries, uint64_t *spare, size_t n, uint32_t n_items)
{
    if (n <= SHORT_LIST) {
        for (size_t i = 1; i < n; i++) {
            uint64_t entry = entries[i];
            size_t at = i;
            for (; at > 0 && entries[at - 1] > entry; at--)
                entries[at] = entries[at - 1];
            entries[at] = entry;
        }
        return entries;
    }
    for (unsigned shift = 32; shift < 64 && (uint64_t)(n_items - 1) >> (shift - 32) != 0;
         shift += 8) {
        size_t begin[257] = {0};
        for (size_t i = 0; i < n; i++)
            begin[((entries[i] >> shift) & 255u) + 1]++;
        for (size_t b = 0; b < 256; b++)
            begin[b + 1] += begin[b];
        for (size_t i = 0; i < n; i++)
            spare[begin[(entries[i] >> shift) & 255u]++] = entries[i];
        uint64_t *swap = entries;
        entries = spare;
        spare = swap;
    }
    return entries;
}

static recsys_status load_offsets(struct rs_loading *loading, const struct rs_tensor *tensor,
                                  uint64_t n_entries, const char *what)
{
    struct recsys_model *model = loading->model;
    uint64_t *copy = NULL;
    int64_t before = 0, offset = -1;

    if (!rs_tensor_is_integer(tensor) || tensor->n_dims != 1 ||
        tensor->shape[0] != (uint64_t)model->n_users + 1)
        return rs_error(loading->err, RECSYS_E_FORMAT, "%s: must be U64 [%" PRIu64 "]", what,
                        (uint64_t)model->n_users + 1);
    if (rs_dtype_size(tensor->dtype) != sizeof(uint64_t)) {
        copy = rs_memory_take(model->memory, (size_t)model->n_users + 1, sizeof *copy, 0);
        if (copy == NULL)
            return rs_error_nomem(loading->err, what);
    }
    for (size_t i = 0; i <= model->n_users; i++, before = offset) {
        if (!rs_tensor_get_integer(tensor, i, &offset) || offset < before ||
            (i == 0 && offset != 0)) {
            char shown[24];
            rs_tensor_show_integer(tensor, i, shown);
            return rs_error(loading->err, RECSYS_E_FORMAT,
                            "%s: number %zu is %s; they must ascend from 0", what, i, shown);
        }
        if (copy != NULL)
            copy[i] = (uint64_t)offset;
    }
    if ((uint64_t)offset != n_entries)
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: ends at %" PRId64 ", seen_items has %" PRIu64 " numbers", what, offset,
                        n_entries);
    model->seen_offsets = copy != NULL ? copy : tensor->data;
    return RECSYS_OK;
}

/* Check that every item exists. *ascending becomes 1 if no user's list needs sorting. */
static recsys_status check_items(struct rs_loading *loading, const struct rs_tensor *tensor,
                                 const char *what, int *ascending)
{
    const struct recsys_model *model = loading->model;
    int64_t item = 0;

    *ascending = 1;
    for (size_t user = 0; user < model->n_users; user++) {
        int64_t before = -1;
        for (uint64_t i = model->seen_offsets[user]; i < model->seen_offsets[user + 1]; i++) {
            if (!rs_tensor_get_integer(tensor, (size_t)i, &item) || item >= model->n_items) {
                char shown[24];
                rs_tensor_show_integer(tensor, (size_t)i, shown);
                return rs_error(loading->err, RECSYS_E_FORMAT,
                                "%s[%" PRIu64 "] is %s, the model has items 0..%" PRIu32, what, i,
                                shown, model->n_items - 1);
            }
            if (item <= before)
                *ascending = 0;
            before = item;
        }
    }
    return RECSYS_OK;
}

static size_t longest_list(const struct recsys_model *model)
{
    size_t longest = 0;

    for (size_t user = 0; user < model->n_users; user++) {
        size_t n = (size_t)(model->seen_offsets[user + 1] - model->seen_offsets[user]);
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* Entries of one user, in ascending order of position, into the model's arrays. */
static recsys_status place_list(const struct rs_loading *loading, size_t user,
                                const uint64_t *entries, uint32_t *items, float *weights,
                                const char *what)
{
    uint64_t begin = loading->model->seen_offsets[user];
    size_t n = (size_t)(loading->model->seen_offsets[user + 1] - begin);

    for (size_t i = 0; i < n; i++) {
        uint32_t position = (uint32_t)(entries[i] >> 32), bits = (uint32_t)entries[i];
        if (i > 0 && position == (uint32_t)(entries[i - 1] >> 32))
            return rs_error(loading->err, RECSYS_E_FORMAT,
                            "%s: the user of row %zu has item %" PRIu32 " twice", what, user,
                            loading->order == NULL ? position : loading->order[position]);
        items[begin + i] = position;
        if (weights != NULL)
            memcpy(&weights[begin + i], &bits, sizeof bits);
    }
    return RECSYS_OK;
}

static recsys_status sort_lists(struct rs_loading *loading, const struct rs_tensor *tensor,
                                uint64_t *entries, uint64_t *spare, const uint32_t *positions,
                                const char *what)
{
    struct recsys_model *model = loading->model;
    size_t n_entries = (size_t)model->seen_offsets[model->n_users];
    uint32_t *items = rs_memory_take(model->memory, n_entries, sizeof *items, 0);
    const float *given = model->seen_weights;
    float *weights = NULL;

    if (given != NULL)
        model->seen_weights = weights =
            rs_memory_take(model->memory, n_entries, sizeof *weights, 0);
    if (items == NULL || (given != NULL && weights == NULL))
        return rs_error_nomem(loading->err, what);
    model->seen_items = items;
    for (size_t user = 0; user < model->n_users; user++) {
        size_t begin = (size_t)model->seen_offsets[user];
        size_t n = (size_t)model->seen_offsets[user + 1] - begin;
        for (size_t i = 0; i < n; i++) {
            int64_t row = 0;
            uint32_t bits = 0;
            (void)rs_tensor_get_integer(tensor, begin + i, &row);
            if (given != NULL)
                memcpy(&bits, &given[begin + i], sizeof bits);
            uint32_t position = positions == NULL ? (uint32_t)row : positions[row];
            entries[i] = (uint64_t)position << 32 | bits;
        }
        const uint64_t *sorted = sort_entries(entries, spare, n, model->n_items);
        recsys_status status = place_list(loading, user, sorted, items, weights, what);
        if (status != RECSYS_OK)
            return status;
    }
    return RECSYS_OK;
}

static recsys_status copy_lists(struct rs_loading *loading, const struct rs_tensor *tensor,
                                const char *what)
{
    const struct recsys_model *model = loading->model;
    size_t longest = longest_list(model);
    uint64_t *entries = rs_alloc_array(longest, sizeof *entries);
    uint64_t *spare = rs_alloc_array(longest, sizeof *spare);
    uint32_t *positions = NULL;
    recsys_status status = RECSYS_OK;

    if (loading->order != NULL) {
        positions = rs_alloc_array(model->n_items, sizeof *positions);
        for (uint32_t p = 0; positions != NULL && p < model->n_items; p++)
            positions[loading->order[p]] = p;
    }
    if (entries == NULL || spare == NULL || (loading->order != NULL && positions == NULL))
        status = rs_error_nomem(loading->err, what);
    else
        status = sort_lists(loading, tensor, entries, spare, positions, what);
    rs_free(positions);
    rs_free(spare);
    rs_free(entries);
    return status;
}

recsys_status rs_load_seen(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    const struct rs_tensor *offsets = rs_tensors_find(loading->seen, "seen_offsets");
    const struct rs_tensor *items = rs_tensors_find(loading->seen, "seen_items");
    char what[RS_WHAT_SIZE];
    int ascending = 0;

    if (offsets == NULL && items == NULL && loading->seen == loading->tensors)
        return RECSYS_OK;
    if (offsets == NULL || items == NULL)
        return rs_error(loading->err, RECSYS_E_FORMAT, "%s: has no tensor %s", loading->seen_file,
                        offsets == NULL ? "seen_offsets" : "seen_items");
    rs_loading_what(loading->seen_file, "seen_items", what);
    if (!rs_tensor_is_integer(items) || items->n_dims != 1)
        return rs_error(loading->err, RECSYS_E_FORMAT, "%s: must be U32, one dimension", what);
    uint64_t n = items->shape[0];
    char offsets_what[RS_WHAT_SIZE];
    recsys_status status = load_offsets(
        loading, offsets, n, rs_loading_what(loading->seen_file, "seen_offsets", offsets_what));
    if (status == RECSYS_OK)
        status = check_items(loading, items, what, &ascending);
    if (status == RECSYS_OK)
        status = rs_load_column(loading, loading->seen, loading->seen_file, "seen_weights",
                                (size_t)n, NULL, &model->seen_weights);
    if (status != RECSYS_OK)
        return status;
    if (ascending && loading->order == NULL && rs_dtype_size(items->dtype) == sizeof(uint32_t)) {
        model->seen_items = items->data;
        return RECSYS_OK;
    }
    return copy_lists(loading, items, what);
}
