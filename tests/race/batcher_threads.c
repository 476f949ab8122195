/* Threads that ask one batcher for everything a request can ask for, while models are swapped.
 *
 * Every reply must be the bytes of the reply that recsys_recommend() gives to that request alone:
 * items, scores, reasons, causes, ignored preferences and failures. Some callers cancel, some have
 * a short deadline, and the queue is too short for all of them, so every way out of it is taken.
 * TSan sees the rest. RECSYS_LONG=1 runs it longer. */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

#define SEED 20261129u
#define N_THREADS 12
#define N_MODELS 2
#define N_REQUESTS 48
#define N_USERS 30
#define N_ITEMS 2500
#define D 16
#define MAX_WAITING 8

static char *scratch;
static recsys_model *models[N_MODELS];
static recsys_slot *slot;
static recsys_batcher *batcher;
static recsys_request requests[N_REQUESTS];
static recsys_id lists[N_REQUESTS][20];
static struct rs_buffer expected[N_MODELS][N_REQUESTS]; /* as write_reply() writes them */
static atomic_ulong n_answers, n_joint, n_cancelled, n_late, n_refused;
static atomic_int is_over;

/* Everything that a reply says, but for the addresses in it. */
static void write_reply(struct rs_buffer *out, const recsys_reply *reply)
{
    rs_buffer_format(out, "%d %u %u %u %s %s %s %s|", reply->status, reply->strategy, reply->flags,
                     reply->count, reply->message == NULL ? "-" : reply->message, reply->model_name,
                     reply->model_version, reply->model_fingerprint);
    for (uint32_t i = 0; i < reply->count; i++) {
        const recsys_recommendation *item = recsys_reply_get_item(reply, i);
        rs_buffer_add(out, &item->item.number, sizeof item->item.number);
        rs_buffer_add(out, &item->score, sizeof item->score);
        rs_buffer_add(out, &item->raw, sizeof item->raw);
        rs_buffer_format(out, " %u %s %u:", item->reasons,
                         item->reason == NULL ? "-" : item->reason, item->n_causes);
        for (uint32_t c = 0; c < item->n_causes; c++)
            rs_buffer_add(out, &item->causes[c].number, sizeof item->causes[c].number);
    }
    for (uint32_t i = 0; i < reply->n_ignored; i++)
        rs_buffer_format(out, " %u %u %s", reply->ignored[i].kind, reply->ignored[i].index,
                         reply->ignored[i].text == NULL ? "-" : reply->ignored[i].text);
    CHECK_EQ(out->status, RECSYS_OK);
}

static void write_failure(struct rs_buffer *out, recsys_status status, const recsys_error *err)
{
    rs_buffer_format(out, "failed: %d %s", status, err->message);
}

static void make_request(size_t r, const struct bundle *bundle, uint64_t *random)
{
    static const char *const genres[] = {"Drama", "Comedy", "Nothing"}, *const languages[] = {"en"};
    recsys_request *request = &requests[r];

    *request = (recsys_request)RECSYS_REQUEST_INIT;
    request->user.number = (uint64_t)bundle->user_numbers[bundle_random(random, N_USERS)];
    request->k = (uint32_t)(1 + bundle_random(random, 50));
    request->flags = r % 3 == 0 ? RECSYS_REQUEST_REASONS : 0;
    for (size_t i = 0; i < 20; i++)
        lists[r][i] = (recsys_id)RECSYS_ID_NUMBER(
            (uint64_t)bundle->item_numbers[bundle_random(random, N_ITEMS)]);
    switch (r % 12) {
    case 1:
        request->genres = genres;
        request->n_genres = 3;
        break;
    case 2:
        request->exclude = lists[r];
        request->n_exclude = 20;
        break;
    case 3:
        request->liked = lists[r];
        request->n_liked = 5;
        break;
    case 4:
        request->flags |= RECSYS_REQUEST_ALLOW | RECSYS_REQUEST_INCLUDE_ADULT;
        request->allow = lists[r];
        request->n_allow = 20;
        break;
    case 5:
        request->flags |= RECSYS_REQUEST_ANONYMOUS; /* by popularity */
        break;
    case 6:
        request->min_rating = 5.0f;
        request->decade = 1990;
        break;
    case 7:
        request->languages = languages;
        request->n_languages = 1;
        break;
    case 8:
        request->min_rating = 11.0f; /* cannot be answered */
        break;
    case 9:
        request->flags = 1u << 30; /* newer than this library */
        break;
    default:
        break;
    }
}

/* The answers that requests get alone. */
static void expect(size_t m)
{
    recsys_recommender *recommender;
    recsys_error err;

    CHECK_OK(recsys_recommender_create(NULL, &recommender, &err), &err);
    for (size_t r = 0; r < N_REQUESTS; r++) {
        recsys_reply reply = RECSYS_REPLY_INIT;
        recsys_status status =
            recsys_recommend(recommender, models[m], &requests[r], 1, &reply, &err);
        rs_buffer_init(&expected[m][r], 1u << 20);
        if (status == RECSYS_OK)
            write_reply(&expected[m][r], &reply);
        else
            write_failure(&expected[m][r], status, &err);
    }
    recsys_recommender_destroy(recommender);
}

struct asked {
    struct rs_buffer got;
    int wants_none; /* cancelled from the beginning */
};

static recsys_status take_reply(const recsys_reply *reply, const recsys_batch *batch,
                                void *user_data, recsys_error *err)
{
    struct asked *asked = user_data;

    (void)err;
    CHECK(batch->struct_size >= RECSYS_BATCH_SIZE_V1 && batch->place < batch->n_requests);
    atomic_fetch_add_explicit(&n_joint, batch->n_requests > 1, memory_order_relaxed);
    write_reply(&asked->got, reply);
    return RECSYS_OK;
}

static int32_t is_cancelled(void *user_data)
{
    const struct asked *asked = user_data;

    return asked->wants_none;
}

static size_t model_number(const recsys_model *model)
{
    return model == models[0] ? 0 : 1;
}

static void ask_once(struct asked *asked, uint64_t *random)
{
    size_t r = (size_t)bundle_random(random, N_REQUESTS);
    recsys_batcher_call call = RECSYS_BATCHER_CALL_INIT;
    recsys_model *model = recsys_slot_acquire(slot);
    const struct rs_buffer *want = &expected[model_number(model)][r];
    recsys_error err = {0};

    asked->wants_none = bundle_random(random, 16) == 0;
    call.timeout_ms = bundle_random(random, 16) == 0 ? 1 : 0;
    call.reply = take_reply;
    call.cancelled = is_cancelled;
    call.user_data = asked;
    rs_buffer_clear(&asked->got);
    recsys_status status = recsys_batcher_recommend(batcher, model, &requests[r], &call, &err);
    recsys_model_unref(model);
    CHECK(status == RECSYS_OK || err.status == status);
    if (status == RECSYS_E_TIMEOUT && call.timeout_ms > 0) {
        atomic_fetch_add_explicit(&n_late, 1, memory_order_relaxed);
    } else if (status == RECSYS_E_STOPPED && asked->wants_none) {
        atomic_fetch_add_explicit(&n_cancelled, 1, memory_order_relaxed);
    } else if (status == RECSYS_E_EXHAUSTED) {
        atomic_fetch_add_explicit(&n_refused, 1, memory_order_relaxed);
    } else {
        if (status != RECSYS_OK)
            write_failure(&asked->got, status, &err);
        CHECK_EQ(asked->got.size, want->size);
        CHECK(memcmp(asked->got.bytes, want->bytes, want->size) == 0);
        atomic_fetch_add_explicit(&n_answers, 1, memory_order_relaxed);
    }
}

static void *ask(void *argument)
{
    uint64_t random = SEED + (uint64_t)(uintptr_t)argument;
    const char *long_run = getenv("RECSYS_LONG");
    int rounds = long_run != NULL && *long_run == '1' ? 20000 : 500;
    struct asked asked = {RS_BUFFER_INIT(1u << 20), 0};

    for (int i = 0; i < rounds; i++)
        ask_once(&asked, &random);
    rs_buffer_destroy(&asked.got);
    return NULL;
}

static void *swap(void *argument)
{
    recsys_error err;

    (void)argument;
    for (size_t i = 1; !atomic_load(&is_over); i++) {
        CHECK_OK(recsys_slot_swap(slot, models[i % N_MODELS], &err), &err);
        sched_yield();
    }
    return NULL;
}

static void make_models(void)
{
    uint64_t random = SEED;
    char path[PATH_MAX];
    recsys_error err;

    for (size_t m = 0; m < N_MODELS; m++) {
        struct bundle bundle;
        snprintf(path, sizeof path, "%s/%zu", scratch, m);
        bundle_write(&bundle, path, N_USERS, N_ITEMS, D, SEED + m,
                     BUNDLE_BIAS | BUNDLE_SEEN | BUNDLE_CATALOG);
        CHECK_OK(recsys_model_load(path, NULL, &models[m], &err), &err);
        for (size_t r = 0; m == 0 && r < N_REQUESTS; r++)
            make_request(r, &bundle, &random);
        expect(m);
        bundle_free(&bundle);
    }
}

static void run(uint32_t n_scans, uint32_t n_scan_threads)
{
    recsys_batcher_options options = RECSYS_BATCHER_OPTIONS_INIT;
    pthread_t threads[N_THREADS], swapper;
    recsys_error err;

    options.n_scans = n_scans;
    options.n_threads = n_scan_threads;
    options.max_batch = 6;
    options.max_waiting = MAX_WAITING;
    CHECK_OK(recsys_batcher_create(&options, &batcher, &err), &err);
    CHECK_EQ(pthread_create(&swapper, NULL, swap, NULL), 0);
    for (size_t t = 0; t < N_THREADS; t++)
        CHECK_EQ(pthread_create(&threads[t], NULL, ask, (void *)(uintptr_t)(t + 1)), 0);
    for (size_t t = 0; t < N_THREADS; t++)
        CHECK_EQ(pthread_join(threads[t], NULL), 0);
    atomic_store(&is_over, 1);
    CHECK_EQ(pthread_join(swapper, NULL), 0);
    atomic_store(&is_over, 0);
    recsys_batcher_destroy(batcher);
}

int main(void)
{
    recsys_error err;

    printf("seed %u\n", SEED);
    scratch = bundle_make_directory();
    make_models();
    CHECK_OK(recsys_slot_create(&slot, &err), &err);
    CHECK_OK(recsys_slot_swap(slot, models[0], &err), &err);
    run(1, 1);
    run(2, 1);
    run(1, 2);
    printf("%lu answers, %lu of them joint; %lu cancelled, %lu late, %lu refused\n",
           atomic_load(&n_answers), atomic_load(&n_joint), atomic_load(&n_cancelled),
           atomic_load(&n_late), atomic_load(&n_refused));
    CHECK(atomic_load(&n_answers) > 0 && atomic_load(&n_joint) > 0);
    recsys_slot_destroy(slot);
    for (size_t m = 0; m < N_MODELS; m++) {
        recsys_model_unref(models[m]);
        for (size_t r = 0; r < N_REQUESTS; r++)
            rs_buffer_destroy(&expected[m][r]);
    }
    bundle_remove_directory(scratch);
    free(scratch);
    return 0;
}
