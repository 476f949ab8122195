/* Covers lib/builder/part_names.c: names that people really give to their arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/builder/part_names.h"

static void check(int part, const char *const *names)
{
    for (; *names != NULL; names++)
        if (rs_part_of_name(*names) != part)
            fail_msg("%s is %d, not %d", *names, rs_part_of_name(*names), part);
}

static void names_of_factors_biases_and_ids_are_understood(void **state)
{
    (void)state;
    check(RS_PART_USER_FACTORS,
          (const char *const[]){"user_emb.weight", "embedding_user.weight", "user_embedding.weight",
                                "userFactors", "user_embeddings", "model.user_embed.weight", "pu",
                                "u_factors", "A_", "users.weight", "embed_user/embeddings",
                                "user_embedding/vars/0", "UserEmbedding", "user_latent_matrix",
                                "module.embeddings.user.weight", "user_representations", NULL});
    check(RS_PART_ITEM_FACTORS,
          (const char *const[]){"item_emb.weight", "embedding_item.weight", "item_embedding.weight",
                                "itemFactors", "movie_embedding.weight", "qi", "i_factors", "B_",
                                "item_embeddings", "products_emb.weight", NULL});
    check(RS_PART_USER_BIAS,
          (const char *const[]){"user_bias.weight", "u_biases", "user_biases", "bu", "b_user",
                                "userBiases", "user_bias_", NULL});
    check(RS_PART_ITEM_BIAS, (const char *const[]){"item_bias.weight", "i_biases", "item_biases",
                                                   "bi", "bias_item", "item_bias_", NULL});
    check(RS_PART_USER_IDS, (const char *const[]){"userIds", "user_id", NULL});
    check(RS_PART_ITEM_IDS, (const char *const[]){"itemIds", "movie_ids", NULL});
    check(RS_NAMED_MEAN,
          (const char *const[]){"global_mean", "glob_mean_", "mu", "global_bias", NULL});
    check(RS_NAMED_SCALE, (const char *const[]){"rating_scale", NULL});
}

static void arrays_of_other_layers_are_left_alone(void **state)
{
    (void)state;
    check(-1, (const char *const[]){"item_tower.0.weight", "embed_user_MLP.weight", "fc1.weight",
                                    "user_item_bias", "embedding.weight", "weight", "", "0",
                                    "item_features", "user_ids_offsets", "itemsets", "useritem",
                                    "user_emb.weight_scale", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_factors_biases_and_ids_are_understood),
        cmocka_unit_test(arrays_of_other_layers_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
