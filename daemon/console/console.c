/* daemon/console/console.c - the page for the people who run recsysd, and its files.
 *
 * The page holds no secrets and changes nothing. Its scripts read /health, /metrics and the routes
 * under /api as any other client does, with the key that its reader types in. Titles come from
 * catalogues, so the policy lets no script run but these files, even if one of them made HTML of a
 * title.
 */
#include "daemon/console/console.h"

#include <string.h>

#include "daemon/console/console_files.h"
#include "daemon/http/reply.h"

/* Images as data: are posters that a catalogue has in itself. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "                \
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "          \
    "require-trusted-types-for 'script'; trusted-types 'none'"

#define ROW(name, path, type) {path, type, rd_##name, &rd_##name##_size},

static const struct file {
    const char *path, *type;
    const unsigned char *bytes;
    const size_t *size;
} files[] = {RD_CONSOLE_FILES(ROW)};

void rd_get_console(struct rd_request *request)
{
    request->status = 200;
    request->content_type = "text/html; charset=utf-8";
    request->content_policy = POLICY;
    rs_buffer_add(request->out, rd_index_html, rd_index_html_size);
}

void rd_get_console_file(struct rd_request *request)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strcmp(request->param, files[i].path) == 0) {
            request->status = 200;
            request->content_type = files[i].type;
            rs_buffer_add(request->out, files[i].bytes, *files[i].size);
            return;
        }
    (void)rd_reply_error(request, 404, "Not Found");
}
