/* tests/support/database.c - see database.h. */
#define _GNU_SOURCE /* initgroups(), pipe2() */
#include "tests/support/database.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "tests/support/check.h"

#define MAX_ARGUMENTS 60
#define PATIENCE_S 300

struct database_server {
    char folder[PATH_MAX / 2];
    char conninfo[128];
    char arguments[MAX_ARGUMENTS][PATH_MAX / 2];
    int n_arguments;
    unsigned port;
    pid_t pid; /* 0: shut down */
    pid_t janitor;
    int life; /* the end of a pipe that the janitor sees closed when we are done or dead */
};

static struct database_server *shared;

/* The newest version that is installed; PostgreSQL keeps its programs out of PATH. */
static char *find_program(const char *name)
{
    static char path[PATH_MAX];
    glob_t found;

    snprintf(path, sizeof path, "/usr/lib/postgresql/*/bin/%s", name);
    if (glob(path, 0, NULL, &found) == 0) {
        snprintf(path, sizeof path, "%s", found.gl_pathv[found.gl_pathc - 1]);
        globfree(&found);
    } else
        snprintf(path, sizeof path, "%s", name); /* execvp looks in PATH */
    return path;
}

/* PostgreSQL refuses to run as root. */
static void leave_root(void)
{
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;

    if (getuid() != 0)
        return;
    if (user == NULL || initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0) {
        fprintf(stderr, "tests run as root need a user \"postgres\" to run the server\n");
        _exit(127);
    }
}

/* Start a program; what it says goes to `log`, or to `answer` if that is not -1. */
static pid_t start(char *const *arguments, const char *log, int answer, int as_postgres)
{
    char *program = find_program(arguments[0]);
    char *named[MAX_ARGUMENTS + 2] = {program}; /* by its own name initdb finds the others */
    size_t n = 1;

    for (; arguments[n] != NULL; n++) {
        CHECK(n < MAX_ARGUMENTS);
        named[n] = arguments[n];
    }
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid > 0)
        return pid;
    if (as_postgres)
        leave_root();
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGQUIT); /* after setuid(), which would clear it */
#endif
    if (log != NULL && (freopen(log, "a", stderr) == NULL || dup2(2, 1) < 0))
        _exit(127);
    if (answer != -1 && dup2(answer, 1) < 0)
        _exit(127);
    signal(SIGPIPE, SIG_DFL);
    execvp(program, named);
    fprintf(stderr, "cannot run %s: is PostgreSQL installed?\n", program);
    _exit(127);
}

static void show_log(const struct database_server *server)
{
    char path[PATH_MAX], line[1000];

    snprintf(path, sizeof path, "%s/log", server->folder);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        fputs(line, stderr);
    if (file != NULL)
        fclose(file);
}

static void run_to_end(const struct database_server *server, char *const *arguments)
{
    char log[PATH_MAX];
    int result;

    snprintf(log, sizeof log, "%s/log", server->folder);
    pid_t pid = start(arguments, log, -1, 1);
    CHECK(waitpid(pid, &result, 0) == pid);
    if (result != 0)
        show_log(server);
    CHECK_EQ(result, 0);
}

static unsigned find_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int probe = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(probe >= 0);
    CHECK_EQ(bind(probe, (struct sockaddr *)&address, size), 0);
    CHECK_EQ(getsockname(probe, (struct sockaddr *)&address, &size), 0);
    close(probe);
    return ntohs(address.sin_port);
}

static void add_argument(struct database_server *server, const char *text)
{
    const size_t room = sizeof server->arguments[0];

    CHECK(server->n_arguments + 1 < MAX_ARGUMENTS);
    int size = snprintf(server->arguments[server->n_arguments++], room, "%s", text);
    CHECK(size >= 0 && (size_t)size < room);
}

static void add_setting(struct database_server *server, const char *setting)
{
    add_argument(server, "-c");
    add_argument(server, setting);
}

/* postmaster.pid says "ready" in its eighth line, exactly when connections are accepted. */
static int is_ready(const struct database_server *server)
{
    char path[PATH_MAX], line[PATH_MAX] = "";
    int n = 0;

    snprintf(path, sizeof path, "%s/data/postmaster.pid", server->folder);
    FILE *file = fopen(path, "r");
    while (file != NULL && n < 8 && fgets(line, sizeof line, file) != NULL)
        n++;
    if (file != NULL)
        fclose(file);
    return n == 8 && strncmp(line, "ready", 5) == 0;
}

void database_server_start_again(struct database_server *server)
{
    char *arguments[MAX_ARGUMENTS], log[PATH_MAX];
    const struct timespec pause = {0, 5000000};
    int n = 0, result;

    for (; n < server->n_arguments; n++)
        arguments[n] = server->arguments[n];
    arguments[n] = NULL;
    snprintf(log, sizeof log, "%s/log", server->folder);
    server->pid = start(arguments, log, -1, 1);
    for (time_t end = time(NULL) + PATIENCE_S; !is_ready(server);) {
        if (time(NULL) > end || waitpid(server->pid, &result, WNOHANG) != 0) {
            show_log(server);
            fprintf(stderr, "PostgreSQL has not started\n");
            abort();
        }
        nanosleep(&pause, NULL);
    }
}

/* A process that outlives this one however it ends, and then removes the folder; a server that
 * is still there has got its signal from the kernel and needs a moment. */
static void start_janitor(struct database_server *server)
{
    static const char script[] = "until rm -rf \"$0\"; do sleep 0.1; done 2>/dev/null";
    int ends[2];
    char byte;

    CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
    server->life = ends[1];
    server->janitor = fork();
    CHECK(server->janitor >= 0);
    if (server->janitor > 0) {
        close(ends[0]);
        return;
    }
    setsid(); /* a terminal's Ctrl-C is not for it */
    for (int i = 3; i < 1024; i++)
        if (i != ends[0])
            close(i);
    while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
        continue;
    execl("/bin/sh", "sh", "-c", script, server->folder, (char *)NULL);
    _exit(127);
}

struct database_server *database_server_start(const char *const *settings)
{
    struct database_server *server = calloc(1, sizeof *server);
    const char *top = getenv("TMPDIR");
    char data[PATH_MAX], text[PATH_MAX];

    CHECK(server != NULL);
    snprintf(server->folder, sizeof server->folder, "%.1000s/recsys-postgres.XXXXXX",
             top == NULL ? "/tmp" : top);
    CHECK(mkdtemp(server->folder) != NULL);
    start_janitor(server);
    if (getuid() == 0) {
        const struct passwd *user = getpwnam("postgres");
        CHECK(user != NULL);
        CHECK_EQ(chown(server->folder, user->pw_uid, user->pw_gid), 0);
    }
    snprintf(data, sizeof data, "%s/data", server->folder);
    char *initdb[] = {"initdb",    "-D", data,   "-U",         "recsys_test",       "-A", "trust",
                      "--no-sync", "-E", "UTF8", "--locale=C", "--no-instructions", NULL};
    run_to_end(server, initdb);
    server->port = find_free_port();
    snprintf(server->conninfo, sizeof server->conninfo,
             "host=127.0.0.1 port=%u user=recsys_test dbname=postgres", server->port);
    add_argument(server, "postgres");
    add_argument(server, "-D");
    add_argument(server, data);
    snprintf(text, sizeof text, "port=%u", server->port);
    add_setting(server, text);
    add_setting(server, "listen_addresses=127.0.0.1");
    add_setting(server, "unix_socket_directories=");
    add_setting(server, "fsync=off");
    add_setting(server, "full_page_writes=off");
    for (; settings != NULL && *settings != NULL; settings++)
        add_setting(server, *settings);
    database_server_start_again(server);
    return server;
}

/* Backends are in sessions of their own, so they are found by their parent. */
static void signal_all(const struct database_server *server, int number)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;

    CHECK(processes != NULL);
    CHECK_EQ(kill(server->pid, number), 0);
    while ((entry = readdir(processes)) != NULL) {
        char path[300], stat[600] = "";
        long parent = 0;
        snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
        FILE *file = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
        if (file == NULL)
            continue;
        /* "pid (name) state parent …", and a name may hold anything */
        const char *rest = fgets(stat, sizeof stat, file) == NULL ? NULL : strrchr(stat, ')');
        fclose(file);
        if (rest != NULL && sscanf(rest, ") %*c %ld", &parent) == 1 && parent == server->pid)
            kill((pid_t)atol(entry->d_name), number);
    }
    closedir(processes);
}

void database_server_freeze(struct database_server *server)
{
    signal_all(server, SIGSTOP);
}

void database_server_thaw(struct database_server *server)
{
    signal_all(server, SIGCONT);
}

void database_server_shut_down(struct database_server *server)
{
    CHECK_EQ(kill(server->pid, SIGINT), 0);
    CHECK_EQ(waitpid(server->pid, NULL, 0), server->pid);
    server->pid = 0;
}

void database_server_stop(struct database_server *server)
{
    if (server == NULL)
        return;
    if (server->pid != 0) {
        database_server_thaw(server);
        kill(server->pid, SIGQUIT);
        waitpid(server->pid, NULL, 0);
    }
    close(server->life);
    waitpid(server->janitor, NULL, 0);
    free(server);
}

const char *database_server_get_conninfo(const struct database_server *server)
{
    return server->conninfo;
}

unsigned database_server_get_port(const struct database_server *server)
{
    return server->port;
}

char *database_ask(const char *conninfo, const char *sql)
{
    char *arguments[] = {"psql", "-XAtq",     "-v", "ON_ERROR_STOP=1", "-d", (char *)conninfo,
                         "-c",   (char *)sql, NULL};
    size_t size = 0, room = 1 << 16;
    char *answer = malloc(room);
    int ends[2], result;
    ssize_t n;

    CHECK(answer != NULL);
    CHECK_EQ(pipe(ends), 0);
    pid_t pid = start(arguments, NULL, ends[1], 0);
    close(ends[1]);
    while ((n = read(ends[0], answer + size, room - 1 - size)) > 0)
        size += (size_t)n;
    close(ends[0]);
    CHECK(waitpid(pid, &result, 0) == pid);
    if (result != 0)
        fprintf(stderr, "psql has failed: %s\n", sql);
    CHECK_EQ(result, 0);
    while (size > 0 && answer[size - 1] == '\n')
        size--;
    answer[size] = '\0';
    return answer;
}

static void stop_shared(void)
{
    database_server_stop(shared);
    shared = NULL;
}

static const char *find_server(void)
{
    const char *given = getenv("RECSYS_TEST_POSTGRES");

    if (given != NULL && *given != '\0')
        return given;
    if (shared == NULL) {
        shared = database_server_start(NULL);
        atexit(stop_shared);
    }
    return shared->conninfo;
}

char *database_create(void)
{
    static unsigned n;
    const char *server = find_server();
    char sql[200], name[64], *conninfo = malloc(strlen(server) + 100);

    CHECK(conninfo != NULL);
    snprintf(name, sizeof name, "recsys_%ld_%u", (long)getpid(), ++n);
    snprintf(sql, sizeof sql,
             "CREATE DATABASE %s ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
             name);
    free(database_ask(server, sql));
    /* Of two the later one counts, in a URI as in pairs. */
    const char *glue = strstr(server, "://") == NULL ? " "
                       : strchr(server, '?') == NULL ? "?"
                                                     : "&";
    sprintf(conninfo, "%s%sdbname=%s", server, glue, name);
    return conninfo;
}

void database_drop(char *conninfo)
{
    char sql[200];

    snprintf(sql, sizeof sql, "DROP DATABASE %.100s WITH (FORCE)",
             strstr(conninfo, "dbname=recsys_") + strlen("dbname="));
    free(database_ask(find_server(), sql));
    free(conninfo);
}

char *database_read_script(const char *file)
{
    const char *root = getenv("RECSYS_SOURCE_DIR");
    char path[4096];

    snprintf(path, sizeof path, "%s/sql/%s", root == NULL ? "." : root, file);
    FILE *in = fopen(path, "rb");
    CHECK(in != NULL);
    CHECK(fseek(in, 0, SEEK_END) == 0);
    long size = ftell(in);
    CHECK(size > 0 && fseek(in, 0, SEEK_SET) == 0);
    char *text = malloc((size_t)size + 1);
    CHECK(text != NULL && fread(text, 1, (size_t)size, in) == (size_t)size);
    text[size] = '\0';
    fclose(in);
    return text;
}
