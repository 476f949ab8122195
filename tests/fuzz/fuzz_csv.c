/* tests/fuzz/fuzz_csv.c - any bytes as a CSV file.
 *
 * Whatever comes, reading ends, records have as many fields as the header, and fields are UTF-8.
 * The fuzzer writes the records again with every field in quotes; reading that gives the same
 * fields.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/input/csv.h"
#include "lib/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_field(struct rs_buffer *out, const char *field, int is_last)
{
    rs_buffer_add_text(out, "\"");
    for (const char *at = field; *at != '\0'; at++)
        rs_buffer_add(out, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
    rs_buffer_add_text(out, is_last ? "\"\r\n" : "\",");
}

static void write_record(struct rs_buffer *out, const struct ctl_csv_fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        const char *field = fields->text.bytes + fields->starts[i];

        if (!rs_utf8_is_valid(field, strlen(field)))
            __builtin_trap();
        write_field(out, field, i + 1 == fields->n);
    }
}

/* Read all of `bytes`; what was read is written to `out`. */
static size_t read_all(struct ctl_csv *csv, const uint8_t *bytes, size_t size,
                       struct rs_buffer *out)
{
    FILE *file = fmemopen((void *)(uintptr_t)bytes, size, "rb");
    enum ctl_csv_result result;
    size_t n_broken = 0;

    if (file == NULL)
        abort();
    result = ctl_csv_begin(csv, file, 0);
    if (result == CTL_CSV_RECORD) {
        write_record(out, &csv->header);
        while ((result = ctl_csv_next(csv)) == CTL_CSV_RECORD || result == CTL_CSV_BROKEN) {
            if ((result == CTL_CSV_BROKEN) != (csv->problem[0] != '\0'))
                __builtin_trap();
            n_broken += result == CTL_CSV_BROKEN;
            if (result == CTL_CSV_RECORD && csv->record.n != csv->header.n)
                __builtin_trap();
            if (result == CTL_CSV_RECORD)
                write_record(out, &csv->record);
        }
    }
    if (result == CTL_CSV_FAILED && csv->problem[0] == '\0')
        __builtin_trap();
    ctl_csv_end(csv);
    fclose(file);
    return n_broken + (result == CTL_CSV_FAILED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ctl_csv *csv;
    struct rs_buffer first = RS_BUFFER_INIT((size_t)1 << 24);
    struct rs_buffer second = RS_BUFFER_INIT((size_t)1 << 24);

    if (size == 0 || (csv = malloc(sizeof *csv)) == NULL)
        return 0;
    (void)read_all(csv, data, size, &first);
    /* Semicolons in the header's names may be taken for the delimiter, and a record of one empty
     * field is an empty line. */
    if (first.size > 0 && first.size < CTL_CSV_MAX_RECORD && csv->header.n > 1 &&
        csv->delimiter == ',') {
        size_t n_broken = read_all(csv, (const uint8_t *)first.bytes, first.size, &second);
        if (csv->delimiter == ',' && (n_broken != 0 || first.size != second.size ||
                                      memcmp(first.bytes, second.bytes, first.size) != 0))
            __builtin_trap();
    }
    rs_buffer_destroy(&first);
    rs_buffer_destroy(&second);
    free(csv);
    return 0;
}
