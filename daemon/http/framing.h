/* daemon/http/framing.h - where a request ends. */
#ifndef RECSYSD_FRAMING_H
#define RECSYSD_FRAMING_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/http/request.h"

/* Headers, length and target. False: answered with 4xx. */
bool rd_framing_check(struct rd_request *request);
/* The length of its body as the headers have it, 0 if they do not. */
uint64_t rd_framing_length(const struct rd_request *request);

#endif
