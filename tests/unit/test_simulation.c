/* The promise that caching never keeps what has been invalidated, in seeded simulations.
 *
 * Up to three processes with one or two threads each read, write and
 * invalidate two rows through caches over one store, in an order that the seed
 * decides (tests/support/simulation.h). Four conditions:
 *
 *   quiet    nothing goes wrong; leases and values expire, in every order
 *   lossy    keys are evicted, and the store restarts and forgets
 *   failing  operations fail that did not happen, did, or will
 *   mad      all of that, and processes die
 *
 * Checked at every read: it is not older than any write to that row
 * whose invalidation had returned before the read began; where operations fail,
 * any such write of the same process, and of another process as soon as the
 * store was told. And when all is over and the store is well again, every
 * process reads what was written last.
 *
 * All of it twice, for each format of a cached value.
 *
 * A control does the same by get, load, set and commit, delete, in the quiet
 * condition. RECSYS_SEED=n repeats one run of each and says what happens in it;
 * RECSYS_LONG=1 makes more runs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/aside.h"
#include "tests/support/check.h"
#include "tests/support/simulation.h"

#define MAX_PROCESSES 3u

enum condition { QUIET, LOSSY, FAILING, MAD, N_CONDITIONS };
static const char *const condition_names[N_CONDITIONS] = {"quiet", "lossy", "failing", "mad"};
static const char *const plain_names[N_CONDITIONS] = {"quiet, plain", "lossy, plain",
                                                      "failing, plain", "mad, plain"};

struct process {
    struct sim_process base;
    recsys_aside *aside;               /* NULL in the control */
    uint64_t invalidated[SIM_KEYS];    /* by this process, as of when its calls returned */
    unsigned fails_of_1000, n_actions; /* its loaders and writers */
};

static struct simulation sim;
static struct process processes[MAX_PROCESSES];
static unsigned n_processes;
static enum condition condition;
static uint64_t told[SIM_KEYS]; /* invalidated, and the store knows */
static uint64_t n_stale;        /* of this run */
static int is_traced;
static uint32_t format;

static struct simulation_sum {
    unsigned long reads, hits, loads, writes, refused, faults, restarts, deaths, shared, replayed,
        steps;
} sum;

static const char key_texts[SIM_KEYS][3] = {"k0", "k1"};

static recsys_bytes key_of(unsigned key)
{
    return (recsys_bytes){key_texts[key], 2};
}

/* -- what may be read -- */

static void complain(const char *what, unsigned key, uint64_t version, uint64_t floor)
{
    n_stale++;
    if (processes[0].aside != NULL)
        fprintf(stderr,
                "seed %" PRIu64 ", %s: %s of %s: version %" PRIu64 ", but %" PRIu64
                " was invalidated (now %" PRIu64 ")\n",
                sim.seed, condition_names[condition], what, key_texts[key], version, floor,
                sim.rows[key].version);
}

struct value {
    uint64_t key, version;
};

static void check_value(const recsys_value *found, unsigned key, uint64_t floor, const char *what)
{
    struct value value;

    CHECK_EQ(found->size, sizeof value);
    memcpy(&value, found->data, sizeof value);
    CHECK_EQ(value.key, key);
    CHECK(value.version >= 1 && value.version <= sim.rows[key].version);
    CHECK(sim.rows[key].exists[value.version]);
    if (value.version < floor)
        complain(what, key, value.version, floor);
}

/* "There is none" is true if there was none at some time since the floor. */
static void check_absence(unsigned key, uint64_t floor, const char *what)
{
    for (uint64_t version = floor; version <= sim.rows[key].version; version++)
        if (!sim.rows[key].exists[version])
            return;
    complain(what, key, 0, floor);
}

static int is_told(const struct process *process)
{
    recsys_aside_stats stats = {.struct_size = (uint32_t)sizeof stats};
    recsys_store_stats store = {.struct_size = (uint32_t)sizeof store};

    if (process->aside == NULL)
        return 1;
    CHECK_EQ(recsys_aside_get_stats(process->aside, &stats, NULL), RECSYS_OK);
    CHECK_EQ(recsys_store_get_stats(process->base.store, &store, NULL), RECSYS_OK);
    return stats.journal == 0 && store.breaker == RECSYS_BREAKER_CLOSED;
}

/* Every process must see the changes that the store was told of. */
static void settle(void)
{
    for (unsigned i = 0; i < n_processes; i++) {
        const struct process *process = &processes[i];
        if (process->base.is_dead || !is_told(process))
            continue;
        for (unsigned key = 0; key < SIM_KEYS; key++)
            if (process->invalidated[key] > told[key])
                told[key] = process->invalidated[key];
    }
}

static uint64_t floor_of(const struct process *process, unsigned key)
{
    settle();
    return told[key] > process->invalidated[key] ? told[key] : process->invalidated[key];
}

static void note_invalidation(struct process *process, unsigned key, uint64_t version)
{
    if (process->base.is_dead)
        return;
    if (version > process->invalidated[key])
        process->invalidated[key] = version;
    if (condition == QUIET || condition == LOSSY)
        CHECK(is_told(process)); /* nothing fails, so nothing may be put off */
    settle();
}

/* -- through the library -- */

struct loading {
    struct process *process;
    unsigned key;
};

static recsys_status load(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    const struct loading *loading = user_data;
    int exists;
    struct value value = {loading->key, sim_read(&loading->process->base, loading->key, &exists)};

    sum.loads++;
    if (loading->process->base.is_dead || sim_chance(&sim, loading->process->fails_of_1000))
        return RECSYS_E_LIMIT;
    if (!exists)
        return RECSYS_E_NOT_FOUND;
    return recsys_aside_load_set(load, (recsys_bytes){&value, sizeof value}, value.version, 0,
                                 sim_chance(&sim, 50) ? RECSYS_ASIDE_UNCACHED : 0, err);
}

static void get(struct process *process, unsigned key)
{
    uint64_t floor = floor_of(process, key);
    recsys_value value;
    uint32_t outcome;
    recsys_status status = recsys_aside_get(process->aside, key_of(key), &value, &outcome, NULL);

    if (!process->base.is_dead && status == RECSYS_OK)
        check_value(&value, key, floor, "look-up");
    else if (!process->base.is_dead && outcome == RECSYS_ASIDE_NEGATIVE)
        check_absence(key, floor, "look-up");
    else if (!process->base.is_dead)
        CHECK((status == RECSYS_E_NOT_FOUND) == (outcome == RECSYS_ASIDE_MISS));
    CHECK(status != RECSYS_E_FORMAT);
    recsys_value_release(&value);
}

static void get_or_load(struct process *process, unsigned key)
{
    struct loading loading = {process, key};
    uint64_t floor = floor_of(process, key);
    recsys_value value;
    uint32_t outcome;

    sim_trace(&sim, "process %d reads %s", (int)(process - processes), key_texts[key]);
    recsys_status status =
        recsys_aside_get_or_load(process->aside, key_of(key), load, &loading,
                                 (uint32_t)sim_random(&sim, 60), &value, &outcome, NULL);

    sim_trace(&sim, "read of process %d: %s %s, outcome %u, not before %" PRIu64,
              (int)(process - processes), key_texts[key], recsys_status_name(status), outcome,
              floor);
    sum.reads++;
    sum.hits += outcome == RECSYS_ASIDE_HIT;
    if (process->base.is_dead)
        ;
    else if (status == RECSYS_OK)
        check_value(&value, key, floor, "read");
    else if (status == RECSYS_E_NOT_FOUND)
        check_absence(key, floor, "read");
    else /* the loader's own failure, or no loader could be run; never the store's */
        CHECK(status == RECSYS_E_LIMIT || (status == RECSYS_E_EXHAUSTED && condition >= FAILING));
    recsys_value_release(&value);
}

struct writing {
    struct process *process;
    unsigned keys[SIM_KEYS];
    uint64_t versions[SIM_KEYS];
    size_t n;
    int gives_values;
};

static recsys_status write_rows(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    struct writing *rows = user_data;

    for (size_t i = 0; i < rows->n; i++) {
        int exists = !sim_chance(&sim, 250);
        rows->versions[i] = sim_commit(&rows->process->base, rows->keys[i], exists);
        struct value value = {rows->keys[i], rows->versions[i]};
        if (changes != NULL && rows->gives_values && exists && value.version != 0)
            CHECK_EQ(recsys_aside_changes_set(changes, i, (recsys_bytes){&value, sizeof value},
                                              value.version, err),
                     RECSYS_OK);
    }
    return sim_chance(&sim, rows->process->fails_of_1000) ? RECSYS_E_LIMIT : RECSYS_OK;
}

static void draw_rows(struct writing *rows, struct process *process)
{
    unsigned first = (unsigned)sim_random(&sim, SIM_KEYS);

    *rows = (struct writing){.process = process, .keys = {first, 1 - first}};
    rows->n = 1 + (size_t)sim_chance(&sim, 200);
    rows->gives_values = sim_chance(&sim, 500);
}

static void note_rows(const struct writing *rows)
{
    sim_trace(&sim, "write of process %d has returned", (int)(rows->process - processes));
    sum.writes++;
    for (size_t i = 0; i < rows->n; i++)
        note_invalidation(rows->process, rows->keys[i], rows->versions[i]);
}

static void write(struct process *process)
{
    struct writing rows;
    recsys_bytes keys[SIM_KEYS];

    draw_rows(&rows, process);
    for (size_t i = 0; i < rows.n; i++)
        keys[i] = key_of(rows.keys[i]);
    recsys_status status =
        recsys_aside_write(process->aside, keys, rows.n, write_rows, &rows, NULL);
    CHECK(status == RECSYS_OK || status == RECSYS_E_LIMIT);
    note_rows(&rows);
}

/* Commit without the library, then tell it in one of its ways. */
static void invalidate(struct process *process)
{
    struct writing rows;
    const recsys_bytes all_keys[SIM_KEYS] = {key_of(0), key_of(1)};
    const recsys_bytes form[2] = {{"k", 1}, {"", 0}};
    recsys_bytes keys[SIM_KEYS];

    draw_rows(&rows, process);
    for (size_t i = 0; i < rows.n; i++)
        keys[i] = key_of(rows.keys[i]);
    write_rows(NULL, &rows, NULL);
    switch (sim_random(&sim, 4)) {
    case 0:
        CHECK_EQ(recsys_aside_invalidate_all(process->aside, NULL), RECSYS_OK);
        break;
    case 1: {
        recsys_status status =
            recsys_aside_invalidate_matching(process->aside, form, 2, NULL, NULL);
        CHECK(status == RECSYS_OK || condition >= FAILING);
        break;
    }
    case 2:
        CHECK_EQ(recsys_aside_invalidate(process->aside, all_keys, SIM_KEYS, NULL), RECSYS_OK);
        break;
    default:
        CHECK_EQ(recsys_aside_invalidate(process->aside, keys, rows.n, NULL), RECSYS_OK);
        break;
    }
    note_rows(&rows);
}

/* -- the control: what everybody writes first -- */

static void naive_read(struct process *process, unsigned key)
{
    uint64_t floor = floor_of(process, key), incarnation;
    recsys_bytes name = key_of(key);
    recsys_value found;
    int exists;

    sum.reads++;
    CHECK_EQ(recsys_store_get(process->base.store, &name, 1, &found, &incarnation, NULL),
             RECSYS_OK);
    if (found.data == NULL) {
        struct value value = {key, sim_read(&process->base, key, &exists)};
        sum.loads++;
        if (exists)
            CHECK_EQ(recsys_store_set(process->base.store, name,
                                      (recsys_bytes){&value, sizeof value}, 1000,
                                      RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
        return;
    }
    sum.hits++;
    check_value(&found, key, floor, "naive read");
    recsys_value_release(&found);
}

static void naive_write(struct process *process)
{
    struct writing rows;
    recsys_bytes keys[SIM_KEYS];

    draw_rows(&rows, process);
    for (size_t i = 0; i < rows.n; i++)
        keys[i] = key_of(rows.keys[i]);
    write_rows(NULL, &rows, NULL);
    CHECK_EQ(recsys_store_remove(process->base.store, keys, rows.n, NULL, NULL), RECSYS_OK);
    note_rows(&rows);
}

/* -- a run -- */

static void act(struct simulation *unused, unsigned actor)
{
    struct process *process = &processes[actor % n_processes];
    unsigned n = 1 + (unsigned)sim_random(&sim, process->n_actions);

    (void)unused;
    while (n-- > 0 && !process->base.is_dead) {
        unsigned key = sim_chance(&sim, 300) ? 1 : 0;
        uint64_t what = sim_random(&sim, 100);
        if (process->aside == NULL)
            (what < 60 ? naive_read(process, key) : naive_write(process));
        else if (what < 10)
            get(process, key);
        else if (what < 60)
            get_or_load(process, key);
        else if (what < 80)
            write(process);
        else
            invalidate(process);
        if (sim_chance(&sim, 100))
            sim_sleep(&sim, (uint32_t)sim_random(&sim, 150));
    }
}

static uint64_t now_ms(void *user_data)
{
    return ((const struct sim_process *)user_data)->sim->now_ms;
}

static uint64_t draw_number(void *user_data)
{
    struct simulation *of = ((const struct sim_process *)user_data)->sim;

    return sim_random(of, UINT64_MAX);
}

static void sleep_ms(uint32_t ms, void *user_data)
{
    const struct sim_process *process = user_data;

    if (process->is_dead)
        process->sim->now_ms += ms; /* be done with it */
    else
        sim_sleep(process->sim, ms);
}

static uint32_t one_of(uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t all[3] = {a, b, c};

    return all[sim_random(&sim, 3)];
}

static void create_caches(void)
{
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_error err;

    options.ttl_ms = one_of(20, 100, 2000);
    options.stale_ms = one_of(0, 50, 1000);
    options.negative_ttl_ms = one_of(0, 15, 1000);
    options.flags = (options.stale_ms == 0 ? RECSYS_ASIDE_NO_STALE : 0u) |
                    (options.negative_ttl_ms == 0 ? RECSYS_ASIDE_NO_NEGATIVE : 0u);
    options.lease_ms = one_of(5, 30, 200);
    options.wait_ms = one_of(5, 60, 400);
    options.max_loads = one_of(1, 2, 32);
    options.journal_keys = one_of(1, 2, 100);
    options.beta = one_of(1, 4, 16);
    options.label = "sim";
    options.format = format;
    options.now_ms = now_ms;
    options.random = draw_number;
    options.sleep_ms = sleep_ms;
    for (unsigned i = 0; i < n_processes; i++) {
        options.user_data = &processes[i].base;
        CHECK_OK(recsys_aside_create(processes[i].base.store, &options, &processes[i].aside, &err),
                 &err);
    }
}

static void start(uint64_t seed, int is_control)
{
    static const struct sim_chances chances[N_CONDITIONS] = {
        [QUIET] = {0, 0, 0, 0},
        [LOSSY] = {0, 20, 20, 0},
        [FAILING] = {80, 0, 0, 0},
        [MAD] = {50, 15, 15, 6},
    };

    sim_init(&sim, seed);
    sim.is_traced = is_traced;
    sim.chances = chances[condition];
    memset(told, 0, sizeof told);
    memset(processes, 0, sizeof processes);
    n_stale = 0;
    n_processes = 1 + (unsigned)sim_random(&sim, MAX_PROCESSES);
    unsigned fails_of_1000 = one_of(0, 50, 300);
    for (unsigned i = 0; i < n_processes; i++) {
        processes[i].base.sim = &sim;
        processes[i].fails_of_1000 = fails_of_1000;
        processes[i].n_actions = 5;
        sim_open_store(&processes[i].base);
    }
    if (!is_control)
        create_caches();
}

/* The store works again, late messages arrive: every living process reads the last write. */
static void look_at_the_end(void)
{
    sim.chances = (struct sim_chances){0, 0, 0, 0};
    for (int i = 0; i < 3; i++) {
        sim.now_ms += 1001; /* longer than any pause of a breaker */
        for (unsigned p = 0; p < n_processes; p++)
            if (!processes[p].base.is_dead)
                CHECK_EQ(recsys_store_probe(processes[p].base.store, NULL), RECSYS_OK);
        sim.now_ms -= 1001; /* but no value and no lease has expired by that */
        do {
            for (unsigned p = 0; p < n_processes; p++) {
                for (unsigned key = 0; key < SIM_KEYS && !processes[p].base.is_dead; key++) {
                    if (processes[p].aside == NULL) {
                        naive_read(&processes[p], key);
                        continue;
                    }
                    CHECK(is_told(&processes[p]));
                    get(&processes[p], key);
                    get_or_load(&processes[p], key);
                }
            }
        } while (sim_arrive(&sim));
    }
}

static void finish(void)
{
    for (unsigned i = 0; i < n_processes; i++) {
        recsys_aside_stats stats = {.struct_size = (uint32_t)sizeof stats};
        if (processes[i].aside != NULL) {
            CHECK_EQ(recsys_aside_get_stats(processes[i].aside, &stats, NULL), RECSYS_OK);
            CHECK_EQ(stats.identity_mismatches + stats.damaged, 0);
            sum.refused += stats.fills_refused;
            sum.shared += stats.shared;
            sum.replayed += stats.replayed;
        }
        recsys_aside_destroy(processes[i].aside);
        recsys_store_unref(processes[i].base.store);
    }
    sum.steps += sim.n_steps;
    sum.faults += sim.n_faults;
    sum.restarts += sim.n_restarts;
    sum.deaths += sim.n_deaths;
}

/* 1 if something stale was read. */
static int run(uint64_t seed, int is_control)
{
    start(seed, is_control);
    sim_run(&sim, n_processes * (1 + (unsigned)sim_random(&sim, 2)) + (n_processes == 1), act);
    look_at_the_end();
    finish();
    return n_stale != 0;
}

static unsigned long run_many(uint64_t first, unsigned long n, int is_control)
{
    unsigned long n_bad = 0;

    memset(&sum, 0, sizeof sum);
    for (unsigned long i = 0; i < n && (is_control || n_bad < 10); i++)
        n_bad += (unsigned long)run(first + i, is_control);
    printf("%-14s %7lu runs, %5lu stale; %lu reads (%lu hits), %lu loads (%lu shared), %lu writes, "
           "%lu fills refused, %lu faults (%lu replayed), %lu restarts, %lu deaths\n",
           is_control                            ? "naive"
           : format == RECSYS_ASIDE_FORMAT_PLAIN ? plain_names[condition]
                                                 : condition_names[condition],
           n, n_bad, sum.reads, sum.hits,
           sum.loads, sum.shared, sum.writes, sum.refused, sum.faults, sum.replayed, sum.restarts,
           sum.deaths);
    return n_bad;
}

/* Or a seed would be no use. */
static void check_that_runs_repeat(uint64_t seed)
{
    struct simulation_sum first;

    for (int again = 0; again < 2; again++) {
        memset(&sum, 0, sizeof sum);
        for (unsigned i = 0; i < 200; i++)
            run(seed + i, 0);
        if (again == 0)
            first = sum;
    }
    CHECK(memcmp(&first, &sum, sizeof sum) == 0);
}

int main(void)
{
    const char *given = getenv("RECSYS_SEED"), *length = getenv("RECSYS_LONG");
    int is_long = length != NULL && strcmp(length, "1") == 0;
    uint64_t seed = given == NULL ? 20260900 : strtoull(given, NULL, 10);
    unsigned long n = given != NULL ? 1 : is_long ? 100000 : 5000, n_bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    is_traced = given != NULL;
    printf("seeds from %" PRIu64 "\n", seed);
    for (format = RECSYS_ASIDE_FORMAT_ENVELOPE; format <= RECSYS_ASIDE_FORMAT_PLAIN; format++) {
        for (condition = QUIET; condition < N_CONDITIONS; condition++)
            n_bad += run_many(seed, n, 0);
        condition = MAD;
        if (given == NULL)
            check_that_runs_repeat(seed);
    }
    condition = QUIET;
    unsigned long n_control = run_many(seed, n, 1);
    sim_end();
    if (n_bad > 0)
        fprintf(stderr, "stale values were read; RECSYS_SEED=<seed> repeats a run\n");
    if (given == NULL && n_control * 100 < n)
        fprintf(stderr, "the control has hardly been stale: this simulation shows nothing\n");
    return n_bad > 0 || (given == NULL && n_control * 100 < n);
}
