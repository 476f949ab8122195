/* lib/builder/builder_numbers.c - convert the numbers of a part to the type that is stored.
 *
 * Arrays that have the stored type already are used where they are; others are
 * converted into copies that the plan owns.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/builder/parts.h"
#include "lib/formats/floats.h"

void *rs_plan_own(struct rs_plan *plan, void *memory)
{
    if (memory != NULL)
        plan->owned[plan->n_owned++] = memory;
    return memory;
}

/* 1 if the numbers can be used where they are: aligned, rows without a gap. */
static int is_in_c_order(const recsys_array *array)
{
    uint64_t columns = array->n_dims == 2 ? array->shape[1] : 1;
    uint64_t unit = rs_dtype_size(array->dtype);

    return (uintptr_t)array->data % unit == 0 && array->strides[1] == (int64_t)unit &&
           (array->shape[0] <= 1 || array->strides[0] == (int64_t)(columns * unit));
}

static const unsigned char *address(const recsys_array *array, size_t row, size_t column)
{
    return (const unsigned char *)array->data + (ptrdiff_t)row * array->strides[0] +
           (ptrdiff_t)column * array->strides[1];
}

static void copy_floats(const recsys_array *array, size_t rows, size_t columns, float *to)
{
    int whole_rows = array->strides[1] == (int64_t)rs_dtype_size(array->dtype);

    for (size_t i = 0; i < rows; i++, to += columns) {
        if (whole_rows)
            rs_floats_read(address(array, i, 0), array->dtype, columns, to);
        for (size_t j = 0; !whole_rows && j < columns; j++)
            rs_floats_read(address(array, i, j), array->dtype, 1, &to[j]);
    }
}

static recsys_status check_finite(const float *numbers, size_t rows, size_t columns,
                                  const char *name, recsys_error *err)
{
    for (size_t i = 0; i < rows * columns; i++) {
        if (isfinite(numbers[i]))
            continue;
        if (columns == 1)
            return rs_error(err, RECSYS_E_FORMAT, "%s[%zu] is not a finite number", name, i);
        return rs_error(err, RECSYS_E_FORMAT, "%s[%zu,%zu] is not a finite number", name,
                        i / columns, i % columns);
    }
    return RECSYS_OK;
}

recsys_status rs_plan_get_floats(const struct recsys_builder *builder, int part, uint64_t rows,
                                 const char *rows_of, struct rs_plan *plan, const float **out,
                                 recsys_error *err)
{
    const recsys_array *array = &builder->parts[part].array;
    const char *name = rs_part_kinds[part].name;
    size_t columns = rs_part_kinds[part].n_dims == 2 ? plan->dimensions : 1;
    char from[RS_ORIGIN_SIZE], rows_from[RS_ORIGIN_SIZE];

    if (array->dtype == 0)
        return RECSYS_OK;
    if (array->shape[0] != rows)
        return rs_error(err, RECSYS_E_INVALID, "%s%s has %" PRIu64 " rows, but %s%s has %" PRIu64,
                        name, rs_part_show_origin(builder, part, from), array->shape[0], rows_of,
                        rs_part_show_origin(builder, rs_part_find(rows_of), rows_from), rows);
    if (array->n_dims == 2 && array->shape[1] != plan->dimensions)
        return rs_error(
            err, RECSYS_E_INVALID, "%s%s has %" PRIu64 " columns, but item_factors%s has %" PRIu32,
            name, rs_part_show_origin(builder, part, from), array->shape[1],
            rs_part_show_origin(builder, RS_PART_ITEM_FACTORS, rows_from), plan->dimensions);
    if (array->dtype == RECSYS_DTYPE_F32 && is_in_c_order(array)) {
        *out = array->data;
    } else {
        float *copy = rs_plan_own(plan, rs_alloc_array((size_t)rows * columns, sizeof *copy));
        if (copy == NULL)
            return rs_error_nomem(err, name);
        copy_floats(array, (size_t)rows, columns, copy);
        *out = copy;
    }
    return check_finite(*out, (size_t)rows, columns, name, err);
}

int rs_array_get_integer(const recsys_array *array, size_t i, int64_t *out)
{
    const unsigned char *at = address(array, i, 0);
    int32_t i32;
    uint32_t u32;
    uint64_t u64;

    switch (array->dtype) {
    case RECSYS_DTYPE_U8:
        *out = *at;
        return 1;
    case RECSYS_DTYPE_I32:
        memcpy(&i32, at, sizeof i32);
        *out = i32;
        return 1;
    case RECSYS_DTYPE_U32:
        memcpy(&u32, at, sizeof u32);
        *out = u32;
        return 1;
    case RECSYS_DTYPE_I64:
        memcpy(out, at, sizeof *out);
        return 1;
    default:
        memcpy(&u64, at, sizeof u64);
        *out = (int64_t)u64;
        return u64 <= INT64_MAX;
    }
}

recsys_status rs_plan_get_integers(const struct recsys_builder *builder, int part, uint32_t dtype,
                                   struct rs_plan *plan, void **out, recsys_error *err)
{
    const recsys_array *array = &builder->parts[part].array;
    const char *name = rs_part_kinds[part].name;
    size_t n = (size_t)array->shape[0];
    int64_t max = dtype == RECSYS_DTYPE_U32 ? UINT32_MAX : INT64_MAX;
    void *copy = rs_plan_own(plan, rs_alloc_array(n, rs_dtype_size(dtype)));

    if (copy == NULL)
        return rs_error_nomem(err, name);
    for (size_t i = 0; i < n; i++) {
        int64_t value;
        if (!rs_array_get_integer(array, i, &value))
            return rs_error(err, RECSYS_E_INVALID, "%s[%zu] is %" PRIu64 ", at most %" PRId64, name,
                            i, (uint64_t)value, max);
        if (value < 0 || value > max)
            return rs_error(err, RECSYS_E_INVALID,
                            "%s[%zu] is %" PRId64 ", must be 0..%" PRId64 "%s", name, i, value, max,
                            value == -1 ? " (-1 is pandas' code of a missing value)" : "");
        if (dtype == RECSYS_DTYPE_U32)
            ((uint32_t *)copy)[i] = (uint32_t)value;
        else
            ((int64_t *)copy)[i] = value;
    }
    *out = copy;
    return RECSYS_OK;
}
