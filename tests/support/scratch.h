/* tests/support/scratch.h - a directory for the files of a test, made and removed around it.
 *
 * For cmocka programs: scratch_set_up() and scratch_tear_down() before and
 * after each test or all of them, alone or called by a fixture of the test's.
 */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

extern char *scratch; /* its path */

int scratch_set_up(void **state);
int scratch_tear_down(void **state);

/* The path of a file in a folder, or in the scratch directory; both overwrite it in the fourth call
 * after this one. */
const char *path_in(const char *folder, const char *name);
const char *in_scratch(const char *name);

#endif
