// Talks to the office's API. Every failure is a Fault whose message is a sentence for people.

const BASE = "/office/v1";
const LOST = "连不上中心，请检查网络后重试";
const DEFAULTS = {
  401: "登录已失效，请重新登录",
  403: "没有此项权限",
  404: "内容不存在或不在您的管辖范围",
  413: "内容过大，请分批提交",
};

// What writing calls must repeat: a foreign page cannot read it.
let csrf = "";

export class Fault extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function remember(session) {
  csrf = session ? session.csrf : "";
}

async function send(method, path, query, body) {
  const asked = String(new URLSearchParams(Object.entries(query ?? {})));
  const url = BASE + path + (asked ? `?${asked}` : "");
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const content = body === undefined ? undefined : JSON.stringify(body);
  try {
    return await fetch(url, { method, headers, body: content, cache: "no-store", redirect: "error" });
  } catch {
    throw new Fault(0, "network", LOST);
  }
}

async function refusal(answer) {
  let told = {};
  try {
    told = await answer.json();
  } catch {
    // A proxy's own page: the status has to do.
  }
  const wait = Number(answer.headers.get("Retry-After"));
  const later = wait > 0 ? `（${wait < 120 ? `${wait}秒` : `${Math.ceil(wait / 60)}分钟`}后再试）` : "";
  const message = told.message || DEFAULTS[answer.status] || `中心暂时无法处理（${answer.status}），请稍后重试`;
  return new Fault(answer.status, told.error || "http", message + later);
}

/** The decoded answer; throws Fault. */
export async function call(method, path, { query, body } = {}) {
  const answer = await send(method, path, query, body);
  if (!answer.ok) throw await refusal(answer);
  try {
    return await answer.json();
  } catch {
    throw new Fault(answer.status, "answer", "中心的答复无法识别，请刷新页面后重试");
  }
}

/** Everything a paged call has. */
export async function all(path, query = {}) {
  const found = [];
  let next = "";
  do {
    const page = await call("GET", path, { query: { ...query, limit: 200, ...(next ? { cursor: next } : {}) } });
    found.push(...page.items);
    next = page.next;
  } while (next);
  return found;
}

/** Save a CSV answer as a file: errors are shown, not saved. */
export async function download(path, query, name) {
  const answer = await send("GET", path, query);
  if (!answer.ok) throw await refusal(answer);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Text of a file as it was saved: UTF-8, or GB18030 as Chinese spreadsheet programs write it. */
export async function textOf(file) {
  const bytes = await file.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}
