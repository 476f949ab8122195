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
#include "lib/base/clock.h"

#define KEPT_BYTES 65536u /* of each buffer, between two requests */

void rd_recent_init(struct rd_recent_list *list, size_t max_requests)
{
    size_t max_found = max_requests * RD_RECENT_MAX;

    memset(list, 0, sizeof *list);
    rs_buffer_init(&list->found, max_found * sizeof(recsys_id));
    rs_buffer_init(&list->texts, max_found * (RECSYS_ID_MAX_TEXT + 1u));
    rs_buffer_init(&list->counts, max_requests * sizeof(size_t));
    rs_buffer_init(&list->joined,
                   max_requests * (RD_RECENT_MAX + RD_ITEMS_MAX) * sizeof(recsys_id));
}

void rd_recent_free(struct rd_recent_list *list)
{
    rs_buffer_destroy(&list->found);
    rs_buffer_destroy(&list->texts);
    rs_buffer_destroy(&list->counts);
    rs_buffer_destroy(&list->joined);
}

static void begin(struct rd_recent_list *list, uint32_t item_id_kind)
{
    rs_buffer_reset(&list->found, KEPT_BYTES);
    rs_buffer_reset(&list->texts, KEPT_BYTES);
    rs_buffer_reset(&list->counts, KEPT_BYTES);
    rs_buffer_reset(&list->joined, KEPT_BYTES);
    list->item_id_kind = item_id_kind;
}

/* The place is the distance from an address that no text has, so that it fits into a pointer. */
bool rd_recent_add(struct rd_recent_list *list, recsys_id item)
{
    bool is_text = item.text != NULL;
    size_t place = list->texts.size;

    if (list->n_found == RD_RECENT_MAX || list->found.status != RECSYS_OK ||
        list->texts.status != RECSYS_OK)
        return false;
    if (is_text != (list->item_id_kind == RECSYS_ID_KIND_TEXT) ||
        (is_text ? item.number < 1 || item.number > RECSYS_ID_MAX_TEXT
                 : item.number > (uint64_t)INT64_MAX))
        return true;
    if (is_text) {
        rs_buffer_add(&list->texts, item.text, (size_t)item.number);
        rs_buffer_add(&list->texts, "", 1);
        item.text = (const char *)(uintptr_t)(place + 1);
    }
    rs_buffer_add(&list->found, &item, sizeof item);
    list->n_found++;
    return true;
}

static void find_all(const struct rd_recent_items *recent, const recsys_request *requests, size_t n,
                     uint64_t until_ns, struct rd_recent_list *list)
{
    for (size_t i = 0; i < n; i++) {
        list->n_found = 0;
        if ((requests[i].flags & (RECSYS_REQUEST_ANONYMOUS | RECSYS_REQUEST_INCLUDE_SEEN)) == 0 &&
            rs_clock_ns() < until_ns)
            recent->find(recent->user_data, requests[i].user, list);
        rs_buffer_add(&list->counts, &list->n_found, sizeof list->n_found);
    }
}

/* Texts do not move any more. */
static recsys_id *find_texts(struct rd_recent_list *list)
{
    recsys_id *ids = (void *)list->found.bytes;

    for (size_t i = 0; i < list->found.size / sizeof *ids; i++)
        if (ids[i].text != NULL)
            ids[i].text = list->texts.bytes + ((uintptr_t)ids[i].text - 1u);
    return ids;
}

/* For the requests of whose users something was found: that, behind what they exclude. */
static void join(const recsys_request *requests, size_t n, struct rd_recent_list *list)
{
    const size_t *counts = (const void *)list->counts.bytes;
    const recsys_id *ids = find_texts(list);

    for (size_t i = 0; i < n; ids += counts[i++]) {
        if (counts[i] == 0)
            continue;
        rs_buffer_add(&list->joined, requests[i].exclude, requests[i].n_exclude * sizeof *ids);
        rs_buffer_add(&list->joined, ids, counts[i] * sizeof *ids);
    }
}

bool rd_recent_exclude(const struct rd_recent_items *recent, recsys_request *requests, size_t n,
                       uint32_t item_id_kind, uint64_t until_ns, struct rd_recent_list *list)
{
    const size_t *counts;
    recsys_id *ids;

    if (recent->find == NULL || n == 0)
        return true;
    begin(list, item_id_kind);
    find_all(recent, requests, n, until_ns, list);
    if (list->counts.status != RECSYS_OK || list->found.status != RECSYS_OK ||
        list->texts.status != RECSYS_OK)
        return false;
    if (list->found.size == 0)
        return true;
    join(requests, n, list);
    if (list->joined.status != RECSYS_OK)
        return false;
    counts = (const void *)list->counts.bytes;
    ids = (void *)list->joined.bytes;
    for (size_t i = 0; i < n; i++) {
        size_t together = requests[i].n_exclude + counts[i];

        if (counts[i] == 0)
            continue;
        requests[i].exclude = ids;
        requests[i].n_exclude = rd_ids_sort(ids, together);
        ids += together;
    }
    return true;
}
