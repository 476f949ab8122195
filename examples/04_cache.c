/* 04_cache.c - keep answers in memory, and work each one out only once.
 *
 *   ./04_cache
 *
 * Eight threads ask for the same answer at the same moment. One of them runs the
 * loader, which is slow here, like a database; the others wait for its answer.
 * Afterwards every thread finds the answer in the cache, until it is 60 seconds
 * old or is invalidated because the truth has changed.
 *
 * The cache is a recsys_aside over the store in this process. Over Redis the
 * program is the same, and one loader runs for all processes: 06_cache_aside.c.
 */
#include <pthread.h>
#include <recsys/recsys.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_THREADS = 8 };

static const recsys_bytes key = {"user:42:profile", 15};
static recsys_aside *cache;
static atomic_uint n_loads;

static void check(recsys_status status, const recsys_error *err)
{
    if (status == RECSYS_OK)
        return;
    fprintf(stderr, "%s: %s\n", recsys_status_name(status), err->message);
    exit(1);
}

/* Reads the truth. It may fail: then it returns a status and fills in `err`. */
static recsys_status load_profile(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    const struct timespec slow = {0, 100000000};
    char profile[64];
    int size;

    nanosleep(&slow, NULL);
    size = snprintf(profile, sizeof profile, "profile of user %d, loaded %u times",
                    *(const int *)user_data, atomic_fetch_add(&n_loads, 1u) + 1u);
    return recsys_aside_load_set(load, (recsys_bytes){profile, (size_t)size}, 0, 60000, 0, err);
}

static void *ask(void *answer)
{
    static int user = 42;
    recsys_value value;
    recsys_error err;

    check(recsys_aside_get_or_load(cache, key, load_profile, &user, 0, &value, NULL, &err), &err);
    snprintf(answer, 64, "%.*s", (int)value.size, (const char *)value.data);
    recsys_value_release(&value);
    return NULL;
}

int main(void)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_aside_stats stats = {.struct_size = sizeof stats};
    char answers[N_THREADS][64];
    pthread_t threads[N_THREADS];
    recsys_store *store;
    recsys_error err;

    options.max_bytes = 16u << 20;
    check(recsys_store_create_memory("profiles", &options, &store, &err), &err);
    check(recsys_aside_create(store, NULL, &cache, &err), &err);

    for (int i = 0; i < N_THREADS; i++)
        if (pthread_create(&threads[i], NULL, ask, answers[i]) != 0)
            return 1;
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%d threads: %s\n", N_THREADS, answers[0]);

    ask(answers[0]);
    printf("asked again: %s\n", answers[0]);

    /* The profile was changed: the next reader must see the change. */
    check(recsys_aside_invalidate(cache, &key, 1, &err), &err);
    ask(answers[0]);
    printf("after it was invalidated: %s\n", answers[0]);

    check(recsys_aside_get_stats(cache, &stats, &err), &err);
    printf("%llu hits, %llu loads, %llu shared a load\n", (unsigned long long)stats.hits,
           (unsigned long long)stats.loads, (unsigned long long)stats.shared);
    recsys_aside_destroy(cache);
    recsys_store_unref(store);
    return atomic_load(&n_loads) == 2 ? 0 : 1;
}
