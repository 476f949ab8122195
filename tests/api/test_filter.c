/* Covers catalog.h: items' entries and every condition of a filter, against a loop over the items.
 */
#include "tests/api/reference.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#define N_ITEMS 250
#define SEED 20260201u

static struct bundle bundle;
static recsys_model *model;
static struct reference reference;
static recsys_error err;

static int set_up(void **state)
{
    printf("seed %u\n", SEED);
    scratch_set_up(state);
    model = make_model(scratch, "b", &bundle, 12, N_ITEMS, 8, SEED,
                       BUNDLE_CATALOG | BUNDLE_SEEN | BUNDLE_BIAS | BUNDLE_UNSORTED);
    reference_create(&reference, model);
    return 0;
}

static int tear_down(void **state)
{
    reference_destroy(&reference);
    recsys_model_unref(model);
    bundle_free(&bundle);
    return scratch_tear_down(state);
}

static recsys_filter_options no_conditions(void)
{
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;

    return options;
}

/* The items that the filter lets through: everything, asked for with one query. */
static void list_passing(const recsys_filter *filter, unsigned char passing[N_ITEMS])
{
    static const float zeros[8];
    recsys_scored all[N_ITEMS];
    recsys_scorer *scorer = NULL;
    recsys_query query = {.vector = zeros, .filter = filter, .k = N_ITEMS};
    uint32_t count = 0;

    must(recsys_scorer_create(NULL, &scorer, &err), &err, "scorer");
    must(recsys_scorer_top_k(scorer, model, &query, 1, all, N_ITEMS, &count, &err), &err, "scan");
    memset(passing, 0, N_ITEMS);
    for (uint32_t i = 0; i < count; i++)
        passing[reference_find(&reference, all[i].item)] = 1;
    recsys_scorer_destroy(scorer);
}

/* Has the user of this row seen item number i of the reference? */
static int has_seen(size_t user, size_t i)
{
    for (uint64_t s = bundle.seen_offsets[user]; s < bundle.seen_offsets[user + 1]; s++)
        if ((uint64_t)bundle.item_numbers[bundle.seen_items[s]] == reference.ids[i].number)
            return 1;
    return 0;
}

/* The filter passes exactly what the options say. Returns how many items. */
static size_t check_filter(const recsys_filter_options *options, const char *what)
{
    recsys_filter *filter = NULL;
    unsigned char passing[N_ITEMS];
    size_t user = bundle.n_users, n = 0;

    for (size_t u = 0; u < bundle.n_users; u++)
        if ((options->flags & RECSYS_FILTER_EXCLUDE_SEEN) != 0 &&
            (uint64_t)bundle.user_numbers[u] == options->seen_by.number)
            user = u;
    must(recsys_filter_create(model, options, &filter, &err), &err, what);
    list_passing(filter, passing);
    for (size_t i = 0; i < N_ITEMS; i++) {
        int want = passes(&reference, i, options) && (user == bundle.n_users || !has_seen(user, i));
        if (passing[i] != want)
            fail_msg("%s: item %llu %s", what, (unsigned long long)reference.ids[i].number,
                     want ? "is missing" : "came through");
        n += (size_t)want;
    }
    if (recsys_filter_count(filter) != n)
        fail_msg("%s: count says %zu, %zu pass", what, recsys_filter_count(filter), n);
    recsys_filter_unref(filter);
    return n;
}

static void an_items_entry_is_its_line_of_the_catalogue(void **state)
{
    size_t n_unknown = 0;

    (void)state;
    for (size_t row = 0; row < N_ITEMS; row++) {
        recsys_id id = RECSYS_ID_NUMBER((uint64_t)bundle.item_numbers[row]);
        recsys_item item = {.struct_size = (uint32_t)sizeof item};
        char line[256], piece[128];
        bundle_catalog_line(&bundle, row, line);
        must(recsys_catalog_get(model, id, &item, &err), &err, "entry");
        assert_int_equal(item.known, line[0] != '\0');
        if (!item.known) {
            n_unknown++;
            assert_string_equal(item.title, "");
            assert_true(item.n_genres == 0 && item.genres == NULL && item.language == NULL);
            assert_true(item.release_year == 0 && item.rating < 0 && item.adult == 0);
            assert_null(item.poster_url);
            continue;
        }
        snprintf(piece, sizeof piece, "\"title\": \"%s\"", item.title);
        assert_non_null(strstr(line, piece));
        assert_int_equal(item.n_genres, 2);
        snprintf(piece, sizeof piece, "[\"%s\", \"%s\"]", item.genres[0], item.genres[1]);
        assert_non_null(strstr(line, piece));
        snprintf(piece, sizeof piece, "\"release_year\": %d, \"rating\": %.1f", item.release_year,
                 (double)item.rating);
        assert_non_null(strstr(line, piece));
        snprintf(piece, sizeof piece, "\"language\": \"%s\", \"adult\": %s}", item.language,
                 item.adult ? "true" : "false");
        assert_non_null(strstr(line, piece));
        assert_null(item.poster_url);
    }
    assert_true(n_unknown > 0 && n_unknown < N_ITEMS);
}

static void an_entry_needs_a_known_id_and_a_size(void **state)
{
    recsys_item item = {.struct_size = (uint32_t)sizeof item};
    const recsys_id unknown = RECSYS_ID_NUMBER(100000), text = {"i-5", 3};

    (void)state;
    expect(recsys_catalog_get(model, unknown, &item, &err), RECSYS_E_NOT_FOUND, &err, "unknown");
    expect(recsys_catalog_get(model, text, &item, &err), RECSYS_E_INVALID, &err, "text");
    expect(recsys_catalog_get(NULL, unknown, &item, &err), RECSYS_E_INVALID, &err, "no model");
    expect(recsys_catalog_get(model, reference.ids[0], NULL, &err), RECSYS_E_INVALID, &err, "");
    item.struct_size = 0;
    expect(recsys_catalog_get(model, reference.ids[0], &item, &err), RECSYS_E_INVALID, &err, "");
    assert_int_equal(recsys_catalog_get(model, unknown, NULL, NULL), RECSYS_E_INVALID);
}

static void no_condition_passes_everything(void **state)
{
    recsys_filter_options options = no_conditions();
    recsys_filter *filter = NULL;

    (void)state;
    assert_int_equal(check_filter(&options, "no condition"), N_ITEMS);
    must(recsys_filter_create(model, NULL, &filter, &err), &err, "NULL options");
    assert_int_equal(recsys_filter_count(filter), N_ITEMS);
    recsys_filter_unref(filter);
}

static void every_condition_alone_passes_what_meets_it(void **state)
{
    static const char *const english[] = {"EN"}, *const two[] = {"fr", "Ko"},
                             *const none[] = {"xx"};
    recsys_filter_options options = no_conditions();

    (void)state;
    options.min_rating = 6.5f;
    CHECK_BETWEEN(check_filter(&options, "rating"), 1, N_ITEMS - 1);
    options = no_conditions();
    options.min_year = 1990;
    CHECK_BETWEEN(check_filter(&options, "from 1990"), 1, N_ITEMS - 1);
    options = no_conditions();
    options.max_year = 1969;
    CHECK_BETWEEN(check_filter(&options, "to 1969"), 1, N_ITEMS - 1);
    options.min_year = 1965;
    CHECK_BETWEEN(check_filter(&options, "1965 to 1969"), 1, N_ITEMS - 1);
    options.min_year = 1970;
    assert_int_equal(check_filter(&options, "an empty range"), 0);
    options = no_conditions();
    options.languages = english;
    options.n_languages = 1;
    CHECK_BETWEEN(check_filter(&options, "one language"), 1, N_ITEMS - 1);
    options.languages = two;
    options.n_languages = 2;
    CHECK_BETWEEN(check_filter(&options, "two languages"), 1, N_ITEMS - 1);
    options.languages = none;
    options.n_languages = 1;
    assert_int_equal(check_filter(&options, "a language nobody speaks"), 0);
    options = no_conditions();
    options.flags = RECSYS_FILTER_EXCLUDE_ADULT;
    CHECK_BETWEEN(check_filter(&options, "no adult items"), 1, N_ITEMS - 1);
}

static void lists_allow_and_exclude(void **state)
{
    recsys_filter_options options = no_conditions();
    const recsys_id unknown = RECSYS_ID_NUMBER(100000);
    recsys_id some[6];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        some[i] = reference.ids[i * 60 + 3];
    some[4] = unknown;
    some[5] = some[0]; /* twice */
    options.flags = RECSYS_FILTER_ALLOW;
    options.allow = some;
    options.n_allow = 6;
    assert_int_equal(check_filter(&options, "allow"), 4);
    options.n_allow = 0;
    assert_int_equal(check_filter(&options, "an allow list without entries"), 0);
    options.allow = NULL; /* as a slice that is nil comes in */
    assert_int_equal(check_filter(&options, "an allow list that is NULL"), 0);
    options = no_conditions();
    options.exclude = some;
    options.n_exclude = 6;
    assert_int_equal(check_filter(&options, "exclude"), N_ITEMS - 4);
    options.flags = RECSYS_FILTER_ALLOW;
    options.allow = some;
    options.n_allow = 3;
    options.exclude = some + 2;
    options.n_exclude = 4;
    assert_int_equal(check_filter(&options, "both"), 1); /* places 0..2 without 2, 3 and 0 again */
    options = no_conditions();
    options.exclude = reference.ids;
    options.n_exclude = N_ITEMS;
    assert_int_equal(check_filter(&options, "exclude all"), 0);
}

static void what_a_user_has_seen_is_left_out(void **state)
{
    recsys_filter_options options = no_conditions();
    size_t least = N_ITEMS;

    (void)state;
    options.flags = RECSYS_FILTER_EXCLUDE_SEEN;
    for (size_t u = 0; u < bundle.n_users; u++) {
        options.seen_by.number = (uint64_t)bundle.user_numbers[u];
        size_t n = check_filter(&options, "seen");
        assert_int_equal(n, N_ITEMS - (bundle.seen_offsets[u + 1] - bundle.seen_offsets[u]));
        least = n < least ? n : least;
    }
    assert_true(least < N_ITEMS);
    options.seen_by.number = 100000; /* no such user: nobody has seen anything */
    assert_int_equal(check_filter(&options, "an unknown user"), N_ITEMS);
}

static void conditions_together_are_a_conjunction(void **state)
{
    static const char *const languages[] = {"en", "fr", "KO", "zz"};
    uint64_t random = SEED;
    recsys_id allow[120], exclude[40];

    (void)state;
    for (int round = 0; round < 300; round++) {
        recsys_filter_options options = no_conditions();
        char what[32];
        snprintf(what, sizeof what, "round %d", round);
        if (bundle_random(&random, 3) == 0)
            options.min_rating = (float)bundle_random(&random, 100) / 10.0f;
        if (bundle_random(&random, 3) == 0)
            options.min_year = (int32_t)(1940 + bundle_random(&random, 80));
        if (bundle_random(&random, 3) == 0)
            options.max_year = (int32_t)(1940 + bundle_random(&random, 80));
        if (bundle_random(&random, 3) == 0) {
            options.n_languages = (uint32_t)bundle_random(&random, 3) + 1;
            options.languages = languages + bundle_random(&random, 2);
        }
        options.flags = bundle_random(&random, 2) == 0 ? RECSYS_FILTER_EXCLUDE_ADULT : 0;
        if (bundle_random(&random, 3) == 0) {
            options.flags |= RECSYS_FILTER_ALLOW;
            options.n_allow = (size_t)bundle_random(&random, 120);
            options.allow = allow;
            for (size_t i = 0; i < options.n_allow; i++)
                allow[i] = reference.ids[bundle_random(&random, N_ITEMS)];
        }
        if (bundle_random(&random, 2) == 0) {
            options.n_exclude = (size_t)bundle_random(&random, 40);
            options.exclude = exclude;
            for (size_t i = 0; i < options.n_exclude; i++)
                exclude[i] = reference.ids[bundle_random(&random, N_ITEMS)];
        }
        if (bundle_random(&random, 2) == 0) {
            options.flags |= RECSYS_FILTER_EXCLUDE_SEEN;
            options.seen_by.number = (uint64_t)bundle.user_numbers[bundle_random(&random, 12)];
        }
        check_filter(&options, what);
    }
}

static void refuse(recsys_model *of, const recsys_filter_options *options, recsys_status want,
                   const char *what)
{
    recsys_filter *filter = (recsys_filter *)&err;

    expect(recsys_filter_create(of, options, &filter, &err), want, &err, what);
    assert_null(filter);
    assert_int_equal(recsys_filter_create(of, options, &filter, NULL), want);
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const char *const hole[] = {NULL};
    const recsys_id text = {"i-5", 3}, huge = RECSYS_ID_NUMBER((uint64_t)INT64_MAX + 1);
    recsys_filter_options options = no_conditions();

    (void)state;
    refuse(NULL, &options, RECSYS_E_INVALID, "no model");
    expect(recsys_filter_create(model, &options, NULL, &err), RECSYS_E_INVALID, &err, "no out");
    options.struct_size = 0;
    refuse(model, &options, RECSYS_E_INVALID, "no size");
    options = no_conditions();
    options.min_rating = NAN;
    refuse(model, &options, RECSYS_E_INVALID, "a rating that is no number");
    options = no_conditions();
    options.n_languages = 1;
    refuse(model, &options, RECSYS_E_INVALID, "languages that are not there");
    options.languages = hole;
    refuse(model, &options, RECSYS_E_INVALID, "a language that is NULL");
    options = no_conditions();
    options.flags = RECSYS_FILTER_ALLOW;
    options.n_allow = 1;
    refuse(model, &options, RECSYS_E_INVALID, "allowed items that are not there");
    options.allow = &text;
    refuse(model, &options, RECSYS_E_INVALID, "an allowed id of the other kind");
    options.allow = &huge;
    refuse(model, &options, RECSYS_E_INVALID, "an allowed id that no item can have");
    options.flags = 0;
    options.allow = reference.ids;
    refuse(model, &options, RECSYS_E_INVALID, "an allow list without the flag");
    options.n_allow = 0;
    refuse(model, &options, RECSYS_E_INVALID, "an empty allow list without the flag");
    options = no_conditions();
    options.n_exclude = 1;
    refuse(model, &options, RECSYS_E_INVALID, "excluded items that are not there");
    options.exclude = &text;
    refuse(model, &options, RECSYS_E_INVALID, "an excluded id of the other kind");
    options.exclude = &huge;
    refuse(model, &options, RECSYS_E_INVALID, "an excluded id that no item can have");
    options = no_conditions();
    options.seen_by.number = (uint64_t)bundle.user_numbers[0];
    refuse(model, &options, RECSYS_E_INVALID, "seen_by without the flag");
    options.flags = RECSYS_FILTER_EXCLUDE_SEEN;
    options.seen_by = text;
    refuse(model, &options, RECSYS_E_INVALID, "a user id of the other kind");
    options.seen_by = huge;
    refuse(model, &options, RECSYS_E_INVALID, "a user id that no user can have");
}

static void newer_conditions_are_refused_only_if_used(void **state)
{
    struct {
        recsys_filter_options options;
        uint64_t new_field;
    } newer;
    recsys_filter *filter = NULL;

    (void)state;
    memset(&newer, 0, sizeof newer);
    newer.options.struct_size = (uint32_t)sizeof newer;
    must(recsys_filter_create(model, &newer.options, &filter, &err), &err, "zero tail");
    recsys_filter_unref(filter);
    newer.new_field = 1;
    refuse(model, &newer.options, RECSYS_E_UNSUPPORTED, "a tail that is not zero");
    newer.new_field = 0;
    newer.options.flags = 1u << 31;
    refuse(model, &newer.options, RECSYS_E_UNSUPPORTED, "a flag of no version");
}

static void a_filter_outlives_its_model_and_is_shared(void **state)
{
    struct bundle other;
    recsys_filter_options options = no_conditions();
    recsys_filter *filter = NULL;
    recsys_model *short_lived = make_model(scratch, "short", &other, 2, 10, 4, 3, BUNDLE_CATALOG);

    (void)state;
    options.min_rating = 0.5f;
    must(recsys_filter_create(short_lived, &options, &filter, &err), &err, "filter");
    recsys_model_unref(short_lived);
    assert_ptr_equal(recsys_filter_ref(filter), filter);
    recsys_filter_unref(filter);
    CHECK_BETWEEN(recsys_filter_count(filter), 1, 9); /* ASan would object to a freed model */
    recsys_filter_unref(filter);
    recsys_filter_unref(NULL);
    assert_null(recsys_filter_ref(NULL));
    assert_int_equal(recsys_filter_count(NULL), 0);
    bundle_free(&other);
}

static void a_filter_works_on_every_model_of_the_same_content_and_on_no_other(void **state)
{
    static const float zeros[8];
    struct bundle copy, other;
    recsys_filter_options options = no_conditions();
    recsys_filter *filter = NULL;
    recsys_scorer *scorer = NULL;
    recsys_scored before[N_ITEMS], after[N_ITEMS];
    uint32_t n_before = 0, n_after = 0;
    const recsys_id item = reference.ids[0];

    (void)state;
    /* Not in scan order, so that loading sorts, and by another path. */
    recsys_model *same = make_model(scratch, "same", &copy, 12, N_ITEMS, 8, SEED,
                                    BUNDLE_CATALOG | BUNDLE_SEEN | BUNDLE_BIAS | BUNDLE_UNSORTED);
    recsys_model *different = make_model(scratch, "different", &other, 12, N_ITEMS, 8, SEED + 1,
                                         BUNDLE_CATALOG | BUNDLE_SEEN | BUNDLE_BIAS);
    options.min_rating = 6;
    options.exclude = reference.ids;
    options.n_exclude = 20;
    must(recsys_filter_create(model, &options, &filter, &err), &err, "filter");
    must(recsys_scorer_create(NULL, &scorer, &err), &err, "scorer");
    recsys_query query = {.vector = zeros, .filter = filter, .k = N_ITEMS};
    must(recsys_scorer_top_k(scorer, model, &query, 1, before, N_ITEMS, &n_before, &err), &err, "");
    must(recsys_scorer_top_k(scorer, same, &query, 1, after, N_ITEMS, &n_after, &err), &err, "");
    CHECK_BETWEEN(n_before, 1, N_ITEMS - 20);
    assert_int_equal(n_before, recsys_filter_count(filter));
    assert_int_equal(n_before, n_after);
    for (uint32_t i = 0; i < n_before; i++)
        assert_true(same_id(before[i].item, after[i].item) && before[i].score == after[i].score);
    must(recsys_scorer_similar(scorer, same, item, filter, 5, after, &n_after, &err), &err, "");
    expect(recsys_scorer_top_k(scorer, different, &query, 1, after, N_ITEMS, &n_after, &err),
           RECSYS_E_INVALID, &err, "another model");
    expect(recsys_scorer_similar(scorer, different, item, filter, 5, after, &n_after, &err),
           RECSYS_E_INVALID, &err, "another model");
    recsys_scorer_destroy(scorer);
    recsys_filter_unref(filter);
    recsys_model_unref(same);
    recsys_model_unref(different);
    bundle_free(&copy);
    bundle_free(&other);
}

static void a_model_without_catalogue_has_nothing_that_meets_a_condition(void **state)
{
    struct bundle other;
    recsys_filter_options options = no_conditions();
    recsys_filter *filter = NULL;
    recsys_model *bare = make_model(scratch, "bare", &other, 2, 10, 4, 3, 0);

    (void)state;
    options.min_year = 1990;
    must(recsys_filter_create(bare, &options, &filter, &err), &err, "filter");
    assert_int_equal(recsys_filter_count(filter), 0);
    recsys_filter_unref(filter);
    options = no_conditions();
    options.flags = RECSYS_FILTER_EXCLUDE_ADULT;
    must(recsys_filter_create(bare, &options, &filter, &err), &err, "filter");
    assert_int_equal(recsys_filter_count(filter), 10);
    recsys_filter_unref(filter);
    recsys_model_unref(bare);
    bundle_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_items_entry_is_its_line_of_the_catalogue),
        cmocka_unit_test(an_entry_needs_a_known_id_and_a_size),
        cmocka_unit_test(no_condition_passes_everything),
        cmocka_unit_test(every_condition_alone_passes_what_meets_it),
        cmocka_unit_test(lists_allow_and_exclude),
        cmocka_unit_test(what_a_user_has_seen_is_left_out),
        cmocka_unit_test(conditions_together_are_a_conjunction),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(newer_conditions_are_refused_only_if_used),
        cmocka_unit_test(a_filter_outlives_its_model_and_is_shared),
        cmocka_unit_test(a_filter_works_on_every_model_of_the_same_content_and_on_no_other),
        cmocka_unit_test(a_model_without_catalogue_has_nothing_that_meets_a_condition),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
