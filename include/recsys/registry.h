/* recsys/registry.h - published models, their versions and aliases: a directory, an MLflow server
 * (mlflow.h), or your own. Group: core. */
#ifndef RECSYS_REGISTRY_H
#define RECSYS_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where models are published: named models with numbered versions, and aliases, which
 * are names for versions and can be moved. recsys_registry_open() makes one over a
 * directory, recsys_mlflow_create() (mlflow.h) one over an MLflow server, and
 * recsys_registry_create() one over functions of your own. A models:/ URI means the
 * same in all of them.
 *
 * A version is a text, as everywhere: "1", "2", "3" ... MLflow's old stages Staging,
 * Production and Archived are aliases with those names where the registry has no stages.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread. Works in a child after fork() if no
 *   other thread was inside a call when the process forked.
 * Ownership: SHARED, counted. A deployment has a reference of its own.
 */
typedef struct recsys_registry recsys_registry;

/*
 * Open the registry at directory `root`, which must exist.
 *
 * ROOT/NAME/<version>/ holds one immutable bundle, ROOT/NAME/aliases/<alias>
 * is a symbolic link to ../<version>. A version appears complete or not at all, and
 * an alias moves atomically. If a publisher is killed, no part of its work ever
 * counts as a version. Any number of processes may publish, move aliases and read at
 * the same time. Names and aliases are 1..128 characters of A-Z a-z 0-9 _ . - and begin
 * with a letter or digit.
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
    char stamp[128]; /* another text if the version may be another one than before: published again
                        under its number, deleted and made again, or a bundle in its place. The same
                        text does not promise the same files: a server cannot see them change */
    uint32_t flags;  /* RECSYS_REGISTRY_KEPT */
    uint32_t reserved2;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_registry_location;

#define RECSYS_REGISTRY_LOCATION_INIT \
    {(uint32_t)sizeof(recsys_registry_location), 0u, "", "", "", "", 0u, 0u}
#define RECSYS_REGISTRY_LOCATION_SIZE_V1 RECSYS_SIZE_TO(recsys_registry_location, reserved2)

/* The registry did not answer. This is what it said last, kept on this machine. */
#define RECSYS_REGISTRY_KEPT (1u << 0)

/*
 * Find the bundle that a URI means now: `models:/NAME/3`, `models:/NAME/latest`
 * (the highest version), `models:/NAME@ALIAS`, `models:/NAME/Production`. A registry
 * that is a server is asked, and the bundle fetched unless it is here already; this may
 * take minutes.
 *
 * Fails with: E_INVALID (malformed URI; message shows the accepted forms),
 *   E_NOT_FOUND (model, version or alias), E_LIMIT (the path is longer than
 *   4095 bytes), E_IO, E_TIMEOUT, E_BACKEND (the registry answers with an error) and
 *   others of the driver. All of `*out` but struct_size is zero then.
 * Thread-safety: any thread. Blocks on disk, or on a server.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_resolve(recsys_registry *registry,
                                                                  const char *uri,
                                                                  recsys_registry_location *out,
                                                                  recsys_error *err);

/*
 * The two halves of recsys_registry_resolve(). find asks what a URI means now and
 * fetches nothing: one request to a server, so that it can be called every few seconds.
 * `out->path` is "" if the bundle is not known to be here. fetch makes it be here:
 * `location` is what find filled in, and gets its path.
 *
 * Fails with: as recsys_registry_resolve(). After a failure of find all of `*out` but
 *   struct_size is zero; a failure of fetch leaves `*location` as it was.
 * Thread-safety: any thread. Blocks on disk, or on a server.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_find(recsys_registry *registry,
                                                               const char *uri,
                                                               recsys_registry_location *out,
                                                               recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_registry_fetch(recsys_registry *registry, recsys_registry_location *location,
                      recsys_error *err);

/*
 * Describe a version beyond its bundle, as far as the registry can: a JSON object of at most
 * 1 MiB. An MLflow server knows "metrics", "params" and "tags" of the training, its
 * "start_time" and more (mlflow.h); a directory knows nothing, and the answer is {}.
 *
 * location  as recsys_registry_find() or _resolve() filled it in
 * out       receives the text, NUL-terminated (size without the NUL)
 *
 * Fails with: E_INVALID, E_NOT_FOUND, E_IO, E_TIMEOUT, E_BACKEND, E_FORMAT (the driver
 *   gave no JSON object), E_LIMIT, E_NOMEM. `*out` is empty then.
 * Thread-safety: any thread. May block on a server.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_registry_describe(recsys_registry *registry, const recsys_registry_location *location,
                         recsys_value *out, recsys_error *err);

/*
 * Copy the bundle at `bundle` into the registry as the next version of `name`. The
 * call checks it as recsys_model_load() does, writes the name and the version into
 * the copy's manifest, and makes it appear by one rename. It also removes temporary
 * files of publishers that were killed.
 *
 * out  receives the new version and where it is; or NULL.
 *
 * Fails with: E_INVALID (name), E_UNSUPPORTED (this registry is filled by other means, which the
 *   message names), E_FORMAT and others of recsys_model_load(),
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
 * Fails with: E_INVALID, E_UNSUPPORTED (as recsys_registry_publish()), E_NOT_FOUND (model,
 *   version; alias, when removing), E_IO.
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
 *   returned another number than 0), E_IO, E_NOMEM and others of the driver.
 * Thread-safety: any thread. Blocks on disk, or on a server.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_registry_list(recsys_registry *registry,
                                                               const char *name,
                                                               recsys_registry_callback callback,
                                                               void *user_data, recsys_error *err);

/* The meaning that a models:/ URI asks for: a version, an alias, a stage, or, if all are NULL, the
 * highest version. The texts are BORROWED for the call. Since: 0.2 */
typedef struct recsys_registry_question {
    uint32_t struct_size; /* how much this library fills */
    uint32_t reserved;
    const char *uri; /* as the caller wrote it, for messages */
    const char *name;
    const char *version; /* a decimal number without leading zeros */
    const char *alias;
    const char *stage; /* "Staging", "Production", "Archived" */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_registry_question;

#define RECSYS_REGISTRY_QUESTION_INIT \
    {(uint32_t)sizeof(recsys_registry_question), 0u, NULL, NULL, NULL, NULL, NULL}
#define RECSYS_REGISTRY_QUESTION_SIZE_V1 RECSYS_SIZE_TO(recsys_registry_question, stage)

/*
 * The functions of a driver. Names and aliases have 1..255 bytes of UTF-8 without
 * control characters, `/`, `:` and (in names) `@`; a driver refuses those that it cannot have.
 * `out` and `location` are this library's own structs of the size that it knows.
 *
 * Statuses: E_NOT_FOUND; E_IO, E_TIMEOUT, E_BACKEND, E_EXHAUSTED (may pass: asked again
 * later); E_INVALID, E_UNSUPPORTED, E_FORMAT, E_LIMIT, E_REJECTED, E_NOMEM. A number that
 * is no status becomes E_CALLBACK. `err` is zeroed and never NULL; if the driver does not
 * fill it in, the library does.
 *
 * Each function runs on the thread that called the registry, several at once on
 * different threads, without locks. It must not call the registry it belongs to. No
 * exception and no longjmp may leave it.
 */
typedef struct recsys_registry_driver {
    uint32_t struct_size; /* sizeof(recsys_registry_driver) */
    uint32_t reserved;    /* 0 */
    /* Called once, when the last reference is given back, or by recsys_registry_create()
     * when it fails. */
    void (*destroy)(void *self);
    /* Fill in name, version and stamp, and the path if the bundle needs no fetching. No two versions
     * of the registry have the same stamp. */
    recsys_status (*find)(void *self, const recsys_registry_question *question,
                          recsys_registry_location *out, recsys_error *err);
    /* Fill in the path of what find has found. NULL: find always fills it in. */
    recsys_status (*fetch)(void *self, recsys_registry_location *location, recsys_error *err);
    /* As recsys_registry_describe(). NULL: {}. */
    recsys_status (*describe)(void *self, const recsys_registry_location *location,
                              recsys_value *out, recsys_error *err);
    /* As recsys_registry_list(): ends with RECSYS_OK when the callback has returned another
     * number than 0, and calls it no more. */
    recsys_status (*list)(void *self, const char *name, recsys_registry_callback callback,
                          void *user_data, recsys_error *err);
    /* As recsys_registry_publish(). NULL: E_UNSUPPORTED. */
    recsys_status (*publish)(void *self, const char *bundle, const char *name,
                             recsys_registry_location *out, recsys_error *err);
    /* `version` NULL: remove the alias. NULL: E_UNSUPPORTED. */
    recsys_status (*set_alias)(void *self, const char *name, const char *alias,
                               const char *version, recsys_error *err);
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_registry_driver;

#define RECSYS_REGISTRY_DRIVER_SIZE_V1 RECSYS_SIZE_TO(recsys_registry_driver, set_alias)
#define RECSYS_REGISTRY_DRIVER_INIT \
    {(uint32_t)sizeof(recsys_registry_driver), 0u, NULL, NULL, NULL, NULL, NULL, NULL, NULL}

/*
 * A registry over a driver of your own.
 *
 * label   for messages and status: "http://mlflow:5000"; COPIED
 * driver  COPIED; destroy, find and list are needed
 * self    given to every function; the registry owns it from now on. If this call
 *         fails, for whatever reason, it has called driver->destroy (unless `driver` or
 *         its `destroy` is NULL).
 *
 * Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM.
 * Ownership: the caller gets one reference; recsys_registry_unref(). Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_registry_create(const char *label, const recsys_registry_driver *driver, void *self,
                       recsys_registry **out, recsys_error *err);

/* For drivers with functions of their own: `self`, if the registry's driver has this
 * destroy function; else NULL. Since: 0.2 */
RECSYS_API void *recsys_registry_get_self(const recsys_registry *registry,
                                          void (*destroy)(void *self));

/* How the registry has answered recsys_registry_find() and _resolve(). */
typedef struct recsys_registry_status {
    uint32_t struct_size; /* in: sizeof; out: how much was filled */
    uint32_t kept;        /* 1: it has not answered yet; what it said last, kept on this machine,
                             was taken instead (RECSYS_REGISTRY_KEPT) */
    uint64_t answered_ms; /* Unix time of its last answer, also "no such model"; 0 = none yet */
    uint64_t failed_ms;   /* Unix time of the last failure; 0 = none yet */
    recsys_error failure; /* the last one */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_registry_status;

#define RECSYS_REGISTRY_STATUS_SIZE_V1 RECSYS_SIZE_TO(recsys_registry_status, failure)
#define RECSYS_REGISTRY_STATUS_INIT \
    {(uint32_t)sizeof(recsys_registry_status), 0u, 0u, 0u, {0, 0, ""}}

/* Fails with: E_INVALID. Thread-safety: any thread; waits for no call. Since: 0.2 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_registry_get_status(recsys_registry *registry, recsys_registry_status *out,
                           recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
