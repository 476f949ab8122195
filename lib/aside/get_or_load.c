/* lib/aside/get_or_load.c - who loads, who waits, and for how long.
 *
 * A caller looks. If there is a value he uses it (refresh.c). If not he leads a
 * flight of this process or follows one (flights.h). The leader takes the lease
 * and loads, or waits for whoever has it, in this or another process, looking
 * again now and then: it becomes a value, or is removed, or expires with its
 * holder, and then it can be had.
 *
 * Every reading is complete in itself: whatever has happened meanwhile, a caller
 * who has lost a race looks again and judges anew. After a few rounds, or when
 * his time is up, he loads for himself and stores nothing. While the store is
 * away everyone does so, together with those of his process who ask for the
 * same key, and only max_loads at once.
 */
#include "lib/aside/aside.h"
#include "lib/base/error.h"

#define MAX_ROUNDS 4 /* of leading or following */
#define MAX_LOSSES 8 /* of a race for the lease, before a round is given up */
#define FIRST_PAUSE_MS 5
#define LAST_PAUSE_MS 50

enum step {
    STEP_ANSWERED, /* request is answered with `status` */
    STEP_AGAIN     /* begin another round */
};

static recsys_status hand_out(struct rs_request *request, recsys_status status,
                              struct rs_image *image, const recsys_error *problem, uint32_t outcome)
{
    request->outcome = outcome;
    if (status == RECSYS_OK)
        *request->out = rs_image_hand_out(image);
    else if (request->err != NULL)
        *request->err = *problem;
    return status;
}

/* Is this still the epoch, in the same incarnation of the store? A restart may have brought a lease
 * back that had been removed. */
static int is_epoch(recsys_aside *aside, uint64_t epoch)
{
    struct rs_look look;

    rs_aside_look(aside, (recsys_bytes){NULL, 0}, 0, RS_OPERATION_LOAD, &look, NULL);
    return look.epoch == epoch;
}

/* Load and hand out. With a place the value is stored there; without, in epoch 0, the store is
 * away. */
static recsys_status load(recsys_aside *aside, struct rs_request *request, struct rs_flight *flight,
                          const unsigned char *place, uint64_t epoch)
{
    recsys_aside_load load = {.aside = aside, .key = request->key};
    struct rs_answer answer;
    int is_shared = epoch == 0;

    if (epoch == 0)
        rs_flights_seal(&aside->flights, flight);
    answer.status = rs_aside_run_loader(&load, request->loader, request->user_data, &answer.error);
    answer.image = load.image;
    if (place != NULL) {
        int is_followed = rs_flights_seal(&aside->flights, flight);
        is_shared = rs_aside_fill(&load, answer.status, place, epoch) == RS_FILLED_PROVED &&
                    is_followed && is_epoch(aside, epoch);
    }
    /* A failure is no value that could be too old. */
    is_shared |= answer.status != RECSYS_OK && answer.status != RECSYS_E_NOT_FOUND;
    rs_flights_finish(&aside->flights, flight, is_shared ? &answer : NULL);
    return hand_out(request, answer.status, answer.image, &answer.error,
                    epoch == 0 ? RECSYS_ASIDE_UNKNOWN : RECSYS_ASIDE_MISS);
}

/* While the store is away. */
static recsys_status load_away(recsys_aside *aside, struct rs_request *request,
                               struct rs_flight *flight, struct rs_flight *before)
{
    struct rs_answer none;

    if (before != NULL) /* others who come meanwhile can follow */
        rs_flights_follow(&aside->flights, before, 0, request->deadline_us, &none);
    if (!rs_flights_enter(&aside->flights, request->deadline_us)) {
        rs_flights_finish(&aside->flights, flight, NULL);
        request->outcome = RECSYS_ASIDE_UNKNOWN;
        return rs_error(request->err, RECSYS_E_EXHAUSTED,
                        "cache %s: the store is away and %u loaders are running; raise max_loads "
                        "if what they load from can take more",
                        aside->label, aside->flights.max_loads);
    }
    recsys_status status = load(aside, request, flight, NULL, 0);
    rs_flights_leave(&aside->flights);
    return status;
}

static recsys_status load_alone(recsys_aside *aside, struct rs_request *request,
                                const struct rs_look *look)
{
    if (look->found == RS_FOUND_AWAY)
        return load_away(aside, request, NULL, NULL);
    return load(aside, request, NULL, NULL, look->epoch);
}

/* -- the lease -- */

enum taken { TAKEN_OURS, TAKEN_LOST, TAKEN_AWAY };

static void give_back(recsys_aside *aside, recsys_bytes key, const unsigned char *lease)
{
    recsys_status status =
        recsys_store_replace(aside->store, key, (recsys_bytes){lease, RS_ENVELOPE_PREFIX},
                             (recsys_bytes){NULL, 0}, 0, NULL);

    if (status != RECSYS_OK && status != RECSYS_E_NOT_FOUND)
        rs_counts_error(&aside->counts, RS_OPERATION_LOAD, status);
}

/* Nothing is there: be the first to put something there. */
static enum taken take_absent(recsys_aside *aside, recsys_bytes key, struct rs_look *look,
                              const unsigned char *lease)
{
    recsys_value present = {NULL, 0, NULL, NULL};
    uint64_t incarnation = 0;

    look->status =
        recsys_store_get_or_set(aside->store, key, (recsys_bytes){lease, RS_ENVELOPE_PREFIX},
                                aside->lease_ms, &present, &incarnation, NULL);
    if (look->status != RECSYS_OK)
        return TAKEN_AWAY;
    if (present.data != NULL) {
        recsys_value_release(&present);
        return TAKEN_LOST;
    }
    if (incarnation != look->incarnation) { /* the epoch that was read is another incarnation's */
        give_back(aside, key, lease);
        return TAKEN_LOST;
    }
    return TAKEN_OURS;
}

/* Something is there that is worth nothing: take its place. */
static enum taken take_over(recsys_aside *aside, recsys_bytes key, struct rs_look *look,
                            const unsigned char *lease)
{
    look->status =
        recsys_store_replace(aside->store, key, (recsys_bytes){look->prefix, look->prefix_size},
                             (recsys_bytes){lease, RS_ENVELOPE_PREFIX}, aside->lease_ms, NULL);
    if (look->status == RECSYS_OK)
        return TAKEN_OURS;
    return look->status == RECSYS_E_NOT_FOUND ? TAKEN_LOST : TAKEN_AWAY;
}

static enum taken take(recsys_aside *aside, recsys_bytes key, struct rs_look *look,
                       const unsigned char *lease)
{
    enum taken taken = look->found == RS_FOUND_ABSENT ? take_absent(aside, key, look, lease)
                                                      : take_over(aside, key, look, lease);

    if (taken == TAKEN_AWAY) {
        rs_counts_error(&aside->counts, RS_OPERATION_LOAD, look->status);
        look->found = RS_FOUND_AWAY;
        look->epoch = 0;
    }
    return taken;
}

/* -- waiting for another one's lease -- */

struct patience {
    uint64_t began_us; /* 0 = has not waited yet */
    uint32_t pause_ms;
};

/* One pause, no longer than there is time. 0 if there is none. */
static int rest(recsys_aside *aside, const struct rs_request *request, struct patience *patience)
{
    uint64_t now = rs_waiting_now_us(&aside->waiting);

    if (now >= request->deadline_us)
        return 0;
    if (patience->began_us == 0) {
        patience->began_us = now;
        patience->pause_ms = FIRST_PAUSE_MS;
    }
    uint64_t left_ms = (request->deadline_us - now - 1) / 1000 + 1;
    double pause = patience->pause_ms * (0.5 + 0.5 * rs_aside_random_unit(aside));
    uint32_t ms = pause < 1.0 ? 1 : (uint32_t)pause;
    rs_waiting_sleep(&aside->waiting, left_ms < ms ? (uint32_t)left_ms : ms);
    patience->pause_ms =
        patience->pause_ms * 2 < LAST_PAUSE_MS ? patience->pause_ms * 2 : LAST_PAUSE_MS;
    return 1;
}

static void end_waiting(recsys_aside *aside, const struct patience *patience)
{
    if (patience->began_us != 0)
        rs_counts_waited(&aside->counts, rs_waiting_now_us(&aside->waiting) - patience->began_us);
}

/* -- leading -- */

/* Get the lease, or news. Leaves in `look` what was seen last. */
static enum taken wait_for_lease(recsys_aside *aside, struct rs_request *request,
                                 struct rs_look *look, unsigned char *lease)
{
    uint64_t epoch = look->epoch;
    struct patience patience = {0, 0};
    enum taken taken = TAKEN_LOST;

    for (int losses = 0; losses < MAX_LOSSES;) {
        if (look->found == RS_FOUND_LEASE) {
            if (!rest(aside, request, &patience))
                break;
        } else if (look->found == RS_FOUND_ABSENT || look->found == RS_FOUND_DEAD ||
                   look->found == RS_FOUND_DAMAGED) {
            rs_lease_write(lease, rs_aside_random(aside), rs_aside_random(aside));
            taken = take(aside, request->key, look, lease);
            if (taken != TAKEN_LOST)
                break;
            losses++;
        } else {
            break; /* a value, or the store is away */
        }
        rs_aside_look(aside, request->key, 1, RS_OPERATION_LOAD, look, NULL);
        if (look->epoch != epoch)
            break;
    }
    end_waiting(aside, &patience);
    return taken;
}

static enum step lead(recsys_aside *aside, struct rs_request *request, struct rs_look *look,
                      struct rs_flight *flight, struct rs_flight *before, recsys_status *status)
{
    unsigned char lease[RS_ENVELOPE_PREFIX];

    if (look->found == RS_FOUND_AWAY) {
        *status = load_away(aside, request, flight, before);
        return STEP_ANSWERED;
    }
    if (wait_for_lease(aside, request, look, lease) != TAKEN_OURS) {
        rs_flights_finish(&aside->flights, flight, NULL);
        return STEP_AGAIN;
    }
    *status = load(aside, request, flight, lease, look->epoch);
    return STEP_ANSWERED;
}

/* -- following -- */

static enum step follow(recsys_aside *aside, struct rs_request *request, struct rs_look *look,
                        struct rs_flight *flight, int may_share, recsys_status *status)
{
    struct rs_answer answer;

    if (rs_flights_follow(&aside->flights, flight, may_share, request->deadline_us, &answer) !=
        RS_FOLLOWED_ANSWER) {
        rs_aside_look(aside, request->key, 1, RS_OPERATION_LOAD, look, NULL);
        return STEP_AGAIN;
    }
    rs_counts_add(&aside->counts, RS_COUNT_SHARED, 1);
    *status = hand_out(request, answer.status, answer.image, &answer.error,
                       look->found == RS_FOUND_AWAY ? RECSYS_ASIDE_UNKNOWN : RECSYS_ASIDE_MISS);
    return STEP_ANSWERED;
}

static enum step take_part(recsys_aside *aside, struct rs_request *request, struct rs_look *look,
                           recsys_status *status)
{
    struct rs_flight *flight, *before;
    int may_share;

    if (rs_flights_join(&aside->flights, request->key, look->epoch, &flight, &before, &may_share) ==
        RS_JOINED_FOLLOW)
        return follow(aside, request, look, flight, may_share, status);
    return lead(aside, request, look, flight, before, status);
}

static recsys_status run(recsys_aside *aside, struct rs_request *request, uint32_t timeout_ms)
{
    struct rs_look look;
    recsys_status status = RECSYS_OK;

    rs_aside_look(aside, request->key, 1, RS_OPERATION_LOAD, &look, NULL);
    for (int round = 0;; round++) {
        if (look.found == RS_FOUND_FRESH || look.found == RS_FOUND_STALE)
            return rs_aside_use(aside, request, &look);
        if (look.found == RS_FOUND_NEGATIVE) {
            request->outcome = RECSYS_ASIDE_NEGATIVE;
            return rs_error(request->err, RECSYS_E_NOT_FOUND, "cache %s: known not to exist",
                            aside->label);
        }
        if (round == 0 && rs_aside_is_loading(aside, request->key)) {
            request->outcome = RECSYS_ASIDE_UNKNOWN;
            return rs_error(request->err, RECSYS_E_STATE,
                            "cache %s: a loader asks for the key that it is loading", aside->label);
        }
        if (round == MAX_ROUNDS ||
            (round > 0 && rs_waiting_now_us(&aside->waiting) >= request->deadline_us))
            return load_alone(aside, request, &look);
        if (round == 0) /* a hit needs no deadline */
            request->deadline_us =
                timeout_ms == RECSYS_NEVER_32
                    ? RECSYS_NEVER
                    : rs_waiting_now_us(&aside->waiting) + (uint64_t)timeout_ms * 1000u;
        if (take_part(aside, request, &look, &status) == STEP_ANSWERED)
            return status;
    }
}

recsys_status recsys_aside_get_or_load(recsys_aside *aside, recsys_bytes key,
                                       recsys_aside_loader loader, void *user_data,
                                       uint32_t timeout_ms, recsys_value *out, uint32_t *outcome,
                                       recsys_error *err)
{
    struct rs_request request = {key, loader, user_data, 0, out, 0, err};

    if (outcome != NULL)
        *outcome = 0;
    if (out != NULL)
        *out = (recsys_value){NULL, 0, NULL, NULL};
    if (out == NULL || loader == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_get_or_load: an argument is missing");
    recsys_status status = rs_aside_check_key(aside, key, "recsys_aside_get_or_load", err);
    if (status != RECSYS_OK)
        return status;
    uint64_t begin = rs_counts_begin(&aside->counts);
    status = run(aside, &request, timeout_ms == 0 ? aside->wait_ms : timeout_ms);
    rs_counts_outcome(&aside->counts, RS_OPERATION_LOAD, request.outcome);
    rs_counts_end(&aside->counts, RS_OPERATION_LOAD, begin);
    if (outcome != NULL)
        *outcome = request.outcome;
    return status;
}
