/* lib/aside/flights.c - see flights.h.
 *
 * One lock for all flights of a cache, taken only by those who miss. Loaders
 * run without it. A flight can be found only while it is listed; it stays valid
 * until its last follower has left.
 */
#include "lib/aside/flights.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/store/match.h"

struct rs_flight {
    struct rs_flight *next;
    recsys_bytes key; /* the leader's */
    uint64_t hash, epoch;
    unsigned refs;
    int is_listed, is_sealed, is_done;
    int is_answered; /* answer.status and the rest mean something */
    struct rs_answer answer;
    struct rs_signal done;
};

int rs_flights_init(struct rs_flights *flights, uint32_t max_loads,
                    const struct rs_waiting *waiting)
{
    memset(flights, 0, sizeof *flights);
    flights->max_loads = max_loads;
    flights->waiting = *waiting;
    int result = rs_lock_init(&flights->lock);
    if (result != 0)
        return result;
    result = rs_signal_init(&flights->load_ended);
    if (result != 0)
        rs_lock_destroy(&flights->lock);
    return result;
}

void rs_flights_destroy(struct rs_flights *flights)
{
    rs_signal_destroy(&flights->load_ended);
    rs_lock_destroy(&flights->lock);
}

static int is_of(const struct rs_flight *flight, recsys_bytes key, uint64_t hash)
{
    return flight->hash == hash && flight->key.size == key.size &&
           memcmp(flight->key.data, key.data, key.size) == 0;
}

static void unlist(struct rs_flight **link)
{
    struct rs_flight *flight = *link;

    *link = flight->next;
    flight->is_listed = 0;
}

/* Under the lock. Afterwards, without it, destroy() the result. */
static struct rs_flight *leave(struct rs_flight *flight)
{
    return --flight->refs == 0 ? flight : NULL;
}

static void destroy(struct rs_flight *flight)
{
    if (flight == NULL)
        return;
    rs_image_unref(flight->answer.image);
    rs_signal_destroy(&flight->done);
    rs_free(flight);
}

static struct rs_flight *create(recsys_bytes key, uint64_t hash, uint64_t epoch)
{
    struct rs_flight *flight = rs_alloc_array(1, sizeof *flight);

    if (flight == NULL || rs_signal_init(&flight->done) != 0) {
        rs_free(flight);
        return NULL;
    }
    flight->key = key;
    flight->hash = hash;
    flight->epoch = epoch;
    flight->refs = 1;
    flight->is_listed = 1;
    return flight;
}

/* The flight to join: one that is not sealed rather than one that is. */
static struct rs_flight *find(const struct rs_flights *flights, recsys_bytes key, uint64_t hash,
                              uint64_t epoch)
{
    struct rs_flight *found = NULL;

    for (struct rs_flight *flight = flights->first; flight != NULL; flight = flight->next) {
        if (is_of(flight, key, hash) && flight->epoch == epoch &&
            (found == NULL || !flight->is_sealed))
            found = flight;
    }
    return found;
}

enum rs_joined rs_flights_join(struct rs_flights *flights, recsys_bytes key, uint64_t epoch,
                               struct rs_flight **flight, struct rs_flight **before, int *may_share)
{
    uint64_t hash = rs_hash_bytes(key.data, key.size, rs_hash_seed());
    enum rs_joined joined = RS_JOINED_LEAD;

    *flight = *before = NULL;
    *may_share = 0;
    rs_lock_take(&flights->lock);
    struct rs_flight *found = find(flights, key, hash, epoch);
    if (found != NULL && (!found->is_sealed || epoch != 0)) {
        joined = RS_JOINED_FOLLOW;
        found->refs++;
        *flight = found;
        *may_share = !found->is_sealed;
    } else {
        *flight = create(key, hash, epoch);
        if (*flight != NULL) {
            (*flight)->next = flights->first;
            flights->first = *flight;
        }
        if (found != NULL) {
            found->refs++;
            *before = found;
        }
    }
    rs_lock_give(&flights->lock);
    return joined;
}

enum rs_followed rs_flights_follow(struct rs_flights *flights, struct rs_flight *flight,
                                   int may_share, uint64_t deadline_us, struct rs_answer *answer)
{
    enum rs_followed followed = RS_FOLLOWED_AGAIN;

    rs_lock_take(&flights->lock);
    while (!flight->is_done)
        if (rs_waiting_signal(&flights->waiting, &flight->done, &flights->lock, deadline_us) != 0)
            break;
    if (!flight->is_done) {
        followed = RS_FOLLOWED_TIMEOUT;
    } else if (flight->is_answered && may_share) {
        *answer = flight->answer;
        if (answer->image != NULL)
            rs_image_ref(answer->image);
        followed = RS_FOLLOWED_ANSWER;
    }
    struct rs_flight *last = leave(flight);
    rs_lock_give(&flights->lock);
    destroy(last);
    return followed;
}

int rs_flights_seal(struct rs_flights *flights, struct rs_flight *flight)
{
    if (flight == NULL)
        return 0;
    rs_lock_take(&flights->lock);
    flight->is_sealed = 1;
    int is_followed = flight->refs > 1;
    rs_lock_give(&flights->lock);
    return is_followed;
}

void rs_flights_finish(struct rs_flights *flights, struct rs_flight *flight,
                       const struct rs_answer *answer)
{
    if (flight == NULL)
        return;
    rs_lock_take(&flights->lock);
    if (answer != NULL) {
        flight->is_answered = 1;
        flight->answer = *answer;
        if (answer->image != NULL)
            rs_image_ref(answer->image);
    }
    flight->is_done = 1;
    for (struct rs_flight **link = &flights->first; flight->is_listed; link = &(*link)->next) {
        if (*link == flight) {
            unlist(link);
            break;
        }
    }
    rs_signal_all(&flight->done);
    struct rs_flight *last = leave(flight);
    rs_lock_give(&flights->lock);
    destroy(last);
}

void rs_flights_unlist(struct rs_flights *flights, recsys_bytes key)
{
    uint64_t hash = rs_hash_bytes(key.data, key.size, rs_hash_seed());

    rs_lock_take(&flights->lock);
    for (struct rs_flight **link = &flights->first; *link != NULL;) {
        if (is_of(*link, key, hash))
            unlist(link);
        else
            link = &(*link)->next;
    }
    rs_lock_give(&flights->lock);
}

void rs_flights_unlist_matching(struct rs_flights *flights, const recsys_bytes *parts, size_t n)
{
    rs_lock_take(&flights->lock);
    for (struct rs_flight **link = &flights->first; *link != NULL;) {
        if (rs_key_matches((*link)->key.data, (*link)->key.size, parts, n))
            unlist(link);
        else
            link = &(*link)->next;
    }
    rs_lock_give(&flights->lock);
}

void rs_flights_unlist_all(struct rs_flights *flights)
{
    rs_lock_take(&flights->lock);
    while (flights->first != NULL)
        unlist(&flights->first);
    rs_lock_give(&flights->lock);
}

int rs_flights_enter(struct rs_flights *flights, uint64_t deadline_us)
{
    int has_entered = 0;

    rs_lock_take(&flights->lock);
    while (flights->n_loads >= flights->max_loads)
        if (rs_waiting_signal(&flights->waiting, &flights->load_ended, &flights->lock,
                              deadline_us) != 0)
            break;
    if (flights->n_loads < flights->max_loads) {
        flights->n_loads++;
        has_entered = 1;
    }
    rs_lock_give(&flights->lock);
    return has_entered;
}

void rs_flights_leave(struct rs_flights *flights)
{
    rs_lock_take(&flights->lock);
    flights->n_loads--;
    rs_signal_one(&flights->load_ended);
    rs_lock_give(&flights->lock);
}
