/* lib/base/hash.c - XXH3 from libxxhash, and the seed it is used with. */
#include "lib/base/hash.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>
#include <xxhash.h>

#include "lib/base/clock.h"

static uint64_t seed;

static void make_seed(void)
{
    unsigned char bytes[sizeof seed];

    if (RAND_bytes(bytes, (int)sizeof bytes) == 1)
        memcpy(&seed, bytes, sizeof seed);
    else
        seed = rs_clock_ns() ^ (uint64_t)(uintptr_t)&seed;
}

uint64_t rs_hash_seed(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_seed);
    return seed;
}

uint64_t rs_hash_bytes(const void *bytes, size_t size, uint64_t with_seed)
{
    return XXH3_64bits_withSeed(bytes, size, with_seed);
}

/* The finaliser of MurmurHash3: every bit of the number reaches every bit. */
uint64_t rs_hash_number(uint64_t number, uint64_t with_seed)
{
    uint64_t h = number ^ with_seed;

    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}
