/* bench_score.c - times librecsys' exact top-K; the counterpart of peers/score_peers.py.
 *
 * Takes the same files and flags, runs the same loop (queries of the file in
 * turn, a few calls to warm up, at least --reps and --seconds) and prints the
 * same JSON line, so that a driver can put either into a table. Filters are
 * made before the clock starts, as the bitmaps of a peer are; with
 * --recommend the seen lists come from the model and are applied, like links
 * and ids, inside the clock.
 *
 * Everything goes through the public headers. BLAS has one thread; --threads
 * is the scorer's.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "score_case.h"

static const char usage[] =
    "usage: bench_score --items FILE --queries FILE --n N --d D --batch B --k K --threads T\n"
    "\n"
    "  --items, --queries FILE  raw float32, row-major\n"
    "  --filter-bits FILE  one bitmap of n bits, or one for each query of a batch\n"
    "  --seen FILE         int32 [batch, m]: rows each query must not get; negative = none\n"
    "  --recommend         ask recsys_recommend(); seen lists are the model's\n"
    "  --bundle DIR        keep the model here; use it if it is there already\n"
    "  --catalog FILE      JSON Lines for the model's items\n"
    "  --build-only        write the bundle and stop\n"
    "  --huge-pages        load with RECSYS_MODEL_HUGE_PAGES\n"
    "  --reps N            at least so many repetitions (30)\n"
    "  --seconds X         and at least so long (2)\n"
    "  --cold M            read M other MiB before each call, outside the clock\n"
    "  --out FILE          ids of the first batch, int64 [batch, k], row numbers, -1 = none\n"
    "  --check FILE        compare with a peer's --out; may be given several times\n"
    "  --no-check          skip the comparison with a scan in double\n"
    "  --rounds            say {\"ready\": true}, then measure for every line of standard input\n";

struct bench {
    struct score_options options;
    struct score_case data;
    recsys_scorer *scorer;
    recsys_recommender *recommender;
    recsys_query *queries;
    recsys_request *requests;
    recsys_scored *answers; /* [batch, k] */
    recsys_reply *replies;
    uint32_t *counts;
    int64_t *ids; /* [batch, k] of the first batch */
    char *notes;
    double *times;
    size_t n_times, max_times;
};

static void *allocate(size_t n, size_t size)
{
    void *memory = calloc(n > 0 ? n : 1, size);

    if (memory == NULL)
        score_fail("out of memory");
    return memory;
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(recsys_status status, const recsys_error *error)
{
    if (status != RECSYS_OK)
        score_fail("%s: %s", recsys_status_name(status), error->message);
}

/* ---- the calls that are timed ---- */

static void open_scorer(struct bench *b)
{
    const struct score_options *o = &b->options;
    recsys_scorer_options how = RECSYS_SCORER_OPTIONS_INIT;
    recsys_error error;

    how.n_threads = (uint32_t)o->threads;
    how.max_k = (uint32_t)o->k;
    how.max_batch = (uint32_t)o->batch;
    how.dimensions = (uint32_t)o->d;
    if (o->recommend)
        check(recsys_recommender_create(&how, &b->recommender, &error), &error);
    else
        check(recsys_scorer_create(&how, &b->scorer, &error), &error);
    b->queries = allocate(o->batch, sizeof *b->queries);
    b->requests = allocate(o->batch, sizeof *b->requests);
    b->answers = allocate(o->batch * o->k, sizeof *b->answers);
    b->replies = allocate(o->batch, sizeof *b->replies);
    b->replies[0].struct_size = (uint32_t)sizeof b->replies[0];
    b->counts = allocate(o->batch, sizeof *b->counts);
    b->ids = allocate(o->batch * o->k, sizeof *b->ids);
}

static void run_scorer(struct bench *b, size_t first)
{
    const struct score_options *o = &b->options;
    const struct score_case *c = &b->data;
    recsys_error error;

    for (size_t i = 0; i < o->batch; i++) {
        recsys_query *q = &b->queries[i];

        q->vector = c->queries + (first + i) * o->d;
        q->filter = c->n_filters == 0 ? NULL : c->filters[c->n_filters == 1 ? 0 : i];
        q->k = (uint32_t)o->k;
    }
    check(recsys_scorer_top_k(b->scorer, c->model, b->queries, o->batch, b->answers, o->k,
                              b->counts, &error),
          &error);
}

static void run_recommend(struct bench *b, size_t first)
{
    const struct score_options *o = &b->options;
    recsys_error error;

    for (size_t i = 0; i < o->batch; i++) {
        b->requests[i] = (recsys_request)RECSYS_REQUEST_INIT;
        b->requests[i].user.number = first + i;
        b->requests[i].k = (uint32_t)o->k;
    }
    check(
        recsys_recommend(b->recommender, b->data.model, b->requests, o->batch, b->replies, &error),
        &error);
}

/* Call number `call`: every call takes the next queries of the file. */
static void run(struct bench *b, size_t call)
{
    size_t first = call % (b->data.n_queries / b->options.batch) * b->options.batch;

    if (b->options.recommend)
        run_recommend(b, first);
    else
        run_scorer(b, first);
}

/* ---- what came out ---- */

static int64_t answer_at(const struct bench *b, size_t query, size_t rank)
{
    if (b->options.recommend) {
        const recsys_reply *reply = &b->replies[query];

        const recsys_recommendation *found = recsys_reply_get_item(reply, (uint32_t)rank);

        return found != NULL ? (int64_t)found->item.number : -1;
    }
    return rank < b->counts[query] ? (int64_t)b->answers[query * b->options.k + rank].item.number
                                   : -1;
}

static void keep_ids(struct bench *b)
{
    const struct score_options *o = &b->options;
    FILE *file;

    for (size_t q = 0; q < o->batch; q++)
        for (size_t r = 0; r < o->k; r++)
            b->ids[q * o->k + r] = answer_at(b, q, r);
    if (o->out_path == NULL)
        return;
    file = fopen(o->out_path, "wb");
    if (file == NULL || fwrite(b->ids, sizeof *b->ids, o->batch * o->k, file) != o->batch * o->k ||
        fclose(file) != 0)
        score_fail("cannot write %s", o->out_path);
}

static double dot(const struct bench *b, size_t query, size_t item)
{
    const float *q = b->data.queries + query * b->options.d;
    const float *x = b->data.items + item * b->options.d;
    double sum = 0.0;

    for (size_t j = 0; j < b->options.d; j++)
        sum += (double)q[j] * (double)x[j];
    return sum;
}

static double length(const float *row, size_t d)
{
    double sum = 0.0;

    for (size_t j = 0; j < d; j++)
        sum += (double)row[j] * (double)row[j];
    return sqrt(sum);
}

/* Ids a peer has otherwise are no difference if float rounding explains them. */
static void compare(const struct bench *b, const char *path, size_t *equal, size_t *rounded)
{
    const struct score_options *o = &b->options;
    size_t size;
    const int64_t *peer = score_map_file(path, &size);
    double u = (double)o->d * 0x1p-24;

    if (size != o->batch * o->k * sizeof *peer)
        score_fail("%s: not int64 [%zu, %zu]", path, o->batch, o->k);
    *equal = *rounded = 0;
    for (size_t i = 0; i < o->batch * o->k; i++) {
        size_t q = i / o->k;
        int64_t ours = b->ids[i], theirs = peer[i];

        if (ours == theirs) {
            ++*equal;
        } else if (ours >= 0 && theirs >= 0 && (size_t)theirs < o->n &&
                   score_case_allows(&b->data, q, (size_t)theirs)) {
            const float *x = b->data.items + (size_t)theirs * o->d;
            double slack =
                2.0 * u / (1.0 - u) * length(b->data.queries + q * o->d, o->d) * length(x, o->d);

            *rounded += fabs(dot(b, q, (size_t)ours) - dot(b, q, (size_t)theirs)) <= slack;
        }
    }
}

struct ranked {
    float score;
    int64_t item;
};

/* Is every answer of this query where a scan in double puts it? */
static size_t count_exact(const struct bench *b, size_t query)
{
    const struct score_options *o = &b->options;
    struct ranked *best = allocate(o->k + 1, sizeof *best);
    size_t count = 0, exact = 0;

    for (size_t i = 0; i < o->n; i++) {
        float score = (float)dot(b, query, i);
        size_t at = count;

        if ((count == o->k && score <= best[count - 1].score) ||
            !score_case_allows(&b->data, query, i))
            continue;
        for (; at > 0 && best[at - 1].score < score; at--)
            best[at] = best[at - 1];
        best[at] = (struct ranked){score, (int64_t)i};
        count += count < o->k;
    }
    for (size_t r = 0; r < o->k; r++)
        exact += b->ids[query * o->k + r] == (r < count ? best[r].item : -1);
    free(best);
    return exact;
}

/* Judges the first batch's answers once, as members of the lines to print. */
static void take_notes(struct bench *b)
{
    const struct score_options *o = &b->options;
    size_t n = o->batch < 4 ? o->batch : 4, all = o->batch * o->k, exact = 0, size = 0;
    FILE *out = open_memstream(&b->notes, &size);

    if (out == NULL)
        score_fail("out of memory");
    for (size_t q = 0; q < n && !o->no_check; q++)
        exact += count_exact(b, q);
    if (o->no_check)
        fputs("\"recall_note\": \"not checked\"", out);
    else
        fprintf(out, "\"recall_note\": \"recall@%zu %.4f against float64, %zu queries\"", o->k,
                (double)exact / (double)(n * o->k), n);
    for (size_t i = 0; i < o->n_checks; i++) {
        const char *name = strrchr(o->check_paths[i], '/');
        size_t equal, rounded;

        compare(b, o->check_paths[i], &equal, &rounded);
        fprintf(out, "%s\"%s\": {\"equal\": %zu, \"rounded\": %zu, \"different\": %zu}",
                i == 0 ? ", \"check\": {" : ", ", name != NULL ? name + 1 : o->check_paths[i],
                equal, rounded, all - equal - rounded);
    }
    fputs(o->n_checks > 0 ? "}" : "", out);
    if (fclose(out) != 0)
        score_fail("out of memory");
}

/* ---- measuring ---- */

/* Put other bytes in the place of the model's in the processor's caches. */
static void read_others(size_t mebibytes)
{
    static volatile uint64_t *others;
    static uint64_t sum;
    size_t n = (mebibytes << 20) / sizeof *others;

    if (others == NULL) {
        others = allocate(n, sizeof *others);
        for (size_t i = 0; i < n; i += 512)
            others[i] = i;
    }
    for (size_t i = 0; i < n; i += 8)
        sum += others[i];
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(struct bench *b)
{
    double begin = now();

    b->n_times = 0;
    while (b->n_times < b->options.reps || now() - begin < b->options.seconds) {
        if (b->options.cold > 0)
            read_others(b->options.cold);
        double t = now();

        run(b, b->n_times);
        t = now() - t;
        if (b->n_times == b->max_times) {
            b->max_times = b->max_times * 2 + 1024;
            b->times = realloc(b->times, b->max_times * sizeof *b->times);
            if (b->times == NULL)
                score_fail("out of memory");
        }
        b->times[b->n_times++] = t * 1e3;
    }
    qsort(b->times, b->n_times, sizeof *b->times, by_value);
}

static void print_line(const struct bench *b)
{
    const struct score_options *o = &b->options;
    recsys_blas_info blas = {.struct_size = (uint32_t)sizeof blas};
    recsys_error error;
    size_t n = b->n_times;

    check(recsys_blas_get_info(&blas, &error), &error);
    printf("{\"library\": \"%s\", \"version\": \"%s\", \"n\": %zu, \"d\": %zu, \"batch\": %zu, "
           "\"k\": %zu, \"threads\": %zu, \"median_ms\": %.4f, \"p99_ms\": %.4f, \"min_ms\": %.4f, "
           "\"reps\": %zu, \"filter\": \"%s%s\", \"setup\": \"%s; %s, %d BLAS threads\", %s}\n",
           o->recommend ? "recsys-recommend" : "recsys", recsys_version_string(), o->n, o->d,
           o->batch, o->k, o->threads, (b->times[(n - 1) / 2] + b->times[n / 2]) / 2,
           b->times[(99 * n + 99) / 100 - 1], b->times[0], n, o->bits_path != NULL ? "bitmaps" : "",
           o->seen_path != NULL ? "seen items" : "", o->huge_pages ? "huge pages" : "mapped",
           blas.core, blas.n_threads, b->notes);
    (void)fflush(stdout);
}

/* ---- the command line ---- */

static int parse_text(struct score_options *o, const char *name, const char *value)
{
    struct {
        const char *name, **place;
    } rows[] = {{"--items", &o->items_path},      {"--queries", &o->queries_path},
                {"--filter-bits", &o->bits_path}, {"--seen", &o->seen_path},
                {"--out", &o->out_path},          {"--bundle", &o->bundle_path},
                {"--catalog", &o->catalog_path}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(name, rows[i].name) == 0) {
            *rows[i].place = value;
            return 1;
        }
    }
    if (strcmp(name, "--check") == 0 && o->n_checks < 16) {
        o->check_paths[o->n_checks++] = value;
        return 1;
    }
    return 0;
}

static int parse_number(struct score_options *o, const char *name, const char *value)
{
    struct {
        const char *name;
        size_t *place;
    } rows[] = {{"--n", &o->n},
                {"--d", &o->d},
                {"--batch", &o->batch},
                {"--k", &o->k},
                {"--threads", &o->threads},
                {"--cold", &o->cold},
                {"--reps", &o->reps}};
    char *end;

    if (strcmp(name, "--seconds") == 0) {
        o->seconds = strtod(value, &end);
        return *end == '\0';
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(name, rows[i].name) == 0) {
            *rows[i].place = (size_t)strtoull(value, &end, 10);
            return *end == '\0' && *rows[i].place > 0;
        }
    }
    return 0;
}

static int parse_switch(struct score_options *o, const char *name)
{
    struct {
        const char *name;
        int *place;
    } rows[] = {{"--huge-pages", &o->huge_pages},
                {"--rounds", &o->rounds},
                {"--recommend", &o->recommend},
                {"--build-only", &o->build_only},
                {"--no-check", &o->no_check}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(name, rows[i].name) == 0) {
            *rows[i].place = 1;
            return 1;
        }
    }
    return 0;
}

static void parse(struct score_options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (parse_switch(o, argv[i]))
            continue;
        if (i + 1 < argc &&
            (parse_text(o, argv[i], argv[i + 1]) || parse_number(o, argv[i], argv[i + 1])))
            i++;
        else
            score_fail("%s: no such option, or its value is missing or wrong (see --help)",
                       argv[i]);
    }
    if (o->items_path == NULL || o->queries_path == NULL || o->n == 0 || o->d == 0 ||
        o->batch == 0 || o->k == 0 || o->threads == 0 || (o->build_only && o->bundle_path == NULL))
        score_fail("--items, --queries, --n, --d, --batch, --k and --threads are needed, and "
                   "--bundle with --build-only");
    if (o->recommend && o->bits_path != NULL)
        score_fail("--recommend takes no bitmaps");
}

int main(int argc, char **argv)
{
    struct bench b = {.options = {.reps = 30, .seconds = 2.0}};
    recsys_status blas;
    recsys_error error;
    char line[64];
    double begin, first_ms;

    parse(&b.options, argc, argv);
    blas = recsys_blas_set_threads(1, &error);
    if (blas != RECSYS_OK && blas != RECSYS_E_UNSUPPORTED)
        check(blas, &error);
    score_case_open(&b.data, &b.options);
    if (b.options.build_only)
        return 0;
    open_scorer(&b);
    begin = now();
    run(&b, 0);
    first_ms = (now() - begin) * 1e3;
    keep_ids(&b);
    for (size_t i = 1; i < 3 && now() - begin < 1.0; i++)
        run(&b, i);
    take_notes(&b);
    if (b.options.rounds) {
        printf("{\"ready\": true, \"first_ms\": %.4f}\n", first_ms);
        (void)fflush(stdout);
    }
    while (!b.options.rounds || fgets(line, sizeof line, stdin) != NULL) {
        measure(&b);
        print_line(&b);
        if (!b.options.rounds)
            break;
    }
    recsys_scorer_destroy(b.scorer);
    recsys_recommender_destroy(b.recommender);
    score_case_close(&b.data);
    free(b.notes);
    return 0;
}
