/* tests/abi/headers.c - the public headers as callers in C99 and C++ see them.
 *
 * compile_headers.py compiles this file (and each header alone) in every
 * language it must be clean in; run as a test, it checks that the _INIT
 * macros and the _init() functions fill in the same bytes. Therefore written
 * in what C99 and C++ have in common. */
#include <stdio.h>
#include <string.h>

#include "recsys/mlflow.h"
#include "recsys/postgres.h"
#include "recsys/recsys.h"
#include "recsys/redis.h"

typedef char error_is_512_bytes[sizeof(recsys_error) == 512 ? 1 : -1];
typedef char id_is_two_words[sizeof(recsys_id) == 2 * sizeof(void *) ? 1 : -1];
typedef char scored_is_24_bytes[sizeof(void *) != 8 || sizeof(recsys_scored) == 24 ? 1 : -1];
typedef char query_is_40_bytes[sizeof(void *) != 8 || sizeof(recsys_query) == 40 ? 1 : -1];
typedef char
    preference_is_16_bytes[sizeof(void *) != 8 || sizeof(recsys_preference) == 16 ? 1 : -1];

static int n_bad;

/* An _INIT macro makes a struct that is all zero but the size in front. That is how
 * callers without C macros make one, too. */
#define CHECK_INIT(type, TYPE)                                                                     \
    do {                                                                                           \
        const type made = RECSYS_##TYPE##_INIT;                                                    \
        only_a_size(#type, &made, sizeof made, RECSYS_##TYPE##_SIZE_V1);                           \
    } while (0)

static void only_a_size(const char *what, const void *made, size_t size, uint32_t v1)
{
    const unsigned char *bytes = (const unsigned char *)made;
    uint32_t first;

    memcpy(&first, bytes, sizeof first);
    if (first != size || v1 > size || v1 < 2 * sizeof first) {
        fprintf(stderr, "%s: struct_size is %u, want %u; version 1 had %u\n", what, (unsigned)first,
                (unsigned)size, (unsigned)v1);
        n_bad++;
    }
    for (size_t i = sizeof first; i < size; i++)
        if (bytes[i] != 0) {
            fprintf(stderr, "%s: byte %u is not 0\n", what, (unsigned)i);
            n_bad++;
            return;
        }
}

static void check_inits(void)
{
    CHECK_INIT(recsys_allocator, ALLOCATOR);
    CHECK_INIT(recsys_aside_options, ASIDE_OPTIONS);
    CHECK_INIT(recsys_aside_stats, ASIDE_STATS);
    CHECK_INIT(recsys_blas_info, BLAS_INFO);
    CHECK_INIT(recsys_cache_options, CACHE_OPTIONS);
    CHECK_INIT(recsys_cache_stats, CACHE_STATS);
    CHECK_INIT(recsys_denylist_options, DENYLIST_OPTIONS);
    CHECK_INIT(recsys_denylist_stats, DENYLIST_STATS);
    CHECK_INIT(recsys_denylist_verdict, DENYLIST_VERDICT);
    CHECK_INIT(recsys_deployment_options, DEPLOYMENT_OPTIONS);
    CHECK_INIT(recsys_deployment_status, DEPLOYMENT_STATUS);
    CHECK_INIT(recsys_domain_definition, DOMAIN_DEFINITION);
    CHECK_INIT(recsys_domains_options, DOMAINS_OPTIONS);
    CHECK_INIT(recsys_filter_options, FILTER_OPTIONS);
    CHECK_INIT(recsys_item, ITEM);
    CHECK_INIT(recsys_limit, LIMIT);
    CHECK_INIT(recsys_limiter_options, LIMITER_OPTIONS);
    CHECK_INIT(recsys_mlflow_options, MLFLOW_OPTIONS);
    CHECK_INIT(recsys_mlflow_stats, MLFLOW_STATS);
    CHECK_INIT(recsys_model_info, MODEL_INFO);
    CHECK_INIT(recsys_model_options, MODEL_OPTIONS);
    CHECK_INIT(recsys_postgres_options, POSTGRES_OPTIONS);
    CHECK_INIT(recsys_postgres_stats, POSTGRES_STATS);
    CHECK_INIT(recsys_redis_options, REDIS_OPTIONS);
    CHECK_INIT(recsys_redis_stats, REDIS_STATS);
    CHECK_INIT(recsys_reply, REPLY);
    CHECK_INIT(recsys_request, REQUEST);
    CHECK_INIT(recsys_scorer_options, SCORER_OPTIONS);
    CHECK_INIT(recsys_source_driver, SOURCE_DRIVER);
    CHECK_INIT(recsys_store_driver, STORE_DRIVER);
    CHECK_INIT(recsys_store_options, STORE_OPTIONS);
    CHECK_INIT(recsys_store_stats, STORE_STATS);
    CHECK_INIT(recsys_warming, WARMING);
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
    check_inits();
    check_ids();
    if (n_bad == 0)
        printf("headers: ok\n");
    return n_bad != 0;
}
