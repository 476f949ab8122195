/* lib/registry/distribution.h - how numbers are distributed. */
#ifndef RS_REGISTRY_DISTRIBUTION_H
#define RS_REGISTRY_DISTRIBUTION_H

#include <stddef.h>

#include "recsys/comparison.h"

/* Sorts `numbers`. Those that are not finite do not count. */
void rs_distribution_of(float *numbers, size_t n, recsys_distribution *out);

#endif
