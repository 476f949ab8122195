/* Publishers are killed at any moment; the registry lists, resolves and loads nevertheless.
 *
 * A child publishes and moves an alias without end, the parent kills it after a
 * random time and looks: every version that is listed must load and carry its
 * own number, `latest` and the alias must lead to one of them. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recsys/model.h"
#include "recsys/registry.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

static char *root, bundle[PATH_MAX];
static recsys_registry *registry;
static uint64_t n_versions, n_aliases, n_checked;

static void publish_for_ever(void)
{
    for (;;) {
        recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT;
        if (recsys_registry_publish(registry, bundle, "m", &made, NULL) != RECSYS_OK ||
            recsys_registry_set_alias(registry, "m", "newest", made.version, NULL) != RECSYS_OK)
            _exit(1);
    }
}

static void load(const char *uri, uint64_t want_version)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_model *model;
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};
    recsys_error err;

    CHECK_OK(recsys_registry_resolve(registry, uri, &found, &err), &err);
    if (want_version != 0)
        CHECK_EQ(strtoull(found.version, NULL, 10), want_version);
    CHECK_OK(recsys_model_load(found.path, NULL, &model, &err), &err);
    CHECK_OK(recsys_model_get_info(model, &info, &err), &err);
    CHECK(strcmp(info.version, found.version) == 0 && strcmp(info.name, "m") == 0);
    recsys_model_unref(model);
}

static int32_t count(const recsys_registry_entry *entry, void *user_data)
{
    (void)user_data;
    CHECK(strcmp(entry->name, "m") == 0);
    if (entry->alias == NULL)
        CHECK_EQ(strtoull(entry->version, NULL, 10), ++n_versions); /* no number is left out */
    else
        n_aliases++;
    return 0;
}

/* Returns how many versions there are. */
static uint64_t look(void)
{
    char uri[64];
    recsys_error err;
    recsys_status status;

    n_versions = n_aliases = 0;
    status = recsys_registry_list(registry, "m", count, NULL, &err);
    if (status == RECSYS_E_NOT_FOUND) /* the very first was killed */
        return 0;
    CHECK_OK(status, &err);
    load("models:/m/latest", n_versions);
    if (n_aliases > 0)
        load("models:/m@newest", 0);
    for (; n_checked < n_versions; n_checked++) {
        snprintf(uri, sizeof uri, "models:/m/%" PRIu64, n_checked + 1);
        load(uri, n_checked + 1);
    }
    return n_versions;
}

static unsigned count_leftovers(void)
{
    char path[PATH_MAX];
    unsigned n = 0;
    struct dirent *entry;

    snprintf(path, sizeof path, "%s/m", root);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return 0;
    while ((entry = readdir(directory)) != NULL)
        n += strncmp(entry->d_name, ".tmp-", 5) == 0;
    closedir(directory);
    return n;
}

static pid_t start(void (*run)(void))
{
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        run();
        _exit(0);
    }
    return child;
}

static int wait_for(pid_t child)
{
    int how;

    while (waitpid(child, &how, 0) < 0)
        CHECK_EQ(errno, EINTR);
    return how;
}

static void killed_publishers_leave_a_registry_that_works(unsigned n_rounds, uint64_t seed)
{
    recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT;
    unsigned n_interrupted = 0;
    recsys_error err;

    for (unsigned i = 0; i < n_rounds; i++) {
        const struct timespec pause = {0, (long)bundle_random(&seed, 20000000)};
        pid_t child = start(publish_for_ever);
        nanosleep(&pause, NULL);
        CHECK_EQ(kill(child, SIGKILL), 0);
        int how = wait_for(child);
        CHECK(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        n_interrupted += count_leftovers() > 0;
        CHECK(count_leftovers() <= 1); /* the next publisher cleared the one before */
        look();
    }
    CHECK_OK(recsys_registry_publish(registry, bundle, "m", &made, &err), &err);
    CHECK_EQ(count_leftovers(), 0);
    CHECK_EQ(look(), strtoull(made.version, NULL, 10));
    printf("%u kills, %u in the middle of publishing, %s versions\n", n_rounds, n_interrupted,
           made.version);
    CHECK(n_interrupted > 0);
}

static void publish_twenty(void)
{
    for (int i = 0; i < 20; i++) {
        recsys_registry_location made = RECSYS_REGISTRY_LOCATION_INIT;
        if (recsys_registry_publish(registry, bundle, "m", &made, NULL) != RECSYS_OK ||
            recsys_registry_set_alias(registry, "m", "newest", made.version, NULL) != RECSYS_OK)
            _exit(1);
    }
}

static void publishers_at_the_same_time_get_a_number_each(void)
{
    uint64_t before = look();
    pid_t children[3];

    for (int i = 0; i < 3; i++)
        children[i] = start(publish_twenty);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(wait_for(children[i]), 0);
    CHECK_EQ(look(), before + 60);
    CHECK_EQ(count_leftovers(), 0);
}

int main(void)
{
    unsigned n_rounds = getenv("RECSYS_LONG") != NULL ? 300 : 30;
    uint64_t seed = 20260102;
    struct bundle written;
    recsys_error err;

    printf("seed %" PRIu64 "\n", seed);
    root = bundle_make_directory();
    snprintf(bundle, sizeof bundle, "%s/.bundle", root);
    bundle_write(&written, bundle, 100, 400, 16, 1, BUNDLE_SEEN | BUNDLE_CATALOG);
    bundle_free(&written);
    CHECK_OK(recsys_registry_open(root, &registry, &err), &err);
    killed_publishers_leave_a_registry_that_works(n_rounds, seed);
    publishers_at_the_same_time_get_a_number_each();
    recsys_registry_unref(registry);
    bundle_remove_directory(root);
    free(root);
    return 0;
}
