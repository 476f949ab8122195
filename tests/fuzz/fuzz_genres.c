/* tests/fuzz/fuzz_genres.c - any text in the column of genres.
 *
 * Whatever list it may be, what is appended is an array of JSON, or nothing with a reason.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/ctl/input/genre_list.h"
#include "lib/base/json_scan.h"
#include "lib/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_buffer out = RS_BUFFER_INIT((size_t)1 << 24);
    char problem[200] = "";

    if (!rs_utf8_is_valid((const char *)data, size))
        return 0; /* readers have checked that */
    json_t *value = json_stringn((const char *)data, size);
    rs_buffer_add_text(&out, "");
    if (ctl_put_genres(value, "|,", &out, problem, sizeof problem)
            ? !rs_json_is_valid(out.bytes, out.size) || out.bytes[0] != '['
            : out.size != 0 || problem[0] == '\0')
        __builtin_trap();
    json_decref(value);
    rs_buffer_destroy(&out);
    return 0;
}
