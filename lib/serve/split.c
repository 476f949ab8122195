/* lib/serve/split.c - shares of all users, by a hash of a salt and the user's id.
 *
 * The numbers are a promise: experiments last for months, and other programs compute the same
 * points from their logs. tests/api/test_split.c holds some of them.
 */
#include "recsys/split.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/hash.h"

#define MAX_NUMBER UINT64_C(9223372036854775807)

static recsys_status point_of(const char *salt, recsys_id user, uint32_t *point, recsys_error *err)
{
    char text[RECSYS_SPLIT_MAX_SALT + 1u + RECSYS_ID_MAX_TEXT + 1u];
    size_t size = strnlen(salt, RECSYS_SPLIT_MAX_SALT + 1u);

    if (size > RECSYS_SPLIT_MAX_SALT)
        return rs_error(err, RECSYS_E_INVALID, "recsys_split_find: a salt longer than %u bytes",
                        RECSYS_SPLIT_MAX_SALT);
    memcpy(text, salt, size);
    text[size++] = ':';
    if (user.text != NULL) {
        if (user.number < 1 || user.number > RECSYS_ID_MAX_TEXT)
            return rs_error(err, RECSYS_E_INVALID,
                            "recsys_split_find: a user of %" PRIu64 " bytes; 1 to %u are allowed",
                            user.number, RECSYS_ID_MAX_TEXT);
        memcpy(text + size, user.text, (size_t)user.number);
        size += (size_t)user.number;
    } else {
        if (user.number > MAX_NUMBER)
            return rs_error(err, RECSYS_E_INVALID,
                            "recsys_split_find: user %" PRIu64 " is larger than any id",
                            user.number);
        size += (size_t)snprintf(text + size, sizeof text - size, "%" PRIu64, user.number);
    }
    *point = (uint32_t)((rs_hash_bytes(text, size, 0) >> 32) * RECSYS_SPLIT_WHOLE >> 32);
    return RECSYS_OK;
}

static recsys_status check(const uint32_t *shares, size_t n_shares, recsys_error *err)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n_shares; i++) {
        if (shares[i] > RECSYS_SPLIT_WHOLE - sum)
            return rs_error(err, RECSYS_E_INVALID,
                            "recsys_split_find: the shares are together more than %u",
                            RECSYS_SPLIT_WHOLE);
        sum += shares[i];
    }
    return RECSYS_OK;
}

static size_t place_of(uint32_t point, const uint32_t *shares, size_t n_shares)
{
    uint32_t low = 0, high = RECSYS_SPLIT_WHOLE;

    for (size_t i = 0; i < n_shares; i++) {
        if (i % 2 == 0) {
            if (point >= low && point - low < shares[i])
                return i;
            low += shares[i];
        } else {
            high -= shares[i];
            if (point >= high && point - high < shares[i])
                return i;
        }
    }
    return n_shares;
}

recsys_status recsys_split_find(const char *salt, recsys_id user, const uint32_t *shares,
                                size_t n_shares, size_t *place, recsys_error *err)
{
    uint32_t point;
    recsys_status status;

    if (place == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_split_find: place is NULL");
    *place = 0;
    if (salt == NULL || (shares == NULL && n_shares > 0))
        return rs_error(err, RECSYS_E_INVALID, "recsys_split_find: %s is NULL",
                        salt == NULL ? "salt" : "shares");
    status = check(shares, n_shares, err);
    if (status == RECSYS_OK)
        status = point_of(salt, user, &point, err);
    if (status == RECSYS_OK)
        *place = place_of(point, shares, n_shares);
    return status;
}
