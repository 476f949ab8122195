/* lib/registry/recent.c - the requests that users made last, kept to warm up the next model.
 *
 * Entries have a fixed size, so that keeping one allocates nothing: it is a copy of at most 300
 * bytes under the caller's lock.
 */
#include "lib/registry/recent.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"

#define KEPT_FLAGS                                                                                 \
    (RECSYS_REQUEST_REASONS | RECSYS_REQUEST_INCLUDE_SEEN | RECSYS_REQUEST_INCLUDE_ADULT |         \
     RECSYS_REQUEST_ANONYMOUS)

struct rs_recent_request {
    uint32_t flags, k;
    float min_rating;
    int32_t decade;
    uint64_t number; /* of the id, or the length of the text */
    uint8_t is_text;
    char text[RECSYS_ID_MAX_TEXT + 1u];
};

recsys_status rs_recent_init(struct rs_recent *recent, size_t room, recsys_error *err)
{
    *recent = (struct rs_recent){NULL, 0, 0, 0};
    if (room == 0)
        return RECSYS_OK;
    recent->ring = rs_alloc_array(room, sizeof *recent->ring);
    if (recent->ring == NULL)
        return rs_error_nomem(err, "recent requests");
    recent->room = room;
    return RECSYS_OK;
}

void rs_recent_destroy(struct rs_recent *recent)
{
    rs_free(recent->ring);
    *recent = (struct rs_recent){NULL, 0, 0, 0};
}

void rs_recent_add(struct rs_recent *recent, const recsys_request *request)
{
    struct rs_recent_request *entry;
    int is_text = request->user.text != NULL;

    if (recent->room == 0 || request->vector != NULL || request->n_liked > 0 ||
        (is_text && request->user.number > RECSYS_ID_MAX_TEXT))
        return;
    entry = &recent->ring[recent->next];
    recent->next = (recent->next + 1) % recent->room;
    recent->n += recent->n < recent->room;
    entry->flags = request->flags & KEPT_FLAGS;
    entry->k = request->k;
    entry->min_rating = request->min_rating;
    entry->decade = request->decade;
    entry->number = request->user.number;
    entry->is_text = (uint8_t)is_text;
    if (is_text)
        memcpy(entry->text, request->user.text, (size_t)request->user.number);
}

recsys_status rs_recent_copy(const struct rs_recent *recent, struct rs_recent *out,
                             recsys_error *err)
{
    recsys_status status = rs_recent_init(out, recent->n, err);

    if (status != RECSYS_OK || recent->n == 0)
        return status;
    memcpy(out->ring, recent->ring, recent->n * sizeof *recent->ring);
    out->n = recent->n;
    return RECSYS_OK;
}

recsys_request rs_recent_get(const struct rs_recent *recent, size_t i)
{
    const struct rs_recent_request *entry = &recent->ring[i];
    recsys_request request = RECSYS_REQUEST_INIT;

    request.flags = entry->flags;
    request.k = entry->k;
    request.min_rating = entry->min_rating;
    request.decade = entry->decade;
    if (entry->is_text)
        request.user = (recsys_id)RECSYS_ID_TEXT(entry->text, entry->number);
    else
        request.user = (recsys_id)RECSYS_ID_NUMBER(entry->number);
    return request;
}
