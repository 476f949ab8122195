/* tests/support/simulation.h - several processes, one store and one database, in an order that a
 * seed decides.
 *
 * Actors are threads of which exactly one runs at a time: the one that holds the
 * baton. They pass it on before and after every operation of the store and of
 * the database, while they sleep, and nowhere else; the seed decides which actor
 * gets it next, and also everything that goes wrong. So a run can be repeated by
 * its seed alone. The clock is simulated too: it moves a little now and then,
 * and at once to the next waker when all sleep.
 *
 * The store behaves as Redis does and forgets as Redis does: keys expire, are
 * evicted, and after a restart the last few operations may not have happened
 * and it has another incarnation. Its clients may be told that an operation failed
 * which did not happen, did happen, or will happen some time later. A process
 * may die at any operation: from then on nothing it does has an effect.
 *
 * The database has rows with a version that grows with every commit.
 */
#ifndef TESTS_SUPPORT_SIMULATION_H
#define TESTS_SUPPORT_SIMULATION_H

#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>

#include "recsys/store.h"

#define SIM_ACTORS 6
#define SIM_KEYS 2
#define SIM_VERSIONS 64
#define SIM_SLOTS 8
#define SIM_UNDO 8
#define SIM_LATE 4
#define SIM_MAX_VALUE 192

struct simulation;

/* The chances, of 1000, of each accident at an operation of the store. */
struct sim_chances {
    unsigned fails, evicts, restarts, dies;
};

struct sim_slot {
    unsigned char key[24], value[SIM_MAX_VALUE];
    size_t key_size, value_size; /* key_size 0: free */
    uint64_t expires_ms;         /* 0 = never */
};

/* A change of the store, done now or later. */
struct sim_change {
    enum sim_what {
        SIM_SET,
        SIM_SET_IF_ABSENT,
        SIM_REMOVE,
        SIM_REPLACE,
        SIM_REPLACE_BY_NOTHING,
        SIM_EXCHANGE
    } what;
    struct sim_slot slot; /* key and value */
    uint64_t ttl_ms;
    /* SIM_EXCHANGE: slot is the companion's; size 0 removes it, and so for `text` */
    struct sim_slot text;
    unsigned char seen[SIM_MAX_VALUE];
    size_t seen_size;
    int is_conditional, has_seen, has_companion, has_text;
    unsigned char prefix[SIM_MAX_VALUE];
    size_t prefix_size;
};

struct sim_process {
    struct simulation *sim;
    int is_dead;
    recsys_store *store; /* its own access, with a breaker of its own */
};

struct sim_actor {
    sem_t baton;
    uint64_t wakes_ms;
    int is_done;
};

struct simulation {
    uint64_t seed, random, now_ms;
    struct sim_chances chances;
    unsigned stickiness; /* of 1000: how likely who runs goes on running */
    unsigned n_actors, current;
    int is_running; /* else nobody yields: the one thread that sets up and looks at the end */
    int is_traced;  /* say on stdout what happens */
    struct sim_actor actors[SIM_ACTORS];
    void (*body)(struct simulation *sim, unsigned actor);
    /* the store */
    struct sim_slot slots[SIM_SLOTS];
    struct {
        size_t index;
        struct sim_slot before;
    } undo[SIM_UNDO];
    size_t n_undo;
    struct sim_change late[SIM_LATE];
    size_t n_late;
    uint64_t incarnation;
    /* the database */
    struct {
        uint64_t version;
        uint8_t exists[SIM_VERSIONS];
    } rows[SIM_KEYS];
    /* counts */
    unsigned long n_steps, n_faults, n_restarts, n_deaths;
};

void sim_init(struct simulation *sim, uint64_t seed);
/* Run `body` once for each actor, all of them at the same time, to the end. */
void sim_run(struct simulation *sim, unsigned n_actors,
             void (*body)(struct simulation *sim, unsigned actor));
/* End the threads that sim_run() keeps for the next time. */
void sim_end(void);

/* A line of the trace, if there is one. */
void sim_trace(const struct simulation *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

uint64_t sim_random(struct simulation *sim, uint64_t n); /* 0..n-1 */
int sim_chance(struct simulation *sim, unsigned of_1000);
void sim_yield(struct simulation *sim);
void sim_sleep(struct simulation *sim, uint32_t ms);

/* A store for a process; give it to recsys_store_unref(). */
void sim_open_store(struct sim_process *process);
/* Operations that are still under way arrive, one by one. 0 if there is nothing. */
int sim_arrive(struct simulation *sim);

/* The database. A dead process commits nothing: then 0. */
uint64_t sim_read(struct sim_process *process, unsigned key, int *exists);
uint64_t sim_commit(struct sim_process *process, unsigned key, int exists);

#endif
