/* daemon/openapi/docs_files.h - words.json and the files of the page, put into the program by
 * CMake. */
#ifndef RECSYSD_DOCS_FILES_H
#define RECSYSD_DOCS_FILES_H

#include "daemon/http/file.h"

#define RD_DOCS_OWN_FILES(X)                                                                       \
    X(docs_html, "", "text/html; charset=utf-8", false)                                            \
    X(docs_css, "docs.css", "text/css; charset=utf-8", false)                                      \
    X(docs_js, "docs.js", "text/javascript; charset=utf-8", false)

#ifdef RECSYSD_SWAGGER_UI
#define RD_DOCS_FILES(X)                                                                           \
    RD_DOCS_OWN_FILES(X)                                                                           \
    X(swagger_ui_bundle_js_gz, "swagger-ui-bundle.js", "text/javascript; charset=utf-8", true)     \
    X(swagger_ui_css_gz, "swagger-ui.css", "text/css; charset=utf-8", true)                        \
    X(licences_txt_gz, "licences.txt", "text/plain; charset=utf-8", true)
#else
#define RD_DOCS_FILES(X) RD_DOCS_OWN_FILES(X)
#endif

RD_DOCS_FILES(RD_FILE_DECLARE)
RD_FILE_DECLARE(words_json, "", "", false)

#endif
