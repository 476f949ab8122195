#!/usr/bin/env python3
"""recsysd's memory while it serves a large model, beside another build.

    bench_memory.py --build build/bench [--against OTHER/build/bench] [--quick]

Each build serves a bundle of its own builder: one million items of 128 numbers, made of Gaussian
numbers, once with vectors of equal length and once with lengths spread as trained models have them
(exp(0.4 x Gaussian)). Every request is for another of 4,000 users and nothing is cached. The loads
are 100 requests a second and as many as 16 connections can ask for. Memory is read at once after
the start and after each load:

    resident  what counts as the process's memory now (VmRSS)
    share     the same, with pages that several processes map divided among them (Pss)
    vectors   the part of it that is pages of model.safetensors
    codes     and of codes.safetensors
    own       and of no file (RssAnon)
    mapped    what recsysctl says of the model: mapped and private bytes together, 4,000 users and
              tables of ids included

Vectors of equal length are the worst case: every item is equally often a candidate. Where lengths
differ, candidates come from the first blocks.
"""
import argparse
import json
import os
import shutil

from processes import Failure, memory, recsysd, run, run_main
from tables import Report, machine, ratio, text_table

HERE = os.path.dirname(os.path.abspath(__file__))
USERS = 4000
CONNECTIONS = 16
STEADY = 100                # requests a second


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--against", help="another build, to be compared")
    p.add_argument("--out")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--items", type=int, default=1000000)
    p.add_argument("--dimensions", type=int, default=128)
    p.add_argument("--seconds", type=int, default=60, help="of each load")
    p.add_argument("--norms", default="0,0.4")
    p.add_argument("--flags", default="", help="more flags of recsysd, for --build only")
    a = p.parse_args()
    if a.quick:
        a.items, a.dimensions, a.seconds = 50000, 64, 2
    a.build = os.path.abspath(a.build)
    a.against = a.against and os.path.abspath(a.against)
    return a


def make_bundle(args, build, folder, norms):
    def data(name, rows, seed, *more):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            run([os.path.join(args.build, "bench", "bench_data"), "matrix", "--out", path,
                 "--rows", str(rows), "--columns", str(args.dimensions), "--seed", str(seed), *more])
        return path

    items = data("items-%s" % norms, args.items, 1, "--norms", norms)
    users = data("users", USERS, 2)
    bundle = os.path.join(folder, "bundle")
    run([os.path.join(build, "bench", "bench_score"), "--build-only", "--bundle", bundle,
         "--items", items, "--queries", users, "--n", str(args.items),
         "--d", str(args.dimensions), "--batch", "1", "--k", "10", "--threads", "1"])
    return bundle


def resident_by_file(pid):
    """Bytes of each mapped file's pages in this process, and of all together (Pss)."""
    found, name = {}, None
    with open("/proc/%d/smaps" % pid) as f:
        for line in f:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                name = os.path.basename(words[5]) if len(words) > 5 else ""
            elif words[0] == "Rss:":
                found[name] = found.get(name, 0) + int(words[1]) * 1024
            elif words[0] == "Pss:":
                found["Pss"] = found.get("Pss", 0) + int(words[1]) * 1024
    return found


def look(pid):
    by_file, all_of_it = resident_by_file(pid), memory(pid)
    return {"resident": all_of_it["VmRSS"], "share": by_file["Pss"],
            "vectors": by_file.get("model.safetensors", 0),
            "codes": by_file.get("codes.safetensors", 0), "own": all_of_it["RssAnon"]}


def load(daemon, users_file, seconds, per_second):
    pause = [str(1e3 * CONNECTIONS / per_second)] if per_second else []
    text = run(["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "%ds" % seconds, "--timeout", "60s",
                "-s", os.path.join(HERE, "predict.lua"), "http://127.0.0.1:%d" % daemon.port, "--",
                users_file, "7", *pause])
    if "RESULT " not in text:
        raise Failure("wrk: " + text[-300:])


def model_bytes(build, bundle):
    """Mapped and private bytes together."""
    text = run([os.path.join(build, "bin", "recsysctl"), "inspect", bundle, "--json"])
    found = json.loads(text)
    return found["mapped_bytes"] + found["private_bytes"]


def measure(args, build, folder, norms, users_file):
    bundle = make_bundle(args, build, folder, norms)
    flags = args.flags.split() if build == args.build else []
    rows = []
    mapped = model_bytes(build, bundle)
    with recsysd(build, folder, bundle, "--cache-bytes", "0", *flags) as daemon:
        daemon.wait("/health/ready", timeout=300)
        for name, per_second in (("start", None), ("%d requests/s" % STEADY, STEADY),
                                 ("all it can", 0)):
            if per_second is not None:
                load(daemon, users_file, args.seconds, per_second)
            rows.append(dict(look(daemon.pid), after=name, mapped=mapped, norms=norms,
                             build="this" if build == args.build else "against"))
    shutil.rmtree(bundle)
    return rows


COLUMNS = ["resident", "share", "vectors", "codes", "own", "mapped"]


def main():
    args = parse_args()
    report = Report(args.out)
    folder = os.path.join(args.build, "data", "memory")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    users_file = os.path.join(folder, "users.txt")
    with open(users_file, "w") as f:
        f.writelines("%d\n" % user for user in range(USERS))
    lines = []
    for norms in args.norms.split(","):
        for build in [args.build] + ([args.against] if args.against else []):
            lines += measure(args, build, folder, norms, users_file)
    shutil.rmtree(folder)

    vectors = args.items * args.dimensions * 4
    report.add("recsysd's memory, %d x %d (%.0f MiB of item vectors), %d s of each load. %s" % (
        args.items, args.dimensions, vectors / 2**20, args.seconds, machine()))
    report.add()
    rows = []
    for line in lines:
        other = [x for x in lines if x["build"] == "against" and x["norms"] == line["norms"]
                 and x["after"] == line["after"]]
        rows.append(["lengths %s, %s, after %s" % (
            line["norms"], line["build"], line["after"])]
            + ["%.0f" % (line[c] / 2**20) for c in COLUMNS]
            + [ratio(line["mapped"] / vectors),
               ratio(line["resident"] / other[0]["resident"]) if other else "-"])
    report.add(text_table(["MiB"] + COLUMNS + ["mapped / vectors", "resident / against"], rows))
    report.close(lines)


if __name__ == "__main__":
    run_main("bench_memory", main)
