/* Covers lib/formats/word2vec.c and fasttext.c with files that gensim and fastText wrote (see
 * tests/support/make_word_vectors.py), and with damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/formats/word_vectors.h"

static recsys_error err;

static const char *fixture(const char *name, const char *ending)
{
    static char path[4200];
    const char *source = getenv("RECSYS_SOURCE_DIR");

    snprintf(path, sizeof path, "%s/tests/fixtures/words/%s%s", source != NULL ? source : ".", name,
             ending);
    return path;
}

/* The file's bytes, which the caller frees. */
static unsigned char *read_file(const char *name, const char *ending, size_t *size)
{
    FILE *file = fopen(fixture(name, ending), "rb");
    unsigned char *bytes = malloc(8192);

    assert_non_null(file);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 8192, file);
    fclose(file);
    return bytes;
}

/* Fails unless the words are those of NAME.txt and the numbers those of NAME.npy, bit for bit or,
 * as gensim's mean of n-grams is a quotient and fastText's a product, but for the last bit. */
static void check_words(const char *name, const struct rs_tensors *tensors, int last_bit)
{
    const struct rs_tensor *items = rs_tensors_find(tensors, "item_factors");
    const uint64_t *ends = rs_tensors_find(tensors, "item_ids_offsets")->data;
    const char *words = rs_tensors_find(tensors, "item_ids")->data;
    size_t size = 0, used = 0;
    unsigned char *want = read_file(name, ".txt", &size);

    assert_int_equal(items->shape[0], 5);
    assert_int_equal(items->shape[1], 4);
    for (size_t i = 0; i < 5; i++) {
        size_t length = strlen(words + ends[i]);
        assert_memory_equal(want + used, words + ends[i], length);
        assert_int_equal(want[used + length], '\n');
        used += length + 1;
    }
    assert_int_equal(used, size);
    free(want);
    want = read_file(name, ".npy", &size);
    for (size_t i = 0; i < 20; i++) {
        int32_t bits, wanted;
        memcpy(&wanted, want + size - 80 + 4 * i, sizeof wanted);
        memcpy(&bits, (const unsigned char *)items->data + 4 * i, sizeof bits);
        if (abs(bits - wanted) > last_bit)
            fail_msg("%s: number %zu has the bits %x, want %x", name, i, (unsigned)bits,
                     (unsigned)wanted);
    }
    free(want);
}

static void files_of_gensim_and_fasttext_are_read_with_their_own_numbers(void **state)
{
    static const struct {
        const char *name, *ending, *source;
    } files[] = {{"gensim_text", ".vec", "word2vec"},
                 {"gensim_binary", ".bin", "word2vec"},
                 {"gensim_fasttext", ".bin", "fasttext"},
                 {"fasttext", ".bin", "fasttext"},
                 {"fasttext_supervised", ".bin", "fasttext"}};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        rs_tensors_parse parse = files[i].source[0] == 'w' ? rs_word2vec_parse : rs_fasttext_parse;
        struct rs_tensors tensors;
        if (rs_tensors_open(fixture(files[i].name, files[i].ending), "f", parse, &tensors, &err) !=
            RECSYS_OK)
            fail_msg("%s: %s", files[i].name, err.message);
        assert_string_equal(tensors.source, files[i].source);
        check_words(files[i].name, &tensors, strcmp(files[i].name, "gensim_fasttext") == 0);
        rs_tensors_close(&tensors);
    }
}

static void check_text(const char *text, const char *message)
{
    struct rs_tensors tensors;
    recsys_status status =
        rs_word2vec_parse((const unsigned char *)text, strlen(text), "f", &tensors, &err);

    assert_int_equal(status, RECSYS_E_FORMAT);
    assert_string_equal(err.message, message);
    assert_null(tensors.list);
}

static void text_that_is_not_what_it_says_is_refused(void **state)
{
    static char long_word[400];

    (void)state;
    check_text("word 2\n", "f: does not begin with two counts in a line");
    check_text("0 2\n", "f: says that it has 0 words of 2 numbers, but it has 4 bytes");
    check_text("99999999999 2\na 1 2\n",
               "f: says that it has 99999999999 words of 2 numbers, but it has 20 bytes");
    check_text("2 2\na 1 2\nb 1 x\n", "f:3: must be a word and 2 numbers");
    check_text("2 2\na 1 2\nb 1 nan\n", "f:3: must be a word and 2 numbers");
    check_text("3 1\na 1.000\nb 2.000\n",
               "f: has 2 words, its first line says 3 (truncated copy?)");
    check_text("1 2\na 1 2\nb 1 2\n", "f: goes on behind the 1 words that its first line says (a "
                                      "word with a space in it?)");
    check_text("2 2\nab", "f: says that it has 2 words of 2 numbers, but it has 6 bytes");
    check_text("1 2\nabcdefgh ijkl",
               "f: ends in word 1 of the 1 that its first line says (truncated copy, or a word "
               "with a space in it?)");
    snprintf(long_word, sizeof long_word, "1 1\n%0256d 1\n", 7);
    check_text(long_word, "f: word 1 has 256 bytes, an id at most 255");
}

static void a_text_word_may_have_spaces_and_the_sentence_end_is_no_item(void **state)
{
    static const char text[] = "3 2\n</s> 9 9\nThe Matrix 1 -2.5e-1 \r\nb 3 4";
    struct rs_tensors tensors;

    (void)state;
    assert_int_equal(
        rs_word2vec_parse((const unsigned char *)text, sizeof text - 1, "f", &tensors, &err),
        RECSYS_OK);
    const struct rs_tensor *items = rs_tensors_find(&tensors, "item_factors");
    const float want[] = {1, -0.25f, 3, 4};
    assert_int_equal(items->shape[0], 2);
    assert_memory_equal(items->data, want, sizeof want);
    assert_memory_equal(rs_tensors_find(&tensors, "item_ids")->data, "The Matrix\0b", 13);
    rs_tensors_close(&tensors);
}

static void every_truncation_of_a_file_is_refused(void **state)
{
    static const char *const files[] = {"gensim_binary", "fasttext"};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        rs_tensors_parse parse = f == 0 ? rs_word2vec_parse : rs_fasttext_parse;
        size_t size, used = 0;
        unsigned char *bytes = read_file(files[f], ".bin", &size);
        struct rs_tensors tensors;
        while (used < size && parse(bytes, used, "f", &tensors, &err) != RECSYS_OK)
            used++;
        /* fastText's output matrix is not needed: 17 bytes before it, and 6 rows of 4 floats */
        assert_int_equal(used, f == 0 ? size : size - 17 - 6 * 4 * sizeof(float));
        if (used < size)
            rs_tensors_close(&tensors);
        free(bytes);
    }
}

/* Write `value` at `offset` of the file fasttext.bin. */
static void check_damage(size_t offset, int32_t value, recsys_status want, const char *message)
{
    size_t size;
    unsigned char *bytes = read_file("fasttext", ".bin", &size);
    struct rs_tensors tensors;

    memcpy(bytes + offset, &value, sizeof value);
    assert_int_equal(rs_fasttext_parse(bytes, size, "f", &tensors, &err), want);
    assert_string_equal(err.message, message);
    free(bytes);
}

static void fasttext_settings_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    check_damage(4, 13, RECSYS_E_UNSUPPORTED,
                 "f: is of fastText's version 13, 11 and 12 are known");
    check_damage(8, 0, RECSYS_E_FORMAT, "f: settings are damaged: dim 0, bucket 30, maxn 3");
    check_damage(8, 5, RECSYS_E_FORMAT, "f: matrix is [36,4], the settings say [36,5]");
    check_damage(8 + 8 * 4, 0, RECSYS_E_FORMAT, "f: settings are damaged: dim 4, bucket 0, maxn 3");
    check_damage(8 + 8 * 4, INT32_MAX, RECSYS_E_FORMAT,
                 "f: matrix is [36,4], the settings say [2147483653,4]");
    check_damage(64, INT32_MAX, RECSYS_E_FORMAT,
                 "f: dictionary is damaged: 6 words of 2147483647 entries");
    check_damage(68, 0, RECSYS_E_FORMAT, "f: dictionary is damaged: 0 words of 6 entries");
    check_damage(88, 0, RECSYS_E_UNSUPPORTED,
                 "f: is a pruned model; save the one that it was made from");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_gensim_and_fasttext_are_read_with_their_own_numbers),
        cmocka_unit_test(text_that_is_not_what_it_says_is_refused),
        cmocka_unit_test(a_text_word_may_have_spaces_and_the_sentence_end_is_no_item),
        cmocka_unit_test(every_truncation_of_a_file_is_refused),
        cmocka_unit_test(fasttext_settings_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
