"use strict";
// The machine's pages: status and preview, self-test, wizard, log, bundle; and the accounts.
document.addEventListener("alpine:init", () => {
  const { get, post, save, text, tell, trying, ask, stillOf } = window.yibao;
  const BYTES_PER_GB = 1e9;

  Alpine.data("status", () => ({
    s: null, busy: false, timer: 0, url: "", shown: false,
    init() {
      const look = async () => {
        if (document.visibilityState === "visible") await this.load();
        this.timer = setTimeout(look, 3000);
      };
      look();
    },
    destroy() {
      clearTimeout(this.timer);
      if (this.shown) this.turn(false);
    },
    async load() {
      try {
        this.s = await get("/status", {}, true);
      } catch (error) { tell(error.message, "bad"); }
    },
    mark(part) { return part.ok === true ? "good" : part.ok === false ? "bad" : "plain"; },
    word(part) { return text(part.ok === true ? "word.good" : part.ok === false ? "word.bad" : "word.unknown"); },
    free() { return (this.s.disk.free_bytes / BYTES_PER_GB).toFixed(1); },
    cameraText() {
      const camera = this.s.camera;
      if (camera.recorded) return text("status.camera.recorded");
      if (!camera.state) return text("status.camera.none");
      const said = [text(`camera.state.${camera.state}`), camera.model];
      if (camera.fps) said.push(`${camera.fps} fps`);
      if (camera.condition) said.push(text(`camera.condition.${camera.condition}`));
      return said.filter(Boolean).join(" · ");
    },
    async turn(on) {
      this.shown = on;
      try {
        await post("/preview", { on });
        if (on) this.stream();
      } catch (error) {
        this.shown = false;
        tell(error.message, "bad");
      }
    },
    async stream() {
      while (this.shown) {
        try {
          const next = URL.createObjectURL(await stillOf("all"));
          const before = this.url;
          this.url = next;
          if (before) URL.revokeObjectURL(before);
          await new Promise((resolve) => setTimeout(resolve, 120));
        } catch (error) {
          if (this.shown) tell(error.message, "bad");
          this.shown = false;
        }
      }
      if (this.url) URL.revokeObjectURL(this.url);
      this.url = "";
    },
  }));

  Alpine.data("engineer", () => ({
    parts: [], testOk: null, cameras: null, checks: [], measured: null, lines: [], busy: false,
    step: 1,
    async init() { await trying(this, async () => { this.lines = (await get("/log")).lines; }); },
    async test() {
      await trying(this, async () => {
        const done = await post("/selftest");
        this.parts = done.parts;
        this.testOk = done.ok;
      });
    },
    partName(name) {
      return name.startsWith("model ") ? `${text("part.model")} ${name.slice(6)}` : text(`part.${name}`);
    },
    async look() { await trying(this, async () => { this.cameras = await get("/cameras"); this.step = 2; }); },
    async measure() {
      await trying(this, async () => {
        this.measured = await post("/calibration");
        this.checks = this.measured.checks;
        if (this.measured.ok) this.step = 3;
      });
    },
    value(check) { return check.value == null ? "—" : `${check.value} ${check.unit}`.trim(); },
    async pin() {
      if (!await ask(text("wizard.pin.sure"), text("wizard.pin.detail"))) return;
      await trying(this, async () => {
        await post("/calibration/pin", { confirmed: true });
        tell(text("wizard.pinned"));
      });
    },
    pinned() {
      const pin = this.cameras ? this.cameras.pinned : null;
      const said = pin ? [pin.usb_id, pin.serial, pin.path].filter(Boolean).join(" · ") : "";
      return said || text("wizard.unpinned");
    },
    planes(camera) { return camera.planes.map((name) => text(`plane.${name}`)).join("、"); },
    async log() { await trying(this, async () => { this.lines = (await get("/log")).lines; }); },
    async bundle() { await trying(this, () => save("/bundle")); },
  }));

  Alpine.data("staff", () => ({
    rows: [], roles: [], f: null, busy: false, p: { number: "", pin: "" },
    empty() { return { number: "", name: "", role: "clerk", pin: "", id: "" }; },
    async init() {
      this.f = this.empty();
      await trying(this, () => this.load());
    },
    async load() {
      const found = await get("/staff");
      this.rows = found.staff;
      this.roles = found.roles;
    },
    async add() {
      await trying(this, async () => {
        await post("/staff", this.f);
        this.f = this.empty();
        tell(text("staff.added"));
        await this.load();
      });
    },
    async reset() {
      await trying(this, async () => {
        await post("/staff/pin", this.p);
        this.p = { number: "", pin: "" };
        tell(text("staff.reset.done"));
        await this.load();
      });
    },
    async remove(number) {
      if (!await ask(text("staff.remove.sure", { number }), "", true)) return;
      await trying(this, async () => {
        await post("/staff/remove", { number });
        await this.load();
      });
    },
  }));
});
