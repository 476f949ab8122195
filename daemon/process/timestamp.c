/* daemon/process/timestamp.c - times as text.
 *
 * A worker formats the time once a second; for every other reply of that second
 * it only writes the milliseconds.
 */
#include "daemon/process/timestamp.h"

#include <time.h>

#include "lib/base/clock.h"

static void put_milliseconds(char *time, unsigned ms)
{
    time[20] = (char)('0' + ms / 100);
    time[21] = (char)('0' + ms / 10 % 10);
    time[22] = (char)('0' + ms % 10);
}

void rd_time_format(uint64_t unix_ms, char out[RD_TIME_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(out, RD_TIME_SIZE, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
    put_milliseconds(out, (unsigned)(unix_ms % 1000));
}

void rd_timestamp_now(struct rd_timestamp *cached)
{
    uint64_t now_ms = rs_clock_unix_ms();
    time_t second = (time_t)(now_ms / 1000);
    struct tm parts;

    if (cached->second != (int64_t)second) {
        (void)gmtime_r(&second, &parts);
        (void)strftime(cached->date, sizeof cached->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        rd_time_format(now_ms, cached->time);
        cached->second = (int64_t)second;
    }
    put_milliseconds(cached->time, (unsigned)(now_ms % 1000));
}
