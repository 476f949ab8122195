/* daemon/openapi/docs_page.c - openapi.json, and the page at /docs where its routes can be tried.
 *
 * The page is Swagger UI, or a simpler one if recsysd was built without it. Its files are part of
 * the program and load nothing from other servers; its policy forbids it. With env = production
 * these routes do not exist.
 */
#include "daemon/openapi/docs_page.h"

#include "daemon/http/reply.h"
#include "daemon/openapi/docs_files.h"
#include "daemon/openapi/document.h"

/* Swagger UI has its icons as data: in its style. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "                \
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct rd_file files[] = {RD_DOCS_FILES(RD_FILE_ROW)};

void rd_get_openapi(struct rd_request *request)
{
    const char *document = rd_openapi_get(request->part, request);

    if (document == NULL) {
        (void)rd_reply_unavailable(request, "out of memory");
        return;
    }
    request->status = 200;
    rs_buffer_add_text(request->out, document);
}

void rd_get_docs(struct rd_request *request)
{
    rd_reply_file(request, files, sizeof files / sizeof files[0], POLICY);
}
