/* daemon/http/request.c - a request from its first byte until its reply has been sent.
 *
 * Runs on worker threads, one at a time for each request.
 */
#include "daemon/http/request.h"

#define KEPT_BYTES 262144u /* of memory when a reply is begun again */

void rd_request_clear_output(struct rd_request *request)
{
    request->is_packed = false;
    rs_buffer_reset(request->out, KEPT_BYTES);
    if (rs_buffer_reserve(request->out, RD_HEADROOM) != NULL)
        request->out->size = RD_HEADROOM;
}

void rd_request_end(struct rd_request *request)
{
    json_decref(request->json);
    request->json = NULL;
}

const char *rd_cache_word(uint32_t cache_use)
{
    static const char *const words[] = {NULL, "hit", "stale", "negative", "miss", "bypass"};

    return cache_use < sizeof words / sizeof words[0] ? words[cache_use] : NULL;
}
