"use strict";

// Everything is put in as text, never as markup: names and descriptions cannot become script.
const page = document.getElementById("page");
const said = document.getElementById("said");
const entry = document.getElementById("entry");
const field = document.getElementById("key");

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const code = (text) => make("code", {}, text);

function follow(api, schema) {
  return schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;
}

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.type === "array" && schema.items) return `list of ${typeOf(schema.items)}`;
  if (Array.isArray(schema.type)) return schema.type.join(" or ");
  const bounds = ["minimum", "maximum", "maxLength", "pattern"]
    .filter((name) => name in schema)
    .map((name) => `${name} ${schema[name]}`);
  return [schema.type || "any", ...bounds].join(", ");
}

function rows(pairs) {
  const table = make("table", {});
  for (const [name, type, text] of pairs) {
    table.append(
      make("tr", {}, make("td", {}, code(name)), make("td", {}, type), make("td", {}, text)),
    );
  }
  return table;
}

function shape(api, schema) {
  const whole = follow(api, schema);
  if (whole.properties === undefined) return code(typeOf(whole));
  const required = whole.required || [];
  return rows(
    Object.entries(whole.properties).map(([name, each]) => [
      name,
      typeOf(each) + (required.includes(name) ? "" : ", optional"),
      each.description || "",
    ]),
  );
}

function example(api, path, method, operation) {
  const secure = operation.security.some((each) => "key" in each);
  const parts = [`curl -X ${method.toUpperCase()} '${location.origin}${path}'`];
  if (secure) parts.push('-H "Authorization: Bearer $INTERNAL_API_KEY"');
  const body = operation.requestBody;
  if (body) {
    const found = follow(api, body.content["application/json"].schema).examples || [{}];
    parts.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(found[0])}'`);
  }
  return make("pre", {}, parts.join(" \\\n  "));
}

function card(api, path, method, operation) {
  const heading = make(
    "summary",
    {},
    make("span", { class: `method ${method}` }, method.toUpperCase()),
    code(path),
    make("span", {}, operation.summary),
    operation["x-scope"] ? make("span", { class: "scope" }, operation["x-scope"]) : null,
  );
  const element = make("details", { id: operation.operationId }, heading);
  if (operation.parameters.length) {
    element.append(
      make("h3", {}, "Parameters"),
      rows(
        operation.parameters.map((each) => [
          each.name,
          `${each.in}, ${typeOf(each.schema)}`,
          each.description || "",
        ]),
      ),
    );
  }
  if (operation.requestBody) {
    const schema = operation.requestBody.content["application/json"].schema;
    element.append(make("h3", {}, "Body"), shape(api, schema));
  }
  element.append(
    make("h3", {}, "Answers"),
    rows(
      Object.entries(operation.responses).map(([status, each]) => {
        const content = Object.values(each.content || {})[0];
        return [status, content ? typeOf(content.schema) : "", each.description];
      }),
    ),
  );
  element.append(make("h3", {}, "Try"), example(api, path, method, operation));
  return element;
}

function render(api) {
  page.replaceChildren();
  said.textContent = `${api.info.description} Version ${api.info.version}.`;
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0];
      if (!groups.has(tag)) groups.set(tag, make("section", {}, make("h2", {}, tag)));
      groups.get(tag).append(card(api, path, method, operation));
    }
  }
  page.append(...groups.values(), make("h2", {}, "shapes"));
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    page.append(
      make(
        "details",
        { id: name },
        make(
          "summary",
          {},
          code(name),
          make("span", {}, (schema.description || "").split("\n")[0]),
        ),
        shape(api, schema),
      ),
    );
  }
  const kinds = make("table", {});
  for (const each of api["x-problems"]) {
    kinds.append(
      make(
        "tr",
        { id: each.reason },
        make("td", {}, code(each.reason)),
        make("td", {}, String(each.status)),
        make("td", {}, each.title),
      ),
    );
  }
  page.append(make("h2", {}, "problems"), make("section", { class: "kind" }, kinds));
  if (location.hash) location.replace(location.hash);
}

/** Show the document to the bearer of a key, or without one to who is signed in at the dashboard. */
async function read(key) {
  const headers = key === null ? {} : { Authorization: `Bearer ${key}` };
  const answer = await fetch("api/openapi.json", { headers });
  if (answer.ok) {
    if (key !== null) sessionStorage.setItem("key", key);
    entry.hidden = true;
    render(await answer.json());
  } else if (key !== null) {
    sessionStorage.removeItem("key");
    said.textContent = [401, 403].includes(answer.status)
      ? "That is not an API key."
      : `Error ${answer.status}.`;
  }
}

entry.addEventListener("submit", (event) => {
  event.preventDefault();
  read(field.value);
});
read(sessionStorage.getItem("key"));
