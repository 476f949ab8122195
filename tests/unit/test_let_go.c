/* Covers rs_map_let_go() and what load.c does with it: vectors that were read to be checked leave
 * this process's memory, and nothing else changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/model/model.h"
#include "lib/model/model_memory.h"
#include "recsys/recsys.h"
#include "tests/support/model_setup.h"

#define N_ITEMS 20000u
#define DIMENSIONS 64u

static recsys_error err;

/* Bytes of the mapping around `address` that are in this process's memory; -1 if the system does
 * not say. */
static long resident_at(const void *address)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512];
    int inside = 0;
    long kilobytes = -1;

    while (file != NULL && kilobytes < 0 && fgets(line, sizeof line, file) != NULL) {
        unsigned long long begin, end;
        if (sscanf(line, "%llx-%llx ", &begin, &end) == 2)
            inside = (uintptr_t)address >= begin && (uintptr_t)address < end;
        else if (inside)
            (void)sscanf(line, "Rss: %ld kB", &kilobytes);
    }
    if (file != NULL)
        (void)fclose(file);
    return kilobytes < 0 ? -1 : kilobytes * 1024;
}

/* The bundle's files as memory, which the library copies. */
static recsys_model *load_from_memory(const char *path)
{
    static const char *const names[] = {"recsys.json", "model.safetensors", "catalog.safetensors",
                                        "codes.safetensors"};
    recsys_model_file files[4];
    unsigned char *bytes[4] = {NULL};
    recsys_model *model;
    size_t n = 0;

    for (size_t i = 0; i < 4; i++) {
        char name[4300];
        (void)snprintf(name, sizeof name, "%s/%s", path, names[i]);
        FILE *file = fopen(name, "rb");
        if (file == NULL)
            continue;
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        size_t size = (size_t)ftell(file);
        rewind(file);
        bytes[n] = malloc(size);
        assert_non_null(bytes[n]);
        assert_int_equal(fread(bytes[n], 1, size, file), size);
        assert_int_equal(fclose(file), 0);
        files[n] = (recsys_model_file)RECSYS_MODEL_FILE_INIT;
        files[n].name = names[i];
        files[n].data = bytes[n];
        files[n].size = size;
        n++;
    }
    assert_int_equal(recsys_model_load_files(files, n, NULL, &model, &err), RECSYS_OK);
    for (size_t i = 0; i < n; i++)
        free(bytes[i]);
    return model;
}

static void ask(const recsys_model *model, recsys_scored *answers)
{
    recsys_scorer *scorer;
    float vector[DIMENSIONS];
    uint32_t n;

    assert_int_equal(recsys_scorer_create(NULL, &scorer, &err), RECSYS_OK);
    for (uint32_t j = 0; j < DIMENSIONS; j++)
        vector[j] = (float)(j % 7) - 3.0f;
    const recsys_query query = {.vector = vector, .k = 10};
    assert_int_equal(recsys_scorer_top_k(scorer, model, &query, 1, answers, 10, &n, &err),
                     RECSYS_OK);
    assert_int_equal(n, 10);
    recsys_scorer_destroy(scorer);
}

static void a_model_with_codes_keeps_few_vectors_in_memory(void **state)
{
    struct model_setup s;
    const long all = (long)(N_ITEMS * DIMENSIONS * sizeof(float));

    (void)state;
    model_setup_bundle(&s, 5, N_ITEMS, DIMENSIONS, BUNDLE_FORMAT_2);
    recsys_model *model = model_setup_load(s.path, NULL);
    assert_non_null(model->codes);
    assert_true(model->memory->files[0].map.is_let_go);
    if (resident_at(model->items) >= 0) {
        assert_true(resident_at(model->items) < all / 4);
        assert_true(resident_at(model->codes) >= all / 8);
        volatile float sum = 0; /* they come again when they are read */
        for (size_t i = 0; i < (size_t)N_ITEMS * DIMENSIONS; i += 16)
            sum = sum + model->items[i];
        assert_true(resident_at(model->items) >= all / 2);
    }
    recsys_model_unref(model);
    model_setup_end(&s);
}

/* Memory that is not a file's would not come again. */
static void memory_of_a_caller_keeps_its_bytes(void **state)
{
    struct model_setup s;
    recsys_scored from_file[10], from_memory[10];

    (void)state;
    model_setup_bundle(&s, 5, N_ITEMS, DIMENSIONS, BUNDLE_FORMAT_2);
    recsys_model *mapped = model_setup_load(s.path, NULL);
    recsys_model *copied = load_from_memory(s.path);
    assert_non_null(copied->codes);
    assert_false(copied->memory->files[0].map.is_let_go);
    ask(mapped, from_file);
    ask(copied, from_memory);
    assert_memory_equal(from_file, from_memory, sizeof from_file);
    recsys_model_unref(copied);
    recsys_model_unref(mapped);
    model_setup_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_with_codes_keeps_few_vectors_in_memory),
        cmocka_unit_test(memory_of_a_caller_keeps_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
