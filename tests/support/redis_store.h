/* tests/support/redis_store.h - a store over the throw-away Redis of tests/support/servers.py.
 *
 * With patience: on a machine with more threads than processors an answer may
 * take long, and only tests of time-outs want to see one.
 */
#ifndef TESTS_SUPPORT_REDIS_STORE_H
#define TESTS_SUPPORT_REDIS_STORE_H

#include <stdint.h>

#include "recsys/redis.h"

/* The server's port, from RECSYS_TEST_REDIS; without it the program ends. */
uint32_t redis_store_port(void);

/* That server, this logical db, time-outs of 10 s. */
void redis_store_options(recsys_redis_options *options, uint32_t db);

recsys_store *redis_store_create(const recsys_redis_options *options);

#endif
