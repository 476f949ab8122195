/* bench_data.c - makes the files the benchmarks read, the same ones for the same seed.
 *
 *   bench_data matrix  --out FILE --rows N --columns D [--norms S] [--unit 1]
 *   bench_data bits    --out FILE --rows B --columns N --share P
 *   bench_data catalog --out FILE --rows N
 *
 * matrix   raw float32, row-major, each number Gaussian of variance 1/D, so
 *          that rows have a length near 1: nothing in such data helps a search
 *          to leave items out. --norms S multiplies each row by exp(S * Gaussian),
 *          which spreads the lengths as trained models do (S = 0.4, say);
 *          --unit 1 makes every length 1.
 * bits     B bitmaps of N bits, LSB first, whole bytes each; a bit is set with
 *          probability P.
 * catalog  JSON Lines for items 0..N-1: title, genres, year, rating, language.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

struct command {
    const char *kind, *out;
    uint64_t rows, columns, seed;
    double norms, share;
    int unit;
};

static _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "bench_data: %s%s\n", what, detail);
    exit(2);
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* In (0,1). */
static double uniform(uint64_t *state)
{
    return ((double)(next_random(state) >> 11) + 0.5) * 0x1p-53;
}

/* Two independent Gaussian numbers, by Box and Muller. */
static void gaussians(uint64_t *state, double out[2])
{
    double radius = sqrt(-2.0 * log(uniform(state))), angle = 2.0 * PI * uniform(state);

    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

static void write_all(FILE *file, const void *bytes, size_t size)
{
    if (fwrite(bytes, 1, size, file) != size)
        fail("cannot write: ", "disk full?");
}

static void make_unit(float *row, uint64_t d)
{
    double sum = 0.0;

    for (uint64_t j = 0; j < d; j++)
        sum += (double)row[j] * (double)row[j];
    for (uint64_t j = 0; j < d && sum > 0.0; j++)
        row[j] = (float)((double)row[j] / sqrt(sum));
}

static void make_matrix(const struct command *command, FILE *file, uint64_t seed)
{
    uint64_t d = command->columns;
    float *row = malloc(d * sizeof *row);

    if (row == NULL)
        fail("out of memory", "");
    for (uint64_t i = 0; i < command->rows; i++) {
        double pair[2], scale = 1.0 / sqrt((double)d);

        if (command->norms > 0.0) {
            gaussians(&seed, pair);
            scale *= exp(command->norms * pair[0]);
        }
        for (uint64_t j = 0; j < d; j++) {
            if (j % 2 == 0)
                gaussians(&seed, pair);
            row[j] = (float)(scale * pair[j % 2]);
        }
        if (command->unit)
            make_unit(row, d);
        write_all(file, row, d * sizeof *row);
    }
    free(row);
}

static void make_bits(const struct command *command, FILE *file, uint64_t seed)
{
    uint64_t size = (command->columns + 7) / 8;
    uint8_t *row = malloc(size);

    if (row == NULL)
        fail("out of memory", "");
    for (uint64_t i = 0; i < command->rows; i++) {
        memset(row, 0, size);
        for (uint64_t j = 0; j < command->columns; j++)
            if (uniform(&seed) < command->share)
                row[j / 8] = (uint8_t)(row[j / 8] | 1u << (j % 8));
        write_all(file, row, size);
    }
    free(row);
}

static void make_catalog(const struct command *command, FILE *file, uint64_t seed)
{
    static const char *const genres[] = {"Action", "Comedy", "Crime",   "Drama",
                                         "Horror", "Sci-Fi", "Romance", "Thriller"};
    static const char *const languages[] = {"en", "fr", "ko", "ja"};

    for (uint64_t i = 0; i < command->rows; i++) {
        uint64_t r = next_random(&seed);

        if (fprintf(file,
                    "{\"id\": %" PRIu64 ", \"title\": \"A Film Made for Number %" PRIu64
                    "\", \"genres\": [\"%s\", \"%s\"], \"release_year\": %u, \"rating\": %.1f, "
                    "\"language\": \"%s\"}\n",
                    i, i, genres[r % 4], genres[4 + r / 4 % 4], (unsigned)(1930 + r / 16 % 95),
                    (double)(r / 2048 % 101) / 10.0, languages[r / 262144 % 4]) < 0)
            fail("cannot write: ", command->out);
    }
}

static void parse(int argc, char **argv, struct command *command)
{
    if (argc < 2 || argc % 2 != 0)
        fail("usage: bench_data matrix|bits|catalog --out FILE --rows N "
             "[--columns N] [--seed N] [--norms S] [--unit 1] [--share P]",
             "");
    command->kind = argv[1];
    for (int i = 2; i < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];

        if (strcmp(name, "--out") == 0)
            command->out = value;
        else if (strcmp(name, "--rows") == 0)
            command->rows = strtoull(value, NULL, 10);
        else if (strcmp(name, "--columns") == 0)
            command->columns = strtoull(value, NULL, 10);
        else if (strcmp(name, "--seed") == 0)
            command->seed = strtoull(value, NULL, 10);
        else if (strcmp(name, "--norms") == 0)
            command->norms = strtod(value, NULL);
        else if (strcmp(name, "--unit") == 0)
            command->unit = strcmp(value, "1") == 0;
        else if (strcmp(name, "--share") == 0)
            command->share = strtod(value, NULL);
        else
            fail("unknown option ", name);
    }
    if (command->out == NULL || command->rows == 0 || command->rows > UINT32_MAX ||
        command->columns == 0 || command->columns > UINT32_MAX)
        fail("--out, --rows and --columns must be given and sensible", "");
}

int main(int argc, char **argv)
{
    struct command command = {.columns = 1, .seed = 1, .share = 0.1};
    FILE *file;

    parse(argc, argv, &command);
    file = fopen(command.out, "wb");
    if (file == NULL)
        fail("cannot open ", command.out);
    if (strcmp(command.kind, "matrix") == 0)
        make_matrix(&command, file, command.seed);
    else if (strcmp(command.kind, "bits") == 0)
        make_bits(&command, file, command.seed);
    else if (strcmp(command.kind, "catalog") == 0)
        make_catalog(&command, file, command.seed);
    else
        fail("nothing of this kind: ", command.kind);
    if (fclose(file) != 0)
        fail("cannot write ", command.out);
    return 0;
}
