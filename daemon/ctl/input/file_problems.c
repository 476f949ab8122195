/* daemon/ctl/input/file_problems.c - see file_problems.h.
 *
 * A user who repairs a file wants to see all that is wrong with it at once, but not a million lines
 * about a column that is wrong everywhere.
 */
#include "daemon/ctl/input/file_problems.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/text.h"

void ctl_problems_add(struct ctl_problems *problems, uint64_t line, const char *format, ...)
{
    char *text = problems->texts[problems->count % CTL_PROBLEMS_KEPT];
    size_t room = sizeof problems->texts[0];
    va_list arguments;
    int n;

    if (problems->count++ >= CTL_PROBLEMS_KEPT)
        return;
    n = snprintf(text, room, "%.200s:%" PRIu64 ": ", problems->path, line);
    va_start(arguments, format);
    vsnprintf(text + n, room - (size_t)n, format, arguments);
    va_end(arguments);
    rs_text_trim(text);
}

void ctl_problems_print(const struct ctl_problems *problems)
{
    for (uint64_t i = 0; i < problems->count && i < CTL_PROBLEMS_KEPT; i++)
        fprintf(stderr, "recsysctl: %s\n", problems->texts[i]);
    if (problems->count > CTL_PROBLEMS_KEPT)
        fprintf(stderr, "recsysctl: %s: %" PRIu64 " more problems\n", problems->path,
                problems->count - CTL_PROBLEMS_KEPT);
}
