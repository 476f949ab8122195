/* lib/denylist/denylist_time.c - the times in entries that other services write.
 *
 * ISO 8601 as Python's isoformat() and JavaScript's toISOString() print it: a date, T or a space, a
 * time with or without a fraction, and perhaps Z or an offset. Without either it is in UTC.
 */
#include <string.h>

#include "lib/denylist/denylist.h"

/* `n` digits, and the character behind them must be one of `ends`; -1 if not. */
static int64_t read_number(const char **at, int n, const char *ends)
{
    int64_t number = 0;

    for (; n > 0; n--, ++*at) {
        if (**at < '0' || **at > '9')
            return -1;
        number = number * 10 + (**at - '0');
    }
    if (**at == '\0')
        return strchr(ends, '$') != NULL ? number : -1;
    return strchr(ends, *(*at)++) != NULL ? number : -1;
}

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t rs_denylist_read_time(const char *text)
{
    const char *at = text;
    int64_t year = read_number(&at, 4, "-"), month = year < 0 ? -1 : read_number(&at, 2, "-");
    int64_t day = month < 0 ? -1 : read_number(&at, 2, "T ");
    int64_t hour = day < 0 ? -1 : read_number(&at, 2, ":");
    int64_t minute = hour < 0 ? -1 : read_number(&at, 2, ":");

    if (minute < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59)
        return -1;
    const char *seconds = at;
    int64_t second = read_number(&at, 2, ".Z+-$"), offset = 0;
    if (second < 0 || second > 60)
        return -1;
    at = seconds + 2;
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++)
            ;
    if (*at == '+' || *at == '-') {
        int64_t sign = *at++ == '-' ? -1 : 1;
        int64_t hours = read_number(&at, 2, ":$"),
                minutes = hours < 0 ? -1 : read_number(&at, 2, "$");
        if (minutes < 0 || hours > 23 || minutes > 59)
            return -1;
        offset = sign * (hours * 3600 + minutes * 60);
    } else if (*at != '\0' && (*at != 'Z' || at[1] != '\0'))
        return -1;
    return days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
}
