/* tests/support/fake_redis.h - a server that answers as it is told, rightly or not.
 *
 * A thread of this process, on a free port of the loopback, for one connection
 * at a time. INFO, with which clients greet, gets the hello; every other
 * command gets the reply, whatever it was. Its thread allocates nothing. A
 * failure in here ends the program.
 */
#ifndef TESTS_SUPPORT_FAKE_REDIS_H
#define TESTS_SUPPORT_FAKE_REDIS_H

#include <stddef.h>
#include <stdint.h>

/* The answers to INFO server and INFO memory. */
#define FAKE_INFO_SERVER                                                                           \
    "$81\r\n# Server\r\nredis_version:7.0.15\r\n"                                                  \
    "run_id:0123456789abcdef0123456789abcdef01234567\r\n\r\n"
#define FAKE_INFO_MEMORY "$39\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n\r\n"
#define FAKE_HELLO FAKE_INFO_SERVER FAKE_INFO_MEMORY

enum fake_manner {
    FAKE_AT_ONCE,      /* and wait for the next command */
    FAKE_THEN_CLOSE,   /* a tidy end */
    FAKE_THEN_RESET,   /* an untidy one */
    FAKE_BYTE_BY_BYTE, /* each in a segment of its own */
    FAKE_SLOWLY,       /* so, with pauses of 10 ms */
    FAKE_FOR_EVER      /* the reply, and then 'x' until the client goes */
};

/* Returns the port. */
uint32_t fake_redis_start(void);
void fake_redis_stop(void);

/* Replies from now on; BORROWED until the next. The greeting becomes a good one. */
void fake_redis_say(const char *reply, size_t size, enum fake_manner manner);
/* The answer to both INFOs, until the next fake_redis_say(). */
void fake_redis_greet(const char *hello, size_t size, enum fake_manner manner);
/* Say something to the client that asked last. Returns when its kernel has it. */
void fake_redis_say_unasked(const char *bytes);

#endif
