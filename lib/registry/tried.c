/* lib/registry/tried.c - tells whether a deployment's source means what has been tried before.
 *
 * A poll must not load a model again and again that is served already, or that was refused. A path
 * is told by the numbers that the file system gives it and to the manifest of a bundle, which
 * writers put there last; the content is not read. A model can change without any of these only if
 * somebody writes into a published bundle, which the format forbids.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/registry/deployment.h"

struct file_facts {
    uint64_t device, inode, size, seconds, nanoseconds;
};

static void read_facts(int at, const char *name, struct file_facts *out)
{
    struct stat about;

    if (fstatat(at, name, &about, 0) == 0)
        *out = (struct file_facts){about.st_dev, about.st_ino, (uint64_t)about.st_size,
                                   (uint64_t)about.st_mtim.tv_sec, (uint64_t)about.st_mtim.tv_nsec};
}

uint64_t rs_tried_hash(const char *path, const char *reason)
{
    struct file_facts facts[2];
    uint64_t hash = rs_hash_bytes(reason, strlen(reason), 1);
    int directory;

    memset(facts, 0, sizeof facts);
    read_facts(AT_FDCWD, path, &facts[0]);
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
        read_facts(directory, "recsys.json", &facts[1]);
        close(directory);
    }
    hash = rs_hash_bytes(path, strlen(path), hash);
    hash = rs_hash_bytes(facts, sizeof facts, hash);
    return hash == 0 ? 1 : hash;
}

int rs_tried_may_succeed_later(recsys_status status)
{
    return status == RECSYS_E_NOMEM || status == RECSYS_E_IO || status == RECSYS_E_TIMEOUT ||
           status == RECSYS_E_BACKEND || status == RECSYS_E_EXHAUSTED ||
           status == RECSYS_E_UNAVAILABLE || status == RECSYS_E_BUSY;
}
