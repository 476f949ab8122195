/* tests/contracts/contracts.h - the general rules of recsys.h, as checks.
 *
 * generate.py makes a wrapper around every public function that can fail, and the
 * linker puts it in front of the function in all C tests of the project. So whatever
 * a test calls, and however it fails, is held to these rules:
 *
 *   A call returns RECSYS_OK or a negative status of the table.
 *   A call that succeeds leaves the error record as it was.
 *   A call that fails writes its status and a message of its own into the record.
 *   After a failure results are NULL or zero; a sized struct keeps its struct_size.
 *
 * A breach ends the program. The calls that were seen (each function, success and failure) are
 * added up over all tests by coverage.py. */
#ifndef RS_TESTS_CONTRACTS_H
#define RS_TESTS_CONTRACTS_H

#include <stddef.h>

#include "recsys/status.h"

/* A record that nobody has written to. */
recsys_error contracts_untouched(void);

/* Judge one call. `said` is its record, which was untouched before; NULL if the caller
 * gave none. */
void contracts_judge(const char *function, size_t index, recsys_status status,
                     const recsys_error *said);

/* Bytes first..size-1 of a result are zero. A NULL result is none. */
void contracts_is_clear(const char *function, const char *what, const void *result, size_t first,
                        size_t size);

/* A call without arguments has failed, with E_INVALID. */
void contracts_null(const char *function, size_t index, recsys_status status,
                    const recsys_error *said);

#endif
