/* lib/builder/part_names.c - see part_names.h.
 *
 * Libraries that have fixed names are in a list. The names of PyTorch's and Keras's variables are
 * their author's (user_emb.weight, embedding_item.weight, itemBiases): they are cut into words, and
 * a name is understood only if every one of its words is. So an array of a layer
 * (item_tower.0.weight) is never taken for the vectors of the items.
 */
#include "lib/builder/part_names.h"

#include <string.h>

enum word_meaning { NEUTRAL = 1, USER = 2, ITEM = 4, BIAS = 8, IDS = 16 };

static const struct {
    const char *name;
    int part;
} fixed[] = {
    {"pu", RS_PART_USER_FACTORS},
    {"qi", RS_PART_ITEM_FACTORS}, /* Surprise */
    {"bu", RS_PART_USER_BIAS},
    {"bi", RS_PART_ITEM_BIAS},
    {"A_", RS_PART_USER_FACTORS},
    {"B_", RS_PART_ITEM_FACTORS}, /* cmfrec */
    {"P", RS_PART_USER_FACTORS},
    {"Q", RS_PART_ITEM_FACTORS},
    {"U", RS_PART_USER_FACTORS},
    {"V", RS_PART_ITEM_FACTORS},
    {"global_mean", RS_NAMED_MEAN},
    {"glob_mean_", RS_NAMED_MEAN},
    {"global_bias", RS_NAMED_MEAN},
    {"mu", RS_NAMED_MEAN},
    {"global_bias.weight", RS_NAMED_MEAN},
    {"rating_scale", RS_NAMED_SCALE},
};

static const struct {
    const char *word;
    int meaning;
} words[] = {
    {"user", USER},
    {"users", USER},
    {"u", USER},
    {"customer", USER},
    {"customers", USER},
    {"item", ITEM},
    {"items", ITEM},
    {"i", ITEM},
    {"movie", ITEM},
    {"movies", ITEM},
    {"film", ITEM},
    {"films", ITEM},
    {"product", ITEM},
    {"products", ITEM},
    {"track", ITEM},
    {"tracks", ITEM},
    {"song", ITEM},
    {"songs", ITEM},
    {"book", ITEM},
    {"books", ITEM},
    {"article", ITEM},
    {"articles", ITEM},
    {"bias", BIAS},
    {"biases", BIAS},
    {"b", BIAS},
    {"id", IDS},
    {"ids", IDS},
    {"emb", NEUTRAL},
    {"embed", NEUTRAL},
    {"embeds", NEUTRAL},
    {"embedding", NEUTRAL},
    {"embeddings", NEUTRAL},
    {"embs", NEUTRAL},
    {"factor", NEUTRAL},
    {"factors", NEUTRAL},
    {"weight", NEUTRAL},
    {"weights", NEUTRAL},
    {"vector", NEUTRAL},
    {"vectors", NEUTRAL},
    {"vec", NEUTRAL},
    {"latent", NEUTRAL},
    {"matrix", NEUTRAL},
    {"table", NEUTRAL},
    {"lookup", NEUTRAL},
    {"dict", NEUTRAL},
    {"layer", NEUTRAL},
    {"layers", NEUTRAL},
    {"model", NEUTRAL},
    {"module", NEUTRAL},
    {"vars", NEUTRAL},
    {"variables", NEUTRAL},
    {"mf", NEUTRAL},
    {"representations", NEUTRAL},
};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static int is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* 1 if they are equal without a difference between capitals and small letters, as `known` has. */
static int is_word(const char *known, const char *word, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((is_capital(word[i]) ? word[i] - 'A' + 'a' : word[i]) != known[i])
            return 0;
    return known[size] == '\0';
}

/* 0 if the word is not known. */
static int meaning_of(const char *word, size_t size)
{
    size_t digits = 0;

    while (digits < size && is_digit(word[digits]))
        digits++;
    if (digits == size)
        return NEUTRAL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(words[i].word, word, size))
            return words[i].meaning;
    return 0;
}

/* The word's length: up to a character that is neither letter nor digit, or a capital after a
 * small letter. */
static size_t word_size(const char *word)
{
    size_t size = 0;

    while ((is_digit(word[size]) || is_small(word[size]) || is_capital(word[size])) &&
           !(size > 0 && is_capital(word[size]) && is_small(word[size - 1])))
        size++;
    return size;
}

/* All meanings of the name's words; 0 if one of them is not known. */
static int read_words(const char *name)
{
    int all = 0;

    while (*name != '\0') {
        size_t size = word_size(name);
        int meaning = size == 0 ? NEUTRAL : meaning_of(name, size);
        if (meaning == 0)
            return 0;
        all |= meaning;
        name += size == 0 ? 1 : size;
    }
    return all;
}

int rs_part_of_name(const char *name)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(fixed[i].name, name) == 0)
            return fixed[i].part;
    switch (read_words(name) & ~NEUTRAL) {
    case USER:
        return RS_PART_USER_FACTORS;
    case ITEM:
        return RS_PART_ITEM_FACTORS;
    case USER | BIAS:
        return RS_PART_USER_BIAS;
    case ITEM | BIAS:
        return RS_PART_ITEM_BIAS;
    case USER | IDS:
        return RS_PART_USER_IDS;
    case ITEM | IDS:
        return RS_PART_ITEM_IDS;
    default:
        return -1;
    }
}
