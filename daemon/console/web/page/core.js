"use strict";
// What all parts of the page share: calls, texts, dates, questions, photographs.
(() => {
  const ROOT = "/ui/api";
  const ZONE = "Asia/Shanghai";
  const LANGUAGE = "yibao-face-language";
  const LONGEST_PX = 1600;

  let csrf = "";

  class Refused extends Error {
    constructor(status, message) {
      super(message);
      this.status = status;
    }
  }

  async function send(method, path, body, poll) {
    const headers = {};
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      headers["X-Csrf-Token"] = csrf;
    }
    if (poll) headers["X-Poll"] = "1";
    const options = { method, headers, credentials: "same-origin", cache: "no-store" };
    if (body !== undefined) options.body = JSON.stringify(body);
    let answer;
    try {
      answer = await fetch(ROOT + path, options);
    } catch {
      throw new Refused(0, text("error.offline"));
    }
    if (answer.ok) return answer;
    if (answer.status === 401 && path !== "/login") forget();
    let message = text("error.unknown");
    try {
      message = (await answer.json()).error || message;
    } catch { /* no JSON: the plain sentence stays */ }
    throw new Refused(answer.status, message);
  }

  async function get(path, asked = {}, poll = false) {
    const filled = Object.entries(asked).filter(([, value]) => value !== "" && value != null);
    const query = new URLSearchParams(filled).toString();
    return (await send("GET", query ? `${path}?${query}` : path, undefined, poll)).json();
  }

  async function post(path, body = {}) {
    return (await send("POST", path, body, false)).json();
  }

  async function save(path) {
    const answer = await send("POST", path, {}, false);
    const named = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") || "");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = named ? named[1] : "file";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function text(key, values = {}) {
    const store = Alpine.store("texts");
    const found = store.all[store.language]?.[key] ?? store.all.zh?.[key] ?? (store.ready ? key : "");
    return found.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  function enter({ account }) {
    csrf = account ? account.csrf : "";
    Alpine.store("me").account = account;
  }

  function forget() {
    csrf = "";
    const store = Alpine.store("me");
    if (store.account) tell(text("login.over"), "bad");
    store.account = null;
    if (location.hash) history.replaceState(null, "", location.pathname);
  }

  function tell(message, kind = "good") {
    const notice = Alpine.store("notice");
    notice.message = message;
    notice.kind = kind;
    clearTimeout(notice.timer);
    notice.timer = setTimeout(() => { notice.message = ""; }, kind === "good" ? 6000 : 15000);
  }

  // Runs work while `on` says so; what is refused is told, and nothing is thrown.
  async function trying(on, work) {
    if (on.busy) return undefined;
    on.busy = true;
    try {
      return await work();
    } catch (error) {
      tell(error.message, "bad");
      return undefined;
    } finally {
      on.busy = false;
    }
  }

  function ask(question, detail = "", danger = false) {
    return new Promise((resolve) => {
      const store = Alpine.store("ask");
      Object.assign(store, { open: true, question, detail, danger, resolve });
      queueMicrotask(() => {
        const dialog = document.getElementById("ask");
        if (!dialog.open) dialog.showModal();
      });
    });
  }

  // An act of the desk: what it answers is a sentence either way.
  async function act(name, form) {
    const institution = Alpine.store("me").institution;
    const done = await post(`/desk/${name}`, institution ? { institution, ...form } : form);
    if (!done.ok) throw new Refused(200, done.msg);
    tell(done.msg);
    return done;
  }

  async function view(name, asked = {}) {
    const institution = Alpine.store("me").institution;
    return get(`/desk/${name}`, institution ? { institution, ...asked } : asked);
  }

  function today() {
    return new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE }).format(new Date());
  }

  function nowThere() {
    const parts = { timeZone: ZONE, dateStyle: "short", timeStyle: "short" };
    return new Intl.DateTimeFormat("sv-SE", parts).format(new Date()).replace(" ", "T");
  }

  function moment(ms) {
    if (!ms) return "—";
    const shown = { timeZone: ZONE, dateStyle: "short", timeStyle: "medium" };
    return new Intl.DateTimeFormat("sv-SE", shown).format(new Date(ms));
  }

  function clock(ms) {
    if (!ms) return "—";
    const shown = { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit" };
    return new Intl.DateTimeFormat("sv-SE", shown).format(new Date(ms));
  }

  function base64(blob) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result).split(",")[1]);
      reader.onerror = () => reject(new Refused(0, text("photo.unreadable")));
      reader.readAsDataURL(blob);
    });
  }

  // A photograph of a phone is far larger than anybody needs to read a document.
  async function smaller(file) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(file);
    } catch {
      throw new Refused(0, text("photo.unreadable"));
    }
    const scale = Math.min(1, LONGEST_PX / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.88));
  }

  async function stillOf(planes) {
    return (await send("GET", `/preview?planes=${planes}&n=${Date.now()}`)).blob();
  }

  async function loadTexts() {
    const store = Alpine.store("texts");
    const files = ["zh", "en"].map(async (language) => {
      store.all[language] = await (await fetch(`/ui/page/${language}.json`)).json();
    });
    await Promise.all(files);
    store.ready = true;
    document.title = text("title");
  }

  window.yibao = {
    get, post, save, text, tell, trying, ask, act, view, today, nowThere, moment, clock,
    base64, smaller, stillOf, enter, forget,
  };

  document.addEventListener("alpine:init", () => {
    let kept = "zh";
    try {
      kept = localStorage.getItem(LANGUAGE) === "en" ? "en" : "zh";
    } catch { /* a browser that keeps nothing speaks Chinese */ }
    Alpine.store("texts", {
      all: {}, language: kept, ready: false,
      change() {
        this.language = this.language === "zh" ? "en" : "zh";
        document.documentElement.lang = this.language === "zh" ? "zh-CN" : "en";
        document.title = text("title");
        try { localStorage.setItem(LANGUAGE, this.language); } catch { /* as above */ }
      },
    });
    document.documentElement.lang = kept === "zh" ? "zh-CN" : "en";
    Alpine.store("me", {
      account: null, known: false, institution: "",
      // With a PIN somebody else knows nothing is done but to change it.
      may(name) {
        return Boolean(this.account && !this.account.pin_given && this.account.may.includes(name));
      },
    });
    Alpine.store("notice", { message: "", kind: "good", timer: 0 });
    Alpine.store("ask", {
      open: false, question: "", detail: "", danger: false, resolve: null,
      answer(yes) {
        this.open = false;
        document.getElementById("ask").close();
        if (this.resolve) this.resolve(yes);
        this.resolve = null;
      },
    });
    Alpine.magic("t", () => text);
    Alpine.magic("when", () => moment);
    Alpine.magic("clock", () => clock);
    Alpine.magic("may", () => (name) => Alpine.store("me").may(name));

    // Chosen photographs, shown before they are sent: used inside the forms that need them.
    Alpine.data("photos", () => ({
      list: [], busy: false,
      async choose(event) {
        const files = [...event.target.files];
        await trying(this, async () => {
          for (const file of files) await this.add(await smaller(file));
        });
        event.target.value = "";
      },
      async shoot() {
        await trying(this, async () => {
          await post("/preview", { on: true });
          await this.add(await stillOf("colour"));
        });
      },
      async add(blob) {
        if (this.list.length >= 9) throw new Refused(0, text("photo.many"));
        this.list.push({ url: URL.createObjectURL(blob), data: await base64(blob) });
        this.$dispatch("photos", this.list.map((one) => one.data));
      },
      drop(index) {
        URL.revokeObjectURL(this.list[index].url);
        this.list.splice(index, 1);
        this.$dispatch("photos", this.list.map((one) => one.data));
      },
      clear() {
        this.list.forEach((one) => URL.revokeObjectURL(one.url));
        this.list = [];
      },
    }));

    Alpine.data("shell", () => ({
      page: "today", menu: false,
      pages: [
        ["today", "encounters"], ["agents", "agents"], ["special", "special"],
        ["review", "review"], ["ward", "ward"], ["treatment", "treatment"],
        ["attendance", "attendance"], ["persons", "persons"], ["rate", "rate"],
        ["queue", "queue"], ["status", "status"], ["engineer", "engineering"],
        ["staff", "staff"],
      ],
      async init() {
        window.addEventListener("hashchange", () => this.follow());
        // Whoever logs in is where the address says, as when the tray opened it.
        this.$watch("$store.me.account", () => this.follow());
        await loadTexts();
        try {
          enter(await get("/me"));
        } catch (error) { tell(error.message, "bad"); }
        this.$store.me.known = true;
        this.follow();
      },
      follow() {
        const named = location.hash.replace("#/", "");
        const open = this.mine().map(([name]) => name);
        const account = this.$store.me.account;
        if (account && account.pin_given) this.page = "account";
        else this.page = named === "account" || open.includes(named) ? named : "today";
        this.menu = false;
      },
      mine() {
        return this.pages.filter(([, needs]) => this.$store.me.may(needs));
      },
      async leave() {
        try { await post("/logout"); } catch { /* over anyway */ }
        this.$store.me.account = null;
        forget();
      },
      skip() { document.getElementById("main").focus(); },
      printed() { window.print(); },
      now() { return moment(Date.now()); },
    }));

    Alpine.data("login", () => ({
      staff: "", pin: "", busy: false, looking: false, wrong: "",
      async enter() {
        this.wrong = "";
        if (this.busy) return;
        this.busy = true;
        try {
          enter(await post("/login", { staff: this.staff.trim(), pin: this.pin }));
        } catch (error) {
          this.wrong = error.message;
        } finally {
          this.busy = false;
          this.pin = "";
        }
      },
      async byFace() {
        this.wrong = "";
        if (this.busy) return;
        this.busy = this.looking = true;
        try {
          enter(await post("/login/face"));
        } catch (error) {
          this.wrong = error.message;
        } finally {
          this.busy = this.looking = false;
        }
      },
    }));

    Alpine.data("account", () => ({
      old: "", fresh: "", again: "", busy: false,
      async change() {
        await trying(this, async () => {
          if (this.fresh !== this.again) throw new Refused(0, text("account.differ"));
          enter(await post("/pin", { old: this.old, new: this.fresh }));
          this.old = this.fresh = this.again = "";
          tell(text("account.changed"));
        });
      },
    }));

    // The questions of an encounter under way; seen on every page of those who may answer.
    Alpine.data("counter", () => ({
      view: null, photo: "", card: false, busy: false, timer: 0,
      init() {
        const look = async () => {
          if (document.visibilityState === "visible" && this.$store.me.may("counter")) {
            try {
              this.view = await get("/counter", {}, true);
            } catch { this.view = null; }
          }
          this.timer = setTimeout(look, this.$store.me.account ? 1000 : 3000);
        };
        look();
      },
      destroy() { clearTimeout(this.timer); },
      asked() { return this.view && this.view.prompt; },
      isConfirm() { return this.asked() && this.view.prompt.stage === "confirm"; },
      running() { return this.view && (this.view.prompt || this.view.hint || this.view.task); },
      async choose(event) {
        const file = event.target.files[0];
        await trying(this, async () => {
          this.photo = file ? await base64(await smaller(file)) : "";
        });
      },
      async answer(accepted) {
        const { encounter, stage } = this.view.prompt;
        const given = { encounter, stage, accepted, id_card: this.card };
        if (this.photo) given.id_photo = this.photo;
        await trying(this, async () => {
          await post("/counter", given);
          this.photo = "";
          this.card = false;
          this.view.prompt = null;
        });
      },
      async cancel(by) {
        await trying(this, () => post("/counter/cancel", { encounter: this.view.encounter, by }));
      },
    }));
  });
})();
