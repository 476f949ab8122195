/* lib/base/trace.c - which components are traced, and whose request a thread works for.
 *
 * Not traced, a component pays for one load. The components are bits of one
 * number, so that they can be changed at any time by any thread. The request's id
 * is a thread's own: it must be known in drivers and callbacks, which no argument
 * reaches (docs/decisions/0010-trace.md). Nothing but the text of lines depends on it.
 *
 * Adapters do not have this file but lib/adapters/librecsys_trace.c, which asks
 * librecsys: there is one choice of components in a process.
 */
#include "lib/base/trace.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

#define REQUEST_SIZE 129u
#define LINE_SIZE 512u

/* In the order of the bits of RECSYS_TRACE_*. */
static const char *const names[] = {"aside",    "store",      "redis", "postgres",
                                    "denylist", "deployment", "scan"};

#define N_COMPONENTS (sizeof names / sizeof names[0])
#define ALL_COMPONENTS ((1u << N_COMPONENTS) - 1)

static _Atomic uint32_t traced;
static _Thread_local char request[REQUEST_SIZE];

int rs_trace_is_on(uint32_t component)
{
    return (atomic_load_explicit(&traced, memory_order_relaxed) & component) != 0;
}

void rs_trace_write(uint32_t component, const char *message)
{
    char line[LINE_SIZE];

    if (component > ALL_COMPONENTS || (component & (component - 1)) != 0)
        return; /* a driver's mistake: not one component of this version */
    if (snprintf(line, sizeof line, "%s [%s] %s", names[__builtin_ctz(component)],
                 request[0] == '\0' ? "-" : request, message) < 0)
        return;
    rs_text_trim(line);
    rs_log_hand_over(RECSYS_LOG_TRACE, line);
}

/* The bit of the name of `size` bytes; 0 if there is none. */
static uint32_t find_component(const char *name, size_t size)
{
    if (size == 3 && memcmp(name, "all", 3) == 0)
        return ALL_COMPONENTS;
    for (uint32_t i = 0; i < N_COMPONENTS; i++)
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
            return 1u << i;
    return 0;
}

static void write_names(uint32_t components, char out[RECSYS_TRACE_NAMES_SIZE])
{
    out[0] = '\0';
    for (uint32_t i = 0; i < N_COMPONENTS; i++)
        if ((components & 1u << i) != 0)
            rs_text_append(out, RECSYS_TRACE_NAMES_SIZE, "%s%s", out[0] == '\0' ? "" : ",",
                           names[i]);
}

recsys_status recsys_log_set_trace(const char *components, recsys_error *err)
{
    char known[RECSYS_TRACE_NAMES_SIZE];
    uint32_t chosen = 0;

    if (components != NULL && *components == '\0')
        components = NULL;
    for (const char *at = components; at != NULL;) {
        size_t size = strcspn(at, ",");
        uint32_t component = find_component(at, size);
        if (component == 0) {
            write_names(ALL_COMPONENTS, known);
            return rs_error(err, RECSYS_E_INVALID,
                            "cannot trace \"%.*s\": no component has that name; there are %s; "
                            "write their names with commas between, or all",
                            size > 64 ? 64 : (int)size, at, known);
        }
        chosen |= component;
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    atomic_store_explicit(&traced, chosen, memory_order_relaxed);
    return RECSYS_OK;
}

recsys_status recsys_log_get_trace(char *out, size_t *size, recsys_error *err)
{
    char text[RECSYS_TRACE_NAMES_SIZE];

    if (out == NULL || size == NULL || *size == 0) {
        if (size != NULL)
            *size = 0;
        return rs_error(err, RECSYS_E_INVALID, "recsys_log_get_trace: an argument is missing");
    }
    write_names(atomic_load_explicit(&traced, memory_order_relaxed), text);
    size_t length = strlen(text);
    if (length >= *size) {
        out[0] = '\0';
        *size = 0;
        return rs_error(err, RECSYS_E_LIMIT,
                        "recsys_log_get_trace: the names need %zu bytes; give "
                        "RECSYS_TRACE_NAMES_SIZE",
                        length + 1);
    }
    memcpy(out, text, length + 1);
    *size = length;
    return RECSYS_OK;
}

void recsys_log_set_request(const char *id)
{
    size_t n = 0;

    for (; id != NULL && id[n] != '\0' && n < REQUEST_SIZE - 1; n++)
        request[n] = rs_trace_is_printable((unsigned char)id[n]) ? id[n] : '?';
    request[n] = '\0';
}

uint32_t recsys_log_check_trace(uint32_t component)
{
    return (uint32_t)rs_trace_is_on(component);
}

void recsys_log_write_trace(uint32_t component, const char *message)
{
    if (message != NULL && rs_trace_is_on(component))
        rs_trace_write(component, message);
}
