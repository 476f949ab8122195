/* tests/abi/grown_program.c - hands every sized struct to every function that takes or fills one.
 *
 * Runs four times (abi.cmake): compiled with the headers as they are and with
 * grow_headers.py's, in which every sized struct has new fields at its end, each
 * with the library as it is and with one compiled against those headers. So it
 * is an older program on a newer library, a newer program on an older library,
 * and twice a program on its own library.
 *
 * Behind every struct lie bytes that are nobody's: a library that writes or
 * reads by its own sizeof is found out, by these and by the sanitizers. Inputs:
 * what is not set is accepted; a new field is used by the newer library and
 * E_UNSUPPORTED by the older one; sizes that were never right are E_INVALID.
 * Outputs: struct_size says how much was filled, and the rest is zero.
 *
 * The program of a release is kept with its headers (headers-0.N/program.c), so
 * it uses nothing of the library but public functions, and it is one file because
 * it is copied as one.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/recsys.h"
#ifdef WITH_REDIS
#include "recsys/redis.h"
#endif
#ifdef WITH_POSTGRES
#include "recsys/mlflow.h"
#include "recsys/postgres.h"
#endif
#include "tests/support/bundle.h"

#define FILL 0xC5
#define N_BEHIND 256

static int n_bad, n_structs;
static recsys_error err;
static recsys_model *model;
static recsys_store *store;
static char *root, bundle[PATH_MAX];

static void bad(const char *what, const char *why, recsys_status status)
{
    fprintf(stderr, "%s: %s: %s (%s)\n", what, why, recsys_status_name(status), err.message);
    n_bad++;
}

static void expect(const char *what, const char *why, recsys_status got, recsys_status want)
{
    if (got != want)
        bad(what, why, got);
    err.message[0] = '\0';
}

static int is_filled(const unsigned char *bytes, size_t size, unsigned char with)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != with)
            return 0;
    return 1;
}

typedef recsys_status (*use_function)(void *sized);

/* A struct in memory that ends where nobody may read or write. */
static unsigned char *in_memory(const void *initial, size_t size)
{
    unsigned char *memory = malloc(size + N_BEHIND);

    if (memory == NULL)
        abort();
    memcpy(memory, initial, size);
    memset(memory + size, FILL, N_BEHIND);
    return memory;
}

static void set_size(unsigned char *sized, size_t size)
{
    uint32_t number = (uint32_t)size;

    memcpy(sized, &number, sizeof number);
}

static size_t get_size(const unsigned char *sized)
{
    uint32_t number;

    memcpy(&number, sized, sizeof number);
    return number;
}

/* `new_field` is the offset of the first grown field; 0 = these are not the grown headers. */
static void try_input(const char *what, const void *initial, size_t size, size_t size_v1,
                      size_t new_field, use_function use)
{
    unsigned char *sized = in_memory(initial, size), *exact;

    n_structs++;
    expect(what, "as its _INIT macro makes it", use(sized), RECSYS_OK);
    if (new_field != 0) {
        const size_t places[] = {new_field, size - 1};
#ifdef LIBRARY_IS_OLDER
        const recsys_status want = RECSYS_E_UNSUPPORTED;
#else
        const recsys_status want = RECSYS_OK;
#endif
        for (size_t i = 0; i < 2; i++) {
            sized[places[i]] = 1;
            expect(what, "with a field of a later version set", use(sized), want);
            sized[places[i]] = 0;
        }
    }
    set_size(sized, size_v1 - 1);
    expect(what, "smaller than version 1", use(sized), RECSYS_E_INVALID);
    set_size(sized, 0);
    expect(what, "without a size", use(sized), RECSYS_E_INVALID);
    set_size(sized, UINT32_MAX);
    expect(what, "of a size that was never set", use(sized), RECSYS_E_INVALID);
    if (!is_filled(sized + size, N_BEHIND, FILL))
        bad(what, "wrote behind the caller's struct", RECSYS_OK);
    free(sized);
    exact = malloc(size_v1); /* the sanitizer sees a reader that goes beyond */
    if (exact == NULL)
        abort();
    memcpy(exact, initial, size_v1);
    set_size(exact, size_v1);
    expect(what, "of version 1", use(exact), RECSYS_OK);
    free(exact);
}

static void try_output(const char *what, size_t size, size_t size_v1, size_t new_field,
                       use_function use)
{
    const unsigned char nothing = 0;
    unsigned char *sized = in_memory(&nothing, 1);

    n_structs++;
    free(sized);
    sized = malloc(size + N_BEHIND);
    if (sized == NULL)
        abort();
    memset(sized, FILL, size + N_BEHIND);
    set_size(sized, size);
    expect(what, "filled", use(sized), RECSYS_OK);
    size_t filled = get_size(sized);
#ifdef LIBRARY_IS_OLDER
    if (filled > new_field || filled < size_v1)
        bad(what, "struct_size is not how much an older library has filled", RECSYS_OK);
#else
    (void)new_field;
    if (filled != size)
        bad(what, "struct_size is not how much was filled", RECSYS_OK);
#endif
    if (filled <= size && !is_filled(sized + filled, size - filled, 0))
        bad(what, "the tail that the library does not know is not zero", RECSYS_OK);
    if (!is_filled(sized + size, N_BEHIND, FILL))
        bad(what, "wrote behind the caller's struct", RECSYS_OK);

    memset(sized, FILL, size + N_BEHIND);
    set_size(sized, size_v1);
    expect(what, "filled, of version 1", use(sized), RECSYS_OK);
    if (get_size(sized) != size_v1 || !is_filled(sized + size_v1, size + N_BEHIND - size_v1, FILL))
        bad(what, "more was filled than version 1 has", RECSYS_OK);

    memset(sized, FILL, size + N_BEHIND);
    set_size(sized, size_v1 - 1);
    expect(what, "smaller than version 1", use(sized), RECSYS_E_INVALID);
    set_size(sized, UINT32_MAX);
    expect(what, "of a size that was never set", use(sized), RECSYS_E_INVALID);
    if (!is_filled(sized + 4, size + N_BEHIND - 4, FILL))
        bad(what, "wrote into a struct of unknown size", RECSYS_OK);
    free(sized);
}

#ifdef GROWN
#define NEW_FIELD(type) offsetof(type, grown_number)
#else
#define NEW_FIELD(type) 0
#endif

/* A struct that only its _INIT macro fills, and the function that uses it. */
#define INPUT(type, NAME, use)                                                                     \
    do {                                                                                           \
        const type initial_ = NAME##_INIT;                                                         \
        try_input(#type " of " #use, &initial_, sizeof(type), NAME##_SIZE_V1, NEW_FIELD(type),     \
                  use);                                                                            \
    } while (0)
#define OUTPUT(type, NAME, use)                                                                    \
    try_output(#type " of " #use, sizeof(type), NAME##_SIZE_V1, NEW_FIELD(type), use)

/* -- core -- */

static void *allocate(size_t size, void *user_data)
{
    (void)user_data;
    return malloc(size);
}

static void *resize(void *memory, size_t size, void *user_data)
{
    (void)user_data;
    return realloc(memory, size);
}

static void release(void *memory, void *user_data)
{
    (void)user_data;
    free(memory);
}

static recsys_status set_allocator(void *sized)
{
    recsys_allocator *allocator = sized;

    allocator->allocate = allocate;
    allocator->resize = resize;
    allocator->release = release;
    return recsys_alloc_set(allocator, &err);
}

static recsys_status load_model(void *sized)
{
    recsys_model *loaded = NULL;
    recsys_status status = recsys_model_load(bundle, sized, &loaded, &err);

    recsys_model_unref(loaded);
    return status;
}

static unsigned char *weights; /* model.safetensors of the bundle */
static size_t weights_size;

static void fill_file(recsys_model_file *file)
{
    file->name = "model.safetensors";
    file->data = weights;
    file->size = weights_size;
}

static recsys_status load_file(void *sized)
{
    recsys_model *loaded = NULL;

    fill_file(sized);
    recsys_status status = recsys_model_load_files(sized, 1, NULL, &loaded, &err);
    recsys_model_unref(loaded);
    return status;
}

static recsys_status load_file_with(void *sized)
{
    recsys_model_file file = RECSYS_MODEL_FILE_INIT;
    recsys_model *loaded = NULL;

    fill_file(&file);
    recsys_status status = recsys_model_load_files(&file, 1, sized, &loaded, &err);
    recsys_model_unref(loaded);
    return status;
}

/* An array of structs goes on by the caller's sizeof, not by the library's. */
static void try_many_files(void)
{
    static const char *const names[] = {"recsys.json", "catalog.jsonl", "seen.safetensors",
                                        "model.safetensors"};
    const recsys_model_file plain = RECSYS_MODEL_FILE_INIT;
    recsys_model_file files[4];
    unsigned char *bytes[4];
    size_t size;
    recsys_model *loaded = NULL;

    for (size_t i = 0; i < 4; i++) {
        files[i] = plain;
        files[i].name = names[i];
        files[i].data = bytes[i] = bundle_read_file(bundle, names[i], &size);
        files[i].size = size;
    }
    expect("recsys_model_load_files", "four files",
           recsys_model_load_files(files, 4, NULL, &loaded, &err), RECSYS_OK);
    recsys_model_unref(loaded);
    for (size_t i = 0; i < 4; i++)
        free(bytes[i]);
}

static recsys_status get_model_info(void *sized)
{
    return recsys_model_get_info(model, sized, &err);
}

static recsys_status get_item(void *sized)
{
    recsys_id id;
    size_t n = 0;
    recsys_status status = recsys_model_get_item_ids(model, 0, &id, 1, &n, &err);

    return status != RECSYS_OK ? status : recsys_catalog_get(model, id, sized, &err);
}

static recsys_status create_filter(void *sized)
{
    recsys_filter *filter = NULL;
    recsys_status status = recsys_filter_create(model, sized, &filter, &err);

    recsys_filter_unref(filter);
    return status;
}

static recsys_status create_recommender(void *sized)
{
    recsys_recommender *recommender = NULL;
    recsys_status status = recsys_recommender_create(sized, &recommender, &err);

    recsys_recommender_destroy(recommender);
    return status;
}

static recsys_status create_scorer(void *sized)
{
    recsys_scorer *scorer = NULL;
    recsys_status status = recsys_scorer_create(sized, &scorer, &err);

    recsys_scorer_destroy(scorer);
    return status;
}

static recsys_status get_blas_info(void *sized)
{
    return recsys_blas_get_info(sized, &err);
}

static recsys_status recommend(void *sized)
{
    recsys_recommender *recommender = NULL;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_status status = recsys_recommender_create(NULL, &recommender, &err);

    if (status == RECSYS_OK)
        status = recsys_recommend(recommender, model, sized, 1, &reply, &err);
    recsys_recommender_destroy(recommender);
    return status;
}

static recsys_status recommend_similar(void *sized)
{
    recsys_recommender *recommender = NULL;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_id id;
    size_t n = 0;
    recsys_status status = recsys_model_get_item_ids(model, 0, &id, 1, &n, &err);

    if (status == RECSYS_OK)
        status = recsys_recommender_create(NULL, &recommender, &err);
    if (status == RECSYS_OK)
        status = recsys_recommend_similar(recommender, model, id, sized, &reply, &err);
    recsys_recommender_destroy(recommender);
    return status;
}

static recsys_status create_batcher(void *sized)
{
    recsys_batcher *batcher = NULL;
    recsys_status status = recsys_batcher_create(sized, &batcher, &err);

    recsys_batcher_destroy(batcher);
    return status;
}

/* The reply is the library's, so it has the library's size. */
static recsys_status take_reply(const recsys_reply *reply, const recsys_batch *batch,
                                void *user_data, recsys_error *said)
{
    const recsys_batch known = RECSYS_BATCH_INIT;

    (void)user_data;
    (void)said;
    if (batch->struct_size < RECSYS_BATCH_SIZE_V1 || batch->n_requests != 1)
        bad("recsys_batch", "is not filled", RECSYS_OK);
#ifdef LIBRARY_IS_OLDER
    if (batch->struct_size >= known.struct_size)
        bad("recsys_batch", "struct_size says more than there is", RECSYS_OK);
#else
    if (batch->struct_size < known.struct_size)
        bad("recsys_batch", "struct_size says less than there is", RECSYS_OK);
#endif
    return reply->status;
}

static recsys_status call_batcher(void *sized)
{
    const recsys_request plain = RECSYS_REQUEST_INIT;
    recsys_request request = plain;
    recsys_batcher *batcher = NULL;
    recsys_status status = recsys_batcher_create(NULL, &batcher, &err);

    request.flags = RECSYS_REQUEST_ANONYMOUS;
    if (status == RECSYS_OK)
        status = recsys_batcher_recommend(batcher, model, &request, sized, &err);
    recsys_batcher_destroy(batcher);
    return status;
}

static void try_batcher(void)
{
    recsys_batcher_call call = RECSYS_BATCHER_CALL_INIT;

    call.reply = take_reply;
    try_input("recsys_batcher_call of recsys_batcher_recommend", &call, sizeof call,
              RECSYS_BATCHER_CALL_SIZE_V1, NEW_FIELD(recsys_batcher_call), call_batcher);
    INPUT(recsys_batcher_options, RECSYS_BATCHER_OPTIONS, create_batcher);
}

/* As in try_many_files(). Replies lie as far apart as the caller's are, and their
 * items as far apart as the library's. */
static void try_many_requests(void)
{
    const recsys_request plain = RECSYS_REQUEST_INIT;
    const recsys_reply empty = RECSYS_REPLY_INIT;
    recsys_request requests[3];
    recsys_reply replies[4];
    recsys_recommender *recommender = NULL;

    memset(replies, FILL, sizeof replies);
    replies[0] = empty;
    for (uint32_t i = 0; i < 3; i++) {
        requests[i] = plain;
        requests[i].flags = RECSYS_REQUEST_ANONYMOUS;
        requests[i].k = i + 2;
    }
    expect("recsys_recommender_create", "NULL options",
           recsys_recommender_create(NULL, &recommender, &err), RECSYS_OK);
    n_structs++;
    recsys_status status = recsys_recommend(recommender, model, requests, 3, replies, &err);
    expect("recsys_recommend", "three requests", status, RECSYS_OK);
    for (uint32_t i = 0; i < 3 && status == RECSYS_OK; i++) {
        const recsys_recommendation *last = recsys_reply_get_item(&replies[i], i + 1);
        if (replies[i].status != RECSYS_OK || replies[i].count != i + 2)
            bad("recsys_recommend", "an array was taken for one of other structs", RECSYS_OK);
        if (last == NULL || !(last->score > 0.0f && last->score <= 1.0f) ||
            last->item.text != NULL || recsys_reply_get_item(&replies[i], i + 2) != NULL)
            bad("recsys_recommend", "items are not where the reply says", RECSYS_OK);
#ifdef GROWN
        if (replies[i].grown_number != 0 || replies[i].grown_pointer != NULL ||
            replies[i].grown_text[sizeof replies[i].grown_text - 1] != 0)
            bad("recsys_recommend", "the tail that the library does not know is not zero",
                RECSYS_OK);
#endif
    }
    if (!is_filled((unsigned char *)&replies[3], sizeof replies[3], FILL))
        bad("recsys_recommend", "wrote behind the caller's replies", RECSYS_OK);
    replies[0].struct_size = RECSYS_REPLY_SIZE_V1 - 1;
    expect("recsys_recommend", "replies smaller than version 1",
           recsys_recommend(recommender, model, requests, 1, replies, &err), RECSYS_E_INVALID);
    recsys_recommender_destroy(recommender);
}

static recsys_registry *registry;
static recsys_deployment *deployment;

static recsys_status publish(void *sized)
{
    return recsys_registry_publish(registry, bundle, "m", sized, &err);
}

static recsys_status resolve(void *sized)
{
    return recsys_registry_resolve(registry, "models:/m/latest", sized, &err);
}

static int32_t look_at_entry(const recsys_registry_entry *entry, void *user_data)
{
    const recsys_registry_entry known = RECSYS_REGISTRY_ENTRY_INIT;

    (void)user_data;
    if (entry->struct_size < RECSYS_REGISTRY_ENTRY_SIZE_V1 || strcmp(entry->name, "m") != 0)
        bad("recsys_registry_entry", "is not filled", RECSYS_OK);
#ifdef LIBRARY_IS_OLDER
    if (entry->struct_size >= known.struct_size)
        bad("recsys_registry_entry", "struct_size says more than there is", RECSYS_OK);
#else
    if (entry->struct_size < known.struct_size)
        bad("recsys_registry_entry", "struct_size says less than there is", RECSYS_OK);
#endif
    return 0;
}

static recsys_status find(void *sized)
{
    return recsys_registry_find(registry, "models:/m/latest", sized, &err);
}

static recsys_status describe(void *sized)
{
    recsys_registry_location *location = sized;
    recsys_value text;

    snprintf(location->name, sizeof location->name, "m");
    snprintf(location->version, sizeof location->version, "1");
    recsys_status status = recsys_registry_describe(registry, location, &text, &err);
    recsys_value_release(&text);
    return status;
}

static recsys_status get_registry_status(void *sized)
{
    return recsys_registry_get_status(registry, sized, &err);
}

static void registry_destroy(void *self)
{
    (void)self;
}

static recsys_status registry_find(void *self, const recsys_registry_question *question,
                                   recsys_registry_location *out, recsys_error *error)
{
    const recsys_registry_question known = RECSYS_REGISTRY_QUESTION_INIT;

    (void)self, (void)out;
    if (question->struct_size < RECSYS_REGISTRY_QUESTION_SIZE_V1 ||
        strcmp(question->name, "m") != 0)
        bad("recsys_registry_question", "is not filled", RECSYS_OK);
#ifdef LIBRARY_IS_OLDER
    if (question->struct_size >= known.struct_size)
        bad("recsys_registry_question", "struct_size says more than there is", RECSYS_OK);
#else
    if (question->struct_size < known.struct_size)
        bad("recsys_registry_question", "struct_size says less than there is", RECSYS_OK);
#endif
    return recsys_error_set(error, RECSYS_E_NOT_FOUND, NULL);
}

static recsys_status registry_list(void *self, const char *name, recsys_registry_callback callback,
                                   void *user_data, recsys_error *error)
{
    (void)self, (void)name, (void)callback, (void)user_data, (void)error;
    return RECSYS_OK;
}

static recsys_status create_registry(void *sized)
{
    recsys_registry_driver *driver = sized;
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_registry *made = NULL;

    driver->destroy = registry_destroy;
    driver->find = registry_find;
    driver->list = registry_list;
    recsys_status status = recsys_registry_create("own", driver, NULL, &made, &err);
    if (status == RECSYS_OK)
        expect("recsys_registry_find", "", recsys_registry_find(made, "models:/m/1", &found, &err),
               RECSYS_E_NOT_FOUND);
    recsys_registry_unref(made);
    return status;
}

static int32_t look_at_event(const recsys_deployment_event *event, void *user_data)
{
    const recsys_deployment_event known = RECSYS_DEPLOYMENT_EVENT_INIT;

    (void)user_data;
    if (event->struct_size < RECSYS_DEPLOYMENT_EVENT_SIZE_V1 || strcmp(event->step, "reload") != 0)
        bad("recsys_deployment_event", "is not filled", RECSYS_OK);
#ifdef LIBRARY_IS_OLDER
    if (event->struct_size >= known.struct_size)
        bad("recsys_deployment_event", "struct_size says more than there is", RECSYS_OK);
#else
    if (event->struct_size < known.struct_size)
        bad("recsys_deployment_event", "struct_size says less than there is", RECSYS_OK);
#endif
    return 0;
}

static recsys_status create_deployment(void *sized)
{
    recsys_deployment *made = NULL;
    recsys_status status = recsys_deployment_create(bundle, sized, &made, &err);

    recsys_deployment_destroy(made);
    return status;
}

/* Options inside of options. */
static recsys_status create_deployment_with(void *sized)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;

    options.model_options = sized;
    return create_deployment(&options);
}

static recsys_status compare_with(void *sized)
{
    recsys_comparison found = RECSYS_COMPARISON_INIT;

    return recsys_model_compare(model, model, sized, &found, &err);
}

static recsys_status agree_into(void *sized)
{
    const recsys_id ids[2] = {{NULL, 1u}, {NULL, 2u}};

    return recsys_ranking_compare(ids, 2, ids, 2, sized, &err);
}

static recsys_status compare_into(void *sized)
{
    return recsys_model_compare(model, model, NULL, sized, &err);
}

static recsys_status get_deployment_status(void *sized)
{
    return recsys_deployment_get_status(deployment, sized, &err);
}

static void try_core(void)
{
    INPUT(recsys_model_options, RECSYS_MODEL_OPTIONS, load_model);
    weights = bundle_read_file(bundle, "model.safetensors", &weights_size);
    INPUT(recsys_model_file, RECSYS_MODEL_FILE, load_file);
    INPUT(recsys_model_options, RECSYS_MODEL_OPTIONS, load_file_with);
    free(weights);
    try_many_files();
    OUTPUT(recsys_model_info, RECSYS_MODEL_INFO, get_model_info);
    OUTPUT(recsys_item, RECSYS_ITEM, get_item);
    INPUT(recsys_filter_options, RECSYS_FILTER_OPTIONS, create_filter);
    INPUT(recsys_scorer_options, RECSYS_SCORER_OPTIONS, create_recommender);
    INPUT(recsys_scorer_options, RECSYS_SCORER_OPTIONS, create_scorer);
    try_batcher();
    OUTPUT(recsys_blas_info, RECSYS_BLAS_INFO, get_blas_info);
    INPUT(recsys_request, RECSYS_REQUEST, recommend);
    INPUT(recsys_request, RECSYS_REQUEST, recommend_similar);
    try_many_requests();

    expect("recsys_registry_open", root, recsys_registry_open(root, &registry, &err), RECSYS_OK);
    OUTPUT(recsys_registry_location, RECSYS_REGISTRY_LOCATION, publish);
    OUTPUT(recsys_registry_location, RECSYS_REGISTRY_LOCATION, resolve);
    OUTPUT(recsys_registry_location, RECSYS_REGISTRY_LOCATION, find);
    INPUT(recsys_registry_location, RECSYS_REGISTRY_LOCATION, describe);
    OUTPUT(recsys_registry_status, RECSYS_REGISTRY_STATUS, get_registry_status);
    INPUT(recsys_registry_driver, RECSYS_REGISTRY_DRIVER, create_registry);
    expect("recsys_registry_list", "",
           recsys_registry_list(registry, NULL, look_at_entry, NULL, &err), RECSYS_OK);
    recsys_registry_unref(registry);

    INPUT(recsys_comparison_options, RECSYS_COMPARISON_OPTIONS, compare_with);
    OUTPUT(recsys_comparison, RECSYS_COMPARISON, compare_into);
    OUTPUT(recsys_agreement, RECSYS_AGREEMENT, agree_into);
    INPUT(recsys_deployment_options, RECSYS_DEPLOYMENT_OPTIONS, create_deployment);
    INPUT(recsys_model_options, RECSYS_MODEL_OPTIONS, create_deployment_with);
    expect("recsys_deployment_create", bundle,
           recsys_deployment_create(bundle, NULL, &deployment, &err), RECSYS_OK);
    expect("recsys_deployment_reload", bundle, recsys_deployment_reload(deployment, NULL, &err),
           RECSYS_OK);
    OUTPUT(recsys_deployment_status, RECSYS_DEPLOYMENT_STATUS, get_deployment_status);
    expect("recsys_deployment_list", bundle,
           recsys_deployment_list(deployment, look_at_event, NULL, &err), RECSYS_OK);
    recsys_deployment_destroy(deployment);
}

/* -- cache -- */

static recsys_cache *cache;
static recsys_aside *aside;

static recsys_status create_cache(void *sized)
{
    recsys_cache *made = NULL;
    recsys_status status = recsys_cache_create(sized, &made, &err);

    recsys_cache_destroy(made);
    return status;
}

static recsys_status create_store_memory(void *sized)
{
    recsys_store *made = NULL;
    recsys_status status = recsys_store_create_memory("m", sized, &made, &err);

    recsys_store_unref(made);
    return status;
}

static recsys_status get_cache_stats(void *sized)
{
    return recsys_cache_get_stats(cache, sized, &err);
}

static recsys_status get_store_stats(void *sized)
{
    return recsys_store_get_stats(store, sized, &err);
}

static recsys_status create_aside(void *sized)
{
    recsys_aside *made = NULL;
    recsys_status status = recsys_aside_create(store, sized, &made, &err);

    recsys_aside_destroy(made);
    return status;
}

static recsys_status get_aside_stats(void *sized)
{
    return recsys_aside_get_stats(aside, sized, &err);
}

/* A driver of which nothing is called but destroy. */
static recsys_status driver_get(void *self, const recsys_bytes *keys, size_t n,
                                recsys_value *values, uint64_t *life, recsys_error *error)
{
    (void)self, (void)keys, (void)n, (void)values, (void)life, (void)error;
    return RECSYS_E_IO;
}

static recsys_status driver_set(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                                uint32_t when, recsys_error *error)
{
    (void)self, (void)key, (void)value, (void)ttl_ms, (void)when, (void)error;
    return RECSYS_E_IO;
}

static recsys_status driver_remove(void *self, const recsys_bytes *keys, size_t n,
                                   uint64_t *n_removed, recsys_error *error)
{
    (void)self, (void)keys, (void)n, (void)n_removed, (void)error;
    return RECSYS_E_IO;
}

static recsys_status driver_get_or_set(void *self, recsys_bytes key, recsys_bytes value,
                                       uint64_t ttl_ms, recsys_value *present, uint64_t *life,
                                       recsys_error *error)
{
    (void)self, (void)key, (void)value, (void)ttl_ms, (void)present, (void)life, (void)error;
    return RECSYS_E_IO;
}

static recsys_status driver_replace(void *self, recsys_bytes key, recsys_bytes prefix,
                                    recsys_bytes value, uint64_t ttl_ms, recsys_error *error)
{
    (void)self, (void)key, (void)prefix, (void)value, (void)ttl_ms, (void)error;
    return RECSYS_E_IO;
}

static recsys_status driver_scan(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                                 recsys_key_callback callback, void *user_data, recsys_error *error)
{
    (void)self, (void)parts, (void)n, (void)cursor, (void)callback, (void)user_data, (void)error;
    return RECSYS_E_IO;
}

static recsys_status driver_ping(void *self, recsys_error *error)
{
    (void)self, (void)error;
    return RECSYS_E_IO;
}

static void driver_destroy(void *self)
{
    (void)self;
}

static void fill_driver(recsys_store_driver *driver)
{
    driver->get = driver_get;
    driver->set = driver_set;
    driver->remove = driver_remove;
    driver->get_or_set = driver_get_or_set;
    driver->replace = driver_replace;
    driver->scan = driver_scan;
    driver->ping = driver_ping;
    driver->destroy = driver_destroy;
}

static recsys_status create_store(void *sized)
{
    recsys_store *made = NULL;

    fill_driver(sized);
    recsys_status status = recsys_store_create("own", sized, NULL, NULL, &made, &err);
    recsys_store_unref(made);
    return status;
}

static recsys_status create_store_with(void *sized)
{
    recsys_store_driver driver = RECSYS_STORE_DRIVER_INIT;
    recsys_store *made = NULL;

    fill_driver(&driver);
    recsys_status status = recsys_store_create("own", &driver, NULL, sized, &made, &err);
    recsys_store_unref(made);
    return status;
}

static void try_cache(void)
{
    INPUT(recsys_cache_options, RECSYS_CACHE_OPTIONS, create_cache);
    INPUT(recsys_cache_options, RECSYS_CACHE_OPTIONS, create_store_memory);
    expect("recsys_cache_create", "NULL options", recsys_cache_create(NULL, &cache, &err),
           RECSYS_OK);
    OUTPUT(recsys_cache_stats, RECSYS_CACHE_STATS, get_cache_stats);
    recsys_cache_destroy(cache);

    INPUT(recsys_store_driver, RECSYS_STORE_DRIVER, create_store);
    INPUT(recsys_store_options, RECSYS_STORE_OPTIONS, create_store_with);
    OUTPUT(recsys_store_stats, RECSYS_STORE_STATS, get_store_stats);

    INPUT(recsys_aside_options, RECSYS_ASIDE_OPTIONS, create_aside);
    expect("recsys_aside_create", "NULL options", recsys_aside_create(store, NULL, &aside, &err),
           RECSYS_OK);
    OUTPUT(recsys_aside_stats, RECSYS_ASIDE_STATS, get_aside_stats);
    recsys_aside_destroy(aside);
}

/* -- domains and guards -- */

static recsys_source *source;
static recsys_domains *domains;
static recsys_denylist *denylist;

static recsys_status source_query(void *self, void *session, const char *statement,
                                  const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                                  recsys_rows *rows, recsys_error *error)
{
    (void)self, (void)session, (void)statement, (void)parameters, (void)n;
    (void)timeout_ms, (void)rows, (void)error;
    return RECSYS_OK; /* without rows: there is no outbox */
}

static recsys_status source_begin(void *self, uint32_t timeout_ms, void **session,
                                  recsys_error *error)
{
    (void)self, (void)timeout_ms, (void)session, (void)error;
    return RECSYS_E_IO;
}

static recsys_status source_end(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                                recsys_error *error)
{
    (void)self, (void)session, (void)commit, (void)timeout_ms, (void)error;
    return RECSYS_E_IO;
}

static recsys_status create_source(void *sized)
{
    recsys_source_driver *driver = sized;
    recsys_source *made = NULL;

    driver->query = source_query;
    driver->begin = source_begin;
    driver->end = source_end;
    driver->destroy = driver_destroy;
    recsys_status status = recsys_source_create("own", driver, NULL, &made, &err);
    recsys_source_unref(made);
    return status;
}

static recsys_status create_domains(void *sized)
{
    recsys_domains_options *options = sized;
    recsys_domains *made = NULL;

    options->source = source;
    recsys_status status = recsys_domains_create(options, &made, &err);
    recsys_domains_destroy(made);
    return status;
}

static recsys_status create_domains_with(void *sized)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;

    options.aside = sized;
    return create_domains(&options);
}

static recsys_status add_domain(void *sized)
{
    static char name[16], key[32];
    static unsigned number;
    recsys_domain_definition *definition = sized;

    snprintf(name, sizeof name, "own.d%u", number);
    snprintf(key, sizeof key, "own%u:{id}", number);
    definition->name = name;
    definition->db = 1;
    definition->shape = RECSYS_SHAPE_OBJECT;
    definition->ttl_s = 60;
    definition->key = key;
    definition->query = "SELECT 1 WHERE $1 = $1";
    recsys_status status = recsys_domains_add(domains, definition, &err);
    number += status == RECSYS_OK;
    return status;
}

static recsys_status warm_domains(void *sized)
{
    return recsys_domains_warm(domains, NULL, 1000, sized, &err);
}

static recsys_status sync_domains(void *sized)
{
    return recsys_domains_sync(domains, NULL, sized, &err);
}

static recsys_status create_denylist(void *sized)
{
    recsys_denylist *made = NULL;
    recsys_status status = recsys_denylist_create(store, NULL, sized, &made, &err);

    recsys_denylist_destroy(made);
    return status;
}

static recsys_status get_denylist_stats(void *sized)
{
    return recsys_denylist_get_stats(denylist, sized, &err);
}

static recsys_status check_token(void *sized)
{
    const recsys_bytes jti = {"t1", 2};

    return recsys_denylist_check(denylist, jti, sized, &err);
}

static recsys_limiter *limiter;

static recsys_status allow(void *sized)
{
    const recsys_bytes key = {"k", 1};

    return recsys_limiter_allow(limiter, key, 1, sized, &err);
}

static recsys_status create_limiter(void *sized)
{
    recsys_limiter *made = NULL;
    recsys_status status = recsys_limiter_create(store, sized, &made, &err);

    recsys_limiter_destroy(made);
    return status;
}

static void try_domains_and_guards(void)
{
    recsys_source_driver driver = RECSYS_SOURCE_DRIVER_INIT;
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;

    INPUT(recsys_source_driver, RECSYS_SOURCE_DRIVER, create_source);
    driver.query = source_query;
    driver.begin = source_begin;
    driver.end = source_end;
    driver.destroy = driver_destroy;
    expect("recsys_source_create", "", recsys_source_create("own", &driver, NULL, &source, &err),
           RECSYS_OK);

    INPUT(recsys_domains_options, RECSYS_DOMAINS_OPTIONS, create_domains);
    INPUT(recsys_aside_options, RECSYS_ASIDE_OPTIONS, create_domains_with);
    options.source = source;
    expect("recsys_domains_create", "", recsys_domains_create(&options, &domains, &err), RECSYS_OK);
    INPUT(recsys_domain_definition, RECSYS_DOMAIN_DEFINITION, add_domain);
    const recsys_domain_definition *listed = recsys_domains_list(domains, 0);
    if (listed == NULL || listed->struct_size < RECSYS_DOMAIN_DEFINITION_SIZE_V1)
        bad("recsys_domains_list", "a definition without a size", RECSYS_OK);
    OUTPUT(recsys_outbox, RECSYS_OUTBOX, sync_domains);
    OUTPUT(recsys_warming, RECSYS_WARMING, warm_domains);
    recsys_domains_destroy(domains);
    recsys_source_unref(source);

    INPUT(recsys_denylist_options, RECSYS_DENYLIST_OPTIONS, create_denylist);
    expect("recsys_denylist_create", "", recsys_denylist_create(store, NULL, NULL, &denylist, &err),
           RECSYS_OK);
    OUTPUT(recsys_denylist_stats, RECSYS_DENYLIST_STATS, get_denylist_stats);
    OUTPUT(recsys_denylist_verdict, RECSYS_DENYLIST_VERDICT, check_token);
    recsys_denylist_destroy(denylist);
    INPUT(recsys_limiter_options, RECSYS_LIMITER_OPTIONS, create_limiter);
    expect("recsys_limiter_create", "NULL options",
           recsys_limiter_create(NULL, NULL, &limiter, &err), RECSYS_OK);
    OUTPUT(recsys_limit, RECSYS_LIMIT, allow);
    recsys_limiter_destroy(limiter);
}

/* -- adapters -- */

#ifdef WITH_REDIS
static recsys_store *redis;

static recsys_status create_redis(void *sized)
{
    recsys_store *made = NULL;
    recsys_status status = recsys_redis_create("redis", sized, NULL, &made, &err);

    recsys_store_unref(made);
    return status;
}

static recsys_status create_redis_with(void *sized)
{
    recsys_store *made = NULL;
    recsys_status status = recsys_redis_create("redis", NULL, sized, &made, &err);

    recsys_store_unref(made);
    return status;
}

static recsys_status read_redis_url(void *sized)
{
    char room[256];

    return recsys_redis_read_url("redis://127.0.0.1:6379/1", room, sizeof room, sized, &err);
}

static recsys_status get_redis_stats(void *sized)
{
    return recsys_redis_get_stats(redis, sized, &err);
}

static void try_redis(void)
{
    INPUT(recsys_redis_options, RECSYS_REDIS_OPTIONS, create_redis);
    INPUT(recsys_store_options, RECSYS_STORE_OPTIONS, create_redis_with);
    INPUT(recsys_redis_options, RECSYS_REDIS_OPTIONS, read_redis_url); /* adds to what is there */
    expect("recsys_redis_create", "", recsys_redis_create("redis", NULL, NULL, &redis, &err),
           RECSYS_OK);
    OUTPUT(recsys_redis_stats, RECSYS_REDIS_STATS, get_redis_stats);
    recsys_store_unref(redis);
}
#endif

#ifdef WITH_POSTGRES
static recsys_source *postgres;

static recsys_status create_postgres(void *sized)
{
    recsys_source *made = NULL;
    recsys_status status = recsys_postgres_create("host=127.0.0.1 port=1", sized, &made, &err);

    recsys_source_unref(made);
    return status;
}

static recsys_status get_postgres_stats(void *sized)
{
    return recsys_postgres_get_stats(postgres, sized, &err);
}

static void try_postgres(void)
{
    INPUT(recsys_postgres_options, RECSYS_POSTGRES_OPTIONS, create_postgres);
    expect("recsys_postgres_create", "",
           recsys_postgres_create("host=127.0.0.1 port=1", NULL, &postgres, &err), RECSYS_OK);
    OUTPUT(recsys_postgres_stats, RECSYS_POSTGRES_STATS, get_postgres_stats);
    recsys_source_unref(postgres);
}
#endif

#ifdef WITH_MLFLOW
static recsys_registry *mlflow;

static recsys_status create_mlflow(void *sized)
{
    recsys_registry *made = NULL;
    recsys_mlflow_options *options = sized;

    options->cache = root;
    recsys_status status = recsys_mlflow_create("http://127.0.0.1:1", sized, &made, &err);
    recsys_registry_unref(made);
    return status;
}

static recsys_status get_mlflow_stats(void *sized)
{
    return recsys_mlflow_get_stats(mlflow, sized, &err);
}

static void try_mlflow(void)
{
    recsys_mlflow_options options = RECSYS_MLFLOW_OPTIONS_INIT;

    INPUT(recsys_mlflow_options, RECSYS_MLFLOW_OPTIONS, create_mlflow);
    options.cache = root;
    expect("recsys_mlflow_create", "",
           recsys_mlflow_create("http://127.0.0.1:1", &options, &mlflow, &err), RECSYS_OK);
    OUTPUT(recsys_mlflow_stats, RECSYS_MLFLOW_STATS, get_mlflow_stats);
    recsys_registry_unref(mlflow);
}
#endif

int main(void)
{
    struct bundle written;

    INPUT(recsys_allocator, RECSYS_ALLOCATOR, set_allocator); /* nothing is allocated yet */
    root = bundle_make_directory();
    snprintf(bundle, sizeof bundle, "%s/.bundle", root);
    bundle_write(&written, bundle, 20, 30, 8, 1, BUNDLE_CATALOG | BUNDLE_SEEN);
    bundle_free(&written);
    expect("recsys_model_load", bundle, recsys_model_load(bundle, NULL, &model, &err), RECSYS_OK);
    expect("recsys_store_create_memory", "NULL options",
           recsys_store_create_memory("m", NULL, &store, &err), RECSYS_OK);
    if (n_bad == 0) {
        try_core();
        try_cache();
        try_domains_and_guards();
#ifdef WITH_REDIS
        try_redis();
#endif
#ifdef WITH_POSTGRES
        try_postgres();
#endif
#ifdef WITH_MLFLOW
        try_mlflow();
#endif
    }
    recsys_store_unref(store);
    recsys_model_unref(model);
    bundle_remove_directory(root);
    free(root);
    printf("%d uses of sized structs, %d wrong\n", n_structs, n_bad);
    return n_bad != 0;
}
