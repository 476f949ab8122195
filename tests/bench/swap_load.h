/* swap_load.h - what a version must answer, and what an answer says. */
#ifndef BENCH_SWAP_LOAD_H
#define BENCH_SWAP_LOAD_H

#include <recsys/recsys.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_VERSIONS 8u
#define ANSWERS 10u

struct expected {
    uint32_t count;
    uint64_t items[ANSWERS];
    float scores[ANSWERS];
};

/* The answers of one version to every user, computed by the library. */
struct version {
    char name[64];
    struct expected *answers; /* n_users */
};

struct expectation {
    struct version versions[MAX_VERSIONS];
    size_t n_versions, n_users;
    uint64_t *users; /* those whose answers differ between all versions */
};

/* Fill from bundle directories. Ends the program if it cannot. */
void expect_from(struct expectation *e, const char *const *bundles, size_t n_bundles,
                 size_t max_users);
void expect_free(struct expectation *e);

enum verdict {
    ANSWER_RIGHT,
    ANSWER_FAILED, /* no answer, or another status than 200 */
    ANSWER_WRONG   /* an answer that none of the versions gives */
};

/*
 * Judge a whole HTTP reply, NUL-terminated. `version` receives the number of
 * the version it belongs to.
 */
enum verdict reply_judge(const struct expectation *e, size_t user, const char *reply,
                         size_t *version);

/*
 * The size of the HTTP reply at `bytes`: 0 if it is not complete yet, SIZE_MAX
 * if it is not one we understand. NUL-terminated at `size`.
 */
size_t reply_size(const char *bytes, size_t size);

_Noreturn void load_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
