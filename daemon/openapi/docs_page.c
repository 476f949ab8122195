/* daemon/openapi/docs_page.c - openapi.json, and the page at /docs where its routes can be tried.
 *
 * HTML and script are part of the program and load nothing from other servers; a header of
 * http/reply.c forbids it. With env = production these routes do not exist.
 */
#include "daemon/openapi/docs_page.h"

#include "daemon/http/reply.h"
#include "daemon/openapi/document.h"
#include "daemon/openapi/openapi.h"

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
    rs_buffer_add(request->out, rd_docs_html, rd_docs_html_size);
}

void rd_get_docs_script(struct rd_request *request)
{
    request->status = 200;
    request->content_type = "text/javascript; charset=utf-8";
    rs_buffer_add(request->out, rd_docs_js, rd_docs_js_size);
}
