/* daemon/console/console.h - the routes of the page for the people who run recsysd. */
#ifndef RECSYSD_CONSOLE_H
#define RECSYSD_CONSOLE_H

#include "daemon/http/request.h"

void rd_get_console(struct rd_request *request);
/* A part of the page: {file} of /console/{file}. */
void rd_get_console_file(struct rd_request *request);

#endif
