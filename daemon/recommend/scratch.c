/* daemon/recommend/scratch.c - see scratch.h.
 *
 * Some 80 KiB, which a worker that never recommends does not have.
 */
#include "daemon/recommend/scratch.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "daemon/http/reply.h"
#include "daemon/recommend/recommend.h"

#define MAX_KEY (1u << 20)
#define MAX_VALUE (1u << 28)

struct rd_scratch *rd_scratch_get(struct rd_request *request)
{
    struct rd_scratch *scratch = request->worker->scratch;

    if (scratch != NULL)
        return scratch;
    scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL) {
        (void)rd_reply_unavailable(request, "out of memory");
        return NULL;
    }
    rs_buffer_init(&scratch->key, MAX_KEY);
    rs_buffer_init(&scratch->value, MAX_VALUE);
    rd_recent_init(&scratch->recent, RD_USERS_MAX);
    request->worker->scratch = scratch;
    return scratch;
}

void rd_scratch_free(void *pointer)
{
    struct rd_scratch *scratch = pointer;

    if (scratch == NULL)
        return;
    recsys_recommender_destroy(scratch->recommender);
    EVP_MD_CTX_free(scratch->digest);
    rs_buffer_destroy(&scratch->key);
    rs_buffer_destroy(&scratch->value);
    rd_recent_free(&scratch->recent);
    free(scratch);
}

uint64_t rd_recent_until(const struct rd_request *request)
{
    const struct rd_recommend *recommend = request->part;

    return request->start_ns + recommend->timeout_ms * 500000u;
}
