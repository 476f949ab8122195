/* Tiles and tables made of /metrics and /health. Samples of the last ten minutes are kept here. */

import { byId, draw, fillTable, fillTerms, make, setShown, setText } from "./dom.js";
import { bytes, count, figure, percent, plural, seconds, serverNow } from "./format.js";
import { grown, histogram, quantile, sum, values } from "./metrics.js";

const DBS = ["revoked tokens", "answers", "users", "characters", "locations", "guides", "chats", "scans", "limits", "task results"];
const nameDb = (db) => (DBS[db] ? `${db}: ${DBS[db]}` : String(db));
const KEPT_S = 610;
const POINTS = 40; // of a line in a tile

/* Routes that clients ask; those of operators, this page's among them, would hide how they are answered. */
export const isClients = ({ route }) => /^\/(api\/v1|v2)\b/.test(route) && !/^\/(api\/v1\/(models|admin)|v2\/health)/.test(route);
export const isRecommending = ({ route }) =>
  /^\/(api\/v1\/(predict|batch-predict|session-recommend|recommendations|similar)|v2\/.*infer)/.test(route);

let samples = []; // {at: seconds, metrics}, oldest first

export function keepSample(metrics) {
  const at = performance.now() / 1000;
  samples = samples.filter((sample) => at - sample.at <= KEPT_S);
  samples.push({ at, metrics });
}

/* {now, before, seconds}: `before` is null for the whole time since the start of the process. */
export function period() {
  const now = samples.at(-1);
  const length = Number(byId("period").value);
  if (!now) return null;
  const started = sum(now.metrics, "process_start_time_seconds");
  if (!length || samples.length < 2) return { now: now.metrics, before: null, seconds: Math.max(1, serverNow() / 1000 - started) };
  const before = samples.find((sample) => now.at - sample.at <= length) || samples.at(-2);
  return { now: now.metrics, before: before === now ? samples.at(-2).metrics : before.metrics, seconds: now.at - before.at };
}

/* Requests a second between the samples, for the line in a tile. */
function rates() {
  const recent = samples.slice(-POINTS - 1);
  return recent.slice(1).map((sample, i) =>
    (grown(sample.metrics, recent[i].metrics, "recsysd_http_requests_total", isClients) || 0) / (sample.at - recent[i].at));
}

function makeLine(points) {
  const most = Math.max(...points, 1e-9);
  const text = points.map((y, i) => `${(100 * i / Math.max(points.length - 1, 1)).toFixed(1)},${(24 - 22 * y / most).toFixed(1)}`).join(" ");
  return draw("svg", { class: "line", "aria-hidden": "true", viewBox: "0 0 100 24", preserveAspectRatio: "none" },
    draw("polygon", { points: `0,24 ${text} 100,24` }));
}

function setTile(list, i, { name, value, note, tone, line }) {
  let tile = list.children[i];
  if (!tile) {
    tile = make("li", { class: "tile" }, make("p", { class: "quiet" }), make("p", { class: "large" }), make("p", { class: "quiet" }),
      make("div", { class: "line-place" }));
    list.append(tile);
  }
  setText(tile.children[0], name);
  setText(tile.children[1], value);
  setText(tile.children[2], note);
  tile.children[1].className = tone ? `large word ${tone}` : "large";
  tile.children[3].replaceChildren(...(line && line.length > 1 ? [makeLine(line)] : []));
}

function showTiles({ now, before, seconds: length }) {
  const requests = grown(now, before, "recsysd_http_requests_total", isClients) || 0;
  const failed = grown(now, before, "recsysd_http_requests_total", (labels) => isClients(labels) && labels.status >= "500") || 0;
  const h = histogram(now, before, "recsysd_http_request_seconds", isRecommending);
  const hits = grown(now, before, "recsysd_cache_hits_total");
  const asked = hits + grown(now, before, "recsysd_cache_misses_total");
  const waiting = sum(now, "recsysd_http_connections_waiting");
  const line = rates();
  [
    { name: "Requests a second", value: figure(line.length ? line.at(-1) : requests / length),
      note: `${count(requests)} in this time`, line },
    { name: "Median time", value: seconds(quantile(h, 0.5)), note: `99 % within ${seconds(quantile(h, 0.99))}` },
    { name: "Cached answers", value: percent(hits / asked), note: `${count(hits)} of ${count(asked)}` },
    { name: "Server errors", value: requests ? percent(failed / requests) : "–", note: plural(failed, "request", "requests"),
      tone: failed ? "bad" : "" },
    { name: "Waiting connections", value: count(waiting), note: `${count(sum(now, "recsysd_http_connections"))} open`,
      tone: waiting > 0 ? "warn" : "" },
    { name: "Memory", value: bytes(sum(now, "process_resident_memory_bytes")), note: "resident" },
  ].forEach((tile, i) => setTile(byId("tiles"), i, tile));
}

function showCaches({ now, before }, health) {
  const rows = values(now, "redis_cache_hits_total", "db").sort((a, b) => a - b).map((db) => {
    const here = (labels) => labels.db === db;
    const of = (name) => grown(now, before, name, here) || 0;
    const hits = of("redis_cache_hits_total"), misses = of("redis_cache_misses_total"), errors = of("redis_cache_errors_total");
    const times = histogram(now, before, "redis_cache_latency_seconds", here);
    const rate = hits / (hits + misses);
    return [nameDb(db), hits + misses ? { text: percent(rate), bar: rate } : "not asked", count(hits), count(misses),
      count(of("redis_cache_stale_total")), errors ? { text: count(errors), tone: "warn" } : "0",
      times.total ? seconds(times.sum / times.total) : "–"];
  });
  fillTable(byId("caches-table"), rows, "There are no caches.");
  const { cache } = health;
  setText(byId("caches-note"), cache.status === "in_process"
    ? `Answers are kept in this process: ${plural(cache.entries, "entry", "entries")}, ${bytes(cache.bytes)} of ${bytes(cache.max_bytes)}.`
    : cache.status === "off" ? "Answers are not cached." : "A hit may be stale or negative. Time is that of a lookup, loading included.");
}

const TONES = { up: "good", down: "bad", degraded: "warn", unknown: "warn", closed: "good", open: "bad" };
const word = (text) => ({ text, tone: TONES[text] });

function makeServer(now, name, server, state, breaker, prefix, label) {
  const inPool = (which) => count(sum(now, `${prefix}_connections`, (labels) => label(labels) && labels.state === which));
  const total = (what) => count(sum(now, `${prefix}_${what}_total`, label));
  return [name, word(state), breaker ? word(breaker) : "–", inPool("open"), inPool("idle"), total("pool_waits"),
    total("pool_timeouts"), total("connections_broken"),
    total(prefix === "recsysd_postgres" ? "query_failures" : "failures"), server];
}

function showServers(now, health) {
  const rows = (health.cache.databases || []).map(({ db, store, status, breaker }) =>
    makeServer(now, nameDb(db), store, status, breaker, "recsysd_redis", (labels) => labels.db === String(db)));
  if (health.database.status !== "off")
    rows.push(makeServer(now, "PostgreSQL", "–", health.database.status, "", "recsysd_postgres", () => true));
  fillTable(byId("servers-table"), rows, "Neither Redis nor PostgreSQL is configured; recommendations need neither.");
}

function showQueues(now) {
  const shed = (reason) => count(sum(now, "recsysd_batching_shed_total", (labels) => labels.reason === reason));
  fillTerms(byId("queues"), [
    ["Connections open", count(sum(now, "recsysd_http_connections"))],
    ["Connections that wait for a worker", count(sum(now, "recsysd_http_connections_waiting"))],
    ["Requests being answered", count(sum(now, "recsysd_http_requests_in_flight"))],
    ["Left the queue for a scan: it was full", shed("full")],
    ["… too late", shed("late")],
    ["… the client had gone", shed("gone")],
    ["Log lines dropped", count(sum(now, "recsysd_access_log_dropped_total") + sum(now, "recsysd_log_dropped_total"))],
  ]);
}

/* `refused` says why there are no metrics, if there are none. */
export function showFigures(health, refused) {
  const span = period();
  setText(byId("figures-missing"), refused || "");
  setShown(byId("figures-missing"), Boolean(refused));
  if (!span) return;
  showTiles(span);
  if (!health) return;
  showCaches(span, health);
  showServers(span.now, health);
  showQueues(span.now);
}
