/* The section "Model" and the history: one of the named models in full, and all of them in a table. */

import { byId, fillTable, fillTerms, make, setShown, setText } from "./dom.js";
import { ago, bytes, count, day, moment, percent, seconds, serverNow } from "./format.js";
import { sum } from "./metrics.js";

const STEPS = ["find", "fetch", "load", "warm", "check", "swap"];
const ROLES = { default: "default", share: "share of users", shadow: "shadow", idle: "idle" };

/* The name of the model to show; "" for the default one. */
export const chosenModel = () => byId("shown-model").value;

function showServing(model, current) {
  const { active } = model;
  setText(byId("serving-word"), active ? "Serving" : "Not serving");
  setText(byId("serving-name"), active ? active.name : "No model yet");
  setText(byId("serving-version"), active ? `version ${active.version}` : "");
  setText(byId("serving-since"), active ? `since ${moment(active.since)}, ${ago(active.since)}`
    : `Requests for recommendations get 503. The source is ${model.source || "not set"}.`);
  if (!active || !current) {
    fillTerms(byId("serving-facts"), []);
    return;
  }
  const metrics = Object.entries(current.metadata.metrics || {}).filter(([, value]) => typeof value === "number").slice(0, 2);
  fillTerms(byId("serving-facts"), [
    ["Algorithm", current.algorithm || "not said"],
    ["Users", count(current.n_users)],
    ["Items", count(current.n_items)],
    ["Dimensions", count(current.dimensions)],
    ["Trained", current.training_date ? day(current.training_date) : "not said"],
    ["Memory", bytes(model.memory.bytes)],
    ["Previous", model.previous ? `version ${model.previous.version}` : "none"],
    ["Fingerprint", active.fingerprint.slice(0, 12)],
    ...metrics.map(([name, value]) => [name, String(Number(value.toPrecision(4)))]),
  ]);
}

/* Is the last swap that was tried the one that serves? */
const isServed = ({ active, candidate, last_error: error }) =>
  active && !candidate && (!error || Date.parse(error.time) <= Date.parse(active.since));

function describeSwap(model) {
  const { active, candidate, step, last_error: error, watch } = model;
  const failure = error && !isServed(model) ? `The last attempt failed ${ago(error.time)}: ${error.message}` : "";
  if (step)
    return `Step ${step.name}, for ${seconds(Math.max(0, Math.round((serverNow() - Date.parse(step.since)) / 1000)))}. ${failure}`;
  if (candidate) return `Version ${candidate.version} is loaded and waits to be used.`;
  if (failure) return failure;
  if (watch.watching) return "Done. The answers of the new version are being watched.";
  return active ? "None in progress." : "No version has been loaded yet.";
}

function showSwap(model) {
  const at = model.step ? STEPS.indexOf(model.step.name) : isServed(model) ? STEPS.length : -1;
  setText(byId("swap-words"), describeSwap(model));
  [...byId("steps").children].forEach((item, i) => {
    const state = at < 0 ? "idle" : i < at ? "done" : i === at ? "current" : "next";
    if (item.dataset.state === state) return;
    item.dataset.state = state;
    if (state === "current") item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
  const { watch } = model;
  fillTerms(byId("swap-facts"), [
    ["Swaps", count(model.swaps)],
    ["Failed attempts", count(model.failures)],
    ["Replaced, still in use", count(model.retired)],
    ...(watch.watching ? [["Watched answers", count(watch.answers)], ["… that failed", count(watch.failed)],
      ["… without an item", count(watch.empty)]] : []),
    ...(watch.rollbacks ? [["Rolled back for its answers", count(watch.rollbacks)]] : []),
    ...(model.failed_polls ? [["Checks of the registry that failed in a row", count(model.failed_polls)]] : []),
  ]);
}

function showAll(models, metrics) {
  setShown(byId("models-card"), models.length > 1);
  if (models.length < 2) return;
  fillTable(byId("models-table"), models.map((one) => [
    one.model,
    one.step ? { text: `${ROLES[one.stage] || one.stage}, ${one.step.name}`, tone: "warn" } : ROLES[one.stage] || one.stage,
    one.active ? one.active.version : { text: "none", tone: "bad" },
    one.active ? moment(one.active.since) : "–",
    percent(one.share / 100), one.shadow ? percent(one.shadow / 100) : "–",
    metrics ? count(sum(metrics, "recsysd_model_answers_total", (labels) => labels.model === one.model)) : "–",
  ]), "");
}

function showHistory(history) {
  fillTable(byId("history-table"), history.map((event) => [
    moment(event.time),
    event.event === "served" ? { text: "served", tone: "good" } : { text: "failed", tone: "bad" },
    event.version ? `${event.name} ${event.version}` : "–",
    event.step || "–",
    event.took_ms ? seconds(event.took_ms / 1000) : "–",
    event.message || event.source || "–",
  ]), "Nothing has happened yet.");
}

/* The names in a <select>; the choice stays. */
export function setOptions(select, options) {
  const same = select.options.length === options.length &&
    options.every(([value, text], i) => select.options[i].value === value && select.options[i].text === text);
  if (same) return;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

/* `state` is that of /api/v1/models, `current` that of /api/v1/models/current or null. */
export function showModels(state, current, metrics) {
  setShown(byId("choose-model"), state.models.length > 1);
  setOptions(byId("shown-model"), state.models.map(({ model, stage }) => [model, stage === "default" ? `${model} (default)` : model]));
  byId("shown-model").value = state.model;
  showServing(state, current);
  showSwap(state);
  showAll(state.models, metrics);
  showHistory(state.history);
}

/* Sentences for people who do not see the page, when something has happened since `before`. */
export function tellChanges(before, state) {
  const said = [];
  for (const now of state.models) {
    const then = before.models.find(({ model }) => model === now.model);
    const name = state.models.length > 1 ? `${now.model}: ` : "";
    if (!then) continue;
    if (now.active && now.active.since !== (then.active || {}).since) said.push(`${name}version ${now.active.version} serves now.`);
    else if (now.failures > then.failures && now.last_error) said.push(`${name}a swap failed: ${now.last_error.message}`);
    else if (now.step && now.step.name !== (then.step || {}).name) said.push(`${name}swap in progress, step ${now.step.name}.`);
    else if (now.candidate && !then.candidate) said.push(`${name}version ${now.candidate.version} is loaded.`);
  }
  return said.join(" ");
}

