#!/usr/bin/env bash
# chromadb's get(ids=...) returns the vectors in the order in which they were added, not in the order of the ids
#
# Seen: 2026-11-30, chromadb 1.5.9, NumPy 2.4.6 (CPython 3.11).
#
# One would guess: get(ids=["30", "10", "20"]) returns three vectors, the first one that of "30". That is what lets one
# write scores = vectors @ user and zip(ids, scores), and what qdrant's retrieve() and Redis' MGET do. For an id that is
# not there, there is a gap or an error.
#
# In fact: the order is that in which the records were added, whatever is asked. An id that is not there is left out
# without a word, so the rows behind it move up, too. The ids of the reply say which row is whose; a test that adds and
# asks in the same order sees nothing. A record that was deleted and added again is last. Each score is a right
# number, and belongs to another item.
#
# Needs pip and python3; a minute. Nothing but packages is downloaded, because vectors are given and no text. Prints
# what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install chromadb==1.5.9 numpy==2.4.6 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
cd "$work"
venv/bin/python - <<'PYTHON'
import sys

import chromadb

client = chromadb.EphemeralClient(settings=chromadb.Settings(anonymized_telemetry=False))
items = client.create_collection("items")
items.add(ids=["10", "20", "30"], embeddings=[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])


def rows(*ids):
    reply = items.get(ids=list(ids), include=["embeddings"])
    got = [float(row[0]) for row in reply["embeddings"]]
    print(f"asked for {list(ids)}: ids {reply['ids']}, first numbers {got}")
    return got


seen = [rows("10", "20", "30"), rows("30", "10", "20"), rows("10", "15", "30")]
items.delete(ids=["10"])
items.add(ids=["10"], embeddings=[[1.0, 0.0]])
print("10 was deleted and added again")
seen.append(rows("10", "20", "30"))
still = seen == [[1, 2, 3], [1, 2, 3], [1, 3], [2, 3, 1]]
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
