"""What clerk and engineer do about each way an encounter ends: the table in the manual."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.encounter import HINTS, Cause
from yibao_face.daemon.doctor.check import Check
from yibao_face.daemon.section import EncounterConfig


@dataclass(frozen=True, slots=True)
class Family:
    """Causes with the same next step. ``title``: Chinese, English beside."""

    title: str
    clerk: str
    engineer: str
    causes: tuple[Cause, ...]


_NOBODY = "无需处理"
_CALL_S = EncounterConfig().deadline_s
FAMILIES = (
    Family(
        "正常结束 Well",
        "继续办理",
        _NOBODY,
        (
            *(Cause.MATCHED_SELF, Cause.MATCHED_AGENT, Cause.POLICY_EXEMPT, Cause.SPECIAL_EXEMPT),
            *(Cause.SIGNED_IN, Cause.SIGNED_OUT, Cause.ALREADY_SIGNED, Cause.RECORDED),
        ),
    ),
    Family(
        "不是本人或查不到人 Not this person",
        "核对证件；确是代购的办理代购登记，本人长相变化大的重新登记人脸",
        "同一人多次出现时，在控制台查看距离、光线和登记照片，必要时重新登记",
        (
            *(Cause.OTHER_PERSON, Cause.NOT_IDENTIFIED, Cause.NOT_ENROLLED),
            *(Cause.NUMBERS_CONFLICT, Cause.TEMPLATE_STALE, Cause.AGENT_EXPIRED),
        ),
    ),
    Family(
        "疑似冒用 Suspected attack",
        "请本人摘下遮挡、到镜头前重试一次；仍不通过按本机构规定人工核实，不要反复尝试",
        "在控制台查看该次记录；多人连续出现时清洁镜头、避开强光，运行 yibao-face doctor",
        (
            *(Cause.SPOOF_FLAT, Cause.SPOOF_SIZE, Cause.SPOOF_SHAPE, Cause.SPOOF_RIGID),
            *(Cause.ACTION_NOT_DONE, Cause.PERSON_CHANGED, Cause.LOCKED_OUT),
        ),
    ),
    Family(
        "请调整姿势或光线 Come closer, hold still",
        "把屏幕上的提示念给本人听，调整后重新发起",
        "经常出现时用控制台“校准向导”测距离、光线、帧率，再调整摄像头位置或补光",
        tuple(cause for cause in Cause if cause in HINTS),
    ),
    Family(
        "登记时 While enrolling",
        "按提示补齐证件或请本人确认；本人不同意人脸识别的走人工审核",
        "阅读器类故障：重新插拔，运行 yibao-face reader test",
        (
            *(Cause.CONSENT_REFUSED, Cause.STAFF_REFUSED, Cause.ID_PHOTO_MISMATCH),
            *(Cause.ID_PHOTO_UNUSABLE, Cause.COUNTER_SILENT, Cause.CARD_ABSENT, Cause.CARD_OTHER),
            *(Cause.CARD_EXPIRED, Cause.READER_MISSING, Cause.READER_BUSY, Cause.READER_FAULT),
        ),
    ),
    Family(
        "签到、住院与治疗 Attendance, wards, treatments",
        "按提示先办前一步（签到、签退、住院登记）再重试",
        "名单类：请医保科维护后重新导入；时间类：校准电脑时间",
        (
            *(Cause.NOT_SIGNED_IN, Cause.NOT_ON_ROSTER, Cause.NOT_INPATIENT),
            *(Cause.TREATMENT_OPEN, Cause.TREATMENT_NOT_OPEN, Cause.MAKEUP_LATE),
            *(Cause.CLOCK_SET_BACK, Cause.CLOCK_AHEAD),
        ),
    ),
    Family(
        "HIS传入的内容 What the HIS sent",
        "重新发起一次；仍不行把时间和提示告诉HIS厂商",
        "对照《HIS对接手册》和docs/openapi.json核对字段、编码和流水号",
        (Cause.BAD_REQUEST, Cause.TOO_LARGE, Cause.DEAL_TAKEN),
    ),
    Family(
        "没有做完 Not finished",
        "确认本人还在，重新发起",
        f"经常超时：查看HIS的等待时间是否不少于{_CALL_S:.0f}秒；停止类：查看是否正在更新或关机",
        (
            *(Cause.CANCELLED_BY_PERSON, Cause.CANCELLED_BY_CLERK, Cause.CALLER_GONE),
            *(Cause.DEADLINE, Cause.BUSY, Cause.STOPPING),
        ),
    ),
    Family(
        "摄像头 Camera",
        "重新插好摄像头的USB线，关闭其他用摄像头的软件，再重新发起",
        "运行 yibao-face doctor，看“摄像头”一组；换过摄像头的在控制台重新固定",
        (
            *(Cause.CAMERA_MISSING, Cause.CAMERA_BUSY, Cause.CAMERA_DENIED, Cause.CAMERA_LOST),
            *(Cause.CAMERA_STALLED, Cause.CAMERA_UNSUPPORTED, Cause.CAMERA_SILENT),
            *(Cause.CAMERA_FAULT, Cause.CAMERA_CONFIG, Cause.CAMERA_UNTRUSTED),
            *(Cause.STREAM_IMPLAUSIBLE, Cause.RECORDED_CAMERA, Cause.NO_DEPTH_CAMERA),
            Cause.CLIP_BROKEN,
        ),
    ),
    Family(
        "程序、磁盘与授权 Program, disk, trust",
        "停止使用本机核验，按本机构规定人工处理，联系工程师",
        "运行 yibao-face doctor --report 报告.txt 并按“处理”逐项解决；不要删除数据目录里的文件",
        (
            *(Cause.MODEL_MISSING, Cause.MODEL_ALTERED, Cause.MODEL_REVOKED, Cause.MODEL_FAULT),
            *(Cause.DEVICE_REVOKED, Cause.DOCUMENT_REFUSED, Cause.EVIDENCE_FAULT),
            *(Cause.GALLERY_FAULT, Cause.STORE_FAILED, Cause.INTERNAL),
        ),
    ),
)
_HEAD = """# 故障代码表 · What each answer means

由程序生成，与程序一致（`python tools/troubles.py`）。“原因”一列是记录和日志里的词。

- 结算接口 `code`：1 通过，2 无需核验，0 不通过
- 考勤接口 `code`：0 完成，1 未完成，-1 取消，-2 摄像头，-4 无此人员

Made by the program and kept true by a test. `code` of settlements: 1 passed, 2 not needed,
0 not passed; of attendance: 0 done, 1 not, -1 cancelled, -2 camera, -4 no such person. The word
in the first column is what records and logs hold.
"""
_CHECKS_HEAD = """
## 体检项目 The doctor's checks

`yibao-face doctor` 逐项检查并给出原因和处理；“快”表示安装和更新时的自检（`--selftest`）也做。
Each is told with its cause and the next step; 快: also part of `--selftest`.

| 项目 Check | 名称 | | |
|---|---|---|---|
"""


def table_text(checks: Iterable[Check]) -> str:
    """The whole document."""
    parts = [_HEAD]
    for family in FAMILIES:
        parts += [_section(family)]
    rows = [f"| `{c.id}` | {c.title} | {c.english} | {'快' if c.quick else ''} |" for c in checks]
    return "".join([*parts, _CHECKS_HEAD, "\n".join(rows), "\n"])


def _section(family: Family) -> str:
    rows = [
        f"| `{cause.value}` | {int(TABLE[cause].answer)} | {TABLE[cause].attendance}"
        f" | {TABLE[cause].message} |"
        for cause in family.causes
    ]
    head = (
        f"\n## {family.title}\n\n- 窗口人员 clerk：{family.clerk}\n"
        f"- 工程师 engineer：{family.engineer}\n"
        "\n| 原因 cause | 结算 | 考勤 | 屏幕提示 message |\n|---|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"
