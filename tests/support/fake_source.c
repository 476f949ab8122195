/* tests/support/fake_source.c - see fake_source.h. */
#include "tests/support/fake_source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

static recsys_status query(void *self, void *session, const char *statement,
                           const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                           recsys_rows *rows, recsys_error *err)
{
    struct fake_source *fake = self;

    (void)session;
    (void)timeout_ms;
    atomic_fetch_add(&fake->calls, 1u);
    if (fake->fails != RECSYS_OK) {
        if (err != NULL)
            snprintf(err->message, sizeof err->message, "the fake database fails");
        return fake->fails;
    }
    return fake->answer(fake->user_data, statement, parameters, n, rows, err);
}

static recsys_status begin(void *self, uint32_t timeout_ms, void **session, recsys_error *err)
{
    (void)timeout_ms;
    (void)err;
    *session = self;
    return RECSYS_OK;
}

static recsys_status end(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                         recsys_error *err)
{
    (void)self;
    (void)session;
    (void)commit;
    (void)timeout_ms;
    (void)err;
    return RECSYS_OK;
}

static void destroy(void *self)
{
    (void)self;
}

recsys_source *fake_source_create(struct fake_source *fake)
{
    const recsys_source_driver driver = {.struct_size = (uint32_t)sizeof driver,
                                         .query = query,
                                         .begin = begin,
                                         .end = end,
                                         .destroy = destroy};
    recsys_source *source = NULL;
    recsys_error err;

    CHECK_OK(recsys_source_create("fake", &driver, fake, &source, &err), &err);
    return source;
}

void fake_source_text(const recsys_datum *parameter, char *out, size_t room)
{
    if (parameter->type == RECSYS_TYPE_TEXT)
        snprintf(out, room, "%.*s", (int)parameter->size, parameter->text);
    else
        out[0] = '\0';
}

void fake_source_columns(recsys_rows *rows, const char *name, ...)
{
    va_list names;
    recsys_error err;

    va_start(names, name);
    for (; name != NULL; name = va_arg(names, const char *))
        CHECK_OK(recsys_rows_add_column(rows, name, &err), &err);
    va_end(names);
}

void fake_source_add(recsys_rows *rows, recsys_datum value)
{
    recsys_error err;

    CHECK_OK(recsys_rows_add(rows, value, &err), &err);
}

recsys_domain_definition fake_source_definition(void)
{
    recsys_domain_definition definition = RECSYS_DOMAIN_DEFINITION_INIT;

    definition.name = "shop.cart";
    definition.db = 12;
    definition.flags = RECSYS_DOMAIN_PER_USER;
    definition.shape = RECSYS_SHAPE_OBJECT;
    definition.ttl_s = 60;
    definition.key = "shop:{user}:cart:{cart}";
    definition.query = "SELECT a FROM b WHERE c = $1 AND d = $2";
    return definition;
}
