/* Asks recsysd. The key of the person who reads is kept for this tab, and sent to /api only. */

import { setServerTime } from "./format.js";

const NAME = "recsysd-key";
const PATIENCE_MS = 10000;
let key = "";

/* A browser may forbid the storage; then the key lasts as long as the page. */
try { key = sessionStorage.getItem(NAME) || ""; } catch { /* without it */ }

export const hasKey = () => key !== "";

/* fetch() fails for a header with other characters, before it asks anybody. */
export const canBeSent = (value) => /^[\x21-\x7e]+$/.test(value);

export function setKey(value) {
  key = value;
  try {
    if (key) sessionStorage.setItem(NAME, key);
    else sessionStorage.removeItem(NAME);
  } catch { /* without it */ }
}

/* Ids have up to 19 digits, numbers of JavaScript 15: long ones become texts. A quotation mark within a
 * text has a \ before it, so no title is changed. */
export function parseAnswer(text) {
  return JSON.parse(text.replace(/"((?:movie|item|user)_id)":(-?\d{16,})/g, '"$1":"$2"'));
}

/* An answer with another status than 200. */
export class Refusal extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

function explain(status, text) {
  try {
    const { detail } = JSON.parse(text);
    if (Array.isArray(detail)) return detail.map((one) => `${one.loc.slice(1).join(".")}: ${one.msg}`).join("; ");
    if (typeof detail === "string") return detail;
  } catch { /* a proxy's page */ }
  return `the answer has the status ${status}`;
}

/* Text or, with `isJson`, the value. Fails with a Refusal, or with another error if nobody answers. */
async function ask(path, options, isJson) {
  const headers = { ...(options.body ? { "Content-Type": "application/json" } : {}) };
  if (key && path.startsWith("api/")) headers.Authorization = `Bearer ${key}`;
  const reply = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(PATIENCE_MS), redirect: "error" });
  const text = await reply.text();
  setServerTime(reply.headers.get("Date"));
  if (!reply.ok) throw new Refusal(reply.status, explain(reply.status, text), Number(reply.headers.get("Retry-After")));
  return isJson ? parseAnswer(text) : text;
}

export const getJson = (path) => ask(path, {}, true);
export const getText = (path) => ask(path, {}, false);
export const postJson = (path, body) => ask(path, { method: "POST", body: JSON.stringify(body) }, true);
