// How one value of an answer is shown: its text and its tone, by the answer's form and the field.

import { label } from "/page/spec.js";
import { FORMS, clock, moment, plain, scope, span, tone, word } from "/page/words.js";

// These end in _ms as moments do, but tell how long.
const SPANS = ["delay_ms", "overdue_ms", "offset_ms", "max_offset_ms"];
const LOW_PERCENT = 95;
const LONG_MARK = 20;
// Where the API's title tells programs what the words mean.
const TITLES = { code: "结果", who: "核验对象", offset_ms: "时钟偏差", score: "得分", hash: "链哈希" };
const RIGHT = ["figure", "percent"];
const SHORT = ["moment", "words", "figure", "percent", "flag", "clock"];

/** The column a view names as "name" or "name=title". */
export function column(told, form, spec) {
  const [name, title] = told.split("=");
  const schema = spec.schemas[form]?.properties?.[name] ?? {};
  const how = howOf(name, form, schema);
  return {
    name, form, how,
    title: title ?? titleOf(name, schema),
    class: [RIGHT.includes(how) ? "figure" : "", SHORT.includes(how) ? "short" : ""].join(" ").trim(),
  };
}

/** Columns of every field of the rows of an answer. */
export function columnsOf(form, properties, spec) {
  return Object.entries(properties).map(([name, own]) => ({
    ...column(name, form, spec), how: howOf(name, form, own), title: titleOf(name, own), class: "",
  }));
}

function titleOf(name, schema) {
  return name === "code" && schema.type === "string" ? label(schema.title) : TITLES[name] ?? label(schema.title ?? name);
}

function howOf(name, form, schema) {
  if (FORMS[form]?.[name]) return "words";
  const special = { place: "place", clock: "clock", percent: "percent", amount: "figure", person: "mark", grants: "grants" }[name];
  if (special) return special;
  if (form === "Entry" && name === "what") return "operation";
  if (form === "Institution" && name === "region") return "region";
  if (form === "Region" && name === "name") return "tree";
  if (name === "source" || name === "hash") return "text";
  if (name.endsWith("_ms")) return SPANS.includes(name) ? "span" : "moment";
  const type = [schema.type].flat()[0];
  return { boolean: "flag", integer: "figure", number: "figure" }[type] ?? "text";
}

/** {text, tone, class} of a row's column. `names`: region(code) and operation(id) in words. */
export function cell(row, own, names) {
  if (own.how === "clock") {
    const [text, how] = clock(row);
    return { text, tone: how, class: "badge" };
  }
  if (own.how === "place") {
    return { text: row.institution === "*" ? "合计" : row.institution_name || row.institution, tone: "", class: "" };
  }
  const value = row[own.name];
  if (value === null || value === undefined) return { text: own.how === "percent" ? "无结算" : "—", tone: "", class: "" };
  if (own.how === "words") {
    const table = FORMS[own.form][own.name];
    if (Array.isArray(value)) {
      return { text: value.map((one) => word(table, one)).join("\n") || "—", tone: "", class: "" };
    }
    return { text: word(table, value), tone: tone(table, value), class: "badge" };
  }
  return { tone: "", class: own.how === "tree" ? `depth-${row.depth ?? 0}` : "", ...SHOWN[own.how](value, names) };
}

const SHOWN = {
  text: (value) => ({ text: typeof value === "string" ? value || "—" : plain(value) }),
  tree: (value) => ({ text: value }),
  moment: (value) => ({ text: moment(value) }),
  span: (value) => ({ text: value === 0 ? "0" : span(value) }),
  figure: (value) => ({ text: String(value) }),
  flag: (value) => ({ text: value ? "是" : "否" }),
  mark: (value) => ({ text: value.length > LONG_MARK ? `${value.slice(0, 12)}…` : value || "—" }),
  region: (value, names) => ({ text: names.region(value) }),
  operation: (value, names) => ({ text: names.operation(value) }),
  percent: (value) => ({
    text: `${value}%`, tone: percentTone(Number(value)), class: "badge",
  }),
  grants: (value, names) => ({
    text: value.map((one) => `${word("role", one.role)}（${scope(one.scope, names.region)}）`).join("\n") || "未授权",
  }),
};

/** Every settlement checked is right; more checks than settlements is a count that is wrong. */
export function percentTone(percent) {
  if (percent < LOW_PERCENT) return "bad";
  return percent === 100 ? "good" : "warn";
}

/** An answer as facts to read, and the tables inside it. */
export function sections(answer, form, spec, names) {
  const properties = spec.schemas[form]?.properties ?? {};
  const facts = [], tables = [];
  for (const [name, value] of Object.entries(answer)) {
    const rows = properties[name]?.items?.properties;
    if (rows && name !== "grants") {
      const own = `${form}.${name}`;
      tables.push({ title: label(properties[name].title ?? name), columns: columnsOf(own, rows, spec), rows: value });
    } else {
      const own = column(name, form, spec);
      facts.push({ title: own.title, ...whole(answer, own, names) });
    }
  }
  return { facts, tables };
}

/** As `cell`, but nothing is cut short. */
function whole(answer, own, names) {
  return cell(answer, own.how === "mark" ? { ...own, how: "text" } : own, names);
}
