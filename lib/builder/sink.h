/* lib/builder/sink.h - write one file of a bundle and hash it on the way. Private to
 * lib/builder. */
#ifndef RS_BUILDER_SINK_H
#define RS_BUILDER_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bundle/digest.h"
#include "recsys/status.h"

struct rs_sink {
    const char *name; /* BORROWED; how errors call the file */
    int descriptor;   /* -1 = not open */
    void *hash;
    unsigned char *buffer;
    size_t used;
    uint64_t size; /* bytes so far, with those still in the buffer */
};

/* Make the new file `name` in the open directory `folder`. End with rs_sink_close() or
 * rs_sink_abandon(), after a failure too. */
recsys_status rs_sink_open(struct rs_sink *sink, int folder, const char *name, recsys_error *err);
recsys_status rs_sink_write(struct rs_sink *sink, const void *bytes, size_t size,
                            recsys_error *err);
/* Flush, sync and close; gives the SHA-256 of all that was written. */
recsys_status rs_sink_close(struct rs_sink *sink, char digest[RS_DIGEST_SIZE], recsys_error *err);
/* Close and ignore failures; does nothing to a closed one. */
void rs_sink_abandon(struct rs_sink *sink);

#endif
