#!/usr/bin/env bash
# pip installs an MLflow 2 that cannot open any database: it asks for SQLAlchemy below 3, and 2.1 is too new
#
# Seen: 2026-11-30, MLflow 2.22.5 with SQLAlchemy 2.1.9, which pip chooses; right with 2.0.58 (CPython 3.11).
#
# One would guess: the last release of MLflow 2 says sqlalchemy<3,>=1.4.0, so what pip chooses works, and a minor
# version of SQLAlchemy takes nothing away. If something were missing, "import mlflow" or "mlflow --version" would
# say so, which is what an image's check runs.
#
# In fact: MLflow imports FallbackAsyncAdaptedQueuePool, which SQLAlchemy 2.1 no longer has (2.0 has it). The import
# is in the module of the database store, which is loaded when the first database is opened. So a server with
# --backend-store-uri sqlite:// (or postgresql://) ends at its start with an ImportError, tracking, registry and
# aliases alike, while "mlflow server" with files, as it comes, starts. An image that was built again from the
# same requirements does not start any more. With sqlalchemy<2.1 beside it all is well.
#
# Needs pip and python3; a minute. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be
# tried (also if MLflow 2.22.5 asks pip for something else by then).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
install() {
  "$work/venv/bin/pip" -q install "$@" >"$work/pip.log" 2>&1 || { tail -n 5 "$work/pip.log" >&2; exit 2; }
}
cat >"$work/try.py" <<'PYTHON'
import importlib.metadata
import sys

import mlflow
from mlflow import MlflowClient

asked = [r for r in importlib.metadata.requires("mlflow") if r.lower().startswith("sqlalchemy")]
said = f"MLflow {mlflow.__version__} asks for {asked[0]}; with SQLAlchemy {importlib.metadata.version('sqlalchemy')}"
outcomes = []
for uri in (sys.argv[1] + "/files", "sqlite:///" + sys.argv[1] + "/a.db"):
    try:
        client = MlflowClient(uri, uri)
        client.create_registered_model("model")
        outcomes.append("works")
    except Exception as error:
        outcomes.append(f"{type(error).__name__}: {str(error).split(' (')[0]}")
print(f"{said}: files: {outcomes[0]}; SQLite: {outcomes[1]}")
PYTHON
try() {
  mkdir "$work/$1"
  "$work/venv/bin/python" "$work/try.py" "$work/$1" 2>"$work/errors" | tee "$work/out" || { cat "$work/errors" >&2; exit 2; }
}
install mlflow==2.22.5
try chosen
chosen=$(cat "$work/out")
install 'sqlalchemy==2.0.58'
try older
older=$(cat "$work/out")
case "$chosen|$older" in
*"<3,>=1.4.0; with SQLAlchemy 2."*"files: works; SQLite: ImportError: cannot import name 'FallbackAsyncAdaptedQueuePool'"*"|"*"files: works; SQLite: works") echo "still so" ;;
*) echo "otherwise now"; exit 1 ;;
esac
