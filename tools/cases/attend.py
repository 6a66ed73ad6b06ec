"""Cases of ``HisCallAtten``: signs of the day, its five codes, its four fields (S0-42..S0-45)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from build import Part, call, case, signed

from yibao_face.daemon.core.encounter import Cause

_READY: Part = {"camera": "live-first", "roster": ["first", "second"]}
_UNPLUGGED: Part = {"roster": ["first"]}
_FIELDS = (
    ("ID", "证件号码", 30),
    ("name", "姓名", 30),
    ("fixmedins_code", "定点医药机构编号", 20),
)


def attendance() -> Iterator[Part]:
    """Sign-in, sign-out, refusals, and what a HIS writes wrongly."""
    for made in (_signs(), _refusals(), _cameras(), _inputs(), _charsets()):
        for found in made:
            yield {**found, "interface": "attendance"}


def _written(cause: Cause, records: int = 1, **more: Any) -> Part:
    record = {"kind": "attendance", "cause": cause.value, **more}
    return signed(cause, records=records, record=record)


def _action(word: str) -> Part:
    return {"set": {"action": word}}


def _signs() -> Iterator[Part]:
    signed_in, signed_out = signed(Cause.SIGNED_IN), signed(Cause.SIGNED_OUT)
    once, repeated = signed(Cause.ALREADY_SIGNED), {**_READY, "clock_s": -600}
    yield case("sign-in", "签到", "S0-44", call(_written(Cause.SIGNED_IN, code=1)), stage=_READY)
    yield case("sign-in-asked", "指明签到", "Q14", call(signed_in, _action("in")), stage=_READY)
    yield case(
        "sign-duplicate",
        "刚签到又调用：不重复签",
        "Q13",
        call(_written(Cause.SIGNED_IN)),
        call({**once, "records": 1}),
        stage=_READY,
    )
    yield case(
        "sign-toggle",
        "签到10分钟后再调用：签退",
        "Q14",
        call(signed_in),
        call(_written(Cause.SIGNED_OUT, 2), stage=repeated),
        stage=_READY,
    )
    yield case(
        "sign-out-asked",
        "签到后马上指明签退",
        "Q14",
        call(signed_in, _action("in")),
        call(signed_out, _action("out")),
        stage=_READY,
    )
    yield from _days()


def _days() -> Iterator[Part]:
    signed_in, signed_out = signed(Cause.SIGNED_IN), signed(Cause.SIGNED_OUT)
    once, repeated = signed(Cause.ALREADY_SIGNED), {**_READY, "clock_s": -600}
    yield case(
        "sign-day",
        "签到、签退、再签到",
        "S0-56",
        call(signed_in),
        call(signed_out, stage=repeated),
        call(signed_in, stage=repeated),
        stage=_READY,
    )
    yield case(
        "sign-out-twice",
        "指明签退两次",
        "Q13",
        call(signed_in, _action("in")),
        call(signed_out, _action("out")),
        call(once, _action("out")),
        stage=_READY,
    )
    yield case(
        "sign-next-day",
        "签到只在当天有效：第二天再签到",
        "S0-56",
        call(signed_in),
        call(signed_in, stage={**_READY, "clock_s": -86_400}),
        stage=_READY,
    )
    yield case(
        "sign-two",
        "两位药师各自签到",
        "S0-42",
        call(signed_in),
        call(
            signed(Cause.SIGNED_IN, records=2),
            {"set": {"ID": "{second}", "name": "李四"}},
            stage={"camera": "live-second"},
        ),
        stage=_READY,
    )


def _refusals() -> Iterator[Part]:
    other = {"set": {"ID": "{third}", "name": "王五"}}
    first_out = call(signed(Cause.NOT_SIGNED_IN), _action("out"))
    yield case("sign-out-first", "没有签到就签退", "Q14", first_out, stage=_READY)
    yield case(
        "sign-unknown",
        "该机构下无此药师：-4",
        "S0-44",
        call(_written(Cause.NOT_ON_ROSTER), other),
        stage=_READY,
    )
    yield case(
        "sign-no-roster",
        "机构没有名单：-4",
        "S0-44",
        call(signed(Cause.NOT_ON_ROSTER)),
        stage={"camera": "live-first"},
    )
    yield case(
        "sign-other-institution",
        "在别的机构签到：-4",
        "S0-44",
        call(signed(Cause.NOT_ON_ROSTER), {"set": {"fixmedins_code": "H320100"}}),
        stage=_READY,
    )
    yield case(
        "sign-clock-back",
        "电脑时间被调早一天",
        "S0-56",
        call(signed(Cause.SIGNED_IN)),
        call(signed(Cause.CLOCK_SET_BACK), stage={**_READY, "clock_s": 86_400}),
        stage=_READY,
    )
    for camera, cause, title in (
        ("live-second", Cause.OTHER_PERSON, "他人代签"),
        ("flat-first", Cause.SPOOF_FLAT, "照片代签"),
        ("nobody", Cause.NO_FACE, "无人"),
    ):
        stage = {**_READY, "camera": camera}
        yield case(f"sign-{camera}", f"{title}：1", "S0-44", call(_written(cause)), stage=stage)
    yield case(
        "sign-agent",
        "代购人不能代签考勤",
        "S0-44",
        call(signed(Cause.OTHER_PERSON)),
        stage={**_READY, "camera": "live-second", "agent": "valid"},
    )


def _cameras() -> Iterator[Part]:
    for camera, cause, title in (
        ("missing", Cause.CAMERA_MISSING, "没有摄像头：-2"),
        ("busy", Cause.CAMERA_BUSY, "摄像头被占用：-2"),
        ("lost", Cause.CAMERA_LOST, "考勤中摄像头断开：-2"),
        ("silent", Cause.CAMERA_SILENT, "摄像头没有画面：-2"),
        ("fault", Cause.CAMERA_FAULT, "摄像头故障：-2"),
        ("cancelled-by-person", Cause.CANCELLED_BY_PERSON, "本人取消：-1"),
        ("cancelled-by-clerk", Cause.CANCELLED_BY_CLERK, "工作人员取消：-1"),
    ):
        stage = {**_READY, "camera": camera}
        yield case(f"sign-{camera}", title, "S0-44", call(_written(cause)), stage=stage)
    yield case(
        "sign-store-full",
        "磁盘已满：不算签到",
        "Q8",
        call(signed(Cause.STORE_FAILED, records=0)),
        stage={**_READY, "store": "full"},
    )
    yield case(
        "sign-retry",
        "摄像头接好后重试：签到",
        "S0-44",
        call(signed(Cause.CAMERA_MISSING)),
        call(signed(Cause.SIGNED_IN), stage=_READY),
        stage={**_READY, "camera": "missing"},
    )
    yield case(
        "sign-joins",
        "考勤中重发：同一答复",
        "Q18",
        call(_written(Cause.SIGNED_IN)),
        call({**_written(Cause.SIGNED_IN), "same_as": 1}, parallel=True),
        stage={**_READY, "camera": "slow"},
    )


def _inputs() -> Iterator[Part]:
    for code, title, most in _FIELDS:
        for key, send, says in (
            ("missing", {"drop": [code]}, f"({code})不能为空"),
            ("too-long", {"set": {code: "9" * (most + 1)}}, f"({code})超过{most}个字符"),
            ("list", {"set": {code: ["x"]}}, f"({code})类型不对"),
            ("placeholder", {"set": {code: "null"}}, f"({code})不是实际内容"),
        ):
            what = {"missing": "没有传", "too-long": "超长", "list": "为列表"}.get(
                key, "填了占位词"
            )
            yield case(
                f"sign-{code.lower()}-{key}",
                f"考勤：{title}({code}){what}",
                "S0-43",
                call(_bad(says), send),
            )
    for key, send, says, title in (
        ("empty", {"text": ""}, "为空", "入参为空"),
        ("word", {"text": "hello"}, "JSON", "入参不是JSON"),
        ("large", {"pad": " ", "pad_to": 65_537}, "过大", "入参过大"),
    ):
        yield case(f"sign-body-{key}", f"考勤：{title}", "Q8", call(_bad(says), send))
    yield from _noted()


def _noted() -> Iterator[Part]:
    """The optional field and the extension refuse nobody."""
    for key, send, finding, title in (
        ("no-name", {"drop": ["fixmedins_name"]}, "", "机构名称没有传"),
        (
            "long-name",
            {"set": {"fixmedins_name": "店" * 101}},
            "fixmedins_name:too-long",
            "机构名称超长",
        ),
        ("odd-action", _action("maybe"), "action:unknown-code", "考勤动作不认识：按当天状态"),
        ("lower-id", {"set": {"id": "{first}"}, "drop": ["ID"]}, "", "键为小写id"),
        ("single", {"quoting": "single"}, ":lenient-json", "单引号"),
    ):
        findings = ["ID:check-digit", *([finding] if finding else [])]
        yield case(
            f"sign-{key}",
            f"考勤：{title}，照常受理",
            "S0-43",
            call(_written(Cause.CAMERA_MISSING, findings=findings), send),
            stage=_UNPLUGGED,
        )


def _charsets() -> Iterator[Part]:
    for name in ("联通", "阿依古丽·买买提"):
        for codec in ("utf-8", "gbk"):
            kept = _written(Cause.CAMERA_MISSING, fields={"name": name})
            wanted = {**kept, "charset": codec}
            yield case(
                f"sign-name-{'dot' if '·' in name else 'liantong'}-{codec}",
                f"考勤：姓名{name}，{codec.upper()}",
                "Q9",
                call(wanted, {"set": {"name": name}, "charset": codec}),
                stage=_UNPLUGGED,
            )


def _bad(says: str) -> Part:
    return {"code": 1, "says": says}
