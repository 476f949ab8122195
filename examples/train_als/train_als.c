/* train_als.c - recsys-train-als: a model bundle from MovieLens ratings.
 *
 * Reads ratings and movies (movielens.c), factorises them by alternating least
 * squares (als.c), measures what it has learned on ratings held out before
 * (quality.c) and writes a bundle (bundle.c) that librecsys loads and recsysd
 * serves. It is an example of how a model gets from a training program into
 * the library; the part to copy for a trainer of your own is bundle.c.
 *
 * Exit status: 0 done, 1 failed, 2 the command line is wrong.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <recsys/recsys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "als.h"
#include "bundle.h"
#include "movielens.h"
#include "quality.h"
#include "report.h"
#include "sparse.h"

/* Measured on MovieLens latest-small; see tests/bench/quality. */
#define DEFAULT_REGULARIZATION_IMPLICIT 20.0f
#define DEFAULT_REGULARIZATION_RATINGS 0.15f

static const char usage_text[] =
    "usage: recsys-train-als --ratings FILE --movies FILE --out DIR [options]\n"
    "\n"
    "  --ratings FILE        userId,movieId,rating,timestamp as MovieLens has it\n"
    "  --movies FILE         movieId,title,genres\n"
    "  --details FILE        movieId,language,rating,adult; without it a movie's rating in\n"
    "                        the catalogue is made from its ratings\n"
    "  --out DIR             the bundle to write; must not exist\n"
    "  --name NAME           the model's name (movies)\n"
    "  --mode MODE           implicit: which films a user will choose; ratings: how many\n"
    "                        stars a user will give (implicit)\n"
    "  --factors N           length of the vectors, 1..1024 (64)\n"
    "  --iterations N        (30)\n"
    "  --regularization X    (20; 0.15 with --mode ratings)\n"
    "  --alpha X             confidence per star, implicit only (1)\n"
    "  --holdout-last FILE   withhold each user's last rating, write it to FILE and measure\n"
    "                        how well the model finds it\n"
    "  --threads N           0 = as many as there are processors (0)\n"
    "  --seed N              (1)\n";

struct command {
    const char *ratings, *movies, *details, *out, *name, *holdout;
    struct als_options als;
};

static _Noreturn void usage_error(const char *format, const char *what)
{
    fputs("recsys-train-als: ", stderr);
    fprintf(stderr, format, what);
    fputs("\n(--help lists the options)\n", stderr);
    exit(2);
}

static double parse_number(const char *option, const char *text, double low, double high)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= low && value <= high)) {
        fprintf(stderr, "recsys-train-als: --%s must be a number from %g to %g, not '%s'\n", option,
                low, high, text);
        exit(2);
    }
    return value;
}

static uint32_t parse_count(const char *option, const char *text, double low, double high)
{
    double value = parse_number(option, text, low, high);

    if (value != floor(value))
        usage_error("--%s must be a whole number", option);
    return (uint32_t)value;
}

static const struct option options[] = {
    {"ratings", required_argument, NULL, 'r'},
    {"movies", required_argument, NULL, 'm'},
    {"details", required_argument, NULL, 'd'},
    {"out", required_argument, NULL, 'o'},
    {"name", required_argument, NULL, 'n'},
    {"mode", required_argument, NULL, 'M'},
    {"factors", required_argument, NULL, 'f'},
    {"iterations", required_argument, NULL, 'i'},
    {"alpha", required_argument, NULL, 'a'},
    {"regularization", required_argument, NULL, 'l'},
    {"threads", required_argument, NULL, 't'},
    {"holdout-last", required_argument, NULL, 'H'},
    {"seed", required_argument, NULL, 's'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void parse_option(struct command *command, int letter, const char *name, const char *value)
{
    struct als_options *als = &command->als;

    switch (letter) {
    case 'r':
        command->ratings = value;
        break;
    case 'm':
        command->movies = value;
        break;
    case 'd':
        command->details = value;
        break;
    case 'o':
        command->out = value;
        break;
    case 'n':
        command->name = value;
        break;
    case 'H':
        command->holdout = value;
        break;
    case 'M':
        if (strcmp(value, "implicit") != 0 && strcmp(value, "ratings") != 0)
            usage_error("--mode is implicit or ratings, not '%s'", value);
        als->mode = strcmp(value, "ratings") == 0 ? ALS_RATINGS : ALS_IMPLICIT;
        break;
    case 'f':
        als->factors = parse_count(name, value, 1.0, 1024.0);
        break;
    case 'i':
        als->iterations = parse_count(name, value, 1.0, 10000.0);
        break;
    case 't':
        als->n_threads = parse_count(name, value, 0.0, 256.0);
        break;
    case 's':
        als->seed = parse_count(name, value, 0.0, 4294967295.0);
        break;
    case 'l':
        als->regularization = (float)parse_number(name, value, 1e-6, 1e6);
        break;
    case 'a':
        als->alpha = (float)parse_number(name, value, 1e-6, 1e6);
        break;
    default:
        fputs("(--help lists the options)\n", stderr);
        exit(2);
    }
}

static void parse_command(struct command *command, int argc, char **argv)
{
    int letter, index = 0;

    *command = (struct command){.name = "movies"};
    command->als = (struct als_options){
        .mode = ALS_IMPLICIT, .factors = 64u, .iterations = 30u, .alpha = 1.0f, .seed = 1u};
    while ((letter = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (letter == 'h') {
            fputs(usage_text, stdout);
            exit(0);
        }
        parse_option(command, letter, letter == '?' ? "" : options[index].name, optarg);
    }
    if (optind < argc)
        usage_error("unknown argument '%s'", argv[optind]);
    if (command->ratings == NULL || command->movies == NULL || command->out == NULL)
        usage_error("%s are needed", "--ratings, --movies and --out");
    if (command->als.n_threads == 0u) {
        long n = sysconf(_SC_NPROCESSORS_ONLN);

        command->als.n_threads = n < 1 ? 1u : n > 256 ? 256u : (uint32_t)n;
    }
    if (command->als.regularization <= 0.0f)
        command->als.regularization = command->als.mode == ALS_IMPLICIT
                                          ? DEFAULT_REGULARIZATION_IMPLICIT
                                          : DEFAULT_REGULARIZATION_RATINGS;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void read_data(struct movielens *data, const struct command *command)
{
    memset(data, 0, sizeof *data);
    movielens_read_movies(data, command->movies);
    if (command->details != NULL)
        movielens_read_details(data, command->details);
    movielens_read_ratings(data, command->ratings);
    printf("%zu ratings of %zu movies by %zu users\n", data->n_ratings, data->n_movies,
           data->n_users);
    if (data->n_repeated > 0u)
        printf("%zu older ratings of the same movie by the same user left out\n", data->n_repeated);
    if (command->holdout != NULL) {
        movielens_hold_out_last(data, command->holdout);
        printf("%zu last ratings withheld: %s\n", data->n_held_out, command->holdout);
    }
    movielens_rate_movies(data);
}

int main(int argc, char **argv)
{
    struct command command;
    struct movielens data;
    struct sparse by_user, by_item;
    struct als_model model;
    struct quality quality;
    struct stat there;
    double started;

    parse_command(&command, argc, argv);
    /* The builder would refuse it too, but only after the training. */
    if (lstat(command.out, &there) == 0)
        report_fatal("%s: already there; remove it or choose another --out", command.out);
    /* Every thread of the trainer calls BLAS, which must not start threads of its
     * own. A BLAS without this setting has no threads. */
    if (recsys_blas_set_threads(1u, NULL) != RECSYS_OK)
        report_progress("this BLAS chooses by itself how many threads it uses");
    if (command.als.n_threads > 1u && als_blas_is_serial()) {
        fputs("recsys-train-als: this OpenBLAS is the serial flavour, so only one thread trains; "
              "install libopenblas0-pthread for more\n",
              stderr);
        command.als.n_threads = 1u;
    }

    read_data(&data, &command);
    sparse_from_ratings(&by_user, &data);
    sparse_transpose(&by_item, &by_user);
    started = seconds_now();
    als_train(&model, &by_user, &by_item, &command.als);
    printf("trained %u factors in %u iterations, %.1f s on %u threads: %s %.4f\n",
           command.als.factors, command.als.iterations, seconds_now() - started,
           command.als.n_threads, command.als.mode == ALS_IMPLICIT ? "loss" : "RMSE", model.loss);
    quality_measure(&quality, &model, command.als.factors, &by_user, &data);
    if (quality.n_users > 0u)
        printf("withheld ratings: recall@%u %.4f, nDCG@%u %.4f\n", QUALITY_K, quality.recall,
               QUALITY_K, quality.ndcg);
    if (quality.rmse > 0.0)
        printf("predicted stars of withheld ratings: RMSE %.4f\n", quality.rmse);
    bundle_write(command.out, command.name, &data, &by_user, &by_item, &model, &command.als,
                 &quality);
    printf("wrote %s\n", command.out);

    als_free(&model);
    sparse_free(&by_user);
    sparse_free(&by_item);
    movielens_free(&data);
    return 0;
}
