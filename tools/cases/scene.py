"""Cases of the counter: who stands there, what the centre and the ward say of him."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from build import CHECK_DIGIT, LIVE, SPARED, Part, call, case, ended

from yibao_face.daemon.core.encounter import Cause

_LEAVE_SPARED: Part = {"rules": [], "specials": {"on-leave": False}}
_BED: Part = {
    "PatWard": "非传染区",
    "Dep": "胸外科",
    "DepNo": "",
    "BedID": "036",
    "DiagnosisText": "肋骨骨折",
    "insho_stas": "1",
}
_DETAIL = {"ward": "非传染区", "department": "胸外科", "bed": "036", "in_hospital": True}
_SMALL: Part = {"rules": [{"id": "small", "check": False, "when": {"medfee_below": "100.00"}}]}
_GROUPS: Part = {
    "groups": {"chronic": {"disease": ["I10", "E11"]}},
    "rules": [
        {"id": "chronic", "check": True, "when": {"group_any": ["chronic"]}},
        {"id": "small", "check": False, "when": {"medfee_below": "2000.00"}},
    ],
}


def scenes() -> Iterator[Part]:
    """Every scene the documents name, by its answer and its record."""
    yield from _standing()
    yield from _agents()
    yield from _ward()
    yield from _policies()
    yield from _specials()
    yield from _enrolment()


def _standing() -> Iterator[Part]:
    for camera, cause, title, clause in (
        ("live-first", Cause.MATCHED_SELF, "本人", "S0-10"),
        ("live-second", Cause.OTHER_PERSON, "他人", "S0-60"),
        ("live-third", Cause.OTHER_PERSON, "未登记的他人", "S0-60"),
        ("flat-first", Cause.SPOOF_FLAT, "平面照片", "S0-81"),
        ("bent-first", Cause.SPOOF_FLAT, "弯曲照片", "S0-81"),
        ("tablet-first", Cause.SPOOF_FLAT, "平板屏幕", "S0-81"),
        ("photo-among-living", Cause.SPOOF_FLAT, "本人在场时举起照片", "S0-81"),
        ("two-faces", Cause.MANY_FACES, "两张人脸", "S0-82"),
        ("nobody", Cause.NO_FACE, "无人", "S0-46"),
        ("colour", Cause.NO_DEPTH_CAMERA, "没有深度的摄像头", "S0-73"),
    ):
        stage = {"camera": camera}
        wanted = ended(cause, record={"kind": "settlement"})
        yield case(f"scene-{camera}", f"摄像头前：{title}", clause, call(wanted), stage=stage)
    second = {"set": {"id": "{second}", "name": "李四"}}
    yield case(
        "scene-second",
        "第二位参保人本人",
        "S0-10",
        call(ended(Cause.MATCHED_SELF), second),
        stage={"camera": "live-second"},
    )
    yield case(
        "scene-gbk",
        "本人，GBK入参与答复",
        "S0-10",
        call(
            ended(Cause.MATCHED_SELF, charset="gbk", record={"fields": {"name": "联通"}}),
            {"set": {"name": "联通"}, "charset": "gbk", "quoting": "single"},
        ),
        stage=LIVE,
    )
    yield case(
        "scene-two-settlements",
        "同一人两笔结算各有证书号",
        "S0-09",
        call(ended(Cause.MATCHED_SELF)),
        call(ended(Cause.MATCHED_SELF), {"set": {"deal_no": "{deal2}"}}),
        stage=LIVE,
    )


def _agents() -> Iterator[Part]:
    there = {"camera": "live-second"}
    for key, agent, cause, title in (
        ("valid", "valid", Cause.MATCHED_AGENT, "代购人，登记有效"),
        ("expired", "expired", Cause.AGENT_EXPIRED, "代购人，登记过期"),
        ("none", "", Cause.OTHER_PERSON, "代购人，没有登记"),
    ):
        stage = {**there, "agent": agent} if agent else there
        yield case(f"agent-{key}", title, "S0-58", call(ended(cause)), stage=stage)
    yield case(
        "agent-self-preferred",
        "有代购登记，本人来时仍为本人",
        "S0-10",
        call(ended(Cause.MATCHED_SELF)),
        stage={**LIVE, "agent": "valid"},
    )
    yield case(
        "agent-photo",
        "有代购登记，出示本人照片",
        "S0-81",
        call(ended(Cause.SPOOF_FLAT)),
        stage={"camera": "flat-first", "agent": "valid"},
    )
    yield case(
        "agent-inpatient",
        "住院业务不能代办",
        "S0-48",
        call(ended(Cause.OTHER_PERSON, record={"kind": "admission"}), _inpatient(_BED)),
        stage={**there, "agent": "valid"},
    )
    yield case(
        "agent-other-way",
        "代购关系只有一个方向",
        "S0-58",
        call(ended(Cause.OTHER_PERSON), {"set": {"id": "{second}", "name": "李四"}}),
        stage={**LIVE, "agent": "valid"},
    )


def _inpatient(stay: Any, **more: Any) -> Part:
    return {"set": {"med_type": "21", "exp_content": stay, **more}}


def _stayed(kind: str, **detail: Any) -> Part:
    return ended(Cause.MATCHED_SELF, record={"kind": kind, "detail": {**_DETAIL, **detail}})


def _unseen(kind: str, **more: Any) -> Part:
    """The record of a ward call without a camera: its kind does not hang on the face."""
    return ended(Cause.CAMERA_MISSING, record={"kind": kind, **more})


def _ward() -> Iterator[Part]:
    text = '{"PatWard": "非传染区", "Dep": "胸外科", "BedID": "036", "insho_stas": "1"}'
    for key, stay, title in (
        ("object", _BED, "入院，exp_content为对象"),
        ("string", text, "入院，exp_content为字符串"),
        ("single", text.replace('"', "'"), "入院，exp_content为单引号字符串"),
        ("number", {**_BED, "insho_stas": 1}, "入院，insho_stas为数字"),
        ("lower", {k.lower(): v for k, v in _BED.items()}, "入院，exp_content键为小写"),
    ):
        yield case(
            f"ward-{key}", title, "S0-16", call(_stayed("admission"), _inpatient(stay)), stage=LIVE
        )
    for med_type in ("22", "23", "24", "52"):
        yield case(
            f"ward-med-type-{med_type}",
            f"入院，医疗类别{med_type}",
            "S0-14",
            call(_unseen("admission"), _inpatient(_BED, med_type=med_type)),
            stage={},
        )
    yield from _moves()
    yield from _odd_stays()


def _moves() -> Iterator[Part]:
    moved = {**_BED, "BedID": "041"}
    gone = {**_BED, "insho_stas": "0"}
    first = call(_stayed("admission"), _inpatient(_BED))
    for key, stay, wanted, title in (
        ("bed", moved, _stayed("bed-change", bed="041"), "入院后换床"),
        ("stay", _BED, _stayed("stay"), "入院后同床再次核验"),
        ("out", gone, _stayed("discharge", in_hospital=False), "入院后出院"),
    ):
        second = call(wanted, _inpatient(stay, deal_no="{deal2}"))
        yield case(f"ward-then-{key}", title, "S0-14", first, second, stage=LIVE)


def _odd_stays() -> Iterator[Part]:
    for key, stay, kind, finding, title in (
        ("no-bed", {**_BED, "BedID": ""}, "admission", "bed-missing", "床位为空"),
        (
            "no-state",
            {**_BED, "insho_stas": "0 或者 1"},
            "stay",
            "insho-stas",
            "insho_stas照抄文档",
        ),
        ("nothing", "", "settlement", "stay-missing", "没有exp_content"),
        (
            "department-list",
            {**_BED, "Dep": ["胸外科"]},
            "admission",
            "department-wrong-type",
            "科室为列表",
        ),
    ):
        findings = [CHECK_DIGIT, f"exp_content:{finding}"]
        yield case(
            f"ward-{key}",
            f"住院，{title}，照常受理并记录",
            "S0-16",
            call(_unseen(kind, findings=findings), _inpatient(stay)),
            stage={},
        )


def _policies() -> Iterator[Part]:
    small, big = {"set": {"medfee_sumamt": "49.90"}}, {"set": {"medfee_sumamt": "100.00"}}
    other = {"set": {"dise_codg": "J00"}}
    exempt = ended(Cause.POLICY_EXEMPT, record={"rule": "small", "kind": "settlement"})
    looked = ended(Cause.CAMERA_MISSING)
    for key, policy, send, wanted, title in (
        ("small", _SMALL, small, exempt, "小额免核验"),
        ("limit", _SMALL, big, looked, "刚到限额，要核验"),
        ("zero", _SMALL, {"set": {"medfee_sumamt": "0.0"}}, looked, "金额0.0不算小额，要核验"),
        ("no-amount", _SMALL, {"drop": ["medfee_sumamt"]}, looked, "没有金额，要核验"),
        ("odd-amount", _SMALL, {"set": {"medfee_sumamt": "4９.90"}}, looked, "金额看不懂，要核验"),
        ("chronic", _GROUPS, {}, looked, "重点人群要核验"),
        ("not-chronic", _GROUPS, other, exempt, "非重点人群免核验"),
        (
            "unclear-disease",
            _GROUPS,
            {"set": {"dise_codg": "病种编码"}},
            looked,
            "病种看不懂，要核验",
        ),
    ):
        call_ = call(wanted, send)
        yield case(f"policy-{key}", f"策略：{title}", "S1-13", call_, stage={"policy": policy})
    for fault, title in (
        ("tampered", "策略被改动"),
        ("unsigned", "策略没有签名"),
        ("older", "策略版本更旧"),
        ("foreign-key", "策略不是中心签的"),
        ("not-json", "策略不是JSON"),
    ):
        stage = {**SPARED, "policy_fault": fault}
        wanted = {**looked, "alarms": 1}
        yield case(
            f"policy-{fault}", f"{title}：不用它，照常核验并报警", "Q17", call(wanted), stage=stage
        )
    yield case(
        "policy-over",
        "策略不在有效期，照常核验",
        "Q17",
        call(looked),
        stage={"policy": {**SPARED["policy"], "valid_until": "2020-12-31"}},
    )


def _specials() -> Iterator[Part]:
    titles = {
        "transferred": "已转科/转院",
        "in-treatment": "治疗中",
        "face-unrecognised": "人脸无法识别",
        "on-leave": "请假",
    }
    for special, title in titles.items():
        policy: Part = {"rules": [], "specials": {special: False}}
        stage: Part = {"special": special, "policy": policy}
        record = {"rule": f"special:{special}"}
        wanted = ended(Cause.SPECIAL_EXEMPT, record=record)
        yield case(f"special-{special}", f"特殊登记：{title}", "S0-52", call(wanted), stage=stage)
    looked = ended(Cause.CAMERA_MISSING)
    must_look: Part = {"rules": [], "specials": {"on-leave": True}}
    for key, stage, wanted, title in (
        (
            "approved",
            {"special": "on-leave", "review": "approved", "policy": _LEAVE_SPARED},
            ended(Cause.SPECIAL_EXEMPT),
            "审核通过",
        ),
        (
            "rejected",
            {"special": "on-leave", "review": "rejected", "policy": _LEAVE_SPARED},
            looked,
            "审核不通过，要核验",
        ),
        ("no-policy", {"special": "on-leave"}, looked, "策略没有规定，要核验"),
        (
            "must-look",
            {"special": "on-leave", "policy": must_look},
            looked,
            "策略规定仍要核验",
        ),
        ("nobody", {"policy": _LEAVE_SPARED}, looked, "没有登记，要核验"),
    ):
        yield case(f"special-{key}", f"特殊登记：{title}", "S0-52", call(wanted), stage=stage)


def _enrolment() -> Iterator[Part]:
    third = {"set": {"id": "{third}", "name": "王五"}}
    stage = {"camera": "live-third"}
    for clerk, cause, title in (
        ("", Cause.COUNTER_SILENT, "柜台没有打开"),
        ("no-consent", Cause.CONSENT_REFUSED, "本人不同意"),
        ("not-confirmed", Cause.STAFF_REFUSED, "工作人员不确认"),
        ("agrees", Cause.MATCHED_SELF, "当场建模并通过"),
    ):
        shown = {**stage, "clerk": clerk} if clerk else stage
        name = clerk or "no-counter"
        yield case(
            f"enrol-{name}",
            f"未登记的人：{title}",
            "S0-05",
            call(ended(cause), third),
            stage=shown,
        )
    yield case(
        "enrol-then-known",
        "当场建模后，下次不再询问",
        "S0-05",
        call(ended(Cause.MATCHED_SELF), third),
        call(
            ended(Cause.MATCHED_SELF),
            {"set": {**third["set"], "deal_no": "{deal2}"}},
            stage=stage,
        ),
        stage={**stage, "clerk": "agrees"},
    )
    yield case(
        "enrol-photo",
        "用照片不能建模",
        "S0-81",
        call(ended(Cause.SPOOF_FLAT), third),
        stage={"camera": "flat-first", "clerk": "agrees"},
    )
