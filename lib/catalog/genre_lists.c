/* lib/catalog/genre_lists.c - see genre_lists.h. */
#include "lib/catalog/genre_lists.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hash.h"

static size_t size_of(const struct rs_genre_lists *lists, uint32_t list)
{
    return (size_t)(lists->offsets[list + 1u] - lists->offsets[list]);
}

/* The slot that holds the list, or the free one where it belongs. */
static size_t find_slot(const struct rs_genre_lists *lists, const uint32_t *numbers, size_t n)
{
    size_t slot = (size_t)rs_hash_bytes(numbers, n * sizeof *numbers, lists->seed);

    for (;; slot++) {
        slot &= lists->n_slots - 1;
        if (lists->slots[slot] == 0)
            return slot;
        uint32_t list = lists->slots[slot] - 1;
        if (size_of(lists, list) == n && (n == 0 || memcmp(lists->numbers + lists->offsets[list],
                                                           numbers, n * sizeof *numbers) == 0))
            return slot;
    }
}

/* The table is at most half full. */
static int grow_slots(struct rs_genre_lists *lists)
{
    size_t n_slots = lists->n_slots == 0 ? 256 : lists->n_slots * 2;

    if (((size_t)lists->n + 1) * 2 <= lists->n_slots)
        return 1;
    uint32_t *slots = rs_alloc_array(n_slots, sizeof *slots);
    if (slots == NULL)
        return 0;
    rs_free(lists->slots);
    lists->slots = slots;
    lists->n_slots = n_slots;
    lists->seed = rs_hash_seed();
    for (uint32_t i = 0; i < lists->n; i++)
        slots[find_slot(lists, lists->numbers + lists->offsets[i], size_of(lists, i))] = i + 1;
    return 1;
}

/* Room for one more list of n numbers. */
static int grow(struct rs_genre_lists *lists, uint32_t n)
{
    size_t used = lists->n == 0 ? 0 : (size_t)lists->offsets[lists->n];

    if ((size_t)lists->n + 2 > lists->room) {
        size_t room = lists->room == 0 ? 256 : lists->room * 2;
        uint64_t *offsets = rs_resize_array(lists->offsets, room, sizeof *offsets);
        if (offsets == NULL)
            return 0;
        lists->offsets = offsets;
        lists->room = room;
        offsets[0] = 0;
    }
    if (used + n > lists->numbers_room || lists->numbers == NULL) {
        size_t room = lists->numbers_room * 2 + 1024;
        uint32_t *numbers = rs_resize_array(lists->numbers, room, sizeof *numbers);
        if (numbers == NULL)
            return 0;
        lists->numbers = numbers;
        lists->numbers_room = room;
    }
    return grow_slots(lists);
}

int64_t rs_genre_lists_add(struct rs_genre_lists *lists, const uint32_t *numbers, uint32_t n)
{
    if (!grow(lists, n))
        return -1;
    size_t slot = find_slot(lists, numbers, n);
    if (lists->slots[slot] != 0)
        return (int64_t)lists->slots[slot] - 1;
    uint64_t first = lists->offsets[lists->n];
    if (n > 0)
        memcpy(lists->numbers + first, numbers, n * sizeof *numbers);
    lists->offsets[lists->n + 1u] = first + n;
    lists->slots[slot] = lists->n + 1;
    return lists->n++;
}

void rs_genre_lists_destroy(struct rs_genre_lists *lists)
{
    rs_free(lists->offsets);
    rs_free(lists->numbers);
    rs_free(lists->slots);
    memset(lists, 0, sizeof *lists);
}
