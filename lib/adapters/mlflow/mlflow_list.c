/* lib/adapters/mlflow/mlflow_list.c - all models, versions and aliases of the server.
 *
 * Two searches, page by page: one for models, which brings their aliases, one for versions. Pages
 * are offsets into a list that moves when somebody publishes meanwhile, so an entry may come twice,
 * and is taken once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/adapters/mlflow/mlflow_api.h"
#include "lib/adapters/mlflow/mlflow_driver.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"

#define MAX_ENTRIES 100000u
#define MAX_PAGES 2000u
#define MAX_TEXT 255u /* of a name or an alias; recsys_registry_location has no room for more */

struct listed {
    char *name, *alias; /* alias NULL = a version */
    uint64_t version;
};

struct listed_all {
    struct listed *list;
    size_t n, room;
};

static void destroy(struct listed_all *all)
{
    for (size_t i = 0; i < all->n; i++) {
        rs_free(all->list[i].name);
        rs_free(all->list[i].alias);
    }
    rs_free(all->list);
}

/* Versions by number, then aliases, of each model. */
static int compare(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    if (order != 0)
        return order;
    if ((x->alias == NULL) != (y->alias == NULL))
        return x->alias == NULL ? -1 : 1;
    if (x->alias != NULL)
        return strcmp(x->alias, y->alias);
    return x->version < y->version ? -1 : x->version > y->version;
}

static uint64_t number_of(const json_t *version)
{
    const char *text = json_string_value(version);

    if (json_is_integer(version) && json_integer_value(version) > 0)
        return (uint64_t)json_integer_value(version);
    if (text == NULL || strspn(text, "0123456789") != strlen(text) || strlen(text) > 19)
        return 0;
    return strtoull(text, NULL, 10);
}

/* An entry that is not what it should be is left out. */
static recsys_status add(struct listed_all *all, const char *name, const json_t *alias,
                         const json_t *version, recsys_error *err)
{
    uint64_t number = number_of(version);
    const char *alias_text = json_string_value(alias);

    if (name == NULL || *name == '\0' || strlen(name) > MAX_TEXT || number == 0 ||
        (alias != NULL &&
         (alias_text == NULL || *alias_text == '\0' || strlen(alias_text) > MAX_TEXT)))
        return RECSYS_OK;
    if (all->n >= MAX_ENTRIES)
        return rs_error(err, RECSYS_E_LIMIT, "MLflow has more than 100000 versions to list");
    if (all->n == all->room) {
        size_t room = all->room == 0 ? 64 : all->room * 2;
        struct listed *list = rs_resize_array(all->list, room, sizeof *list);
        if (list == NULL)
            return rs_error_nomem(err, "list of versions");
        all->list = list;
        all->room = room;
    }
    struct listed *entry = &all->list[all->n];
    *entry = (struct listed){rs_copy_text(name), NULL, number};
    if (alias_text != NULL)
        entry->alias = rs_copy_text(alias_text);
    if (entry->name == NULL || (alias_text != NULL && entry->alias == NULL)) {
        rs_free(entry->name);
        rs_free(entry->alias);
        return rs_error_nomem(err, "list of versions");
    }
    all->n++;
    return RECSYS_OK;
}

static recsys_status add_model(struct listed_all *all, const json_t *model, recsys_error *err)
{
    const json_t *alias;
    size_t i;
    recsys_status status = RECSYS_OK;

    json_array_foreach(json_object_get(model, "aliases"), i, alias)
    {
        if (status == RECSYS_OK && json_is_string(json_object_get(alias, "alias")))
            status = add(all, json_string_value(json_object_get(model, "name")),
                         json_object_get(alias, "alias"), json_object_get(alias, "version"), err);
    }
    return status;
}

static recsys_status add_page(struct listed_all *all, const json_t *page, const char *member,
                              recsys_error *err)
{
    int are_models = strcmp(member, "registered_models") == 0;
    const json_t *entry;
    size_t i;
    recsys_status status = RECSYS_OK;

    json_array_foreach(json_object_get(page, member), i, entry)
    {
        if (status == RECSYS_OK && are_models)
            status = add_model(all, entry, err);
        else if (status == RECSYS_OK)
            status = add(all, json_string_value(json_object_get(entry, "name")), NULL,
                         json_object_get(entry, "version"), err);
    }
    return status;
}

/* One search, to its last page. */
static recsys_status search(struct rs_mlflow_http *http, const char *route, const char *member,
                            const char *filter, struct listed_all *all, recsys_error *err)
{
    char token[1024] = "";
    recsys_status status = RECSYS_OK;
    size_t n = 0;

    do {
        struct rs_mlflow_path path;
        struct rs_mlflow_reply reply = {0};
        json_t *page = NULL;
        rs_mlflow_path_begin(&path, route);
        rs_mlflow_path_add(&path, "max_results", "500");
        if (filter != NULL)
            rs_mlflow_path_add(&path, "filter", filter);
        if (*token != '\0')
            rs_mlflow_path_add(&path, "page_token", token);
        status = rs_mlflow_ask(http, &path, "listing", &reply, err);
        if (status == RECSYS_OK)
            status = rs_json_parse(reply.body.bytes == NULL ? "" : reply.body.bytes,
                                   reply.body.size, "MLflow's list", &page, err);
        if (status == RECSYS_OK)
            status = add_page(all, page, member, err);
        const char *next = json_string_value(json_object_get(page, "next_page_token"));
        int is_long =
            snprintf(token, sizeof token, "%s", next == NULL ? "" : next) >= (int)sizeof token;
        if (status == RECSYS_OK && *token != '\0' && (is_long || ++n == MAX_PAGES))
            status = rs_error(err, RECSYS_E_LIMIT,
                              is_long ? "MLflow's list names a next page with more than 1023 bytes"
                                      : "MLflow's list has more than 2000 pages");
        json_decref(page);
        rs_mlflow_reply_destroy(&reply);
    } while (status == RECSYS_OK && *token != '\0');
    return status;
}

static recsys_status gather(struct rs_mlflow *mlflow, const char *name, struct listed_all *all,
                            recsys_error *err)
{
    char filter[600];
    struct rs_mlflow_http http;
    recsys_status status = RECSYS_OK;

    if (name != NULL) {
        char quote = strchr(name, '\'') == NULL ? '\'' : '"';
        if (quote == '"' && strchr(name, '"') != NULL)
            return rs_error(err, RECSYS_E_UNSUPPORTED,
                            "MLflow cannot search for a model with both quotes in its name: %.100s",
                            name);
        snprintf(filter, sizeof filter, "name=%c%s%c", quote, name, quote);
    }
    status = rs_mlflow_http_open(&http, &mlflow->settings, &mlflow->counts, err);
    if (status == RECSYS_OK)
        status = search(&http, "/mlflow/model-versions/search", "model_versions",
                        name == NULL ? NULL : filter, all, err);
    if (status == RECSYS_OK)
        status = search(&http, "/mlflow/registered-models/search", "registered_models",
                        name == NULL ? NULL : filter, all, err);
    rs_mlflow_http_close(&http);
    if (status == RECSYS_OK && name != NULL && all->n == 0)
        status = rs_error(err, RECSYS_E_NOT_FOUND,
                          "MLflow %.120s: there is no model \"%.100s\", or it has no version yet",
                          mlflow->settings.origin, name);
    return status;
}

recsys_status rs_mlflow_list(void *self, const char *name, recsys_registry_callback callback,
                             void *user_data, recsys_error *err)
{
    struct rs_mlflow *mlflow = self;
    struct listed_all all = {NULL, 0, 0};
    recsys_status status = gather(mlflow, name, &all, err);

    if (status == RECSYS_OK && all.n > 1)
        qsort(all.list, all.n, sizeof *all.list, compare);
    for (size_t i = 0; i < all.n && status == RECSYS_OK; i++) {
        const struct listed *entry = &all.list[i];
        char number[24];
        if (i > 0 && compare(&all.list[i - 1], entry) == 0)
            continue;
        snprintf(number, sizeof number, "%" PRIu64, entry->version);
        recsys_registry_entry told = {(uint32_t)sizeof told, 0u, entry->name, number, entry->alias};
        if (callback(&told, user_data) != 0)
            break;
    }
    destroy(&all);
    return status;
}
