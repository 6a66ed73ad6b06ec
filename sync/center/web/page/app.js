// The office's page: what it knows, put together from its parts.

import { acting } from "/page/act.js";
import { navigation, overview } from "/page/home.js";
import { listing, looking } from "/page/list.js";
import { EMPTY_CHANGE, EMPTY_SIGN, signing } from "/page/session.js";

const TOAST_MS = 6_000;

const telling = {
  tell(text) {
    this.toast = text;
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => { this.toast = ""; }, TOAST_MS);
  },

  failed(fault) {
    if (fault.status === 401) this.leave("登录已失效，请重新登录");
    else if (fault.code === "must-change") this.askForChange();
    else this.fault = fault.message;
    if (fault.status === undefined) throw fault;
  },
};

const STATE = {
  stage: "wait", me: null, view: null, overview: null, rate: null, regions: [], menu: false,
  sign: { ...EMPTY_SIGN }, change: { ...EMPTY_CHANGE }, rows: [], columns: [], next: null,
  fields: [], filters: {}, counts: [], facts: [], settings: {}, busy: false, loaded: false,
  fault: "", note: "", toast: "", printed: "", form: null, detail: null, suggestions: [],
  active: Date.now(), arrived: null, turn: 0,
};

/** One object of all parts; getters stay getters. */
function office() {
  const made = structuredClone(STATE);
  for (const part of [signing, navigation, overview, listing, looking, acting, telling]) {
    Object.defineProperties(made, Object.getOwnPropertyDescriptors(part));
  }
  return made;
}

document.addEventListener("alpine:init", () => window.Alpine.data("office", office));
