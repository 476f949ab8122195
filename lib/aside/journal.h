/* lib/aside/journal.h - the invalidations that did not reach the store. */
#ifndef RS_ASIDE_JOURNAL_H
#define RS_ASIDE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/store.h"

struct rs_note;

struct rs_journal {
    struct rs_lock lock;
    struct rs_note **slots; /* by hash */
    size_t n_slots;         /* a power of two */
    struct rs_note *oldest, *newest;
    uint32_t n, max;
    uint32_t n_taken; /* out of the set, and neither sent nor put back yet */
    int is_epoch_due; /* too many keys, or all of them: a new epoch takes their place */
};

recsys_status rs_journal_init(struct rs_journal *journal, uint32_t max, recsys_error *err);
void rs_journal_destroy(struct rs_journal *journal);

/* Keep a key, once. Cannot fail: without room a new epoch is due. */
void rs_journal_add(struct rs_journal *journal, recsys_bytes key);
void rs_journal_add_all(struct rs_journal *journal);

/* Keys and epochs that have not been sent, also while a thread is sending them. */
uint32_t rs_journal_count(struct rs_journal *journal);

/* Take at most `max` keys out, the oldest first. They stay valid until rs_journal_drop(), which
 * follows when they are sent or were added again. */
size_t rs_journal_take(struct rs_journal *journal, recsys_bytes *keys, size_t max);
void rs_journal_drop(struct rs_journal *journal, const recsys_bytes *keys, size_t n);
/* 1 if a new epoch is due; it is no longer due afterwards, nor are the keys. Then
 * rs_journal_drop_epoch() follows, when the new epoch is sent or was added again. */
int rs_journal_take_epoch(struct rs_journal *journal);
void rs_journal_drop_epoch(struct rs_journal *journal);

#endif
