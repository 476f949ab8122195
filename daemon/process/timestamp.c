/* daemon/process/timestamp.c - times as text.
 *
 * A worker formats the time once a second; for every other reply of that second
 * it only writes the milliseconds.
 */
#include "daemon/process/timestamp.h"

#include <ctype.h>
#include <string.h>
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

/* Exactly `n` digits. */
static bool read_digits(const char **text, int n, int *out)
{
    *out = 0;
    for (; n > 0; n--, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return false;
        *out = *out * 10 + (**text - '0');
    }
    return true;
}

static bool read_mark(const char **text, const char *marks)
{
    bool is_one = **text != '\0' && strchr(marks, **text) != NULL;

    *text += is_one ? 1 : 0;
    return is_one;
}

static bool read_parts(const char **text, struct tm *parts)
{
    bool ok = read_digits(text, 4, &parts->tm_year) && read_mark(text, "-") &&
              read_digits(text, 2, &parts->tm_mon) && read_mark(text, "-") &&
              read_digits(text, 2, &parts->tm_mday) && read_mark(text, "Tt ") &&
              read_digits(text, 2, &parts->tm_hour) && read_mark(text, ":") &&
              read_digits(text, 2, &parts->tm_min) && read_mark(text, ":") &&
              read_digits(text, 2, &parts->tm_sec);
    int month = parts->tm_mon, day = parts->tm_mday;

    parts->tm_year -= 1900;
    parts->tm_mon -= 1;
    /* timegm() carries what is too large over into the next month; 60 is a leap second. */
    return ok && month >= 1 && month <= 12 && day >= 1 && parts->tm_hour < 24 &&
           parts->tm_min < 60 && parts->tm_sec <= 60;
}

static int read_milliseconds(const char **text)
{
    int ms = 0;

    for (int unit = 100; isdigit((unsigned char)**text); unit /= 10, (*text)++)
        ms += (**text - '0') * unit;
    return ms;
}

/* Seconds east of Greenwich. */
static bool read_zone(const char **text, int64_t *out)
{
    int hours, minutes, sign = **text == '-' ? -1 : 1;

    *out = 0;
    if (read_mark(text, "Zz"))
        return true;
    if (!read_mark(text, "+-") || !read_digits(text, 2, &hours) || !read_mark(text, ":") ||
        !read_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool rd_time_parse(const char *text, uint64_t *unix_ms)
{
    struct tm parts = {0};
    int64_t seconds, zone;
    int ms = 0, day;

    if (!read_parts(&text, &parts))
        return false;
    day = parts.tm_mday;
    if (read_mark(&text, ".")) {
        if (!isdigit((unsigned char)*text))
            return false;
        ms = read_milliseconds(&text);
    }
    if (!read_zone(&text, &zone) || *text != '\0')
        return false;
    parts.tm_sec -= parts.tm_sec == 60;
    seconds = (int64_t)timegm(&parts) - zone;
    if (parts.tm_mday != day || seconds < 0) /* 30 February */
        return false;
    *unix_ms = (uint64_t)seconds * 1000u + (uint64_t)ms;
    return true;
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
