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

/* The recent items of the users of one HTTP request. ONE THREAD AT A TIME. */
struct rd_recent_list {
    struct rs_buffer found;  /* recsys_id each; at first a text's place in `texts` */
    struct rs_buffer texts;  /* each with a NUL */
    struct rs_buffer counts; /* size_t each: how many were found for each request */
    struct rs_buffer joined; /* recsys_id each: what a request excludes, and what was found */
    size_t n_found;          /* for the present request */
    uint32_t item_id_kind;   /* of the model; ids of the other kind are left out */
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

/*
 * Each of n requests excludes its user's recent items, too, unless it is anonymous or allows items
 * that were seen. Lists that change are sorted, without duplicates, and are the list's memory until
 * its next use; texts of ids that the client gave stay where they are.
 *
 * until_ns  by rs_clock_ns(): requests whose turn comes later stay as they are
 * False: there is no memory.
 */
bool rd_recent_exclude(const struct rd_recent_items *recent, recsys_request *requests, size_t n,
                       uint32_t item_id_kind, uint64_t until_ns, struct rd_recent_list *list);

#endif
