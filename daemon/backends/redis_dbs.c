/* daemon/backends/redis_dbs.c - from the settings for Redis to a store for each logical db.
 *
 * A logical db is an endpoint, a number and a key prefix. `redis` is the endpoint of all
 * logical dbs: number 3 there is logical db 3, without a prefix. For servers that only
 * have number 0, redis_single_db uses prefixes ("d3:") instead of numbers. `redis_dbs` moves single
 * logical dbs to other endpoints, each with N=URL or N=URL#PREFIX. A URL may contain the
 * number (/5, or ?db=5 of a socket).
 */
#include "daemon/backends/redis_dbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <recsys/redis.h>

#include "daemon/config/wrong.h"
#include "lib/base/utf8.h"

#define MAX_URL 1024u
#define MAX_PASSWORD 512u

/* Where one logical db is: an entry of redis_dbs, or `redis`. */
struct place {
    char url[MAX_URL];
    char prefix[128];
    bool has_prefix, is_common; /* is_common: from `redis`, and not from an entry of redis_dbs */
};

/* Does the URL contain a number? */
static bool has_number(const char *url)
{
    const char *rest = strstr(url, "://");

    if (rest == NULL)
        return false;
    rest += 3;
    if (strncmp(url, "unix:", 5) == 0)
        return strstr(rest, "?db=") != NULL;
    rest = strchr(rest, '/');
    return rest != NULL && rest[1] != '\0';
}

/* Parse the entry at *list and move *list to the next entry. */
static bool read_entry(const char **list, unsigned *db, struct place *place, recsys_error *err)
{
    const char *entry = *list + strspn(*list, " ");
    size_t size = strcspn(entry, ","), url_size;
    char *url, *hash;
    unsigned long number = strtoul(entry, &url, 10);

    *list = entry + size + (entry[size] == ',');
    *list += strspn(*list, " ");
    if (entry[0] < '0' || entry[0] > '9' || *url != '=' || number >= RD_DBS)
        return rd_wrong(err, "redis_dbs: expected N=URL with N from 0 to %u, separated by commas",
                        RD_DBS - 1);
    url++;
    url_size = (size_t)(entry + size - url);
    while (url_size > 0 && url[url_size - 1] == ' ')
        url_size--;
    if (url_size >= sizeof place->url)
        return rd_wrong(err, "redis_dbs: the URL of %lu is longer than %u bytes", number,
                        MAX_URL - 1);
    *db = (unsigned)number;
    memcpy(place->url, url, url_size);
    place->url[url_size] = '\0';
    hash = strchr(place->url, '#');
    place->has_prefix = hash != NULL;
    place->prefix[0] = '\0';
    if (hash == NULL)
        return true;
    *hash++ = '\0';
    if (strlen(hash) >= sizeof place->prefix)
        return rd_wrong(err, "redis_dbs: the prefix of %lu is too long", number);
    memcpy(place->prefix, hash, strlen(hash) + 1);
    return true;
}

/* Where `db` is: an entry of redis_dbs, else `redis`; url is "" if it is nowhere. */
static bool find_place(const struct rd_redis_settings *settings, unsigned db, struct place *place,
                       recsys_error *err)
{
    const char *list = settings->dbs + strspn(settings->dbs, " ");
    bool found = false;

    memset(place, 0, sizeof *place);
    while (*list != '\0') {
        struct place entry = {0};
        unsigned number = RD_DBS;

        if (!read_entry(&list, &number, &entry, err))
            return false;
        if (number == db && found)
            return rd_wrong(err, "redis_dbs names %u twice", db);
        if (number == db) {
            *place = entry;
            found = true;
        }
    }
    if (found)
        return true;
    place->is_common = true;
    if (strlen(settings->url) >= sizeof place->url)
        return rd_wrong(err, "redis: the URL is longer than %u bytes", MAX_URL - 1);
    memcpy(place->url, settings->url, strlen(settings->url) + 1);
    return true;
}

/* The store reads it for each connection; here it is only looked at, before the daemon starts. */
static bool check_password(const char *path, recsys_error *err)
{
    char line[MAX_PASSWORD] = "";
    FILE *file = fopen(path, "re");
    bool ok;

    if (file == NULL)
        return rd_wrong(err, "cannot open redis_password_file %s: %s", path, strerror(errno));
    ok = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    ok = ok && line[rs_utf8_mark_size(line, strlen(line))] != '\0';
    memset(line, 0, sizeof line);
    return ok || rd_wrong(err, "redis_password_file %s: its first line must be the password", path);
}

/* The number for SELECT. *number is that of the URL, or 0, before. */
static bool choose_number(const struct rd_redis_settings *settings, const struct place *place,
                          unsigned db, uint32_t *number, recsys_error *err)
{
    if (settings->single_db || (!place->is_common && has_number(place->url)))
        return true;
    if (place->is_common && *number != 0)
        return rd_wrong(err,
                        "redis: leave /%u out, for logical db 3 is number 3; or set "
                        "redis_single_db, then all are in that one",
                        *number);
    *number = db;
    return true;
}

bool rd_redis_open(const struct rd_redis_settings *settings, unsigned db, recsys_store **out,
                   recsys_error *err)
{
    char texts[MAX_URL + 64], prefix[256], name[512];
    recsys_store_options store_options = RECSYS_STORE_OPTIONS_INIT;
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    recsys_error said = {0};
    struct place place;

    *out = NULL;
    if (!find_place(settings, db, &place, err))
        return false;
    if (place.url[0] == '\0')
        return true;
    if (recsys_redis_read_url(place.url, texts, sizeof texts, &options, &said) != RECSYS_OK)
        return rd_wrong(err, "redis: logical db %u: %s", db, said.message);
    if (!choose_number(settings, &place, db, &options.db, err))
        return false;
    (void)snprintf(prefix, sizeof prefix, "%s%s", settings->prefix, place.prefix);
    if (settings->single_db && !place.has_prefix)
        (void)snprintf(prefix, sizeof prefix, "%sd%u:", settings->prefix, db);
    options.prefix = prefix[0] != '\0' ? prefix : NULL;
    if (options.password == NULL && settings->password_file[0] != '\0') {
        if (!check_password(settings->password_file, err))
            return false;
        options.password_file = settings->password_file;
    }
    options.ca_file = settings->ca_file[0] != '\0' ? settings->ca_file : NULL;
    options.pool_size = settings->pool_size;
    options.share_from = settings->share_from;
    options.command_timeout_ms = settings->timeout_ms;
    options.connect_timeout_ms = settings->timeout_ms > 100 ? settings->timeout_ms : 100;
    if (settings->probed)
        store_options.flags |= RECSYS_STORE_PROBED;
    (void)snprintf(name, sizeof name, "redis %.400s:%u/%u",
                   options.host != NULL ? options.host : "127.0.0.1",
                   options.port != 0 ? options.port : 6379, options.db);
    if (recsys_redis_create(name, &options, &store_options, out, &said) != RECSYS_OK)
        return rd_wrong(err, "redis: logical db %u: %s", db, said.message);
    return true;
}

bool rd_redis_check(const struct rd_redis_settings *settings, recsys_error *err)
{
    for (unsigned db = 0; db < RD_DBS; db++) {
        recsys_store *store;

        if (!rd_redis_open(settings, db, &store, err))
            return false;
        recsys_store_unref(store);
    }
    return true;
}

bool rd_redis_dbs_read(const char *text, uint32_t *dbs, recsys_error *err)
{
    *dbs = 0;
    while (*text != '\0') {
        char *end;
        unsigned long db = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : RD_DBS;
        if (db >= RD_DBS || (*end != ',' && *end != '\0') || (*end == ',' && end[1] == '\0'))
            return rd_wrong(err, "trusted_dbs: expected logical dbs from 0 to %u, separated by "
                                 "commas, at \"%.40s\"",
                            RD_DBS - 1, text);
        *dbs |= 1u << db;
        text = *end == ',' ? end + 1 : end;
    }
    return true;
}
