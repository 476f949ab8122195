#!/usr/bin/env bash
# Tests recsys.export, with the library of a build folder and the packages of a Python environment.
#
#   tests/exporters/run.sh BUILD-FOLDER PYTHON [PYTEST-ARGUMENT...]
set -eu
build=$(cd "$1" && pwd)
python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
shift 2
cd "$(dirname "$0")"
top=$(cd ../.. && pwd)
# For processes that the tests start, such as Spark's workers.
export PYTHONPATH=$top/bindings/python:$top/tests/support:$top/tests/exporters:$top/examples
export RECSYS_LIBRARY=$build/lib/librecsys.so OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export PYSPARK_PYTHON=$python
exec "$python" -m pytest -q -p no:cacheprovider --durations=5 "$@"
