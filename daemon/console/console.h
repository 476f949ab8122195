/* daemon/console/console.h - the routes of the page for the people who run recsysd. */
#ifndef RECSYSD_CONSOLE_H
#define RECSYSD_CONSOLE_H

#include "daemon/http/request.h"

/* The page, or a part of it: {file} of /console/{file}. */
void rd_get_console(struct rd_request *request);

#endif
