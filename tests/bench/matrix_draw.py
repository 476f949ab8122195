"""Tables and plots of what bench_matrix.py has measured."""
import os

from tables import milliseconds, ratio, text_table

OURS = ("recsys", "before")


def best_peer(line):
    """(name, ms) of the fastest exact peer, or (None, None)."""
    peers = {name: ms for name, ms in line["ms"].items() if name not in OURS}
    name = min(peers, key=peers.get) if peers else None
    return name, peers.get(name)


def table(lines):
    rows = []
    for line in lines:
        if "curve" in line:
            continue
        ours, before = line["ms"].get("recsys"), line["ms"].get("before")
        name, best = best_peer(line)
        faiss = [ms for peer, ms in line["ms"].items() if peer.startswith("faiss")]
        rows.append([line["name"], milliseconds(ours), milliseconds(before),
                     "%s %s" % (milliseconds(best), name or ""),
                     ratio(before / ours if before else None), ratio(best / ours if best else None),
                     ratio(min(faiss) / ours if faiss else None), line["answers"]])
    return text_table(["milliseconds a batch", "recsys", "before", "best peer", "before / recsys",
                       "best peer / recsys", "best faiss / recsys", "answers"], rows)


def curve_table(lines):
    rows = [[x["library"], x["setting"], "%dx%d" % (x["n"], x["d"]), x["threads"],
             milliseconds(x["median_ms"]), "%.4f" % x["recall"], "%.1f" % x["build_s"]]
            for line in lines if "curve" in line for x in line["curve_lines"]]
    return text_table(["library", "setting", "items", "threads", "ms a query", "recall",
                       "build s"], rows)


def bars(plt, lines, path, title):
    """How many times as long as ours each library takes, a group for each case."""
    names = sorted({name for line in lines for name in line["ms"] if name != "recsys"})
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.28 * len(lines) * max(1, len(names)) / 3))
    height = 0.8 / max(1, len(names))
    for i, name in enumerate(names):
        values = [line["ms"].get(name, 0) / line["ms"]["recsys"] for line in lines]
        places = [row + i * height for row in range(len(lines))]
        axes.barh(places, values, height, label=name)
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(lines))])
    axes.set_yticklabels([line["name"] for line in lines], fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("time, librecsys = 1")
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)


def curves(plt, lines, exact, path):
    """Recall over time of approximate search, and where exact search is."""
    figure, axes = plt.subplots(figsize=(7, 4.5))
    groups = {}
    for line in lines:
        for x in line["curve_lines"]:
            kind = x["setting"].split(", ")[0] if "ef" in x["setting"] else ""
            groups.setdefault((x["library"], kind), []).append((x["median_ms"], x["recall"]))
    for (library, kind), points in sorted(groups.items()):
        points.sort()
        axes.plot(*zip(*points), marker="o", markersize=3, label=("%s %s" % (library, kind)).strip())
    for ms in exact:
        axes.axvline(ms, color="black", linestyle="--", linewidth=0.8)
    axes.plot([], [], color="black", linestyle="--", label="librecsys, exact")
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds a query")
    axes.set_ylabel("recall")
    axes.set_title("%s" % lines[0]["name"].split(",")[0], fontsize=10)
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)


def draw(lines, base):
    """Write BASE.txt and, if matplotlib is there, BASE-*.svg; returns their paths."""
    with open(base + ".txt", "w") as f:
        f.write(table(lines) + "\n\n" + curve_table(lines) + "\n")
    paths = [base + ".txt"]
    try:
        import matplotlib
    except ImportError:
        return paths
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "recsys"
    import matplotlib.pyplot as plt
    plain = [x for x in lines if "curve" not in x and "recsys" in x["ms"]]
    groups = {
        "sizes": ("Gaussian, K 10, hot", [x for x in plain if x["data"] == "gauss" and x["k"] == 10 and
                                          x["share"] == 1 and not x["seen"] and not x["cold"]]),
        "filters": ("Filters and seen lists", [x for x in plain if x["share"] < 1 or x["seen"]]),
        "data": ("Other data", [x for x in plain if x["data"] != "gauss"]),
        "others": ("K, and cold memory", [x for x in plain if x["k"] != 10 or x["cold"]]),
    }
    for name, (title, some) in groups.items():
        if some:
            paths.append("%s-%s.svg" % (base, name))
            bars(plt, some, paths[-1], title)
    found = {}
    for line in lines:
        if "curve" in line:
            found.setdefault((line["data"], line["n"], line["d"]), []).append(line)
    for (data, n, d), some in found.items():
        exact = [x["ms"]["recsys"] for x in plain if (x["data"], x["n"], x["d"]) == (data, n, d) and
                 x["batch"] == 1 and x["k"] == 10 and x["share"] == 1 and not x["seen"]]
        paths.append("%s-curve-%s-%dx%d.svg" % (base, data, n, d))
        curves(plt, some, exact, paths[-1])
    return [os.path.normpath(p) for p in paths]
