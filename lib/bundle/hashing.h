/* lib/bundle/hashing.h - the SHA-256 sums of a model's files, computed while the files are read.
 *
 * Sums take about as long as everything else of a load together, and nothing of it needs
 * them: a reader believes no file, whatever its sum is. So helper threads, if the caller
 * allows them, compute sums meanwhile, the largest file first; rs_hashing_finish() computes
 * what is left, waits and compares. The bytes must stay until then.
 */
#ifndef RS_BUNDLE_HASHING_H
#define RS_BUNDLE_HASHING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "lib/bundle/digest.h"
#include "recsys/status.h"

#define RS_HASHING_MAX_HELPERS 15u
#define RS_HASHING_NAME_SIZE 280u

struct rs_hashed; /* one file */

/* Zeroed means empty. Stays where it is while threads run. */
struct rs_hashing {
    struct rs_hashed *files;
    size_t n, room;
    atomic_size_t next; /* the first file that nobody has begun */
    uint32_t n_helpers;
    pthread_t helpers[RS_HASHING_MAX_HELPERS];
};

/* Room for n files. */
recsys_status rs_hashing_create(struct rs_hashing *hashing, size_t n, recsys_error *err);
/* Add a file before the start. Its sum must be `want` (BORROWED), or is written to `sum`; one of
 * both is NULL. `name` is how errors call the file. */
void rs_hashing_add(struct rs_hashing *hashing, const void *bytes, size_t size, const char *want,
                    char *sum, const char *name);
/* Start up to n_threads - 1 helpers. Small files are left to rs_hashing_finish(). */
void rs_hashing_start(struct rs_hashing *hashing, uint32_t n_threads);
/* E_FORMAT for the first file, in the order in which they were added, whose sum is another one. */
recsys_status rs_hashing_finish(struct rs_hashing *hashing, recsys_error *err);
/* Wait for what has begun, without a result; does nothing if it was finished. */
void rs_hashing_destroy(struct rs_hashing *hashing);

#endif
