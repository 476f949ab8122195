/* daemon/http/stamp.h - what every reply is stamped with: time and request id. */
#ifndef RECSYSD_STAMP_H
#define RECSYSD_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RD_TIME_SIZE 25u /* "2026-11-21T03:00:00.000Z" and its NUL */
#define RD_DATE_SIZE 30u /* "Sat, 21 Nov 2026 03:00:00 GMT" and its NUL */
#define RD_UUID_SIZE 37u
#define RD_ID_MAX 128u /* the longest request id a client may choose */

/* What one thread keeps for it: the present second in both forms, and random bytes. */
struct rd_stamp {
    int64_t second;
    char time[RD_TIME_SIZE], date[RD_DATE_SIZE];
    unsigned char random[1024];
    size_t n_random;
};

/* The present time; both stay valid until the next call on this thread's stamp. */
void rd_stamp_now(struct rd_stamp *stamp);
/* A new UUIDv4. False if the system has no random bytes. */
bool rd_stamp_uuid(struct rd_stamp *stamp, char out[RD_UUID_SIZE]);

/* Is this 1..128 characters of A-Z a-z 0-9 . _ - ? */
bool rd_id_valid(const char *id);
/* ISO 8601 of Unix milliseconds. */
void rd_time_format(uint64_t unix_ms, char out[RD_TIME_SIZE]);

#endif
