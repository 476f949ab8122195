/* tests/bench/bench_session.c - what a session costs, compared with a known user.
 *
 *   bench_session [--items N] [--dimensions N] [--liked N] [--rounds N]
 *
 * A model of ALS with Gaussian vectors. In turn, each for about 20 ms a round: ten items for known
 * users; for sessions of as many liked items whose weights make the confidences different (fold-in
 * with a Cholesky factor of its own), and of confidences of one (the model's own); for known users
 * with diversity 0.5; for a known user and a list of 100 items to rank. Prints one line of JSON:
 * the median round's microseconds of processor time an answer, and the first session's, which makes
 * the model's equations.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <recsys/recsys.h>

#define K 10u
#define N_USERS 64u
#define N_LISTED 100u
#define MAX_LIKED 1000u
#define MAX_ROUNDS 201u
#define ROUND_NS 2e7

static uint32_t n_items = 100000, n_dimensions = 64, n_liked = 20, n_rounds = 31;
static uint64_t random_state = 42;
static recsys_error err;
static recsys_recommender *recommender;
static recsys_model *model;

static void check(recsys_status status)
{
    if (status == RECSYS_OK)
        return;
    (void)fprintf(stderr, "bench_session: %s: %s\n", recsys_status_name(status), err.message);
    exit(1);
}

static double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* other programs do not count */
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static double draw(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static float *draw_vectors(size_t n)
{
    float *numbers = malloc(n * sizeof *numbers);

    if (numbers == NULL)
        exit(1);
    for (size_t i = 0; i < n; i++)
        numbers[i] = (float)(0.1 * sqrt(-2.0 * log(draw() + 1e-300)) * cos(6.283185307 * draw()));
    return numbers;
}

static void make_model(const char *path)
{
    float *items = draw_vectors((size_t)n_items * n_dimensions);
    float *users = draw_vectors((size_t)N_USERS * n_dimensions);
    recsys_array rows = RECSYS_ARRAY_2D(items, RECSYS_DTYPE_F32, n_items, n_dimensions);
    recsys_array columns = RECSYS_ARRAY_2D(users, RECSYS_DTYPE_F32, N_USERS, n_dimensions);
    recsys_builder *builder = NULL;

    check(recsys_builder_create(&builder, &err));
    check(recsys_builder_set_array(builder, "item_factors", &rows, &err));
    check(recsys_builder_set_array(builder, "user_factors", &columns, &err));
    check(recsys_builder_set_field(builder, "algorithm", "als", &err));
    check(recsys_builder_set_field(builder, "hyperparameters.regularization", "0.05", &err));
    check(recsys_builder_write(builder, path, &err));
    recsys_builder_destroy(builder);
    free(items);
    free(users);
    check(recsys_model_load(path, NULL, &model, &err));
}

enum kind { KNOWN, WEIGHTED, PLAIN, DIVERSE, LISTED, N_KINDS };

static void answer(enum kind kind)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_id ids[MAX_LIKED];
    float weights[MAX_LIKED];
    uint32_t n = kind == LISTED ? N_LISTED : n_liked;

    for (uint32_t i = 0; i < n; i++) {
        ids[i] = (recsys_id){NULL, (uint64_t)(draw() * n_items)};
        weights[i] = 1.0f + (float)(i % 5);
    }
    request.k = K;
    request.user.number = (uint64_t)(draw() * N_USERS);
    if (kind == WEIGHTED || kind == PLAIN) {
        request.flags = RECSYS_REQUEST_ANONYMOUS;
        request.liked = ids;
        request.n_liked = n;
        request.liked_weights = kind == WEIGHTED ? weights : NULL;
    } else if (kind == LISTED) {
        request.flags = RECSYS_REQUEST_ALLOW;
        request.allow = ids;
        request.n_allow = n;
    } else if (kind == DIVERSE) {
        request.diversity = 0.5f;
    }
    check(recsys_recommend(recommender, model, &request, 1, &reply, &err));
}

static double measure(enum kind kind)
{
    double began = now_ns(), now;
    uint32_t n = 0;

    do {
        answer(kind);
        n++;
    } while ((now = now_ns()) - began < ROUND_NS);
    return (now - began) / n / 1000.0;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void report(double first_us)
{
    static const char *const names[] = {"known", "weighted", "plain", "diverse", "listed"};
    static double rounds[N_KINDS][MAX_ROUNDS];

    for (uint32_t r = 0; r < n_rounds; r++)
        for (int kind = 0; kind < N_KINDS; kind++)
            rounds[kind][r] = measure((enum kind)kind);
    (void)printf("{\"items\": %u, \"dimensions\": %u, \"liked\": %u, \"first_us\": %.0f", n_items,
                 n_dimensions, n_liked, first_us);
    for (int kind = 0; kind < N_KINDS; kind++) {
        qsort(rounds[kind], n_rounds, sizeof rounds[kind][0], compare);
        (void)printf(", \"%s_us\": %.1f", names[kind], rounds[kind][n_rounds / 2]);
    }
    (void)printf(", \"session_over_known\": %.2f}\n",
                 rounds[WEIGHTED][n_rounds / 2] / rounds[KNOWN][n_rounds / 2]);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/bench_session_XXXXXX", path[64], command[128];

    for (int i = 1; i + 1 < argc; i += 2) {
        uint32_t number = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--items") == 0)
            n_items = number;
        else if (strcmp(argv[i], "--dimensions") == 0)
            n_dimensions = number;
        else if (strcmp(argv[i], "--liked") == 0)
            n_liked = number < MAX_LIKED ? number : MAX_LIKED;
        else if (strcmp(argv[i], "--rounds") == 0)
            n_rounds = number < MAX_ROUNDS ? number : MAX_ROUNDS;
    }
    if (mkdtemp(folder) == NULL)
        exit(1);
    (void)snprintf(path, sizeof path, "%s/model", folder);
    make_model(path);
    check(recsys_recommender_create(NULL, &recommender, &err));
    answer(KNOWN); /* its memory */
    double began = now_ns();
    answer(WEIGHTED);
    report((now_ns() - began) / 1000.0);
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : 1;
}
