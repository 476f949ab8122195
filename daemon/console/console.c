/* daemon/console/console.c - the page for the people who run recsysd, and its files.
 *
 * The page holds no secrets and changes nothing. Its scripts read /health, /metrics and the routes
 * under /api as any other client does, with the key that its reader types in. Titles come from
 * catalogues, so the policy lets no script run but these files, even if one of them made HTML of a
 * title.
 */
#include "daemon/console/console.h"

#include "daemon/console/console_files.h"

/* Images as data: are posters that a catalogue has in itself. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "                \
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "          \
    "require-trusted-types-for 'script'; trusted-types 'none'"

static const struct rd_file files[] = {RD_CONSOLE_FILES(RD_FILE_ROW)};

void rd_get_console(struct rd_request *request)
{
    rd_reply_file(request, files, sizeof files / sizeof files[0], POLICY);
}
