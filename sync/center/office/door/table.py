"""Every call of the office, its permission and its fields: the one table the door is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from yibao_face.sync.api import DEVICE_ID, INSTITUTION
from yibao_face.sync.center.office.door.field import (
    Field,
    choice,
    day,
    flag,
    moment,
    rows,
    text,
    texts,
    whole,
)
from yibao_face.sync.center.office.door.form import (
    CASE_STATES,
    DEVICE_STATES,
    INSTITUTION_KINDS,
    LEVELS,
    TICKET_STATES,
    VERDICTS,
)
from yibao_face.sync.center.office.door.permission import Permission, Role

P = Permission
PREFIX = "/office/v1"
MAX_LIMIT = 200
MAX_CSV_CHARS = 2_000_000
USER_NAME = r"[a-z0-9][a-z0-9._-]{1,31}"
REGION = r"[0-9]{2,12}"
CSV = "csv"


@dataclass(frozen=True, slots=True)
class Route:
    """One call. ``permission``: ``None`` for signing in only. ``answer``: a form, ``list:`` one
    of many with a cursor, or ``csv``. ``writes``: changes something, so it is audited."""

    name: str
    method: str
    path: str
    permission: P | None
    title: str
    answer: str
    body: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether it may change anything."""
        return self.method != "GET"


_REGION = text("code", "区划编码", 12, REGION)
_INSTITUTION = text("institution", "机构编号", 32, INSTITUTION.pattern)
_DEVICE = text("device", "设备号", 64, DEVICE_ID.pattern)
_TEXT = text("text", "名称或编号包含", 64)
_REASON = text("reason", "理由", 500, many=True)
_UNMASK = flag("unmask", "显示原文，须有权限，记入审计")
_PAGE = (
    text("cursor", "上一页答复的 next", 400),
    whole("limit", "每页条数，默认50", 1, MAX_LIMIT),
)
_DAYS = (day("from", "开始日期"), day("to", "结束日期"))
_WHERE = (text("region", "区划编码，含下级", 12, REGION), _INSTITUTION)
_CSV = (text("csv", "CSV 文本，首行为列名", MAX_CSV_CHARS, many=True).need(),)
_DECIDE = (flag("approve", "是否通过").need(), replace(_REASON.need(), least=2))
_CONFIRM = (flag("agree", "是否同意初审意见；不同意则退回重审").need(), _REASON)
_RECORDS = (
    *(*_DAYS, *_WHERE, _DEVICE),
    text("kind", "种类", 64, r"[a-z0-9-]+"),
    text("cause", "原因", 64, r"[a-z0-9-]+"),
    whole("code", "结果", 0, 2),
    flag("demo", "演示数据，默认 false"),
)
_SETTLEMENT = (
    _INSTITUTION.need(),
    text("deal_no", "结算流水号", 50).need(),
    text("cp_no", "核验凭证号，空为没有", 64),
    text("amount", "金额，元", 19, r"-?[0-9]{1,14}(\.[0-9]{1,2})?").need(),
    moment("at_ms", "结算时间").need(),
)


def _case_routes(one: str, many: str, title: str, see: P, decide: P) -> tuple[Route, ...]:
    return (
        Route(f"{one}s", "GET", f"/{many}", see, f"{title}列表", "list:Case", query=(
            choice("state", "状态", *CASE_STATES), choice("kind", "种类", "special", "agent"),
            *_WHERE, _UNMASK, *_PAGE)),
        Route(f"{one}", "GET", f"/{many}/{{id}}", see, f"{title}详情", "Case", query=(_UNMASK,)),
        Route(f"{one}_decide", "POST", f"/{many}/{{id}}/decide", decide, f"{title}初审", "Case",
              _DECIDE),
        Route(f"{one}_confirm", "POST", f"/{many}/{{id}}/confirm", decide,
              f"{title}复核，不能与初审同一人", "Case", _CONFIRM),
    )  # fmt: skip


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("login", "POST", "/session", None, "登录", "Session", (
        text("name", "登录名", 64).need(), text("password", "密码", 256).need(),
        flag("token", "答复里给 Bearer 令牌，不设 Cookie"))),
    Route("session", "GET", "/session", P.SELF, "当前登录", "Session"),
    Route("logout", "DELETE", "/session", P.SELF, "退出", "Done"),
    Route("password", "POST", "/session/password", P.SELF, "改自己的密码", "Done", (
        text("old", "原密码", 256).need(), text("new", "新密码", 256).need())),
    Route("overview", "GET", "/overview", P.DEVICE_READ, "总览", "Overview"),
    Route("settings", "GET", "/settings", P.SETTING_READ, "设置", "Settings"),
    Route("settings_put", "PUT", "/settings", P.SETTING_WRITE, "改设置，未给的不变", "Settings", (
        flag("second_binding", "设备绑定须复核"), flag("second_special", "登记须复核"),
        flag("second_erasure", "删除须复核"),
        whole("offline_after_s", "多少秒未上报算离线", 60, 604_800),
        whole("ticket_after_s", "离线多少秒开工单", 60, 604_800))),

    Route("regions", "GET", "/regions", P.ORG_READ, "区划", "list:Region", query=(
        text("parent", "上级编码；不给则全部", 12, REGION), *_PAGE)),
    Route("region_put", "PUT", "/regions/{code}", P.ORG_WRITE, "新增或更改区划", "Region", (
        text("name", "名称", 100).need(), choice("level", "级别", *LEVELS).need(),
        text("parent", "上级编码，省级为空", 12, REGION))),
    Route("region_delete", "DELETE", "/regions/{code}", P.ORG_WRITE, "删除空区划", "Done"),
    Route("regions_import", "POST", "/regions/import", P.ORG_WRITE,
          "导入区划 code,name,level,parent", "Imported", _CSV),
    Route("regions_export", "GET", "/regions/export", P.ORG_READ, "导出区划", CSV),
    Route("institutions", "GET", "/institutions", P.ORG_READ, "机构", "list:Institution", query=(
        text("region", "区划编码，含下级", 12, REGION), choice("kind", "类别", *INSTITUTION_KINDS),
        choice("status", "状态", "active", "suspended", "closed"), _TEXT, *_PAGE)),
    Route("institution", "GET", "/institutions/{code}", P.ORG_READ, "机构详情", "Institution"),
    Route("institution_put", "PUT", "/institutions/{code}", P.ORG_WRITE, "新增或更改机构",
          "Institution", (
        text("name", "名称", 100).need(), choice("kind", "类别", *INSTITUTION_KINDS).need(),
        text("region", "区划编码", 12, REGION).need(), text("contact", "联系人", 50),
        text("phone", "联系电话", 30, r"[0-9+() -]*"),
        choice("status", "状态，默认 active", "active", "suspended", "closed"))),
    Route("institutions_import", "POST", "/institutions/import", P.ORG_WRITE,
          "导入机构 code,name,kind,region,contact,phone,status；全部合格才写入", "Imported", _CSV),
    Route("institutions_export", "GET", "/institutions/export", P.ORG_READ, "导出机构", CSV),

    Route("users", "GET", "/users", P.USER_READ, "用户", "list:User", query=(_TEXT, *_PAGE)),
    Route("user", "GET", "/users/{name}", P.USER_READ, "用户详情", "User"),
    Route("user_add", "POST", "/users", P.USER_WRITE, "新增用户，首次登录须改密码", "User", (
        text("name", "登录名", 32, USER_NAME).need(), text("display", "姓名", 50).need(),
        text("password", "初始密码", 256).need())),
    Route("user_put", "PUT", "/users/{name}", P.USER_WRITE, "改姓名、停用启用", "User", (
        text("display", "姓名", 50), choice("status", "状态", "active", "disabled"))),
    Route("grants_put", "PUT", "/users/{name}/grants", P.USER_WRITE,
          "授权（整体替换），只能授自己范围内的，不能授自己", "User", (
        rows("grants", "授权", choice("role", "角色", *Role).need(),
             text("scope", "范围", 45, r"\*|region:[0-9]{2,12}|institution:[A-Za-z0-9]{1,32}")
             .need(), most=50).need(),)),
    Route("user_password", "POST", "/users/{name}/password", P.USER_WRITE,
          "重置密码并解锁，下次登录须改", "User", (text("password", "初始密码", 256).need(),)),

    Route("devices", "GET", "/devices", P.DEVICE_READ, "设备", "list:Device", query=(
        *_WHERE, choice("state", "状态", *DEVICE_STATES), _TEXT, *_PAGE)),
    Route("devices_export", "GET", "/devices/export", P.DEVICE_READ, "导出设备台账", CSV,
          query=_WHERE),
    Route("device", "GET", "/devices/{device}", P.DEVICE_READ, "设备详情", "DeviceDetail"),
    Route("device_events", "GET", "/devices/{device}/events", P.DEVICE_READ,
          "绑定、更换、吊销记录", "list:DeviceEvent"),
    Route("device_health", "GET", "/devices/{device}/health", P.DEVICE_READ, "逐日健康",
          "list:HealthDay", query=_DAYS),
    Route("device_revoke", "POST", "/devices/{device}/revoke", P.DEVICE_APPROVE,
          "吊销证书，下一次请求起生效", "Done", (_REASON.need(),)),
    *_case_routes("binding", "bindings", "设备绑定申请", P.DEVICE_READ, P.DEVICE_APPROVE),
    Route("binding_add", "POST", "/bindings", P.DEVICE_WRITE, "申请绑定或更换设备", "Case", (
        _INSTITUTION.need(), _DEVICE.need(), flag("replace", "更换：领码使用后吊销原证书"),
        text("contact", "联系人", 50), _REASON)),
    Route("binding_withdraw", "POST", "/bindings/{id}/withdraw", P.DEVICE_WRITE, "撤回申请",
          "Case"),
    Route("binding_code", "POST", "/bindings/{id}/code", P.DEVICE_WRITE,
          "领取绑定码（已通过的申请，24小时有效，再领前码作废）", "Code"),

    Route("tickets", "GET", "/tickets", P.TICKET_READ, "工单", "list:Ticket", query=(
        choice("state", "状态", *TICKET_STATES), flag("overdue", "只看超时"),
        flag("open", "只看未关闭"), *_WHERE, _DEVICE, *_PAGE)),
    Route("ticket", "GET", "/tickets/{id}", P.TICKET_READ, "工单详情", "TicketDetail"),
    Route("ticket_add", "POST", "/tickets", P.TICKET_WRITE, "手工开工单", "TicketDetail", (
        _INSTITUTION.need(), _DEVICE, text("note", "说明", 500, many=True).need())),
    *(Route(f"ticket_{act}", "POST", f"/tickets/{{id}}/{act}", permission, title, "TicketDetail",
            (text("note", "说明", 500, many=True).need(),))
      for act, permission, title in (
        ("respond", P.TICKET_WRITE, "响应"), ("solve", P.TICKET_WRITE, "报告已解决"),
        ("note", P.TICKET_WRITE, "补充说明"),
        ("reopen", P.TICKET_CLOSE, "退回：未解决"),
        ("close", P.TICKET_CLOSE, "关闭：第二人核对，自动工单还须故障已消失"))),

    Route("practitioners", "GET", "/practitioners", P.PRACTITIONER_READ, "医师药师",
          "list:Practitioner", query=(
        *_WHERE, choice("status", "状态", "active", "left"), _UNMASK, *_PAGE)),
    Route("practitioner_add", "POST", "/practitioners", P.PRACTITIONER_WRITE,
          "登记或更改医师药师（同机构同证件号为同一人）", "Practitioner", (
        _INSTITUTION.need(), text("name", "姓名", 50).need(),
        text("number", "证件号码", 30, r"[0-9A-Za-z]{4,30}").need(),
        choice("kind", "类别", "doctor", "pharmacist", "nurse", "other").need(),
        choice("status", "状态，默认 active", "active", "left"))),
    Route("practitioners_import", "POST", "/practitioners/import", P.PRACTITIONER_WRITE,
          "导入 institution,number,name,kind,status", "Imported", _CSV),
    Route("practitioners_publish", "POST", "/practitioners/publish", P.PRACTITIONER_WRITE,
          "把名单签名下发给机构的设备", "Published", (_INSTITUTION.need(),)),
    Route("attendance", "GET", "/attendance", P.PRACTITIONER_READ, "签到签退记录",
          "list:Attendance", query=(*_DAYS, *_WHERE, _UNMASK, *_PAGE)),

    Route("tasks", "GET", "/tasks", P.TASK_READ, "查房任务", "list:Task", query=(
        *_WHERE, *_DAYS, *_PAGE)),
    Route("task", "GET", "/tasks/{id}", P.TASK_READ, "任务进度", "TaskDetail"),
    Route("task_add", "POST", "/tasks", P.TASK_WRITE, "新建查房任务", "TaskDetail", (
        text("title", "名称", 100).need(), _INSTITUTION.need(),
        choice("scope", "范围", "hospital", "department", "person").need(),
        texts("departments", "科室名或编号，范围为科室时"),
        texts("numbers", "患者证件号码，范围为人员时；加密存放，不再显示"),
        moment("from_ms", "开始").need(), moment("until_ms", "截止").need())),
    Route("task_publish", "POST", "/tasks/{id}/publish", P.TASK_WRITE, "签名下发", "TaskDetail"),

    *_case_routes("special", "specials", "特殊登记与代办登记", P.SPECIAL_READ, P.SPECIAL_REVIEW),
    Route("special_counts", "GET", "/special-counts", P.SPECIAL_READ, "登记计数", "Counts",
          query=_WHERE),
    *_case_routes("erasure", "erasures", "删除个人数据", P.ERASURE_READ, P.ERASURE_APPROVE),
    Route("erasure_add", "POST", "/erasures", P.ERASURE_WRITE,
          "申请删除：指一条记录，删其所指的人在该机构的全部敏感数据", "Case", (
        text("record", "记录编号", 64, r"[0-9a-f-]{36}").need(), _REASON.need())),

    Route("rates", "GET", "/rates", P.RATE_READ, "认证率，逐机构逐日", "list:Rate", query=(
        *_DAYS, *_WHERE, *_PAGE)),
    Route("rate_sums", "GET", "/rate-sums", P.RATE_READ, "认证率，逐机构合计，末行为总计",
          "list:RateSum", query=(*_DAYS, *_WHERE)),
    Route("rates_export", "GET", "/rates/export", P.RATE_READ, "导出认证率", CSV, query=(
        *_DAYS, *_WHERE)),
    Route("settlements", "GET", "/settlements", P.SETTLEMENT_READ, "结算与凭证比对",
          "list:Settlement", query=(
        *_DAYS, *_WHERE, choice("verdict", "比对结果", *VERDICTS), _UNMASK, *_PAGE)),
    Route("settlement_counts", "GET", "/settlement-counts", P.SETTLEMENT_READ, "比对计数",
          "VerdictCounts", query=(*_DAYS, *_WHERE)),
    Route("settlements_add", "POST", "/settlements", P.SETTLEMENT_WRITE, "上传结算", "Taken", (
        rows("settlements", "结算", *_SETTLEMENT, most=2000).need(),)),
    Route("settlements_import", "POST", "/settlements/import", P.SETTLEMENT_WRITE,
          "导入结算 institution,deal_no,cp_no,amount,at（at 如 2026-11-22T09:30:00，北京时间）",
          "Taken", _CSV),

    Route("records", "GET", "/records", P.RECORD_READ, "记录，新的在前，默认最近7天",
          "list:Record", query=(*_RECORDS, _UNMASK, *_PAGE)),
    Route("records_export", "GET", "/records/export", P.RECORD_READ, "导出记录（打码，至多5万条）",
          CSV, query=_RECORDS),
    Route("record", "GET", "/records/{id}", P.RECORD_READ, "记录详情", "RecordDetail",
          query=(_UNMASK,)),
    Route("alarms", "GET", "/alarms", P.ALARM_READ, "告警，新的在前", "list:Alarm", query=(
        *_WHERE, _DEVICE, text("kind", "种类", 32, r"[a-z0-9-]+"), *_PAGE)),
    Route("alarms_export", "GET", "/alarms/export", P.ALARM_READ, "导出告警", CSV, query=_WHERE),

    Route("audit", "GET", "/audit", P.AUDIT_READ, "审计日志，新的在前", "list:Entry", query=(
        text("who", "操作人", 64), text("what", "操作", 64), _INSTITUTION, *_DAYS, *_PAGE)),
    Route("audit_verify", "GET", "/audit/verify", P.AUDIT_READ, "核对审计链", "AuditReport"),
    Route("openapi", "GET", "/openapi.json", P.SELF, "本文件", "OpenApi"),
)
# fmt: on
