/* daemon/process/threads.c - starts threads, and names the limits if one cannot be started.
 *
 * pthread_create() returns EAGAIN for several reasons: the limit of the user's threads, that of a
 * cgroup (systemd's TasksMax, a container's pids limit), or no address space for a stack. This file
 * reads which of these limits are set.
 */
#include "daemon/process/threads.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/process/logger.h"

static void add(char *out, size_t size, const char *what)
{
    size_t used = strlen(out);

    (void)snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ", ", what);
}

static void add_resource(char *out, size_t size, int resource, const char *format)
{
    struct rlimit limit;
    char text[128];

    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    (void)snprintf(text, sizeof text, format, (unsigned long long)limit.rlim_cur);
    add(out, size, text);
}

/* pids.max of this cgroup and of those above it: "max" says nothing, "\n" ends it. */
static void add_cgroup(char *out, size_t size, const char *root, char *path)
{
    for (;;) {
        char name[PATH_MAX + 64], value[32] = "", text[PATH_MAX + 160];
        char *slash = strrchr(path, '/');
        FILE *file;

        (void)snprintf(name, sizeof name, "%s%s/pids.max", root, path);
        file = fopen(name, "re");
        if (file != NULL) {
            if (fgets(value, sizeof value, file) != NULL && value[0] >= '0' && value[0] <= '9') {
                value[strcspn(value, "\n")] = '\0';
                (void)snprintf(text, sizeof text, "at most %s threads in the cgroup (%s)", value,
                               name);
                add(out, size, text);
            }
            (void)fclose(file);
        }
        if (slash == NULL)
            return;
        *slash = '\0';
    }
}

static void add_cgroups(char *out, size_t size)
{
    char line[PATH_MAX + 64];
    FILE *file = fopen("/proc/self/cgroup", "re");

    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        char *path = strchr(line, '/');
        line[strcspn(line, "\n")] = '\0';
        if (path == NULL)
            continue;
        if (path[1] == '\0')
            *path = '\0';
        if (strncmp(line, "0::", 3) == 0)
            add_cgroup(out, size, "/sys/fs/cgroup", path);
        else if (strstr(line, ":pids:") != NULL)
            add_cgroup(out, size, "/sys/fs/cgroup/pids", path);
    }
    (void)fclose(file);
}

void rd_thread_limits(char *out, size_t size)
{
    out[0] = '\0';
    add_resource(out, size, RLIMIT_NPROC, "at most %llu threads of this user (ulimit -u)");
    add_cgroups(out, size);
    add_resource(out, size, RLIMIT_AS, "at most %llu bytes of address space (ulimit -v)");
    if (out[0] == '\0')
        add(out, size, "none for this process; the machine's are memory and kernel.threads-max");
}

bool rd_thread_start(pthread_t *thread, void *(*run)(void *), void *argument, const char *does)
{
    char limits[1024];
    int result = rs_thread_start(thread, run, argument);

    if (result == 0)
        return true;
    rd_thread_limits(limits, sizeof limits);
    rd_log(RECSYS_LOG_ERROR, "cannot start the thread that %s: %s; limits: %s", does,
           strerror(result), limits);
    return false;
}
