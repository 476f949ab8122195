/* Reads the text of /metrics, and computes with it. */

const line = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const escapes = { "\\n": "\n", "\\\\": "\\", '\\"': '"' };

function readLabels(text) {
  const labels = {};
  for (const [, name, value] of (text || "").matchAll(label))
    labels[name] = value.replace(/\\[n\\"]/g, (escape) => escapes[escape]);
  return labels;
}

/* name -> [{labels, value}] */
export function parseMetrics(text) {
  const all = new Map();
  for (const row of text.split("\n")) {
    const parts = row[0] === "#" ? null : line.exec(row);
    if (!parts) continue;
    if (!all.has(parts[1])) all.set(parts[1], []);
    all.get(parts[1]).push({ labels: readLabels(parts[2]), value: Number(parts[3]) });
  }
  return all;
}

const always = () => true;

/* The sum of the series that `wanted`, a function of their labels, lets through; NaN if there are none. */
export function sum(metrics, name, wanted = always) {
  const found = (metrics.get(name) || []).filter((series) => wanted(series.labels));
  return found.length ? found.reduce((total, series) => total + series.value, 0) : NaN;
}

export function values(metrics, name, labelName) {
  return [...new Set((metrics.get(name) || []).map((series) => series.labels[labelName]))];
}

/* How much a counter has grown since `before`, which may be null: since the process started. A
 * process that was started again counts from 0. */
export function grown(metrics, before, name, wanted) {
  const now = sum(metrics, name, wanted);
  const then = before ? sum(before, name, wanted) : 0;
  return now >= then ? now - then : now;
}

/* {bounds, counts, total, sum}: counts[i] is the number between bounds[i - 1] and bounds[i]. */
export function histogram(metrics, before, name, wanted = always) {
  const at = new Map();
  const collect = (from, sign) => {
    for (const { labels, value } of from.get(`${name}_bucket`) || []) {
      if (!wanted(labels)) continue;
      const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
      at.set(bound, (at.get(bound) || 0) + sign * value);
    }
  };
  collect(metrics, 1);
  if (before && sum(metrics, `${name}_count`, wanted) >= sum(before, `${name}_count`, wanted)) collect(before, -1);
  const bounds = [...at.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound, i) => at.get(bound) - (i ? at.get(bounds[i - 1]) : 0));
  return { bounds, counts, total: at.get(Infinity) || 0, sum: grown(metrics, before, `${name}_sum`, wanted) };
}

/* The bound of the bucket in which the part `q` of all is reached; NaN of nothing. */
export function quantile(h, q) {
  let seen = 0;
  if (h.total === 0) return NaN;
  for (let i = 0; i < h.bounds.length; i++) {
    seen += h.counts[i];
    if (seen >= q * h.total) return h.bounds[i];
  }
  return Infinity;
}
