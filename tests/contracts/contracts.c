/* tests/contracts/contracts.c - see contracts.h.
 *
 * Counts go to a file of the process in the folder RECSYS_CONTRACTS, if that is set:
 * lines "function successes failures", written when the process ends. */
#include "tests/contracts/contracts.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FUNCTIONS 512u
#define UNTOUCHED 0xa5

static struct {
    _Atomic(const char *) name;
    _Atomic unsigned long succeeded, failed;
} seen[MAX_FUNCTIONS];

static void breach(const char *function, const char *what, recsys_status status, const char *message)
{
    fprintf(stderr, "CONTRACT BROKEN: %s: %s (status %s: %.200s)\n", function, what,
            recsys_status_name(status), message);
    abort();
}

recsys_error contracts_untouched(void)
{
    recsys_error err;

    memset(&err, UNTOUCHED, sizeof err);
    return err;
}

static int is_untouched(const recsys_error *err)
{
    const recsys_error untouched = contracts_untouched();

    return memcmp(err, &untouched, sizeof untouched) == 0;
}

void contracts_judge(const char *function, size_t index, recsys_status status,
                     const recsys_error *said)
{
    if (index < MAX_FUNCTIONS) {
        atomic_store_explicit(&seen[index].name, function, memory_order_relaxed);
        atomic_fetch_add_explicit(status == RECSYS_OK ? &seen[index].succeeded
                                                      : &seen[index].failed,
                                  1u, memory_order_relaxed);
    }
    if (status > 0 || strcmp(recsys_status_name(status), "unknown") == 0)
        breach(function, "returned a number that is no status", status, "");
    if (said == NULL)
        return;
    if (status == RECSYS_OK) {
        if (!is_untouched(said))
            breach(function, "succeeded and wrote the error record", status, said->message);
        return;
    }
    if (is_untouched(said))
        breach(function, "failed and did not write the error record", status, "");
    if (said->status != status)
        breach(function, "returned another status than the error record has", status,
               said->message);
    if (memchr(said->message, '\0', sizeof said->message) == NULL || said->message[0] == '\0')
        breach(function, "failed without a message", status, "");
}

void contracts_is_clear(const char *function, const char *what, const void *result, size_t first,
                        size_t size)
{
    const unsigned char *bytes = result;
    char text[120];

    if (result == NULL)
        return;
    for (size_t i = first; i < size && size <= 4096u; i++)
        if (bytes[i] != 0) {
            snprintf(text, sizeof text, "failed and left something in `%s` (byte %zu)", what, i);
            breach(function, text, RECSYS_OK, "");
        }
}

void contracts_null(const char *function, size_t index, recsys_status status,
                    const recsys_error *said)
{
    if (status != RECSYS_E_INVALID)
        breach(function, "called without arguments, did not fail with E_INVALID", status,
               is_untouched(said) ? "" : said->message);
    contracts_judge(function, index, status, said);
}

__attribute__((destructor)) static void write_counts(void)
{
    const char *folder = getenv("RECSYS_CONTRACTS");
    char path[1024];
    FILE *file;

    if (folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/%ld", folder, (long)getpid());
    if ((file = fopen(path, "a")) == NULL)
        return;
    for (size_t i = 0; i < MAX_FUNCTIONS; i++)
        if (seen[i].name != NULL)
            fprintf(file, "%s %lu %lu\n", seen[i].name, seen[i].succeeded, seen[i].failed);
    fclose(file);
}
