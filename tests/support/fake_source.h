/* tests/support/fake_source.h - a database that is a function of the test's. */
#ifndef TESTS_SUPPORT_FAKE_SOURCE_H
#define TESTS_SUPPORT_FAKE_SOURCE_H

#include <stdatomic.h>

#include "recsys/domain.h"
#include "recsys/source.h"

/* Answers a statement by filling `rows`. */
typedef recsys_status (*fake_answer)(void *user_data, const char *statement,
                                     const recsys_datum *parameters, size_t n, recsys_rows *rows,
                                     recsys_error *err);

struct fake_source {
    fake_answer answer;
    void *user_data;
    atomic_uint calls;
    recsys_status fails; /* what every statement fails with; RECSYS_OK = none does */
};

/* The source borrows `fake`; destroying it leaves it alone. */
recsys_source *fake_source_create(struct fake_source *fake);

/* A text parameter, copied into `out` of `room` bytes; "" for one of another type. */
void fake_source_text(const recsys_datum *parameter, char *out, size_t room);

/* Columns by name, up to NULL. A failure in here ends the test. */
void fake_source_columns(recsys_rows *rows, const char *name, ...) __attribute__((sentinel));
void fake_source_add(recsys_rows *rows, recsys_datum value);

/* A definition of a domain that can be added as it is; tests change it. */
recsys_domain_definition fake_source_definition(void);

#endif
