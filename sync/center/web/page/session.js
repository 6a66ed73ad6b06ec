// Signing in and out, and one's own password.

import { call, remember } from "/page/api.js";
import { regionTree } from "/page/region.js";
import { learn } from "/page/spec.js";

const REFRESH_MS = 60_000;
// Refreshing by itself would keep a session alive that nobody uses: it stops after a while, and
// what is on the screen goes when the office's own patience ends.
const AWAY_MS = 5 * 60_000, GONE_MS = 30 * 60_000;
export const EMPTY_SIGN = { name: "", password: "", busy: false, fault: "", note: "" };
export const EMPTY_CHANGE = { old: "", new: "", again: "", busy: false, fault: "" };

export const signing = {
  async init() {
    window.addEventListener("hashchange", () => this.route());
    for (const sign of ["pointerdown", "keydown"]) window.addEventListener(sign, () => { this.active = Date.now(); });
    setInterval(() => this.tick(), REFRESH_MS);
    try {
      await this.enter(await call("GET", "/session"));
    } catch (fault) {
      this.stage = "sign";
      if (fault.status !== 401) this.sign.fault = fault.message;
    }
  },

  tick() {
    const idle = Date.now() - this.active;
    if (this.stage === "in" && idle > GONE_MS) this.signOut("长时间没有操作，已自动退出");
    else if (idle < AWAY_MS) this.refresh();
  },

  async signIn() {
    this.sign.busy = true;
    this.sign.fault = "";
    try {
      const { name, password } = this.sign;
      await this.enter(await call("POST", "/session", { body: { name: name.trim(), password } }));
      this.sign = { ...EMPTY_SIGN };
    } catch (fault) {
      this.sign.fault = fault.message;
      this.sign.password = "";
    }
    this.sign.busy = false;
  },

  async enter(session) {
    remember(session);
    this.me = session;
    if (session.must_change) {
      this.askForChange();
      return;
    }
    learn(await call("GET", "/openapi.json"));
    this.regions = this.may("regions") ? await regionTree() : [];
    this.stage = "in";
    await this.route();
    // The overview has asked for its numbers itself; elsewhere the menu shows what waits.
    if (this.view !== null) await this.refresh();
  },

  askForChange() {
    this.change = { ...EMPTY_CHANGE };
    this.stage = "change";
  },

  async changePassword() {
    if (this.change.new !== this.change.again) {
      this.change.fault = "两次输入的新密码不一致";
      return;
    }
    this.change.busy = true;
    try {
      await call("POST", "/session/password", { body: { old: this.change.old, new: this.change.new } });
      await this.signedAgain();
    } catch (fault) {
      this.change.fault = fault.message;
    }
    this.change.busy = false;
  },

  /** The office may end every session of whose password has changed: then it is asked for again. */
  async signedAgain() {
    try {
      await this.enter(await call("GET", "/session"));
      this.tell("密码已修改");
    } catch (fault) {
      this.leave(fault.status === 401 ? "密码已修改，请用新密码登录" : fault.message);
    }
  },

  async signOut(note = "已退出") {
    try {
      await call("DELETE", "/session");
    } catch {
      // Unreachable, or over already: the screen is cleared all the same.
    }
    this.leave(note);
  },

  /** Nothing of what was shown stays on the page. */
  leave(note) {
    remember(null);
    this.$refs.formBox.close();
    this.$refs.factBox.close();
    Object.assign(this, { stage: "sign", me: null, rows: [], counts: [], view: null, overview: null });
    this.sign = { ...EMPTY_SIGN, note };
  },
};
