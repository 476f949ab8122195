/* daemon/ctl/input/line_reader.h - the lines of a text file, within bounds. */
#ifndef RECSYSCTL_LINE_READER_H
#define RECSYSCTL_LINE_READER_H

#include <stdint.h>
#include <stdio.h>

#include "lib/base/buffer.h"

struct ctl_line_reader {
    FILE *file;
    uint64_t line;         /* of `text`, from 1 */
    struct rs_buffer text; /* without its end; of status E_LIMIT if the line is longer than max */
};

/* The next line; 0 at the end of the file or if reading fails (ferror). Bytes beyond the bound of
 * `text` are passed over. */
int ctl_line_next(struct ctl_line_reader *reader);

#endif
