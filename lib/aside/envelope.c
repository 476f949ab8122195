/* lib/aside/envelope.c - write and read the bytes that envelope.h describes.
 *
 * Reading trusts nothing: bytes of another program, of a half-written value or of a
 * mixed-up connection are recognised, and every size is checked before use. The
 * checksum comes last, because it takes the most time. Values in the process's own memory are as
 * safe as the rest of it, and are not summed: that would be an eighth of a hit.
 */
#include "lib/aside/envelope.h"

#include <string.h>

#include "lib/base/hash.h"

#define FORMAT 1u
#define COMPANION 2u /* the format of a companion */
#define KNOWN_FLAGS ((uint32_t)(RS_ENVELOPE_NEGATIVE | RS_ENVELOPE_JSON))
#define COMPANION_FLAGS (KNOWN_FLAGS | (uint32_t)RS_ENVELOPE_BESIDE)

static void put32(unsigned char *to, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(number >> (24 - 8 * i));
}

static void put64(unsigned char *to, uint64_t number)
{
    put32(to, (uint32_t)(number >> 32));
    put32(to + 4, (uint32_t)number);
}

static uint32_t get32(const unsigned char *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static uint64_t get64(const unsigned char *from)
{
    return (uint64_t)get32(from) << 32 | get32(from + 4);
}

static uint64_t checksum(const unsigned char *bytes, size_t size)
{
    return rs_hash_bytes(bytes + RS_ENVELOPE_HEAD, size - RS_ENVELOPE_HEAD,
                         rs_hash_bytes(bytes, 56, 0));
}

size_t rs_envelope_offset(const struct rs_identity *identity)
{
    return RS_ENVELOPE_HEAD + identity->label_size + identity->key_size;
}

size_t rs_envelope_size(const struct rs_identity *identity, size_t value_size)
{
    size_t size;

    if (value_size > UINT32_MAX ||
        __builtin_add_overflow(rs_envelope_offset(identity), value_size, &size))
        return 0;
    return size;
}

/* Head, without its checksum, and identity. */
static void write_head(unsigned char *bytes, unsigned char format,
                       const struct rs_identity *identity, const struct rs_envelope *envelope)
{
    bytes[0] = 'V';
    bytes[1] = format;
    bytes[2] = (unsigned char)envelope->flags;
    bytes[3] = 0;
    put32(bytes + 4, (uint32_t)(identity->label_size + identity->key_size));
    put64(bytes + 8, envelope->version);
    put64(bytes + 16, envelope->entry);
    put64(bytes + 24, envelope->epoch);
    put64(bytes + 32, envelope->created_ms);
    put64(bytes + 40, envelope->fresh_until_ms);
    put32(bytes + 48, envelope->delta_ms);
    put32(bytes + 52, (uint32_t)envelope->value_size);
    memcpy(bytes + RS_ENVELOPE_HEAD, identity->label, identity->label_size);
    memcpy(bytes + RS_ENVELOPE_HEAD + identity->label_size, identity->key, identity->key_size);
}

void rs_envelope_write(unsigned char *bytes, const struct rs_identity *identity,
                       const struct rs_envelope *envelope)
{
    write_head(bytes, FORMAT, identity, envelope);
    put64(bytes + 56, checksum(bytes, rs_envelope_offset(identity) + envelope->value_size));
}

size_t rs_companion_size(const struct rs_identity *identity, const struct rs_envelope *envelope)
{
    return rs_envelope_offset(identity) +
           ((envelope->flags & RS_ENVELOPE_BESIDE) != 0 ? envelope->value_size : 0);
}

static uint64_t companion_sum(const unsigned char *bytes, size_t size, recsys_bytes text)
{
    return rs_hash_bytes(text.data == NULL ? "" : text.data, text.size, checksum(bytes, size));
}

void rs_companion_write(unsigned char *bytes, const struct rs_identity *identity,
                        const struct rs_envelope *envelope, recsys_bytes text)
{
    write_head(bytes, COMPANION, identity, envelope);
    put64(bytes + 56, companion_sum(bytes, rs_companion_size(identity, envelope), text));
}

static int is_lease(const unsigned char *bytes, size_t size)
{
    static const unsigned char head[8] = {'L', FORMAT};

    return size == RS_ENVELOPE_PREFIX && memcmp(bytes, head, sizeof head) == 0;
}

static int is_of(const unsigned char *bytes, size_t identity_size,
                 const struct rs_identity *identity)
{
    return identity_size == identity->label_size + identity->key_size &&
           memcmp(bytes + RS_ENVELOPE_HEAD, identity->label, identity->label_size) == 0 &&
           memcmp(bytes + RS_ENVELOPE_HEAD + identity->label_size, identity->key,
                  identity->key_size) == 0;
}

static void read_head(const unsigned char *bytes, struct rs_envelope *out)
{
    out->flags = bytes[2];
    out->version = get64(bytes + 8);
    out->entry = get64(bytes + 16);
    out->epoch = get64(bytes + 24);
    out->created_ms = get64(bytes + 32);
    out->fresh_until_ms = get64(bytes + 40);
    out->delta_ms = get32(bytes + 48);
}

enum rs_content rs_envelope_read(const void *data, size_t size, const struct rs_identity *identity,
                                 int is_intact, struct rs_envelope *out)
{
    const unsigned char *bytes = data;

    if (is_lease(bytes, size))
        return RS_CONTENT_LEASE;
    if (size < RS_ENVELOPE_HEAD || bytes[0] != 'V' || bytes[1] != FORMAT ||
        (bytes[2] & ~KNOWN_FLAGS) != 0 || bytes[3] != 0)
        return RS_CONTENT_DAMAGED;
    size_t identity_size = get32(bytes + 4), value_size = get32(bytes + 52);
    if (identity_size > size - RS_ENVELOPE_HEAD ||
        value_size != size - RS_ENVELOPE_HEAD - identity_size ||
        ((bytes[2] & RS_ENVELOPE_NEGATIVE) != 0 && value_size != 0) ||
        (!is_intact && get64(bytes + 56) != checksum(bytes, size)))
        return RS_CONTENT_DAMAGED;
    if (!is_of(bytes, identity_size, identity))
        return RS_CONTENT_MISMATCH;
    read_head(bytes, out);
    out->value = bytes + RS_ENVELOPE_HEAD + identity_size;
    out->value_size = value_size;
    return RS_CONTENT_VALUE;
}

/* The sum is the last thing to look at, and all it can say is that the two do not fit. */
enum rs_content rs_companion_read(recsys_bytes companion, recsys_bytes text,
                                  const struct rs_identity *identity, struct rs_envelope *out)
{
    const unsigned char *bytes = companion.data;
    size_t size = companion.size;

    if (is_lease(bytes, size))
        return RS_CONTENT_LEASE;
    if (size < RS_ENVELOPE_HEAD || bytes[0] != 'V' || bytes[1] != COMPANION ||
        (bytes[2] & ~COMPANION_FLAGS) != 0 || bytes[3] != 0)
        return RS_CONTENT_DAMAGED;
    size_t identity_size = get32(bytes + 4), value_size = get32(bytes + 52);
    int is_beside = (bytes[2] & RS_ENVELOPE_BESIDE) != 0;
    int is_negative = (bytes[2] & RS_ENVELOPE_NEGATIVE) != 0;
    if (identity_size > size - RS_ENVELOPE_HEAD ||
        size - RS_ENVELOPE_HEAD - identity_size != (is_beside ? value_size : 0) ||
        (is_negative && (is_beside || value_size != 0)))
        return RS_CONTENT_DAMAGED;
    if (!is_of(bytes, identity_size, identity))
        return RS_CONTENT_MISMATCH;
    if (!is_negative && text.data == NULL)
        return RS_CONTENT_GONE;
    if ((is_negative && text.data != NULL) || (!is_negative && !is_beside && text.size != value_size) ||
        get64(bytes + 56) != companion_sum(bytes, size, text))
        return RS_CONTENT_FOREIGN;
    read_head(bytes, out);
    out->value = is_beside ? bytes + RS_ENVELOPE_HEAD + identity_size : text.data;
    out->value_size = value_size;
    return RS_CONTENT_VALUE;
}

void rs_lease_write(unsigned char bytes[RS_ENVELOPE_PREFIX], uint64_t a, uint64_t b)
{
    memset(bytes, 0, 8);
    bytes[0] = 'L';
    bytes[1] = FORMAT;
    put64(bytes + 8, a);
    put64(bytes + 16, b);
}
