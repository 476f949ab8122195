/* Every kernel for integer codes gives the same scores as the portable twin, bit for bit.
 *
 * A program of its own without a test library, so that a compiler for another processor can
 * make it, too, and an emulator run it: tests/unit/arm64_kernels.sh. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/bundle/codes.h"
#include "lib/bundle/short_codes.h"
#include "lib/score/code_kernel.h"
#include "tests/support/check.h"

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

static void fill(uint64_t *state, uint8_t *items, size_t n, int8_t *queries, size_t m,
                 int32_t largest, int extreme)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t r = next_random(state);
        items[i] = extreme ? (r & 1 ? 255 : 1) : (uint8_t)(1 + r % 255);
    }
    for (size_t i = 0; i < m; i++) {
        uint64_t r = next_random(state);
        int32_t code = extreme ? (r & 1 ? largest : -largest)
                               : (int32_t)(r % (uint64_t)(2 * largest + 1)) - largest;
        queries[i] = (int8_t)code;
    }
}

static void check_one(const struct rs_code_kernel *kernel, const uint8_t *items, uint32_t n_groups,
                      uint32_t cells, const int8_t *query)
{
    float got[8 * 16], want[8 * 16];
    struct rs_coded coded = {.codes = query};

    for (uint32_t j = 0; j < cells * 4; j++)
        coded.shift += 128 * query[j];
    kernel->one(items, n_groups, cells, &coded, 0.37f, got);
    rs_code_kernel_portable.one(items, n_groups, cells, &coded, 0.37f, want);
    CHECK(memcmp(got, want, n_groups * 16 * sizeof *got) == 0);
}

/* Short codes with steps and residuals of every size, one of them infinite. */
static void check_short(const struct rs_code_kernel *kernel, const uint8_t *codes,
                        uint32_t n_groups, uint32_t pairs, const int8_t *query, uint64_t *state)
{
    float got[8 * 16], want[8 * 16], steps[8 * 16], residuals[8 * 16];
    const struct rs_short_groups groups = {codes, steps, residuals, n_groups, pairs};
    struct rs_coded coded = {.codes = query};

    for (uint32_t j = 0; j < pairs * RS_CODED_PAIR; j++)
        coded.shift += 128 * query[j];
    for (uint32_t i = 0; i < n_groups * RS_CODES_GROUP; i++) {
        int64_t product = 0;
        steps[i] = (float)uniform(state);
        residuals[i] = i == 21 ? INFINITY : (float)uniform(state) * 100.0f;
        for (uint32_t j = 0; j < pairs * RS_CODED_PAIR; j++) {
            uint8_t byte = codes[(i / RS_CODES_GROUP * pairs + j / 8) * RS_CODES_CELL +
                                 i % RS_CODES_GROUP * 4 + j % 4];
            product += (int64_t)(16 * (j % 8 < 4 ? byte & 15 : byte >> 4) - 120) * query[j];
        }
        want[i] = 0.37f * steps[i] * (float)(int32_t)product + 1.7f * residuals[i];
    }
    kernel->one_short(&groups, &coded, 0.37f, 1.7f, got);
    CHECK(memcmp(got, want, n_groups * 16 * sizeof *got) == 0);
}

enum { TILES = 4, QUERIES = RS_CODE_MAX_LANES };

/* Items and queries, with what panels are made of. */
struct asked {
    uint32_t cells;
    const uint8_t *items;  /* TILES tiles */
    const int8_t *queries; /* [QUERIES, cells * 4] */
    const float *bias;
    int32_t shifts[QUERIES], least[QUERIES];
    float scales[QUERIES], limits[QUERIES];
};

static int32_t product_of(const struct asked *asked, uint32_t item, uint32_t query)
{
    const uint8_t *x = asked->items +
                       (size_t)(item / RS_CODES_GROUP) * asked->cells * RS_CODES_CELL +
                       (size_t)(item % RS_CODES_GROUP) * 4;
    const int8_t *k = asked->queries + (size_t)query * asked->cells * 4;
    int32_t sum = 0;

    for (uint32_t j = 0; j < asked->cells * 4; j++)
        sum += (x[j / 4 * RS_CODES_CELL + j % 4] - (int)RS_CODES_ZERO) * k[j];
    return sum;
}

/* Hits of `lanes` queries from `first` on, by one kernel, for tiles from `tile` on. */
static uint32_t run(const struct rs_code_kernel *kernel, const struct asked *asked, uint32_t first,
                    uint32_t tile, uint32_t *hits)
{
    uint32_t bytes = asked->cells * 4, step = kernel->lane_bytes, lanes = kernel->lanes;
    uint32_t n_steps = (bytes + step - 1) / step;
    int8_t *codes = calloc((size_t)n_steps * lanes, step);
    struct rs_code_panel panel = {codes, asked->shifts + first, asked->least + first,
                                  asked->scales + first, asked->limits + first};

    for (uint32_t l = 0; l < lanes; l++)
        for (uint32_t j = 0; j < bytes; j++)
            codes[((size_t)(j / step) * lanes + l) * step + j % step] =
                asked->queries[(size_t)(first + l) * bytes + j];
    if (kernel->begin != NULL)
        kernel->begin();
    uint32_t found = kernel->tiles(
        asked->items + (size_t)tile * asked->cells * RS_CODES_CELL * 2, TILES - tile, asked->cells,
        &panel, asked->bias == NULL ? NULL : asked->bias + tile * RS_CODE_ITEMS, hits);
    if (kernel->end != NULL)
        kernel->end();
    free(codes);
    return tile + found;
}

/* Whether there are hits in a tile, by the portable twin. */
static int want_hits(const struct asked *asked, uint32_t tile, uint32_t first, uint32_t lanes,
                     uint32_t *want)
{
    int any = 0;

    for (uint32_t l = 0; l < lanes; l += RS_CODE_LANES) {
        memset(want + l, 0, RS_CODE_LANES * sizeof *want);
        if (run(&rs_code_kernel_portable, asked, first + l, tile, want + l) == tile)
            any = 1;
        else
            memset(want + l, 0, RS_CODE_LANES * sizeof *want);
    }
    return any;
}

static void check_tiles(const struct rs_code_kernel *kernel, struct asked *asked, uint64_t *state,
                        int with_bias)
{
    float bias[TILES * RS_CODE_ITEMS];
    uint32_t got[QUERIES], want[QUERIES];
    double spread = 127.0 * 40.0 * sqrt(4.0 * asked->cells);

    asked->bias = with_bias ? bias : NULL;
    for (uint32_t q = 0; q < QUERIES; q++) {
        asked->shifts[q] = 0;
        for (uint32_t j = 0; j < asked->cells * 4; j++)
            asked->shifts[q] += 128 * asked->queries[(size_t)q * asked->cells * 4 + j];
        asked->scales[q] = 0.25f;
        asked->least[q] = (int32_t)(spread * (1.0 + uniform(state)));
        asked->limits[q] = asked->scales[q] * (float)asked->least[q];
    }
    for (uint32_t i = 0; i < TILES * RS_CODE_ITEMS; i++)
        bias[i] = (float)((2.0 * uniform(state) - 1.0) * spread / 8);
    /* Some that just reach it. */
    for (uint32_t i = 5; i < TILES * RS_CODE_ITEMS; i += 11) {
        uint32_t q = i % QUERIES;
        bias[i] = asked->limits[q] - asked->scales[q] * (float)product_of(asked, i, q);
    }
    if (!with_bias)
        asked->least[asked->cells % QUERIES] = product_of(asked, 21, asked->cells % QUERIES);
    for (uint32_t first = 0; first < QUERIES; first += kernel->lanes)
        for (uint32_t t = 0; t < TILES; t++) {
            uint32_t found = run(kernel, asked, first, t, got);
            for (; t < found; t++)
                CHECK(!want_hits(asked, t, first, kernel->lanes, want));
            CHECK(found == TILES || want_hits(asked, found, first, kernel->lanes, want));
            CHECK(found == TILES || memcmp(got, want, kernel->lanes * sizeof *got) == 0);
        }
}

/* Each query's best item alone, among queries that have no hit. */
static void check_single_hits(const struct rs_code_kernel *kernel, struct asked *asked)
{
    uint32_t hits[QUERIES];

    asked->bias = NULL;
    for (uint32_t q = 0; q < QUERIES; q++)
        asked->least[q] = 1 << 30;
    for (uint32_t q = 0; q < QUERIES; q++) {
        uint32_t first = q / kernel->lanes * kernel->lanes, best = 0;
        for (uint32_t i = 1; i < TILES * RS_CODE_ITEMS; i++)
            if (product_of(asked, i, q) >= product_of(asked, best, q))
                best = i;
        asked->least[q] = product_of(asked, best, q);
        uint32_t found = run(kernel, asked, first, best / RS_CODE_ITEMS, hits);
        CHECK(found == best / RS_CODE_ITEMS);
        CHECK((hits[q - first] & 1u << best % RS_CODE_ITEMS) != 0);
        asked->least[q] = 1 << 30;
    }
}

/* Memory that ends where nothing may be read. */
static uint8_t *before_a_hole(size_t n, void **pages, size_t *size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (n + page - 1) / page * page;
    uint8_t *at =
        mmap(NULL, *size = used + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED && mprotect(at + used, page, PROT_NONE) == 0);
    *pages = at;
    return at + used - n;
}

static void all_kernels_give_the_same_bits(void)
{
    static const uint32_t dimensions[] = {1, 3, 4, 5, 16, 31, 60, 64, 100, 128, 257};
    uint64_t state = 5;
    const struct rs_code_kernel *kernel;

    for (uint32_t index = 0; (kernel = rs_code_kernel_get(index)) != NULL; index++)
        for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++)
            for (int extreme = 0; extreme < 2; extreme++) {
                uint32_t cells = (dimensions[i] + 3) / 4;
                size_t n = TILES * (size_t)cells * RS_CODES_CELL * 2,
                       m = (size_t)cells * 4 * QUERIES, size;
                void *pages;
                uint8_t *items = before_a_hole(n, &pages, &size);
                int8_t *queries = malloc(m);
                struct asked asked = {.cells = cells, .items = items, .queries = queries};
                fill(&state, items, n, queries, m, kernel->largest, extreme);
                for (uint32_t n_groups = 1; n_groups <= 8; n_groups++)
                    check_one(kernel, items, n_groups, cells, queries);
                for (uint32_t n_groups = 1; n_groups <= 8; n_groups++) {
                    uint32_t pairs = cells / 2; /* of a query that is no longer */
                    const uint8_t *end = items + n;
                    if (pairs > 0)
                        check_short(kernel, end - (size_t)n_groups * pairs * RS_CODES_CELL,
                                    n_groups, pairs, queries, &state);
                }
                for (int with_bias = 0; kernel->tiles != NULL && with_bias < 2; with_bias++)
                    check_tiles(kernel, &asked, &state, with_bias);
                if (kernel->tiles != NULL)
                    check_single_hits(kernel, &asked);
                CHECK(munmap(pages, size) == 0);
                free(queries);
            }
}

/* The longest vectors there may be, of the largest codes: 32-bit sums still hold them. */
static void the_longest_vectors_do_not_overflow(void)
{
    enum { CELLS = 65536 / 4 };
    uint8_t *items = malloc((size_t)CELLS * RS_CODES_CELL * 2);
    int8_t *query = malloc((size_t)CELLS * 4);
    const struct rs_code_kernel *kernel;

    for (int sign = -1; sign <= 1; sign += 2)
        for (uint32_t index = 0; (kernel = rs_code_kernel_get(index)) != NULL; index++) {
            struct rs_coded coded = {.codes = query};
            float scores[32];
            memset(items, 255, (size_t)CELLS * RS_CODES_CELL * 2);
            memset(query, sign * kernel->largest, (size_t)CELLS * 4);
            coded.shift = 128 * 65536 * sign * kernel->largest;
            kernel->one(items, 2, CELLS, &coded, 1.0f, scores);
            for (int i = 0; i < 32; i++)
                CHECK(scores[i] == (float)(65536 * 127 * sign * kernel->largest));
            const float ones[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
            const float zeros[32] = {0};
            const struct rs_short_groups groups = {items, ones, zeros, 2, CELLS / 2};
            kernel->one_short(&groups, &coded, 1.0f, 1.0f, scores);
            for (int i = 0; i < 32; i++)
                CHECK(scores[i] == (float)(65536 * 120 * sign * kernel->largest));
        }
    free(items);
    free(query);
}

enum { ROWS = 40, MAX_STRIDE = 272 };

/* In double. 0: the 8-bit code, 1: the short one. */
static double left_out(const float *row, uint32_t d, uint32_t i, const uint8_t *codes, double step,
                       int is_short)
{
    double squares = 0;

    for (uint32_t j = 0; j < d; j++) {
        size_t cells = is_short ? (d + 7) / 8 : (d + 3) / 4, cell = is_short ? j / 8 : j / 4;
        uint8_t byte = codes[(i / RS_CODES_GROUP * cells + cell) * RS_CODES_CELL +
                             i % RS_CODES_GROUP * 4 + j % 4];
        int code =
            !is_short ? byte - (int)RS_CODES_ZERO : 16 * (j % 8 < 4 ? byte & 15 : byte >> 4) - 120;
        squares += pow((double)row[j] - step * code, 2);
    }
    return sqrt(squares);
}

static void residuals_are_those_of_the_codes(void)
{
    static const uint32_t dimensions[] = {1, 3, 8, 12, 64, 100, 257};
    static float rows[ROWS * MAX_STRIDE];
    static uint8_t codes[ROWS * 2 * MAX_STRIDE], short_codes[ROWS * 2 * MAX_STRIDE];
    const struct rs_block block = {.max_norm = 20.0};
    uint64_t state = 9;

    for (size_t r = 0; r < sizeof dimensions / sizeof *dimensions; r++) {
        uint32_t d = dimensions[r], stride = (d + 15) / 16 * 16;
        float steps[ROWS + 16], residuals[ROWS + 16];
        struct rs_code_bounds made, measured;
        double worst = 0;
        for (size_t i = 0; i < ROWS * (size_t)stride; i++)
            rows[i] = i % stride < d ? (float)(2.0 * uniform(&state) - 1.0) : 0.0f;
        rs_codes_make(rows, ROWS, d, stride, &block, codes, &made);
        float scale = rs_codes_scale(made.step);
        rs_codes_measure(rows, ROWS, d, stride, &block, &scale, codes, &measured);
        rs_short_codes_make(rows, ROWS, d, stride, short_codes, steps);
        rs_short_codes_measure(rows, ROWS, d, stride, &block, short_codes, steps, residuals);
        for (uint32_t i = 0; i < ROWS; i++) {
            const float *row = rows + (size_t)i * stride;
            double rest = left_out(row, d, i, short_codes, (double)steps[i], 1);
            CHECK((double)residuals[i] >= rest && (double)residuals[i] <= rest * 1.001 + 1e-5);
            worst = fmax(worst, left_out(row, d, i, codes, made.step, 0));
        }
        CHECK(measured.step == made.step);
        CHECK(measured.max_residual >= worst && measured.max_residual <= worst * 1.001 + 1e-5);
    }
}

int main(void)
{
    (void)rs_code_kernel_allow_amx(); /* its kernel is in the list if this machine has it */
    all_kernels_give_the_same_bits();
    the_longest_vectors_do_not_overflow();
    residuals_are_those_of_the_codes();
    for (uint32_t index = 0; rs_code_kernel_get(index) != NULL; index++)
        printf("%s\n", rs_code_kernel_get(index)->name);
    return 0;
}
