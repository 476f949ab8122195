/* lib/registry/ranking.h - the items that two rankings have in common. */
#ifndef RS_REGISTRY_RANKING_H
#define RS_REGISTRY_RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/ranking.h"

/* places[i] receives the place of the i-th common item in `after`, in the order of `before`; room
 * for n_before of them, or NULL. Fills n_common and n_in_place. */
void rs_ranking_match(const recsys_id *before, size_t n_before, const recsys_id *after,
                      size_t n_after, uint32_t *places, recsys_agreement *out);

#endif
