/* lib/aside/journal.c - see journal.h.
 *
 * A bounded set of keys. Adding one that is there already changes nothing, so
 * a hot key takes one place however long the store is away. If the set is
 * full, or there is no memory, "everything" takes the place of the keys: a new
 * epoch ends all values at once.
 */
#include "lib/aside/journal.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"

#define MAX_SLOTS 4096u

struct rs_note {
    struct rs_note *next;  /* in its slot */
    struct rs_note *newer; /* in the order in which they were added */
    uint64_t hash;
    size_t size;
    char key[];
};

recsys_status rs_journal_init(struct rs_journal *journal, uint32_t max, recsys_error *err)
{
    size_t n_slots = 16;

    memset(journal, 0, sizeof *journal);
    while (n_slots < max && n_slots < MAX_SLOTS)
        n_slots *= 2;
    journal->slots = rs_alloc_array(n_slots, sizeof(struct rs_note *));
    if (journal->slots == NULL)
        return rs_error_nomem(err, "journal of a cache");
    journal->n_slots = n_slots;
    journal->max = max;
    int result = rs_lock_init(&journal->lock);
    if (result != 0) {
        rs_free(journal->slots);
        return rs_error_sys(err, result, "cannot make the journal of a cache");
    }
    return RECSYS_OK;
}

static struct rs_note **slot_of(struct rs_journal *journal, uint64_t hash)
{
    return &journal->slots[hash & (journal->n_slots - 1)];
}

/* Take the oldest out; NULL if there is none. Under the lock. */
static struct rs_note *take_oldest(struct rs_journal *journal)
{
    struct rs_note *note = journal->oldest;

    if (note == NULL)
        return NULL;
    struct rs_note **link = slot_of(journal, note->hash);
    while (*link != note)
        link = &(*link)->next;
    *link = note->next;
    journal->oldest = note->newer;
    if (journal->oldest == NULL)
        journal->newest = NULL;
    journal->n--;
    return note;
}

static void clear(struct rs_journal *journal)
{
    struct rs_note *note;

    while ((note = take_oldest(journal)) != NULL)
        rs_free(note);
}

void rs_journal_destroy(struct rs_journal *journal)
{
    clear(journal);
    rs_lock_destroy(&journal->lock);
    rs_free(journal->slots);
}

/* Under the lock. */
static void make_epoch_due(struct rs_journal *journal)
{
    journal->is_epoch_due = 1;
    clear(journal);
}

/* Under the lock; 0 if there is no room. */
static int append(struct rs_journal *journal, recsys_bytes key, uint64_t hash)
{
    struct rs_note *note = journal->n < journal->max ? rs_alloc(sizeof *note + key.size) : NULL;

    if (note == NULL)
        return 0;
    note->hash = hash;
    note->size = key.size;
    memcpy(note->key, key.data, key.size);
    note->next = *slot_of(journal, hash);
    *slot_of(journal, hash) = note;
    note->newer = NULL;
    if (journal->newest == NULL)
        journal->oldest = note;
    else
        journal->newest->newer = note;
    journal->newest = note;
    journal->n++;
    return 1;
}

void rs_journal_add(struct rs_journal *journal, recsys_bytes key)
{
    uint64_t hash = rs_hash_bytes(key.data, key.size, rs_hash_seed());
    const struct rs_note *note;

    rs_lock_take(&journal->lock);
    for (note = *slot_of(journal, hash); note != NULL; note = note->next)
        if (note->size == key.size && memcmp(note->key, key.data, key.size) == 0)
            break;
    if (note == NULL && !journal->is_epoch_due && !append(journal, key, hash))
        make_epoch_due(journal);
    rs_lock_give(&journal->lock);
}

void rs_journal_add_all(struct rs_journal *journal)
{
    rs_lock_take(&journal->lock);
    make_epoch_due(journal);
    rs_lock_give(&journal->lock);
}

uint32_t rs_journal_count(struct rs_journal *journal)
{
    rs_lock_take(&journal->lock);
    uint32_t n = journal->n + journal->n_taken + (journal->is_epoch_due ? 1u : 0u);
    rs_lock_give(&journal->lock);
    return n;
}

size_t rs_journal_take(struct rs_journal *journal, recsys_bytes *keys, size_t max)
{
    struct rs_note *note;
    size_t n = 0;

    rs_lock_take(&journal->lock);
    while (n < max && (note = take_oldest(journal)) != NULL)
        keys[n++] = (recsys_bytes){note->key, note->size};
    journal->n_taken += (uint32_t)n;
    rs_lock_give(&journal->lock);
    return n;
}

void rs_journal_drop(struct rs_journal *journal, const recsys_bytes *keys, size_t n)
{
    rs_lock_take(&journal->lock);
    journal->n_taken -= (uint32_t)n;
    rs_lock_give(&journal->lock);
    for (size_t i = 0; i < n; i++)
        rs_free((char *)(uintptr_t)keys[i].data - offsetof(struct rs_note, key));
}

int rs_journal_take_epoch(struct rs_journal *journal)
{
    rs_lock_take(&journal->lock);
    int is_due = journal->is_epoch_due;
    journal->is_epoch_due = 0;
    journal->n_taken += (uint32_t)is_due;
    rs_lock_give(&journal->lock);
    return is_due;
}

void rs_journal_drop_epoch(struct rs_journal *journal)
{
    rs_lock_take(&journal->lock);
    journal->n_taken--;
    rs_lock_give(&journal->lock);
}
