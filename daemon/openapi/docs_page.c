/* daemon/openapi/docs_page.c - openapi.json, and the page at /docs where its routes can be tried.
 *
 * The page is Swagger UI, or a simpler one if recsysd was built without it. Its files are part of
 * the program and load nothing from other servers; its policy forbids it. With env = production
 * these routes do not exist.
 */
#include "daemon/openapi/docs_page.h"

#include <string.h>

#include "daemon/http/reply.h"
#include "daemon/openapi/docs_files.h"
#include "daemon/openapi/document.h"

/* Swagger UI has its icons as data: in its style. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "                \
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

#define ROW(name, path, type, is_packed) {path, type, rd_##name, &rd_##name##_size, is_packed},

static const struct docs_file {
    const char *path, *type;
    const unsigned char *bytes;
    const size_t *size;
    bool is_packed;
} files[] = {RD_DOCS_FILES(ROW)};

void rd_get_openapi(struct rd_request *request)
{
    const char *document = rd_openapi_get(request->part);

    if (document == NULL) {
        (void)rd_reply_unavailable(request, "out of memory");
        return;
    }
    request->status = 200;
    rs_buffer_add_text(request->out, document);
}

void rd_get_docs(struct rd_request *request)
{
    request->status = 200;
    request->content_type = "text/html; charset=utf-8";
    request->content_policy = POLICY;
    rs_buffer_add(request->out, rd_docs_html, rd_docs_html_size);
}

void rd_get_docs_file(struct rd_request *request)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strcmp(request->param, files[i].path) == 0) {
            request->status = 200;
            request->content_type = files[i].type;
            request->is_packed = files[i].is_packed;
            rs_buffer_add(request->out, files[i].bytes, *files[i].size);
            return;
        }
    (void)rd_reply_error(request, 404, "Not Found");
}
