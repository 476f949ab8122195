/* daemon/process/timestamp.h - times as JSON and HTTP have them. */
#ifndef RECSYSD_TIMESTAMP_H
#define RECSYSD_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#define RD_TIME_SIZE 25u /* "2026-11-21T03:00:00.000Z" and its NUL */
#define RD_DATE_SIZE 30u /* "Sat, 21 Nov 2026 03:00:00 GMT" and its NUL */

/* The present time in both forms, kept by one thread. */
struct rd_timestamp {
    int64_t second; /* -1: never set */
    char time[RD_TIME_SIZE], date[RD_DATE_SIZE];
};

/* Bring `cached` up to date. */
void rd_timestamp_now(struct rd_timestamp *cached);
/* ISO 8601 of Unix milliseconds. */
void rd_time_format(uint64_t unix_ms, char out[RD_TIME_SIZE]);
/* The opposite, of a time with a zone as RFC 3339 has it: 2026-11-29T08:30:00.5+01:00; digits beyond
 * milliseconds are cut. False: it is none, or before 1970. */
bool rd_time_parse(const char *text, uint64_t *unix_ms);

#endif
