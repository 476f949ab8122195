/* 05_build.c - write a bundle from arrays in memory.
 *
 *   ./05_build DIR
 *
 * A model of two users and four films in two dimensions, made by hand: the
 * first is how much action a film has, the second how much romance. The program
 * writes DIR and then asks it for recommendations. A trainer does the same with
 * the arrays it has trained: see train_als/bundle.c.
 *
 * The builder keeps the arrays by pointer until it writes, and copies texts. A
 * bundle appears as a whole or not at all.
 */
#include <recsys/recsys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float users[2][2] = {{1.0f, 0.1f}, {0.2f, 0.9f}};
static const float films[4][2] = {{0.9f, 0.0f}, {0.7f, 0.6f}, {0.1f, 0.9f}, {0.0f, 0.7f}};
static const char *const user_ids[2] = {"ada", "grace"};
static const int64_t film_ids[4] = {10, 20, 30, 40};
static const char *const catalog[4] = {
    "{\"id\": 10, \"title\": \"Fast Cars\", \"genres\": [\"Action\"]}",
    "{\"id\": 20, \"title\": \"Love and Explosions\", \"genres\": [\"Action\", \"Romance\"]}",
    "{\"id\": 30, \"title\": \"Letters\", \"genres\": [\"Romance\"], \"release_year\": 1995}",
    "{\"id\": 40, \"title\": \"A Quiet Garden\", \"genres\": [\"Romance\"], \"rating\": 7.5}",
};
/* Ada has seen film 10 (row 0); Grace nothing. */
static const uint64_t seen_offsets[3] = {0, 1, 1};
static const uint32_t seen_items[1] = {0};

static void check(recsys_status status, const recsys_error *err)
{
    if (status == RECSYS_OK)
        return;
    fprintf(stderr, "%s: %s\n", recsys_status_name(status), err->message);
    exit(1);
}

static void write_bundle(const char *path)
{
    const recsys_array user_factors = RECSYS_ARRAY_2D(users, RECSYS_DTYPE_F32, 2, 2);
    const recsys_array item_factors = RECSYS_ARRAY_2D(films, RECSYS_DTYPE_F32, 4, 2);
    const recsys_array item_ids = RECSYS_ARRAY_1D(film_ids, RECSYS_DTYPE_I64, 4);
    const recsys_array offsets = RECSYS_ARRAY_1D(seen_offsets, RECSYS_DTYPE_U64, 3);
    const recsys_array items = RECSYS_ARRAY_1D(seen_items, RECSYS_DTYPE_U32, 1);
    recsys_builder *builder = NULL;
    recsys_error err;

    check(recsys_builder_create(&builder, &err), &err);
    check(recsys_builder_set_array(builder, "user_factors", &user_factors, &err), &err);
    check(recsys_builder_set_array(builder, "item_factors", &item_factors, &err), &err);
    check(recsys_builder_set_texts(builder, "user_ids", user_ids, 2, &err), &err);
    check(recsys_builder_set_array(builder, "item_ids", &item_ids, &err), &err);
    check(recsys_builder_set_array(builder, "seen_offsets", &offsets, &err), &err);
    check(recsys_builder_set_array(builder, "seen_items", &items, &err), &err);
    check(recsys_builder_set_field(builder, "name", "by-hand", &err), &err);
    check(recsys_builder_set_field(builder, "link", "clip", &err), &err);
    for (int i = 0; i < 4; i++)
        check(recsys_builder_add_item(builder, catalog[i], strlen(catalog[i]), &err), &err);
    check(recsys_builder_write(builder, path, &err), &err);
    recsys_builder_destroy(builder);
}

static void ask(const recsys_model *model, recsys_recommender *recommender, const char *user)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_error err;

    request.user = (recsys_id){user, strlen(user)};
    check(recsys_recommend(recommender, model, &request, 1, &reply, &err), &err);
    printf("%s:\n", user);
    for (uint32_t i = 0; i < reply.count; i++) {
        const recsys_recommendation *found = recsys_reply_get_item(&reply, i);
        recsys_item item = RECSYS_ITEM_INIT;

        check(recsys_catalog_get(model, found->item, &item, &err), &err);
        printf("  %.2f  %s\n", (double)found->score, item.title);
    }
}

int main(int argc, char **argv)
{
    recsys_recommender *recommender = NULL;
    recsys_model *model = NULL;
    recsys_error err;

    if (argc != 2) {
        fputs("usage: 05_build DIR\n", stderr);
        return 2;
    }
    write_bundle(argv[1]);
    check(recsys_model_load(argv[1], NULL, &model, &err), &err);
    check(recsys_recommender_create(NULL, &recommender, &err), &err);
    for (int i = 0; i < 2; i++)
        ask(model, recommender, user_ids[i]);
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    return 0;
}
