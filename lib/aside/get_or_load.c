/* lib/aside/get_or_load.c - look a key up, or load it: runs the states of get_or_load.h.
 *
 * This file has the first two states, LOOK and JUDGE, and the loop that takes a call
 * from state to state. A caller that has lost a race reads and judges again, without
 * any assumption about what happened meanwhile.
 *
 * With RECSYS_TRACE_ASIDE each step of the loop is a line: cache, key, state, event
 * and next state.
 */
#include "lib/aside/get_or_load.h"

#include "lib/aside/load_again.h"
#include "lib/base/error.h"
#include "lib/base/trace.h"

#define MAX_ROUNDS 4 /* of leading or following */

static enum rs_load_event look(struct rs_load_call *call)
{
    rs_look_release(&call->look);
    rs_aside_look(call->aside, call->key, 1, RS_OPERATION_LOAD, &call->look, NULL);
    return RS_LOAD_ON_LOOKED;
}

static enum rs_load_event say_negative(struct rs_load_call *call)
{
    call->outcome = RECSYS_ASIDE_NEGATIVE;
    call->status =
        rs_error(call->err, RECSYS_E_NOT_FOUND, "cache %s: known not to exist", call->aside->label);
    return RS_LOAD_ON_NEGATIVE;
}

static enum rs_load_event say_reentered(struct rs_load_call *call)
{
    call->outcome = RECSYS_ASIDE_UNKNOWN;
    call->status =
        rs_error(call->err, RECSYS_E_STATE,
                 "cache %s: a loader asks for the key that it is loading", call->aside->label);
    return RS_LOAD_ON_REENTERED;
}

static void set_deadline(struct rs_load_call *call)
{
    call->deadline_us =
        call->timeout_ms == RECSYS_NEVER_32
            ? RECSYS_NEVER
            : rs_waiting_now_us(&call->aside->waiting) + (uint64_t)call->timeout_ms * 1000u;
}

static int is_tired(const struct rs_load_call *call)
{
    return call->round == MAX_ROUNDS ||
           (call->round > 0 && rs_waiting_now_us(&call->aside->waiting) >= call->deadline_us);
}

static enum rs_load_event judge(struct rs_load_call *call)
{
    enum rs_found found = call->look.found;

    if (found == RS_FOUND_FRESH || found == RS_FOUND_STALE)
        return RS_LOAD_ON_VALUE;
    if (found == RS_FOUND_NEGATIVE)
        return say_negative(call);
    if (call->round == 0 && rs_aside_is_loading(call->aside, call->key))
        return say_reentered(call);
    if (is_tired(call))
        return found == RS_FOUND_AWAY ? RS_LOAD_ON_TIRED_AWAY : RS_LOAD_ON_TIRED;
    if (call->round == 0)
        set_deadline(call);
    return RS_LOAD_ON_MISSING;
}

/* -- the machine -- */

static enum rs_load_event (*const acts[RS_LOAD_N_STATES])(struct rs_load_call *call) = {
    [RS_LOAD_LOOK] = look,
    [RS_LOAD_JUDGE] = judge,
    [RS_LOAD_USE] = rs_load_use,
    [RS_LOAD_CLAIM] = rs_load_claim,
    [RS_LOAD_RELOAD] = rs_load_reload,
    [RS_LOAD_REPLACE] = rs_load_replace,
    [RS_LOAD_SERVE] = rs_load_serve,
    [RS_LOAD_JOIN] = rs_load_join,
    [RS_LOAD_FOLLOW] = rs_load_follow,
    [RS_LOAD_TAKE] = rs_load_take,
    [RS_LOAD_WAIT] = rs_load_wait,
    [RS_LOAD_WATCH] = rs_load_watch,
    [RS_LOAD_STEP_DOWN] = rs_load_step_down,
    [RS_LOAD_GATHER] = rs_load_gather,
    [RS_LOAD_ENTER] = rs_load_enter,
    [RS_LOAD_LOAD] = rs_load_load,
    [RS_LOAD_FILL] = rs_load_fill,
    [RS_LOAD_CONFIRM] = rs_load_confirm,
    [RS_LOAD_ANSWER] = rs_load_answer,
};

#define NEXT(state, event, next) [RS_LOAD_##state][RS_LOAD_ON_##event] = RS_LOAD_##next,
static const unsigned char next_of[RS_LOAD_N_STATES][RS_LOAD_N_EVENTS] = {
    RS_LOAD_TRANSITIONS(NEXT)};

static void trace(const struct rs_load_call *call, enum rs_load_state state,
                  enum rs_load_event event, enum rs_load_state next)
{
#define NAME(name) #name,
    static const char *const states[] = {RS_LOAD_STATES(NAME)};
    static const char *const events[] = {RS_LOAD_EVENTS(NAME)};
    char key[RS_TRACE_TEXT_SIZE];

    rs_trace(RECSYS_TRACE_ASIDE, "cache %s key %s: %s: %s -> %s", call->aside->label,
             rs_trace_text(call->key.data, call->key.size, key), states[state], events[event],
             states[next]);
}

static void run(struct rs_load_call *call)
{
    int is_traced = rs_trace_is_on(RECSYS_TRACE_ASIDE);

    for (enum rs_load_state state = RS_LOAD_LOOK; state != RS_LOAD_DONE;) {
        enum rs_load_event event = acts[state](call);
        enum rs_load_state next = next_of[state][event];
        if (is_traced)
            trace(call, state, event, next);
        state = next;
    }
}

/* `call` is not cleared, which a hit would have to pay for. */
static recsys_status begin_and_run(struct rs_load_call *call, recsys_aside *aside, recsys_bytes key,
                                   recsys_aside_loader loader, void *user_data, uint32_t timeout_ms,
                                   recsys_value *out, uint32_t *outcome, recsys_error *err)
{
    if (outcome != NULL)
        *outcome = 0;
    if (out != NULL)
        *out = (recsys_value){NULL, 0, NULL, NULL};
    if (out == NULL || loader == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_get_or_load: an argument is missing");
    recsys_status status = rs_aside_check_key(aside, key, "recsys_aside_get_or_load", err);
    if (status != RECSYS_OK)
        return status;
    call->aside = aside;
    call->key = key;
    call->loader = loader;
    call->user_data = user_data;
    call->timeout_ms = timeout_ms == 0 ? aside->wait_ms : timeout_ms;
    call->out = out;
    call->err = err;
    call->round = 0;
    call->loaded = RECSYS_OK;
    call->look.held = (recsys_value){NULL, 0, NULL, NULL};
    call->look.text = (recsys_value){NULL, 0, NULL, NULL};
    call->flight = NULL;
    call->has_lease = call->has_place = 0;
    uint64_t begin = rs_counts_begin(&aside->counts);
    run(call);
    recsys_value_release(&call->look.text);
    rs_counts_outcome(&aside->counts, RS_OPERATION_LOAD, call->outcome);
    rs_counts_end(&aside->counts, RS_OPERATION_LOAD, begin);
    if (outcome != NULL)
        *outcome = call->outcome;
    return call->status;
}

recsys_status recsys_aside_get_or_load(recsys_aside *aside, recsys_bytes key,
                                       recsys_aside_loader loader, void *user_data,
                                       uint32_t timeout_ms, recsys_value *out, uint32_t *outcome,
                                       recsys_error *err)
{
    struct rs_load_call call;

    call.is_again = 0;
    return begin_and_run(&call, aside, key, loader, user_data, timeout_ms, out, outcome, err);
}

recsys_status rs_aside_load_again(recsys_aside *aside, recsys_bytes key, recsys_aside_loader loader,
                                  void *user_data, recsys_value *out, uint32_t *outcome,
                                  recsys_error *err)
{
    struct rs_load_call call;

    call.is_again = 1;
    call.loaded = RECSYS_OK;
    recsys_status status =
        begin_and_run(&call, aside, key, loader, user_data, 0, out, outcome, err);
    if (status != RECSYS_OK || call.loaded == RECSYS_OK || call.loaded == RECSYS_E_NOT_FOUND)
        return status;
    recsys_value_release(out);
    return err == NULL ? call.loaded : rs_error_copy(err, &call.problem);
}
