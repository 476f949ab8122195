/* tests/abi/headers.c - the public headers as callers in C99 and C++ see them.
 *
 * compile_headers.py compiles this file (and each header alone) in every
 * language it must be clean in; run as a test, it checks that the _INIT
 * macros and the _init() functions fill in the same bytes. Therefore written
 * in what C99 and C++ have in common. */
#include <stdio.h>
#include <string.h>

#include "recsys/recsys.h"

typedef char error_is_512_bytes[sizeof(recsys_error) == 512 ? 1 : -1];
typedef char id_is_two_words[sizeof(recsys_id) == 2 * sizeof(void *) ? 1 : -1];
typedef char scored_is_24_bytes[sizeof(void *) != 8 || sizeof(recsys_scored) == 24 ? 1 : -1];
typedef char query_is_40_bytes[sizeof(void *) != 8 || sizeof(recsys_query) == 40 ? 1 : -1];
typedef char
    recommendation_is_40_bytes[sizeof(void *) != 8 || sizeof(recsys_recommendation) == 40 ? 1 : -1];
typedef char reply_is_32_bytes[sizeof(void *) != 8 || sizeof(recsys_reply) == 32 ? 1 : -1];
typedef char
    model_options_v1[sizeof(recsys_model_options) >= RECSYS_MODEL_OPTIONS_SIZE_V1 ? 1 : -1];
typedef char
    scorer_options_v1[sizeof(recsys_scorer_options) >= RECSYS_SCORER_OPTIONS_SIZE_V1 ? 1 : -1];

static int n_bad;

static void same(const char *what, const void *macro, const void *function, size_t size)
{
    if (memcmp(macro, function, size) != 0) {
        fprintf(stderr, "%s: the macro and the function differ\n", what);
        n_bad++;
    }
}

/* All zero but the size in front: what the other _init() functions promise. */
static void only_a_size(const char *what, const void *options, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)options;
    uint32_t first;

    memcpy(&first, bytes, sizeof first);
    if (first != size) {
        fprintf(stderr, "%s: struct_size is %u, want %u\n", what, (unsigned)first, (unsigned)size);
        n_bad++;
    }
    for (size_t i = sizeof first; i < size; i++)
        if (bytes[i] != 0) {
            fprintf(stderr, "%s: byte %u is not 0\n", what, (unsigned)i);
            n_bad++;
            return;
        }
}

static void check_macros(void)
{
    const recsys_model_options model = RECSYS_MODEL_OPTIONS_INIT;
    const recsys_scorer_options scorer = RECSYS_SCORER_OPTIONS_INIT;
    const recsys_cache_options cache = RECSYS_CACHE_OPTIONS_INIT;
    const recsys_deployment_options deployment = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    const recsys_store_options store = RECSYS_STORE_OPTIONS_INIT;
    const recsys_limiter_options limiter = RECSYS_LIMITER_OPTIONS_INIT;
    recsys_model_options model2;
    recsys_scorer_options scorer2;
    recsys_cache_options cache2;
    recsys_deployment_options deployment2;
    recsys_store_options store2;
    recsys_limiter_options limiter2;

    memset(&model2, 0xa5, sizeof model2);
    memset(&scorer2, 0xa5, sizeof scorer2);
    memset(&cache2, 0xa5, sizeof cache2);
    memset(&deployment2, 0xa5, sizeof deployment2);
    memset(&store2, 0xa5, sizeof store2);
    memset(&limiter2, 0xa5, sizeof limiter2);
    recsys_model_options_init(&model2);
    recsys_scorer_options_init(&scorer2);
    recsys_cache_options_init(&cache2);
    recsys_deployment_options_init(&deployment2);
    recsys_store_options_init(&store2);
    recsys_limiter_options_init(&limiter2);
    same("recsys_model_options", &model, &model2, sizeof model);
    same("recsys_scorer_options", &scorer, &scorer2, sizeof scorer);
    same("recsys_cache_options", &cache, &cache2, sizeof cache);
    same("recsys_deployment_options", &deployment, &deployment2, sizeof deployment);
    same("recsys_store_options", &store, &store2, sizeof store);
    same("recsys_limiter_options", &limiter, &limiter2, sizeof limiter);
    only_a_size("recsys_model_options", &model2, sizeof model2);
    only_a_size("recsys_scorer_options", &scorer2, sizeof scorer2);
    only_a_size("recsys_cache_options", &cache2, sizeof cache2);
    only_a_size("recsys_deployment_options", &deployment2, sizeof deployment2);
    only_a_size("recsys_store_options", &store2, sizeof store2);
    only_a_size("recsys_limiter_options", &limiter2, sizeof limiter2);
}

/* One for each function of this kind that has no macro beside it. */
#define CHECK_INIT(type)                                                                           \
    do {                                                                                           \
        type options_;                                                                             \
        memset(&options_, 0xa5, sizeof options_);                                                  \
        type##_init(&options_);                                                                    \
        only_a_size(#type, &options_, sizeof options_);                                            \
        type##_init(NULL);                                                                         \
    } while (0)

static void check_functions(void)
{
    CHECK_INIT(recsys_filter_options);
    CHECK_INIT(recsys_request);
    CHECK_INIT(recsys_aside_options);
    CHECK_INIT(recsys_domains_options);
    CHECK_INIT(recsys_domain_definition);
    CHECK_INIT(recsys_denylist_options);
    recsys_model_options_init(NULL);
    recsys_scorer_options_init(NULL);
    recsys_cache_options_init(NULL);
    recsys_deployment_options_init(NULL);
    recsys_store_options_init(NULL);
    recsys_limiter_options_init(NULL);
}

static void check_ids(void)
{
    const recsys_id seven = RECSYS_ID_NUMBER(7u), text = RECSYS_ID_TEXT("abc", 2);

    if (seven.text != NULL || seven.number != 7 || text.text == NULL || text.number != 2) {
        fprintf(stderr, "RECSYS_ID_NUMBER or RECSYS_ID_TEXT is wrong\n");
        n_bad++;
    }
}

int main(void)
{
    check_macros();
    check_functions();
    check_ids();
    if (n_bad == 0)
        printf("headers: ok\n");
    return n_bad != 0;
}
