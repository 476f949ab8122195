#!/usr/bin/env bash
# gcc 12: _tile_loadconfig() loads a configuration of which only the first eight bytes were written
#
# Seen: 2026-11-30, gcc 12.2.0 (Debian 12), -O1 and more.
#
# One would guess: _tile_loadconfig(&shape) of <immintrin.h> reads the 64 bytes of the configuration, so the compiler has
# written them before.
#
# In fact: the header tells the compiler of one pointer's worth of memory, eight bytes ("m" (*((const void **)config))),
# and _tile_loadd() tells it of none. If the struct is a local variable, the stores to the rows and columns of the tiles
# are dead and left out; the processor gets what was on the stack, and the first tile instruction is an illegal one or
# works on wrong shapes. With __asm__ volatile("" ::"r"(&shape) : "memory") in between they are there. The same function
# at -O0 is right, so a debug build tells nothing.
#
# Needs gcc 12 (Debian package gcc-12), no AMX: it looks at the assembly. Prints what it sees; exit status 0: still so,
# 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cc=$(command -v gcc-12 || command -v x86_64-linux-gnu-gcc-12) || { echo "no gcc 12" >&2; exit 2; }
[ "$("$cc" -dumpmachine | cut -d- -f1)" = x86_64 ] || { echo "not for x86-64" >&2; exit 2; }
"$cc" --version | head -1

cat >shape.c <<'C'
#include <immintrin.h>
#include <string.h>
struct shape {
    unsigned char palette, start, reserved[14];
    unsigned short row_bytes[16]; /* from byte 16 on */
    unsigned char rows[16];
};
__attribute__((target("amx-tile"))) void begin(void)
{
    struct shape shape;
    memset(&shape, 0, sizeof shape);
    shape.palette = 1;
    for (int i = 0; i < 8; i++) {
        shape.row_bytes[i] = 64;
        shape.rows[i] = 16;
    }
#ifdef SAY_SO
    __asm__ volatile("" ::"r"(&shape) : "memory");
#endif
    _tile_loadconfig(&shape);
}
C

# How often the function writes to its stack: 64 bytes take at least four stores of 16.
stores() { "$cc" -O2 "$@" -S -o - shape.c | grep -cE '^\s+(v?mov[a-z]*)\s.*, *-?[0-9]*\(%rsp\)'; }
plain=$(stores)
told=$(stores -DSAY_SO)
echo "stores before ldtilecfg: $plain, and $told if the compiler is told that memory is read"
[ "$plain" -lt 4 ] && [ "$told" -ge 4 ]
