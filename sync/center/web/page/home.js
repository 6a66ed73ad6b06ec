// Where one is: the views one may open, the way between them, and the overview.

import { call } from "/page/api.js";
import { percentTone } from "/page/cell.js";
import { spec } from "/page/spec.js";
import { DEVICE_TILES, TILES, VIEWS } from "/page/view.js";
import { scope, today, tone, word } from "/page/words.js";

const TITLE = "医保核验中心";

/** The address of a view with its filters. */
export function hashOf(id, query = {}) {
  const asked = String(new URLSearchParams(query));
  return `#/${id}${asked ? `?${asked}` : ""}`;
}

export const navigation = {
  may(name) {
    const needed = spec.operations[name]?.["x-permission"];
    return needed === "self" || this.me.permissions.includes(needed);
  },

  get views() {
    return this.stage === "in" ? VIEWS.filter((view) => this.may(view.list ?? view.facts)) : [];
  },

  get navs() {
    const titles = [...new Set(this.views.map((view) => view.nav))];
    const groups = titles.map((title) => [title, this.views.filter((view) => view.nav === title)]);
    const found = groups.map(([title, views]) => ({
      title,
      href: hashOf(views[0].id),
      current: views.some((view) => view.id === this.view?.id),
      waiting: views.reduce((sum, view) => sum + (this.overview?.[view.waiting] ?? 0), 0),
    }));
    const first = { title: "总览", href: "#/", current: this.view === null, waiting: 0 };
    return this.may("overview") ? [first, ...found] : found;
  },

  get myRoles() {
    return this.me.grants.map((one) => `${word("role", one.role)}（${scope(one.scope, (code) => this.regionName(code))}）`).join("、");
  },

  get tabs() {
    const beside = this.views.filter((view) => view.nav === this.view?.nav);
    return beside.length < 2 ? [] : beside.map((view) => ({
      title: view.tab ?? view.title, href: hashOf(view.id), current: view.id === this.view.id,
    }));
  },

  async route() {
    if (this.stage !== "in") return;
    const address = location.hash;
    const [id, asked] = location.hash.replace(/^#\/?/, "").split("?");
    const fallback = this.may("overview") ? null : this.views[0];
    this.view = this.views.find((view) => view.id === id) ?? fallback ?? null;
    this.menu = false;
    Object.assign(this, { rows: [], next: null, fault: "", counts: [], facts: [], loaded: false, arrived: null });
    document.title = `${this.view?.title ?? "总览"} - ${TITLE}`;
    if (this.view === null) {
      await this.refresh();
    } else {
      this.prepare(Object.fromEntries(new URLSearchParams(asked)));
      await this.load();
    }
    // Whoever is quick has gone on meanwhile.
    if (location.hash === address) this.arrived = address;
  },

  go(event) {
    this.menu = false;
    // The list is asked for again when its own entry is chosen.
    if (event.currentTarget.hash === location.hash) this.route();
  },

  toContent() {
    this.$refs.room.focus();
  },

  names: {
    region: (code) => code,
    operation: (id) => spec.operations[id]?.summary?.split(/[，（； ]/)[0] ?? id,
  },

  regionName(code) {
    return this.regions.find((one) => one.code === code)?.name ?? code;
  },
};

export const overview = {
  async refresh() {
    if (this.stage !== "in" || document.hidden || !this.may("overview")) return;
    try {
      this.overview = await call("GET", "/overview");
      if (this.view === null) this.rate = await this.rateOfToday();
    } catch (fault) {
      this.failed(fault);
    }
  },

  async rateOfToday() {
    if (!this.may("rate_sums")) return null;
    const page = await call("GET", "/rate-sums", { query: { from: today(), to: today() } });
    return page.items.find((row) => row.institution === "*")?.percent ?? null;
  },

  get tiles() {
    const told = this.overview;
    if (!told) return [];
    const institutions = this.regions.reduce((sum, one) => sum + one.institutions, 0);
    const own = (title, value, how, href) => ({ title, value, tone: how, href });
    const percent = (value) => (value === null ? "无结算" : `${value}%`);
    const low = (value) => (value === null ? "" : percentTone(Number(value)));
    return [
      own("今日认证率", percent(this.rate), low(this.rate), hashOf("rates", { from: today(), to: today() })),
      own(`${told.day} 认证率`, percent(told.rate_percent), low(told.rate_percent), hashOf("rates", { from: told.day, to: told.day })),
      own("机构", institutions, "", "#/institutions"),
      ...TILES.map(([name, title, how, href]) => own(title, told[name], told[name] ? how : "good", href)),
    ].filter((tile) => this.reachable(tile.href));
  },

  get deviceTiles() {
    const told = this.overview;
    return !told ? [] : DEVICE_TILES.map((state) => ({
      title: word("device", state), value: told.devices[state],
      tone: told.devices[state] ? tone("device", state) : "", href: hashOf("devices", { state }),
    }));
  },

  reachable(href) {
    return this.views.some((view) => href.startsWith(`#/${view.id}`));
  },
};
