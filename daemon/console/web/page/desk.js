"use strict";
// The clerk's pages: encounters, agents, special registrations, ward, treatments, attendance.
document.addEventListener("alpine:init", () => {
  const { get, post, save, text, tell, trying, ask, act, view, today, nowThere } = window.yibao;

  Alpine.data("today", () => ({
    f: { from: today(), to: today(), kind: "", result: "", id: "", deal: "" },
    kinds: ["settlement", "admission", "bed-change", "stay", "discharge", "round",
      "treatment-in", "treatment-out", "attendance"],
    rows: [], total: 0, page: 1, pages: 1, one: null, busy: false, loaded: false,
    async init() { await this.load(1); },
    async load(page) {
      await trying(this, async () => {
        const found = await get("/encounters", { ...this.f, page });
        Object.assign(this, found);
        this.loaded = true;
      });
    },
    async open(id) {
      await trying(this, async () => {
        this.one = await get(`/encounters/${encodeURIComponent(id)}`);
        this.$nextTick(() => this.$refs.detail.showModal());
      });
    },
    shut() { this.$refs.detail.close(); },
    mark(row) { return row.code === 1 ? "good" : row.code === 2 ? "plain" : "bad"; },
    result(row) { return text(`result.${row.code}`); },
    callers(row) {
      return row.callers.map((one) => one === "local" ? text("caller.local") : one).join("、") || "—";
    },
    percent(value) { return value == null ? "—" : value.toFixed(3); },
    models() { return this.one ? Object.keys(this.one.models).join("、") : ""; },
    findings() {
      return this.one ? this.one.findings.map((f) => `${f.field}：${f.problem}`).join("；") : "";
    },
  }));

  Alpine.data("agents", () => ({
    f: null, relations: [], rows: [], busy: false, photos: [],
    empty() { return { id: "", agent_id: "", relation: "", until: "" }; },
    async init() {
      this.f = this.empty();
      await trying(this, async () => {
        this.relations = (await get("/choices")).relations;
        await this.load();
      });
    },
    async load() { this.rows = (await get("/relations")).relations; },
    async register() {
      await trying(this, async () => {
        await act("agent", { ...this.f, photos: this.photos });
        this.f = this.empty();
        this.photos = [];
        this.$dispatch("cleared");
        await this.load();
      });
    },
    r: { id: "", agent_id: "" },
    async revoke() {
      if (!await ask(text("agents.revoke.sure"), "", true)) return;
      await trying(this, async () => {
        await act("agent-revoke", this.r);
        this.r = { id: "", agent_id: "" };
        await this.load();
      });
    },
  }));

  Alpine.data("special", () => ({
    f: null, cases: [], busy: false, photos: [],
    empty() { return { id: "", name: "", case: "on-leave", from: today(), until: today(), note: "" }; },
    async init() {
      this.f = this.empty();
      await trying(this, async () => { this.cases = (await get("/choices")).cases; });
    },
    evidence() {
      const found = this.cases.find((one) => one.case === this.f.case);
      return found ? found.evidence : "";
    },
    async register() {
      await trying(this, async () => {
        const form = { ...this.f, photos: this.photos };
        if (form.case !== "on-leave") form.from = form.until = today();
        await act("special", form);
        this.f = this.empty();
        this.photos = [];
        this.$dispatch("cleared");
      });
    },
  }));

  Alpine.data("review", () => ({
    rows: [], busy: false, r: { id: "", reason: "" },
    async init() { await trying(this, () => this.load()); },
    async load() { this.rows = (await view("queue")).waiting; },
    isOwn(row) { return row.staff === this.$store.me.account?.number; },
    async decide(of, approved) {
      if (!await ask(text(approved ? "review.approve.sure" : "review.reject.sure"))) return;
      await trying(this, async () => {
        await act("review", { of, approved });
        await this.load();
      });
    },
    async release() {
      await trying(this, async () => {
        await act("release", this.r);
        this.r = { id: "", reason: "" };
      });
    },
  }));

  Alpine.data("ward", () => ({
    day: today(), inpatients: [], rounds: [], tasks: [], busy: false,
    f: { id: "", name: "", task: "" },
    async init() { await trying(this, () => this.load()); },
    async load() {
      this.inpatients = (await view("ward")).inpatients;
      this.rounds = (await view("rounds", { day: this.day })).inpatients;
      this.tasks = (await view("tasks")).tasks;
    },
    async again() { await trying(this, () => this.load()); },
    left(task) {
      const minutes = Math.floor(task.left_s / 60);
      return text("ward.left", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
    },
    done(task) { return task.persons.filter((p) => p.state === "done").length; },
    mark(state) {
      return { overdue: "bad", missed: "bad", late: "warn", due: "warn", pending: "warn" }[state] || "good";
    },
    place(one) { return [one.department, one.ward, one.bed].filter(Boolean).join(" · "); },
    async round() {
      await trying(this, async () => {
        tell(text("camera.look"));
        await act("round", this.f);
        this.f = { id: "", name: "", task: "" };
        await this.load();
      });
    },
    async take(event) {
      const file = event.target.files[0];
      if (!file) return;
      await trying(this, async () => {
        await act("task", { document: await window.yibao.base64(file) });
        await this.load();
      });
      event.target.value = "";
    },
  }));

  Alpine.data("treatment", () => ({
    sessions: [], missing: [], overlaps: [], items: [], busy: false,
    f: { id: "", name: "", item: "" },
    m: { id: "", sign: "in", session: "", item: "", at: nowThere(), reason: "" },
    async init() {
      await trying(this, async () => {
        this.items = (await get("/choices")).items;
        this.f.item = this.m.item = this.items[0].item;
        await this.load();
      });
    },
    async load() {
      const found = await view("treatments");
      this.sessions = found.sessions.reverse();
      this.missing = found.missing_sign_outs;
      this.overlaps = found.overlaps;
    },
    isMissing(id) { return this.missing.includes(id); },
    async sign(how) {
      await trying(this, async () => {
        tell(text("camera.look"));
        await act(`treatment-${how}`, this.f);
        await this.load();
      });
    },
    close(session) { Object.assign(this.m, { sign: "out", session: session.session, item: session.item }); },
    async makeUp() {
      await trying(this, async () => {
        await act("treatment-makeup", this.m);
        this.m.id = this.m.reason = this.m.session = "";
        await this.load();
      });
    },
  }));

  Alpine.data("attendance", () => ({
    day: today(), rows: [], busy: false,
    m: { id: "", sign: "in", at: nowThere(), reason: "" },
    names: "", clockReason: "",
    async init() { await trying(this, () => this.load()); },
    async load() { this.rows = (await view("attendance", { day: this.day })).practitioners; },
    async again() { await trying(this, () => this.load()); },
    signs(row) {
      return row.signs.map(([sign, at]) => `${text(`sign.${sign}`)} ${window.yibao.clock(at)}`).join("，");
    },
    async face(sign) {
      await trying(this, async () => {
        tell(text("camera.look"));
        const done = await act("attendance-face", sign ? { sign } : {});
        if (done.name) tell(`${done.name} ${done.msg}`);
        await this.load();
      });
    },
    async makeUp() {
      await trying(this, async () => {
        await act("attendance-makeup", this.m);
        this.m = { id: "", sign: "in", at: nowThere(), reason: "" };
        await this.load();
      });
    },
    async roster() {
      const rows = this.names.split("\n").map((line) => line.trim()).filter(Boolean)
        .map((line) => line.split(/[\s,，]+/)).map(([id, name]) => ({ id, name: name || "" }));
      if (!await ask(text("attendance.roster.sure", { count: rows.length }))) return;
      await trying(this, async () => {
        await act("roster", { practitioners: rows });
        this.names = "";
        await this.load();
      });
    },
    async acceptClock() {
      await trying(this, async () => {
        await act("clock", { reason: this.clockReason });
        this.clockReason = "";
      });
    },
  }));

  Alpine.data("persons", () => ({
    id: "", asked: "", rows: [], samples: [], total: 0, page: 1, pages: 1, reason: "", busy: false,
    async init() { await this.load(1); },
    async load(page) {
      await trying(this, async () => {
        this.samples = [];
        this.asked = this.id.trim();
        Object.assign(this, await get("/persons", { id: this.asked, page }));
      });
    },
    async erase() {
      if (!await ask(text("persons.erase.sure"), text("persons.erase.detail"), true)) return;
      await trying(this, async () => {
        await act("erase", { id: this.asked, reason: this.reason, confirmed: true });
        this.id = this.reason = "";
      });
      await this.load(1);
    },
  }));

  Alpine.data("rate", () => ({
    f: { from: today(), to: today() }, found: null, busy: false,
    s: { day: today(), category: "settlement", count: "" },
    async init() { await this.load(); },
    async load() {
      await trying(this, async () => {
        const institution = this.$store.me.institution;
        this.found = await get("/rate", { ...this.f, institution });
      });
    },
    async settled() {
      await trying(this, async () => {
        await act("settled", { ...this.s, count: Number(this.s.count) });
        this.s.count = "";
      });
      await this.load();
    },
  }));

  Alpine.data("queue", () => ({
    found: null, verdict: null, busy: false,
    async init() { await trying(this, () => this.load()); },
    async load() { this.found = await get("/queue"); },
    async retry(ids) {
      await trying(this, async () => {
        const done = await post("/queue/retry", { ids });
        tell(text("queue.revived", { count: done.revived }));
        await this.load();
      });
    },
    async verify() { await trying(this, async () => { this.verdict = await post("/queue/verify"); }); },
    async export() { await trying(this, () => save("/queue/export")); },
  }));
});
