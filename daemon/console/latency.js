/* The distribution of response times: a sentence, bars, and the same numbers as a table. */

import { byId, draw, fillTable, setText } from "./dom.js";
import { isRecommending, period } from "./figures.js";
import { count, percent, plural, seconds } from "./format.js";
import { histogram, quantile, sum, values } from "./metrics.js";
import { setOptions } from "./models.js";

const HEIGHT = 180, BOTTOM = 34, TOP = 20;
const NAME = "recsysd_http_request_seconds";

const bound = (s) => (s === Infinity ? "more" : seconds(s));

/* Empty buckets at both ends say nothing; three stay, so that one value is not a lonely block. */
function crop(h) {
  let from = h.counts.findIndex((n) => n > 0), to = h.counts.length - 1;
  while (to > from && h.counts[to] === 0) to--;
  from = Math.max(0, from - 1);
  to = Math.min(h.counts.length - 1, Math.max(to + 1, from + 5));
  return h.bounds.slice(from, to + 1).map((b, i) => ({ bound: b, n: h.counts[from + i] }));
}

function drawBars(h, width) {
  const bars = crop(h), step = width / bars.length, most = Math.max(...bars.map(({ n }) => n), 1);
  const space = HEIGHT - BOTTOM - TOP, every = Math.ceil(64 / step); // labels must not touch
  const chart = draw("svg", { width, height: HEIGHT, role: "img", "aria-labelledby": "latency-words" });
  bars.forEach(({ bound: b, n }, i) => {
    const height = n ? Math.max(2, space * n / most) : 0, x = i * step;
    chart.append(draw("rect", { class: "bar-part", x: x + step * 0.12, width: step * 0.76, y: TOP + space - height, height, rx: 3 }));
    if (n && step > 44)
      chart.append(draw("text", { class: "chart-number", x: x + step / 2, y: TOP + space - height - 5, "text-anchor": "middle" },
        percent(n / h.total)));
    if (i % every === 0) {
      const isAtEdge = i === 0 && step < 64;
      chart.append(draw("text", { x: isAtEdge ? 0 : x + step / 2, y: HEIGHT - 12, "text-anchor": isAtEdge ? "start" : "middle" },
        b === Infinity ? "more" : `≤ ${seconds(b)}`));
    }
  });
  chart.append(draw("line", { class: "axis", x1: 0, x2: width, y1: TOP + space + 0.5, y2: TOP + space + 0.5 }));
  return chart;
}

function describe(h) {
  if (h.total === 0) return "No request in this time.";
  return `Of ${plural(h.total, "request", "requests")}, half were answered within ${bound(quantile(h, 0.5))}, ` +
    `90 % within ${bound(quantile(h, 0.9))}, 99 % within ${bound(quantile(h, 0.99))}.`;
}

let drawn = "";
export function showLatency() {
  const span = period();
  if (!span) return;
  const select = byId("latency-route");
  const routes = values(span.now, `${NAME}_count`, "route").filter((route) => sum(span.now, `${NAME}_count`, (l) => l.route === route) > 0);
  setOptions(select, [["", "all that recommend"], ...routes.sort().map((route) => [route, route])]);
  const h = histogram(span.now, span.before, NAME, select.value ? ({ route }) => route === select.value : isRecommending);
  const place = byId("latency-chart"), width = Math.floor(place.clientWidth), key = JSON.stringify([h.counts, width]);
  if (key === drawn) return;
  drawn = key;
  setText(byId("latency-words"), describe(h));
  place.replaceChildren(...(h.total && width ? [drawBars(h, width)] : []));
  fillTable(byId("latency-table"), h.total ? h.bounds.map((b, i) => [bound(b), count(h.counts[i]), percent(h.counts[i] / h.total)])
    .filter((row) => row[1] !== "0") : [], "No request in this time.");
}

export const startLatency = () => new ResizeObserver(showLatency).observe(byId("latency-chart"));
