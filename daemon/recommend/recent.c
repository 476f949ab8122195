/* daemon/recommend/recent.c - see recent.h.
 *
 * Items become a part of the request's exclude list before its cache key is made. So an answer from
 * before an event is not found after it, and nothing has to be invalidated.
 *
 * Texts move while their buffer grows, so ids keep a text's place until all are there.
 */
#include "daemon/recommend/recent.h"

#include <string.h>

#include "daemon/recommend/predict_body.h"

#define KEPT_BYTES 65536u /* of each buffer, between two requests */

void rd_recent_init(struct rd_recent_list *list, size_t max_requests)
{
    size_t max_ids = max_requests * (RD_RECENT_MAX + RD_ITEMS_MAX);

    memset(list, 0, sizeof *list);
    rs_buffer_init(&list->ids, max_ids * sizeof(recsys_id) + 1);
    rs_buffer_init(&list->texts, max_ids * (RECSYS_ID_MAX_TEXT + 1u));
}

void rd_recent_free(struct rd_recent_list *list)
{
    rs_buffer_destroy(&list->ids);
    rs_buffer_destroy(&list->texts);
}

void rd_recent_begin(struct rd_recent_list *list, uint32_t item_id_kind)
{
    rs_buffer_reset(&list->ids, KEPT_BYTES);
    rs_buffer_reset(&list->texts, KEPT_BYTES);
    list->n = list->n_found = 0;
    list->item_id_kind = item_id_kind;
}

/* The place is the distance from an address that no text has, so that it fits into a pointer. */
static void add(struct rd_recent_list *list, recsys_id item)
{
    size_t place = list->texts.size;

    if (item.text != NULL) {
        rs_buffer_add(&list->texts, item.text, (size_t)item.number);
        rs_buffer_add(&list->texts, "", 1);
        item.text = (const char *)(uintptr_t)(place + 1);
    }
    rs_buffer_add(&list->ids, &item, sizeof item);
    list->n++;
}

bool rd_recent_add(struct rd_recent_list *list, recsys_id item)
{
    bool is_text = item.text != NULL;

    if (list->n_found == RD_RECENT_MAX || list->ids.status != RECSYS_OK ||
        list->texts.status != RECSYS_OK)
        return false;
    if (is_text != (list->item_id_kind == RECSYS_ID_KIND_TEXT) ||
        (is_text ? item.number < 1 || item.number > RECSYS_ID_MAX_TEXT
                 : item.number > (uint64_t)INT64_MAX))
        return true;
    add(list, item);
    list->n_found++;
    return true;
}

size_t rd_recent_collect(const struct rd_recent_items *recent, const recsys_request *request,
                         struct rd_recent_list *list)
{
    size_t before = list->n;

    for (size_t i = 0; i < request->n_exclude; i++)
        add(list, request->exclude[i]);
    list->n_found = 0;
    if (recent->find != NULL &&
        (request->flags & (RECSYS_REQUEST_ANONYMOUS | RECSYS_REQUEST_INCLUDE_SEEN)) == 0)
        recent->find(recent->user_data, request->user, list);
    return list->n - before;
}

recsys_id *rd_recent_finish(struct rd_recent_list *list)
{
    recsys_id *ids;

    rs_buffer_add(&list->ids, "", 1); /* so that an empty list has memory, too */
    if (list->ids.status != RECSYS_OK || list->texts.status != RECSYS_OK)
        return NULL;
    ids = (void *)list->ids.bytes;
    for (size_t i = 0; i < list->n; i++)
        if (ids[i].text != NULL)
            ids[i].text = list->texts.bytes + ((uintptr_t)ids[i].text - 1u);
    return ids;
}

bool rd_recent_exclude(const struct rd_recent_items *recent, recsys_request *requests, size_t n,
                       uint32_t item_id_kind, struct rd_recent_list *list)
{
    const recsys_id *ids;

    if (recent->find == NULL)
        return true;
    rd_recent_begin(list, item_id_kind);
    for (size_t i = 0; i < n; i++)
        requests[i].n_exclude = rd_recent_collect(recent, &requests[i], list);
    ids = rd_recent_finish(list);
    for (size_t i = 0; ids != NULL && i < n; ids += requests[i++].n_exclude)
        requests[i].exclude = ids;
    return ids != NULL;
}
