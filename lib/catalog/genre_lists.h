/* lib/catalog/genre_lists.h - lists of genre numbers, each kept once. Private to lib/catalog.
 *
 * Many items have the same genres in the same order, so an item keeps only the number of its list.
 */
#ifndef RS_CATALOG_GENRE_LISTS_H
#define RS_CATALOG_GENRE_LISTS_H

#include <stddef.h>
#include <stdint.h>

struct rs_genre_lists {
    uint64_t *offsets; /* n + 1, into `numbers` */
    uint32_t *numbers;
    uint32_t n;
    size_t room, numbers_room;
    uint32_t *slots; /* number of a list + 1, 0 = free; open addressing */
    size_t n_slots;  /* a power of two, or 0 */
    uint64_t seed;
};

/* The number of the list, which is added if it is new. -1 = out of memory. */
int64_t rs_genre_lists_add(struct rs_genre_lists *lists, const uint32_t *numbers, uint32_t n);
void rs_genre_lists_destroy(struct rs_genre_lists *lists);

#endif
