/* Elements without HTML: everything that comes from a server goes in as text. */

export const byId = (id) => document.getElementById(id);

function add(element, properties, children) {
  for (const [name, value] of Object.entries(properties))
    if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/* make("p", {class: "note"}, "text", element, …) */
export function make(name, properties = {}, ...children) {
  return add(document.createElement(name), properties, children);
}

export function draw(name, properties = {}, ...children) {
  return add(document.createElementNS("http://www.w3.org/2000/svg", name), properties, children);
}

/* Only what has changed is written, so that a selection survives and nothing is read out twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setShown(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/* A cell is text, or {text, bar, tone}: `bar` is a part from 0 to 1, `tone` good, warn or bad. */
const written = new WeakMap();
function setCell(cell, content) {
  const { text, bar, tone } = typeof content === "object" ? content : { text: content };
  const key = JSON.stringify([text, bar, tone]);
  if (written.get(cell) === key) return;
  written.set(cell, key);
  const words = tone ? make("span", { class: `word ${tone}` }, text) : text;
  cell.replaceChildren(...(bar === undefined ? [words] : [makeBar(bar), make("span", {}, text)]));
  cell.classList.toggle("with-bar", bar !== undefined);
}

function makeBar(part) {
  const width = Math.round(Math.min(Math.max(part, 0), 1) * 1000) / 10;
  return draw("svg", { class: "bar", "aria-hidden": "true", viewBox: "0 0 100 6", preserveAspectRatio: "none" },
    draw("rect", { class: "bar-all", width: 100, height: 6 }),
    draw("rect", { class: "bar-part", width, height: 6 }));
}

/*
 * Fills the body of a table whose head is in the page. The first cell of a row names it. A column
 * whose head has the class "number" is set to the right.
 */
export function fillTable(table, rows, whenEmpty) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const n = Math.max(rows.length, 1);
  while (body.rows.length > n) body.deleteRow(-1);
  for (let i = 0; i < n; i++) {
    let row = body.rows[i];
    const isFull = row && row.cells.length === heads.length;
    if (rows.length === 0) {
      if (isFull || !row) {
        if (row) row.remove();
        body.append(make("tr", {}, make("td", { colspan: heads.length, class: "empty" }, whenEmpty)));
      }
      return;
    }
    if (!isFull) {
      const cells = heads.map((head, column) =>
        make(column === 0 ? "th" : "td", { scope: column === 0 ? "row" : null, class: head.className || null }));
      const made = make("tr", {}, ...cells);
      if (row) row.replaceWith(made);
      else body.append(made);
      row = made;
    }
    rows[i].forEach((content, column) => setCell(row.cells[column], content));
  }
}

/* Terms and what they are, as a <dl> whose pairs keep their places. */
export function fillTerms(list, pairs) {
  const key = JSON.stringify(pairs);
  if (written.get(list) === key) return;
  written.set(list, key);
  list.replaceChildren(...pairs.map(([term, text]) => make("div", {}, make("dt", {}, term), make("dd", {}, text))));
}
