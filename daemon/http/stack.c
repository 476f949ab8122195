/* daemon/http/stack.c - civetweb's threads get 1 MiB of stack instead of 100 KB.
 *
 * civetweb gives its workers 102400 bytes and has no option for it. The thread-local storage of
 * every library that is linked lies on that stack, and OpenBLAS alone brings 61440 bytes: after
 * civetweb's own frames some 15 KB are left, which one printf of a long message uses up.
 *
 * A function of the program replaces one of a shared library, so civetweb's call of
 * pthread_attr_setstacksize() comes here. The server refuses to start if that does not work.
 */
#define _GNU_SOURCE /* RTLD_NEXT, pthread_getattr_np */

#include "daemon/http/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

typedef int (*setstacksize)(pthread_attr_t *attributes, size_t size);

__attribute__((visibility("default"))) int pthread_attr_setstacksize(pthread_attr_t *attributes,
                                                                     size_t size)
{
    void *symbol = dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
    setstacksize next;

    if (symbol == NULL)
        return ENOSYS;
    memcpy(&next, &symbol, sizeof next); /* ISO C has no cast from object to function pointer */
    return next(attributes, size < RD_STACK_BYTES ? RD_STACK_BYTES : size);
}

bool rd_stack_is_large(void)
{
    pthread_attr_t attributes;
    size_t size = 0;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return false;
    (void)pthread_attr_getstacksize(&attributes, &size);
    (void)pthread_attr_destroy(&attributes);
    return size >= RD_STACK_BYTES;
}
