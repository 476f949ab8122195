#!/usr/bin/env bash
# Tests the Python package: with the library of a build folder, and as a wheel made of an sdist.
#
#   tests/bindings/python/run.sh BUILD-FOLDER PYTHON [PYTEST-ARGUMENT...]
#
# PYTHON has the packages of requirements.txt. Starts Redis and PostgreSQL. With RECSYS_PYTHONS in
# the environment ("python3.9 python3.13"), those that are here run the tests, too.
set -eu
build=$(cd "$1" && pwd)
python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
shift 2
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
export RECSYS_LIBRARY=$build/lib/librecsys.so OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export RECSYS_PYTHON_WHEELS=$build/wheels
command -v ccache > /dev/null && export CMAKE_C_COMPILER_LAUNCHER=ccache
mkdir -p "$RECSYS_PYTHON_WHEELS"

for other in ${RECSYS_PYTHONS:-}; do
  command -v "$other" > /dev/null || { echo "no $other here"; continue; }
  venv=$build/venv-$(basename "$other")
  [ -x "$venv/bin/pytest" ] || { "$other" -m venv "$venv" &&
    "$venv/bin/pip" install --quiet --disable-pip-version-check numpy pandas pytest; }
  (cd "$here" && "$venv/bin/python" --version &&
    "$venv/bin/python" -m pytest -q -p no:cacheprovider --ignore test_package.py .)
done

cd "$here"
exec python3 "$top/tests/support/servers.py" run "$build/tests/servers" -- \
  "$python" -m pytest -q -p no:cacheprovider --durations=8 --doctest-modules \
  -o doctest_optionflags=ELLIPSIS "$here" "$top/bindings/python/recsys" "$@"
