/* daemon/ctl/input/line_reader.c - see line_reader.h. */
#include "daemon/ctl/input/line_reader.h"

#include <string.h>

int ctl_line_next(struct ctl_line_reader *reader)
{
    char piece[4096];
    size_t size = 0;

    rs_buffer_clear(&reader->text);
    flockfile(reader->file);
    for (;;) {
        int byte = getc_unlocked(reader->file);
        if (byte == EOF && size == 0 && reader->text.size == 0 &&
            reader->text.status == RECSYS_OK) {
            funlockfile(reader->file);
            return 0;
        }
        if (byte != EOF)
            piece[size++] = (char)byte;
        if (byte == EOF || byte == '\n' || size == sizeof piece) {
            rs_buffer_add(&reader->text, piece, size);
            size = 0;
        }
        if (byte == EOF || byte == '\n')
            break;
    }
    funlockfile(reader->file);
    reader->line++;
    if (reader->text.size > 0 && reader->text.bytes[reader->text.size - 1] == '\n')
        reader->text.bytes[--reader->text.size] = '\0';
    if (reader->text.size > 0 && reader->text.bytes[reader->text.size - 1] == '\r')
        reader->text.bytes[--reader->text.size] = '\0';
    return 1;
}
