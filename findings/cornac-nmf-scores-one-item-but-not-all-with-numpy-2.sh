#!/usr/bin/env bash
# cornac's NMF with biases scores one item, but cannot score all items or rank, with NumPy 2
#
# Seen: 2026-11-29, cornac 3.0.1 with NumPy 2.4.6; right with NumPy 1.26.4 and cornac 2.0.0 (CPython 3.11).
#
# One would guess: a fitted model that scores a pair also scores all items of the user, and MF and NMF, whose formula
# is the same (mean + biases + product), behave in the same way. cornac 3.0.1 asks for NumPy 2.
#
# In fact: score(user, item) works, and score(user) and rank(user) raise ValueError: Buffer dtype
# mismatch, expected 'float' but got 'double'. The train set's mean is a NumPy double. Since NumPy 2 a double scalar
# plus a float32 array is a double array (NEP 50), and the product is added to it by compiled code for equal types.
# MF turns the mean into a float32 first. Nothing is said when the model is fitted; it shows when one ranks, and an
# evaluation by rating (MAE, RMSE) does not rank.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/try.py" <<'PYTHON'
import cornac
import numpy as np

triples = [(f"u{u}", f"i{i}", 1.0 + (u * 7 + i * 3) % 5) for u in range(30) for i in range(20) if (u + i) % 3]
data = cornac.data.Dataset.from_uir(triples, seed=1)
seen = []
for kind in (cornac.models.MF, cornac.models.NMF):
    model = kind(k=4, use_bias=True, seed=1, verbose=False).fit(data)
    pair = float(model.score(0, 0))
    outcomes = []
    for call in (lambda: model.score(0), lambda: model.rank(0)):
        try:
            call()
            outcomes.append("works")
        except ValueError as error:
            outcomes.append(f"{type(error).__name__}: {error}")
    seen.append(outcomes)
    print(f"cornac {cornac.__version__}, NumPy {np.__version__}, {kind.__name__}: a pair {pair:.3f}, "
          f"all items: {outcomes[0]}; rank: {outcomes[1]}")
broken = all("expected 'float' but got 'double'" in outcome for outcome in seen[1])
print("NMF BROKEN" if broken and seen[0] == ["works", "works"] else "NMF works" if seen[1] == ["works", "works"] else "?")
PYTHON
try() { # environment, packages: prints and keeps the last line
  python3 -m venv "$work/$1" || exit 2
  "$work/$1/bin/pip" -q install "${@:2}" >"$work/pip.log" 2>&1 || { tail -n 5 "$work/pip.log" >&2; exit 2; }
  "$work/$1/bin/python" "$work/try.py" 2>"$work/errors" | tee "$work/out" || { cat "$work/errors" >&2; exit 2; }
  last=$(tail -n 1 "$work/out")
}
try new cornac==3.0.1 numpy==2.4.6 scipy==1.17.1
new=$last
try old cornac==2.0.0 numpy==1.26.4 'scipy<1.13'
old=$last
if [ "$new" = "NMF BROKEN" ] && [ "$old" = "NMF works" ]; then echo "still so"; else
  echo "otherwise now"
  exit 1
fi
