/* roofs.c - see roofs.h.
 *
 * Reading: each thread sums its own part, in two streams and asking ahead, as fast as it can; the
 * best of several passes counts. Arithmetic: chains of independent multiply-adds on registers.
 */
#include "tests/bench/inside/roofs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/score/code_kernel.h"
#include "tests/support/check.h"

#define MAX_THREADS 64u

double roof_clock(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double roof_cpu_clock(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct part {
    const unsigned char *bytes;
    size_t size;
    uint32_t passes;
    uint64_t sum;
};

/* Four 64-byte lines of either half at a time. */
static uint64_t read_part(const unsigned char *bytes, size_t size)
{
    typedef uint64_t lane __attribute__((vector_size(32)));
    const lane *low = (const lane *)bytes, *high = (const lane *)(bytes + size / 2);
    lane a = {0}, b = {0}, c = {0}, d = {0};

    for (size_t i = 0; i < size / 2 / sizeof(lane); i += 4) {
        __builtin_prefetch((const char *)(low + i) + 2048);
        __builtin_prefetch((const char *)(low + i) + 2112);
        __builtin_prefetch((const char *)(high + i) + 2048);
        __builtin_prefetch((const char *)(high + i) + 2112);
        a ^= low[i] ^ high[i];
        b ^= low[i + 1] ^ high[i + 1];
        c ^= low[i + 2] ^ high[i + 2];
        d ^= low[i + 3] ^ high[i + 3];
    }
    a ^= b ^ c ^ d;
    return a[0] ^ a[1] ^ a[2] ^ a[3];
}

static void *read_parts(void *argument)
{
    struct part *part = argument;

    for (uint32_t i = 0; i < part->passes; i++)
        part->sum += read_part(part->bytes, part->size);
    return NULL;
}

static double read_rate(unsigned char *bytes, size_t size, uint32_t threads)
{
    struct part parts[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    uint32_t passes = (uint32_t)(1 + ((size_t)256 << 20) / size);
    double best = 0;

    for (int round = 0; round < 7; round++) {
        double begin = roof_clock();
        for (uint32_t t = 0; t < threads; t++) {
            parts[t] = (struct part){bytes + size / threads / 4096 * 4096 * t,
                                     size / threads / 4096 * 4096, passes, 0};
            CHECK(pthread_create(&ids[t], NULL, read_parts, &parts[t]) == 0);
        }
        for (uint32_t t = 0; t < threads; t++)
            CHECK(pthread_join(ids[t], NULL) == 0);
        double rate = (double)size * passes / (roof_clock() - begin);
        best = rate > best ? rate : best;
    }
    return best;
}

static void print_reading(uint32_t threads)
{
    static const size_t mebibytes[] = {1, 16, 64, 256, 512};
    size_t most = (size_t)512 << 20;
    unsigned char *bytes =
        mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(bytes != MAP_FAILED);
#ifdef MADV_HUGEPAGE
    (void)madvise(bytes, most, MADV_HUGEPAGE);
#endif
    memset(bytes, 1, most);
    for (size_t i = 0; i < sizeof mebibytes / sizeof *mebibytes; i++) {
        printf("{\"roof\": \"read\", \"mebibytes\": %zu, \"threads\": %u, \"gb_per_s\": %.1f}\n",
               mebibytes[i], threads, 1e-9 * read_rate(bytes, mebibytes[i] << 20, threads));
        (void)fflush(stdout);
    }
    CHECK(munmap(bytes, most) == 0);
}

#if defined(__x86_64__)
#define STEPS 2000000u

/* Chains of operations, each on a register of its own that begins and stays zero. */
#define LOOP(body)                                                                                 \
    for (uint32_t s = 0; s < STEPS; s++)                                                           \
    __asm__ volatile(body ::                                                                       \
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
                           "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")
#define FMA(w, r) "vfmadd231ps %%" w "15, %%" w "15, %%" w r "\n\t"
#define DOT(r) "vpdpbusd %%zmm15, %%zmm15, %%zmm" r "\n\t"
#define MADD(t, r)                                                                                 \
    "vpmaddubsw %%ymm15, %%ymm15, %%ymm" t "\n\tvpmaddwd %%ymm15, %%ymm" t ", %%ymm" t             \
    "\n\tvpaddd %%ymm" t ", %%ymm" r ", %%ymm" r "\n\t"
#define TWELVE(f)                                                                                  \
    f("0") f("1") f("2") f("3") f("4") f("5") f("6") f("7") f("8") f("9") f("10") f("11")
#define FMA_YMM(r) FMA("ymm", r)
#define FMA_ZMM(r) FMA("zmm", r)

static void clear(void)
{
    __asm__ volatile("vzeroall" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void floats_avx2(void)
{
    clear();
    LOOP(TWELVE(FMA_YMM));
}

static void floats_avx512(void)
{
    clear();
    LOOP(TWELVE(FMA_ZMM));
}

static void bytes_avx512(void)
{
    clear();
    LOOP(TWELVE(DOT));
}

#if RS_CODE_KERNEL_AVXVNNI
#define DOT_YMM(r) "%{vex%} vpdpbusd %%ymm15, %%ymm15, %%ymm" r "\n\t"

static void bytes_avxvnni(void)
{
    clear();
    LOOP(TWELVE(DOT_YMM));
}
#endif

#if RS_CODE_KERNEL_AMX
#define TILES(c, q, i) "tdpbsud %%tmm" i ", %%tmm" q ", %%tmm" c "\n\t"

static void bytes_amx(void)
{
    rs_code_kernel_amx.begin();
    for (uint32_t s = 0; s < STEPS / 16; s++)
        __asm__ volatile(TILES("0", "4", "6") TILES("1", "4", "7") TILES("2", "5", "6")
                             TILES("3", "5", "7")::);
    rs_code_kernel_amx.end();
}
#endif

static void bytes_avx2(void)
{
    clear();
    LOOP(MADD("6", "0") MADD("7", "1") MADD("8", "2") MADD("9", "3") MADD("10", "4")
             MADD("11", "5"));
}

static void print_peak(const char *name, void (*work)(void), double operations)
{
    double best = 1e9;

    for (int round = 0; round < 7; round++) {
        double begin = roof_cpu_clock();
        work();
        double t = roof_cpu_clock() - begin;
        best = t < best ? t : best;
    }
    printf("{\"roof\": \"%s\", \"threads\": 1, \"gop_per_s\": %.1f}\n", name,
           1e-9 * operations * STEPS / best);
}

#if RS_CODE_KERNEL_AVXVNNI
static int has_codes(const char *name)
{
    const struct rs_code_kernel *kernel;

    for (uint32_t i = 0; (kernel = rs_code_kernel_get(i)) != NULL; i++)
        if (strcmp(kernel->name, name) == 0)
            return 1;
    return 0;
}
#endif

static void print_arithmetic(void)
{
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        print_peak("floats avx2", floats_avx2, 12 * 8 * 2);
        print_peak("bytes avx2", bytes_avx2, 6 * 32 * 2);
    }
    if (__builtin_cpu_supports("avx512f"))
        print_peak("floats avx512", floats_avx512, 12 * 16 * 2);
    if (__builtin_cpu_supports("avx512vnni"))
        print_peak("bytes avx512vnni", bytes_avx512, 12 * 64 * 2);
#if RS_CODE_KERNEL_AVXVNNI
    if (has_codes("avxvnni"))
        print_peak("bytes avxvnni", bytes_avxvnni, 12 * 32 * 2);
#endif
#if RS_CODE_KERNEL_AMX
    if (rs_code_kernel_has_amx())
        print_peak("bytes amx", bytes_amx, 4.0 * 16 * 16 * 64 * 2 / 16);
#endif
}
#else
static void print_arithmetic(void)
{
}
#endif

void roofs_print(uint32_t threads)
{
    print_arithmetic();
    print_reading(threads > MAX_THREADS ? MAX_THREADS : threads == 0 ? 1 : threads);
}
