/* daemon/ctl/input/file_problems.h - what is wrong with a file: every line is looked at, the first
 * problems are kept, the others are counted. */
#ifndef RECSYSCTL_FILE_PROBLEMS_H
#define RECSYSCTL_FILE_PROBLEMS_H

#include <stdbool.h>
#include <stdint.h>

#define CTL_PROBLEMS_KEPT 20u

struct ctl_problems {
    const char *path; /* BORROWED; what the messages begin with */
    uint64_t count;
    char texts[CTL_PROBLEMS_KEPT][400];
};

/* `line`: of the user's file, from 1. */
void ctl_problems_add(struct ctl_problems *problems, uint64_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Print them to stderr, one a line, then how many more there are. */
void ctl_problems_print(const struct ctl_problems *problems);

#endif
