/* recsys/split.h - which of several models answers a user. Group: core. */
#ifndef RECSYS_SPLIT_H
#define RECSYS_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RECSYS_SPLIT_WHOLE 10000u   /* all users: shares are hundredths of a percent */
#define RECSYS_SPLIT_MAX_SALT 255u  /* bytes */

/*
 * Whether a user belongs to one of several shares of all users. The answer depends on
 * the arguments alone, so it is the same in every process, on every machine and in
 * every later release.
 *
 * A user's point, from 0 to RECSYS_SPLIT_WHOLE - 1, is
 *
 *   (XXH3-64(salt ":" id, seed 0) >> 32) * 10000 >> 32
 *
 * where an integer id is its decimal digits, so that 42 and "42" are one user. Shares
 * of even places lie one behind the other from point 0 upwards, those of odd places
 * from the last point downwards; the rest is between them. So if shares[0] or
 * shares[1] changes while the others are 0, no user of the other of the two moves:
 * users only come from the rest, and go back to it.
 *
 * salt     ends with NUL; another one is another, independent way to split.
 * shares   each from 0 to RECSYS_SPLIT_WHOLE, together at most as much; may be NULL
 *          if n_shares is 0.
 * place    receives the index of the share that the user belongs to, or n_shares for
 *          a user of the rest. 0 after a failure.
 *
 * Fails with: E_INVALID (NULL; a longer salt; an id that no model could have; shares
 *   that are too large).
 * Thread-safety: any thread. Allocates nothing.
 * Source: XXH3 of xxhash.com, version 0.8.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_split_find(const char *salt, recsys_id user,
                                                            const uint32_t *shares, size_t n_shares,
                                                            size_t *place, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
