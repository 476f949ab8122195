/* daemon/http/stamp.c - times and request ids, without a system call for most of them.
 *
 * A thread breaks the time down once a second and then only writes the
 * milliseconds; it draws random bytes for 64 UUIDs at once. Ids need not be
 * secret, but two processes must never give the same one, so the bytes come
 * from OpenSSL's generator.
 */
#include "daemon/http/stamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

static void put_milliseconds(char *time, long nanoseconds)
{
    long ms = nanoseconds / 1000000;

    time[20] = (char)('0' + ms / 100);
    time[21] = (char)('0' + ms / 10 % 10);
    time[22] = (char)('0' + ms % 10);
}

void rd_stamp_now(struct rd_stamp *stamp)
{
    struct timespec now;
    struct tm parts;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (stamp->second != (int64_t)now.tv_sec) {
        (void)gmtime_r(&now.tv_sec, &parts);
        (void)strftime(stamp->time, sizeof stamp->time, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
        (void)strftime(stamp->date, sizeof stamp->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        stamp->second = (int64_t)now.tv_sec;
    }
    put_milliseconds(stamp->time, now.tv_nsec);
}

void rd_time_format(uint64_t unix_ms, char out[RD_TIME_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(out, RD_TIME_SIZE, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
    put_milliseconds(out, (long)(unix_ms % 1000) * 1000000);
}

bool rd_stamp_uuid(struct rd_stamp *stamp, char out[RD_UUID_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char *bytes;
    size_t n = 0;

    if (stamp->n_random < 16) {
        if (RAND_bytes(stamp->random, (int)sizeof stamp->random) != 1)
            return false;
        stamp->n_random = sizeof stamp->random;
    }
    stamp->n_random -= 16;
    bytes = stamp->random + stamp->n_random;
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[n++] = '-';
        out[n++] = hex[bytes[i] >> 4];
        out[n++] = hex[bytes[i] & 15];
    }
    out[n] = '\0';
    return true;
}

bool rd_id_valid(const char *id)
{
    size_t size = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return size > 0 && size <= RD_ID_MAX && id[size] == '\0';
}
