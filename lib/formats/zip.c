/* lib/formats/zip.c - read the directory of a ZIP archive (described in PKWARE's APPNOTE).
 *
 * The central directory lists the members. A member's own header is used only to find where its
 * data begins, and must have the same name. Members may not overlap, so that a small file cannot
 * claim to hold the same data a thousand times. The sum of their unpacked sizes is bounded before
 * anything is unpacked.
 */
#include "lib/formats/zip.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/radix.h"

/* The most that all deflated members may unpack to. Zeros are packed 1000:1, vectors hardly at
 * all. */
#define UNPACKED_FREE (64u << 20)
#define UNPACKED_RATIO 100u
#define DEFLATE_LIMIT 1032u /* no deflated byte yields more */
#define STORED 0u
#define DEFLATED 8u
#define WHAT_SIZE 640u

struct archive {
    const unsigned char *bytes;
    size_t size;
    const char *file;
    uint64_t directory, directory_end, n_claimed;
    struct rs_zip_member *members;
    recsys_error *err;
};

static uint32_t u16(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t u32(const unsigned char *at)
{
    return u16(at) | u16(at + 2) << 16;
}

static uint64_t u64(const unsigned char *at)
{
    return u32(at) | (uint64_t)u32(at + 4) << 32;
}

static int has_mark(const unsigned char *at, const char *mark)
{
    return memcmp(at, mark, 4) == 0;
}

static recsys_status bad(const struct archive *archive, const char *reason)
{
    return rs_error(archive->err, RECSYS_E_FORMAT, "%s: %s", archive->file, reason);
}

static const char *member_what(const struct archive *archive, const struct rs_zip_member *member,
                               char out[WHAT_SIZE])
{
    snprintf(out, WHAT_SIZE, "%s: %.*s", archive->file, (int)member->name_size, member->name);
    return out;
}

/* Find the record at the end of the archive, behind which only a comment may stand. */
static const unsigned char *find_end(const struct archive *archive)
{
    if (archive->size < 22)
        return NULL;
    size_t first = archive->size - 22, last = first > 65535 ? first - 65535 : 0;

    for (size_t at = first + 1; at-- > last;)
        if (has_mark(archive->bytes + at, "PK\5\6") && u16(archive->bytes + at + 20) == first - at)
            return archive->bytes + at;
    return NULL;
}

/* An archive beyond 4 GB has its sizes in a second record, which a third one points to. */
static recsys_status read_end64(struct archive *archive, uint64_t end)
{
    if (end < 20 || !has_mark(archive->bytes + end - 20, "PK\6\7"))
        return bad(archive, "ZIP64 locator is missing (damaged archive?)");
    const unsigned char *locator = archive->bytes + end - 20;
    uint64_t at = u64(locator + 8);
    if (u32(locator + 4) != 0 || u32(locator + 16) > 1)
        return rs_error(archive->err, RECSYS_E_UNSUPPORTED, "%s: archive of several disks",
                        archive->file);
    if (end - 20 < 56 || at > end - 20 - 56 || !has_mark(archive->bytes + at, "PK\6\6"))
        return bad(archive, "ZIP64 record is missing (damaged archive?)");
    const unsigned char *record = archive->bytes + at;
    archive->n_claimed = u64(record + 32);
    archive->directory = u64(record + 48);
    archive->directory_end = at;
    if (u64(record + 24) != archive->n_claimed || archive->directory > at ||
        u64(record + 40) != at - archive->directory)
        return bad(archive, "central directory does not end where the archive says");
    return RECSYS_OK;
}

static recsys_status read_end(struct archive *archive)
{
    const unsigned char *end = find_end(archive);

    if (end == NULL)
        return bad(archive, "is no ZIP archive, or a truncated one");
    uint64_t at = (uint64_t)(end - archive->bytes);
    uint32_t size = u32(end + 12), offset = u32(end + 16);
    if ((u16(end + 4) != 0 && u16(end + 4) != 0xFFFF) || u16(end + 8) != u16(end + 10))
        return rs_error(archive->err, RECSYS_E_UNSUPPORTED, "%s: archive of several disks",
                        archive->file);
    if (u16(end + 10) == 0xFFFF || size == UINT32_MAX || offset == UINT32_MAX)
        return read_end64(archive, at);
    archive->n_claimed = u16(end + 10);
    archive->directory = offset;
    archive->directory_end = (uint64_t)offset + size;
    /* Writers may put the ZIP64 records in between although nothing needs them. */
    if (archive->directory_end != at &&
        (archive->directory_end + 76 != at ||
         !has_mark(archive->bytes + archive->directory_end, "PK\6\6")))
        return bad(archive, "central directory does not end where the archive says");
    return RECSYS_OK;
}

/* Sizes and place of a large member stand in an extra field. */
static int read_extra(struct rs_zip_member *member, const unsigned char *extra, size_t size,
                      int wants_disk)
{
    uint64_t *const fields[] = {&member->unpacked, &member->packed, &member->begin};
    int wanted = wants_disk;

    for (size_t i = 0; i < 3; i++)
        wanted |= *fields[i] == UINT32_MAX;
    while (wanted && size >= 4) {
        size_t length = u16(extra + 2);
        if (length > size - 4)
            return 0;
        if (u16(extra) != 1) {
            extra += 4 + length;
            size -= 4 + length;
            continue;
        }
        const unsigned char *at = extra + 4;
        for (size_t i = 0; i < 3; i++) {
            if (*fields[i] != UINT32_MAX)
                continue;
            if (length < 8)
                return 0;
            *fields[i] = u64(at);
            at += 8;
            length -= 8;
        }
        return !wants_disk || (length >= 4 && u32(at) == 0);
    }
    return !wanted;
}

/* One entry of the central directory. Returns its size in *used. */
static recsys_status read_entry(const struct archive *archive, const unsigned char *at, size_t left,
                                struct rs_zip_member *out, size_t *used)
{
    char what[WHAT_SIZE];

    if (left < 46 || !has_mark(at, "PK\1\2"))
        return bad(archive, "central directory is damaged");
    size_t name_size = u16(at + 28), extra_size = u16(at + 30), comment_size = u16(at + 32);
    *used = 46 + name_size + extra_size + comment_size;
    if (*used > left || name_size == 0 || name_size > RS_ZIP_MAX_NAME ||
        memchr(at + 46, 0, name_size) != NULL)
        return bad(archive, "central directory is damaged");
    out->name = (const char *)at + 46;
    out->name_size = name_size;
    out->deflated = u16(at + 10) == DEFLATED;
    out->crc = u32(at + 16);
    out->packed = u32(at + 20);
    out->unpacked = u32(at + 24);
    out->begin = u32(at + 42);
    member_what(archive, out, what);
    if (!read_extra(out, at + 46 + name_size, extra_size, u16(at + 34) == 0xFFFF))
        return rs_error(archive->err, RECSYS_E_FORMAT, "%s: ZIP64 field is damaged", what);
    if ((u16(at + 8) & 0x2041u) != 0)
        return rs_error(archive->err, RECSYS_E_UNSUPPORTED, "%s: is encrypted", what);
    if (u16(at + 34) != 0 && u16(at + 34) != 0xFFFF)
        return rs_error(archive->err, RECSYS_E_UNSUPPORTED, "%s: lies on another disk", what);
    if (u16(at + 10) != STORED && u16(at + 10) != DEFLATED)
        return rs_error(archive->err, RECSYS_E_UNSUPPORTED,
                        "%s: is packed by method %u; only stored and deflated are read", what,
                        u16(at + 10));
    if (out->deflated ? out->unpacked / DEFLATE_LIMIT > out->packed : out->unpacked != out->packed)
        return rs_error(archive->err, RECSYS_E_FORMAT,
                        "%s: %" PRIu64 " bytes cannot come from %" PRIu64, what, out->unpacked,
                        out->packed);
    return RECSYS_OK;
}

/* Find the member's data by its own header. */
static recsys_status find_data(const struct archive *archive, struct rs_zip_member *member)
{
    char what[WHAT_SIZE];
    uint64_t limit = archive->directory, at = member->begin;

    if (limit < 30 || at > limit - 30 || !has_mark(archive->bytes + at, "PK\3\4"))
        return rs_error(archive->err, RECSYS_E_FORMAT, "%s: its header is not where it should be",
                        member_what(archive, member, what));
    const unsigned char *header = archive->bytes + at;
    uint64_t data = at + 30 + u16(header + 26) + u16(header + 28);
    if (data > limit || member->packed > limit - data)
        return rs_error(archive->err, RECSYS_E_FORMAT, "%s: reaches beyond the archive's data",
                        member_what(archive, member, what));
    if (u16(header + 26) != member->name_size ||
        memcmp(header + 30, member->name, member->name_size) != 0)
        return rs_error(archive->err, RECSYS_E_FORMAT, "%s: its header bears another name",
                        member_what(archive, member, what));
    member->data = archive->bytes + data;
    return RECSYS_OK;
}

static recsys_status read_directory(struct archive *archive)
{
    uint64_t at = archive->directory, unpacked = 0;

    for (uint64_t i = 0; i < archive->n_claimed; i++) {
        struct rs_zip_member *member = &archive->members[i];
        size_t used = 0;
        recsys_status status = read_entry(archive, archive->bytes + at,
                                          (size_t)(archive->directory_end - at), member, &used);
        if (status == RECSYS_OK)
            status = find_data(archive, member);
        if (status != RECSYS_OK)
            return status;
        at += used;
        /* No overflow: `packed` is at most the file's size, and the ratio is bounded. */
        if (member->deflated)
            unpacked += member->unpacked;
    }
    if (at != archive->directory_end)
        return bad(archive, "central directory holds more than its members");
    if (unpacked > UNPACKED_FREE && (unpacked - UNPACKED_FREE) / UNPACKED_RATIO > archive->size)
        return rs_error(archive->err, RECSYS_E_LIMIT,
                        "%s: %zu bytes would unpack to %" PRIu64 "; store the arrays unpacked",
                        archive->file, archive->size, unpacked);
    return RECSYS_OK;
}

static recsys_status check_overlap(const struct archive *archive)
{
    uint64_t keys[RS_ZIP_MAX_MEMBERS], end = 0;
    uint32_t order[RS_ZIP_MAX_MEMBERS], spare[RS_ZIP_MAX_MEMBERS];
    size_t n = (size_t)archive->n_claimed;
    char what[WHAT_SIZE];

    if (n == 0)
        return RECSYS_OK;
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = archive->members[i].begin;
        order[i] = i;
    }
    rs_radix_sort(keys, order, spare, n);
    for (size_t i = 0; i < n; i++) {
        const struct rs_zip_member *member = &archive->members[order[i]];
        if (member->begin < end)
            return rs_error(archive->err, RECSYS_E_FORMAT, "%s: overlaps the member before it",
                            member_what(archive, member, what));
        end = (uint64_t)(member->data - archive->bytes) + member->packed;
    }
    return RECSYS_OK;
}

recsys_status rs_zip_read(const unsigned char *bytes, size_t size, const char *name,
                          struct rs_zip *out, recsys_error *err)
{
    struct archive archive = {.bytes = bytes, .size = size, .file = name, .err = err};

    memset(out, 0, sizeof *out);
    recsys_status status = read_end(&archive);
    if (status != RECSYS_OK)
        return status;
    if (archive.n_claimed > RS_ZIP_MAX_MEMBERS)
        return rs_error(err, RECSYS_E_LIMIT, "%s: has %" PRIu64 " members, at most %u are read",
                        name, archive.n_claimed, RS_ZIP_MAX_MEMBERS);
    archive.members = rs_alloc_array((size_t)archive.n_claimed, sizeof *archive.members);
    if (archive.members == NULL)
        return rs_error_nomem(err, name);
    out->members = archive.members;
    out->n_members = (size_t)archive.n_claimed;
    status = read_directory(&archive);
    if (status == RECSYS_OK)
        status = check_overlap(&archive);
    if (status != RECSYS_OK)
        rs_zip_close(out);
    return status;
}

void rs_zip_close(struct rs_zip *zip)
{
    rs_free(zip->members);
    memset(zip, 0, sizeof *zip);
}

/* inflate() the first `size` bytes. Z_OK if there were as many, and no more if `size` is the
 * whole member. */
static int inflate_into(const struct rs_zip_member *member, unsigned char *to, size_t size)
{
    const size_t step = 1u << 30; /* zlib counts in 32 bits */
    const int whole = size == member->unpacked;
    uint64_t packed = member->packed;
    z_stream stream;
    size_t done = 0;
    int result = Z_OK;
    unsigned char surplus;

    memset(&stream, 0, sizeof stream);
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return Z_MEM_ERROR;
    stream.next_in = (unsigned char *)(uintptr_t)member->data;
    while (result == Z_OK && (done < size || whole)) {
        uInt room = (uInt)(size - done < step ? size - done : step);
        uInt given = (uInt)(packed < step ? packed : step);
        /* When the output is full, the next thing must be the end mark. */
        stream.next_out = done < size ? to + done : &surplus;
        stream.avail_out = done < size ? room : 1;
        stream.avail_in = given;
        result = inflate(&stream, Z_NO_FLUSH);
        packed -= given - stream.avail_in;
        if (done < size)
            done += room - stream.avail_out;
        else if (stream.avail_out == 0)
            result = Z_DATA_ERROR;
    }
    inflateEnd(&stream);
    if (result == Z_MEM_ERROR || (done == size && !whole))
        return result == Z_MEM_ERROR ? Z_MEM_ERROR : Z_OK;
    return result == Z_STREAM_END && done == size && packed == 0 ? Z_OK : Z_DATA_ERROR;
}

recsys_status rs_zip_unpack(const struct rs_zip_member *member, unsigned char *to, size_t size,
                            const char *what, recsys_error *err)
{
    int result = inflate_into(member, to, size);

    if (result == Z_MEM_ERROR)
        return rs_error_nomem(err, what);
    if (result != Z_OK)
        return rs_error(err, RECSYS_E_FORMAT, "%s: compressed data is damaged", what);
    return size == member->unpacked ? rs_zip_check(member, to, what, err) : RECSYS_OK;
}

recsys_status rs_zip_check(const struct rs_zip_member *member, const unsigned char *bytes,
                           const char *what, recsys_error *err)
{
    uint32_t crc = (uint32_t)crc32_z(0, bytes, (size_t)member->unpacked);

    if (crc != member->crc)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: CRC is %08" PRIx32 ", the archive says %08" PRIx32, what, crc,
                        member->crc);
    return RECSYS_OK;
}
