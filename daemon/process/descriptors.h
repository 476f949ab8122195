/* daemon/process/descriptors.h - the limit of open files and connections. */
#ifndef RECSYSD_DESCRIPTORS_H
#define RECSYSD_DESCRIPTORS_H

#include <stdint.h>

/* Raise this process's limit as far as it may. Returns how many of `wanted` connections fit beside
 * `others`; fewer are logged. At least 1. */
uint32_t rd_descriptors_raise(uint32_t wanted, uint32_t others);

#endif
