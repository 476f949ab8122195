#!/usr/bin/env bash
# quickstart.sh - from a fresh clone to recommendations over HTTP.
#
#   ./examples/quickstart.sh [--data DIR] [--port N] [--keep]
#
#   --data DIR   a MovieLens folder (ratings.csv, movies.csv and perhaps
#                details.csv) in place of the demo data
#   --port N     where the server listens, on 127.0.0.1 (a free port)
#   --keep       leave the server running and say how to stop it
#
# For Debian 12 and 13, Ubuntu 22.04 and 24.04. Installs what is missing, builds
# into build/release/, trains a model into build/quickstart/, serves it and asks
# for recommendations. Can be run again at any time.
set -euo pipefail
caller=$PWD
cd "$(dirname "$0")/.."

data=examples/data
port=0
keep=no
while [ $# -gt 0 ]; do
    case $1 in
    --data | --port)
        if [ $# -lt 2 ]; then
            echo "quickstart.sh: $1 needs a value" >&2
            exit 2
        fi
        case $1/$2 in
        --data//*) data=$2 ;;
        --data/*) data=$caller/$2 ;;
        *) port=$2 ;;
        esac
        shift 2
        ;;
    --keep)
        keep=yes
        shift
        ;;
    -h | --help)
        sed -n '2,13s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "quickstart.sh: unknown argument '$1' (--help lists the options)" >&2
        exit 2
        ;;
    esac
done
for file in ratings.csv movies.csv; do
    if [ ! -f "$data/$file" ]; then
        echo "quickstart.sh: there is no $data/$file" >&2
        exit 1
    fi
done

work=build/quickstart
model=$work/model
log=$work/recsysd.log
server=

step() {
    printf '\n== %s\n' "$*"
}

stop_server() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}
trap stop_server EXIT

build() {
    # The tree of preset "release", without its tests.
    cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DRECSYS_BUILD_TESTS=OFF &&
        cmake --build build/release --parallel "$(nproc)"
}

train() {
    local options=(--ratings "$data/ratings.csv" --movies "$data/movies.csv")
    if [ -f "$data/details.csv" ]; then
        options+=(--details "$data/details.csv")
    fi
    if [ "$data" = examples/data ]; then
        options+=(--factors 16) # enough for 642 films
    fi
    rm -rf "$model"
    build/release/bin/recsys-train-als "${options[@]}" --out "$model"
}

start_server() {
    rm -f "$work/port"
    # The log goes to a file and SIGHUP means "reload", so it may outlive this shell.
    build/release/bin/recsysd --model "$model" --listen "127.0.0.1:$port" \
        --port-file "$work/port" --access-log "$work/access.log" >"$log" 2>&1 </dev/null &
    server=$!
    for _ in $(seq 300); do
        if [ -s "$work/port" ]; then
            url=http://127.0.0.1:$(cat "$work/port")
            if curl -fsS --noproxy '*' "$url/health/ready" >/dev/null 2>&1; then
                return
            fi
        fi
        if ! kill -0 "$server" 2>/dev/null; then
            break
        fi
        sleep 0.1
    done
    echo "quickstart.sh: recsysd did not become ready; its log, $log, ends with:" >&2
    tail -n 20 "$log" >&2
    exit 1
}

# ask TITLE JSON: post the request and print the answer for people.
ask() {
    printf '\n%s\n' "$1"
    curl -fsS --noproxy '*' -H 'Content-Type: application/json' -d "$2" "$url/api/v1/predict" |
        python3 -c '
import json, sys

answer = json.load(sys.stdin)
for place, film in enumerate(answer["recommendations"], 1):
    print("  %d. %.2f  %s  [%s]" % (place, film["score"], film["title"], ", ".join(film["genres"])))
    if film.get("reason"):
        print("           " + film["reason"])
print("  (strategy %s, model version %s, %d ms)" % (
    answer["strategy"], answer["model_version"], answer["inference_time_ms"]))
'
}

step "Installing what is missing"
examples/install_dependencies.sh

step "Building into build/release"
mkdir -p build "$work"
if ! build >"$work/build.log" 2>&1; then
    echo "the build failed; trying again from an empty folder"
    rm -rf build/release
    if ! build >"$work/build.log" 2>&1; then
        tail -n 40 "$work/build.log" >&2
        echo "quickstart.sh: the build failed; the whole log is $work/build.log" >&2
        exit 1
    fi
fi
echo "recsysd, recsysctl and recsys-train-als are in build/release/bin"

step "Training on $data"
train

step "Serving $model"
start_server
echo "recsysd (pid $server) answers at $url"

step "Recommendations"
known=$(awk -F, 'NR == 2 { print $1; exit }' "$data/ratings.csv")
other=$(awk -F, 'NR > 1 && $1 != user { user = $1; if (++n == 3) { print user; exit } }' "$data/ratings.csv")
other=${other:-$known}
new=$(awk -F, 'NR > 1 && $1 > max { max = $1 } END { print max + 1000 }' "$data/ratings.csv")
ask "User $known, by what they have rated:" \
    "{\"user_id\": $known, \"top_k\": 5, \"include_reasons\": true}"
ask "User $other, who is in the mood for science fiction rated 7 or more:" \
    "{\"user_id\": $other, \"top_k\": 5, \"include_reasons\": true,
      \"preferences\": {\"favorite_genres\": [\"Sci-Fi\"], \"min_rating\": 7}}"
ask "User $new, who is new and likes animation:" \
    "{\"user_id\": $new, \"top_k\": 5, \"include_reasons\": true,
      \"preferences\": {\"favorite_genres\": [\"Animation\"]}}"
ask "User $new, who is new and has said nothing:" \
    "{\"user_id\": $new, \"top_k\": 5, \"include_reasons\": true}"

step "Going on"
if [ "$keep" = yes ]; then
    disown "$server"
    echo "The server keeps running. Stop it with:  kill $server"
    server=
else
    stop_server
    echo "The server has been stopped (--keep leaves it running). To start it again and ask it:"
    url=http://127.0.0.1:8000
    echo "  build/release/bin/recsysd --model $model --listen 127.0.0.1:8000"
fi
cat <<EOF
  curl -H 'Content-Type: application/json' -d '{"user_id": $known, "include_reasons": true}' $url/api/v1/predict
  curl '$url/api/v1/recommendations/$known?top_k=5'
  curl $url/metrics
  build/release/bin/recsysctl inspect $model
  build/release/bin/recsysctl recommend $model --user $known --reasons
EOF
