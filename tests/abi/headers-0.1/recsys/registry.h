/* recsys/registry.h - a directory of published models: versions and aliases. */
#ifndef RECSYS_REGISTRY_H
#define RECSYS_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * ROOT/NAME/<version>/ holds one immutable bundle, ROOT/NAME/aliases/<alias>
 * is a symbolic link to ../<version>. A version appears complete or not at
 * all, an alias moves atomically; a publisher that is killed leaves nothing
 * that is ever taken for a version. Any number of processes may publish, move
 * aliases and read at once.
 *
 * Names and aliases are 1..128 characters of A-Z a-z 0-9 _ . - and begin with
 * a letter or digit; versions are integers from 1. The legacy stages Staging,
 * Production and Archived are aliases of those names.
 *
 * Thread-safety: SYNCHRONIZED.
 * Ownership: one owner; recsys_registry_close().
 */
typedef struct recsys_registry recsys_registry;

/*
 * Open the registry at directory `root`, which must exist.
 *
 * Fails with: E_INVALID, E_IO (no such directory), E_NOMEM.
 * Ownership: the caller owns `*out`; `root` is COPIED.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_open(const char *root,
                                                               recsys_registry **out,
                                                               recsys_error *err);

/* NULL is allowed. */
RECSYS_API void recsys_registry_close(recsys_registry *registry);

/*
 * Find the bundle a URI means now: `models:/NAME/3`, `models:/NAME/latest`
 * (the highest version), `models:/NAME@ALIAS`, `models:/NAME/Production`.
 *
 * path, path_size  room for the bundle's directory; PATH_MAX is enough.
 * version          receives the version's number.
 *
 * Fails with: E_INVALID (malformed URI; message shows the accepted forms),
 *   E_NOT_FOUND (model, version or alias), E_LIMIT (path_size), E_IO.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_registry_resolve(recsys_registry *registry, const char *uri, char *path, size_t path_size,
                        uint64_t *version, recsys_error *err);

/*
 * Copy the bundle at `bundle` into the registry as the next version of `name`.
 * It is checked as recsys_model_load() checks it, its manifest is given the
 * name and the version, and it appears by one rename. What killed publishers
 * left behind is cleared away.
 *
 * Fails with: E_INVALID (name), E_FORMAT and others of recsys_model_load(),
 *   E_IO, E_NOMEM.
 * Thread-safety: any thread or process. Blocks on disk.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_publish(recsys_registry *registry,
                                                                  const char *bundle,
                                                                  const char *name,
                                                                  uint64_t *version,
                                                                  recsys_error *err);

/*
 * Point `alias` at `version`, or take it away. "latest" is reserved.
 *
 * Fails with: E_INVALID, E_NOT_FOUND (model, version; alias, when removing), E_IO.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_registry_set_alias(recsys_registry *registry, const char *name, const char *alias,
                          uint64_t version, recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_remove_alias(recsys_registry *registry,
                                                                       const char *name,
                                                                       const char *alias,
                                                                       recsys_error *err);

/*
 * Called once for each entry, ascending; strings are BORROWED for the call.
 * alias is NULL for a version itself. Return 0 to go on, anything else to stop.
 */
typedef int32_t (*recsys_registry_callback)(const char *name, uint64_t version, const char *alias,
                                            void *user_data);

/*
 * List every version, then every alias, of `name` (NULL: of all models).
 *
 * Fails with: E_INVALID, E_NOT_FOUND (no such model), E_IO, E_NOMEM.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_list(recsys_registry *registry,
                                                               const char *name,
                                                               recsys_registry_callback callback,
                                                               void *user_data, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
