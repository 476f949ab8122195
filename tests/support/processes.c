/* tests/support/processes.c - fork, shared memory, threads and a barrier, checked. */
#include "tests/support/processes.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "tests/support/check.h"

void *processes_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(memory != MAP_FAILED);
    return memory;
}

pid_t process_start(void (*body)(unsigned number), unsigned number)
{
    fflush(NULL); /* or the child prints again what is in the buffers */
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
#ifdef __linux__
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is ended leaves nobody behind */
#endif
        body(number);
        fflush(NULL);
        _exit(0);
    }
    return child;
}

static int wait_for(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) != child)
        CHECK_EQ(errno, EINTR);
    return status;
}

void process_expect_success(pid_t child)
{
    int status = wait_for(child);

    CHECK_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : 0, 0);
    CHECK_EQ(WEXITSTATUS(status), 0);
}

void process_expect_signal(pid_t child, int number)
{
    int status = wait_for(child);

    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), number);
}

struct start {
    void (*body)(unsigned number);
    unsigned number;
    pthread_t thread;
};

static void *run_body(void *argument)
{
    struct start *start = argument;

    start->body(start->number);
    return NULL;
}

void threads_run(void (*body)(unsigned number), unsigned n)
{
    struct start *starts = calloc(n, sizeof *starts);
    pthread_attr_t small; /* there may be hundreds */

    CHECK(starts != NULL && pthread_attr_init(&small) == 0);
    CHECK_EQ(pthread_attr_setstacksize(&small, 512 * 1024), 0);
    for (unsigned i = 0; i < n; i++) {
        starts[i] = (struct start){.body = body, .number = i};
        CHECK_EQ(pthread_create(&starts[i].thread, &small, run_body, &starts[i]), 0);
    }
    for (unsigned i = 0; i < n; i++)
        CHECK_EQ(pthread_join(starts[i].thread, NULL), 0);
    pthread_attr_destroy(&small);
    free(starts);
}

void line_init(pthread_barrier_t *line, unsigned n)
{
    pthread_barrierattr_t shared;

    CHECK_EQ(pthread_barrierattr_init(&shared), 0);
    CHECK_EQ(pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED), 0);
    CHECK_EQ(pthread_barrier_init(line, &shared, n), 0);
    pthread_barrierattr_destroy(&shared);
}

void line_wait(pthread_barrier_t *line)
{
    int result = pthread_barrier_wait(line);

    CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}

uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void rest_ms(unsigned ms)
{
    const struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&pause, NULL);
}

unsigned figure_length(unsigned short_one, unsigned long_one)
{
    const char *asked = getenv("RECSYS_LONG");

    return asked != NULL && strcmp(asked, "1") == 0 ? long_one : short_one;
}
