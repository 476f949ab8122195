/* daemon/backends/redis_dbs.h - where in Redis each logical db is. */
#ifndef RECSYSD_REDIS_DBS_H
#define RECSYSD_REDIS_DBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/store.h>

#define RD_DBS 16u /* logical dbs 0 to 15 */

/* The settings, as in config_table.h. Text is BORROWED; "" is none. */
struct rd_redis_settings {
    const char *url, *dbs, *prefix, *ca_file, *password_file;
    bool single_db;
    bool probed; /* a thread will call recsys_store_probe() */
    uint32_t pool_size, timeout_ms, share_from;
};

/* Are the settings sound? If not, `err` says what to do; it holds no password. */
bool rd_redis_check(const struct rd_redis_settings *settings, recsys_error *err);

/*
 * The store of logical db `db`; NULL if the settings put it nowhere. It
 * connects when it is first used.
 */
bool rd_redis_open(const struct rd_redis_settings *settings, unsigned db, recsys_store **out,
                   recsys_error *err);

/* Logical dbs, "2,3", as bits. */
bool rd_redis_dbs_read(const char *text, uint32_t *dbs, recsys_error *err);

#endif
