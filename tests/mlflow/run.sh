#!/usr/bin/env bash
# Tests recsys.mlflow with real MLflow servers, which the tests start.
#
#   tests/mlflow/run.sh BUILD-FOLDER PYTHON [PYTEST-ARGUMENT...]
#
# PYTHON has the packages of tests/support/mlflow-requirements.txt.
set -eu
build=$(cd "$1" && pwd)
python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
shift 2
cd "$(dirname "$0")"
export RECSYS_LIBRARY=$build/lib/librecsys.so RECSYS_TEST_BIN=$build/bin OPENBLAS_NUM_THREADS=1
export PYTHONDONTWRITEBYTECODE=1 MLFLOW_DISABLE_TELEMETRY=true
exec "$python" -m pytest -q -p no:cacheprovider --durations=5 "$@"
