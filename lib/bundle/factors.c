/* lib/bundle/factors.c - see factors.h. */
#include "lib/bundle/factors.h"

#include "lib/base/error.h"
#include "lib/formats/describe.h"

#define SHOWN_SIZE 260u /* of the list of arrays; the whole message has to fit into the record */

/* scipy.sparse.save_npz(), and implicit's models of neighbours beside their K. */
static int is_sparse(const struct rs_tensors *tensors)
{
    return rs_tensors_find(tensors, "data") != NULL &&
           rs_tensors_find(tensors, "indices") != NULL &&
           rs_tensors_find(tensors, "indptr") != NULL;
}

recsys_status rs_factors_missing(const struct rs_tensors *tensors, const char *file,
                                 const char *name, int is_bundle, recsys_error *err)
{
    char shown[SHOWN_SIZE];

    if (is_sparse(tensors))
        return rs_error(err, RECSYS_E_FORMAT, "%s: has no tensor %s; it is a sparse matrix%s", file,
                        name,
                        rs_tensors_find(tensors, "K") == NULL
                            ? ""
                            : ", as implicit saves BM25, TF-IDF and other models of neighbours, "
                              "which have no factors");
    return rs_error(err, RECSYS_E_FORMAT, "%s: has no tensor %s; it has %s%s", file, name,
                    rs_tensors_show(tensors, shown, sizeof shown),
                    is_bundle ? ""
                              : ". `recsysctl import` takes any of them: --item-factors FILE#NAME "
                                "--user-factors FILE#NAME");
}
