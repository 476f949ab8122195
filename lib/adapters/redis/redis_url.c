/* lib/adapters/redis/redis_url.c - the address of a server, from one line of text.
 *
 * Messages name the wrong part and never quote it: after a typing error any part may
 * contain the password.
 */
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/hex.h"
#include "lib/base/structs.h"
#include "recsys/redis.h"

/* Part of the URL: not terminated. */
struct piece {
    const char *text;
    size_t size;
};

struct url_reading {
    char *buffer; /* what is left of the caller's */
    size_t room;
    recsys_error *err;
};

static recsys_status complain(struct url_reading *reading, const char *why)
{
    return rs_error(reading->err, RECSYS_E_INVALID, "cannot read the URL of a Redis server: %s",
                    why);
}

/* Copy into the buffer, %XX decoded. */
static recsys_status decode(struct url_reading *reading, struct piece piece, const char *what,
                            const char **out)
{
    size_t n = 0;

    for (size_t i = 0; i < piece.size; i++) {
        char c = piece.text[i];
        if (c == '%') {
            int high = i + 2 < piece.size ? rs_hex_digit(piece.text[i + 1]) : -1;
            int low = high >= 0 ? rs_hex_digit(piece.text[i + 2]) : -1;
            if (low < 0 || high * 16 + low == 0)
                return rs_error(reading->err, RECSYS_E_INVALID,
                                "cannot read the URL of a Redis server: the %s has a '%%' that is "
                                "not followed by two hexadecimal digits other than 00",
                                what);
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (n + 1 >= reading->room)
            return rs_error(reading->err, RECSYS_E_LIMIT,
                            "cannot read the URL of a Redis server: the buffer is too small");
        reading->buffer[n++] = c;
    }
    if (n >= reading->room)
        return rs_error(reading->err, RECSYS_E_LIMIT,
                        "cannot read the URL of a Redis server: the buffer is too small");
    reading->buffer[n++] = '\0';
    *out = reading->buffer;
    reading->buffer += n;
    reading->room -= n;
    return RECSYS_OK;
}

static recsys_status read_number(struct url_reading *reading, struct piece piece, uint32_t max,
                                 const char *why, uint32_t *out)
{
    uint64_t number = 0;

    if (piece.size == 0 || piece.size > 9)
        return complain(reading, why);
    for (size_t i = 0; i < piece.size; i++) {
        if (piece.text[i] < '0' || piece.text[i] > '9')
            return complain(reading, why);
        number = number * 10 + (uint64_t)(piece.text[i] - '0');
    }
    if (number > max)
        return complain(reading, why);
    *out = (uint32_t)number;
    return RECSYS_OK;
}

static const char *find(struct piece piece, char c)
{
    return piece.size == 0 ? NULL : memchr(piece.text, c, piece.size);
}

/* Split at the place `at`, which is not part of either. */
static void split(struct piece whole, const char *at, struct piece *before, struct piece *after)
{
    before->text = whole.text;
    before->size = (size_t)(at - whole.text);
    after->text = at + 1;
    after->size = whole.size - before->size - 1;
}

static recsys_status read_login(struct url_reading *reading, struct piece login,
                                recsys_redis_options *options)
{
    struct piece user, password;
    const char *colon = find(login, ':');

    if (colon == NULL)
        return complain(reading, "the part before '@' must be user:password or :password");
    split(login, colon, &user, &password);
    recsys_status status = RECSYS_OK;
    if (user.size > 0)
        status = decode(reading, user, "user", &options->user);
    if (status == RECSYS_OK && password.size > 0)
        status = decode(reading, password, "password", &options->password);
    return status;
}

static recsys_status read_place(struct url_reading *reading, struct piece place,
                                recsys_redis_options *options)
{
    struct piece host = place, port = {NULL, 0};
    const char *end = NULL;

    if (place.size > 0 && place.text[0] == '[') { /* an IPv6 address */
        end = find(place, ']');
        if (end == NULL)
            return complain(reading, "the '[' before the address has no ']'");
        split(place, end, &host, &port);
        host.text++;
        host.size--;
        if (port.size > 0 && port.text[0] != ':')
            return complain(reading, "after ']' only a ':' and the port may follow");
        end = port.size > 0 ? port.text : NULL;
        port.text += port.size > 0;
        port.size -= port.size > 0;
    } else {
        end = find(place, ':');
        if (end != NULL)
            split(place, end, &host, &port);
    }
    if (host.size == 0 || host.text[0] == '/')
        return complain(reading, "the host is missing");
    recsys_status status = RECSYS_OK;
    if (end != NULL)
        status = read_number(reading, port, 65535, "the port is not a number up to 65535",
                             &options->port);
    if (status == RECSYS_OK && end != NULL && options->port == 0)
        status = complain(reading, "the port is 0");
    return status == RECSYS_OK ? decode(reading, host, "host", &options->host) : status;
}

static recsys_status read_db(struct url_reading *reading, struct piece db,
                             recsys_redis_options *options)
{
    return read_number(reading, db, 999999999, "the database is not a number", &options->db);
}

static recsys_status read_tcp(struct url_reading *reading, struct piece rest,
                              recsys_redis_options *options)
{
    struct piece place = rest, db = {NULL, 0}, login;
    recsys_status status = RECSYS_OK;
    const char *slash, *at = NULL;

    if (find(rest, '?') != NULL || find(rest, '#') != NULL)
        return complain(reading, "nothing may follow the database; a '?' or '#' that belongs to "
                                 "the password is written %3F or %23");
    slash = find(rest, '/');
    if (slash != NULL)
        split(rest, slash, &place, &db);
    for (size_t i = 0; i < place.size; i++) /* the last: a password may have one */
        if (place.text[i] == '@')
            at = place.text + i;
    if (at != NULL) {
        split(place, at, &login, &place);
        status = read_login(reading, login, options);
    }
    if (status == RECSYS_OK)
        status = read_place(reading, place, options);
    if (status == RECSYS_OK && db.size > 0)
        status = read_db(reading, db, options);
    return status;
}

static recsys_status read_unix(struct url_reading *reading, struct piece rest,
                               recsys_redis_options *options)
{
    struct piece path = rest, query = {NULL, 0};
    const char *mark = find(rest, '?');

    if (mark != NULL)
        split(rest, mark, &path, &query);
    if (path.size < 2 || path.text[0] != '/')
        return complain(reading, "after unix:// the path of a socket must follow, from '/' on");
    if (mark != NULL && (query.size < 3 || memcmp(query.text, "db=", 3) != 0))
        return complain(reading, "after '?' only db=NUMBER may follow");
    recsys_status status = decode(reading, path, "path", &options->host);
    if (status == RECSYS_OK && mark != NULL)
        status = read_db(reading, (struct piece){query.text + 3, query.size - 3}, options);
    return status;
}

recsys_status recsys_redis_read_url(const char *url, char *buffer, size_t buffer_size,
                                    recsys_redis_options *options, recsys_error *err)
{
    static const struct {
        const char *scheme;
        uint32_t flags;
        recsys_status (*read)(struct url_reading *, struct piece, recsys_redis_options *);
    } schemes[] = {{"redis://", 0, read_tcp},
                   {"rediss://", RECSYS_REDIS_TLS, read_tcp},
                   {"unix://", 0, read_unix}};
    struct url_reading reading = {buffer, buffer_size, err};
    recsys_redis_options read;

    if (url == NULL || buffer == NULL || options == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_redis_read_url: an argument is missing");
    recsys_status status = rs_struct_read(&read, sizeof read, options, RECSYS_REDIS_OPTIONS_SIZE_V1,
                                          "recsys_redis_read_url: options", err);
    if (status != RECSYS_OK)
        return status;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t size = strlen(schemes[i].scheme);
        if (strncmp(url, schemes[i].scheme, size) == 0) {
            read.flags = (read.flags & ~(uint32_t)RECSYS_REDIS_TLS) | schemes[i].flags;
            status =
                schemes[i].read(&reading, (struct piece){url + size, strlen(url + size)}, &read);
            if (status == RECSYS_OK) {
                /* The fields that this caller's struct has, and not one byte beyond. */
                read.struct_size = options->struct_size;
                memcpy(options, &read,
                       options->struct_size < sizeof read ? options->struct_size : sizeof read);
            }
            return status;
        }
    }
    return complain(&reading, "it must begin with redis://, rediss:// or unix://");
}
