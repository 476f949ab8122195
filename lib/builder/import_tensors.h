/* lib/builder/import_tensors.h - from the arrays of a file to the parts of a model. Private to the
 * builder_import*.c files.
 */
#ifndef RS_BUILDER_IMPORT_TENSORS_H
#define RS_BUILDER_IMPORT_TENSORS_H

#include "lib/builder/parts.h"

/* Add an input for parts to point into; the builder frees it. NULL: no memory. */
struct rs_builder_input *rs_builder_add_input(struct recsys_builder *builder);

/* Set one part. `file` is how errors call the file. */
recsys_status rs_import_tensor(struct recsys_builder *builder, int part, const char *file,
                               const struct rs_tensors *tensors, const struct rs_tensor *tensor,
                               recsys_error *err);

/* The array that is meant by `part`: the one with the part's name, else the only one whose name
 * says so. E_NOT_FOUND: none; the message lists all. E_INVALID: several. */
recsys_status rs_import_choose(const struct rs_tensors *tensors, const char *file, int part,
                               const struct rs_tensor **out, recsys_error *err);

/* Every array with the name of a part. */
recsys_status rs_import_exact(struct recsys_builder *builder, const struct rs_tensors *tensors,
                              const char *file, recsys_error *err);
/* Every array that can be understood: also other names, the global mean and the rating scale.
 * Arrays that are left over are noted. E_FORMAT: no vectors of items. */
recsys_status rs_import_all(struct recsys_builder *builder, const struct rs_tensors *tensors,
                            const char *file, recsys_error *err);

/* builder_implicit.c: the biases and settings of a model of the Python package implicit, whose
 * factors have been taken. Nothing, if it is none. */
recsys_status rs_import_implicit(struct recsys_builder *builder, const struct rs_tensors *tensors,
                                 const char *file, recsys_error *err);

#endif
