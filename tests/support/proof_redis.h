/* tests/support/proof_redis.h - a server whose answers prove to whom they belong.
 *
 * A thread for each connection, on a free port of the loopback. It keeps nothing: the value of a
 * key is made from the key, so a caller sees at once whether an answer is to its own command.
 *
 *   GET k, MGET k...     "<k>=<k>"; a key that ends in "@N" has N bytes more
 *   EVALSHA, EVAL        the same of the first key
 *   SET, UNLINK k...     OK; the number of keys
 *   INFO                 a good greeting
 *
 * Told to misbehave, it draws a fault for some of the reads in which commands arrive. A failure in
 * here ends the program.
 */
#ifndef TESTS_SUPPORT_PROOF_REDIS_H
#define TESTS_SUPPORT_PROOF_REDIS_H

#include <stddef.h>
#include <stdint.h>

#define PROOF_MAX_VALUE ((size_t)1 << 20)

enum proof_fault {
    PROOF_LATE,         /* all answers come after the delay */
    PROOF_HALF_LATE,    /* half of the bytes at once, the rest after the delay */
    PROOF_CLOSED,       /* no answer, the connection ends */
    PROOF_HALF_CLOSED,  /* half of the bytes, and a reset */
    PROOF_IN_PIECES,    /* a few bytes at a time: no fault, only slow */
    PROOF_REFUSED,      /* each command gets an error that repeats its key */
    PROOF_FROZEN,       /* the whole server stands still for the delay */
    PROOF_ONE_TOO_MANY, /* one answer that nobody asked for behind the others */
    PROOF_WRONG_TYPE,   /* the last answer is of a type that nothing has */
    PROOF_NO_SCRIPT,    /* scripts are not known; other commands are answered */
    PROOF_ASK,          /* the slot moves: this server itself is to be asked with ASKING */
    PROOF_N_FAULTS
};

/* Returns the port. */
uint32_t proof_redis_start(void);
void proof_redis_stop(void);

/* `per_mille` of the reads meet one of these faults (bits 1 << PROOF_*), at random. */
void proof_redis_misbehave(unsigned per_mille, unsigned faults, unsigned delay_ms, uint64_t seed);
/* How often each fault was met. */
uint64_t proof_redis_count(enum proof_fault fault);
/* Reads that had several commands in them. */
uint64_t proof_redis_count_shared(void);

/* 1 if these are the bytes that the server has for this key. */
int proof_redis_is_value(const char *key, size_t key_size, const char *bytes, size_t size);

#endif
