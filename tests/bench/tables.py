"""Prints what the benchmarks have measured."""
import datetime
import json
import os
import platform


def text_table(headers, rows):
    """Columns as wide as they need to be; all but the first to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [headers] + rows) for i in range(len(headers))]

    def line(row):
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        return "  ".join(cells).rstrip()

    return "\n".join([line(headers), "  ".join("-" * w for w in widths)] + [line(r) for r in rows])


def milliseconds(value):
    if value is None:
        return "-"
    return "%.3f" % value if value < 10 else "%.1f" % value if value < 1000 else "%.0f" % value


def ratio(value):
    return "-" if value is None else "%.2f" % value if value < 10 else "%.1f" % value


def mebibytes(value):
    return "%.1f" % (value / 2**20)


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def machine():
    """One line about where the figures are from."""
    model = platform.machine()
    try:
        with open("/proc/cpuinfo") as f:
            names = [x.split(":", 1)[1].strip() for x in f if x.startswith("model name")]
        model = names[0] if names else model
    except OSError:
        pass
    return "%s, %d processors, load %.2f, %s" % (
        model, os.cpu_count(), os.getloadavg()[0],
        datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"))


class Report:
    """Text that goes to standard output and, at the end, to a file."""

    def __init__(self, path):
        self.path, self.parts = path, []

    def add(self, text=""):
        print(text, flush=True)
        self.parts.append(text)

    def close(self, measured):
        """`measured` is what the text was made of; it is kept as JSON beside the file."""
        if self.path:
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
            with open(self.path, "w") as f:
                f.write("\n".join(self.parts) + "\n")
            with open(os.path.splitext(self.path)[0] + ".json", "w") as f:
                json.dump(measured, f, indent=1)
