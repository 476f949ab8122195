/* Components are switched on and off, hooks come and go and requests are named while other threads
 * trace. For TSan.
 *
 * A line must belong to the thread that wrote it: the text says which thread that is, and the id
 * before it must be the one this thread has set. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <sched.h>

#include "lib/base/trace.h"
#include "tests/support/check.h"

#define N_WRITERS 4

static atomic_ulong n_heard;
static atomic_int is_over;

static void hear(int32_t level, const char *message, void *user_data)
{
    int id = -1, writer = -2;

    ++*(atomic_int *)user_data;
    if (level == RECSYS_LOG_TRACE && sscanf(message, "%*s [r%d] writer %d", &id, &writer) == 2) {
        CHECK_EQ(id / 1000, writer);
        atomic_fetch_add(&n_heard, 1);
    } else {
        fprintf(stderr, "level %d: %s\n", (int)level, message);
        abort();
    }
}

static void *write_lines(void *arg)
{
    int writer = (int)(intptr_t)arg;

    for (int i = 0; !atomic_load(&is_over); i++) {
        char id[16];
        snprintf(id, sizeof id, "r%d", writer * 1000 + i % 1000);
        recsys_log_set_request(id);
        rs_trace(RECSYS_TRACE_ASIDE, "writer %d", writer);
        if (rs_trace_is_on(RECSYS_TRACE_REDIS))
            recsys_log_write_trace(RECSYS_TRACE_REDIS, writer == 0   ? "writer 0"
                                                       : writer == 1 ? "writer 1"
                                                       : writer == 2 ? "writer 2"
                                                                     : "writer 3");
    }
    return NULL;
}

static void *switch_components(void *arg)
{
    static const char *const choices[] = {"aside", "redis", "", "all", "scan"};
    char text[RECSYS_TRACE_NAMES_SIZE];

    (void)arg;
    for (size_t i = 0; !atomic_load(&is_over); i++) {
        size_t size = sizeof text;
        CHECK_EQ(recsys_log_set_trace(choices[i % 5], NULL), RECSYS_OK);
        CHECK_EQ(recsys_log_get_trace(text, &size, NULL), RECSYS_OK);
        CHECK_EQ(size, strlen(text));
    }
    return NULL;
}

/* The memory that a hook uses is freed when it has been taken away; TSan would see a late call. */
static void replace_hooks(int n)
{
    for (int i = 0; i < n; i++) {
        atomic_int *memory = malloc(sizeof *memory);
        CHECK(memory != NULL);
        atomic_init(memory, 0);
        CHECK_EQ(recsys_log_set(RECSYS_LOG_ERROR, hear, memory, NULL), RECSYS_OK);
        unsigned long heard = atomic_load(&n_heard);
        while (i % 10 == 0 && atomic_load(&n_heard) == heard)
            sched_yield();
        CHECK_EQ(recsys_log_set(0, NULL, NULL, NULL), RECSYS_OK);
        free(memory);
    }
}

int main(int argc, char **argv)
{
    pthread_t writers[N_WRITERS], switches[2];

    for (intptr_t i = 0; i < N_WRITERS; i++)
        CHECK_EQ(pthread_create(&writers[i], NULL, write_lines, (void *)i), 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_create(&switches[i], NULL, switch_components, NULL), 0);
    replace_hooks(argc > 1 ? atoi(argv[1]) : 200);
    atomic_store(&is_over, 1);
    for (int i = 0; i < N_WRITERS; i++)
        CHECK_EQ(pthread_join(writers[i], NULL), 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_join(switches[i], NULL), 0);
    CHECK_EQ(recsys_log_set_trace(NULL, NULL), RECSYS_OK);
    printf("%lu lines heard\n", atomic_load(&n_heard));
    return 0;
}
