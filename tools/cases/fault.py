"""Cases of the counter: what breaks, what a HIS does twice, and bodies nobody can read."""

from __future__ import annotations

from collections.abc import Iterator

from build import LIVE, SPARED, Part, again, call, case, ended, refused, said, spared

from yibao_face.daemon.core.encounter import Cause

_SMALL: Part = {"rules": [{"id": "small", "check": False, "when": {"medfee_below": "100.00"}}]}


def faults() -> Iterator[Part]:
    """What breaks, and what a HIS does twice."""
    yield from _cameras()
    yield from _repeats()
    yield from _parallel()
    yield from _lockout()
    yield from _bodies()


def _cameras() -> Iterator[Part]:
    for camera, cause, title in (
        ("missing", Cause.CAMERA_MISSING, "没有摄像头"),
        ("busy", Cause.CAMERA_BUSY, "摄像头被其他程序占用"),
        ("config", Cause.CAMERA_CONFIG, "摄像头配置有误"),
        ("fault", Cause.CAMERA_FAULT, "摄像头故障"),
        ("driver-bug", Cause.INTERNAL, "驱动程序出错"),
        ("broken-clip", Cause.CLIP_BROKEN, "录像文件损坏"),
        ("lost", Cause.CAMERA_LOST, "核验中摄像头断开"),
        ("silent", Cause.CAMERA_SILENT, "摄像头没有画面"),
        ("stuck", Cause.DEADLINE, "摄像头打开太慢，超过时限"),
        ("cancelled-by-person", Cause.CANCELLED_BY_PERSON, "本人取消"),
        ("cancelled-by-clerk", Cause.CANCELLED_BY_CLERK, "工作人员取消"),
    ):
        stage = {"camera": camera}
        yield case(f"fault-{camera}", f"故障：{title}", "Q8", call(ended(cause)), stage=stage)
    yield case(
        "fault-then-served",
        "摄像头断开后接好，同一笔结算重试通过",
        "Q18",
        call(refused(said(Cause.CAMERA_LOST))),
        call(ended(Cause.MATCHED_SELF, records=2), stage=LIVE),
        stage={"camera": "lost"},
    )
    full = {"msg": said(Cause.STORE_FAILED), "records": 0}
    yield case(
        "fault-store-full",
        "磁盘已满：核验通过也不放行",
        "Q8",
        call(full),
        stage={**LIVE, "store": "full"},
    )
    yield case(
        "fault-store-full-exempt",
        "磁盘已满：免核验也不放行",
        "Q8",
        call(full),
        stage={**SPARED, "store": "full"},
    )
    yield case(
        "fault-store-then-room",
        "磁盘腾出空间后重试通过",
        "Q8",
        call({"msg": said(Cause.STORE_FAILED)}),
        call(ended(Cause.MATCHED_SELF), stage=LIVE),
        stage={**LIVE, "store": "full"},
    )


def _repeats() -> Iterator[Part]:
    passed = ended(Cause.MATCHED_SELF)
    unplugged = {"camera": "missing"}
    yield case(
        "repeat-passed",
        "已通过的结算再次调用：同一答复、同一证书号、不再采集",
        "Q18",
        call(passed),
        call(again(passed), stage=unplugged),
        stage=LIVE,
    )
    yield case(
        "repeat-lower-id",
        "再次调用时多传个人编号：仍是同一笔",
        "Q18",
        call(passed),
        call(again(passed), {"set": {"psn": "P000000001"}}, stage=unplugged),
        stage=LIVE,
    )
    yield case(
        "repeat-charset",
        "再次调用换成GBK：同一结果",
        "Q18",
        call(passed),
        call({**passed, "charset": "gbk"}, {"charset": "gbk"}, stage=unplugged),
        stage=LIVE,
    )
    exempt = ended(Cause.POLICY_EXEMPT)
    yield case(
        "repeat-exempt",
        "免核验的结算再次调用：同一证书号",
        "Q18",
        call(exempt),
        call(again(exempt)),
        stage=SPARED,
    )
    yield from _others()


def _others() -> Iterator[Part]:
    """A settlement number is one person's, and one institution's."""
    passed = ended(Cause.MATCHED_SELF)
    second = {"set": {"id": "{second}", "name": "李四"}}
    yield case(
        "repeat-refused",
        "未通过的结算可以重试",
        "Q18",
        call({"msg": said(Cause.OTHER_PERSON)}),
        call(ended(Cause.MATCHED_SELF, records=2), stage=LIVE),
        stage={"camera": "live-second"},
    )
    for key, stage, first, title in (
        ("passed", LIVE, Cause.MATCHED_SELF, "已通过"),
        ("refused", {"camera": "live-second"}, Cause.OTHER_PERSON, "未通过"),
    ):
        answer = {k: v for k, v in ended(first).items() if k in ("code", "type", "msg")}
        yield case(
            f"deal-taken-{key}",
            f"{title}的流水号又用于另一人：拒绝",
            "Q18",
            call(answer),
            call(ended(Cause.DEAL_TAKEN, records=2), second, stage={"camera": "live-second"}),
            stage=stage,
        )
    yield case(
        "deal-other-institution",
        "另一机构的同一流水号：各算各的",
        "Q18",
        call(passed),
        call(passed, {"set": {"fixmedins_code": "H320100"}}),
        stage=LIVE,
    )


def _parallel() -> Iterator[Part]:
    passed = ended(Cause.MATCHED_SELF)
    slow = {"camera": "slow"}
    yield case(
        "parallel-joins",
        "核验中HIS超时重发：加入同一次核验，答复和证书号相同",
        "Q18",
        call(passed),
        call(again(passed), parallel=True),
        stage=slow,
    )
    yield case(
        "parallel-busy",
        "核验中另一笔结算：告知稍候",
        "Q8",
        call(passed),
        call(ended(Cause.BUSY), {"set": {"deal_no": "{deal2}"}}, parallel=True),
        stage=slow,
    )
    yield case(
        "parallel-exempt",
        "核验中另一笔免核验结算：立即答复",
        "Q17",
        call(passed),
        call(
            ended(Cause.POLICY_EXEMPT),
            {"set": {"deal_no": "{deal2}", "medfee_sumamt": "49.90"}},
            parallel=True,
        ),
        stage={**slow, "policy": _SMALL},
    )
    yield case(
        "parallel-deal-taken",
        "核验中另一人用同一流水号：拒绝",
        "Q18",
        call({"code": 1, "type": 1, "records": 2}),
        call(
            {"msg": said(Cause.DEAL_TAKEN)},
            {"set": {"id": "{second}", "name": "李四"}},
            parallel=True,
        ),
        stage=slow,
    )
    yield case(
        "parallel-bad-input",
        "核验中来了看不懂的入参：立即答复",
        "Q8",
        call(passed),
        call(refused("JSON"), {"text": "hello"}, parallel=True),
        stage=slow,
    )


def _lockout() -> Iterator[Part]:
    spoofs = [
        call({"msg": said(Cause.SPOOF_FLAT)}, {"set": {"deal_no": f"{{deal{n}}}"}})
        for n in (1, 2, 3)
    ]
    locked = ended(Cause.LOCKED_OUT)
    yield case(
        "lockout",
        "三次疑似冒用后暂停核验，本人来也要等",
        "S0-60",
        *spoofs,
        call(locked, {"set": {"deal_no": "{deal4}"}}, stage=LIVE),
        stage={"camera": "flat-first"},
    )
    yield case(
        "lockout-not-yet",
        "两次疑似冒用后仍可核验，通过后重新计数",
        "S0-60",
        *spoofs[:2],
        call(ended(Cause.MATCHED_SELF), {"set": {"deal_no": "{deal3}"}}, stage=LIVE),
        call(
            ended(Cause.SPOOF_FLAT),
            {"set": {"deal_no": "{deal4}"}},
            stage={"camera": "flat-first"},
        ),
        call(ended(Cause.MATCHED_SELF), {"set": {"deal_no": "{deal5}"}}, stage=LIVE),
        stage={"camera": "flat-first"},
    )


def _bodies() -> Iterator[Part]:
    for key, send, says, title in (
        ("empty", {"text": ""}, "为空", "入参为空"),
        ("blank", {"text": " \r\n\t "}, "为空", "入参只有空白"),
        ("nul", {"hex": "000000"}, "为空", "入参只有NUL"),
        ("word", {"text": "hello"}, "JSON", "入参不是JSON"),
        ("list", {"text": "[1, 2]"}, "JSON", "入参为列表"),
        ("null", {"text": "null"}, "JSON", "入参为null"),
        ("number", {"text": "1"}, "JSON", "入参为数字"),
        ("deep", {"text": "", "pad": "[", "pad_to": 50_000}, "JSON", "嵌套五万层"),
        (
            "deep-extension",
            {"set": {"exp_content": _nested(9)}},
            "JSON",
            "exp_content嵌套太深",
        ),
        ("large", {"pad": " ", "pad_to": 65_537}, "过大", "入参超过64KB一个字节"),
        ("huge", {"pad": "x", "pad_to": 2_000_000}, "过大", "入参2MB"),
    ):
        yield case(f"body-{key}", f"入参：{title}", "Q8", call(refused(says), send))
    yield case(
        "body-deep-allowed",
        "入参：exp_content嵌套在限度内",
        "Q4",
        call(spared(), {"set": {"exp_content": _nested(6)}}),
        stage=SPARED,
    )


def _nested(levels: int) -> Part:
    found: Part = {}
    for _ in range(levels):
        found = {"a": found}
    return found
