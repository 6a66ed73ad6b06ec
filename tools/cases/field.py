"""Cases of the 26 fields: each one missing, too long, of a wrong type, not filled in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from build import SPARED, Part, call, case, refused, spared

# As the document's table has them (S0-17..S0-41), beside what the daemon's own table says.
# Clause, code, title, most characters, required.
_IDENTITY = (
    ("S0-17", "id", "证件号码", 30),
    ("S0-18", "psn", "个人编号", 50),
    ("S0-19", "name", "姓名", 30),
    ("S0-20", "deal_no", "结算流水号", 50),
    ("S0-27", "fixmedins_code", "定点医药机构编号", 20),
)
_OTHERS = (
    ("S0-21", "mdtrtarea_admvs", "就医地医保区划", 6, True),
    ("S0-22", "insuplc_admdvs", "参保地医保区划", 6, False),
    ("S0-23", "infver", "接口版本号", 6, True),
    ("S0-24", "opter_type", "经办类型", 3, True),
    ("S0-25", "opter", "经办人", 30, True),
    ("S0-26", "opter_name", "经办人姓名", 50, True),
    ("S0-28", "fixmedins_name", "定点医药机构名称", 100, True),
    ("S0-29", "mdtrt_cert_type", "就诊凭证类型", 3, True),
    ("S0-30", "begntime", "开始时间", 30, True),
    ("S0-31", "medfee_sumamt", "医疗费总额", 20, True),
    ("S0-32", "invono", "发票号", 20, False),
    ("S0-33", "insutype", "险种类型", 6, True),
    ("S0-34", "dise_codg", "病种编码", 30, True),
    ("S0-35", "dise_name", "病种名称", 500, False),
    ("S0-36", "acct_used_flag", "个人账户使用标志", 1, True),
    ("S0-37", "med_type", "医疗类别", 6, True),
    ("S0-38", "fulamt_ownpay_amt", "全自费金额", 20, False),
    ("S0-39", "overlmt_selfpay", "超限价自费费用", 20, False),
    ("S0-40", "preselfpay_amt", "先行自付金额", 20, False),
    ("S0-40", "inscp_scp_amt", "符合政策范围金额", 20, False),
)
# Field, value, what is noted of it, title, clause.
_VALUES: tuple[tuple[str, Any, str, str, str], ...] = (
    ("opter_type", "9", "unknown-code", "经办类型不在1、2、3之内", "S0-24"),
    ("mdtrt_cert_type", "2", "unknown-code", "就诊凭证类型少了前导零", "S0-29"),
    ("acct_used_flag", "Y", "unknown-code", "个人账户使用标志不是0、1", "S0-36"),
    ("infver", "V0.9", "version-old", "接口版本早于V1.0", "Q16"),
    ("infver", "1.0", "version-form", "接口版本没有V", "Q16"),
    ("infver", "V2.0", "", "以后的接口版本", "Q16"),
    ("mdtrtarea_admvs", "3100", "region-form", "就医地区划不是6位", "S0-21"),
    ("begntime", "20220111093000", "", "时间14位", "Q5"),
    ("begntime", "2022-01-11T09:30:00", "", "时间为ISO格式", "Q5"),
    ("begntime", "2022-01-11 09:30:00", "", "时间带空格", "Q5"),
    ("begntime", "2022/01/11", "wrong-value", "时间带斜线", "Q5"),
    ("begntime", "20220231", "wrong-value", "没有这一天", "Q5"),
    ("medfee_sumamt", "1,300.56", "wrong-value", "金额带千位分隔", "Q6"),
    ("medfee_sumamt", "1300.567", "wrong-value", "金额三位小数", "Q6"),
    ("medfee_sumamt", "-1300.56", "negative", "金额为负（退费）", "Q6"),
    ("medfee_sumamt", "0.0", "", "没有费用时为0.0", "S0-15"),
    ("medfee_sumamt", "12345678901234.56", "", "金额16位、两位小数", "S0-31"),
    ("medfee_sumamt", "123456789012345.67", "wrong-value", "金额多一位", "S0-31"),
    ("invono", "无", "placeholder", "发票号填了无", "S0-32"),
    ("dise_codg", "病种编码", "placeholder", "照抄示例：病种编码", "S0-34"),
    ("insutype", "000", "placeholder", "险种类型全零", "S0-33"),
    ("deal_no", "HIS-20220111-1", "deal-form", "HIS自己的流水号", "S0-13"),
    ("exp_content", "非住院", "not-an-object", "字段扩展不是对象", "Q4"),
    ("exp_content", ["036"], "not-an-object", "字段扩展为列表", "Q4"),
)


def fields() -> Iterator[Part]:
    """Identity-critical fields refuse the call, all others are noted and the patient served."""
    for clause, code, title, most in _IDENTITY:
        yield from _identity(clause, code, title, most)
    for row in _OTHERS:
        yield from _other(row)
    yield from _values()
    yield from _numbers()


def _identity(clause: str, code: str, title: str, most: int) -> Iterator[Part]:
    named = {"psn": "P000000001"} if code == "id" else {}
    for key, value, says in (
        ("too-long", "9" * (most + 1), f"({code})超过{most}个字符"),
        ("list", ["x"], f"({code})类型不对"),
        ("true", True, f"({code})类型不对"),
        ("placeholder", "null", f"({code})不是实际内容"),
        ("control", "12\u000234", f"({code})含有非法字符"),
    ):
        what = _WRONG[key]
        sent = {"set": {**named, code: value}}
        id_ = f"field-{code}-{key}"
        yield case(id_, f"{title}({code}){what}", clause, call(refused(says), sent))
    if code in ("name", "deal_no", "fixmedins_code"):
        for key, sent in (("missing", {"drop": [code]}), ("empty", {"set": {code: "  "}})):
            says = f"{title}({code})不能为空"
            id_ = f"field-{code}-{key}"
            yield case(id_, f"{title}({code}){_WRONG[key]}", clause, call(refused(says), sent))
    if code != "name":
        wide = {"set": {**named, code: "１２３４５６"}}
        says = f"({code})含有全角字符"
        yield case(
            f"field-{code}-wide", f"{title}({code})全角数字", clause, call(refused(says), wide)
        )


_WRONG = {
    "missing": "没有传",
    "empty": "为空格",
    "too-long": "超长",
    "list": "为列表",
    "true": "为布尔值",
    "placeholder": "填了占位词",
    "control": "含控制字符",
}


def _other(row: tuple[str, str, str, int, bool]) -> Iterator[Part]:
    clause, code, title, most, required = row
    for key, sent, problem in (
        ("missing", {"drop": [code]}, "missing" if required else ""),
        ("too-long", {"set": {code: "9" * (most + 1)}}, "too-long"),
        ("list", {"set": {code: ["x"]}}, "wrong-type"),
        ("placeholder", {"set": {code: "无"}}, "placeholder"),
    ):
        found = [f"{code}:{problem}"] if problem else []
        yield case(
            f"field-{code}-{key}",
            f"{title}({code}){_WRONG[key]}，照常核验并记录",
            clause,
            call(spared(*found), sent),
            stage=SPARED,
        )


def _values() -> Iterator[Part]:
    """Values the document has a word for, right and wrong."""
    seen: Counter[str] = Counter()
    for code, value, problem, title, clause in _VALUES:
        seen[code] += 1
        found = [f"{code}:{problem}"] if problem else []
        kept = {code: value} if isinstance(value, str) else None
        wanted = spared(*found, fields=kept)
        sent = {"set": {code: value}}
        yield case(f"value-{code}-{seen[code]}", title, clause, call(wanted, sent), stage=SPARED)


def _numbers() -> Iterator[Part]:
    """Who is meant: id number, person number, or both (S0-17, S0-18)."""
    both = "证件号码(id)和个人编号(psn)不能同时为空"
    for key, sent, title in (
        ("neither", {"drop": ["id"]}, "证件号码和个人编号都没有传"),
        ("both-empty", {"set": {"id": "", "psn": ""}}, "证件号码和个人编号都为空"),
        ("both-null", {"set": {"id": None, "psn": None}}, "证件号码和个人编号都为null"),
    ):
        yield case(f"numbers-{key}", title, "S0-17", call(refused(both), sent))
    for key, text, title in (
        ("float", "3.2010119420215674E+17", "证件号码变成了浮点数"),
        ("decimal", "320101194202156744.0", "证件号码带小数点"),
    ):
        body = {"text": _with_number(text)}
        yield case(f"numbers-{key}", title, "S0-17", call(refused("证件号码(id)类型不对"), body))
    region = "insuplc_admdvs:missing"
    for key, sent, wanted, title in (
        ("integer", {"set": {"id": 320101194202156744}}, spared(), "证件号码为整数"),
        ("with-psn", {"set": {"psn": "P000000001"}}, spared(), "证件号码和个人编号都传"),
        (
            "psn-no-region",
            {"set": {"psn": "P000000001"}, "drop": ["insuplc_admdvs"]},
            spared(region),
            "有个人编号而没有参保地区划",
        ),
        (
            "other-institution",
            {"set": {"deal_no": "001000200030202201111411101234"}},
            spared("deal_no:deal-institution"),
            "流水号里的机构与机构编号不同",
        ),
    ):
        yield case(f"numbers-{key}", title, "S0-17", call(wanted, sent), stage=SPARED)


def _with_number(number: str) -> str:
    return (
        f'{{"id": {number}, "name": "张三", "deal_no": "{{deal1}}",'
        ' "fixmedins_code": "{inst}", "med_type": "41"}'
    )
