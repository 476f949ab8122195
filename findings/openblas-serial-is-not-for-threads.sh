#!/usr/bin/env bash
# Debian's serial OpenBLAS gives wrong numbers to threads that call it at the same time
#
# Seen: 2026-11-29, OpenBLAS 0.3.21 (Debian 12: libopenblas0-serial and libopenblas0-pthread 0.3.21+ds-4), amd64.
#
# One would guess: "serial" means that the library starts no threads. A program that has its own wants just that,
# and its threads, each with its own matrix, vector and result, get what the same calls give alone, as they do
# from the pthread flavour with OPENBLAS_NUM_THREADS=1. Both provide libblas.so.3, and
# libopenblas0 is content with either.
#
# In fact: calls at the same time spoil each other. 8 threads multiply each its own matrix, 64 rows of
# 1000, with its own vector (cblas_sgemv) on two processors; 10 answers are wrong after 1604 to 86153 calls (3 of 60
# processes on a busy machine saw none in 200000, hence several tries). They are not wrong in the last bits: 12.4082
# instead of 5.24748, and 5.24748 instead of 12.4082 in the thread beside it, which is the other thread's answer.
# There is no message and no status. The pthread flavour: 0 of 200000, ten times.
# The same with the kernels for Haswell (OPENBLAS_CORETYPE) as with those for SkylakeX.
# Upstream knows it: OpenBLAS built without threads for callers with threads needs USE_LOCKING=1. The package shows "USE_THREAD=0" at the end of the description, SINGLE_THREADED in openblas_get_config(), and 0 from
# openblas_get_parallel(). Which flavour a program gets is decided where it runs, by update-alternatives.
# A test finds it only with different data in each thread: with equal data it saw 0 of 600000.
#
# Needs apt of Debian 12, gcc and two processors; half a minute, at most six. Prints what it sees; exit status
# 0: still so, 1: otherwise, 2: could not be tried.
set -eu
TRIES=10 # processes of 200000 calls each, until one sees wrong answers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
[ "$(nproc)" -ge 2 ] || { echo "one processor only: calls hardly ever meet"; exit 2; }
apt-get -qq download libopenblas0-serial=0.3.21+ds-4 libopenblas0-pthread=0.3.21+ds-4 \
  libgfortran5=12.2.0-14+deb12u1 libquadmath0=12.2.0-14+deb12u1 2>apt.log || { cat apt.log >&2; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root; done
for flavour in serial pthread; do
  echo "libopenblas0-$flavour provides $(dpkg-deb -f libopenblas0-${flavour}_*.deb Provides)"
done

cat >threads.c <<'C'
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 64, COLUMNS = 1000, THREADS = 8, CALLS = 25000, ENOUGH = 10, SECONDS = 50 };
typedef void sgemv(int order, int transposed, int rows, int columns, float alpha, const float *a, int lda,
                   const float *x, int incx, float beta, float *y, int incy);
static sgemv *multiply;
static struct { float a[ROWS * COLUMNS], x[COLUMNS], alone[ROWS], y[ROWS]; } data[THREADS];
static atomic_long n_calls, n_wrong;
static time_t end;

static void call(int thread, float *y)
{
    const int row_major = 101, not_transposed = 111;
    memset(y, 0, sizeof data[thread].y);
    multiply(row_major, not_transposed, ROWS, COLUMNS, 1, data[thread].a, COLUMNS, data[thread].x, 1, 0, y, 1);
}

static void *work(void *arg)
{
    int thread = (int)(size_t)arg;
    float *y = data[thread].y, *alone = data[thread].alone;
    for (int i = 0; i < CALLS && n_wrong < ENOUGH && time(NULL) < end; ++i) {
        call(thread, y);
        ++n_calls;
        if (memcmp(y, alone, sizeof data[thread].y) == 0)
            continue;
        int row = 0;
        while (y[row] == alone[row])
            ++row;
        if (++n_wrong <= 3)
            printf("    thread %d, row %d: %g instead of %g\n", thread, row, y[row], alone[row]);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    void *library = dlopen(argv[argc - 1], RTLD_NOW);
    if (!library)
        return puts(dlerror()), 2;
    multiply = (sgemv *)dlsym(library, "cblas_sgemv");
    int (*get_parallel)(void) = (int (*)(void))dlsym(library, "openblas_get_parallel");
    char *(*get_config)(void) = (char *(*)(void))dlsym(library, "openblas_get_config");
    if (!multiply || !get_parallel || !get_config)
        return 2;
    printf("%s\n    openblas_get_parallel() is %d\n", get_config(), get_parallel());
    srand(1);
    for (int t = 0; t < THREADS; ++t) {
        for (int i = 0; i < ROWS * COLUMNS; ++i)
            data[t].a[i] = (float)(rand() % 2001 - 1000) / 1000;
        for (int i = 0; i < COLUMNS; ++i)
            data[t].x[i] = (float)(rand() % 2001 - 1000) / 1000;
        call(t, data[t].alone);
    }
    pthread_t threads[THREADS];
    end = time(NULL) + SECONDS;
    for (int t = 0; t < THREADS; ++t)
        if (pthread_create(&threads[t], NULL, work, (void *)(size_t)t) != 0)
            return 2;
    for (int t = 0; t < THREADS; ++t)
        pthread_join(threads[t], NULL);
    printf("    %ld of %ld calls were wrong\n", (long)n_wrong, (long)n_calls);
    return n_wrong > 0 ? 10 : 0;
}
C
gcc -std=c11 -O1 -Wall threads.c -o threads -lpthread -ldl || exit 2
seen=
for flavour in serial pthread; do
  library=$(echo root/usr/lib/*-linux-gnu/openblas-$flavour/libopenblas.so.0)
  for try in $(seq "$TRIES"); do
    status=0
    OPENBLAS_NUM_THREADS=1 LD_LIBRARY_PATH=$work/$(dirname "$(dirname "$library")") \
      timeout 60 ./threads "$work/$library" >said || status=$?
    [ "$status" = 0 ] && [ $SECONDS -lt 240 ] || break
  done
  cat said
  echo "    (try $try of at most $TRIES)"
  seen="$seen $flavour:$status"
done
case $seen in
" serial:10 pthread:0") echo "still so" ;;
*:2\ * | *:2 | *:124*) echo "could not be tried:$seen"; exit 2 ;;
*) echo "this has changed:$seen instead of serial:10 pthread:0"; exit 1 ;;
esac
