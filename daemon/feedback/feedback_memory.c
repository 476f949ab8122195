/* daemon/feedback/feedback_memory.c - see feedback_memory.h.
 *
 * Two bounded stores: the events themselves, a list whose oldest go first, and for each user the
 * list of recent items in the form in which the database's cache has it. The latter is in the
 * library's cache, which drops the users that were not asked for longest.
 */
#include "daemon/feedback/feedback_memory.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <recsys/cache.h>

#include "daemon/process/logger.h"
#include "daemon/process/timestamp.h"
#include "daemon/recommend/recent.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"
#include "lib/base/lock.h"

#define DAY_MS 86400000u
#define LIST_BYTES (RD_RECENT_MAX * (RD_FEEDBACK_ID_MAX * 6u + 3u)) /* every byte escaped */

struct kept {
    struct kept *next;
    uint64_t number;
    size_t size; /* of the text */
    char text[]; /* a JSON object */
};

struct rd_feedback_memory {
    struct rs_lock lock;          /* of all members */
    recsys_cache *recent, *known; /* "user" -> ["item",…]; "user\nevent_id" -> "" */
    struct kept *oldest, *newest;
    uint64_t n_events; /* ever */
    uint64_t bytes, max_bytes;
    uint64_t window_ms;
};

static recsys_cache *make_cache(uint64_t max_bytes, uint64_t ttl_ms)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_cache *cache = NULL;
    recsys_error err = {0};

    options.max_bytes = max_bytes;
    options.max_value_bytes = LIST_BYTES;
    options.n_shards = 1; /* under one lock anyway */
    options.ttl_ms = ttl_ms < UINT32_MAX ? (uint32_t)ttl_ms : RECSYS_NEVER_32;
    if (recsys_cache_create(&options, &cache, &err) != RECSYS_OK)
        rd_log(RECSYS_LOG_ERROR, "feedback: %s", err.message);
    return cache;
}

struct rd_feedback_memory *rd_feedback_memory_create(uint64_t max_bytes, uint32_t window_days)
{
    struct rd_feedback_memory *memory = calloc(1, sizeof *memory);

    if (memory == NULL || rs_lock_init(&memory->lock) != 0) {
        rd_log(RECSYS_LOG_ERROR, "feedback: out of memory");
        free(memory);
        return NULL;
    }
    memory->window_ms = window_days * (uint64_t)DAY_MS;
    memory->max_bytes = max_bytes / 2;
    memory->recent = make_cache(max_bytes / 4, memory->window_ms > 0 ? memory->window_ms : DAY_MS);
    memory->known = make_cache(max_bytes / 4, DAY_MS);
    if (memory->recent != NULL && memory->known != NULL)
        return memory;
    rd_feedback_memory_destroy(memory);
    return NULL;
}

static void drop_oldest(struct rd_feedback_memory *memory)
{
    struct kept *oldest = memory->oldest;

    memory->oldest = oldest->next;
    if (memory->oldest == NULL)
        memory->newest = NULL;
    memory->bytes -= sizeof *oldest + oldest->size;
    free(oldest);
}

void rd_feedback_memory_destroy(struct rd_feedback_memory *memory)
{
    if (memory == NULL)
        return;
    while (memory->oldest != NULL)
        drop_oldest(memory);
    recsys_cache_destroy(memory->recent);
    recsys_cache_destroy(memory->known);
    rs_lock_destroy(&memory->lock);
    free(memory);
}

static recsys_bytes text(const char *of)
{
    return (recsys_bytes){of, strlen(of)};
}

/* Does the user send this event again? */
static bool is_known(struct rd_feedback_memory *memory, const struct rd_event *event)
{
    char key[2 * RD_FEEDBACK_ID_MAX + 2];
    size_t user_size = strlen(event->user), size;
    recsys_cache_entry *entry;
    recsys_error err = {0};

    if (event->event_id == NULL)
        return false;
    size = user_size + 1 + strlen(event->event_id);
    memcpy(key, event->user, user_size + 1); /* with its NUL, which no id has */
    memcpy(key + user_size + 1, event->event_id, strlen(event->event_id));
    if (recsys_cache_get(memory->known, (recsys_bytes){key, size}, &entry, &err) == RECSYS_OK) {
        recsys_cache_release(entry);
        return true;
    }
    (void)recsys_cache_set(memory->known, (recsys_bytes){key, size}, (recsys_bytes){"", 0}, 0,
                           &err);
    return false;
}

/* The list as it was, without `item`, behind it. */
static void add_old(struct rs_buffer *list, const char *item, const recsys_cache_entry *entry)
{
    size_t size, n = 1;
    const char *bytes = recsys_cache_entry_get(entry, &size);
    json_t *old = json_loadb(bytes, size, 0, NULL);

    for (size_t i = 0; i < json_array_size(old) && n < RD_RECENT_MAX; i++) {
        const char *other = json_string_value(json_array_get(old, i));

        if (strcmp(other, item) == 0)
            continue;
        rs_buffer_add(list, ",", 1);
        rs_json_put_string(list, other);
        n++;
    }
    json_decref(old);
}

/* An old event that arrives late is put in front as well: it has just become known. */
static void set_recent(struct rd_feedback_memory *memory, const struct rd_event *event)
{
    struct rs_buffer list = RS_BUFFER_INIT(LIST_BYTES);
    recsys_cache_entry *entry;
    recsys_error err = {0};

    rs_buffer_add(&list, "[", 1);
    rs_json_put_string(&list, event->item);
    if (recsys_cache_get(memory->recent, text(event->user), &entry, &err) == RECSYS_OK) {
        add_old(&list, event->item, entry);
        recsys_cache_release(entry);
    }
    rs_buffer_add(&list, "]", 1);
    if (list.status != RECSYS_OK ||
        recsys_cache_set(memory->recent, text(event->user), (recsys_bytes){list.bytes, list.size},
                         0, &err) != RECSYS_OK)
        rd_log_seldom(RECSYS_LOG_WARN, "feedback: the recent items of a user are not remembered: "
                                       "feedback_memory_bytes is too small");
    rs_buffer_destroy(&list);
}

static void write_event(struct rs_buffer *out, const struct rd_event *event, uint64_t now_ms)
{
    char time[RD_TIME_SIZE];

    rd_event_write(out, event);
    rd_time_format(event->at_ms, time);
    rs_buffer_add_text(out, ",\"time\":");
    rs_json_put_string(out, time);
    rd_time_format(now_ms, time);
    rs_buffer_add_text(out, ",\"received_at\":");
    rs_json_put_string(out, time);
    rs_buffer_add(out, "}", 1);
}

static void keep(struct rd_feedback_memory *memory, const struct rd_event *event, uint64_t now_ms)
{
    struct rs_buffer out = RS_BUFFER_INIT(8u * RD_FEEDBACK_ID_MAX * 2u);
    struct kept *kept;

    write_event(&out, event, now_ms);
    kept = out.status == RECSYS_OK ? malloc(sizeof *kept + out.size) : NULL;
    memory->n_events++;
    if (kept != NULL) {
        kept->next = NULL;
        kept->number = memory->n_events;
        kept->size = out.size;
        memcpy(kept->text, out.bytes, out.size);
        if (memory->newest != NULL)
            memory->newest->next = kept;
        else
            memory->oldest = kept;
        memory->newest = kept;
        memory->bytes += sizeof *kept + kept->size;
    }
    while (memory->bytes > memory->max_bytes)
        drop_oldest(memory);
    rs_buffer_destroy(&out);
}

size_t rd_feedback_memory_add(struct rd_feedback_memory *memory, const struct rd_event *events,
                              size_t n)
{
    uint64_t now_ms = rs_clock_unix_ms();
    size_t n_new = 0;

    rs_lock_take(&memory->lock);
    for (size_t i = 0; i < n; i++) {
        if (is_known(memory, &events[i]))
            continue;
        keep(memory, &events[i], now_ms);
        if (events[i].excludes && events[i].at_ms + memory->window_ms > now_ms)
            set_recent(memory, &events[i]);
        n_new++;
    }
    rs_lock_give(&memory->lock);
    return n_new;
}

void rd_feedback_memory_recent(struct rd_feedback_memory *memory, const char *user,
                               struct rs_buffer *out)
{
    recsys_cache_entry *entry;
    recsys_error err = {0};
    const void *bytes;
    size_t size;

    if (recsys_cache_get(memory->recent, text(user), &entry, &err) != RECSYS_OK)
        return;
    bytes = recsys_cache_entry_get(entry, &size);
    rs_buffer_add(out, bytes, size);
    recsys_cache_release(entry);
}

size_t rd_feedback_memory_read(struct rd_feedback_memory *memory, uint64_t after, size_t limit,
                               struct rs_buffer *out, uint64_t *next)
{
    size_t n = 0;

    *next = after;
    rs_lock_take(&memory->lock);
    for (const struct kept *kept = memory->oldest; kept != NULL && n < limit; kept = kept->next) {
        if (kept->number <= after)
            continue;
        if (n++ > 0)
            rs_buffer_add(out, ",", 1);
        rs_buffer_add(out, kept->text, kept->size);
        *next = kept->number;
    }
    rs_lock_give(&memory->lock);
    return n;
}
