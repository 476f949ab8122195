/* lib/ids/ids_find.c - from an id to its row, and back. */
#include <inttypes.h>

#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "lib/ids/ids_table.h"

const char *rs_ids_refuse(const struct rs_ids *ids, recsys_id id)
{
    if ((id.text != NULL) != (ids->kind == RECSYS_ID_KIND_TEXT))
        return id.text != NULL ? "is a string, but this model's are integers"
                               : "is an integer, but this model's are strings";
    if (id.text == NULL)
        return id.number > INT64_MAX ? "is larger than 9223372036854775807" : NULL;
    if (id.number == 0)
        return "is a string without a length; recsys_id.number says how many bytes it has";
    return id.number > RECSYS_ID_MAX_TEXT ? "is a string longer than 255 bytes" : NULL;
}

int rs_ids_find(const struct rs_ids *ids, recsys_id id, uint32_t *row)
{
    size_t slot;

    if (ids->n == 0 || rs_ids_refuse(ids, id) != NULL)
        return 0;
    if (ids->kind == RECSYS_ID_KIND_TEXT) {
        slot = rs_ids_slot_of_text(ids, id.text, (size_t)id.number);
    } else if (ids->numbers == NULL) {
        uint64_t place = id.number - ids->first; /* below `first` it is a huge number */
        if (place >= ids->n)
            return 0;
        *row = ids->sorted == NULL ? (uint32_t)place : ids->sorted[place];
        return 1;
    } else {
        slot = rs_ids_slot_of_number(ids, (int64_t)id.number);
    }
    if (ids->slots[slot] == 0)
        return 0;
    *row = ids->slots[slot] - 1;
    return 1;
}

recsys_status rs_ids_check(const struct rs_ids *ids, recsys_id id, const char *noun,
                           recsys_error *err)
{
    const char *problem = rs_ids_refuse(ids, id);

    if (problem == NULL)
        return RECSYS_OK;
    if (id.text == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s id %" PRIu64 " %s", noun, id.number, problem);
    return rs_error(err, RECSYS_E_INVALID, "%s id %s", noun, problem);
}

recsys_status rs_ids_lookup(const struct rs_ids *ids, recsys_id id, const char *noun, uint32_t *row,
                            recsys_error *err)
{
    if (rs_ids_find(ids, id, row))
        return RECSYS_OK;
    recsys_status status = rs_ids_check(ids, id, noun, err);
    if (status != RECSYS_OK)
        return status;
    if (id.text == NULL)
        return rs_error(err, RECSYS_E_NOT_FOUND, "no %s %" PRIu64, noun, id.number);
    if (!rs_utf8_is_valid(id.text, (size_t)id.number))
        return rs_error(err, RECSYS_E_NOT_FOUND, "no %s of this id, which is not UTF-8", noun);
    return rs_error(err, RECSYS_E_NOT_FOUND, "no %s \"%.*s\"", noun, (int)id.number, id.text);
}

recsys_id rs_ids_get(const struct rs_ids *ids, uint32_t row)
{
    recsys_id id = {NULL, 0};

    if (ids->kind == RECSYS_ID_KIND_TEXT) {
        id.text = ids->texts + ids->offsets[row];
        id.number = ids->offsets[row + 1u] - ids->offsets[row] - 1;
    } else if (ids->numbers != NULL) {
        id.number = (uint64_t)ids->numbers[row];
    } else {
        id.number = (uint64_t)rs_ids_rank(ids, row) + ids->first;
    }
    return id;
}
