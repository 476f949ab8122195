/* recsys/registry.h - a directory of published models: versions and aliases. Group: core. */
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
 * is a symbolic link to ../<version>. A version appears complete or not at all, and
 * an alias moves atomically. If a publisher is killed, no part of its work ever
 * counts as a version. Any number of processes may publish, move aliases and read at
 * the same time.
 *
 * Names and aliases are 1..128 characters of A-Z a-z 0-9 _ . - and begin with
 * a letter or digit. A version is a text, as everywhere; this registry uses "1",
 * "2", "3" ... MLflow's old stages Staging, Production and Archived are aliases
 * with those names.
 *
 * Thread-safety: SYNCHRONIZED. Works in a child after fork().
 * Ownership: SHARED, counted. A deployment has a reference of its own.
 */
typedef struct recsys_registry recsys_registry;

/*
 * Open the registry at directory `root`, which must exist.
 *
 * Fails with: E_INVALID, E_IO (no such directory), E_NOMEM.
 * Ownership: the caller gets one reference and gives it back with
 *   recsys_registry_unref(); `root` is COPIED.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_open(const char *root,
                                                               recsys_registry **out,
                                                               recsys_error *err);

/* One more reference to `registry`, which is returned; NULL is allowed. Since: 0.2 */
RECSYS_API recsys_registry *recsys_registry_ref(recsys_registry *registry);

/* Give a reference back. NULL is allowed. Thread-safety: any thread. Since: 0.2 */
RECSYS_API void recsys_registry_unref(recsys_registry *registry);

/* One published version. The texts end with NUL and are the caller's own. Since: 0.2 */
typedef struct recsys_registry_location {
    uint32_t struct_size; /* in: sizeof; out: how much was filled */
    uint32_t reserved;
    char name[256];
    char version[256];
    char path[4096]; /* absolute, of the bundle's directory: what recsys_model_load() takes */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_registry_location;

#define RECSYS_REGISTRY_LOCATION_INIT \
    {(uint32_t)sizeof(recsys_registry_location), 0u, "", "", ""}
#define RECSYS_REGISTRY_LOCATION_SIZE_V1 RECSYS_SIZE_TO(recsys_registry_location, path)

/*
 * Find the bundle that a URI means now: `models:/NAME/3`, `models:/NAME/latest`
 * (the highest version), `models:/NAME@ALIAS`, `models:/NAME/Production`.
 *
 * Fails with: E_INVALID (malformed URI; message shows the accepted forms),
 *   E_NOT_FOUND (model, version or alias), E_LIMIT (the path is longer than
 *   4095 bytes), E_IO. All of `*out` but struct_size is zero then.
 * Thread-safety: any thread. Blocks on disk.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_resolve(recsys_registry *registry,
                                                                  const char *uri,
                                                                  recsys_registry_location *out,
                                                                  recsys_error *err);

/*
 * Copy the bundle at `bundle` into the registry as the next version of `name`. The
 * call checks it as recsys_model_load() does, writes the name and the version into
 * the copy's manifest, and makes it appear by one rename. It also removes temporary
 * files of publishers that were killed.
 *
 * out  receives the new version and where it is; or NULL.
 *
 * Fails with: E_INVALID (name), E_FORMAT and others of recsys_model_load(),
 *   E_LIMIT (no number is left, or the path is too long), E_IO, E_NOMEM. All of
 *   `*out` but struct_size is zero then.
 * Thread-safety: any thread or process. Blocks on disk.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_publish(recsys_registry *registry,
                                                                  const char *bundle,
                                                                  const char *name,
                                                                  recsys_registry_location *out,
                                                                  recsys_error *err);

/*
 * Point `alias` at `version`, or remove it. "latest" is reserved.
 *
 * Fails with: E_INVALID, E_NOT_FOUND (model, version; alias, when removing), E_IO.
 * Thread-safety: any thread or process. Blocks on disk.
 * Since: 0.2; removing since 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_registry_set_alias(recsys_registry *registry, const char *name, const char *alias,
                          const char *version, recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_remove_alias(recsys_registry *registry,
                                                                       const char *name,
                                                                       const char *alias,
                                                                       recsys_error *err);

/* One version or alias of a list. The texts are BORROWED for the call. Since: 0.2 */
typedef struct recsys_registry_entry {
    uint32_t struct_size; /* how much this library fills */
    uint32_t reserved;
    const char *name;    /* of the model */
    const char *version; /* the version, or the one that the alias points at */
    const char *alias;   /* NULL = this is a version itself */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_registry_entry;

#define RECSYS_REGISTRY_ENTRY_INIT {(uint32_t)sizeof(recsys_registry_entry), 0u, NULL, NULL, NULL}
#define RECSYS_REGISTRY_ENTRY_SIZE_V1 RECSYS_SIZE_TO(recsys_registry_entry, alias)

/*
 * Called once for each entry. Return 0 to go on, any other number to stop. It runs
 * on the thread that called recsys_registry_list(), without a lock, so it may use
 * the registry. No exception or longjmp may leave it.
 */
typedef int32_t (*recsys_registry_callback)(const recsys_registry_entry *entry, void *user_data);

/*
 * List every version, oldest first, then every alias, by name, of `name` (NULL:
 * of all models, by name).
 *
 * Fails with: E_INVALID, E_NOT_FOUND (no such model), E_STOPPED (the callback
 *   returned another number than 0), E_IO, E_NOMEM.
 * Thread-safety: any thread. Blocks on disk.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_list(recsys_registry *registry,
                                                               const char *name,
                                                               recsys_registry_callback callback,
                                                               void *user_data, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
