#!/usr/bin/env bash
# Builds and runs the benchmarks and prints their tables.
#
#   ./tests/bench/run.sh [score] [daemon] [swap] [registry] [start] [quality] [cache]   these; none or
#                     all = all
#     --quick         small data and short runs: does everything work?
#     --data DIR      ratings.csv and movies.csv as MovieLens has them, for daemon, swap and
#                     quality (default: the demo data in examples/data)
#     --venv DIR      Python environment with the peers (default: build/bench-venv, made here)
#     --build DIR     build directory (default: build/bench)
#     --no-build      use what is built there
#
# Tables go to standard output and to build/bench/results/. Benchmarks decide
# nothing: the exit status says only whether they could run.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
here=$root/tests/bench
build=$root/build/bench
venv=$root/build/bench-venv
data=$root/examples/data
quick=
compile=yes
wanted=
export PYTHONDONTWRITEBYTECODE=1

needs_value() {
  [ $# -gt 1 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
}

while [ $# -gt 0 ]; do
  case $1 in
    score | daemon | swap | registry | start | quality | cache) wanted="$wanted $1" ;;
    all) wanted="$wanted score daemon swap registry start quality cache" ;;
    --quick) quick=--quick ;;
    --no-build) compile=no ;;
    --data) needs_value "$@"; data=$(realpath "$2"); shift ;;
    --venv) needs_value "$@"; venv=$(realpath "$2"); shift ;;
    --build) needs_value "$@"; build=$(realpath -m "$2"); shift ;;
    -h | --help) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "run.sh: no benchmark or option '$1' (try --help)" >&2; exit 2 ;;
  esac
  shift
done
[ -n "$wanted" ] || wanted="score daemon swap registry start quality cache"

wants() {
  case " $wanted " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# Libraries are measured as they come, not as this shell's environment bends them.
for name in $(compgen -e | grep -E '^(OPENBLAS|GOTO|OMP|GOMP|KMP|MKL|BLIS|NVPL)_'); do
  unset "$name"
done

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() { # install_packages PACKAGE...: Debian and Ubuntu
  as_root apt-get update || echo "run.sh: apt-get update failed; trying anyway" >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

install_peers() {
  local requirements=$here/peers/requirements.txt
  if [ -x "$venv/bin/python" ]; then
    [ "$venv" = "$root/build/bench-venv" ] || return 0 # somebody else's
    if cmp -s "$requirements" "$venv/installed.txt"; then return 0; fi
  fi
  python3 -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
  cp "$requirements" "$venv/installed.txt"
}

compile_all() {
  ./examples/install_dependencies.sh
  cmake --preset release -B "$build" -DRECSYS_BUILD_BENCH=ON -DRECSYS_BUILD_TESTS=OFF
  cmake --build "$build" -j "$(nproc 2>/dev/null || echo 2)"
}

results=$build/results
mkdir -p "$results"
if [ "$compile" = yes ]; then
  if ! compile_all > "$results/build.log" 2>&1; then
    tail -n 30 "$results/build.log"
    echo "run.sh: the build has failed" >&2
    exit 1
  fi
fi
if wants score || wants daemon || wants quality || wants cache; then install_peers; fi
if wants registry && [ ! -x "$root/build/venv-mlflow/bin/python" ]; then
  python3 -m venv "$root/build/venv-mlflow"
  "$root/build/venv-mlflow/bin/pip" install --quiet --disable-pip-version-check \
    -r "$root/tests/support/mlflow-requirements.txt"
fi
if wants daemon || wants registry; then
  command -v wrk > /dev/null || install_packages wrk
  test -e /usr/include/civetweb.h || install_packages libcivetweb-dev
fi
if wants cache; then
  command -v redis-server > /dev/null || install_packages redis-server
  command -v go > /dev/null || install_packages golang-go
fi

failed=
bench() { # bench NAME COMMAND...
  local name=$1 start=$SECONDS
  shift
  wants "$name" || return 0
  echo
  echo "== $name"
  if "$@"; then
    echo "($((SECONDS - start)) s)"
  else
    failed="$failed $name"
  fi
}

quality() {
  local seeds=5
  [ -z "$quick" ] || seeds=1
  "$venv/bin/python" "$here/quality/evaluate_quality.py" --bin "$build/bin" --data "$data" \
    --seeds "$seeds" > "$results/quality.txt"
  cat "$results/quality.txt"
}

bench score python3 "$here/bench_score.py" --build "$build" --venv "$venv" \
  --out "$results/score.txt" $quick
bench daemon python3 "$here/bench_daemon.py" --build "$build" --venv "$venv" --data "$data" \
  --out "$results/daemon.txt" $quick
bench swap python3 "$here/bench_swap.py" --build "$build" --data "$data" \
  --out "$results/swap.txt" $quick
bench registry python3 "$here/bench_registry.py" --build "$build" --out "$results/registry.txt" $quick
bench start python3 "$here/bench_start.py" --build "$build" --out "$results/start.txt" $quick
bench quality quality
bench cache python3 "$here/bench_cache.py" --build "$build" --venv "$venv" \
  --out "$results/cache.txt" $quick

if [ -n "$failed" ]; then
  echo "could not run:$failed" >&2
  exit 1
fi
