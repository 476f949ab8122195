/* The console: asks recsysd how it is, every few seconds while the page is seen, and shows the answers.
 *
 * /health, /metrics and /api/v1/models are asked for by themselves: a refusal of one does not hide the
 * others. When recsysd does not answer, the page keeps its contents, and a banner says how old they are.
 */

import { byId, setShown, setText } from "./dom.js";
import { Refusal, getJson, getText, hasKey, setKey } from "./feed.js";
import { keepSample, showFigures } from "./figures.js";
import { clock } from "./format.js";
import { showLatency, startLatency } from "./latency.js";
import { parseMetrics } from "./metrics.js";
import { chosenModel, showModels, tellChanges } from "./models.js";
import { showChoices, startTry } from "./try.js";

const REST_MS = 5000, SWAP_MS = 1000; // between two looks, and while a swap is in progress
const WORDS = { healthy: "Healthy", degraded: "No model serves", stopping: "Stopping", away: "No answer" };

let isPaused = false, timer = 0, isAsking = false, again = false;
let lastSeen = 0, isAway = false, models = null, current = null, currentOf = "";

/* The value, or the error instead of it. */
const attempt = (promise) => promise.catch((error) => error);

function showState(word) {
  const pill = byId("state");
  pill.dataset.state = word;
  setText(pill, WORDS[word] || word);
}

function showAway() {
  const since = lastSeen ? `What this page shows is of ${clock(lastSeen)}.` : "";
  showState("away");
  setText(byId("trouble"), `recsysd does not answer at ${location.host}. ${since} Trying again every few seconds.`);
  setShown(byId("trouble"), true);
  isAway = true;
}

/* Says what has happened since the last look, for people who do not see the page. */
function tell(state) {
  const said = [isAway ? "recsysd answers again." : "", models && state ? tellChanges(models, state) : ""].filter(Boolean).join(" ");
  if (said) setText(byId("said"), said);
  isAway = false;
}

function showHere(health) {
  showState(health.status);
  lastSeen = Date.now();
  setText(byId("updated"), `Updated ${clock(lastSeen)}`);
}

/* Why the routes below /api say nothing; "" if they answer. */
function showRefusal(answer) {
  const isRefused = answer instanceof Refusal && (answer.status === 401 || answer.status === 403);
  const form = byId("key-form");
  if (isRefused && form.hidden) byId("key").value = "";
  setShown(form, isRefused);
  setShown(byId("forget"), hasKey());
  setText(byId("key-wrong"), isRefused && hasKey() ? answer.message : "");
  if (isRefused && !models) {
    setText(byId("serving-name"), "Not shown");
    setText(byId("swap-words"), "Models are shown to those who have a key.");
  }
  const trouble = answer instanceof Refusal && !isRefused ? `The models cannot be shown: ${answer.message}` : "";
  setText(byId("trouble"), trouble);
  setShown(byId("trouble"), trouble !== "");
}

/* The manifest's part is asked for once a version. */
async function readCurrent(state) {
  const of = state.active ? `${state.model} ${state.active.fingerprint} ${state.active.since}` : "";
  if (of === currentOf) return;
  const answer = of ? await attempt(getJson(`api/v1/models/current?model=${encodeURIComponent(state.model)}`)) : null;
  current = answer instanceof Error ? null : answer;
  currentOf = current || !of ? of : "";
}

async function look() {
  const chosen = chosenModel();
  const [health, state] = await Promise.all([attempt(getJson("health")),
    attempt(getJson(`api/v1/models${chosen ? `?model=${encodeURIComponent(chosen)}` : ""}`))]);
  if (health instanceof Error && !(health instanceof Refusal)) {
    showAway();
    return;
  }
  if (health instanceof Refusal) {
    showState("away");
    setText(byId("trouble"), health.message);
    setShown(byId("trouble"), true);
    return;
  }
  const metricsText = await attempt(getText("metrics")); // alone: requests beside it would count as waiting
  const metrics = metricsText instanceof Error ? null : parseMetrics(metricsText);
  if (metrics) keepSample(metrics);
  showHere(health);
  showRefusal(state);
  tell(state instanceof Error ? null : state);
  if (!(state instanceof Error)) {
    await readCurrent(state);
    models = state;
    showModels(state, current, metrics);
    showChoices(state);
  }
  showFigures(health, metrics ? "" : `There are no figures: /metrics says: ${metricsText.message}`);
  showLatency();
}

/* One look at a time; a call during one has another follow at once. */
async function lookNow() {
  clearTimeout(timer);
  if (isAsking) {
    again = true;
    return;
  }
  isAsking = true;
  do {
    again = false;
    await look();
  } while (again);
  isAsking = false;
  plan();
}

function plan() {
  clearTimeout(timer);
  const isSwapping = models && models.models.some(({ step }) => step);
  if (!isPaused && !document.hidden) timer = setTimeout(lookNow, isSwapping ? SWAP_MS : REST_MS);
}

function pause() {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  if (isPaused) plan();
  else lookNow();
}

function useKey(event) {
  event.preventDefault();
  setKey(byId("key").value.trim());
  byId("key").value = "";
  lookNow();
}

function forgetKey() {
  setKey("");
  location.reload(); // nothing that the key has shown stays
}

async function showVersion() {
  const root = await attempt(getJson("./"));
  if (!(root instanceof Error)) setText(byId("version"), root.version);
}

function start() {
  startTry();
  startLatency();
  byId("pause").addEventListener("click", pause);
  byId("forget").addEventListener("click", forgetKey);
  byId("key-form").addEventListener("submit", useKey);
  byId("shown-model").addEventListener("change", lookNow);
  byId("period").addEventListener("change", () => { showFigures(null, ""); lookNow(); });
  byId("latency-route").addEventListener("change", showLatency);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !isPaused) lookNow(); });
  lookNow().then(showVersion); // one after the other, see look()
}

start();
