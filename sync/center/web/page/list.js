// A view's list: its filters, rows, counts and charts, and one row in detail.

import { all, call, download } from "/page/api.js";
import { cell, column, columnsOf, sections } from "/page/cell.js";
import { bars, line } from "/page/chart.js";
import { hashOf } from "/page/home.js";
import { treeOf } from "/page/region.js";
import { spec, valueOf } from "/page/spec.js";
import { FORMS, WORDS, moment, today, tone, word } from "/page/words.js";

const PAGE = 50;
const BOOLEANS = { approve: ["通过", "不通过"], agree: ["同意初审意见", "不同意，退回重审"] };

function yesNo(name) {
  const [yes, no] = BOOLEANS[name] ?? ["是", "否"];
  return [{ value: "true", text: yes }, { value: "false", text: no }];
}

export const listing = {
  prepare(asked) {
    const view = this.view;
    this.fields = [];
    if (!view.list) return;
    const form = spec.answerOf(view.list);
    this.columns = view.columns.map((told) => column(told, form, spec));
    this.fields = spec.asked(view.list)
      .filter((one) => !view.filters || view.filters.includes(one.name))
      .filter((one) => one.name !== "unmask" || this.me.permissions.includes("unmask"))
      .map((one) => this.worded(one, form, `q-${one.name}`));
    const preset = Object.entries(view.preset ?? {}).map(([name, before]) => [name, today(before)]);
    const given = { ...Object.fromEntries(preset), ...asked };
    this.filters = Object.fromEntries(this.fields.map((own) => {
      const told = given[own.name] ?? "";
      return [own.name, own.kind === "flag" ? told === "true" : told];
    }));
  },

  /** A field with the words of its choices; a word table makes a choice of a text. */
  worded(own, form, id) {
    const table = FORMS[form]?.[own.name];
    const words = own.kind === "choice" ? own.choices : table && id.startsWith("q-") ? Object.keys(WORDS[table]) : null;
    if (own.kind === "flag" && own.required) return { ...own, id, kind: "choice", flag: true, options: yesNo(own.name) };
    if (own.kind === "region") return { ...own, id, title: own.name === "parent" ? "上级" : "区划", options: this.regionOptions };
    if (words === null) return { ...own, id, options: [] };
    return { ...own, id, kind: "choice", options: words.map((value) => ({ value, text: table ? word(table, value) : value })) };
  },

  get regionOptions() {
    return this.regions.map((one) => ({ value: one.code, text: `${"　".repeat(one.depth)}${one.name}` }));
  },

  get query() {
    const pairs = this.fields.map((own) => [own.name, valueOf(own, this.filters[own.name])]);
    const told = pairs.filter(([, value]) => value !== undefined && value !== false);
    return Object.fromEntries(told.map(([name, value]) => [name, String(value)]));
  },

  search() {
    const wanted = hashOf(this.view.id, this.query);
    if (wanted === location.hash) this.route();
    else location.hash = wanted;
  },

  clear() {
    if (location.hash === hashOf(this.view.id)) this.route();
    else location.hash = hashOf(this.view.id);
  },

  async load(more = false) {
    const view = this.view;
    this.busy = true;
    this.fault = "";
    try {
      if (view.facts) await this.loadFacts();
      else if (view.whole) this.rows = this.regions = treeOf(await all(spec.address(view.list, {})));
      else await this.loadPage(more);
      this.loaded = true;
    } catch (fault) {
      this.failed(fault);
    }
    this.busy = false;
  },

  async loadPage(more) {
    const view = this.view;
    const paged = spec.operation(view.list).parameters?.some((one) => one.name === "limit");
    const query = { ...this.query, ...(paged ? { limit: PAGE } : {}), ...(more ? { cursor: this.next } : {}) };
    this.turn += 1;
    const turn = this.turn;
    const page = await call("GET", spec.address(view.list, {}), { query });
    // Asked again meanwhile: the later answer counts, whichever comes first.
    if (this.turn !== turn || this.view !== view) return;
    this.rows = more ? [...this.rows, ...page.items] : page.items;
    this.next = page.next;
    // Its panel appears with the rows: only then has it a width.
    if (view.chart) this.$nextTick(() => requestAnimationFrame(() => this.draw()));
    if (view.counts && !more) await this.loadCounts(view.counts);
  },

  async loadFacts() {
    const answer = await call("GET", spec.address(this.view.facts, {}));
    const form = spec.answerOf(this.view.facts);
    this.facts = sections(answer, form, spec, this.naming()).facts;
    this.settings = answer;
  },

  async loadCounts(name) {
    const supported = spec.asked(name).map((one) => one.name);
    const query = Object.fromEntries(Object.entries(this.query).filter(([key]) => supported.includes(key)));
    const answer = await call("GET", spec.address(name, {}), { query });
    const form = spec.answerOf(name);
    this.counts = answer.counts.filter((one) => one.n > 0).map((one) => {
      const keys = Object.keys(one).filter((key) => key !== "n");
      return {
        text: keys.map((key) => word(FORMS[form][key], one[key])).join(" · "), n: one.n,
        tone: keys.map((key) => tone(FORMS[form][key], one[key])).find(Boolean) ?? "",
        href: hashOf(this.view.id, { ...this.query, ...Object.fromEntries(keys.map((key) => [key, one[key]])) }),
      };
    });
  },

  draw() {
    const box = this.$refs.chart;
    if (!box || !this.view?.chart) return;
    const rows = this.rows.filter((row) => row.percent !== null && row.institution !== "*");
    const shown = rows.map((row) => ({ day: row.day, name: row.institution_name ?? row.institution, percent: Number(row.percent) }));
    if (this.view.chart === "bars") {
      bars(box, "各机构认证率", shown);
    } else {
      const one = new Set(rows.map((row) => row.institution)).size === 1;
      line(box, "逐日认证率", one ? shown.sort((a, b) => a.day.localeCompare(b.day)) : []);
      this.note = one ? (shown.length < 2 ? "不足两天，暂无曲线" : "") : "填一家机构的编号，可看逐日曲线";
    }
  },

  naming() {
    return { ...this.names, region: (code) => this.regionName(code) };
  },

  cell(row, own) {
    return cell(row, own, this.naming());
  },

  async save() {
    const name = this.view.csv;
    const supported = spec.asked(name).map((one) => one.name);
    const query = Object.fromEntries(Object.entries(this.query).filter(([key]) => supported.includes(key)));
    try {
      await download(spec.address(name, {}), query, `${this.view.title}-${today()}.csv`);
      this.tell("已导出");
    } catch (fault) {
      this.failed(fault);
    }
  },

  print() {
    this.printed = `${this.me.display}　${moment(Date.now())}`;
    this.$nextTick(() => window.print());
  },
};

export const looking = {
  /** The whole of a row; in clear where that was chosen for the list. */
  async detailOf(row) {
    const name = this.view.detail;
    const unmask = this.filters.unmask && spec.asked(name).some((one) => one.name === "unmask");
    return await call("GET", spec.address(name, row), { query: unmask ? { unmask: "true" } : {} });
  },

  async look(row) {
    const view = this.view;
    try {
      const answer = await this.detailOf(row);
      const found = sections(answer, spec.answerOf(view.detail), spec, this.naming());
      for (const [name, title] of view.more ?? []) found.tables.push(await this.beside(name, title, row));
      this.show({ title: `${view.title}详情`, ...found, secret: "" });
    } catch (fault) {
      this.failed(fault);
    }
  },

  async beside(name, title, row) {
    const form = spec.answerOf(name);
    const page = await call("GET", spec.address(name, row));
    return { title, columns: columnsOf(form, spec.schemas[form].properties, spec), rows: page.items };
  },

  show(found) {
    this.detail = found;
    this.$nextTick(() => this.$refs.factBox.showModal());
  },
};
