/* few_threads.c - a library to be loaded before a program: the threads of a machine run out.
 *
 * RECSYS_TEST_THREADS=N lets N threads be made; from then on pthread_create() says EAGAIN, as it
 * does for `ulimit -u`, a cgroup's pids.max and no room for a stack, none of which can be set
 * everywhere: root has no `ulimit -u`, a container no cgroup of its own. */
#define _GNU_SOURCE /* RTLD_NEXT */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

__attribute__((visibility("default"))) int pthread_create(pthread_t *thread,
                                                          const pthread_attr_t *attributes,
                                                          void *(*run)(void *), void *argument)
{
    static atomic_int n_made;
    const char *limit = getenv("RECSYS_TEST_THREADS");
    void *symbol = dlsym(RTLD_NEXT, "pthread_create");
    create next;

    if (symbol == NULL || (limit != NULL && atomic_fetch_add(&n_made, 1) >= atoi(limit)))
        return EAGAIN;
    memcpy(&next, &symbol, sizeof next);
    return next(thread, attributes, run, argument);
}
