/* daemon/ctl/bulk/ctl_bulk.c - recsysctl recommend --users FILE|all --out FILE.
 *
 * Users go through the recommender in chunks, each of which is scored in one scan by all cores.
 * Every chunk is written with one write(), in the order of the users, and the answer to a user
 * does not depend on the others of its chunk: so a run that was interrupted goes on where it was,
 * and the file has the same bytes in the end.
 */
#include "daemon/ctl/bulk/bulk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_progress.h"
#include "lib/base/cores.h"

#define MAX_TEXT ((size_t)1 << 30) /* of one chunk */
#define CHUNK 1024u
#define CHUNK_ITEMS 131072u /* of the answers of one chunk, at most */

struct bulk {
    const struct ctl_question *question;
    enum ctl_bulk_format format;
    struct ctl_bulk_users users;
    struct ctl_bulk_part part;
    recsys_recommender *recommender;
    size_t chunk; /* users in each */
    recsys_id ids[CHUNK];
    recsys_request requests[CHUNK];
    recsys_reply replies[CHUNK];
    struct rs_buffer text;
};

static enum ctl_bulk_format format_of(const struct ctl_arguments *arguments, const char *out)
{
    const char *dot = strrchr(out, '.');

    if (dot != NULL && strcmp(dot, ".jsonl") == 0)
        return CTL_BULK_JSONL;
    if (dot != NULL && strcmp(dot, ".csv") == 0)
        return CTL_BULK_CSV;
    ctl_usage_error(arguments->command, "--out must end in .jsonl or .csv, not be '%s'", out);
}

/* -- the identity: FNV-1a of everything that the bytes of the file depend on -- */

static void mix(uint64_t *hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++)
        *hash = (*hash ^ at[i]) * UINT64_C(0x100000001b3);
}

static void mix_text(uint64_t *hash, const char *text)
{
    mix(hash, text, strlen(text) + 1u);
}

static void mix_ids(uint64_t *hash, const recsys_id *ids, size_t n)
{
    mix(hash, &n, sizeof n);
    for (size_t i = 0; i < n; i++) {
        if (ids[i].text != NULL)
            mix(hash, ids[i].text, (size_t)ids[i].number);
        mix(hash, &ids[i].number, sizeof ids[i].number);
    }
}

static uint64_t identity_of(const struct bulk *bulk)
{
    const recsys_request *request = &bulk->question->request;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    mix_text(&hash, recsys_version_string());
    mix_text(&hash, bulk->question->info.fingerprint);
    mix_text(&hash, bulk->question->info.version);
    mix(&hash, &request->flags, sizeof request->flags);
    mix(&hash, &request->k, sizeof request->k);
    mix(&hash, &request->min_rating, sizeof request->min_rating);
    mix(&hash, &request->decade, sizeof request->decade);
    mix(&hash, &request->preference_strength, sizeof request->preference_strength);
    mix(&hash, &request->n_require_genres, sizeof request->n_require_genres);
    for (uint32_t i = 0; i < request->n_require_genres; i++)
        mix_text(&hash, request->require_genres[i]);
    mix(&hash, &request->n_genres, sizeof request->n_genres);
    for (uint32_t i = 0; i < request->n_genres; i++)
        mix_text(&hash, request->genres[i]);
    for (uint32_t i = 0; i < request->n_languages; i++)
        mix_text(&hash, request->languages[i]);
    mix_ids(&hash, request->exclude, request->n_exclude);
    if (bulk->users.model == NULL)
        mix_ids(&hash, bulk->users.ids, (size_t)bulk->users.n);
    else
        mix_text(&hash, "all");
    return hash;
}

/* -- the run -- */

static bool write_text(const struct bulk *bulk)
{
    if (bulk->text.status == RECSYS_OK)
        return ctl_bulk_part_write(&bulk->part, bulk->text.bytes, bulk->text.size);
    ctl_failed("out of memory");
    return false;
}

/* One chunk, beginning with user `first`. False: said why. */
static bool answer_chunk(struct bulk *bulk, uint64_t first)
{
    uint64_t left = bulk->users.n - first;
    size_t n = left < bulk->chunk ? (size_t)left : bulk->chunk;
    recsys_error err;

    ctl_bulk_users_get(&bulk->users, first, n, bulk->ids);
    for (size_t i = 0; i < n; i++) {
        bulk->requests[i] = bulk->question->request;
        bulk->requests[i].user = bulk->ids[i];
    }
    bulk->replies[0].struct_size = sizeof bulk->replies[0];
    if (recsys_recommend(bulk->recommender, bulk->question->model, bulk->requests, n, bulk->replies,
                         &err) != RECSYS_OK) {
        ctl_failed("users %" PRIu64 " to %" PRIu64 ": %s", first + 1u, first + n, err.message);
        return false;
    }
    rs_buffer_clear(&bulk->text);
    for (size_t i = 0; i < n; i++) {
        if (bulk->replies[i].status != RECSYS_OK) {
            ctl_failed("user %" PRIu64 ": %s", first + i + 1u, bulk->replies[i].message);
            return false;
        }
        ctl_bulk_answer(bulk->format, bulk->question, bulk->ids[i], &bulk->replies[i], &bulk->text);
    }
    return write_text(bulk);
}

static bool answer_all(struct bulk *bulk)
{
    bool good = true;

    ctl_bulk_begin(bulk->format, bulk->question, &bulk->text);
    if (bulk->part.n_done == 0u)
        good = write_text(bulk);
    ctl_progress_begin("recommending to", "users");
    for (uint64_t done = bulk->part.n_done; done < bulk->users.n && good; done += bulk->chunk) {
        ctl_progress_count(done, bulk->users.n);
        good = answer_chunk(bulk, done);
    }
    ctl_progress_end();
    return good;
}

static bool prepare(struct bulk *bulk, const char *users, const char *out)
{
    const struct ctl_arguments *arguments = bulk->question->arguments;
    const recsys_request *request = &bulk->question->request;
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    uint32_t k = request->k;
    recsys_error err;

    bulk->chunk = CHUNK_ITEMS / k < CHUNK ? CHUNK_ITEMS / k : CHUNK;
    options.n_threads = ctl_whole_number(arguments, "threads", 1u, 256u, rs_cores());
    options.max_k = k;
    if (recsys_recommender_create(&options, &bulk->recommender, &err) != RECSYS_OK) {
        ctl_failed("%s", err.message);
        return false;
    }
    if (!ctl_bulk_users_read(&bulk->users, users, bulk->question) ||
        !ctl_bulk_part_open(&bulk->part, out, identity_of(bulk), bulk->format))
        return false;
    if (bulk->part.n_done == 0u || bulk->part.n_done < bulk->users.n)
        return true;
    ctl_failed("%s has more users than this run; remove it", bulk->part.path);
    return false;
}

int ctl_bulk_run(const struct ctl_question *question)
{
    const char *out = ctl_required(question->arguments, "out");
    const char *users = ctl_required(question->arguments, "users");
    enum ctl_bulk_format format = format_of(question->arguments, out);
    struct bulk *bulk = ctl_allocate(1u, sizeof *bulk);
    bool good;

    bulk->question = question;
    bulk->format = format;
    bulk->part.fd = -1;
    rs_buffer_init(&bulk->text, MAX_TEXT);
    good = prepare(bulk, users, out) && answer_all(bulk) && ctl_bulk_part_finish(&bulk->part);
    if (good)
        printf("%s: %" PRIu64 " users\n", out, bulk->users.n);
    ctl_bulk_part_close(&bulk->part);
    ctl_bulk_users_free(&bulk->users);
    recsys_recommender_destroy(bulk->recommender);
    rs_buffer_destroy(&bulk->text);
    free(bulk);
    return good ? CTL_OK : CTL_FAILED;
}
