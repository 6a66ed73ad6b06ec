// Reads the office's OpenAPI document: which calls there are, and the fields people fill in.

const METHODS = ["get", "post", "put", "delete"];
const LONG = 500;
const CHINA_MS = 8 * 3_600_000;
// Titles of the API explain: the label is what stands before the explanation.
const EXPLAINED = /[，：；,(（]/;

/** What a title says first. */
export function label(title) {
  return title.split(EXPLAINED)[0];
}

function hint(title) {
  return title.slice(label(title).length).replace(/^[，：；,]\s*/, "");
}

class Spec {
  constructor(document) {
    this.schemas = document.components.schemas;
    this.operations = {};
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of METHODS.filter((one) => one in methods)) {
        const own = methods[method];
        // Addresses are given to `call`, which adds what stands before them.
        const short = path.replace(/^\/office\/v1/, "");
        this.operations[own.operationId] = { ...own, method: method.toUpperCase(), path: short };
      }
    }
  }

  operation(name) {
    const found = this.operations[name];
    if (!found) throw new Error(`no such call: ${name}`);
    return found;
  }

  /** Fields of a call's query, pages left out. */
  asked(name) {
    return (this.operation(name).parameters ?? [])
      .filter((one) => one.in === "query" && !["cursor", "limit"].includes(one.name))
      .map((one) => field(one.name, one.schema, one.required));
  }

  /** Fields of a call's path and body; those in `known` are already decided. */
  given(name, known = []) {
    const own = this.operation(name);
    const inPath = (own.parameters ?? []).filter((one) => one.in === "path");
    const body = own.requestBody?.content["application/json"].schema ?? { properties: {} };
    return [
      ...inPath.map((one) => field(one.name, { title: PATH_TITLES[one.name] ?? one.name, ...one.schema }, true)),
      ...Object.entries(body.properties).map(([key, schema]) =>
        field(key, schema, (body.required ?? []).includes(key))),
    ].filter((one) => !known.includes(one.name));
  }

  /** Title of each field of an answer's form, as people read it. */
  titles(form) {
    const found = this.schemas[form]?.properties ?? {};
    return Object.fromEntries(Object.entries(found).map(([name, own]) => [name, label(own.title ?? name)]));
  }

  /** Titles of the rows inside a list of an answer's form. */
  rowTitles(form, name) {
    const found = this.schemas[form]?.properties?.[name]?.items?.properties ?? {};
    return Object.fromEntries(Object.entries(found).map(([key, own]) => [key, label(own.title ?? key)]));
  }

  /** Name of the form of a call's answer. */
  answerOf(name) {
    const schema = this.operation(name).responses["200"].content["application/json"]?.schema ?? {};
    const own = schema.properties?.items?.items ?? schema;
    return own.$ref?.split("/").pop() ?? "";
  }

  /** The address with the path's places filled from `values`. */
  address(name, values) {
    return this.operation(name).path.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(values[key]));
  }
}

/** The document of this office: the same for everybody, and never changed by the page. */
export let spec = null;

export function learn(document) {
  spec = new Spec(document);
}

const PATH_TITLES = { code: "编码", name: "登录名", device: "设备号", id: "编号" };

/** One thing to fill in. kind: text, area, secret, number, moment, day, choice, flag, lines,
 * region, institution, file or grants. */
function field(name, schema, required) {
  const title = schema.title ?? name;
  const base = {
    name, required, title: label(title), hint: hint(title), id: `f-${name}`,
    max: schema.maxLength ?? null, least: schema.minimum ?? null, most: schema.maximum ?? null,
    choices: schema.enum ?? [],
  };
  return { ...base, kind: kindOf(name, schema) };
}

function kindOf(name, schema) {
  if (name === "csv") return "file";
  if (name === "grants") return "grants";
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "flag";
  if (schema.type === "integer") return name.endsWith("_ms") ? "moment" : "number";
  if (schema.format === "date") return "day";
  if (schema.type === "array") return "lines";
  if (["password", "old", "new"].includes(name)) return "secret";
  if (name === "region" || name === "parent") return "region";
  if (name === "institution") return "institution";
  return (schema.maxLength ?? 0) >= LONG ? "area" : "text";
}

/** What is sent for what was filled in; undefined: left out. */
export function valueOf(own, filled) {
  if (own.kind === "flag") return filled === true || filled === "true";
  if (own.kind === "grants") return filled.map((one) => ({ role: one.role, scope: scopeOf(one) }));
  if (filled === "" || filled === null || filled === undefined) return undefined;
  if (own.kind === "number") return Number(filled);
  // `datetime-local` has no zone: the office works by the clock in China.
  if (own.kind === "moment") return Date.parse(`${filled}Z`) - CHINA_MS;
  if (own.kind === "lines") return filled.split(/[\n,，]/).map((one) => one.trim()).filter(Boolean);
  return ["secret", "area", "file"].includes(own.kind) ? filled : filled.trim();
}

/** What the input shows for a value of the API. */
export function shownAs(own, value) {
  if (own.kind === "flag") return own.required ? "" : value === true;
  if (own.kind === "grants") return (value ?? []).map(grantOf);
  if (value === null || value === undefined) return "";
  if (own.kind === "moment") return new Date(value + CHINA_MS).toISOString().slice(0, 16);
  if (own.kind === "lines") return value.join("\n");
  return String(value);
}

function scopeOf(grant) {
  return grant.kind === "*" ? "*" : `${grant.kind}:${grant.code.trim()}`;
}

function grantOf(given) {
  const [kind, code = ""] = given.scope.split(":");
  return { role: given.role, kind, code };
}
