/* recsys/version.h - which library this is, at compile time and at run time. */
#ifndef RECSYS_VERSION_H
#define RECSYS_VERSION_H

#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RECSYS_VERSION_MAJOR 0
#define RECSYS_VERSION_MINOR 2
#define RECSYS_VERSION_PATCH 0
#define RECSYS_VERSION_STRING "0.2.0"

/* One comparable number: 0x00MMmmpp. */
#define RECSYS_VERSION_NUMBER \
    ((RECSYS_VERSION_MAJOR << 16) | (RECSYS_VERSION_MINOR << 8) | RECSYS_VERSION_PATCH)

/*
 * The version of the library that is loaded. A program that was compiled with
 * RECSYS_VERSION_NUMBER works if this number is not smaller, the major version is
 * the same and, while that is 0, the minor version too. The soname demands the same.
 *
 * Thread-safety: any thread. Cannot fail.
 * Since: 0.1
 */
RECSYS_API uint32_t recsys_version_number(void);

/* The same as text, "0.2.0". Static, never NULL. Since: 0.1 */
RECSYS_API const char *recsys_version_string(void);

#ifdef __cplusplus
}
#endif

#endif
