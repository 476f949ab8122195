/* The page at /docs: every route of openapi.json with a form to try it. All text goes in as text. */
"use strict";

const byId = (id) => document.getElementById(id);
let api = {};

function make(name, text, ...children) {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

/* The object that a {"$ref": "#/components/…"} means. */
function resolve(thing) {
  if (!thing || !thing.$ref) return thing || {};
  return resolve(thing.$ref.slice(2).split("/").reduce((at, name) => (at || {})[name], api));
}

function makeField(parameter, fields) {
  const input = make("input");
  const schema = resolve(parameter.schema);
  input.required = !!parameter.required;
  input.placeholder = schema.default === undefined ? "" : String(schema.default);
  fields.push({ parameter, input });
  return make("label", `${parameter.name} (${parameter.in})`, input);
}

function write(target, fields) {
  const query = new URLSearchParams();
  for (const { parameter, input } of fields) {
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (parameter.in === "query" && input.value !== "") query.set(parameter.name, input.value);
  }
  return target.slice(1) + (query.size || query.toString() ? "?" + query : "");
}

async function ask(method, target, body, answer) {
  const headers = {};
  if (byId("authorization").value) headers.Authorization = byId("authorization").value;
  if (byId("key").value) headers["X-API-Key"] = byId("key").value;
  if (body) headers["Content-Type"] = "application/json";
  answer.textContent = "…";
  try {
    const response = await fetch(target, { method, headers, body: body || undefined });
    const text = await response.text(); // as it came: JSON.parse would round ids above 2^53
    answer.textContent = `${response.status} ${response.statusText}\n\n${text}`;
  } catch (error) {
    answer.textContent = String(error);
  }
}

function makeRoute(path, method, operation, shared) {
  const fields = [], answer = make("pre"), form = make("form");
  for (const parameter of [...(shared || []), ...(operation.parameters || [])].map(resolve))
    if (parameter.in === "path" || parameter.in === "query") form.append(makeField(parameter, fields));
  answer.tabIndex = 0; // long lines are read with the keyboard, too
  const body = operation.requestBody ? make("textarea", "{}") : null;
  if (body) form.append(make("label", "body", body));
  form.append(make("button", "Try it"), answer);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(method.toUpperCase(), write(path, fields), body && body.value, answer);
  });
  const head = make("summary", "", make("code", `${method.toUpperCase()} ${path}`), ` ${operation.summary || ""}`);
  return make("details", "", head, operation.description ? make("p", operation.description) : "", form);
}

async function show() {
  api = await (await fetch("openapi.json")).json();
  byId("title").textContent = `${api.info.title} ${api.info.version}`;
  byId("about").textContent = api.info.description || "";
  for (const [path, item] of Object.entries(api.paths))
    for (const method of ["get", "post", "put", "delete"])
      if (item[method]) byId("routes").append(makeRoute(path, method, item[method], item.parameters));
}

show().catch((error) => { byId("about").textContent = `openapi.json cannot be read: ${error}`; });
