/* lib/score/code_kernel_amx.c - products of whole tiles, 32 queries by 32 items, for large batches.
 *
 * The cells of a group stand as an AMX tile of bytes wants them: a row has four dimensions of 16
 * items. 16 rows are a chunk of 64 dimensions; the queries' tiles have 64 codes of one query a row.
 * One TDPBSUD does what 256 VPDPBUSD do. Sums leave the tiles through memory, so the tile before
 * is looked at while the next one is multiplied. They begin below zero by what a lane's product
 * must reach, and a tile in which every sign bit is set has no hit.
 *
 * A last chunk that is not full reads rows of the next group, which codes of zero multiply. At the
 * end of the codes it is copied, because behind them no memory need be mapped.
 *
 * Linux gives the tiles to a process only when it asks (rs_code_kernel_allow_amx()), and keeps them
 * for a thread that has used them until it lets go: end().
 */
#include "lib/score/code_kernel.h"

#if RS_CODE_KERNEL_AMX

#include <cpuid.h>
#include <errno.h>
#include <immintrin.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bundle/codes.h"

#define TARGET __attribute__((target("avx512f,avx512dq,avx512vnni,amx-tile,amx-int8")))

#define CHUNK 16u        /* cells */
#define TILE (16u * 16u) /* sums */
#define TILE_BYTES 1024u /* of sums or of codes */
#define LANES 32u
#define PREFETCH 8192u

/* gcc's calls for tiles do not say that they read memory. */
#define WRITTEN() __asm__ volatile("" ::: "memory")

static atomic_int is_allowed;

/* The processor's word, and that the system saves vectors and tiles. */
static int processor_has_tiles(void)
{
    const unsigned tiles_and_bytes = 1u << 24 | 1u << 25, saved = 3u << 17;
    unsigned a, b, c, d, state, high;

    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512dq") ||
        !__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & tiles_and_bytes) != tiles_and_bytes)
        return 0;
    __asm__ volatile("xgetbv" : "=a"(state), "=d"(high) : "c"(0));
    return (state & saved) == saved;
}

int rs_code_kernel_allow_amx(void)
{
    const long request = 0x1023, tile_data = 18; /* ARCH_REQ_XCOMP_PERM of Linux 5.16 */

    if (!processor_has_tiles())
        return ENOTSUP;
    if (syscall(SYS_arch_prctl, request, tile_data) != 0)
        return errno;
    atomic_store_explicit(&is_allowed, 1, memory_order_release);
    return 0;
}

int rs_code_kernel_has_amx(void)
{
    return atomic_load_explicit(&is_allowed, memory_order_acquire);
}

TARGET static void begin(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};

    for (int i = 0; i < 8; i++) {
        shape.row_bytes[i] = 64;
        shape.rows[i] = 16;
    }
    WRITTEN();
    __asm__ volatile("ldtilecfg %0" ::"m"(shape));
}

TARGET static void end(void)
{
    _tile_release();
}

static void one(const uint8_t *groups, uint32_t n_groups, uint32_t cells,
                const struct rs_coded *query, float scale, float *scores)
{
    rs_code_kernel_avx512vnni.one(groups, n_groups, cells, query, scale, scores);
}

/* Sums of a tile of the panel: 32 lanes' 16 first items, then their 16 last ones. */
struct sums {
    _Alignas(64) int32_t of[4][TILE];
};

static inline const int32_t *sums_of(const struct sums *sums, uint32_t lane, uint32_t half)
{
    return sums->of[lane / 16 * 2 + half] + (size_t)(lane % 16) * 16;
}

TARGET static inline uint32_t signs(const int32_t *sums)
{
    return (uint32_t)_mm512_movepi32_mask(_mm512_load_si512(sums));
}

TARGET static uint32_t take_signs(const struct sums *sums, uint32_t *hits)
{
    const int32_t *at = sums->of[0];
    __m512i all[4];
    uint32_t any = 0;

    for (uint32_t i = 0; i < 4; i++)
        all[i] = _mm512_load_si512(at + i * 16);
    for (uint32_t row = 4; row < 64; row += 4)
#pragma GCC unroll 4
        for (uint32_t i = 0; i < 4; i++)
            all[i] = _mm512_and_si512(all[i], _mm512_load_si512(at + (row + i) * 16));
    __m512i low = _mm512_and_si512(all[0], all[1]), high = _mm512_and_si512(all[2], all[3]);
    if (_mm512_movepi32_mask(_mm512_and_si512(low, high)) == 0xffff)
        return 0;
    for (uint32_t l = 0; l < LANES; l++) {
        hits[l] = ~(signs(sums_of(sums, l, 0)) | signs(sums_of(sums, l, 1)) << 16);
        any |= hits[l];
    }
    return any;
}

TARGET static uint32_t take_scores(const struct sums *sums, const struct rs_code_panel *panel,
                                   const float *bias, uint32_t *hits)
{
    const __m512 bias0 = _mm512_loadu_ps(bias), bias1 = _mm512_loadu_ps(bias + 16);
    uint32_t any = 0;

    for (uint32_t l = 0; l < LANES; l++) {
        const __m512 scale = _mm512_set1_ps(panel->scales[l]);
        const __m512 limit = _mm512_set1_ps(panel->limits[l]);
        __m512 s0 = _mm512_cvtepi32_ps(_mm512_load_si512(sums_of(sums, l, 0)));
        __m512 s1 = _mm512_cvtepi32_ps(_mm512_load_si512(sums_of(sums, l, 1)));
        s0 = _mm512_fmadd_ps(s0, scale, bias0);
        s1 = _mm512_fmadd_ps(s1, scale, bias1);
        hits[l] = (uint32_t)_mm512_cmp_ps_mask(s0, limit, _CMP_NLT_UQ) |
                  (uint32_t)_mm512_cmp_ps_mask(s1, limit, _CMP_NLT_UQ) << 16;
        any |= hits[l];
    }
    return any;
}

/* A group's chunk as a whole tile: where it is, or, if that would read at or behind `last`, a
 * copy of the rows that it has. */
static inline const uint8_t *chunk_at(const uint8_t *chunk, uint32_t cells, const uint8_t *last,
                                      uint8_t *copy)
{
    if (cells >= CHUNK || (size_t)(last - chunk) >= TILE_BYTES)
        return chunk;
    memcpy(copy, chunk, (size_t)cells * RS_CODES_CELL);
    WRITTEN();
    return copy;
}

/* Tiles 0 to 3: sums; 4 and 5: queries; 6 and 7: items. */
TARGET static inline void multiply(const uint8_t *groups, uint32_t cells, const uint8_t *last,
                                   const int8_t *codes, const int32_t *start, uint8_t *copies,
                                   struct sums *sums)
{
    const size_t group = (size_t)cells * RS_CODES_CELL;

    _tile_loadd(0, start, 64);
    _tile_loadd(1, start, 64);
    _tile_loadd(2, start + TILE, 64);
    _tile_loadd(3, start + TILE, 64);
    for (uint32_t j = 0; j < cells; j += CHUNK, groups += TILE_BYTES, codes += 2 * TILE_BYTES) {
        const uint8_t *low = chunk_at(groups, cells - j, last, copies);
        const uint8_t *high = chunk_at(groups + group, cells - j, last, copies + TILE_BYTES);
        _tile_loadd(4, codes, 64);
        _tile_loadd(5, codes + TILE_BYTES, 64);
        _tile_loadd(6, low, 64);
        _tile_loadd(7, high, 64);
        _tile_dpbsud(0, 4, 6);
        _tile_dpbsud(1, 4, 7);
        _tile_dpbsud(2, 5, 6);
        _tile_dpbsud(3, 5, 7);
        for (uint32_t line = 0; line < TILE_BYTES; line += 64) {
            _mm_prefetch((const char *)((uintptr_t)groups + PREFETCH + line), _MM_HINT_T0);
            _mm_prefetch((const char *)((uintptr_t)groups + group + PREFETCH + line), _MM_HINT_T0);
        }
    }
    _tile_stored(0, sums->of[0], 64);
    _tile_stored(1, sums->of[1], 64);
    _tile_stored(2, sums->of[2], 64);
    _tile_stored(3, sums->of[3], 64);
    WRITTEN();
}

TARGET static uint32_t tiles(const uint8_t *groups, uint32_t n_tiles, uint32_t cells,
                             const struct rs_code_panel *panel, const float *bias, uint32_t *hits)
{
    const size_t tile = (size_t)cells * RS_CODES_CELL * 2;
    const uint8_t *last = groups + n_tiles * tile;
    _Alignas(64) int32_t start[2 * TILE];
    _Alignas(64) uint8_t copies[2 * TILE_BYTES] = {0};
    struct sums sums[2];

    for (uint32_t l = 0; l < LANES; l++)
        _mm512_store_si512(
            start + (size_t)l * 16,
            _mm512_set1_epi32(-panel->shifts[l] - (bias == NULL ? panel->least[l] : 0)));
    WRITTEN();
    for (uint32_t t = 0; t <= n_tiles; t++, groups += tile) {
        if (t < n_tiles)
            multiply(groups, cells, last, panel->codes, start, copies, &sums[t % 2]);
        if (t == 0)
            continue;
        const struct sums *before = &sums[(t - 1) % 2];
        if (bias == NULL ? take_signs(before, hits)
                         : take_scores(before, panel, bias + (size_t)(t - 1) * RS_CODE_ITEMS, hits))
            return t - 1;
    }
    return n_tiles;
}

const struct rs_code_kernel rs_code_kernel_amx = {
    .name = "amx",
    .largest = 127,
    .lanes = LANES,
    .lane_bytes = CHUNK * 4,
    .one = one,
    .one_short = rs_code_one_short_avx512vnni,
    .tiles = tiles,
    .begin = begin,
    .end = end,
};

#else
#include <errno.h>

int rs_code_kernel_allow_amx(void)
{
    return ENOTSUP;
}

int rs_code_kernel_has_amx(void)
{
    return 0;
}
#endif
