/* 03_score.c - exact top-K for a vector of your own, under a filter.
 *
 *   ./03_score BUNDLE [ITEM ...]
 *
 * A visitor without an account has looked at a few items in this session. The
 * mean of the items' vectors stands for the visitor's taste; the scorer finds the
 * best items for it, only well rated ones and none of those already looked at.
 * Any other vector works too: one from your own model, or that of a group of
 * people.
 */
#include <recsys/recsys.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_SESSION = 100, K = 10 };

static void check(recsys_status status, const recsys_error *err)
{
    if (status == RECSYS_OK)
        return;
    fprintf(stderr, "%s: %s\n", recsys_status_name(status), err->message);
    exit(1);
}

static const char *title_of(const recsys_model *model, recsys_id id)
{
    recsys_item item = {.struct_size = sizeof item};
    recsys_error err;

    check(recsys_catalog_get(model, id, &item, &err), &err);
    return item.title;
}

/* The items named on the command line, or else the model's first three. */
static size_t read_session(const recsys_model *model, int argc, char **argv, recsys_id *session)
{
    recsys_error err;
    size_t n = 0;

    for (int i = 2; i < argc && n < MAX_SESSION; i++)
        session[n++] = (recsys_id)RECSYS_ID_NUMBER(strtoull(argv[i], NULL, 10));
    if (n == 0)
        check(recsys_model_get_item_ids(model, 0, session, 3, &n, &err), &err);
    return n;
}

static float *mean_vector(const recsys_model *model, const recsys_id *session, size_t n_session)
{
    recsys_model_info info = {.struct_size = sizeof info};
    float *mean, *vector;
    recsys_error err;

    check(recsys_model_get_info(model, &info, &err), &err);
    mean = calloc(info.dimensions, sizeof *mean);
    vector = calloc(info.dimensions, sizeof *vector);
    if (mean == NULL || vector == NULL)
        exit(1);
    for (size_t i = 0; i < n_session; i++) {
        check(recsys_model_get_item(model, session[i], vector, NULL, &err), &err);
        for (uint32_t j = 0; j < info.dimensions; j++)
            mean[j] += vector[j] / (float)n_session;
    }
    free(vector);
    return mean;
}

int main(int argc, char **argv)
{
    recsys_id session[MAX_SESSION];
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_query query = {.k = K};
    recsys_scored found[K];
    recsys_model *model = NULL;
    recsys_scorer *scorer = NULL;
    recsys_filter *filter = NULL;
    recsys_error err;
    uint32_t count = 0;
    float *vector;
    size_t n;

    check(recsys_model_load(argc > 1 ? argv[1] : "model", NULL, &model, &err), &err);
    check(recsys_scorer_create(NULL, &scorer, &err), &err);
    n = read_session(model, argc, argv, session);
    vector = mean_vector(model, session, n);

    options.flags = RECSYS_FILTER_EXCLUDE_ADULT;
    options.min_rating = 7.0f;
    options.exclude = session;
    options.n_exclude = n;
    check(recsys_filter_create(model, &options, &filter, &err), &err);

    query.vector = vector;
    query.filter = filter;
    check(recsys_scorer_top_k(scorer, model, &query, 1, found, K, &count, &err), &err);

    for (size_t i = 0; i < n; i++)
        printf("seen   %s\n", title_of(model, session[i]));
    for (uint32_t i = 0; i < count; i++)
        printf("%6.3f %s\n", (double)found[i].score, title_of(model, found[i].item));
    printf("best of %zu items rated 7 or more\n", recsys_filter_count(filter));

    free(vector);
    recsys_filter_unref(filter);
    recsys_scorer_destroy(scorer);
    recsys_model_unref(model);
    return count > 0 ? 0 : 1;
}
