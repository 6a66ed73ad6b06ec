// The words of the page: what the API's fixed words mean to people, and how values are shown.

const GOOD = "good", WARN = "warn", BAD = "bad", QUIET = "";

// word of the API -> [text, tone]
export const WORDS = {
  device: {
    online: ["在线", GOOD], offline: ["离线", BAD], covered: ["镜头被遮", BAD],
    "powered-down": ["已关机", WARN], faulty: ["摄像头异常", BAD], never: ["从未上报", WARN],
    unbound: ["已解绑", QUIET],
  },
  case: {
    pending: ["待初审", WARN], proposed: ["待复核", WARN], approved: ["已通过", GOOD],
    rejected: ["未通过", BAD], withdrawn: ["已撤回", QUIET],
  },
  casekind: { binding: ["设备绑定"], special: ["特殊登记"], agent: ["代办登记"], erasure: ["删除个人数据"] },
  ticket: {
    open: ["待响应", BAD], responded: ["处理中", WARN], solved: ["待核对关闭", WARN],
    closed: ["已关闭", GOOD],
  },
  verdict: {
    matched: ["相符", GOOD], "no-cp-no": ["无凭证号", BAD], "unknown-cp-no": ["凭证号不存在", BAD],
    "reused-cp-no": ["凭证号重复使用", BAD], "other-institution": ["是别家机构的凭证", BAD],
    "other-deal": ["是另一笔结算的凭证", BAD], late: ["核验晚于结算", WARN],
  },
  level: { province: ["省级"], city: ["市级"], county: ["县（区）级"] },
  institution: { hospital: ["医院"], clinic: ["诊所"], pharmacy: ["药店"], other: ["其他"] },
  status: {
    active: ["正常", GOOD], suspended: ["暂停", WARN], closed: ["已注销", QUIET],
    disabled: ["停用", QUIET], left: ["已离职", QUIET],
  },
  role: {
    admin: ["系统管理员"], operator: ["经办员"], reviewer: ["审核员"], regulator: ["监管员"],
    engineer: ["运维工程师"], auditor: ["审计员"],
  },
  practitioner: { doctor: ["医师"], pharmacist: ["药师"], nurse: ["护士"], other: ["其他"] },
  scope: { hospital: ["全院"], department: ["指定科室"], person: ["指定患者"] },
  task: {
    draft: ["草稿", QUIET], published: ["已下发", WARN], running: ["进行中", WARN],
    done: ["已完成", GOOD], overdue: ["已逾期", BAD],
  },
  round: { done: ["已查", GOOD], late: ["迟到完成", WARN], missed: ["未查", BAD], pending: ["待查", QUIET] },
  event: {
    issued: ["签发证书"], revoked: ["吊销", BAD], code: ["领取绑定码"], applied: ["提出申请"],
    decided: ["审批"],
  },
  chain: { whole: ["完整", GOOD], open: ["待补齐", WARN], broken: ["断裂", BAD], fork: ["分叉", BAD] },
  code: { 0: ["未通过", BAD], 1: ["通过", GOOD], 2: ["无需核验", QUIET] },
  who: { 0: ["—"], 1: ["本人"], 2: ["代办人"] },
  result: { done: ["完成", GOOD], refused: ["被拒", WARN] },
  power: { mains: ["市电", GOOD], battery: ["电池", WARN], unknown: ["未知", QUIET] },
  camera: { ok: ["正常", GOOD] },
  alarm: {
    offline: ["离线", BAD], covered: ["镜头被遮", BAD], faulty: ["摄像头异常", BAD],
    "chain-broken": ["记录链断裂", BAD], "chain-fork": ["记录链分叉", BAD],
    "head-mismatch": ["链头不符", BAD], conflict: ["同号记录内容不同", BAD],
    "clock-skew": ["时钟偏差过大", WARN], manual: ["手工登记", QUIET],
  },
  record: {
    settlement: ["结算核验"], admission: ["入院核验"], "bed-change": ["换床核验"], stay: ["在院核验"],
    discharge: ["出院核验"], round: ["查房核验"], "round-task": ["查房任务"], special: ["特殊登记"],
    review: ["登记审核"], "treatment-in": ["诊疗签到"], "treatment-out": ["诊疗签退"],
    "treatment-makeup": ["诊疗补签"], "treatment-data": ["诊疗数据"], attendance: ["医师药师签到签退"],
    "attendance-makeup": ["签到补签"], agent: ["代办登记"], release: ["解除暂停"],
    settled: ["结算回传"], roster: ["名单更新"], policy: ["政策更新"], clock: ["时钟变动"],
    alarm: ["设备告警"],
  },
  cause: {
    "matched-self": ["本人通过", GOOD], "matched-agent": ["代购人通过", GOOD],
    "policy-exempt": ["政策免核验"], "special-exempt": ["特殊登记免核验"],
    "signed-in": ["已签到", GOOD], "signed-out": ["已签退", GOOD], "already-signed": ["重复签到"],
    recorded: ["已登记"], "other-person": ["不是本人", BAD], "not-identified": ["认不出是谁", WARN],
    "spoof-flat": ["疑似照片或屏幕", BAD], "spoof-size": ["人脸尺寸异常", BAD],
    "spoof-shape": ["疑似面具", BAD], "spoof-rigid": ["疑似面具（僵硬）", BAD],
    "agent-expired": ["代购登记过期", WARN], "locked-out": ["多次疑似冒用已暂停", BAD],
    "deal-taken": ["流水号已用于他人", BAD], "not-signed-in": ["未签到"],
    "not-on-roster": ["不在名单"], "not-inpatient": ["不在住院名单"],
    "treatment-open": ["上次治疗未签退"], "treatment-not-open": ["没有进行中的治疗"],
    "makeup-late": ["补签超时限"], "clock-set-back": ["电脑时间被调早", BAD],
    "action-not-done": ["动作未完成"], "person-changed": ["中途换人", BAD],
    "stream-implausible": ["画面异常", BAD], "camera-untrusted": ["非授权摄像头", BAD],
    "recorded-camera": ["非现场摄像头", BAD], "no-depth-camera": ["摄像头无活体检测", WARN],
    "not-enrolled": ["未登记人脸"], "numbers-conflict": ["证件与编号不符", BAD],
    "template-stale": ["人脸模板过期"], "consent-refused": ["本人未同意"],
    "staff-refused": ["工作人员未确认"], "id-photo-mismatch": ["与证件照不符", BAD],
    "id-photo-unusable": ["证件照无法识别"], "counter-silent": ["柜台界面未打开"],
    "card-absent": ["未读到身份证"], "card-other": ["身份证不是本人", BAD],
    "card-expired": ["身份证过期"], "reader-missing": ["无阅读器"], "reader-busy": ["阅读器被占用"],
    "reader-fault": ["阅读器故障", WARN], "no-face": ["未检测到人脸"], "many-faces": ["多张人脸"],
    "face-cut": ["人脸不完整"], "too-far": ["太远"], "too-near": ["太近"],
    "not-frontal": ["未正对"], "too-dark": ["太暗"], "too-bright": ["太亮"], blurred: ["模糊"],
    masked: ["戴口罩"], glare: ["反光"], "eyes-closed": ["闭眼"], "depth-poor": ["深度不足"],
    "ir-poor": ["红外不清"], unsynced: ["画面不同步"], moved: ["晃动"],
    "bad-request": ["入参有误", WARN], "too-large": ["请求过大", WARN],
    "document-refused": ["文件签名无效", BAD], "evidence-fault": ["照片无法保存", WARN],
    busy: ["正忙"], "cancelled-by-person": ["本人取消"], "cancelled-by-clerk": ["工作人员取消"],
    "caller-gone": ["HIS断开"], deadline: ["超时"], stopping: ["服务停止中"],
    "camera-missing": ["无摄像头", WARN], "camera-busy": ["摄像头被占用", WARN],
    "camera-denied": ["系统禁用摄像头", WARN], "camera-lost": ["摄像头断开", WARN],
    "camera-stalled": ["摄像头停住", WARN], "camera-unsupported": ["摄像头不支持", WARN],
    "camera-silent": ["摄像头无画面", WARN], "camera-fault": ["摄像头故障", WARN],
    "camera-config": ["摄像头配置有误", WARN], "clip-broken": ["录像损坏", WARN],
    "model-missing": ["模型未安装", BAD], "model-altered": ["模型被改动", BAD],
    "model-fault": ["模型故障", WARN], "gallery-fault": ["人脸库无法读取", BAD],
    "store-failed": ["无法保存", BAD], internal: ["内部错误", BAD],
  },
};

WORDS.warning = {
  "settlement-count-missing": ["缺结算人次", WARN], "treatment-count-missing": ["缺诊疗人次", WARN],
  "settlement-exceeds-count": ["核验多于结算人次", WARN],
  "treatment-exceeds-count": ["签到多于诊疗人次", WARN],
};

// Facts that carry no title of their own: what devices and people wrote down with a case or record.
const KEYS = {
  case: "情形", from: "起", until: "止", photos: "照片", staff: "经办人员", agent: "代办人",
  relation: "关系", documents: "证件", replace: "更换设备", contact: "联系人", record: "记录编号",
  records: "涉及记录", evidence: "证据", reason: "理由", of: "所指登记", approved: "通过",
  reviewer: "审核人", day: "日期", count: "人次", category: "类别", event: "事件", match: "比对分",
  liveness: "活体分", quality: "质量分", department: "科室", bed: "床号", title: "名称",
  caller: "发起电脑", joined: "同时等候结果的电脑",
};
const VALUES = {
  transferred: "转院", "in-treatment": "治疗中", "face-unrecognised": "人脸无法识别",
  "on-leave": "请假外出", settlement: "结算", treatment: "诊疗", register: "登记",
  local: "装有核验程序的本机",
};

const CASE = { state: "case", kind: "casekind" };
const DEVICE = { state: "device", camera: "camera", power: "power" };
const TICKET = { state: "ticket", cause: "alarm" };
const RECORD = { kind: "record", code: "code", who: "who", cause: "cause", chain: "chain" };
const TASK = { scope: "scope", state: "task" };

/** Which table the words of an answer's fields are in, by the answer's form. */
export const FORMS = {
  Device: DEVICE, DeviceDetail: DEVICE, DeviceEvent: { what: "event" }, Case: CASE,
  Region: { level: "level" }, Institution: { kind: "institution", status: "status" },
  User: { status: "status" }, Ticket: TICKET, TicketDetail: TICKET,
  Practitioner: { kind: "practitioner", status: "status" }, Attendance: { cause: "cause" },
  Task: TASK, TaskDetail: TASK, Record: RECORD, RecordDetail: RECORD, Alarm: { kind: "alarm" },
  Rate: { warnings: "warning" }, Settlement: { verdict: "verdict" }, VerdictCounts: { verdict: "verdict" },
  Counts: CASE, Entry: { result: "result" },
  // Rows inside an answer.
  "DeviceDetail.alarm_list": { kind: "alarm" }, "TaskDetail.progress": { state: "round" },
};

/** What people read for a word; an unknown word is shown as it is. */
export function word(table, value) {
  return WORDS[table]?.[value]?.[0] ?? String(value);
}

/** Colour of a word: good, warn, bad or none. */
export function tone(table, value) {
  return WORDS[table]?.[value]?.[1] ?? QUIET;
}

const CHINA = "Asia/Shanghai";
const MOMENT = new Intl.DateTimeFormat("sv-SE", {
  timeZone: CHINA, dateStyle: "short", timeStyle: "short",
});
const DAY_MS = 86_400_000;

/** Unix milliseconds as the clock in China shows them: 2026-11-22 09:30. */
export function moment(ms) {
  return MOMENT.format(new Date(ms));
}

/** Today in China, or so many days before: YYYY-MM-DD. */
export function today(before = 0) {
  return MOMENT.format(new Date(Date.now() - before * DAY_MS)).slice(0, 10);
}

/** Milliseconds as the two largest units: 1天3小时. */
export function span(ms) {
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  if (days) return `${days}天${hours ? `${hours}小时` : ""}`;
  if (hours) return `${hours}小时${rest ? `${rest}分` : ""}`;
  return minutes ? `${minutes}分钟` : `${Math.round(Math.abs(ms) / 1000)}秒`;
}

/** The clocks of a ticket: how long until it must be answered, then solved; or how late it is. */
export function clock(ticket) {
  if (ticket.state === "closed") return ["已关闭", GOOD];
  const due = ticket.responded_ms === null ? ticket.respond_by_ms : ticket.solve_by_ms;
  const what = ticket.responded_ms === null ? "响应" : "解决";
  if (ticket.solved_ms !== null) return ["待核对关闭", WARN];
  const left = due - Date.now();
  if (left < 0) return [`${what}超时${span(left)}`, BAD];
  return [`${what}剩${span(left)}`, left < 4 * 3_600_000 ? WARN : QUIET];
}

/** `*`, `region:3201` or `institution:P32010000001` in words. */
export function scope(told, regionName = (code) => code) {
  const [kind, code] = told.split(":");
  if (kind === "*") return "全部";
  return kind === "region" ? regionName(code) : `机构 ${code}`;
}

/** Any value of an answer as lines of text, without braces. */
export function plain(value) {
  if (value === null || value === undefined || value === "") return "—";
  if (value === true || value === false) return value ? "是" : "否";
  if (Array.isArray(value)) return value.length ? value.map(plain).join("\n") : "—";
  if (typeof value !== "object") return VALUES[value] ?? String(value);
  const pairs = Object.entries(value);
  return pairs.length ? pairs.map(([name, own]) => `${KEYS[name] ?? name}：${plain(own)}`).join("\n") : "—";
}
