# run_docs.py reads this file before each block of shell.
#
# The folder is the page's own, and has what the pages speak of: a trained model under several names,
# the files that it is imported from, a registry. The programs are those of an installed build.
# recsysd returns when it answers, on a port of its own; curl finds it at localhost:8000.
set -euo pipefail

recsysd() {
    stop_recsysd
    rm -f recsysd.port
    command recsysd "$@" --listen 127.0.0.1:0 --port-file "$PWD/recsysd.port" > recsysd.log 2>&1 < /dev/null &
    echo $! > recsysd.pid
    for _ in $(seq 1200); do
        if [ -s recsysd.port ] && command curl --noproxy '*' -fs \
            "http://127.0.0.1:$(cat recsysd.port)/health/ready" > /dev/null; then return; fi
        kill -0 "$(cat recsysd.pid)" 2> /dev/null || break
        sleep 0.1
    done
    cat recsysd.log >&2
    return 1
}

stop_recsysd() {
    [ -s recsysd.pid ] || return 0
    kill "$(cat recsysd.pid)" 2> /dev/null || true
    while kill -0 "$(cat recsysd.pid)" 2> /dev/null; do sleep 0.1; done
    rm -f recsysd.pid
}

curl() {
    command curl --noproxy '*' --fail-with-body -S "${@//localhost:8000/127.0.0.1:$(cat recsysd.port)}"
}

# "import …" stands for a model that the reader has; its bundle goes where none is yet.
recsysctl() {
    if [ "${2:-}" = "…" ]; then
        set -- import --out "$(mktemp -u imported-XXXXXX)" --npz als.npz --user-ids users.npy \
            --item-ids items.npy "${@:3}"
    fi
    command recsysctl "$@"
}
