/* daemon/openapi/docs_files.h - words.json and the files of the page, put into the program by
 * CMake. */
#ifndef RECSYSD_DOCS_FILES_H
#define RECSYSD_DOCS_FILES_H

#include <stddef.h>

/* The files beside the page: name in C, name in the path, type, whether the bytes are gzip's. */
#define RD_DOCS_OWN_FILES(X)                                                                       \
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

#define RD_DOCS_DECLARE(name, path, type, is_packed)                                               \
    extern const unsigned char rd_##name[];                                                        \
    extern const size_t rd_##name##_size;

RD_DOCS_FILES(RD_DOCS_DECLARE)
RD_DOCS_DECLARE(docs_html, "", "", false)
RD_DOCS_DECLARE(words_json, "", "", false)

#endif
