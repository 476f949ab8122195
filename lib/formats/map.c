/* lib/formats/map.c - the bytes of a file: mapped read-only, copied, or the caller's.
 *
 * The descriptor is closed at once: the mapping stays valid without it, and the file may be renamed
 * or unlinked meanwhile. The mapping is private, so the library can never change the file;
 * processes share its pages nevertheless.
 */
#include "lib/formats/map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"

#define UNMAP_STEP ((size_t)64 << 20)

static recsys_status map_descriptor(int descriptor, const char *name, uint64_t max_bytes,
                                    struct rs_map *out, recsys_error *err)
{
    struct stat status;

    if (fstat(descriptor, &status) != 0)
        return rs_error_sys(err, errno, "cannot examine %s", name);
    if (!S_ISREG(status.st_mode))
        return rs_error(err, RECSYS_E_FORMAT, "%s: not a regular file", name);
    if ((uint64_t)status.st_size > max_bytes || (uint64_t)status.st_size > SIZE_MAX / 2)
        return rs_error(err, RECSYS_E_LIMIT, "%s: has %" PRIu64 " bytes, the limit is %" PRIu64,
                        name, (uint64_t)status.st_size, max_bytes);
    if (status.st_size == 0)
        return RECSYS_OK;
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED)
        return rs_error_sys(err, errno, "cannot map %s", name);
    /* Every byte will be read soon: hashed, checked, or scanned. A hint may fail. */
    (void)madvise(bytes, (size_t)status.st_size, MADV_WILLNEED);
    out->bytes = bytes;
    out->size = (size_t)status.st_size;
    out->is_file = 1;
    return RECSYS_OK;
}

recsys_status rs_map_open(const char *path, const char *name, uint64_t max_bytes,
                          struct rs_map *out, recsys_error *err)
{
    memset(out, 0, sizeof *out);
    /* O_NONBLOCK: opening a FIFO must not wait for a process that writes into it. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return rs_error_sys(err, errno, "cannot open %s", name);
    recsys_status status = map_descriptor(descriptor, name, max_bytes, out, err);
    close(descriptor);
    return status;
}

recsys_status rs_map_descriptor(int descriptor, const char *name, struct rs_map *out,
                                recsys_error *err)
{
    memset(out, 0, sizeof *out);
    return map_descriptor(descriptor, name, UINT64_MAX, out, err);
}

recsys_status rs_map_copy(const void *bytes, size_t size, const char *name, struct rs_map *out,
                          recsys_error *err)
{
    memset(out, 0, sizeof *out);
    if (size == 0)
        return RECSYS_OK;
    void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return rs_error_nomem(err, name);
    memcpy(copy, bytes, size);
    out->bytes = copy;
    out->size = size;
    return RECSYS_OK;
}

void rs_map_close(struct rs_map *map)
{
    if (map->release != NULL)
        map->release(map->user_data, map->bytes, map->size);
    else if (map->bytes != NULL)
        rs_map_unmap((void *)(uintptr_t)map->bytes, map->size);
    memset(map, 0, sizeof *map);
}

void rs_map_let_go(struct rs_map *map)
{
#if defined(MADV_DONTNEED) && defined(MADV_NOHUGEPAGE)
    void *bytes = (void *)(uintptr_t)map->bytes;

    if (!map->is_file || map->size == 0)
        return;
    /* Otherwise the first byte that is read of each 2 MB could bring all of them back. */
    (void)madvise(bytes, map->size, MADV_NOHUGEPAGE);
    map->is_let_go = madvise(bytes, map->size, MADV_DONTNEED) == 0;
#else
    (void)map;
#endif
}

void rs_map_unmap(void *bytes, size_t size)
{
    for (size_t step; size > 0; bytes = (char *)bytes + step, size -= step) {
        step = size < UNMAP_STEP ? size : UNMAP_STEP;
        munmap(bytes, step);
    }
}
