/* daemon/recommend/recent.h - items that a user has met since the model was trained.
 *
 * A model's seen lists end where its training ended. Another room may know what came after; it says
 * so through struct rd_recent_items, and these items are excluded as seen ones are.
 */
#ifndef RECSYSD_RECENT_H
#define RECSYSD_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/recommend.h>

#include "lib/base/buffer.h"

#define RD_RECENT_MAX 1000u /* items of one user */

/* Ids of items, in groups: one group for each request. ONE THREAD AT A TIME. */
struct rd_recent_list {
    struct rs_buffer ids;   /* recsys_id each; until rd_recent_finish() a text's place in `texts` */
    struct rs_buffer texts; /* each with a NUL */
    size_t n;               /* ids in all groups */
    size_t n_found;         /* that rd_recent_add() has added to the present group */
    uint32_t item_id_kind;  /* of the model; ids of the other kind are left out */
};

/*
 * Set before the server starts. `find` calls rd_recent_add() for each item that `user` has met,
 * newest first. It runs on the workers that answer requests, on many at once.
 */
struct rd_recent_items {
    void (*find)(void *user_data, recsys_id user, struct rd_recent_list *list); /* NULL: none */
    void *user_data;
};

/* The id is COPIED. False: enough, more would be left out. */
bool rd_recent_add(struct rd_recent_list *list, recsys_id item);

void rd_recent_init(struct rd_recent_list *list, size_t max_requests);
void rd_recent_free(struct rd_recent_list *list);

/* Begin with no group. */
void rd_recent_begin(struct rd_recent_list *list, uint32_t item_id_kind);
/* Add a group: what `request` excludes, and the recent items of its user. These are left out if it
 * is anonymous or allows items that were seen. Returns its length. */
size_t rd_recent_collect(const struct rd_recent_items *recent, const recsys_request *request,
                         struct rd_recent_list *list);
/* The ids of all groups, BORROWED until the next rd_recent_begin(). NULL: there is no memory for
 * them. */
recsys_id *rd_recent_finish(struct rd_recent_list *list);

/* All of this for n requests: each excludes its user's recent items, too, whose memory is the
 * list's. False: there is no memory. */
bool rd_recent_exclude(const struct rd_recent_items *recent, recsys_request *requests, size_t n,
                       uint32_t item_id_kind, struct rd_recent_list *list);

#endif
