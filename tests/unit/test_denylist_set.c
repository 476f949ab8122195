/* Covers lib/denylist/denylist_set.c: it says what a plain list says, whatever comes, goes and
 * expires. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/denylist/denylist.h"

static struct rs_jti hashed(unsigned token)
{
    char jti[16];
    int size = snprintf(jti, sizeof jti, "%u", token);

    return rs_jti_make((recsys_bytes){jti, (size_t)size});
}

static void a_set_says_what_a_plain_list_says(void **state)
{
    enum { N = 3000, STEPS = 200000 };
    static uint64_t expires[N]; /* by token; 0 = not there */
    struct rs_denylist_set set;
    uint64_t now = 1000, random = 7;

    (void)state;
    rs_denylist_set_init(&set, N);
    for (unsigned i = 0; i < STEPS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned token = (unsigned)(random >> 33) % N, what = (unsigned)(random >> 20) % 10;
        if (what < 4) {
            uint64_t until = now + (random >> 50) % 2000;
            assert_int_equal(rs_denylist_set_add(&set, hashed(token), until, now), RECSYS_OK);
            if (until > expires[token])
                expires[token] = until;
        } else if (what < 8) {
            assert_int_equal(rs_denylist_set_has(&set, hashed(token), now), expires[token] > now);
        } else {
            rs_denylist_set_sweep(&set, 100, now);
            now++;
        }
    }
    size_t n = 0;
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(rs_denylist_set_has(&set, hashed(i), now), expires[i] > now);
        n += expires[i] > now;
    }
    rs_denylist_set_sweep(&set, set.n_slots, now);
    assert_int_equal(set.n, n);
    rs_denylist_set_sweep(&set, set.n_slots, UINT64_MAX);
    assert_int_equal(set.n, 0);
    rs_denylist_set_destroy(&set);
}

static void a_full_set_takes_no_more_until_something_has_expired(void **state)
{
    struct rs_denylist_set set;

    (void)state;
    rs_denylist_set_init(&set, 2);
    assert_int_equal(rs_denylist_set_add(&set, hashed(1), 100, 0), RECSYS_OK);
    assert_int_equal(rs_denylist_set_add(&set, hashed(2), 50, 0), RECSYS_OK);
    assert_int_equal(rs_denylist_set_add(&set, hashed(3), 100, 0), RECSYS_E_LIMIT);
    assert_int_equal(rs_denylist_set_add(&set, hashed(1), 70, 0), RECSYS_OK); /* there already */
    assert_int_equal(rs_denylist_set_add(&set, hashed(3), 100, 50), RECSYS_OK);
    assert_int_equal(rs_denylist_set_has(&set, hashed(1), 99), 1); /* the later expiry counts */
    assert_int_equal(rs_denylist_set_has(&set, hashed(1), 100), 0);
    assert_int_equal(rs_denylist_set_has(&set, hashed(2), 0), 0);
    assert_int_equal(rs_denylist_set_has(&set, hashed(3), 99), 1);
    rs_denylist_set_destroy(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_says_what_a_plain_list_says),
        cmocka_unit_test(a_full_set_takes_no_more_until_something_has_expired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
