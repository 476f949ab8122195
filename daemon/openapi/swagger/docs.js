/* Swagger UI, set up for recsysd. */
"use strict";

/* JSON with line breaks, and every number and text as it came: JSON.parse would round ids above 2^53. */
function indent(text) {
  let depth = 0, out = "";
  const line = () => "\n" + "  ".repeat(depth);
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (token === "{" || token === "[") {
      depth++;
      out += token + line();
    } else if (token === "}" || token === "]") {
      depth--;
      out = /[{[]\s*$/.test(out.slice(-200)) ? out.trimEnd() + token : out + line() + token;
    } else {
      out += token === "," ? token + line() : token === ":" ? ": " : token;
    }
  }
  return out;
}

/* Swagger UI shows text as it is, but JSON after JSON.parse. */
const AsSent = (system) => ({
  wrapComponents: {
    responseBody: (Original) => (props) => /json/i.test(props.contentType)
      ? system.React.createElement(Original, { ...props, content: indent(String(props.content)), contentType: "text/plain" })
      : system.React.createElement(Original, props),
  },
});

/* No link inside a button, and no level of headings left out. */
const InOrder = (system) => {
  const make = system.React.createElement;
  return {
    wrapComponents: {
      DeepLink: () => ({ text }) => make("span", null, text),
      operations: (Original) => (props) => make("div", null, make("h2", { className: "hidden-heading" }, "Routes"), make(Original, props)),
    },
  };
};

/* Attributes for keyboards and screen readers that Swagger UI does not set. */
const missing = [
  [".information-container", "role", "region"],
  [".information-container", "aria-label", "About"],
  ["textarea.body-param__text", "aria-label", "Request body"],
  [".responses-table", "aria-label", (table) => table.id.replaceAll("_", " ") || "responses"],
  [".highlight-code pre", "tabindex", "0"],
  [".dialog-ux", "role", "dialog"],
  [".dialog-ux", "aria-label", "Available authorizations"],
  [".modal-ux-header h3", "aria-level", "2"],
  [".auth-container h4", "aria-level", "3"],
  [".close-modal", "aria-label", "Close"],
];
function complete() {
  for (const [selector, name, value] of missing)
    for (const element of document.querySelectorAll(selector))
      if (!element.hasAttribute(name)) element.setAttribute(name, typeof value === "string" ? value : value(element));
}
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });

const dark = matchMedia("(prefers-color-scheme: dark)");
const setColours = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", setColours);
setColours();

SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  domNode: document.getElementById("routes"),
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  persistAuthorization: false,
  validatorUrl: null,
  tryItOutEnabled: true,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [AsSent, InOrder],
});
