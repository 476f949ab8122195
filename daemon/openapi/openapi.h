/* daemon/openapi/openapi.h - words.json and the page of the documentation, put into the program by
 * CMake. */
#ifndef RECSYSD_OPENAPI_H
#define RECSYSD_OPENAPI_H

#include <stddef.h>

extern const unsigned char rd_words_json[];
extern const size_t rd_words_json_size;
extern const unsigned char rd_docs_html[], rd_docs_js[];
extern const size_t rd_docs_html_size, rd_docs_js_size;

#endif
