/* Readers score against a slot while others swap, roll back and reap. For TSan and ASan.
 *
 * Afterwards slots end while readers still have acquired models: the slot or the
 * reader that gives a model back last destroys it.
 *
 * The models are hollow: all that matters here is when their memory goes. A
 * reader that meets a destroyed one sees another number, or the sanitizer does. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/lock.h"
#include "lib/model/model.h"
#include "lib/serve/slot.h"
#include "tests/support/check.h"
#include "tests/support/memory_model.h"

#define N_READERS 4
#define MARK 0x5EEDu

static recsys_slot *slot;
static atomic_int stop;
static atomic_ulong n_acquired;

static recsys_model *new_model(void)
{
    recsys_model *model = rs_alloc_array(1, sizeof *model);

    CHECK(model != NULL);
    atomic_init(&model->refs, 1u);
    model->n_users = MARK;
    model->n_items = MARK + 1;
    return model;
}

static void use(const recsys_model *model)
{
    CHECK_EQ(model->n_users, MARK);
    CHECK_EQ(model->n_items, model->n_users + 1);
}

static void *read_and_give_back(void *unused)
{
    (void)unused;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        recsys_model *model = recsys_slot_acquire(slot);
        if (model == NULL)
            continue;
        use(model);
        recsys_model_unref(model);
        atomic_fetch_add_explicit(&n_acquired, 1, memory_order_relaxed);
    }
    return NULL;
}

/* As recsys_slot_get_generation() proposes: acquire again only when it has moved. */
static void *keep_while_it_lasts(void *unused)
{
    recsys_model *model = NULL;
    uint64_t seen = 0;

    (void)unused;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        uint64_t now = recsys_slot_get_generation(slot);
        if (model == NULL || now != seen) {
            recsys_model_unref(model);
            model = recsys_slot_acquire(slot);
            seen = now;
        }
        if (model != NULL)
            use(model);
    }
    recsys_model_unref(model);
    return NULL;
}

static void *reap(void *unused)
{
    (void)unused;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        recsys_slot_reap(slot);
        CHECK(rs_slot_count_used(slot, NULL, 0) <= 1000);
        const struct timespec pause = {0, 50000};
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* New models most of the time; now and then the one before, or none, or the same. */
static void operate(struct numbers *numbers, int n_steps)
{
    recsys_model *current = NULL, *before = NULL;
    recsys_error err;

    for (int i = 0; i < n_steps; i++) {
        uint64_t choice = numbers_next(numbers) % 16;
        if (choice < 3 && before != NULL) {
            recsys_model *back = before;
            CHECK_OK(recsys_slot_swap(slot, back, &err), &err);
            before = current;
            current = back;
        } else if (choice == 3) {
            CHECK_OK(recsys_slot_swap(slot, current, &err), &err);
        } else if (choice == 4) {
            CHECK_OK(recsys_slot_swap(slot, NULL, &err), &err);
            CHECK_OK(recsys_slot_swap(slot, current, &err), &err);
        } else {
            recsys_model *next = new_model();
            CHECK_OK(recsys_slot_swap(slot, next, &err), &err);
            recsys_model_unref(before);
            before = current;
            current = next;
        }
    }
    recsys_model_unref(before);
    recsys_model_unref(current);
}

static pthread_barrier_t all_have_one;

static void *use_beyond_the_end(void *unused)
{
    recsys_model *model = recsys_slot_acquire(slot);

    (void)unused;
    CHECK(model != NULL);
    pthread_barrier_wait(&all_have_one);
    for (int i = 0; i < 100; i++)
        use(model);
    recsys_model_unref(model);
    return NULL;
}

static void end_before_the_readers(void)
{
    pthread_t threads[N_READERS];
    recsys_error err;

    CHECK_EQ(pthread_barrier_init(&all_have_one, NULL, N_READERS + 1), 0);
    CHECK_OK(recsys_slot_create(&slot, &err), &err);
    recsys_model *model = new_model();
    CHECK_OK(recsys_slot_swap(slot, model, &err), &err);
    recsys_model_unref(model);
    for (int i = 0; i < N_READERS; i++)
        CHECK_EQ(rs_thread_start(&threads[i], use_beyond_the_end, NULL), 0);
    pthread_barrier_wait(&all_have_one);
    recsys_slot_destroy(slot);
    for (int i = 0; i < N_READERS; i++)
        rs_thread_join(threads[i]);
    pthread_barrier_destroy(&all_have_one);
}

int main(void)
{
    pthread_t threads[N_READERS + 2];
    uint64_t seed = 20260101;
    int n_steps = getenv("RECSYS_LONG") != NULL ? 5000000 : 50000;
    struct numbers numbers = {seed};
    recsys_error err;

    printf("seed %" PRIu64 ", %d steps\n", seed, n_steps);
    CHECK_OK(recsys_slot_create(&slot, &err), &err);
    for (int i = 0; i < N_READERS; i++)
        CHECK_EQ(
            rs_thread_start(&threads[i], i == 0 ? keep_while_it_lasts : read_and_give_back, NULL), 0);
    CHECK_EQ(rs_thread_start(&threads[N_READERS], reap, NULL), 0);

    operate(&numbers, n_steps);
    atomic_store(&stop, 1);
    for (int i = 0; i <= N_READERS; i++)
        rs_thread_join(threads[i]);

    CHECK_OK(recsys_slot_swap(slot, NULL, &err), &err);
    CHECK_EQ(recsys_slot_reap(slot), 0);
    CHECK(atomic_load(&n_acquired) > 0);
    printf("%lu models acquired\n", atomic_load(&n_acquired));
    recsys_slot_destroy(slot);

    for (int i = 0; i < n_steps / 250; i++)
        end_before_the_readers();
    return 0;
}
