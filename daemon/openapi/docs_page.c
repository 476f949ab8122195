/* daemon/openapi/docs_page.c - the page at /docs, where the routes of openapi.json can be tried.
 *
 * HTML and script are in the program and load nothing from elsewhere; reply.c
 * forbids them to. With env = production there is neither page nor description.
 */
#include "daemon/openapi/openapi.h"
#include "daemon/routes.h"

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
