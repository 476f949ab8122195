/* lib/aside/get_or_load.h - the states of recsys_aside_get_or_load(), in one table.
 *
 * A call is in one state at a time. Each state has one function, which does what the state is for
 * and returns an event; the table says which state comes next. There is no other way from one
 * state to another, so what a call can do is what this table says. docs/state-machines.md draws it.
 *
 * A caller that finds no value joins the flights of its process (flights.h): it follows the flight
 * of another thread, or leads one. The leader takes the lease under the key, or waits for the
 * process that has it. A caller that has lost a race looks and judges again; after a few
 * rounds, or when its time is up, it loads for itself and stores nothing. While the store is away
 * all callers do so: one load for each key and process, and only max_loads loads at once.
 *
 * The functions stand in the order of the table, in these files: get_or_load.c (LOOK, JUDGE),
 * refresh.c, join.c, lease.c and load_and_fill.c.
 */
#ifndef RS_ASIDE_GET_OR_LOAD_H
#define RS_ASIDE_GET_OR_LOAD_H

#include "lib/aside/aside.h"

/* clang-format off */
#define RS_LOAD_TRANSITIONS(T) \
    /* get_or_load.c     state      event       next       meaning */ \
    /* read the key and the epoch */ \
    T(LOOK,      LOOKED,     JUDGE) \
    /* what was found, and is there time for another round? */ \
    T(JUDGE,     VALUE,      USE)       /* fresh or stale */ \
    T(JUDGE,     NEGATIVE,   DONE)      /* known not to exist */ \
    T(JUDGE,     REENTERED,  DONE)      /* E_STATE: asked by the loader of this very key */ \
    T(JUDGE,     TIRED,      LOAD)      /* too many rounds, or too late: load, store nothing */ \
    T(JUDGE,     TIRED_AWAY, ENTER)     /* the same, and the store is away */ \
    T(JUDGE,     MISSING,    JOIN)      \
    /* refresh.c */ \
    /* is it time to load the value again? */ \
    T(USE,       NOT_DUE,    SERVE)     \
    T(USE,       DUE,        CLAIM)     /* it is stale, or early refresh has chosen this caller */ \
    /* take the side lease, which at most one process has */ \
    T(CLAIM,     OURS,       RELOAD)    \
    T(CLAIM,     LOST,       SERVE)     /* another one refreshes it or has failed to just now, or the store failed */ \
    /* run the loader */ \
    T(RELOAD,    LOADED,     REPLACE)   /* a value, or that there is none */ \
    T(RELOAD,    FAILED,     SERVE)     /* the side lease stays for a pause: no caller tries before its end */ \
    /* put what was loaded in the place of the old value; hand it out */ \
    T(REPLACE,   REPLACED,   DONE)      \
    /* hand out the value that was found */ \
    T(SERVE,     SERVED,     DONE)      \
    /* join.c */ \
    /* lead a flight of this process for the key, or follow one */ \
    T(JOIN,      FOLLOWING,  FOLLOW)    \
    T(JOIN,      FREE,       TAKE)      /* leads; no valid value is under the key */ \
    T(JOIN,      LEASED,     WAIT)      /* leads; another process loads it */ \
    T(JOIN,      AWAY,       GATHER)    /* leads; the store is away */ \
    /* wait for the leader */ \
    T(FOLLOW,    ANSWERED,   DONE)      \
    T(FOLLOW,    AGAIN,      LOOK)      /* the answer is not for this caller, or time is up */ \
    /* lease.c */ \
    /* put a lease under the key */ \
    T(TAKE,      OURS,       LOAD)      \
    T(TAKE,      LOST,       WATCH)     /* another one was first */ \
    T(TAKE,      AWAY,       STEP_DOWN) /* the store failed */ \
    /* pause once, because another one has the lease */ \
    T(WAIT,      RESTED,     WATCH)     \
    T(WAIT,      TIME_UP,    STEP_DOWN) \
    /* read the key again */ \
    T(WATCH,     FREE,       TAKE)      \
    T(WATCH,     LEASED,     WAIT)      \
    T(WATCH,     NEWS,       STEP_DOWN) /* a value, another epoch, store away, or too many losses */ \
    /* join.c */ \
    /* end the flight without an answer: its followers look again */ \
    T(STEP_DOWN, ENDED,      JUDGE)     \
    /* wait for the sealed flight before this one; meanwhile others may follow this one */ \
    T(GATHER,    ENDED,      ENTER)     \
    /* take one of max_loads places */ \
    T(ENTER,     ENTERED,    LOAD)      \
    T(ENTER,     FULL,       DONE)      /* E_EXHAUSTED */ \
    /* load_and_fill.c */ \
    /* run the loader */ \
    T(LOAD,      KEPT,       FILL)      /* the lease keeps a place for it */ \
    T(LOAD,      UNKEPT,     ANSWER)    \
    /* put what was loaded in the place of the lease */ \
    T(FILL,      SHARED,     CONFIRM)   /* the lease was there, and other callers follow */ \
    T(FILL,      UNSHARED,   ANSWER)    /* only this caller may have it, or no other follows */ \
    /* is it still the same epoch? only then followers may have the answer */ \
    T(CONFIRM,   CONFIRMED,  ANSWER)    \
    T(CONFIRM,   CHANGED,    ANSWER)    \
    /* end the flight; hand out what the loader gave */ \
    T(ANSWER,    ANSWERED,   DONE)

#define RS_LOAD_STATES(S) \
    S(DONE) S(LOOK) S(JUDGE) S(USE) S(CLAIM) S(RELOAD) S(REPLACE) S(SERVE) S(JOIN) S(FOLLOW) \
    S(TAKE) S(WAIT) S(WATCH) S(STEP_DOWN) S(GATHER) S(ENTER) S(LOAD) S(FILL) S(CONFIRM) S(ANSWER)

#define RS_LOAD_EVENTS(E) \
    E(LOOKED) E(VALUE) E(NEGATIVE) E(REENTERED) E(TIRED) E(TIRED_AWAY) E(MISSING) E(NOT_DUE) \
    E(DUE) E(OURS) E(LOST) E(LOADED) E(FAILED) E(REPLACED) E(SERVED) E(FOLLOWING) E(FREE) \
    E(LEASED) E(AWAY) E(ANSWERED) E(AGAIN) E(RESTED) E(TIME_UP) E(NEWS) E(ENDED) E(ENTERED) \
    E(FULL) E(KEPT) E(UNKEPT) E(SHARED) E(UNSHARED) E(CONFIRMED) E(CHANGED)
/* clang-format on */

#define RS_LOAD_STATE(name) RS_LOAD_##name,
#define RS_LOAD_EVENT(name) RS_LOAD_ON_##name,
enum rs_load_state { RS_LOAD_STATES(RS_LOAD_STATE) RS_LOAD_N_STATES };
enum rs_load_event { RS_LOAD_EVENTS(RS_LOAD_EVENT) RS_LOAD_N_EVENTS };

/* One call: everything that a state leaves for later states. */
struct rs_load_call {
    recsys_aside *aside;
    recsys_bytes key;
    recsys_aside_loader loader;
    void *user_data;
    uint32_t timeout_ms;
    recsys_value *out;
    recsys_error *err;

    recsys_status status; /* with DONE: what the call returns */
    uint32_t outcome;     /* ... and RECSYS_ASIDE_* */

    struct rs_look look;  /* the last look; holds a value only from USE on, and its text */
    int is_again;         /* a cached value is loaded again in any case */
    int round;            /* of leading or following, from 0 */
    uint64_t deadline_us; /* by `waiting`; set when round 0 ends in JOIN: a hit needs none */

    /* from JOIN on, and from CLAIM on, there of those who refresh */
    struct rs_flight *flight; /* led, or followed; NULL = none, for lack of memory or alone */
    struct rs_flight *before; /* to wait for in GATHER, or NULL */
    int may_share;            /* FOLLOW: the flight's answer may be for this caller */
    uint64_t epoch;           /* in which this flight began */
    int losses;               /* of races for the lease */
    uint64_t waits_since_us;  /* 0 = has not waited for another one's lease */
    uint32_t pause_ms;
    unsigned char lease[RS_ENVELOPE_PREFIX]; /* ours, or the one under the side key */
    int has_lease, has_place;

    /* from LOAD and RELOAD on */
    recsys_aside_load load;
    recsys_status loaded; /* the loader's */
    int is_shared;        /* the answer is true for those who follow */
    recsys_error problem; /* why the loader failed */
    char fence[RS_FENCE_MAX]; /* text of the key of the lease */
    recsys_bytes side_key; /* of the side lease; in side_text */
    char side_text[RS_FENCE_MAX + 2];
};

/* -- the states' functions -- */

/* refresh.c */
enum rs_load_event rs_load_use(struct rs_load_call *call);
enum rs_load_event rs_load_claim(struct rs_load_call *call);
enum rs_load_event rs_load_reload(struct rs_load_call *call);
enum rs_load_event rs_load_replace(struct rs_load_call *call);
enum rs_load_event rs_load_serve(struct rs_load_call *call);
/* join.c */
enum rs_load_event rs_load_join(struct rs_load_call *call);
enum rs_load_event rs_load_follow(struct rs_load_call *call);
enum rs_load_event rs_load_step_down(struct rs_load_call *call);
enum rs_load_event rs_load_gather(struct rs_load_call *call);
enum rs_load_event rs_load_enter(struct rs_load_call *call);
/* lease.c */
enum rs_load_event rs_load_take(struct rs_load_call *call);
enum rs_load_event rs_load_wait(struct rs_load_call *call);
enum rs_load_event rs_load_watch(struct rs_load_call *call);
/* load_and_fill.c */
enum rs_load_event rs_load_load(struct rs_load_call *call);
enum rs_load_event rs_load_fill(struct rs_load_call *call);
enum rs_load_event rs_load_confirm(struct rs_load_call *call);
enum rs_load_event rs_load_answer(struct rs_load_call *call);

/* -- what several states do -- */

/* Remove `lease` from under `key`, of the lease or of the side lease, if it is there still. */
void rs_load_give_back(const struct rs_load_call *call, recsys_bytes key);
/* Count how long this call has waited for another one's lease, if it has. */
void rs_load_end_waiting(const struct rs_load_call *call);
/* Status, outcome, and the value or the message are those of a loader, this call's or another's. */
void rs_load_hand_out(struct rs_load_call *call, recsys_status status, struct rs_image *image,
                      const recsys_error *problem);

#endif
