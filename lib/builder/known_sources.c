/* lib/builder/known_sources.c - see known_sources.h. */
#include "lib/builder/known_sources.h"

#include <string.h>

#include "recsys/model.h"

#define INNER RECSYS_METRIC_INNER_PRODUCT
#define COSINE RECSYS_METRIC_COSINE
#define CLIP RECSYS_LINK_CLIP
#define SIGMOID RECSYS_LINK_SIGMOID
#define LINEAR RECSYS_LINK_LINEAR
#define NONE                                                                                       \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }

static const char preferences[] = "scores are near 0 to 1, as the preferences that were fitted";
static const char confidences[] = "scores have no unit; the training looked at their order";
static const char cosines[] = "scores are cosines";
static const char ratings_or_preferences[] =
    "right for implicit feedback; ratings need link linear with link_min and link_max, or an array "
    "rating_scale in the file";

static const struct rs_known_source known[] = {
    {"implicit", "als", NONE, INNER, CLIP, 0, 0, preferences},
    {"implicit", "bpr", NONE, INNER, SIGMOID, 0, 0, confidences},
    {"implicit", "lmf", NONE, INNER, SIGMOID, 0, 0, confidences},
    {"surprise",
     "svd",
     {"pu", "qi", NULL},
     INNER,
     LINEAR,
     1,
     5,
     "Surprise's default scale; an array rating_scale in the file, or link_min and link_max, say "
     "another"},
    {"lightfm",
     "lightfm",
     {"user_embeddings", "item_embeddings", "item_biases"},
     INNER,
     SIGMOID,
     0,
     0,
     confidences},
    {"cornac",
     "mf",
     {"u_factors", "i_factors", "global_mean"},
     INNER,
     SIGMOID,
     0,
     0,
     "the scale of the ratings is not known; link linear with link_min and link_max shows it, or "
     "an array rating_scale in the file"},
    {"cornac", "bpr", {"u_factors", "i_factors", NULL}, INNER, SIGMOID, 0, 0, confidences},
    {"cmfrec", "cmf", {"A_", "B_", NULL}, INNER, CLIP, 0, 0, ratings_or_preferences},
    {"spark",
     "als",
     {"userFactors", "itemFactors", NULL},
     INNER,
     CLIP,
     0,
     0,
     ratings_or_preferences},
    {"lenskit", "", NONE, INNER, CLIP, 0, 0, ratings_or_preferences},
    {"gensim", "word2vec", NONE, COSINE, CLIP, 0, 0, cosines},
    {"word2vec", "word2vec", NONE, COSINE, CLIP, 0, 0, cosines},
    {"fasttext", "fasttext", NONE, COSINE, CLIP, 0, 0, cosines},
    {"sentence-transformers", "", NONE, COSINE, CLIP, 0, 0, cosines},
    {"pytorch", "", NONE, INNER, SIGMOID, 0, 0,
     "right for a loss on probabilities; a model of ratings needs link linear with link_min and "
     "link_max"},
    {"keras", "", NONE, INNER, SIGMOID, 0, 0,
     "right for a loss on probabilities; a model of ratings needs link linear with link_min and "
     "link_max"},
    {"numpy", "", NONE, INNER, SIGMOID, 0, 0, "the usual link"},
};

const struct rs_known_source *rs_known_source_find(const char *name, const char *algorithm)
{
    const struct rs_known_source *first = NULL;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        if (algorithm != NULL && strcmp(known[i].algorithm, algorithm) == 0)
            return &known[i];
        if (first == NULL)
            first = &known[i];
    }
    return first;
}

const struct rs_known_source *rs_known_source_recognise(const struct rs_tensors *tensors)
{
    if (tensors->source != NULL)
        return rs_known_source_find(tensors->source, NULL);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = 0, found = 0;
        for (; n < 3 && known[i].marks[n] != NULL; n++)
            found += rs_tensors_find(tensors, known[i].marks[n]) != NULL;
        if (n > 0 && found == n)
            return &known[i];
    }
    return NULL;
}

const char *rs_known_source_names(void)
{
    return "implicit, surprise, lightfm, cornac, cmfrec, spark, lenskit, gensim, word2vec, "
           "fasttext, sentence-transformers, pytorch, keras or numpy";
}
