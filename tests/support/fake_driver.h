/* tests/support/fake_driver.h - a store's driver that keeps nothing and does as it is told.
 *
 * It notes what it was given, answers with the status it was set to, and can
 * run something in the middle of a call. There is one, for programs of one test
 * at a time. Values that it hands out are counted, so that one that is not given back shows.
 */
#ifndef TESTS_SUPPORT_FAKE_DRIVER_H
#define TESTS_SUPPORT_FAKE_DRIVER_H

#include "recsys/store.h"

#define KEY ((recsys_bytes){"key", 3})
#define VALUE ((recsys_bytes){"value", 5})

extern struct fake {
    recsys_status answer, ping_answer;
    void (*during)(void);      /* runs in the middle of a call, once */
    void (*during_ping)(void); /* ... of a ping, once */
    int is_silent, is_chatty;  /* says nothing of failures; a lot of successes */
    int is_echo; /* its failures are echoes of another call's */
    int has_no_incarnation;
    int had_no_record; /* was given an error record of NULL, or one that was not empty */
    int n_calls, n_pings, n_destroyed, n_held;
    uint64_t clock_ms;
    /* what the last call was given */
    const char *function;
    recsys_bytes key, value, prefix;
    size_t n;
    uint64_t ttl_ms;
    uint32_t when;
} fake;

extern const recsys_store_driver fake_driver; /* with &fake as its self */

/* Forget everything: all answers RECSYS_OK, the clock at 5000. */
void fake_reset(void);
/* A store over it, by the fake's clock, whose breaker opens after three failures for 100 ms, at
 * most 350. Ends the program if it cannot be made. */
recsys_store *fake_store_create(uint32_t flags);
/* For cmocka: `store` is new for each test, and afterwards all was given back. */
extern recsys_store *store;
int fake_set_up_probed(void **state); /* with RECSYS_STORE_PROBED */
int fake_set_up_unprobed(void **state);
int fake_tear_down(void **state);
uint64_t fake_now(void *user_data);
void fake_release(void *hold); /* of a value: fake.n_held counts down */

#endif
