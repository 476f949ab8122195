/* The console: asks recsysd how it is, every few seconds while the page is seen, and shows the answers.
 *
 * /health, /metrics and /api/v1/models are asked for by themselves: a refusal of one does not hide the
 * others. When recsysd does not answer, the page keeps its contents, and a banner says how old they are.
 */

import { byId, setShown, setText } from "./dom.js";
import { Refusal, canBeSent, getJson, getText, hasKey, setKey } from "./feed.js";
import { keepSample, showFigures } from "./figures.js";
import { clock } from "./format.js";
import { showLatency, startLatency } from "./latency.js";
import { parseMetrics } from "./metrics.js";
import { chosenModel, showModels, tellChanges } from "./models.js";
import { showChoices, startTry } from "./try.js";

const REST_MS = 5000, SWAP_MS = 1000; // between two looks, and while a swap is in progress
const WORDS = { healthy: "Healthy", degraded: "No model serves", stopping: "Stopping", away: "No answer" };

let isPaused = false, timer = 0, isAsking = false, again = false;
let lastSeen = 0, isAway = false, models = null, modelsSeen = 0, current = null, currentOf = "", keyTrouble = "";

/* The value, or the error instead of it. */
const attempt = (promise) => promise.catch((error) => error);

function showState(word) {
  const pill = byId("state");
  pill.dataset.state = word;
  setText(pill, WORDS[word] || word);
}

function showTrouble(text) {
  setText(byId("trouble"), text);
  setShown(byId("trouble"), text !== "");
}

/* Gives the trouble to show. */
function showAway() {
  const since = lastSeen ? `What this page shows is of ${clock(lastSeen)}.` : "";
  showState("away");
  isAway = true;
  return `recsysd does not answer at ${location.host}. ${since} Trying again every few seconds.`;
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

/* Shows the form if a key may help, and gives the trouble to show if none does. Without a key, 403 says that no
 * key would change the answer; with one, that another may. */
function showRefusal(answer) {
  const needsKey = answer instanceof Refusal && (answer.status === 401 || (answer.status === 403 && hasKey()));
  const form = byId("key-form");
  if (needsKey && form.hidden) byId("key").value = keyTrouble = "";
  setShown(form, needsKey);
  setShown(byId("forget"), hasKey());
  setText(byId("key-wrong"), needsKey ? keyTrouble || (hasKey() ? answer.message : "") : "");
  if (!(answer instanceof Error)) return "";
  if (!models) {
    setText(byId("serving-name"), "Not shown");
    setText(byId("swap-words"), needsKey ? "Models are shown to those who have a key." : "Not shown.");
  }
  const since = models ? ` What this page shows of them is of ${clock(modelsSeen)}.` : "";
  return needsKey ? "" : `The models cannot be shown: ${answer.message}.${since}`;
}

/* The manifest's part is asked for once a version. */
async function readCurrent(state) {
  const of = state.active ? `${state.model} ${state.active.fingerprint} ${state.active.since}` : "";
  if (of === currentOf) return;
  const answer = of ? await attempt(getJson(`api/v1/models/current?model=${encodeURIComponent(state.model)}`)) : null;
  current = answer instanceof Error ? null : answer;
  currentOf = current || !of ? of : "";
}

/* Gives the trouble to show, "" if there is none. */
async function look() {
  const chosen = chosenModel();
  const [health, state] = await Promise.all([attempt(getJson("health")),
    attempt(getJson(`api/v1/models${chosen ? `?model=${encodeURIComponent(chosen)}` : ""}`))]);
  if (health instanceof Error && !(health instanceof Refusal)) return showAway();
  if (health instanceof Refusal) {
    showState("away");
    return health.message;
  }
  const metricsText = await attempt(getText("metrics")); // alone: requests beside it would count as waiting
  const metrics = metricsText instanceof Error ? null : parseMetrics(metricsText);
  if (metrics) keepSample(metrics);
  showHere(health);
  const trouble = showRefusal(state);
  tell(state instanceof Error ? null : state);
  if (!(state instanceof Error)) {
    await readCurrent(state);
    showModels(state, current, metrics);
    showChoices(state);
    models = state; // last: plan() reads what could be shown
    modelsSeen = lastSeen;
  }
  showFigures(health, metrics ? "" : `There are no figures: /metrics says: ${metricsText.message}`);
  showLatency();
  return trouble;
}

/* An answer of a proxy, say, with the status 200 and members that nobody expects. */
function describeStrange(error) {
  currentOf = ""; // it may be the cause: ask for it again
  return `This page cannot show an answer that it got from ${location.host}: ${error.message}. Trying again every few seconds.`;
}

/* One look at a time; a call during one has another follow at once. */
async function lookNow() {
  clearTimeout(timer);
  if (isAsking) {
    again = true;
    return;
  }
  isAsking = true;
  try {
    do {
      again = false;
      showTrouble(await look().catch(describeStrange));
    } while (again);
  } finally {
    isAsking = false;
    plan();
  }
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
  const key = byId("key").value.trim();
  byId("key").value = "";
  keyTrouble = canBeSent(key) ? "" : "A browser sends only keys of letters, digits and signs of ASCII, without spaces.";
  setText(byId("key-wrong"), keyTrouble);
  if (keyTrouble) return;
  setKey(key);
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
