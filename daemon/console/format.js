/* Numbers and times as people read them, in the browser's language of numbers and in English words. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export const count = (n) => (Number.isFinite(n) ? whole.format(n) : "–");
export const figure = (n) => (Number.isFinite(n) ? short.format(n) : "–");
export const percent = (part) => (Number.isFinite(part) ? `${(100 * part).toFixed(part > 0.9995 || part < 0.0005 ? 0 : 1)} %` : "–");
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

export function bytes(n) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  for (; n >= 1000 && unit < units.length - 1; unit++) n /= 1000;
  return `${figure(n)} ${units[unit]}`;
}

export function seconds(s) {
  if (!Number.isFinite(s)) return "–";
  if (s < 0.001) return `${figure(s * 1e6)} µs`;
  return s < 1 ? `${figure(s * 1000)} ms` : `${figure(s)} s`;
}

/* The server's clock counts: that of a browser may be wrong. */
let ahead = 0;
export function setServerTime(date) {
  const now = Date.parse(date);
  if (Number.isFinite(now)) ahead = now - Date.now();
}

export const serverNow = () => Date.now() + ahead;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
export function ago(time) {
  const minutes = Math.floor((serverNow() - Date.parse(time)) / 60000);
  if (minutes < 1) return "less than a minute ago";
  if (minutes < 120) return relative.format(-minutes, "minute");
  return minutes < 2880 ? relative.format(-Math.floor(minutes / 60), "hour") : relative.format(-Math.floor(minutes / 1440), "day");
}

/* A manifest may have any text as a date. Other texts stay as they are; Date.parse() alone would take "run 7" for one. */
const formatDate = (format, text) =>
  (/^\d{4}-\d\d-\d\d/.test(text) && Number.isFinite(Date.parse(text)) ? format.format(new Date(text)) : String(text));

const dated = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
export const moment = (time) => (time ? formatDate(dated, time) : "–");
const dayOnly = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
export const day = (time) => formatDate(dayOnly, time);
const timed = new Intl.DateTimeFormat("en", { timeStyle: "medium", hourCycle: "h23" });
export const clock = (time) => timed.format(new Date(time));
