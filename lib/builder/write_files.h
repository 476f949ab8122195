/* lib/builder/write_files.h - the data files of a bundle that is being written. Private to
 * lib/builder.
 *
 *   write_files.c     the model and the seen lists
 *   write_codes.c     integer codes of the items
 *   write_catalog.c   the catalogue's columns
 */
#ifndef RS_BUILDER_WRITE_FILES_H
#define RS_BUILDER_WRITE_FILES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/builder/folder.h"
#include "lib/builder/parts.h"
#include "lib/builder/safetensors_write.h"
#include "lib/bundle/manifest.h"
#include "lib/catalog/catalog.h"
#include "recsys/status.h"

struct rs_bundle {
    struct rs_folder folder;
    struct rs_plan plan;
    struct rs_catalog *catalog; /* by position */
    int codes_pay;
    json_t *files; /* the manifest's list; a file that is added is added here, too */
};

/* The list of tensors of one file. */
struct rs_sources {
    struct rs_tensor_written list[24];
    size_t n;
};

/* `columns` 0: one dimension. */
void rs_sources_add(struct rs_sources *sources, const char *name, uint32_t dtype, const void *data,
                    uint64_t rows, uint64_t columns, const uint32_t *order);

recsys_status rs_bundle_add_bytes(struct rs_bundle *bundle, const char *name, const char *bytes,
                                  size_t size, recsys_error *err);
recsys_status rs_bundle_add_tensors(struct rs_bundle *bundle, const char *name,
                                    struct rs_sources *sources, recsys_error *err);

recsys_status rs_bundle_add_model(struct rs_bundle *bundle, recsys_error *err);
/* After the model: reads the vectors back as they were written. */
recsys_status rs_bundle_add_codes(struct rs_bundle *bundle, recsys_error *err);
recsys_status rs_bundle_add_seen(struct rs_bundle *bundle, recsys_error *err);
/* The lines as columns; finds unknown and repeated ids, before anything is written. */
recsys_status rs_bundle_read_catalog(struct rs_bundle *bundle, const struct rs_buffer *lines,
                                     recsys_error *err);
recsys_status rs_bundle_add_catalog(struct rs_bundle *bundle, recsys_error *err);

#endif
