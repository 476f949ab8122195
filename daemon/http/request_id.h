/* daemon/http/request_id.h - the id that a reply and the access log carry. */
#ifndef RECSYSD_REQUEST_ID_H
#define RECSYSD_REQUEST_ID_H

#include <stdbool.h>
#include <stddef.h>

#define RD_UUID_SIZE 37u
#define RD_REQUEST_ID_MAX 128u /* the longest id a client may choose */

/* Random bytes in reserve, for one thread. */
struct rd_request_ids {
    unsigned char random[1024];
    size_t n_random;
};

/* A new UUIDv4. False if the system has no random bytes. */
bool rd_request_id_make(struct rd_request_ids *ids, char out[RD_UUID_SIZE]);

/* Is this 1..128 characters of A-Z a-z 0-9 . _ - ? */
bool rd_request_id_is_valid(const char *id);

#endif
