/* daemon/http/framing.h - where a request ends. */
#ifndef RECSYSD_FRAMING_H
#define RECSYSD_FRAMING_H

#include <stdbool.h>

#include "daemon/http/request.h"

/* False: answered with 4xx. */
bool rd_framing_check(struct rd_request *request);

#endif
