#!/usr/bin/env bash
# pytrec_eval compares scores as 32-bit numbers, and ranx orders equal ones as its sort leaves them
#
# Seen: 2026-11-30, pytrec-eval-terrier 0.5.11, ir-measures 0.4.3 on it, ranx 0.3.21 with numba 0.68.1 (CPython 3.11).
#
# One would guess: an evaluation ranks by the scores that it is given, which are doubles in Python. "Newest first", with
# the time of publication in seconds as the score, ranks by time. Where scores are equal, as counts are, the order
# of the list decides, or the id.
#
# In fact: pytrec_eval keeps scores as 32-bit floats. Unix times of today are equal there if they are less than 64 s
# apart, and equal scores are ordered by id, as text and downwards: item "9" is before "10". So the newest of two
# items is second, RR is 0.5 instead of 1, and renaming the items changes the figure. ir-measures, which calls it,
# gives the same. ranx ranks these by time. But it sorts without keeping the order of equal scores, once there
# are more than 15 items: of 50 with one score the first in the list gets another rank than 1, and neither list nor
# ids explain it. With 15 the list's order is kept, so a small test does not see it.
#
# Needs pip and python3; numba compiles for some seconds. Prints what it sees; exit status 0: still so, 1: otherwise,
# 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install pytrec-eval-terrier==0.5.11 ir-measures==0.4.3 ranx==0.3.21 numba==0.68.1 numpy==2.4.6 \
  >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import ir_measures
import pytrec_eval
from ranx import Qrels, Run, evaluate


def rr(wanted, run):
    """The reciprocal rank of one item as each of the three tools sees it."""
    qrels, runs = {"u": {wanted: 1}}, {"u": run}
    return (pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(runs)["u"]["recip_rank"],
            ir_measures.calc_aggregate([ir_measures.RR], qrels, runs)[ir_measures.RR],
            float(evaluate(Qrels(qrels), Run(runs), "mrr")))


now = 1796000000
seen = []
for apart in (10, 1000):
    for newest, other in (("10", "9"), ("a9", "a10")):
        seen.append(rr(newest, {newest: now + float(apart), other: float(now)}))
        print(f"{newest} is {apart} s newer than {other}: reciprocal rank of {newest}: pytrec_eval {seen[-1][0]}, "
              f"ir-measures {seen[-1][1]}, ranx {seen[-1][2]}")
ties = []
for n in (15, 50):
    ties.append([rr(f"{i:02}", {f"{j:02}": 1.0 for j in range(n)})[2] for i in range(n)])
    kept = sum(abs(1 / value - i - 1) < 1e-6 for i, value in enumerate(ties[-1]))
    print(f"ranx, {n} items with one score: {kept} have their rank of the list; ranks of the first three: "
          f"{', '.join(f'{1 / value:.0f}' for value in ties[-1][:3])}")
still = (seen == [(0.5, 0.5, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)] and
         all(abs(1 / value - i - 1) < 1e-6 for i, value in enumerate(ties[0])) and ties[1][0] != 1.0)
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
