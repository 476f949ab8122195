/* Covers lib/score/survivors_*.c: whatever the instruction set, the same items reach a threshold.
 *
 * A scan uses the one that this processor is best at; here each that it has runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "lib/score/survivors.h"
#include "tests/support/memory_model.h"

#define SEED 20261129u
#define MOST 1100u /* a block has 1024 */
#define ROUND_UP(n) (((n) + 15u) / 16u * 16u)

static const struct {
    const char *name;
    rs_survivors find;
} kinds[] = {
    {"portable", rs_survivors_portable},
#if defined(__x86_64__)
    {"avx2", rs_survivors_avx2},
    {"avx512", rs_survivors_avx512},
#endif
};

static int is_there(rs_survivors find)
{
#if defined(__x86_64__)
    if (find == rs_survivors_avx2)
        return __builtin_cpu_supports("avx2");
    if (find == rs_survivors_avx512)
        return __builtin_cpu_supports("avx512f");
#endif
    return find == rs_survivors_portable;
}

static uint32_t look_at_each(const float *scores, const float *bias, uint32_t n, float threshold,
                             uint16_t *out)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i++)
        if (!(scores[i] + (bias == NULL ? 0.0f : bias[i]) < threshold))
            out[found++] = (uint16_t)i;
    return found;
}

static void compare(const float *scores, const float *bias, uint32_t n, float threshold)
{
    static uint16_t want[ROUND_UP(MOST)], got[ROUND_UP(MOST)];
    uint32_t n_want = look_at_each(scores, bias, n, threshold, want);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!is_there(kinds[i].find))
            continue;
        uint32_t n_got = kinds[i].find(scores, bias, n, threshold, got);
        if (n_got != n_want)
            fail_msg("%s: %u of %u reach %g, not %u", kinds[i].name, n_got, n, (double)threshold,
                     n_want);
        assert_memory_equal(got, want, n_want * sizeof *got);
    }
}

static void every_instruction_set_finds_the_same(void **state)
{
    static float scores[ROUND_UP(MOST)], bias[ROUND_UP(MOST)];
    static const uint32_t sizes[] = {0, 1, 7, 8, 15, 16, 17, 31, 33, 100, 1023, 1024, MOST};
    static const float thresholds[] = {-INFINITY, -1.0f, 0.0f, 0.5f, 3.0f, INFINITY};
    struct numbers numbers = {SEED};

    (void)state;
    printf("seed %u\n", SEED);
    for (uint32_t i = 0; i < ROUND_UP(MOST); i++) {
        scores[i] = (float)numbers_gauss(&numbers);
        bias[i] = (float)numbers_gauss(&numbers);
    }
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t t = 0; t < sizeof thresholds / sizeof *thresholds; t++) {
            compare(scores, NULL, sizes[s], thresholds[t]);
            compare(scores, bias, sizes[s], thresholds[t]);
        }
}

static void a_score_at_the_threshold_and_one_that_is_no_number_survive(void **state)
{
    static float scores[64], bias[64];

    (void)state;
    for (uint32_t i = 0; i < 64; i++) {
        scores[i] = i % 5 == 0 ? 0.25f : i % 7 == 0 ? NAN : i % 11 == 0 ? -INFINITY : 0.0f;
        bias[i] = i % 3 == 0 ? 0.25f : 0.0f;
    }
    for (uint32_t n = 0; n <= 64; n++) {
        compare(scores, NULL, n, 0.25f);
        compare(scores, bias, n, 0.25f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_set_finds_the_same),
        cmocka_unit_test(a_score_at_the_threshold_and_one_that_is_no_number_survive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
