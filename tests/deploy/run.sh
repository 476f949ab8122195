#!/usr/bin/env bash
# Checks examples/deploy and debian/ with the programs that will read them.
#
#   tests/deploy/run.sh BUILD-FOLDER PYTHON [PYTEST-ARGUMENT...]
#
# PYTHON has the packages of requirements.txt. promtool comes out of Debian's package prometheus, which
# is unpacked here and not installed: it would start a service.
set -eu
build=$(cd "$1" && pwd)
python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
shift 2
cd "$(dirname "$0")"

if ! command -v promtool > /dev/null && [ ! -x "$build/promtool/usr/bin/promtool" ]; then
  (mkdir -p "$build/promtool" && cd "$build/promtool" && apt-get download -q prometheus &&
    dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb)
fi
export PATH=$PATH:$build/promtool/usr/bin RECSYS_TEST_BIN=$build/bin PYTHONDONTWRITEBYTECODE=1
exec "$python" -m pytest -q -p no:cacheprovider --durations=3 "$@"
