/* lib/aside/aside.h - private to lib/aside: the cache, and the steps that its calls are made of.
 *
 * The protocol. `key` is where the lease lies: with FORMAT_ENVELOPE the key itself, with
 * FORMAT_PLAIN the companion's (entry_place.c), beside which the value is read, replaced and removed
 * in the same steps.
 *
 *   look    read {key, "~epoch"}. A value is alive if its epoch is the hash of
 *           the store's incarnation and the epoch key; else it counts as absent.
 *   lease   absent: get_or_set(key, lease); dead or damaged: replace(what was
 *           seen, lease). The caller that gets it loads.
 *   fill    replace(lease, value). Refused if the key was removed meanwhile, since
 *           the loaded value may be older than the removal.
 *   refresh the caller that gets the side lease key + "~r" loads a live value again;
 *           replace(the old value's first 24 bytes, value), refused in the same case.
 *   invalidate  remove(key), after the truth has changed.
 *
 * docs/decisions/0006-one-fence-a-lease-under-the-key.md says why.
 */
#ifndef RS_ASIDE_ASIDE_H
#define RS_ASIDE_ASIDE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/aside/counts.h"
#include "lib/aside/envelope.h"
#include "lib/aside/flights.h"
#include "lib/aside/image.h"
#include "lib/aside/journal.h"
#include "lib/aside/waiting.h"
#include "recsys/aside.h"

#define RS_EPOCH_KEY "~epoch"
#define RS_EPOCH_SIZE 8u
#define RS_SIDE_SUFFIX "~r" /* of the key of the side lease */
#define RS_LABEL_MAX 64u
/* Room for the key of a lease: key.c's RECSYS_KEY_MAX, and what entry_place.c puts around it. */
#define RS_FENCE_MAX (RECSYS_KEY_MAX + 3u)
#define RS_REMOVE_BATCH 500u /* keys in one command: the server runs no other command meanwhile */

enum rs_met { RS_MET_NOT_YET, RS_MET_AWAY, RS_MET };

struct recsys_aside {
    recsys_store *store; /* one reference */
    /* never change */
    char *label;
    size_t label_size; /* with its NUL */
    uint32_t flags, jitter_percent, lease_ms, wait_ms;
    int is_plain; /* RECSYS_ASIDE_FORMAT_PLAIN */
    uint64_t ttl_ms, stale_ms, negative_ttl_ms; /* or RECSYS_NEVER; 0 = not at all */
    uint64_t max_value_bytes;
    double beta;
    uint64_t (*now_ms)(void *user_data);
    uint64_t (*random)(void *user_data); /* NULL = rs_aside_random's own */
    void *user_data;
    uint64_t seed;
    struct rs_waiting waiting;

    _Atomic uint64_t n_random;
    atomic_int met; /* enum rs_met: has this cache ever read the store? */
    struct rs_flights flights;
    struct rs_journal journal;
    struct rs_counts counts;
};

/* -- aside_arguments.c -- */

recsys_status rs_aside_check_key(const recsys_aside *aside, recsys_bytes key, const char *function,
                                 recsys_error *err);
/* E_FORMAT if this cache keeps JSON and the value is not. */
recsys_status rs_aside_check_value(const recsys_aside *aside, recsys_bytes value,
                                   recsys_error *err);

/* -- stamp.c -- */

struct rs_identity rs_aside_identity(const recsys_aside *aside, recsys_bytes key);
uint64_t rs_aside_now_ms(const recsys_aside *aside);
uint64_t rs_aside_random(recsys_aside *aside);
/* 0 < U <= 1 */
double rs_aside_random_unit(recsys_aside *aside);
/* `ttl_ms` shortened by 0 to jitter_percent; at least 1. RECSYS_NEVER stays. */
uint64_t rs_aside_jitter(recsys_aside *aside, uint64_t ttl_ms);
/* Fill in the head of a value that lives in `epoch` and has the other members set. `text` is what
 * will be under the key of a plain value. Returns the time to live for the store. */
uint64_t rs_aside_stamp(recsys_aside *aside, recsys_bytes key, unsigned char *bytes,
                        struct rs_envelope *envelope, recsys_bytes text, uint64_t epoch,
                        uint64_t ttl_ms);

/* -- epoch.c -- */

/* As values carry it; never 0. */
uint64_t rs_epoch_of(const unsigned char bytes[RS_EPOCH_SIZE], uint64_t incarnation);
/* A new epoch, over whatever there is: all values end. */
recsys_status rs_aside_new_epoch(recsys_aside *aside, recsys_error *err);
/* The epoch key is missing, or not eight bytes. RECSYS_OK also if another process makes one at the
 * same time: read it again. */
recsys_status rs_aside_make_epoch(recsys_aside *aside, int is_damaged, recsys_error *err);

/* -- entry_place.c -- */

/* Where the lease of a key lies, and what a plain value is accompanied by. `text` holds it, if it
 * is not the key itself. */
recsys_bytes rs_aside_fence(const recsys_aside *aside, recsys_bytes key, char text[RS_FENCE_MAX]);
/* Where the side lease lies. */
recsys_bytes rs_aside_side_key(const recsys_aside *aside, recsys_bytes key,
                               char text[RS_FENCE_MAX + 2]);
/* The key of an entry whose fence this is; 0 if it is no fence. */
int rs_aside_entry_of(recsys_bytes fence, recsys_bytes *key);
/* 1 if this key of the store is the cache's own, and no entry's. */
int rs_aside_is_own(const recsys_aside *aside, const char *key, size_t size);

/* An entry as it was read, in whose place something else is to be put. */
struct rs_place {
    recsys_bytes prefix; /* what the fence begins with */
    recsys_bytes seen;   /* under the key of a plain value; data NULL: nothing */
};

/*
 * Put an image into `place`, or over whatever is there (place NULL). Its head is stamped with
 * `envelope`, whose version and delta_ms are set.
 *
 * Fails with: E_NOT_FOUND (the place has gone), and as recsys_store_replace() does.
 */
recsys_status rs_entry_put(recsys_aside *aside, recsys_bytes key, const struct rs_place *place,
                           struct rs_image *image, struct rs_envelope *envelope, uint64_t epoch,
                           uint64_t ttl_ms, recsys_error *err);
/* The same: a negative entry, or nothing at all. */
recsys_status rs_entry_put_negative(recsys_aside *aside, recsys_bytes key,
                                    const struct rs_place *place, struct rs_envelope *envelope,
                                    uint64_t epoch);
recsys_status rs_entry_clear(recsys_aside *aside, recsys_bytes key, const struct rs_place *place);
/* Put a lease into the place of a plain value and its companion: both go. */
recsys_status rs_entry_put_lease(recsys_aside *aside, recsys_bytes key,
                                 const struct rs_place *place, recsys_bytes lease);
/* Remove whole entries. *n_removed counts them; or NULL. */
recsys_status rs_entry_remove(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                              uint64_t *n_removed, recsys_error *err);

/* -- lookup.c -- */

enum rs_found {
    RS_FOUND_FRESH,
    RS_FOUND_STALE,
    RS_FOUND_NEGATIVE,
    RS_FOUND_ABSENT,
    RS_FOUND_LEASE,   /* a process loads it */
    RS_FOUND_DEAD,    /* of another epoch or incarnation, or negative and expired; or a plain value
                         of another program, or one that such a program has removed */
    RS_FOUND_DAMAGED, /* or another key's */
    RS_FOUND_AWAY     /* the store failed */
};

struct rs_look {
    enum rs_found found;
    recsys_status status;        /* of the store, with AWAY; E_FORMAT with DAMAGED */
    uint64_t incarnation, epoch; /* epoch: as values carry it; 0 with AWAY or if there is none */
    uint64_t now_ms;
    recsys_value held; /* the store's, with FRESH and STALE; release it */
    recsys_value text; /* under the key of a plain value, unless it is held */
    struct rs_envelope envelope;
    int is_vacant;                            /* no lease, nor anything else at its place */
    int is_own; /* a dead plain value that no other program has stored: it goes with its companion,
                   and if it is not there it must not be there then */
    unsigned char prefix[RS_ENVELOPE_PREFIX]; /* of what is there */
    size_t prefix_size;
};

/* Look `key` up. With `wants_epoch` a missing epoch is made. An empty key: the
 * epoch alone is read. */
void rs_aside_look(recsys_aside *aside, recsys_bytes key, int wants_epoch,
                   enum rs_operation operation, struct rs_look *look, recsys_error *err);
void rs_look_release(struct rs_look *look);
/* The bytes that were under the key of a plain value. BORROWED from the look. */
recsys_bytes rs_look_seen(const struct rs_look *look);

/* -- fill.c -- */

struct recsys_aside_load {
    recsys_aside *aside;
    recsys_bytes key;
    struct rs_image *image; /* one reference */
    uint64_t version, ttl_ms;
    uint32_t flags;
    uint32_t delta_ms;               /* how long it took */
    const recsys_aside_load *around; /* the load whose loader started this one, on this thread */
};

/* Run the loader. With RECSYS_OK there is an image; any other status comes with
 * a message. */
recsys_status rs_aside_run_loader(recsys_aside_load *load, recsys_aside_loader loader,
                                  void *user_data, recsys_error *problem);

/* Is this thread inside a loader of this very key? */
int rs_aside_is_loading(const recsys_aside *aside, recsys_bytes key);

enum rs_filled {
    RS_FILLED_PROVED,  /* the key was neither removed nor replaced until now */
    RS_FILLED_REFUSED, /* the key has been removed or replaced */
    RS_FILLED_UNKNOWN  /* the store failed */
};

/* Put the loaded value (`status` is the loader's) into `place`, or only clear that place if there
 * is no value to keep. */
enum rs_filled rs_aside_fill(recsys_aside_load *load, recsys_status status,
                             const struct rs_place *place, uint64_t epoch);

/* -- refresh.c -- */

/* XFetch: should a value be loaded again at `now_ms`? */
int rs_aside_is_early(recsys_aside *aside, const struct rs_envelope *envelope, uint64_t now_ms);

/* -- invalidate_keys.c -- */

/* Does it say that the store cannot be reached, rather than that this call was wrong? */
int rs_aside_is_away(recsys_status of_the_store);

/* Remove keys from the store, or put them into the journal; afterwards no caller follows
 * a load that began before. Any other status than RECSYS_OK: some are in the journal. */
recsys_status rs_aside_invalidate_keys(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                              enum rs_operation operation);
/* The store has failed to remove these, or, with none of them, to be read at first: open its
 * breaker, so that no caller reads it before the invalidations have reached it. */
void rs_aside_remember(recsys_aside *aside, const recsys_bytes *keys, size_t n);
/* For rs_store_on_return. */
recsys_status rs_aside_tell(void *aside, recsys_error *err);

/* -- flush.c -- */

/* One attempt to send what is remembered; what stays is lost, and logged. */
void rs_aside_flush_at_end(recsys_aside *aside);

#endif
