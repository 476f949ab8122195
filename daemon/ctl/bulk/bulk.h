/* daemon/ctl/bulk/bulk.h - recommend to many users, into a file: recsysctl recommend --users. */
#ifndef RECSYSCTL_BULK_H
#define RECSYSCTL_BULK_H

#include "daemon/ctl/ctl_question.h"
#include "lib/base/buffer.h"

/* Runs recommend with --users and --out. `question` is prepared. */
int ctl_bulk_run(const struct ctl_question *question);

/* -- private to the folder -- */

enum ctl_bulk_format { CTL_BULK_JSONL, CTL_BULK_CSV };

/* bulk_users.c: whom to recommend to, in this order. */
struct ctl_bulk_users {
    const recsys_model *model; /* all of its users; NULL: those of `ids` */
    recsys_id *ids;
    char *texts; /* the file; ids point into it */
    uint64_t n;
};

/* `from`: "all", or the path of a file with an id on each line. False: said why. Free it in both
 * cases. */
bool ctl_bulk_users_read(struct ctl_bulk_users *users, const char *from,
                         const struct ctl_question *question);
void ctl_bulk_users_free(struct ctl_bulk_users *users);
/* Users `first` to `first + n - 1`, all of which exist. */
void ctl_bulk_users_get(const struct ctl_bulk_users *users, uint64_t first, size_t n,
                        recsys_id *out);

/* bulk_lines.c: an answer as a line of JSON, or as a row of CSV for each item (rank 1, 2, ...; a
 * user without any item has one row with rank 0). */
void ctl_bulk_begin(enum ctl_bulk_format format, const struct ctl_question *question,
                    struct rs_buffer *out);
void ctl_bulk_answer(enum ctl_bulk_format format, const struct ctl_question *question,
                     recsys_id user, const recsys_reply *reply, struct rs_buffer *out);

/* bulk_part.c: the file while it is not whole. */
struct ctl_bulk_part {
    const char *out; /* the path that it gets in the end */
    char *path;
    int fd;          /* locked; -1: not open */
    uint64_t n_done; /* users whose lines are in it */
};

/* Make the part, or open the one that a process with the same `identity` has left. False: said
 * why. */
bool ctl_bulk_part_open(struct ctl_bulk_part *part, const char *out, uint64_t identity,
                        enum ctl_bulk_format format);
bool ctl_bulk_part_write(const struct ctl_bulk_part *part, const char *bytes, size_t size);
/* The part is whole: it gets its name. */
bool ctl_bulk_part_finish(struct ctl_bulk_part *part);
/* Closes it; a part that is not whole stays for the next run. */
void ctl_bulk_part_close(struct ctl_bulk_part *part);

/* bulk_resume.c: where the last user begins in a part that was cut off at any byte, and how many
 * users come before. Both 0 if no user begins in it. False: it cannot be read; errno says why. */
bool ctl_bulk_resume(int fd, enum ctl_bulk_format format, uint64_t *offset, uint64_t *n_before);

#endif
