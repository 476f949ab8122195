/* 01_recommend.c - load a bundle, ask for ten items, print them.
 *
 *   ./01_recommend BUNDLE [USER]
 */
#include <recsys/recsys.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    recsys_model *model = NULL;
    recsys_recommender *recommender = NULL;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_error err;

    request.user.number = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    request.flags = RECSYS_REQUEST_REASONS;
    if (recsys_model_load(argc > 1 ? argv[1] : "model", NULL, &model, &err) != RECSYS_OK ||
        recsys_recommender_create(NULL, &recommender, &err) != RECSYS_OK ||
        recsys_recommend(recommender, model, &request, 1, &reply, &err) != RECSYS_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    for (uint32_t i = 0; i < reply.count; i++) {
        const recsys_recommendation *found = recsys_reply_get_item(&reply, i);
        recsys_item item = RECSYS_ITEM_INIT;

        if (recsys_catalog_get(model, found->item, &item, NULL) == RECSYS_OK)
            printf("%.3f  %s  %s\n", (double)found->score, item.title,
                   found->reason != NULL ? found->reason : "");
    }
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    return 0;
}
