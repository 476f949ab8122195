/* lib/catalog/catalog_tensors.h - the columns of a catalogue among a file's tensors.
 *
 * docs/model-format.md lists them: catalog.safetensors.
 */
#ifndef RS_CATALOG_CATALOG_TENSORS_H
#define RS_CATALOG_CATALOG_TENSORS_H

#include <stdint.h>

#include "lib/catalog/catalog.h"
#include "lib/formats/tensors.h"
#include "recsys/status.h"

/* E_FORMAT, with `where` (the file's name): a column is missing, or of another type or length. */
recsys_status rs_catalog_view(const struct rs_tensors *tensors, uint32_t n_items, const char *where,
                              struct rs_catalog_columns *out, recsys_error *err);

#endif
