/* daemon/feedback/feedback_memory.c - see feedback_memory.h.
 *
 * Two bounded stores: the events themselves, a list whose oldest go first, and for each user a list
 * of recent items in the library's cache, which drops the users that were not asked for longest.
 * Such a list is rewritten once for all events of a user in a request, under one of several locks:
 * however many events come, other users wait for the rewriting of one list at most.
 */
#include "daemon/feedback/feedback_memory.h"

#include <stdlib.h>
#include <string.h>

#include <recsys/cache.h>

#include "daemon/process/logger.h"
#include "daemon/process/timestamp.h"
#include "daemon/recommend/recent.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"
#include "lib/base/lock.h"

#define DAY_MS 86400000u
#define RECORD_HEAD (sizeof(uint64_t) + 1u) /* time and length */
#define LIST_BYTES (RD_RECENT_MAX * (RECORD_HEAD + RD_FEEDBACK_ID_MAX))
#define N_LOCKS 16u

struct kept {
    struct kept *next;
    uint64_t number;
    size_t size; /* of the text */
    char text[]; /* a JSON object */
};

struct rd_feedback_memory {
    struct rs_lock users[N_LOCKS]; /* of `recent` and `known`: a user's is chosen by the name */
    recsys_cache *recent, *known;  /* "user" -> records; "user\0event_id" -> "" */
    uint64_t window_ms;
    struct rs_lock lock; /* of the members below */
    struct kept *oldest, *newest;
    uint64_t n_events; /* ever */
    uint64_t bytes, max_bytes;
};

/* One item of a list: a time, a length, and the text without a NUL. */
struct record {
    uint64_t at_ms;
    uint8_t size;
    const char *item;
};

static recsys_cache *make_cache(uint64_t max_bytes, uint64_t ttl_ms)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_cache *cache = NULL;
    recsys_error err = {0};

    options.max_bytes = max_bytes;
    options.max_value_bytes = LIST_BYTES;
    options.n_shards = max_bytes / 4 > LIST_BYTES * 2 ? 4 : 1; /* a list must fit into one */
    options.ttl_ms = ttl_ms < UINT32_MAX ? (uint32_t)ttl_ms : RECSYS_NEVER_32;
    if (recsys_cache_create(&options, &cache, &err) != RECSYS_OK)
        rd_log(RECSYS_LOG_ERROR, "feedback: %s", err.message);
    return cache;
}

static bool init_locks(struct rd_feedback_memory *memory)
{
    bool ok = rs_lock_init(&memory->lock) == 0;

    for (size_t i = 0; i < N_LOCKS; i++)
        ok = rs_lock_init(&memory->users[i]) == 0 && ok;
    return ok;
}

struct rd_feedback_memory *rd_feedback_memory_create(uint64_t max_bytes, uint32_t window_days)
{
    struct rd_feedback_memory *memory = calloc(1, sizeof *memory);

    if (memory == NULL || !init_locks(memory)) {
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
    for (size_t i = 0; i < N_LOCKS; i++)
        rs_lock_destroy(&memory->users[i]);
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

/* The record at `*at` of a list. False: it ends there. */
static bool next_record(const char *list, size_t size, size_t *at, struct record *out)
{
    if (size - *at < RECORD_HEAD)
        return false;
    memcpy(&out->at_ms, list + *at, sizeof out->at_ms);
    out->size = (uint8_t)list[*at + sizeof out->at_ms];
    out->item = list + *at + RECORD_HEAD;
    *at += RECORD_HEAD + out->size;
    return *at <= size;
}

static bool has_item(const struct rs_buffer *list, const char *item, size_t size)
{
    struct record record;
    size_t at = 0;

    while (next_record(list->bytes, list->size, &at, &record))
        if (record.size == size && memcmp(record.item, item, size) == 0)
            return true;
    return false;
}

static void add_record(struct rs_buffer *list, uint64_t at_ms, const char *item, size_t size)
{
    unsigned char length = (unsigned char)size;

    rs_buffer_add(list, &at_ms, sizeof at_ms);
    rs_buffer_add(list, &length, 1);
    rs_buffer_add(list, item, size);
}

/* Those of `entry` that are still in the window and not among the first `n_new` bytes. */
static void add_old(struct rs_buffer *list, size_t n, uint64_t least_ms,
                    const recsys_cache_entry *entry)
{
    struct rs_buffer fresh = *list;
    struct record record;
    size_t size, at = 0;
    const char *old = recsys_cache_entry_get(entry, &size);

    while (n < RD_RECENT_MAX && next_record(old, size, &at, &record)) {
        fresh.bytes = list->bytes; /* which moves; its first bytes stay the new items */
        if (record.at_ms < least_ms || has_item(&fresh, record.item, record.size))
            continue;
        add_record(list, record.at_ms, record.item, record.size);
        n++;
    }
}

/* Put the items of one user's new events in front of the list, the last one first. */
static void set_recent(struct rd_feedback_memory *memory, const struct rd_event *const *events,
                       size_t n_events, uint64_t now_ms)
{
    uint64_t least_ms = now_ms > memory->window_ms ? now_ms - memory->window_ms : 0;
    struct rs_buffer list = RS_BUFFER_INIT(LIST_BYTES);
    recsys_cache_entry *entry;
    recsys_error err = {0};
    size_t n = 0;

    for (size_t i = n_events; i-- > 0 && n < RD_RECENT_MAX;) {
        const char *item = events[i]->item;

        if (!events[i]->excludes || events[i]->at_ms < least_ms ||
            has_item(&list, item, strlen(item)))
            continue;
        add_record(&list, events[i]->at_ms, item, strlen(item));
        n++;
    }
    if (n > 0 &&
        recsys_cache_get(memory->recent, text(events[0]->user), &entry, &err) == RECSYS_OK) {
        add_old(&list, n, least_ms, entry);
        recsys_cache_release(entry);
    }
    if (n > 0 && (list.status != RECSYS_OK ||
                  recsys_cache_set(memory->recent, text(events[0]->user),
                                   (recsys_bytes){list.bytes, list.size}, 0, &err) != RECSYS_OK))
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
    if (kept != NULL) {
        kept->next = NULL;
        kept->size = out.size;
        memcpy(kept->text, out.bytes, out.size);
    }
    rs_buffer_destroy(&out);
    rs_lock_take(&memory->lock);
    memory->n_events++;
    if (kept != NULL) {
        kept->number = memory->n_events;
        if (memory->newest != NULL)
            memory->newest->next = kept;
        else
            memory->oldest = kept;
        memory->newest = kept;
        memory->bytes += sizeof *kept + kept->size;
    }
    while (memory->bytes > memory->max_bytes)
        drop_oldest(memory);
    rs_lock_give(&memory->lock);
}

/* By user; events of one user stay in their order, which is that of their addresses. */
static int compare_events(const void *a, const void *b)
{
    const struct rd_event *x = *(const struct rd_event *const *)a;
    const struct rd_event *y = *(const struct rd_event *const *)b;
    int order = strcmp(x->user, y->user);

    return order != 0 ? order : (x > y) - (x < y);
}

/* FNV-1a. */
static struct rs_lock *lock_of(struct rd_feedback_memory *memory, const char *user)
{
    uint32_t hash = 2166136261u;

    for (; *user != '\0'; user++)
        hash = (hash ^ (unsigned char)*user) * 16777619u;
    return &memory->users[hash % N_LOCKS];
}

/* The events of one user. Those that are new move to the front. */
static size_t add_of_user(struct rd_feedback_memory *memory, const struct rd_event **events,
                          size_t n, uint64_t now_ms)
{
    struct rs_lock *lock = lock_of(memory, events[0]->user);
    size_t n_new = 0;

    rs_lock_take(lock);
    for (size_t i = 0; i < n; i++)
        if (!is_known(memory, events[i]))
            events[n_new++] = events[i];
    if (n_new > 0)
        set_recent(memory, events, n_new, now_ms);
    rs_lock_give(lock);
    return n_new;
}

size_t rd_feedback_memory_add(struct rd_feedback_memory *memory, const struct rd_event *events,
                              size_t n)
{
    const struct rd_event *sorted[RD_EVENTS_MAX];
    bool is_new[RD_EVENTS_MAX] = {false};
    uint64_t now_ms = rs_clock_unix_ms();
    size_t n_new = 0, end;

    for (size_t i = 0; i < n; i++)
        sorted[i] = &events[i];
    qsort(sorted, n, sizeof sorted[0], compare_events);
    for (size_t i = 0; i < n; i = end) {
        for (end = i + 1; end < n && strcmp(sorted[end]->user, sorted[i]->user) == 0; end++)
            ;
        size_t n_of_user = add_of_user(memory, &sorted[i], end - i, now_ms);

        for (size_t j = i; j < i + n_of_user; j++)
            is_new[sorted[j] - events] = true;
        n_new += n_of_user;
    }
    for (size_t i = 0; i < n; i++) /* in the order in which they came */
        if (is_new[i])
            keep(memory, &events[i], now_ms);
    return n_new;
}

void rd_feedback_memory_recent(struct rd_feedback_memory *memory, const char *user,
                               bool (*take)(void *user_data, const char *item), void *user_data)
{
    uint64_t now_ms = rs_clock_unix_ms();
    char item[RD_FEEDBACK_ID_MAX + 1];
    recsys_cache_entry *entry;
    recsys_error err = {0};
    struct record record;
    const char *list;
    size_t size, at = 0;

    if (recsys_cache_get(memory->recent, text(user), &entry, &err) != RECSYS_OK)
        return;
    list = recsys_cache_entry_get(entry, &size);
    while (next_record(list, size, &at, &record)) {
        memcpy(item, record.item, record.size);
        item[record.size] = '\0';
        if (record.at_ms + memory->window_ms > now_ms && !take(user_data, item))
            break;
    }
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
