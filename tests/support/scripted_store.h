/* tests/support/scripted_store.h - a store that fails when told to, and says what it is asked.
 *
 * A driver over the in-process store. Every operation is counted and can be
 * watched before it reaches the data, which is also where a test does what
 * "somebody else" does meanwhile. One operation, or all from one on, can fail
 * with any status, without having happened or after it has.
 */
#ifndef TESTS_SUPPORT_SCRIPTED_STORE_H
#define TESTS_SUPPORT_SCRIPTED_STORE_H

#include <stdint.h>

#include "recsys/store.h"

enum scripted_operation {
    SCRIPTED_GET,
    SCRIPTED_SET,
    SCRIPTED_REMOVE,
    SCRIPTED_GET_OR_SET,
    SCRIPTED_REPLACE,
    SCRIPTED_EXCHANGE,
    SCRIPTED_SCAN,
    SCRIPTED_PING
};

struct scripted_store {
    recsys_store *inner;   /* what is really there: other processes use it directly */
    uint64_t incarnation;  /* added to the inner one's: another number is a restart */
    unsigned long n_calls; /* of the driver, from 0 */
    unsigned long fail_at; /* the first call that fails */
    unsigned long n_fail;  /* how many; 0 = none */
    recsys_status status;  /* with this */
    int happens;           /* ... although it was done */
    int only;              /* only this operation counts as failing; -1 = all */
    uint64_t now_ms;       /* of the store's breaker and of the in-process store */
    void (*watch)(enum scripted_operation operation, recsys_bytes key, void *user_data);
    void *user_data;
};

/* With a breaker that opens after `failures` (0 = never) and rests 250 ms of now_ms. Ends the
 * program if it cannot be made. */
recsys_store *scripted_store_create(struct scripted_store *script, uint32_t failures);
/* From now on the next `n` calls fail. */
void scripted_store_fail(struct scripted_store *script, unsigned long n, recsys_status status,
                         int happens);
void scripted_store_heal(struct scripted_store *script);

#endif
