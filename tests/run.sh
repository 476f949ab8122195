#!/usr/bin/env bash
# Runs every test of the project and ends with a line "N passed, N failed".
#
#   ./tests/run.sh            what every change must pass, in minutes
#   ./tests/run.sh --long     fault, race and fuzz runs at their full length
#   ./tests/run.sh --quick    lints, unit and API tests of the release build, and the requests
#                             and replies of tests/daemon/*.http: a few minutes, before a push
#   ./tests/run.sh NAME...    only these suites (see --list)
#
# Installs what the tests need, builds into build/<preset>/ and writes one log a
# suite to build/test-logs/. Can be run again at any time, on a half-built tree
# too. Servers that a suite needs (Redis, PostgreSQL, MLflow, Celery's workers) are started
# by it on free ports of the loopback interface and stopped by their process ids.
#
# With CI=true in the environment the compilers' warnings are errors. Without, what
# a newer compiler warns of fails nothing.
set -u
cd "$(dirname "$0")/.."
root=$PWD
logs=$root/build/test-logs
jobs=$(nproc 2>/dev/null || echo 2)
wanted=()
quick=no
unset RECSYS_LONG
export RECSYS_WERROR=OFF
[ "${CI:-}" = true ] && RECSYS_WERROR=ON
export OPENBLAS_NUM_THREADS=1
export PYTHONDONTWRITEBYTECODE=1

suites="release contracts bindings python go clang asan tsan celery mlflow mlflow-3.1 mlflow-2.22 exporters exporters-older exporters-large examples daemon daemon-asan promela neighbours inference openapi pattern daemon-pattern ctl ctl-data models models-large log-model deploy docs site pages clients fuzz quickstart"

for argument in "$@"; do
  case $argument in
    --long) export RECSYS_LONG=1 ;;
    --quick) quick=yes ;;
    --list) echo "$suites"; exit 0 ;;
    -h|--help) sed -n '2,18s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "run.sh: unknown option $argument (try --help)" >&2; exit 2 ;;
    *) case " $suites " in
         *" $argument "*) wanted+=("$argument") ;;
         *) echo "run.sh: no suite $argument; there are: $suites" >&2; exit 2 ;;
       esac ;;
  esac
done

if [ "$quick" = yes ] && { [ ${#wanted[@]} -gt 0 ] || [ -n "${RECSYS_LONG:-}" ]; }; then
  echo "run.sh: --quick goes with nothing else" >&2
  exit 2
fi

is_wanted() {
  [ ${#wanted[@]} -eq 0 ] && return 0
  local name
  for name in "${wanted[@]}"; do [ "$name" = "$1" ] && return 0; done
  return 1
}

# Add up what a log says was passed and failed, in ctest's words or in ours.
# A suite that says nothing, or exits with an error without saying that a test
# failed, counts as one failure: nothing may fail silently.
count() {
  local log=$1 status=$2 p=0 f=0 line
  line=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+' "$log" | tail -n 1)
  if [ -n "$line" ]; then
    f=$(echo "$line" | sed -E 's/.* ([0-9]+) tests failed.*/\1/')
    p=$(($(echo "$line" | sed -E 's/.*out of ([0-9]+).*/\1/') - f))
  else
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
    if [ -n "$line" ]; then
      p=$(echo "$line" | sed -E 's/^([0-9]+) passed.*/\1/')
      f=$(echo "$line" | sed -E 's/^[0-9]+ passed, ([0-9]+) failed.*/\1/')
    fi
  fi
  if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  if [ $((p + f)) -eq 0 ]; then f=1; fi
  echo "$p $f" >> "$logs/counts"
  counted="$p passed, $f failed"
  [ "$f" -eq 0 ]
}

suite() { # suite NAME COMMAND...
  local name=$1 start=$SECONDS status
  shift
  is_wanted "$name" || return 0
  "$@" > "$logs/$name.log" 2>&1 < /dev/null
  status=$?
  if count "$logs/$name.log" "$status"; then
    printf '%-12s %s (%d s)\n' "$name" "$counted" $((SECONDS - start))
  else
    printf '%-12s %s (%d s), log: build/test-logs/%s.log\n' "$name" "$counted" \
      $((SECONDS - start)) "$name"
    grep -nE 'ERROR|FAILED|\*\*\*Failed|error:|CHECK|WARNING: ThreadSanitizer' "$logs/$name.log" |
      tail -n 25
    tail -n 25 "$logs/$name.log"
  fi
}

# Two suites may run at the same time, and each builds what it needs: one after the other.
alone() { # alone NAME COMMAND...
  local name=$1 lock status
  shift
  exec {lock}> "$logs/$name.lock"
  flock "$lock"
  "$@"
  status=$?
  exec {lock}>&-
  return $status
}

# Configure and build a preset; the build's own failure is the suite's.
build() {
  alone "build-$1" build_alone "$1"
}
build_alone() {
  cmake --preset "$1" "-DRECSYS_WERROR=$RECSYS_WERROR" && cmake --build --preset "$1" -j "$jobs"
}

run_ctest() { # run_ctest PRESET [ctest arguments]
  local preset=$1
  shift
  build "$preset" && ctest --test-dir "build/$preset" --output-on-failure -j "$jobs" "$@"
}

run_tsan() {
  # ThreadSanitizer wants its shadow at fixed addresses, which some kernels'
  # address randomisation denies it; where personality() is denied, as in many
  # containers, it must do without. Tests that measure or fork have no place here.
  local fixed=(setarch "$(uname -m)" -R)
  "${fixed[@]}" true || fixed=(env)
  build tsan && "${fixed[@]}" ctest --test-dir build/tsan --output-on-failure -j "$jobs" \
    -L 'race|unit|api|integration' -LE figures
}

# A Python environment in build/, made when it is first wanted and when what is wanted has changed.
python_venv() { # python_venv NAME REQUIREMENTS-FILE...
  alone "venv-$1" python_venv_alone "$@"
}
python_venv_alone() {
  local venv=$root/build/venv-$1 wanted=()
  shift
  for file in "$@"; do wanted+=(-r "$file"); done
  cat "$@" | cmp -s - "$venv/installed.txt" && return 0
  rm -rf "$venv"
  python3 -m venv "$venv" &&
    "$venv/bin/pip" install --quiet --disable-pip-version-check "${wanted[@]}" &&
    cat "$@" > "$venv/installed.txt"
}

run_celery() {
  build release && python_venv celery tests/integration/celery/requirements.txt &&
    python3 tests/support/servers.py run build/release/tests/servers -- \
      build/venv-celery/bin/python tests/integration/celery/celery_results.py \
      build/release/tests/celery_reads
}

# The registry over MLflow servers that it starts; older versions only with --long, for each is another
# environment of a gigabyte.
run_mlflow() { # run_mlflow VERSION [--long]; "" = the newest
  local name=mlflow${1:+-$1} version=$1 requirements=tests/support/mlflow-requirements.txt
  shift
  if [ -n "$version" ]; then
    { sed "s/^mlflow\[auth\]==.*/mlflow[auth]==$version/" "$requirements"
      echo "sqlalchemy<2.1" # these do not start with a newer one
    } > "build/$name-requirements.txt"
    requirements=build/$name-requirements.txt
  fi
  build release && ctest --test-dir build/release --quiet -R install/make_bundle &&
    python_venv "$name" "$requirements" &&
    RECSYS_TEST_MLFLOW_PYTHON=$root/build/venv-$name/bin/python "build/venv-$name/bin/python" \
      tests/integration/mlflow/mlflow_servers.py build/release build/release/tests/small-bundle "$@"
}

# Models of real libraries, served by the Python binding. Older versions of the libraries, and those
# that are gigabytes, only with --long.
run_exporters() { # run_exporters NAME TEST...; requirements: tests/support/NAME-requirements.txt
  local name=$1
  shift
  build release && python_venv "$name" "tests/support/$name-requirements.txt" &&
    python3 tests/support/servers.py run build/release/tests/servers -- \
      tests/exporters/run.sh build/release "build/venv-$name/bin/python" "$@"
}

# How the C tests of the release suite have called every public function.
run_contracts() {
  python3 tests/contracts/coverage.py build/release/contracts/functions.txt \
    build/release/contracts/seen
}

run_bindings() {
  build release && ctest --test-dir build/release --quiet -R install/make_bundle &&
    tests/bindings/run.sh build/release build/release/tests/small-bundle
}

# The Go module, with two versions of Go.
run_go() {
  build release && tests/bindings/go/run.sh build/release
}

# The Python package: its tests, and the wheel that is made of its sdist.
run_python() {
  build release && python_venv python tests/bindings/python/requirements.txt &&
    tests/bindings/python/run.sh build/release build/venv-python/bin/python
}

# recsysd through the public client of another server for the same protocol.
run_inference() {
  build release && python_venv inference tests/inference/requirements.txt &&
    build/venv-inference/bin/python tests/inference/public_clients.py --recsysd build/release/bin/recsysd
}

# openapi.json by itself; requests made from it, and whether replies are as it says.
run_openapi() {
  build release && python_venv openapi tests/daemon/openapi-requirements.txt &&
    build/venv-openapi/bin/python tests/daemon/daemon_matches_openapi.py \
      --recsysd build/release/bin/recsysd --schemathesis build/venv-openapi/bin/schemathesis
}

demo_bundle() { # trains the demo model once; prints its folder
  local bundle=$root/build/demo-bundle
  if [ ! -f "$bundle/recsys.json" ]; then
    rm -rf "$bundle"
    "$root/build/release/bin/recsys-train-als" --ratings examples/data/ratings.csv \
      --movies examples/data/movies.csv --details examples/data/details.csv \
      --factors 32 --out "$bundle" >&2 || return 1
  fi
  echo "$bundle"
}

run_examples() {
  local bundle
  build release && bundle=$(demo_bundle) && tests/install/run_examples.sh "$root/build/release" "$bundle"
}

run_daemon() { # run_daemon PRESET [NAME...]
  local preset=$1
  shift
  build "$preset" &&
    python3 tests/daemon/run_daemon_tests.py --recsysd "build/$preset/bin/recsysd" "$@"
}

# recsysd beside the services of the cache design, on one Redis and one PostgreSQL.
run_neighbours() {
  build release && python_venv neighbours tests/neighbours/requirements.txt &&
    build/venv-neighbours/bin/python tests/neighbours/neighbours.py --recsysd build/release/bin/recsysd
}

run_ctl() {
  build release && python3 tests/daemon/ctl_test.py --bin build/release/bin
}

# The lines of docs/models.md with the libraries that they are for. Those that are gigabytes only
# with --long.
run_models() { # run_models NAME [--long]; requirements: tests/support/NAME-requirements.txt
  local name=$1
  shift
  build release && python_venv "$name" "tests/support/$name-requirements.txt" &&
    "build/venv-$name/bin/python" tests/models/run_models.py --recsysctl build/release/bin/recsysctl "$@"
}

# recsys.mlflow with a real MLflow server.
run_log_model() {
  build release && python_venv mlflow tests/support/mlflow-requirements.txt &&
    tests/mlflow/run.sh build/release build/venv-mlflow/bin/python
}

# The code of the pages, executed.
run_docs() {
  build release && python_venv models tests/support/models-requirements.txt &&
    build/venv-models/bin/python tests/docs/run_docs.py build/release
}

# All pages as a site, in which every link leads somewhere and no page asks another host.
run_site() {
  build release && alone build-release cmake --build build/release --target docs &&
    python_venv site docs/site/requirements.txt &&
    build/venv-site/bin/python docs/site/build.py build/release build/site && python3 docs/site/check.py build/site
}

# Unit, manifests, alerts, dashboard and packages' settings, read by the programs that they are for.
run_deploy() {
  build release && python_venv deploy tests/deploy/requirements.txt &&
    tests/deploy/run.sh build/release build/venv-deploy/bin/python
}

# Clients that public generators make of openapi.json.
run_clients() {
  build release && python_venv clients tests/clients/requirements.txt &&
    build/venv-clients/bin/python tests/clients/generated_clients.py \
      --recsysd build/release/bin/recsysd --work build/npm-clients
}

# recsysd's pages in a headless Chromium.
run_pages() {
  build release && python_venv pages tests/pages/requirements.txt &&
    tests/pages/run.sh build/release build/venv-pages/bin/python
}
# Of a developer whose distribution has none; CI must have one.
lacks_chromium() {
  [ "${CI:-}" != true ] && ! command -v chromium chromium-browser google-chrome > /dev/null &&
    [ -z "${RECSYS_TEST_CHROMIUM:-}" ]
}

# Catalogues and ratings that pandas, PostgreSQL, scipy and others have written.
run_ctl_data() {
  local venv=build/venv-models
  build release && python_venv models tests/support/models-requirements.txt &&
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps rectools==0.19.0 &&
    python3 tests/support/servers.py run build/release/tests/servers -- \
      "$venv/bin/python" tests/daemon/ctl_data_test.py --bin build/release/bin
}

# The corpora run as tests in every preset; this gives the fuzzers some seconds
# of their own, or minutes with --long.
run_fuzz() {
  local seconds=5 target name p=0 f=0
  [ "${RECSYS_LONG:-0}" = 1 ] && seconds=120
  build fuzz || return 1
  for target in build/fuzz/tests/fuzz_*; do
    [ -x "$target" ] || continue
    name=$(basename "$target")
    mkdir -p "build/fuzz/found/$name"
    if "$target" -max_total_time=$seconds -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/found/$name/" "build/fuzz/found/$name" "tests/fuzz/corpus/$name"; then
      p=$((p + 1))
    else
      echo "FAILED: $name"
      f=$((f + 1))
    fi
  done
  echo "$p passed, $f failed"
  [ "$f" -eq 0 ]
}

# The script itself, twice, as a newcomer would run it.
run_quickstart() {
  local p=0 f=0 i
  for i in 1 2; do
    if ./examples/quickstart.sh; then p=$((p + 1)); else f=$((f + 1)); fi
  done
  echo "$p passed, $f failed"
  [ "$f" -eq 0 ]
}

mkdir -p "$logs"
if ! ./examples/install_dependencies.sh --tests > "$logs/install_dependencies.log" 2>&1; then
  tail -n 20 "$logs/install_dependencies.log"
  echo "run.sh: installing what the tests need has failed" >&2
  echo "0 passed, 1 failed"
  exit 1
fi

end() {
  local passed=0 failed=0 p f
  while read -r p f; do
    passed=$((passed + p))
    failed=$((failed + f))
  done < "$logs/counts"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}
: > "$logs/counts"

if [ "$quick" = yes ]; then
  suite quick run_ctest release -L 'lint|unit|api'
  suite daemon-http run_daemon release .http
  end
fi

is_wanted release && rm -rf build/release/contracts/seen
suite release run_ctest release
suite contracts run_contracts
suite clang run_ctest clang -LE 'lint|install|integration'
suite asan run_ctest asan -LE 'lint|install|figures'
suite tsan run_tsan
suite fuzz run_fuzz

# These wait for servers and clients most of the time, so two lanes of them run side by side. Suites of
# one lane run one after the other; a suite that measures nothing cannot disturb the other lane.
lane_of_daemons() {
  suite daemon run_daemon release
  suite daemon-asan run_daemon asan
  suite ctl run_ctl
  suite openapi run_openapi
  suite clients run_clients
}
lane_of_packages() {
  suite bindings run_bindings
  suite python run_python
  suite go run_go
  suite celery run_celery
  suite mlflow run_mlflow "" ${RECSYS_LONG:+--long}
  if [ -n "${RECSYS_LONG:-}" ]; then
    suite mlflow-3.1 run_mlflow 3.1.4
    suite mlflow-2.22 run_mlflow 2.22.5
  fi
  suite exporters run_exporters models --ignore test_large_libraries.py --ignore test_spark.py
  if [ -n "${RECSYS_LONG:-}" ]; then
    suite exporters-older run_exporters models-older test_libraries.py
    suite exporters-large run_exporters models-large test_large_libraries.py test_spark.py
  fi
  suite docs run_docs
  suite site run_site
  suite examples run_examples
  suite promela tests/promela/run.sh
  # The page with the services lies beside the repository, where it is.
  [ ! -f ../shared/seeds/004_redis_caching.md ] || suite neighbours run_neighbours
  suite inference run_inference
  suite ctl-data run_ctl_data
  suite models run_models models
  [ -z "${RECSYS_LONG:-}" ] || suite models-large run_models models-large --long
  suite log-model run_log_model
  suite deploy run_deploy
  lacks_chromium || suite pages run_pages
}
lane_of_daemons &
lane_of_packages &
wait
suite quickstart run_quickstart # it configures build/release in its own way, which nobody else must use then
if [ -n "${RECSYS_LONG:-}" ]; then
  suite pattern run_ctest pattern -L 'unit|api|fault|race'
  suite daemon-pattern run_daemon pattern
fi
end
