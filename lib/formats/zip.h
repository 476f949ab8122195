/* lib/formats/zip.h - the members of a ZIP archive. Used by npz.c only. */
#ifndef RS_FORMATS_ZIP_H
#define RS_FORMATS_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/status.h"

#define RS_ZIP_MAX_MEMBERS 1024u
#define RS_ZIP_MAX_NAME 255u

struct rs_zip_member {
    const char *name; /* in the archive: not NUL-terminated, without NUL */
    size_t name_size;
    uint32_t deflated; /* 1, or 0 for stored as it is */
    uint32_t crc;
    uint64_t packed, unpacked; /* bytes */
    uint64_t begin;            /* of the member's own header */
    const unsigned char *data;
};

struct rs_zip {
    struct rs_zip_member *members;
    size_t n_members;
};

/*
 * Read the directory of an archive in memory, which must outlive `out`.
 * `name` is how errors call it. When this succeeds, every member's data lies
 * within the archive, no two overlap, and all together unpack to a bounded
 * multiple of the archive.
 *
 * Fails with: E_FORMAT, E_UNSUPPORTED (encrypted, split, another method),
 *   E_LIMIT (too many members, or too much to unpack), E_NOMEM.
 */
recsys_status rs_zip_read(const unsigned char *bytes, size_t size, const char *name,
                          struct rs_zip *out, recsys_error *err);
void rs_zip_close(struct rs_zip *zip);

/*
 * The first `size` bytes of a deflated member. If that is all of it, its end
 * and CRC are checked too. `what` is how errors call the member.
 */
recsys_status rs_zip_unpack(const struct rs_zip_member *member, unsigned char *to, size_t size,
                            const char *what, recsys_error *err);
/* `bytes` are the member's, unpacked. */
recsys_status rs_zip_check(const struct rs_zip_member *member, const unsigned char *bytes,
                           const char *what, recsys_error *err);

#endif
