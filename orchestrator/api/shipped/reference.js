// Shows the OpenAPI document. Texts are set as texts, never as markup.
"use strict";

const made = (name, text, kind) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};

const resolved = (schema, whole) =>
  schema && schema.$ref ? whole.components.schemas[schema.$ref.split("/").pop()] : schema;

const typeOf = (schema, whole) => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map((each) => typeOf(each, whole)).join(" or ");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items, whole) || "anything"}`;
  return (schema.format ? `${schema.type} (${schema.format})` : schema.type) || "anything";
};

const table = (rows) => {
  const body = made("table");
  for (const row of rows) {
    const line = body.appendChild(made("tr"));
    for (const cell of row) line.append(made("td", cell));
  }
  return body;
};

const fields = (schema, whole) => {
  const found = resolved(schema, whole) || {};
  const required = new Set(found.required || []);
  return Object.entries(found.properties || {}).map(([name, each]) => [
    name, typeOf(each, whole), required.has(name) ? "required" : "", each.description || "",
  ]);
};

const contentOf = (part) => Object.values((part && part.content) || {})[0];

const operation = (method, path, told, whole) => {
  const block = made("details");
  const head = block.appendChild(made("summary"));
  head.append(made("span", method.toUpperCase(), "method"), made("code", path));
  block.append(made("p", told.description || ""));
  const given = (told.parameters || []).map((each) => [
    each.name, `${typeOf(each.schema, whole)}, in ${each.in}`,
    each.required ? "required" : "", each.description || "",
  ]);
  if (given.length) block.append(made("h3", "Takes"), table(given));
  const body = contentOf(told.requestBody);
  if (body) block.append(made("h3", "Body"), table(fields(body.schema, whole)));
  const [status, answer] = Object.entries(told.responses).find(([code]) => code[0] === "2") || [];
  if (answer) {
    const type = typeOf((contentOf(answer) || {}).schema, whole);
    block.append(made("h3", `Answers ${status}`), made("p", type || Object.keys(answer.content || {}).join()));
    if (contentOf(answer)) block.append(table(fields(contentOf(answer).schema, whole)));
  }
  return block;
};

const show = (whole) => {
  const groups = new Map();
  for (const [path, methods] of Object.entries(whole.paths))
    for (const [method, told] of Object.entries(methods)) {
      const tag = (told.tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(method, path, told, whole));
    }
  const routes = document.getElementById("routes");
  routes.replaceChildren();
  for (const [tag, blocks] of groups) routes.append(made("h2", tag), ...blocks);
  routes.append(made("h2", "records"));
  for (const [name, schema] of Object.entries(whole.components.schemas)) {
    const block = routes.appendChild(made("details"));
    block.append(made("summary", name), made("p", schema.description || ""), table(fields(schema, whole)));
  }
  document.getElementById("find").addEventListener("input", (event) => {
    const text = event.target.value.toLowerCase();
    for (const block of routes.querySelectorAll("details"))
      block.hidden = !block.textContent.toLowerCase().includes(text);
  });
};

fetch("/api/v1/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.getElementById("routes").replaceChildren(made("p", String(error), "said"));
  });
