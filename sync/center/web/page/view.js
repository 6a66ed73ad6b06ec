// The views: for each the call that lists it, what is shown of a row, and what may be done with it.
// Fields, permissions and addresses come from the office's OpenAPI document; here stand only choices.
//
// column: "name" or "name=title"; how it is shown follows from its name and its form (`how`).
// act: {call, title, button, on: "row" | "view", when(row, me), bar(row, me), known(row), fill, tone, ask}

// The office refuses a second word by the same person: say so before, not after.
const another = (row, me) =>
  row.created_by === me.name ? "这是您提出的申请，须由他人审核"
    : row.decided_by === me.name ? "您已初审，须由另一人复核" : "";

const decide = (call, title) => ({
  call: `${call}_decide`, title: `${title}初审`, button: "初审", on: "row", read: true,
  when: (row) => row.state === "pending", bar: another,
});
const confirm = (call, title) => ({
  call: `${call}_confirm`, title: `${title}复核`, button: "复核", on: "row", read: true,
  when: (row) => row.state === "proposed", bar: another,
});

const WHERE = ["region", "institution"];
const CASE_COLUMNS = ["created_ms=提出时间", "state=状态", "place=机构"];

export const VIEWS = [
  {
    id: "devices", title: "设备", nav: "设备", list: "devices", detail: "device", key: "device",
    columns: [
      "device=设备号", "place=机构", "state=状态", "seen_ms=最近上报", "queue_depth=待传",
      "missing=缺号", "alarms=告警", "not_after_ms=证书到期",
    ],
    more: [["device_events", "绑定与证书记录"], ["device_health", "逐日健康"]],
    acts: [
      { call: "binding_add", title: "申请绑定设备", on: "view" },
      {
        call: "binding_add", title: "更换设备", button: "更换", on: "row",
        when: (row) => row.state !== "unbound",
        known: (row) => ({ institution: row.institution, device: row.device, replace: true }),
        ask: "通过审批并使用新绑定码后，原设备的证书将被吊销。",
      },
      {
        call: "ticket_add", title: "登记故障", button: "报障", on: "row",
        known: (row) => ({ institution: row.institution, device: row.device }),
      },
      {
        call: "device_revoke", title: "吊销设备证书", button: "吊销", on: "row", tone: "bad",
        when: (row) => row.serial !== null && row.revoked_ms === null,
        ask: "吊销后该设备立即不能上传，须重新绑定。本地核验和留存的记录不受影响。",
      },
    ],
    csv: "devices_export",
  },
  {
    id: "bindings", title: "绑定审批", nav: "设备", list: "bindings", detail: "binding", key: "id",
    filters: ["state", ...WHERE],
    columns: [...CASE_COLUMNS, "device=设备号", "created_by=提出人", "decided_by=初审人"],
    waiting: "bindings_waiting",
    acts: [
      { call: "binding_add", title: "申请绑定设备", on: "view" },
      decide("binding", "设备绑定"), confirm("binding", "设备绑定"),
      {
        call: "binding_code", title: "领取绑定码", button: "绑定码", on: "row",
        when: (row) => row.state === "approved",
        ask: "绑定码只显示一次，24小时内有效；再次领取则前一个作废。请在设备旁边领取并立即输入。",
      },
      {
        call: "binding_withdraw", title: "撤回申请", button: "撤回", on: "row",
        when: (row) => ["pending", "proposed"].includes(row.state), ask: "撤回后需要重新申请。",
      },
    ],
  },
  {
    id: "institutions", title: "机构", nav: "机构", list: "institutions", detail: "institution",
    key: "code", tree: true,
    columns: [
      "name=名称", "code=机构编号", "kind=类别", "region=区划", "status=状态", "devices=设备",
    ],
    acts: [
      { call: "institution_put", title: "新增机构", on: "view" },
      { call: "institution_put", title: "修改机构", button: "修改", on: "row", fill: true },
      { call: "institutions_import", title: "导入机构", on: "view" },
    ],
    csv: "institutions_export",
  },
  {
    id: "regions", title: "区划", nav: "机构", list: "regions", key: "code", filters: [], whole: true,
    columns: ["name=名称", "code=编码", "level=级别", "institutions=直属机构"],
    acts: [
      { call: "region_put", title: "新增区划", on: "view" },
      { call: "region_put", title: "修改区划", button: "修改", on: "row", fill: true },
      {
        call: "region_delete", title: "删除区划", button: "删除", on: "row", tone: "bad",
        when: (row) => row.institutions === 0, ask: "只能删除没有机构和下级的区划。",
      },
      { call: "regions_import", title: "导入区划", on: "view" },
    ],
    csv: "regions_export",
  },
  {
    id: "records", title: "核验记录", nav: "记录", list: "records", detail: "record", key: "id",
    columns: [
      "at_ms=时间", "institution=机构编号", "device=设备号", "kind=种类", "code=结果",
      "cause=原因", "person=人员", "deal_no=结算流水号", "chain=记录链",
    ],
    acts: [
      {
        call: "erasure_add", title: "申请删除个人数据", button: "申请删除", on: "row", tone: "bad",
        known: (row) => ({ record: row.id }),
        ask: "将删除此人在该机构的全部敏感数据，须经审批；批准后不能恢复。",
      },
    ],
    csv: "records_export",
  },
  {
    id: "alarms", title: "告警", nav: "告警", list: "alarms",
    columns: [
      "last_ms=最近", "kind=种类", "device=设备号", "institution=机构编号", "subject=对象",
      "times=次数", "first_ms=首次",
    ],
    acts: [
      {
        call: "ticket_add", title: "登记故障", button: "报障", on: "row",
        known: (row) => ({ institution: row.institution, device: row.device }),
      },
    ],
    csv: "alarms_export",
  },
  {
    id: "tickets", title: "故障工单", nav: "工单", list: "tickets", detail: "ticket", key: "id",
    waiting: "tickets_overdue",
    columns: [
      "opened_ms=提出时间", "state=状态", "clock=时限", "cause=原因", "place=机构",
      "device=设备号", "note=说明",
    ],
    acts: [
      { call: "ticket_add", title: "登记故障", on: "view" },
      { call: "ticket_respond", title: "响应工单", button: "响应", on: "row", when: (row) => row.state === "open" },
      { call: "ticket_solve", title: "报告已解决", button: "已解决", on: "row", when: (row) => row.state === "responded" },
      { call: "ticket_close", title: "核对并关闭工单", button: "关闭", on: "row", when: (row) => row.state === "solved" },
      { call: "ticket_reopen", title: "退回：未解决", button: "退回", on: "row", when: (row) => row.state === "solved" },
      { call: "ticket_note", title: "补充说明", button: "补充", on: "row", when: (row) => row.state !== "closed" },
    ],
  },
  {
    id: "practitioners", title: "医师药师名单", nav: "医师药师", list: "practitioners", key: "id",
    columns: [
      "name=姓名", "number=证件号码", "kind=类别", "institution=机构编号", "status=状态",
      "changed_ms=更改时间",
    ],
    acts: [
      { call: "practitioner_add", title: "登记医师药师", on: "view" },
      { call: "practitioners_import", title: "导入名单", on: "view" },
      {
        call: "practitioners_publish", title: "下发名单", on: "view",
        ask: "把该机构的名单签名后下发给它的全部设备。",
      },
    ],
  },
  {
    id: "attendance", title: "签到签退", nav: "医师药师", list: "attendance",
    columns: [
      "at_ms=时间", "institution=机构编号", "device=设备号", "person=人员", "cause=结果",
      "made_up=补签",
    ],
  },
  {
    id: "tasks", title: "查房任务", nav: "查房", list: "tasks", detail: "task", key: "id",
    columns: [
      "title=名称", "place=机构", "scope=范围", "state=状态", "from_ms=开始", "until_ms=截止",
      "done=完成", "targets=应查", "score=得分",
    ],
    acts: [
      { call: "task_add", title: "新建查房任务", on: "view" },
      {
        call: "task_publish", title: "下发任务", button: "下发", on: "row",
        when: (row) => row.state === "draft", ask: "签名后下发给该机构的设备，下发后不能修改。",
      },
    ],
  },
  {
    id: "specials", title: "登记审核", nav: "审核", list: "specials", detail: "special", key: "id",
    waiting: "specials_waiting", counts: "special_counts",
    columns: [
      ...CASE_COLUMNS, "kind=种类", "person=人员", "decided_by=初审人", "published=已下发",
    ],
    acts: [decide("special", "登记"), confirm("special", "登记")],
  },
  {
    id: "erasures", title: "删除个人数据", nav: "审核", list: "erasures", detail: "erasure", key: "id",
    filters: ["state", ...WHERE], waiting: "erasures_waiting",
    columns: [...CASE_COLUMNS, "person=人员", "created_by=提出人", "decided_by=初审人"],
    acts: [decide("erasure", "删除个人数据"), confirm("erasure", "删除个人数据")],
  },
  {
    id: "rates", title: "认证率（机构合计）", nav: "认证率", tab: "机构合计", list: "rate_sums", chart: "bars",
    preset: { from: 6, to: 0 },
    columns: [
      "place=机构", "percent=认证率", "days=天数", "authenticated=通过核验", "specials=特殊登记",
      "treatments=诊疗签到", "exempt=免核验", "settled=结算与诊疗",
    ],
    csv: "rates_export",
  },
  {
    id: "rate-days", title: "认证率（逐日）", nav: "认证率", tab: "逐日", list: "rates", chart: "line",
    preset: { from: 13, to: 0 },
    columns: [
      "day=日期", "place=机构", "percent=认证率", "authenticated=通过核验", "specials=特殊登记",
      "treatments=诊疗签到", "exempt=免核验", "settled=结算", "treated=诊疗", "warnings=提示",
    ],
    csv: "rates_export",
  },
  {
    id: "settlements", title: "结算比对", nav: "结算", list: "settlements", counts: "settlement_counts",
    columns: [
      "at_ms=结算时间", "institution=机构编号", "deal_no=结算流水号", "cp_no=核验凭证号",
      "amount=金额（元）", "verdict=比对结果",
    ],
    acts: [{ call: "settlements_import", title: "上传结算", on: "view" }],
  },
  {
    id: "users", title: "用户与角色", nav: "系统", list: "users", key: "name",
    columns: [
      "name=登录名", "display=姓名", "grants=角色与范围", "status=状态", "locked=被锁",
      "last_login_ms=上次登录",
    ],
    acts: [
      { call: "user_add", title: "新增用户", on: "view" },
      {
        call: "grants_put", title: "授权", button: "授权", on: "row", fill: true,
        when: (row, me) => row.name !== me.name,
        ask: "整体替换该用户的角色；只能在自己的管辖范围内授权。",
      },
      { call: "user_put", title: "修改用户", button: "修改", on: "row", fill: true },
      { call: "user_password", title: "重置密码", button: "重置密码", on: "row", ask: "同时解除锁定；本人下次登录须改密码。" },
    ],
  },
  {
    id: "settings", title: "设置", nav: "系统", facts: "settings",
    acts: [{ call: "settings_put", title: "修改设置", on: "view", fill: true }],
  },
  {
    id: "audit", title: "审计日志", nav: "系统", list: "audit",
    columns: [
      "at_ms=时间", "who=操作人", "what=操作", "subject=对象", "institution=机构编号",
      "source=来源", "result=结果",
    ],
    acts: [{ call: "audit_verify", title: "核对审计链", on: "view", direct: true }],
  },
];

/** The numbers of the overview: [field, title, tone when above none, where it leads]. */
export const TILES = [
  ["bindings_waiting", "待处理绑定", "warn", "#/bindings?state=pending"],
  ["specials_waiting", "待审登记", "warn", "#/specials?state=pending"],
  ["erasures_waiting", "待审删除", "warn", "#/erasures?state=pending"],
  ["tickets_overdue", "超时工单", "bad", "#/tickets?overdue=true"],
  ["tickets_open", "未关闭工单", "warn", "#/tickets?open=true"],
  ["tasks_running", "进行中查房任务", "", "#/tasks"],
];

export const DEVICE_TILES = ["online", "offline", "covered", "faulty", "powered-down", "never"];
