#!/usr/bin/env bash
# Opens recsysd's pages in a real Chromium.
#
#   tests/pages/run.sh BUILD-FOLDER PYTHON [PYTEST-ARGUMENT...]
#
# PYTHON has the packages of requirements.txt; examples/install_dependencies.sh --tests installs the
# browser.
set -eu
RECSYS_TEST_RECSYSD=$(cd "$1" && pwd)/bin/recsysd
python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
shift 2
cd "$(dirname "$0")"
export RECSYS_TEST_RECSYSD PYTHONDONTWRITEBYTECODE=1
exec "$python" -m pytest -q -p no:cacheprovider --durations=3 "$@"
