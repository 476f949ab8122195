/* tests/install/consumer.c - a program of somebody who has installed the library. */
#include <inttypes.h>
#include <stdio.h>

#include <recsys/recsys.h>

int main(int argc, char **argv)
{
    recsys_model *model = NULL;
    recsys_recommender *recommender = NULL;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_id user;
    size_t n_users = 0;
    recsys_error err;

    if (argc != 2 || recsys_model_load(argv[1], NULL, &model, &err) != RECSYS_OK ||
        recsys_recommender_create(NULL, &recommender, &err) != RECSYS_OK ||
        recsys_model_get_user_ids(model, 0, &user, 1, &n_users, &err) != RECSYS_OK)
        return fprintf(stderr, "%s\n", argc == 2 ? err.message : "usage: consumer BUNDLE"), 1;
    if (n_users == 1)
        request.user = user;
    else
        request.flags = RECSYS_REQUEST_ANONYMOUS;
    if (recsys_recommend(recommender, model, &request, 1, &reply, &err) != RECSYS_OK)
        return fprintf(stderr, "%s\n", err.message), 1;
    for (uint32_t i = 0; i < reply.count; i++) {
        const recsys_recommendation *found = recsys_reply_get_item(&reply, i);

        printf("%" PRIu64 " %.6f\n", found->item.number, (double)found->score);
    }
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    return reply.count == 0;
}
