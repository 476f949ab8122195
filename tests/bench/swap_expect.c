/* swap_expect.c - asks the library itself, before anything is measured, what each version answers.
 */
#include <stdlib.h>
#include <string.h>

#include "swap_load.h"

static void *allocate(size_t n, size_t size)
{
    void *memory = calloc(n > 0 ? n : 1, size);

    if (memory == NULL)
        load_fail("out of memory");
    return memory;
}

static void check(recsys_status status, const recsys_error *error)
{
    if (status != RECSYS_OK)
        load_fail("%s: %s", recsys_status_name(status), error->message);
}

static void read_users(struct expectation *e, const recsys_model *model, size_t max_users)
{
    recsys_id *ids = allocate(max_users, sizeof *ids);
    recsys_error error;

    check(recsys_model_get_user_ids(model, 0, ids, max_users, &e->n_users, &error), &error);
    e->users = allocate(e->n_users, sizeof *e->users);
    for (size_t i = 0; i < e->n_users; i++) {
        if (ids[i].text != NULL)
            load_fail("the model's users have texts as ids; numbers are needed");
        e->users[i] = ids[i].number;
    }
    free(ids);
}

static void ask(struct version *version, const struct expectation *e, const recsys_model *model)
{
    recsys_recommender *recommender;
    recsys_request request;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_error error;

    check(recsys_recommender_create(NULL, &recommender, &error), &error);
    version->answers = allocate(e->n_users, sizeof *version->answers);
    for (size_t u = 0; u < e->n_users; u++) {
        struct expected *answer = &version->answers[u];

        request = (recsys_request)RECSYS_REQUEST_INIT;
        request.user.number = e->users[u];
        request.k = ANSWERS;
        check(recsys_recommend(recommender, model, &request, 1, &reply, &error), &error);
        if (reply.status != RECSYS_OK)
            load_fail("a user cannot be answered: %s", reply.message);
        answer->count = reply.count;
        for (uint32_t i = 0; i < reply.count; i++) {
            const recsys_recommendation *found = recsys_reply_get_item(&reply, i);

            answer->items[i] = found->item.number;
            answer->scores[i] = found->score;
        }
    }
    recsys_recommender_destroy(recommender);
}

static void add_version(struct expectation *e, const char *bundle, size_t max_users)
{
    struct version *version = &e->versions[e->n_versions++];
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};
    recsys_model *model;
    recsys_error error;

    check(recsys_model_load(bundle, NULL, &model, &error), &error);
    check(recsys_model_get_info(model, &info, &error), &error);
    if (strlen(info.version) >= sizeof version->name)
        load_fail("%s: its version has a name too long", bundle);
    (void)strcpy(version->name, info.version);
    if (e->n_versions == 1)
        read_users(e, model, max_users);
    ask(version, e, model);
    recsys_model_unref(model);
}

/* Would an answer of one version pass as one of another? */
static int same_answer(const struct expectation *e, size_t user)
{
    for (size_t a = 0; a < e->n_versions; a++)
        for (size_t b = a + 1; b < e->n_versions; b++)
            if (memcmp(&e->versions[a].answers[user], &e->versions[b].answers[user],
                       sizeof(struct expected)) == 0)
                return 1;
    return 0;
}

/* Users who tell nothing apart are not asked for. */
static void keep_telling_users(struct expectation *e)
{
    size_t kept = 0;

    for (size_t u = 0; u < e->n_users; u++) {
        if (same_answer(e, u))
            continue;
        e->users[kept] = e->users[u];
        for (size_t v = 0; v < e->n_versions; v++)
            e->versions[v].answers[kept] = e->versions[v].answers[u];
        kept++;
    }
    e->n_users = kept;
    if (kept == 0)
        load_fail("the versions answer every user alike; nothing could be checked");
}

void expect_from(struct expectation *e, const char *const *bundles, size_t n_bundles,
                 size_t max_users)
{
    recsys_error error;
    recsys_status blas = recsys_blas_set_threads(1, &error);

    if (blas != RECSYS_E_UNSUPPORTED)
        check(blas, &error);
    memset(e, 0, sizeof *e);
    for (size_t i = 0; i < n_bundles; i++)
        add_version(e, bundles[i], max_users);
    for (size_t a = 0; a < e->n_versions; a++)
        for (size_t b = a + 1; b < e->n_versions; b++)
            if (strcmp(e->versions[a].name, e->versions[b].name) == 0)
                load_fail("two bundles are both version %s", e->versions[a].name);
    keep_telling_users(e);
}

void expect_free(struct expectation *e)
{
    for (size_t v = 0; v < e->n_versions; v++)
        free(e->versions[v].answers);
    free(e->users);
}
