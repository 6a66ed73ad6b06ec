// What is done: a form from the API's own description, sent, and told how it went.

import { call, textOf } from "/page/api.js";
import { sections } from "/page/cell.js";
import { regionTree } from "/page/region.js";
import { shownAs, spec, valueOf } from "/page/spec.js";
import { WORDS, word } from "/page/words.js";

const MAX_CSV_CHARS = 2_000_000;
const SUGGEST_MS = 250;

export const acting = {
  get viewActs() {
    return (this.view?.acts ?? []).filter((act) => act.on === "view" && this.may(act.call));
  },

  get hasActs() {
    return Boolean(this.view?.detail) || (this.view?.acts ?? []).some((act) => act.on === "row" && this.may(act.call));
  },

  /** What a reader is told a row's buttons belong to. */
  nameOf(row) {
    const told = this.columns.filter((own) => !["words", "clock"].includes(own.how));
    return told.slice(0, 3).map((own) => this.cell(row, own).text).join(" ");
  },

  rowActs(row) {
    return (this.view?.acts ?? []).filter((act) =>
      act.on === "row" && this.may(act.call) && (!act.when || act.when(row, this.me)));
  },

  async begin(act, row) {
    const known = { ...(act.known?.(row) ?? {}) };
    const places = row ? (spec.operation(act.call).parameters ?? []).filter((one) => one.in === "path") : [];
    for (const one of places) known[one.name] = row[one.name];
    if (act.direct) {
      await this.run(act, known).catch((fault) => this.failed(fault));
      return;
    }
    if (act.read) {
      await this.read(act, row, known);
      return;
    }
    this.ask(act, row, known, []);
  },

  /** The whole case before the decision: who decides has to see what on. */
  async read(act, row, known) {
    try {
      const answer = await this.detailOf(row);
      const found = sections(answer, spec.answerOf(this.view.detail), spec, this.naming());
      this.ask(act, row, known, found.facts.filter((fact) => fact.text !== "—"));
    } catch (fault) {
      this.failed(fault);
    }
  },

  ask(act, row, known, facts) {
    const form = spec.answerOf(act.call);
    const fields = spec.given(act.call, Object.keys(known)).map((one) => this.worded(one, form, `f-${one.name}`));
    const filled = act.fill ? (row ?? this.settings) : {};
    const values = Object.fromEntries(fields.map((own) => [own.name, shownAs(own.flag ? { kind: "text" } : own, filled[own.name])]));
    const told = row && !facts.length ? this.columns.slice(0, 3).map((own) => this.cell(row, own).text).join("　") : "";
    this.form = {
      act, known, fields, values, told, facts, title: act.title, ask: act.ask ?? "",
      bar: act.bar?.(row, this.me) ?? "", busy: false, fault: "", bad: act.tone === "bad",
    };
    this.$nextTick(() => this.open());
  },

  open() {
    const box = this.$refs.formBox;
    box.showModal();
    box.querySelector(".fill input, .fill select, .fill textarea")?.focus();
  },

  async pick(own, event) {
    const file = event.target.files[0];
    const text = file ? await textOf(file) : "";
    const long = text.length > MAX_CSV_CHARS;
    this.form.values[own.name] = long ? "" : text.replace(/^\uFEFF/, "");
    this.form.fault = long ? "文件过大，请分成几个文件上传" : "";
  },

  async submit() {
    const form = this.form;
    form.busy = true;
    form.fault = "";
    try {
      const pairs = form.fields.map((own) => [own.name, valueOf(own.flag ? { kind: "flag", required: true } : own, form.values[own.name])]);
      await this.run(form.act, { ...Object.fromEntries(pairs.filter(([, value]) => value !== undefined)), ...form.known });
    } catch (fault) {
      if (fault.status === 401) this.failed(fault);
      form.fault = fault.message;
    }
    form.busy = false;
  },

  /** Send it; then the list is read again, as others may have worked on it meanwhile. */
  async run(act, values) {
    const own = spec.operation(act.call);
    const places = (own.parameters ?? []).filter((one) => one.in === "path").map((one) => one.name);
    const body = Object.fromEntries(Object.entries(values).filter(([name]) => !places.includes(name)));
    const content = own.method === "GET" ? {} : { body: own.requestBody ? body : undefined };
    const answer = await call(own.method, spec.address(act.call, values), content);
    this.$refs.formBox.close();
    this.answered(spec.answerOf(act.call), answer, act);
    await Promise.all([this.load(), this.refresh()]);
    if (act.call.startsWith("region")) this.regions = await regionTree();
  },

  answered(form, answer, act) {
    if (form === "Code") {
      const found = sections({ ...answer, code: undefined }, form, spec, this.naming());
      this.show({ title: "绑定码", secret: answer.code, facts: found.facts.slice(1), tables: [] });
    } else if (form === "Imported" || form === "Taken") {
      const titles = spec.titles(form);
      this.tell(`${act.title}：${Object.entries(answer).map(([name, n]) => `${titles[name]}${n}`).join("，")}`);
    } else if (form === "Published") {
      const lacking = answer.lacking.length ? `；${answer.lacking.length}台未上报加密公钥，收不到` : "";
      this.tell(`${act.title}：已下发${answer.devices.length}台设备${lacking}`);
    } else if (form === "AuditReport") {
      const text = `共${answer.entries}条`;
      if (answer.whole) this.tell(`审计链完整，${text}`);
      else this.fault = `审计链在第${answer.broken_at}条不符，请保护现场并上报`;
    } else {
      this.tell(`${act.title}：已完成`);
    }
  },

  addGrant() {
    this.form.values.grants.push({ role: "operator", kind: "institution", code: "" });
  },

  dropGrant(n) {
    this.form.values.grants.splice(n, 1);
  },

  get roleOptions() {
    return Object.keys(WORDS.role).map((value) => ({ value, text: word("role", value) }));
  },

  /** Institutions whose name or code holds what was typed. */
  suggest(own, event) {
    clearTimeout(this.suggesting);
    const text = event.target.value.trim();
    if (own.kind !== "institution" || !text || !this.may("institutions")) return;
    this.suggesting = setTimeout(async () => {
      try {
        const page = await call("GET", "/institutions", { query: { text, limit: 20 } });
        this.suggestions = page.items;
      } catch {
        // A suggestion that does not come is no fault: the code can be typed.
        this.suggestions = [];
      }
    }, SUGGEST_MS);
  },
};
