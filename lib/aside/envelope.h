/* lib/aside/envelope.h - the bytes of a cached value with its identity, and of a lease.
 *
 * A contract between processes and languages. All numbers are big-endian.
 *
 *   A value: 64 bytes of head, then the identity, then the value.
 *      0  'V'
 *      1  format, 1
 *      2  flags: 1 = negative (known not to exist; the value is empty), 2 = JSON text,
 *         4 = beside (of a companion)
 *      3  0
 *      4  u32  size of the identity
 *      8  u64  version of the row, 0 if it has none
 *     16  u64  entry: random, another one each time something is stored
 *     24  u64  epoch in which it is alive, see epoch.c
 *     32  u64  created, ms since 1970
 *     40  u64  fresh until, ms since 1970
 *     48  u32  how long the load took, ms
 *     52  u32  size of the value
 *     56  u64  XXH3-64 of the bytes from 64 to the end, seeded with the XXH3-64
 *              (seed 0) of the bytes 0 to 55
 *
 *   The identity is the label of the logical db, a NUL, and the key. So a value
 *   that comes back under another key, or from another db, is noticed.
 *
 *   A companion: the same head, with format 2, and the identity. The value stands under
 *   another key as it is, so that programs can read it that know nothing of all this.
 *   The sum at byte 56 goes over the identity and that text: XXH3-64 of the text, seeded with
 *   the sum that the companion's own bytes have. So it shows whether a text is the one that the
 *   companion was written with. With "beside" the value itself follows the identity, and the text
 *   is what other programs shall see instead.
 *
 *   A lease, 24 bytes: 'L', 1, six zeros, 16 random bytes. A program that reads the
 *   store without this library must treat it as "not there".
 *
 * A compare-and-replace compares the first 24 bytes of either: they are never the
 * same twice.
 */
#ifndef RS_ASIDE_ENVELOPE_H
#define RS_ASIDE_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/store.h"

#define RS_ENVELOPE_HEAD 64u
#define RS_ENVELOPE_PREFIX 24u /* also the size of a lease */

enum {
    RS_ENVELOPE_NEGATIVE = 1u << 0,
    RS_ENVELOPE_JSON = 1u << 1,
    RS_ENVELOPE_BESIDE = 1u << 2 /* of a companion */
};

struct rs_identity {
    const char *label; /* with its NUL, which counts */
    size_t label_size;
    const void *key;
    size_t key_size;
};

struct rs_envelope {
    uint32_t flags; /* RS_ENVELOPE_* */
    uint32_t delta_ms;
    uint64_t version, entry, epoch, created_ms, fresh_until_ms;
    const unsigned char *value; /* BORROWED from what was read */
    size_t value_size;
};

enum rs_content {
    RS_CONTENT_VALUE,
    RS_CONTENT_LEASE,
    RS_CONTENT_DAMAGED,  /* neither of the two, or a value of a later format */
    RS_CONTENT_MISMATCH, /* whole, but another key's or another db's */
    RS_CONTENT_FOREIGN,  /* a companion, and a text that it was not written with */
    RS_CONTENT_GONE      /* a companion whose text is missing */
};

/* Bytes that a value takes with its head; 0 if that cannot be written. */
size_t rs_envelope_size(const struct rs_identity *identity, size_t value_size);
/* Where in these bytes the value begins. */
size_t rs_envelope_offset(const struct rs_identity *identity);
/* Write head and identity before a value of envelope->value_size that stands
 * at its place in `bytes` already; envelope->value is not looked at. */
void rs_envelope_write(unsigned char *bytes, const struct rs_identity *identity,
                       const struct rs_envelope *envelope);
/* Trusts nothing but, with is_intact, that no byte has changed: in this process's memory.
 * `out` is filled in for VALUE only. */
enum rs_content rs_envelope_read(const void *bytes, size_t size, const struct rs_identity *identity,
                                 int is_intact, struct rs_envelope *out);

/* Bytes that a companion takes; without the value, unless that is kept beside. */
size_t rs_companion_size(const struct rs_identity *identity, const struct rs_envelope *envelope);
/* Write head and identity. If the value is kept beside, it stands at its place behind them
 * already. `text` is what will be under the other key; data NULL with NEGATIVE. */
void rs_companion_write(unsigned char *bytes, const struct rs_identity *identity,
                        const struct rs_envelope *envelope, recsys_bytes text);
/* Trusts nothing. `text` is what is under the other key; data NULL: nothing. */
enum rs_content rs_companion_read(recsys_bytes companion, recsys_bytes text,
                                  const struct rs_identity *identity, struct rs_envelope *out);

void rs_lease_write(unsigned char bytes[RS_ENVELOPE_PREFIX], uint64_t a, uint64_t b);

#endif
