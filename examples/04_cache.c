/* 04_cache.c - keep answers in memory, and work each one out only once.
 *
 *   ./04_cache
 *
 * Eight threads want the same answer at the same moment. One of them runs the
 * loader, which here is slow as a database is; the others wait for its answer
 * instead of asking too. Afterwards everybody finds it in the cache, until it
 * is 60 seconds old or is removed because what it was made from has changed.
 */
#include <pthread.h>
#include <recsys/recsys.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_THREADS = 8 };

static const char key[] = "user:42:profile";
static recsys_cache *cache;
static atomic_uint n_loads;

static void check(recsys_status status, const recsys_error *err)
{
    if (status == RECSYS_OK)
        return;
    fprintf(stderr, "%s: %s\n", recsys_status_name(status), err->message);
    exit(1);
}

/* What is behind the cache. It may fail: return a status and fill in `err`. */
static recsys_status load_profile(recsys_cache_load *load, void *user_data, recsys_error *err)
{
    const struct timespec slow = {0, 100000000};
    char profile[64];
    int size;

    nanosleep(&slow, NULL);
    size = snprintf(profile, sizeof profile, "profile of user %d, loaded %u times",
                    *(const int *)user_data, atomic_fetch_add(&n_loads, 1u) + 1u);
    return recsys_cache_load_set(load, profile, (size_t)size, 60000, err);
}

static void *ask(void *answers)
{
    static int user = 42;
    recsys_cache_entry *entry = NULL;
    recsys_error err;
    const char *value;
    size_t size;

    check(recsys_cache_get_or_load(cache, key, strlen(key), load_profile, &user, 0, &entry, NULL,
                                   &err),
          &err);
    value = recsys_cache_entry_get(entry, &size);
    snprintf(answers, 64, "%.*s", (int)size, value);
    recsys_cache_release(entry);
    return NULL;
}

int main(void)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_cache_stats stats = {.struct_size = sizeof stats};
    char answers[N_THREADS][64];
    pthread_t threads[N_THREADS];
    recsys_error err;

    options.max_bytes = 16u << 20;
    check(recsys_cache_create(&options, &cache, &err), &err);

    for (int i = 0; i < N_THREADS; i++)
        if (pthread_create(&threads[i], NULL, ask, answers[i]) != 0)
            return 1;
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%d threads: %s\n", N_THREADS, answers[0]);

    ask(answers[0]);
    printf("asked again: %s\n", answers[0]);

    /* The profile was changed: the next one who asks must see that. */
    check(recsys_cache_remove(cache, key, strlen(key), &err), &err);
    ask(answers[0]);
    printf("after removal: %s\n", answers[0]);

    check(recsys_cache_get_stats(cache, &stats, &err), &err);
    printf("%llu hits, %llu misses, %llu shared a load\n", (unsigned long long)stats.hits,
           (unsigned long long)stats.misses, (unsigned long long)stats.shared);
    recsys_cache_destroy(cache);
    return atomic_load(&n_loads) == 2 ? 0 : 1;
}
