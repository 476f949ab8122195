/* daemon/backends/write_wait.c - see write_wait.h. */
#include "daemon/backends/write_wait.h"

#include "daemon/process/logger.h"

bool rd_write_wait_for_caches(const struct rd_write_wait *wait, const char *path)
{
    recsys_error err = {0};

    if (wait->wait_ms == 0 || recsys_domains_flush(wait->domains, wait->wait_ms, &err) == RECSYS_OK)
        return true;
    /* By now every other process has found the row, or does not read Redis. */
    if (wait->wait_ms >= RECSYS_OUTBOX_SETTLE_MS && atomic_load(wait->has_outbox) != 0)
        return true;
    rd_log_seldom(RECSYS_LOG_WARN, "%s: %s", path, err.message);
    return false;
}
