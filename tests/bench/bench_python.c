/* tests/bench/bench_python.c - the calls that bench_python.py makes, without Python: recommendations
 * for one user after the other, k items each, of one model.
 *
 *   bench_python BUNDLE CALLS K    prints nanoseconds of the processor a call
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <recsys/recsys.h>

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    recsys_error err = {0};
    recsys_model *model = NULL;
    recsys_recommender *recommender = NULL;
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;

    if (argc != 4 || recsys_model_load(argv[1], NULL, &model, &err) != RECSYS_OK ||
        recsys_model_get_info(model, &info, &err) != RECSYS_OK ||
        recsys_recommender_create(NULL, &recommender, &err) != RECSYS_OK) {
        fprintf(stderr, "bench_python: %s\n", err.message);
        return 1;
    }
    long calls = atol(argv[2]), found = 0;
    request.k = (uint32_t)atoi(argv[3]);
    double start = now_ns();
    for (long i = 0; i < calls; i++) {
        request.user.number = (uint64_t)i % info.n_users;
        if (recsys_recommend(recommender, model, &request, 1, &reply, &err) != RECSYS_OK)
            return 1;
        found += reply.count;
    }
    printf("%.1f %ld\n", (now_ns() - start) / (double)calls, found);
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    return 0;
}
