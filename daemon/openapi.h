/* daemon/openapi.h - openapi.json, put into the program by CMake. */
#ifndef RECSYSD_OPENAPI_H
#define RECSYSD_OPENAPI_H

#include <stddef.h>

extern const unsigned char rd_openapi_json[];
extern const size_t rd_openapi_json_size;

#endif
