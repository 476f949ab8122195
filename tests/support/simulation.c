/* tests/support/simulation.c - see simulation.h. */
#include "tests/support/simulation.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/match.h"
#include "tests/support/check.h"

#define MAX_STEPS 20000u /* a run needs a few hundred */

/* -- chance -- */

static uint64_t next(struct simulation *sim)
{
    sim->random += 0x9e3779b97f4a7c15u;
    uint64_t h = sim->random;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

uint64_t sim_random(struct simulation *sim, uint64_t n)
{
    return next(sim) % n;
}

int sim_chance(struct simulation *sim, unsigned of_1000)
{
    return of_1000 > 0 && next(sim) % 1000 < of_1000;
}

void sim_init(struct simulation *sim, uint64_t seed)
{
    memset(sim, 0, sizeof *sim);
    sim->seed = sim->random = seed;
    sim->now_ms = 1000000;
    sim->incarnation = 1;
    sim->stickiness = (unsigned)sim_random(sim, 950);
    for (unsigned i = 0; i < SIM_KEYS; i++) {
        sim->rows[i].version = 1;
        sim->rows[i].exists[1] = 1;
    }
}

void sim_trace(const struct simulation *sim, const char *format, ...)
{
    va_list arguments;

    if (!sim->is_traced)
        return;
    printf("%6" PRIu64 " actor %u: ", sim->now_ms - 1000000, sim->current);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

/* -- the baton -- */

static struct {
    struct simulation *sim; /* the one that runs */
    pthread_t threads[SIM_ACTORS];
    sem_t start[SIM_ACTORS], end;
    unsigned n;
    int is_over;
} pool;

static int may_run(const struct simulation *sim, unsigned i)
{
    return !sim->actors[i].is_done && sim->actors[i].wakes_ms <= sim->now_ms;
}

/* The next actor; n_actors if all are done. */
static unsigned draw(struct simulation *sim)
{
    unsigned able[SIM_ACTORS], n = 0;
    uint64_t soonest = UINT64_MAX;

    if (sim_chance(sim, 250))
        sim->now_ms += sim_random(sim, 4);
    if (may_run(sim, sim->current) && sim_chance(sim, sim->stickiness))
        return sim->current;
    for (;;) {
        for (unsigned i = 0; i < sim->n_actors; i++) {
            if (may_run(sim, i))
                able[n++] = i;
            else if (!sim->actors[i].is_done && sim->actors[i].wakes_ms < soonest)
                soonest = sim->actors[i].wakes_ms;
        }
        if (n > 0)
            return able[sim_random(sim, n)];
        if (soonest == UINT64_MAX)
            return sim->n_actors;
        sim->now_ms = soonest;
    }
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        ;
}

void sim_yield(struct simulation *sim)
{
    if (!sim->is_running)
        return;
    unsigned self = sim->current;
    if (++sim->n_steps > MAX_STEPS) {
        fprintf(stderr, "seed %" PRIu64 ": no end after %u steps\n", sim->seed, MAX_STEPS);
        abort();
    }
    unsigned other = draw(sim);
    if (other == self)
        return;
    sim->current = other;
    sem_post(&sim->actors[other].baton);
    wait_for(&sim->actors[self].baton);
}

void sim_sleep(struct simulation *sim, uint32_t ms)
{
    if (!sim->is_running) {
        sim->now_ms += ms;
        return;
    }
    sim->actors[sim->current].wakes_ms = sim->now_ms + ms;
    sim_yield(sim);
}

static void *act(void *number)
{
    unsigned self = *(unsigned *)number;

    for (;;) {
        wait_for(&pool.start[self]);
        if (pool.is_over)
            return NULL;
        struct simulation *sim = pool.sim;
        wait_for(&sim->actors[self].baton);
        sim->body(sim, self);
        sim->actors[self].is_done = 1;
        unsigned other = draw(sim);
        if (other == sim->n_actors) {
            sem_post(&pool.end);
        } else {
            sim->current = other;
            sem_post(&sim->actors[other].baton);
        }
    }
}

static void hire(unsigned n)
{
    static unsigned numbers[SIM_ACTORS];

    if (pool.n == 0)
        CHECK_EQ(sem_init(&pool.end, 0, 0), 0);
    for (; pool.n < n; pool.n++) {
        numbers[pool.n] = pool.n;
        CHECK_EQ(sem_init(&pool.start[pool.n], 0, 0), 0);
        CHECK_EQ(pthread_create(&pool.threads[pool.n], NULL, act, &numbers[pool.n]), 0);
    }
}

void sim_run(struct simulation *sim, unsigned n_actors,
             void (*body)(struct simulation *sim, unsigned actor))
{
    CHECK(n_actors <= SIM_ACTORS);
    hire(n_actors);
    sim->n_actors = n_actors;
    sim->body = body;
    sim->is_running = 1;
    pool.sim = sim;
    for (unsigned i = 0; i < n_actors; i++) {
        CHECK_EQ(sem_init(&sim->actors[i].baton, 0, 0), 0);
        sim->actors[i].wakes_ms = 0;
        sim->actors[i].is_done = 0;
        sem_post(&pool.start[i]);
    }
    sim->current = (unsigned)sim_random(sim, n_actors);
    sem_post(&sim->actors[sim->current].baton);
    wait_for(&pool.end);
    sim->is_running = 0;
    for (unsigned i = 0; i < n_actors; i++)
        sem_destroy(&sim->actors[i].baton);
}

void sim_end(void)
{
    pool.is_over = 1;
    for (unsigned i = 0; i < pool.n; i++) {
        sem_post(&pool.start[i]);
        pthread_join(pool.threads[i], NULL);
        sem_destroy(&pool.start[i]);
    }
    if (pool.n > 0)
        sem_destroy(&pool.end);
    pool.n = 0;
    pool.is_over = 0;
}

/* -- the store -- */

static struct sim_slot *find(struct simulation *sim, const void *key, size_t size)
{
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        struct sim_slot *slot = &sim->slots[i];
        if (slot->key_size != size || memcmp(slot->key, key, size) != 0)
            continue;
        if (slot->expires_ms == 0 || slot->expires_ms > sim->now_ms)
            return slot;
        slot->key_size = 0;
    }
    return NULL;
}

static struct sim_slot *find_free(struct simulation *sim)
{
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        struct sim_slot *slot = &sim->slots[i];
        if (slot->key_size == 0 || (slot->expires_ms != 0 && slot->expires_ms <= sim->now_ms))
            return slot;
    }
    abort(); /* there are only so many keys */
}

static void put(struct simulation *sim, struct sim_slot *slot, const struct sim_slot *content)
{
    if (sim->n_undo == SIM_UNDO) { /* that one is on the disk */
        memmove(sim->undo, sim->undo + 1, (SIM_UNDO - 1) * sizeof *sim->undo);
        sim->n_undo--;
    }
    sim->undo[sim->n_undo].index = (size_t)(slot - sim->slots);
    sim->undo[sim->n_undo++].before = *slot;
    if (content == NULL)
        slot->key_size = 0;
    else
        *slot = *content;
}

static void put_or_remove(struct simulation *sim, const struct sim_slot *wanted, int is_there,
                          uint64_t ttl_ms)
{
    struct sim_slot *slot = find(sim, wanted->key, wanted->key_size);
    struct sim_slot content = *wanted;

    content.expires_ms = ttl_ms == RECSYS_NEVER ? 0 : sim->now_ms + ttl_ms;
    if (is_there)
        put(sim, slot == NULL ? find_free(sim) : slot, &content);
    else if (slot != NULL)
        put(sim, slot, NULL);
}

static recsys_status exchange(struct simulation *sim, const struct sim_change *wanted)
{
    const struct sim_slot *companion = find(sim, wanted->slot.key, wanted->slot.key_size);
    const struct sim_slot *text = find(sim, wanted->text.key, wanted->text.key_size);

    if (wanted->is_conditional &&
        (companion == NULL || companion->value_size < wanted->prefix_size ||
         memcmp(companion->value, wanted->prefix, wanted->prefix_size) != 0 ||
         (text != NULL) != wanted->has_seen ||
         (text != NULL && (text->value_size != wanted->seen_size ||
                           memcmp(text->value, wanted->seen, wanted->seen_size) != 0))))
        return RECSYS_E_NOT_FOUND;
    put_or_remove(sim, &wanted->slot, wanted->has_companion, wanted->ttl_ms);
    put_or_remove(sim, &wanted->text, wanted->has_text, wanted->ttl_ms);
    return RECSYS_OK;
}

static recsys_status change(struct simulation *sim, const struct sim_change *wanted)
{
    if (wanted->what == SIM_EXCHANGE)
        return exchange(sim, wanted);
    struct sim_slot *slot = find(sim, wanted->slot.key, wanted->slot.key_size);

    switch (wanted->what) {
    case SIM_SET_IF_ABSENT:
        if (slot != NULL)
            return RECSYS_E_EXISTS;
        break;
    case SIM_REMOVE:
        if (slot != NULL)
            put(sim, slot, NULL);
        return RECSYS_OK;
    case SIM_REPLACE:
    case SIM_REPLACE_BY_NOTHING:
        if (slot == NULL || slot->value_size < wanted->prefix_size ||
            memcmp(slot->value, wanted->prefix, wanted->prefix_size) != 0)
            return RECSYS_E_NOT_FOUND;
        break;
    default:
        break;
    }
    struct sim_slot content = wanted->slot;
    content.expires_ms = wanted->ttl_ms == RECSYS_NEVER ? 0 : sim->now_ms + wanted->ttl_ms;
    put(sim, slot == NULL ? find_free(sim) : slot,
        wanted->what == SIM_REPLACE_BY_NOTHING ? NULL : &content);
    return RECSYS_OK;
}

int sim_arrive(struct simulation *sim)
{
    if (sim->n_late == 0)
        return 0;
    size_t i = (size_t)sim_random(sim, sim->n_late);
    struct sim_change late = sim->late[i];
    sim_trace(sim, "arrives late: change %d of %.*s", (int)late.what, (int)late.slot.key_size,
              (const char *)late.slot.key);
    sim->late[i] = sim->late[--sim->n_late];
    change(sim, &late);
    return 1;
}

static void restart(struct simulation *sim)
{
    size_t n_lost = (size_t)sim_random(sim, sim->n_undo + 1);

    sim_trace(sim, "the store restarts and forgets %zu changes", n_lost);

    for (; n_lost > 0; n_lost--) {
        sim->n_undo--;
        sim->slots[sim->undo[sim->n_undo].index] = sim->undo[sim->n_undo].before;
    }
    sim->n_undo = 0;
    sim->incarnation++;
    sim->n_restarts++;
}

/* Accidents of the store and of the process that uses it, at any operation. */
static void have_accidents(struct sim_process *process)
{
    struct simulation *sim = process->sim;

    if (!sim->is_running)
        return;
    if (sim_chance(sim, sim->chances.evicts)) {
        struct sim_slot *slot = &sim->slots[sim_random(sim, SIM_SLOTS)];
        sim_trace(sim, "%.*s is evicted", (int)slot->key_size, (const char *)slot->key);
        slot->key_size = 0;
    }
    if (sim_chance(sim, sim->chances.restarts))
        restart(sim);
    if (sim->n_late > 0 && sim_chance(sim, 300))
        sim_arrive(sim);
    if (!process->is_dead && sim_chance(sim, sim->chances.dies)) {
        process->is_dead = 1;
        sim->n_deaths++;
        sim_trace(sim, "its process dies");
    }
}

enum fate { GOES_WELL, FAILS_BEFORE, FAILS_AFTER, FAILS_AND_HAPPENS_LATER };

static enum fate decide(struct sim_process *process, int is_change, recsys_status *status)
{
    static const recsys_status statuses[] = {RECSYS_E_TIMEOUT, RECSYS_E_IO, RECSYS_E_BACKEND};
    struct simulation *sim = process->sim;

    sim_yield(sim);
    have_accidents(process);
    *status = RECSYS_E_IO;
    if (process->is_dead)
        return FAILS_BEFORE;
    if (!sim->is_running || !sim_chance(sim, sim->chances.fails))
        return GOES_WELL;
    sim->n_faults++;
    *status = statuses[sim_random(sim, 3)];
    switch (sim_random(sim, 3)) {
    case 0:
        return is_change ? FAILS_AFTER : FAILS_BEFORE;
    case 1:
        return is_change && sim->n_late < SIM_LATE ? FAILS_AND_HAPPENS_LATER : FAILS_BEFORE;
    default:
        return FAILS_BEFORE;
    }
}

static void prepare(struct sim_change *wanted, int what, recsys_bytes key, recsys_bytes value,
                    uint64_t ttl_ms)
{
    memset(wanted, 0, sizeof *wanted);
    CHECK(key.size <= sizeof wanted->slot.key && value.size <= SIM_MAX_VALUE);
    wanted->what = (enum sim_what)what;
    wanted->slot.key_size = key.size;
    memcpy(wanted->slot.key, key.data, key.size);
    wanted->slot.value_size = value.size;
    if (value.size > 0)
        memcpy(wanted->slot.value, value.data, value.size);
    wanted->ttl_ms = ttl_ms;
}

static const char *const change_names[] = {"set", "set if absent", "remove", "replace",
                                           "replace by nothing", "exchange"};

static recsys_status apply(struct sim_process *process, const struct sim_change *wanted)
{
    struct simulation *sim = process->sim;
    recsys_status failure, status = RECSYS_OK;
    enum fate fate = decide(process, 1, &failure);

    if (fate == FAILS_AND_HAPPENS_LATER)
        sim->late[sim->n_late++] = *wanted;
    else if (fate != FAILS_BEFORE)
        status = change(sim, wanted);
    sim_trace(sim, "%s %.*s (%c -> %c): fate %d, %s", change_names[wanted->what],
              (int)wanted->slot.key_size, (const char *)wanted->slot.key,
              wanted->prefix_size > 0 ? wanted->prefix[0] : '-',
              wanted->slot.value_size > 0 ? wanted->slot.value[0] : '-', (int)fate,
              recsys_status_name(fate == GOES_WELL ? status : failure));
    sim_yield(sim);
    return fate == GOES_WELL ? status : failure;
}

static recsys_value copy_out(const struct sim_slot *slot)
{
    char *copy = slot == NULL ? NULL : malloc(slot->value_size + 1);

    if (copy == NULL)
        return (recsys_value){NULL, 0, NULL, NULL};
    memcpy(copy, slot->value, slot->value_size);
    return (recsys_value){copy, slot->value_size, copy, free};
}

static recsys_status store_get(void *self, const recsys_bytes *keys, size_t n, recsys_value *values,
                               uint64_t *incarnation, recsys_error *err)
{
    struct sim_process *process = self;
    recsys_status failure;

    (void)err;
    if (decide(process, 0, &failure) != GOES_WELL)
        return failure;
    for (size_t i = 0; i < n; i++)
        values[i] = copy_out(find(process->sim, keys[i].data, keys[i].size));
    *incarnation = process->sim->incarnation;
    sim_trace(process->sim, "get %.*s: %c", (int)keys[n - 1].size, (const char *)keys[n - 1].data,
              values[n - 1].size > 0 ? *(const char *)values[n - 1].data : '-');
    sim_yield(process->sim);
    return RECSYS_OK;
}

static recsys_status store_set(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                               uint32_t when, recsys_error *err)
{
    struct sim_process *process = self;
    struct sim_change wanted;

    (void)err;
    prepare(&wanted, when == RECSYS_STORE_IF_ABSENT ? SIM_SET_IF_ABSENT : SIM_SET, key, value,
            ttl_ms);
    return apply(process, &wanted);
}

/* Each key by itself: a longer command may be executed in part before the server dies. */
static recsys_status store_remove(void *self, const recsys_bytes *keys, size_t n,
                                  uint64_t *n_removed, recsys_error *err)
{
    struct sim_process *process = self;
    recsys_status status = RECSYS_OK;

    (void)err;
    *n_removed = 0;
    for (size_t i = 0; i < n && status == RECSYS_OK; i++) {
        struct sim_change wanted;
        prepare(&wanted, SIM_REMOVE, keys[i], (recsys_bytes){NULL, 0}, 0);
        status = apply(process, &wanted);
    }
    return status;
}

static recsys_status store_get_or_set(void *self, recsys_bytes key, recsys_bytes value,
                                      uint64_t ttl_ms, recsys_value *present, uint64_t *incarnation,
                                      recsys_error *err)
{
    struct sim_process *process = self;
    struct simulation *sim = process->sim;
    struct sim_change wanted;
    recsys_status failure;

    (void)err;
    prepare(&wanted, SIM_SET_IF_ABSENT, key, value, ttl_ms);
    enum fate fate = decide(process, 1, &failure);
    struct sim_slot *slot = find(sim, key.data, key.size);
    if (fate == FAILS_AND_HAPPENS_LATER)
        sim->late[sim->n_late++] = wanted;
    else if (fate != FAILS_BEFORE && slot == NULL)
        change(sim, &wanted);
    if (fate == GOES_WELL)
        *present = copy_out(slot);
    *incarnation = sim->incarnation;
    sim_trace(sim, "get or set %.*s: %c, fate %d", (int)key.size, (const char *)key.data,
              slot != NULL ? slot->value[0] : '-', (int)fate);
    sim_yield(sim);
    return fate == GOES_WELL ? RECSYS_OK : failure;
}

static recsys_status store_replace(void *self, recsys_bytes key, recsys_bytes prefix,
                                   recsys_bytes value, uint64_t ttl_ms, recsys_error *err)
{
    struct sim_process *process = self;
    struct sim_change wanted;

    (void)err;
    prepare(&wanted, value.data == NULL ? SIM_REPLACE_BY_NOTHING : SIM_REPLACE, key, value, ttl_ms);
    CHECK(prefix.size <= sizeof wanted.prefix);
    memcpy(wanted.prefix, prefix.data, prefix.size);
    wanted.prefix_size = prefix.size;
    return apply(process, &wanted);
}

static void copy_in(unsigned char *to, size_t *size, recsys_bytes from)
{
    CHECK(from.size <= SIM_MAX_VALUE);
    *size = from.size;
    if (from.size > 0)
        memcpy(to, from.data, from.size);
}

static recsys_status store_exchange(void *self, const recsys_exchange *given, recsys_error *err)
{
    struct sim_process *process = self;
    struct sim_change wanted;

    (void)err;
    prepare(&wanted, SIM_EXCHANGE, given->companion_key, given->companion, given->ttl_ms);
    CHECK(given->key.size <= sizeof wanted.text.key);
    wanted.text.key_size = given->key.size;
    memcpy(wanted.text.key, given->key.data, given->key.size);
    copy_in(wanted.text.value, &wanted.text.value_size, given->value);
    copy_in(wanted.prefix, &wanted.prefix_size, given->prefix);
    copy_in(wanted.seen, &wanted.seen_size, given->seen);
    wanted.is_conditional = (given->flags & RECSYS_EXCHANGE_IF_SEEN) != 0;
    wanted.has_seen = given->seen.data != NULL;
    wanted.has_text = given->value.data != NULL;
    wanted.has_companion = given->companion.data != NULL;
    return apply(process, &wanted);
}

/* One slot a step, and a yield in between, so that keys come and go during a walk. */
static recsys_status store_scan(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                                recsys_key_callback callback, void *user_data, recsys_error *err)
{
    struct sim_process *process = self;
    recsys_status failure;

    (void)err;
    if (decide(process, 0, &failure) != GOES_WELL)
        return failure;
    const struct sim_slot slot = process->sim->slots[*cursor];
    if (slot.key_size > 0 && rs_key_matches(slot.key, slot.key_size, parts, n))
        callback((recsys_bytes){slot.key, slot.key_size}, user_data);
    *cursor = (*cursor + 1) % SIM_SLOTS;
    sim_yield(process->sim);
    return RECSYS_OK;
}

static recsys_status store_ping(void *self, recsys_error *err)
{
    recsys_status failure;

    (void)err;
    return decide(self, 0, &failure) == GOES_WELL ? RECSYS_OK : failure;
}

static void store_destroy(void *self)
{
    (void)self;
}

static uint64_t now(void *user_data)
{
    return ((const struct simulation *)user_data)->now_ms;
}

void sim_open_store(struct sim_process *process)
{
    static const recsys_store_driver driver = {
        .struct_size = (uint32_t)sizeof driver,
        .get = store_get,
        .set = store_set,
        .remove = store_remove,
        .get_or_set = store_get_or_set,
        .replace = store_replace,
        .exchange = store_exchange,
        .scan = store_scan,
        .ping = store_ping,
        .destroy = store_destroy,
    };
    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;
    recsys_error err;

    options.failures = 1 + (uint32_t)sim_random(process->sim, 5);
    options.rest_ms = 1 + (uint32_t)sim_random(process->sim, 20);
    options.now_ms = now;
    options.user_data = process->sim;
    CHECK_OK(recsys_store_create("sim", &driver, process, &options, &process->store, &err), &err);
}

/* -- the database -- */

uint64_t sim_read(struct sim_process *process, unsigned key, int *exists)
{
    struct simulation *sim = process->sim;

    sim_yield(sim);
    uint64_t version = sim->rows[key].version;
    *exists = sim->rows[key].exists[version];
    sim_trace(sim, "reads row %u: version %" PRIu64, key, version);
    if (sim_chance(sim, 200))
        sim_sleep(sim, (uint32_t)sim_random(sim, 40));
    sim_yield(sim);
    return version;
}

uint64_t sim_commit(struct sim_process *process, unsigned key, int exists)
{
    struct simulation *sim = process->sim;

    sim_yield(sim);
    if (process->is_dead)
        return 0;
    uint64_t version = ++sim->rows[key].version;
    CHECK(version < SIM_VERSIONS);
    sim->rows[key].exists[version] = (uint8_t)exists;
    sim_trace(sim, "commits row %u: version %" PRIu64, key, version);
    sim_yield(sim);
    return version;
}
