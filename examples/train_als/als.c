/* als.c - factorise ratings by alternating least squares.
 *
 * With one side's vectors fixed, each vector of the other side is the solution
 * of a small linear system of its own:
 *
 *   implicit  (YtY + regularization I + sum (c - 1) y yt) x = sum c y
 *   ratings   (n regularization I + sum z zt) (x, b) = sum (r - mean - b_i) z,  z = (y, 1)
 *
 * Both are a base matrix, plus or minus outer products of vectors, and a right
 * hand side; so one function solves both. The vectors are gathered, scaled,
 * into a block and added by one ssyrk, which is where the time goes; sposv
 * solves by Cholesky. Where alpha * rating < 1 the weight c - 1 is negative:
 * those vectors are gathered at the block's other end and subtracted.
 *
 * Rows are independent, so threads take them in portions from a counter, and
 * the result does not depend on which thread took which rows. BLAS itself must
 * run on one thread (train_als.c sets that).
 */
#include "als.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <recsys/scorer.h>

#include "report.h"

enum { BLOCK_ROWS = 256, PORTION = 32 };

/* LAPACK, as every OpenBLAS has it. The last argument is how Fortran passes
 * the length of `uplo`. */
extern void sposv_(const char *uplo, const int *n, const int *n_rhs, float *a, const int *lda,
                   float *b, const int *ldb, int *info, size_t uplo_length);

/* Only OpenBLAS has it; its serial flavour returns 0. */
extern int openblas_get_parallel(void) __attribute__((weak));

/* The vectors of users, or of items. */
struct side {
    size_t n;
    float *factors;
    float *bias; /* NULL in implicit mode */
    const char *noun;
};

struct half_step {
    const struct als_options *options;
    const struct sparse *rows; /* ratings, a row for every vector of `solved` */
    struct side *solved;
    const struct side *fixed;
    const float *base; /* implicit: YtY + regularization I, width x width */
    float mean;        /* ratings: of all of them */
    size_t width;      /* unknowns of a row */
    atomic_size_t next_row;
};

/* The memory of one thread. */
struct workspace {
    struct half_step *step;
    float *matrix; /* width x width */
    float *right;  /* width */
    float *block;  /* BLOCK_ROWS x width */
};

/* splitmix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static float *random_factors(size_t n, size_t factors, uint64_t *state)
{
    float *out = report_allocate(n * factors, sizeof *out);

    for (size_t i = 0; i < n * factors; i++)
        out[i] = (float)(random_bits(state) >> 40) * (0.01f / 16777216.0f);
    return out;
}

/* out = factors^T factors, all of it. */
static void gram(const struct side *side, size_t d, float *out)
{
    cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)d, (int)side->n, 1.0f, side->factors,
                (int)d, 0.0f, out, (int)d);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < i; j++)
            out[i * d + j] = out[j * d + i];
}

static void add_to_diagonal(float *matrix, size_t n, float value)
{
    for (size_t j = 0; j < n; j++)
        matrix[j * n + j] += value;
}

/* Add one rating of the row to its system; the vector to sum up goes to `z`. */
static void gather(const struct workspace *work, uint32_t column, float weight, float target,
                   float *z)
{
    const struct half_step *step = work->step;
    size_t d = step->options->factors;
    const float *y = step->fixed->factors + column * d;

    for (size_t j = 0; j < d; j++) {
        z[j] = weight * y[j];
        work->right[j] += target * y[j];
    }
    if (step->width > d) {
        z[d] = weight;
        work->right[d] += target;
    }
}

/* Add the ratings [begin, end), at most BLOCK_ROWS, to the row's system. */
static void add_block(const struct workspace *work, uint64_t begin, uint64_t end)
{
    const struct half_step *step = work->step;
    int width = (int)step->width, n_plus = 0, n_minus = 0;

    for (uint64_t i = begin; i < end; i++) {
        uint32_t column = step->rows->columns[i];
        float value = step->rows->values[i], weight = 1.0f;
        float target = value - step->mean;
        int place = n_plus;

        if (step->options->mode == ALS_IMPLICIT) {
            target = step->options->alpha * value;
            weight = sqrtf(fabsf(target - 1.0f));
        } else {
            target -= step->fixed->bias[column];
        }
        if (step->options->mode == ALS_IMPLICIT && target < 1.0f)
            place = BLOCK_ROWS - ++n_minus;
        else
            n_plus++;
        gather(work, column, weight, target, work->block + place * width);
    }
    if (n_plus > 0)
        cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, width, n_plus, 1.0f, work->block, width,
                    1.0f, work->matrix, width);
    if (n_minus > 0)
        cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, width, n_minus, -1.0f,
                    work->block + (BLOCK_ROWS - n_minus) * width, width, 1.0f, work->matrix, width);
}

/* Regularization is the usual reason; the other one met so far is a kernel of OpenBLAS that
 * computes wrongly. */
static _Noreturn void refuse_row(const struct half_step *step, size_t row)
{
    recsys_blas_info blas = {.struct_size = (uint32_t)sizeof blas, .core = ""};
    int is_known = recsys_blas_get_info(&blas, NULL) == RECSYS_OK && blas.core[0] != '\0';

    report_fatal("the system of %s %zu cannot be solved in single precision; "
                 "use a larger --regularization%s%s%s",
                 step->solved->noun, row + 1u,
                 is_known ? ", or another kernel of OpenBLAS than " : "", is_known ? blas.core : "",
                 is_known ? ", which OPENBLAS_CORETYPE in the environment chooses" : "");
}

static void solve_row(const struct workspace *work, size_t row)
{
    const struct half_step *step = work->step;
    uint64_t begin = step->rows->offsets[row], end = step->rows->offsets[row + 1u];
    size_t width = step->width, d = step->options->factors;
    int n = (int)width, one = 1, info;

    memset(work->right, 0, width * sizeof(float));
    if (begin < end) {
        if (step->options->mode == ALS_IMPLICIT) {
            memcpy(work->matrix, step->base, width * width * sizeof(float));
        } else {
            memset(work->matrix, 0, width * width * sizeof(float));
            add_to_diagonal(work->matrix, width,
                            step->options->regularization * (float)(end - begin));
        }
        for (uint64_t i = begin; i < end; i += BLOCK_ROWS)
            add_block(work, i, end - i < BLOCK_ROWS ? end : i + BLOCK_ROWS);
        /* Upper in rows is lower in Fortran's columns. */
        sposv_("L", &n, &one, work->matrix, &n, work->right, &n, &info, 1u);
        if (info != 0)
            refuse_row(step, row);
    }
    memcpy(step->solved->factors + row * d, work->right, d * sizeof(float));
    if (step->solved->bias != NULL)
        step->solved->bias[row] = work->right[d];
}

static void *solve_rows(void *argument)
{
    struct workspace *work = argument;
    size_t n = work->step->solved->n;

    for (;;) {
        size_t row = atomic_fetch_add(&work->step->next_row, PORTION);

        if (row >= n)
            return NULL;
        for (size_t end = n - row < PORTION ? n : row + PORTION; row < end; row++)
            solve_row(work, row);
    }
}

/* Run the half step on all threads; this one is the first of them. */
static void run_half_step(struct half_step *step, struct workspace *work, pthread_t *threads)
{
    uint32_t n_started = 1u;

    atomic_init(&step->next_row, 0u);
    for (uint32_t i = 0; i < step->options->n_threads; i++)
        work[i].step = step;
    while (n_started < step->options->n_threads &&
           pthread_create(&threads[n_started], NULL, solve_rows, &work[n_started]) == 0)
        n_started++; /* one that does not start is missed, but not needed */
    solve_rows(&work[0]);
    for (uint32_t i = 1; i < n_started; i++)
        pthread_join(threads[i], NULL);
}

static double squared_norm(const float *x, size_t n)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

/*
 * The objective of implicit mode, divided by the sum of all confidences. The
 * pairs that no user chose need no loop: their sum of (x.y)^2 is the sum over
 * all pairs, which is the inner product of the two Gram matrices, minus the sum
 * over the chosen pairs.
 */
static double implicit_loss(const struct sparse *ratings, const struct side *users,
                            const struct side *items, const struct als_options *options,
                            const float *users_gram, const float *items_gram)
{
    size_t d = options->factors;
    double loss = 0.0, confidences = (double)users->n * (double)items->n;

    for (size_t i = 0; i < d * d; i++)
        loss += (double)users_gram[i] * (double)items_gram[i];
    for (size_t row = 0; row < users->n; row++) {
        for (uint64_t i = ratings->offsets[row]; i < ratings->offsets[row + 1u]; i++) {
            double c = (double)(options->alpha * ratings->values[i]);
            double s = (double)cblas_sdot((int)d, users->factors + row * d, 1,
                                          items->factors + ratings->columns[i] * d, 1);

            loss += c * (1.0 - s) * (1.0 - s) - s * s;
            confidences += c - 1.0;
        }
    }
    loss += (double)options->regularization * (squared_norm(users->factors, users->n * d) +
                                               squared_norm(items->factors, items->n * d));
    return loss / confidences;
}

static double ratings_rmse(const struct sparse *ratings, const struct side *users,
                           const struct side *items, size_t d, float mean)
{
    double sum = 0.0;

    for (size_t row = 0; row < users->n; row++) {
        for (uint64_t i = ratings->offsets[row]; i < ratings->offsets[row + 1u]; i++) {
            uint32_t column = ratings->columns[i];
            double error =
                (double)(ratings->values[i] - mean - users->bias[row] - items->bias[column]) -
                (double)cblas_sdot((int)d, users->factors + row * d, 1, items->factors + column * d,
                                   1);

            sum += error * error;
        }
    }
    return sqrt(sum / (double)ratings->offsets[ratings->n_rows]);
}

static double mean_value(const struct sparse *ratings)
{
    uint64_t n = ratings->offsets[ratings->n_rows];
    double sum = 0.0;

    for (uint64_t i = 0; i < n; i++)
        sum += (double)ratings->values[i];
    return sum / (double)n;
}

static void make_sides(struct side *users, struct side *items, const struct sparse *by_user,
                       const struct als_options *options)
{
    uint64_t state = options->seed;
    size_t d = options->factors;

    *users = (struct side){.n = by_user->n_rows, .noun = "user"};
    *items = (struct side){.n = by_user->n_columns, .noun = "movie"};
    users->factors = report_allocate(users->n * d, sizeof(float)); /* solved for first */
    items->factors = random_factors(items->n, d, &state);
    if (options->mode == ALS_RATINGS) {
        users->bias = report_allocate(users->n, sizeof(float));
        items->bias = report_allocate(items->n, sizeof(float));
        memset(items->bias, 0, items->n * sizeof(float));
    }
}

static struct workspace *make_workspaces(uint32_t n, size_t width)
{
    struct workspace *work = report_allocate(n, sizeof *work);

    for (uint32_t i = 0; i < n; i++) {
        work[i].matrix = report_allocate(width * width, sizeof(float));
        work[i].right = report_allocate(width, sizeof(float));
        work[i].block = report_allocate(BLOCK_ROWS * width, sizeof(float));
    }
    return work;
}

static void free_workspaces(struct workspace *work, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        free(work[i].matrix);
        free(work[i].right);
        free(work[i].block);
    }
    free(work);
}

void als_train(struct als_model *model, const struct sparse *by_user, const struct sparse *by_item,
               const struct als_options *options)
{
    size_t d = options->factors, width = d + (options->mode == ALS_RATINGS);
    float mean = options->mode == ALS_RATINGS ? (float)mean_value(by_user) : 0.0f;
    float *grams[2], *base = report_allocate(d * d, sizeof *base); /* of users, of items */
    pthread_t *threads = report_allocate(options->n_threads, sizeof *threads);
    struct workspace *work = make_workspaces(options->n_threads, width);
    struct side sides[2]; /* users, items */

    grams[0] = report_allocate(d * d, sizeof(float));
    grams[1] = report_allocate(d * d, sizeof(float));
    make_sides(&sides[0], &sides[1], by_user, options);
    gram(&sides[1], d, grams[1]);
    for (uint32_t iteration = 1; iteration <= options->iterations; iteration++) {
        for (int side = 0; side < 2; side++) {
            struct half_step step = {.options = options,
                                     .rows = side == 0 ? by_user : by_item,
                                     .solved = &sides[side],
                                     .fixed = &sides[1 - side],
                                     .base = base,
                                     .mean = mean,
                                     .width = width};

            memcpy(base, grams[1 - side], d * d * sizeof *base);
            add_to_diagonal(base, d, options->regularization);
            run_half_step(&step, work, threads);
            gram(&sides[side], d, grams[side]);
        }
        model->loss =
            options->mode == ALS_IMPLICIT
                ? implicit_loss(by_user, &sides[0], &sides[1], options, grams[0], grams[1])
                : ratings_rmse(by_user, &sides[0], &sides[1], d, mean);
        report_progress("iteration %u of %u: loss %.6f", iteration, options->iterations,
                        model->loss);
    }
    report_progress_end();

    model->user_factors = sides[0].factors;
    model->item_factors = sides[1].factors;
    model->user_bias = sides[0].bias;
    model->item_bias = sides[1].bias;
    for (size_t i = 0; model->item_bias != NULL && i < sides[1].n; i++)
        model->item_bias[i] += mean; /* so that a user without a bias is answered sensibly too */
    free_workspaces(work, options->n_threads);
    free(threads);
    free(base);
    free(grams[0]);
    free(grams[1]);
}

int als_blas_is_serial(void)
{
    return openblas_get_parallel != NULL && openblas_get_parallel() == 0;
}

void als_free(struct als_model *model)
{
    free(model->user_factors);
    free(model->item_factors);
    free(model->user_bias);
    free(model->item_bias);
}
