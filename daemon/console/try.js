/* The box "Try a user": what models recommend, one or two side by side. Titles are put in as text, and no
 * poster is loaded from another server. */

import { byId, draw, make, setShown, setText } from "./dom.js";
import { count, figure, percent } from "./format.js";
import { Refusal, postJson } from "./feed.js";
import { setOptions } from "./models.js";

const PLAIN = " without preferences"; // no name of a model has a space
let models = []; // of the named ones, those that serve
let asked = 0;

const words = (id) => byId(id).value.split(",").map((word) => word.trim()).filter(Boolean);

export function showChoices(state) {
  models = state.models.filter(({ active }) => active).map(({ model }) => model);
  const named = models.map((name) => [name, name]);
  setOptions(byId("try-first"), [["", models.length > 1 ? "the user's model" : "the model that serves"], ...(models.length > 1 ? named : [])]);
  setOptions(byId("try-second"), [["", "nothing"], [PLAIN, "the same, without preferences"], ...(models.length > 1 ? named : [])]);
}

function readPreferences() {
  const rating = byId("try-rating").value, preferences = {};
  for (const [name, list] of [["favorite_genres", words("try-genres")], ["require_genres", words("try-required")],
    ["preferred_languages", words("try-languages")]])
    if (list.length) preferences[name] = list;
  if (rating !== "") preferences.min_rating = Number(rating);
  if (byId("try-decade").value) preferences.preferred_decade = byId("try-decade").value;
  return preferences;
}

/* Without preferences all that filters is left, so that both lists have the same items to choose from. */
function makeRequest(model, isPlain) {
  const user = byId("try-user").value.trim(), preferences = isPlain ? {} : readPreferences();
  preferences.exclude_adult = byId("try-adult").checked;
  return {
    ...(user ? { user_id: user } : { anonymous: true }), ...(model ? { model } : {}), preferences,
    top_k: Number(byId("try-top").value) || 10, include_reasons: true, exclude_seen: byId("try-seen").checked,
  };
}

/* A poster is shown if this server, or the catalogue itself, has it; of others there is a link. */
function makePoster(url, title) {
  let parsed;
  if (!url) return null;
  try { parsed = new URL(url, document.baseURI); } catch { return null; }
  if (parsed.origin === location.origin || /^data:image\/(png|jpeg|webp|gif|avif)[;,]/.test(url)) {
    const image = make("img", { class: "poster", src: parsed.href, alt: "", width: 44, height: 66, loading: "lazy" });
    image.addEventListener("error", () => image.remove());
    return image;
  }
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") return null;
  return make("a", { class: "poster-link", href: parsed.href, target: "_blank", rel: "noopener noreferrer" },
    "Poster", make("span", { class: "unseen" }, ` of ${title} at ${parsed.host}`));
}

function makeScore(score) {
  const part = Math.min(Math.max(score, 0), 1) * 100;
  return make("div", { class: "score" },
    draw("svg", { class: "bar", "aria-hidden": "true", viewBox: "0 0 100 6", preserveAspectRatio: "none" },
      draw("rect", { class: "bar-all", width: 100, height: 6 }), draw("rect", { class: "bar-part", width: part, height: 6 })),
    make("span", {}, make("span", { class: "unseen" }, "score "), score.toFixed(3)));
}

function makeItem(item, other) {
  const title = item.title || `Item ${item.movie_id}`, place = other ? other.get(String(item.movie_id)) : undefined;
  const facts = [item.release_year, item.genres.join(", "), item.rating === null ? null : `rated ${figure(item.rating)}`].filter(Boolean);
  const poster = makePoster(item.poster_url, title), isImage = poster && poster.tagName === "IMG";
  return make("li", { class: isImage ? "item with-poster" : "item" },
    isImage ? poster : null,
    make("div", { class: "item-words" },
      make("p", { class: "title" }, title),
      make("p", { class: "quiet" }, `${facts.join(" · ") || "no details"} · id ${item.movie_id}`),
      item.reason ? make("p", { class: "reason" }, item.reason) : null,
      poster && !isImage ? make("p", { class: "quiet" }, poster) : null,
      place ? make("p", { class: "other" }, `also number ${place} beside`) : null),
    makeScore(item.score));
}

function makeAnswer(title, answer, other) {
  const id = `answer-${title.replace(/\W+/g, "-")}`;
  const head = make("h3", { id }, title);
  if (answer instanceof Error) return make("div", { class: "card" }, head, make("p", { class: "wrong" }, answer.message));
  const places = other && !(other instanceof Error) ? new Map(other.recommendations.map((item, i) => [String(item.movie_id), i + 1])) : null;
  const ignored = answer.preferences_ignored || [];
  return make("div", { class: "card" }, head,
    make("p", { class: "quiet" }, `${answer.model}, version ${answer.model_version} · strategy ${answer.strategy.replace(/_/g, " ")} · ` +
      `computed in ${count(answer.inference_time_ms)} ms`),
    ignored.length ? make("p", { class: "note" }, `Not used: ${ignored.join("; ")}`) : null,
    answer.recommendations.length ? make("ol", { class: "items", "aria-labelledby": id }, ...answer.recommendations.map((item) => makeItem(item, places)))
      : make("p", {}, "No item is eligible."));
}

/* Genres of what was recommended, to be chosen by a click. */
const known = new Set();
function suggest(answers) {
  for (const answer of answers)
    for (const item of answer instanceof Error ? [] : answer.recommendations) item.genres.forEach((genre) => known.add(genre));
  const place = byId("try-suggestions"), shown = [...known].sort().slice(0, 24);
  setShown(place, shown.length > 0);
  if (place.childElementCount !== shown.length) place.replaceChildren(...shown.map(makeSuggestion));
  pressSuggestions();
}

function makeSuggestion(genre) {
  const button = make("button", { type: "button", class: "chip", "aria-pressed": "false" }, genre);
  button.addEventListener("click", () => {
    const chosen = words("try-genres"), at = chosen.findIndex((word) => word.toLowerCase() === genre.toLowerCase());
    if (at < 0) chosen.push(genre);
    else chosen.splice(at, 1);
    byId("try-genres").value = chosen.join(", ");
    pressSuggestions();
  });
  return button;
}

function pressSuggestions() {
  const chosen = words("try-genres").map((word) => word.toLowerCase());
  for (const button of byId("try-suggestions").children)
    button.setAttribute("aria-pressed", String(chosen.includes(button.textContent.toLowerCase())));
}

function sumUp(titles, answers) {
  const failed = answers.findIndex((answer) => answer instanceof Error);
  if (failed >= 0) return `${titles[failed]}: ${answers[failed].message}`;
  if (answers.length === 1) return `${count(answers[0].recommendations.length)} items.`;
  const ids = new Set(answers[1].recommendations.map((item) => String(item.movie_id)));
  const both = answers[0].recommendations.filter((item) => ids.has(String(item.movie_id))).length;
  return `${both} of ${answers[0].recommendations.length} items are in both lists (${percent(both / Math.max(answers[0].recommendations.length, 1))}).`;
}

async function recommend(event) {
  event.preventDefault();
  const turn = ++asked, first = byId("try-first").value, second = byId("try-second").value;
  const name = first || (models.length > 1 ? "The user's model" : models[0] || "The model");
  const titles = second === PLAIN ? ["With preferences", "Without preferences"] : second ? [name, second === first ? `${second} again` : second] : [name];
  const requests = [makeRequest(first, false)];
  if (second) requests.push(second === PLAIN ? makeRequest(first, true) : makeRequest(second, false));
  setText(byId("try-said"), "Asking …");
  const answers = await Promise.all(requests.map((request) => postJson("api/v1/predict", request).catch((error) =>
    (error instanceof Refusal ? error : new Error("recsysd does not answer.")))));
  if (turn !== asked) return; // another one was sent meanwhile
  byId("answers").replaceChildren(...answers.map((answer, i) => makeAnswer(titles[i], answer, answers[1 - i])));
  setText(byId("try-said"), sumUp(titles, answers));
  suggest(answers);
}

export function startTry() {
  const years = Array.from({ length: 11 }, (_, i) => `${2020 - 10 * i}s`);
  byId("try-decade").append(...years.map((decade) => make("option", { value: decade }, decade)));
  byId("try-genres").addEventListener("input", pressSuggestions);
  byId("try").addEventListener("submit", recommend);
  showChoices({ models: [] });
}
