/* tests/promela/plain.pml - the protocol of plain values, for spin to try in every order.
 *
 * Processes of ours read and write rows through the cache (lib/aside/aside.h has the steps, and
 * lib/aside/entry_place.c the two keys of an entry). The store forgets keys when it likes, and can
 * restart: then each key may be as it was before its last change. With NEIGHBOUR there is one
 * program more, which knows the values and nothing of companions.
 *
 * A step that the store does in one command, or in one script, is one step here. Versions of a row
 * stand for its bytes. A companion fits a value if it was written with the same bytes.
 *
 * Checked at every step: a value that would be served is not older than the last write of ours
 * whose invalidation had returned (`floor`), and so is what a read serves, as of when it began.
 * With PROMISE_DEL or PROMISE_SET the same for what the neighbour has removed or stored.
 *
 * check.sh runs it; each NO_... leaves one step out, and the check must fail. */

#ifndef KEYS
#define KEYS 2
#endif
#ifndef PROCESSES
#define PROCESSES 3
#endif
#ifndef ACTIONS
#define ACTIONS 2 /* of each process */
#endif
#ifndef WRITES
#define WRITES 2 /* by all of ours together */
#endif

#define NONE 0
#define LEASE 1
#define COMPANION 2

/* the truth */
byte row[KEYS];   /* version, from 1 */
byte floor[KEYS]; /* invalidated, and the call has returned */
byte n_writes;

/* the store */
byte kind[KEYS], id[KEYS], fits[KEYS], of_era[KEYS]; /* under the key of the companion */
byte value[KEYS];                                    /* under the key; 0 = nothing */
byte era = 1; /* the epoch's bytes and the incarnation, hashed */

/* the store, before the last change of each key */
byte old_kind[KEYS], old_id[KEYS], old_fits[KEYS], old_of_era[KEYS], old_value[KEYS];

#define REMEMBER(k)                                                                                \
    old_kind[k] = kind[k];                                                                         \
    old_id[k] = id[k];                                                                             \
    old_fits[k] = fits[k];                                                                         \
    old_of_era[k] = of_era[k];                                                                     \
    old_value[k] = value[k]

#define PUT(k, a_kind, an_id, a_version, an_era)                                                   \
    kind[k] = a_kind;                                                                              \
    id[k] = an_id;                                                                                 \
    fits[k] = a_version;                                                                           \
    of_era[k] = an_era

#define CLEAR(k) PUT(k, NONE, 0, 0, 0)

#ifdef NO_FIT
#define FITS(k) (value[k] != 0)
#else
#define FITS(k) (value[k] != 0 && value[k] == fits[k])
#endif
#ifdef NO_ERA
#define IN_ERA(k) 1
#else
#define IN_ERA(k) (of_era[k] == era)
#endif
#define ALIVE(k) (kind[k] == COMPANION && IN_ERA(k) && FITS(k))
#ifdef TRUST
#define SERVED(k) (ALIVE(k) || (value[k] != 0 && !FITS(k)) || (value[k] != 0 && kind[k] != COMPANION))
#else
#define SERVED(k) ALIVE(k)
#endif
#define CHECK(k) assert(!SERVED(k) || value[k] >= floor[k])

/* -- ours -- */

/* May what was loaded be put in the place of what was seen? */
#ifdef NO_TOKEN
#define IS_THERE(k) (kind[k] == seen_kind)
#else
#define IS_THERE(k) (kind[k] == seen_kind && id[k] == seen_id)
#endif
#ifdef NO_SEEN
#define IS_SEEN(k) 1
#else
#define IS_SEEN(k) (value[k] == seen_value)
#endif
#ifdef NO_LEASE
#define MAY_FILL(k) 1
#else
#define MAY_FILL(k) (IS_THERE(k) && IS_SEEN(k))
#endif

inline look(k)
{
    d_step {
        seen_kind = kind[k];
        seen_id = id[k];
        seen_value = value[k];
        seen_era = era;
        seen_fits = FITS(k);
        is_served = SERVED(k)
    }
}

/* No other program's value was beside the companion. */
#define IS_OWN (seen_kind == COMPANION && (seen_fits || seen_value == 0))

/* The loader's statement, then the fill. */
inline load_and_fill(k, number)
{
    loaded = row[k];
#ifdef NO_ATOM
    is_filled = MAY_FILL(k);
    if
    :: is_filled
        -> d_step {
            REMEMBER(k);
            value[k] = loaded;
            PUT(k, COMPANION, number, loaded, seen_era);
            CHECK(k)
        }
    :: else
    fi;
#else
    d_step {
        is_filled = MAY_FILL(k);
        if
        :: is_filled
            -> REMEMBER(k);
            value[k] = loaded;
            PUT(k, COMPANION, number, loaded, seen_era);
            CHECK(k)
        :: else
        fi
    };
#endif
}

inline read_row(k, number)
{
    at_least = floor[k];
    look(k);
    if
    :: is_served
        -> assert(seen_value >= at_least);
        if
        :: skip
#ifndef TRUST
        :: seen_kind == COMPANION -> load_and_fill(k, number) /* early refresh, or stale */
#endif
        fi
    :: !is_served && seen_kind == LEASE /* another one's: wait for it, or load and store nothing */
    :: !is_served && seen_kind != LEASE
        -> d_step { /* take the lease: nothing, or exactly what was seen, is there */
            is_filled = (kind[k] == seen_kind && id[k] == seen_id);
#ifndef NO_CLEAR
            if
            :: is_filled && IS_OWN /* a dead value of ours goes with its companion */
                -> is_filled = (value[k] == seen_value);
                if
                :: is_filled -> REMEMBER(k); value[k] = 0; PUT(k, LEASE, number, 0, 0); seen_value = 0
                :: else
                fi
            :: is_filled && !IS_OWN
                -> REMEMBER(k);
                PUT(k, LEASE, number, 0, 0)
            :: else
            fi;
#else
            if
            :: is_filled -> REMEMBER(k); PUT(k, LEASE, number, 0, 0)
            :: else
            fi;
#endif
            seen_kind = LEASE;
            seen_id = number
        };
        if
        :: is_filled -> load_and_fill(k, number + 1)
        :: else
        fi
    fi;
    at_least = 0
}

inline write_row(k)
{
    d_step {
        n_writes++;
        row[k]++;
        loaded = row[k]
    };
    if
    :: d_step { /* invalidate: one UNLINK of both */
#ifdef NO_UNLINK
            skip;
#else
            REMEMBER(k);
            value[k] = 0;
#ifndef NO_COMPANION
            CLEAR(k);
#endif
#endif
        }
#ifndef NO_ALL
    :: d_step { /* everything */
#ifndef NO_EPOCH
            era++;
#endif
            skip
        }
#endif
    fi;
    d_step {
        floor[k] = (loaded > floor[k] -> loaded : floor[k]);
        CHECK(k);
        loaded = 0
    }
}

proctype ours(byte self)
{
    byte action, k, seen_kind, seen_id, seen_value, seen_era, loaded, at_least;
    bool is_served, is_filled, seen_fits;

    for (action : 1 .. ACTIONS) {
        if
        :: k = 0
#if KEYS > 1
        :: k = 1
#endif
        fi;
        if
        :: read_row(k, 1 + (self * ACTIONS + action - 1) * 2)
        :: n_writes < WRITES -> write_row(k)
        fi;
        d_step {
            seen_kind = 0;
            seen_id = 0;
            seen_value = 0;
            seen_era = 0;
            loaded = 0;
            is_served = 0;
            seen_fits = 0;
            is_filled = 0;
            k = 0
        }
    }
}

/* -- the store's own ways: keys expire or are evicted; once it restarts -- */

proctype store()
{
    byte k, n;

    do
    :: n < 2
        -> n++;
        if
        :: k = 0
#if KEYS > 1
        :: k = 1
#endif
        fi;
        if
#ifdef TOGETHER /* a lease expires alone, a companion with its value */
        :: d_step { kind[k] == LEASE -> REMEMBER(k); CLEAR(k) }
        :: d_step { kind[k] == COMPANION -> REMEMBER(k); CLEAR(k); value[k] = 0 }
#else
        :: d_step { kind[k] != NONE -> REMEMBER(k); CLEAR(k) }
#endif
#ifndef NEVER_EVICTED
        :: d_step { value[k] != 0 -> REMEMBER(k); value[k] = 0 }
#endif
        :: skip
        fi;
        k = 0
    :: d_step {
        n < 10
            -> n = 10;
#ifndef NO_INCARNATION
        era++;
#endif
        for (k : 0 .. KEYS - 1) {
            if
            :: old_kind[k] != kind[k] || old_value[k] != value[k] || old_id[k] != id[k]
                -> kind[k] = old_kind[k];
                id[k] = old_id[k];
                fits[k] = old_fits[k];
                of_era[k] = old_of_era[k];
                value[k] = old_value[k]
            :: else
            fi;
            CHECK(k)
        };
        k = 0
        }
    :: break
    od
}

/* -- a neighbour -- */

#ifdef NEIGHBOUR
proctype neighbour()
{
    byte loaded;

    if
    :: /* cache-aside: get, load, set */
        loaded = row[0];
        d_step { REMEMBER(0); value[0] = loaded }
#ifndef PROMISE_SET
    :: /* commit, delete */
        d_step { row[0]++; loaded = row[0] };
        d_step {
            REMEMBER(0);
            value[0] = 0;
#ifdef TWO_KEYS
            CLEAR(0);
#endif
#ifdef PROMISE_DEL
            floor[0] = (loaded > floor[0] -> loaded : floor[0]);
            CHECK(0)
#endif
        }
#endif
#ifndef PROMISE_DEL
    :: /* commit, set */
        d_step { row[0]++; loaded = row[0] };
        d_step {
            REMEMBER(0);
            value[0] = loaded;
#ifdef PROMISE_SET
            floor[0] = (loaded > floor[0] -> loaded : floor[0]);
            CHECK(0)
#endif
        }
#endif
    fi;
    loaded = 0
}
#endif

init
{
    byte i;

    atomic {
        for (i : 0 .. KEYS - 1) {
            row[i] = 1
        };
        for (i : 0 .. PROCESSES - 1) {
            run ours(i)
        };
#ifndef NO_STORE
        run store();
#endif
#ifdef NEIGHBOUR
        run neighbour();
#endif
        i = 0
    }
}
