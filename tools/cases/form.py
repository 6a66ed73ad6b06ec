"""Cases of bytes: character sets and the ways to write an object (Q1, Q2, Q3, Q9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from build import BASELINE, LIVE, SPARED, Part, call, case, ended, refused, spared

from yibao_face.daemon.core.encounter import Cause

_GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"
_SAMPLE_FINDINGS = [
    ":lenient-json",
    "dise_codg:placeholder",
    "id:check-digit",
    "insuplc_admdvs:placeholder",
    "insuplc_admdvs:too-long",
]
_SAMPLE_WARD = {"fixmedins_name": "杭州海量大药房", "name": "张三", "opter_name": "王二"}
NAMES = {
    "liantong": ("联通", "两字姓名，GBK字节像UTF-8"),
    "dot": ("阿依古丽·买买提", "带间隔号的姓名"),
    "road": ("路路", "GBK字节像间隔号的姓名"),
    "short-dot": ("王·明", "两字夹间隔号"),
    "single": ("闫", "单字姓名"),
    "long": ("买" * 14 + "·" + "提" * 15, "30个字符的姓名"),
}
# Beyond GBK: GB 18030 has them in four bytes, a GBK reply cannot carry them.
RARE = {"rare": ("王䶮", "生僻字姓名"), "plane2": ("𠮷田", "扩展B区姓名")}
_QUOTINGS = {
    "strict": "标准JSON",
    "lines": "制表符缩进、回车换行",
    "single": "单引号（文档示例写法）",
    "full-width": "全角引号、全角冒号和逗号",
    "full-width-marks": "全角花括号",
    "mixed": "键用单引号、值用双引号",
    "bare-keys": "键不带引号",
    "upper-keys": "键全部大写",
    "declaration": "带C语言声明 char * input =",
    "array-declaration": "带C语言数组声明",
    "trailing-comma": "结尾多一个逗号",
    "line-remark": "带//备注",
    "block-remark": "带/* */备注",
    "round-remark": "带中文括号备注",
    "fence": "带```json标记",
    "double-encoded": "整个入参被编码成字符串",
    "form": "表单编码 inputJson=",
    "raw-form": "inputJson= 后直接是JSON",
}
_NOTED: dict[str, list[str]] = {
    "double-encoded": ["double-encoded"],
    "form": ["lenient-form"],
    "raw-form": ["lenient-form"],
    "strict": [],
    "lines": [],
    "upper-keys": [],
}
# Key, what is sent, what is kept, title, clause.
_SPELLINGS: tuple[tuple[str, Part, Part, str, str], ...] = (
    (
        "alias",
        {"set": {"inscp_sep_amt": "450.23"}, "drop": ["inscp_scp_amt"]},
        {"inscp_scp_amt": "450.23"},
        "示例A的拼写inscp_sep_amt",
        "Q2",
    ),
    (
        "mixed-case",
        {"set": {"ID": "{first}", "Name": "联通"}, "drop": ["id", "name"]},
        {"id": "320101194202156744", "name": "联通"},
        "键大小写混用：ID、Name",
        "Q3",
    ),
    (
        "spaced",
        {"set": {" name ": " 联通 "}, "drop": ["name"]},
        {"name": "联通"},
        "键和值带空格",
        "Q3",
    ),
    (
        "number-amount",
        {"set": {"medfee_sumamt": 1300.56}},
        {"medfee_sumamt": "1300.56"},
        "金额为数字",
        "Q6",
    ),
    (
        "integer-amount",
        {"set": {"medfee_sumamt": 1300}},
        {"medfee_sumamt": "1300"},
        "金额为整数",
        "Q6",
    ),
    (
        "integer-codes",
        {"set": {"opter_type": 1, "med_type": 41, "insutype": 310}},
        {"opter_type": "1", "med_type": "41"},
        "代码为数字",
        "Q6",
    ),
    (
        "null",
        {"set": {"invono": None, "dise_name": None}},
        {"invono": "", "dise_name": ""},
        "选填字段为null",
        "S0-32",
    ),
    (
        "extra",
        {"set": {"patno": "7", "charsetName": "GB18030"}},
        {"extra": {"patno": "7", "charsetname": "GB18030"}},
        "文档没有的字段照收并保留",
        "S0-17",
    ),
    (
        "nul-end",
        {"pad": "\u0000", "pad_to": 1200},
        {"name": "张三"},
        "入参后面跟着NUL",
        "Q9",
    ),
    (
        "space-end",
        {"pad": " ", "pad_to": 65536},
        {"name": "张三"},
        "空格补到64KB整",
        "S0-06",
    ),
)


def charset() -> Iterator[Part]:
    """Which bytes are read as which characters, and what the answer is written in."""
    yield from _samples()
    yield from _names()
    yield from _declared()
    yield from _unreadable()


def quoting() -> Iterator[Part]:
    """Every style in both charsets, with a name and a nested object that must survive."""
    for style, title in _QUOTINGS.items():
        findings = [f":{word}" for word in _NOTED.get(style, ["lenient-json"])]
        for codec in ("utf-8", "gbk"):
            sent = {"set": {"name": "联通·张"}, "quoting": style, "charset": codec}
            wanted = spared(*findings, fields={"name": "联通·张"}, charset=codec)
            yield case(
                f"quoting-{style}-{codec}",
                f"{title}，{codec.upper()}",
                "Q1",
                call(wanted, sent),
                stage=SPARED,
            )
    yield from _spellings()
    yield from _ambiguous()


def _samples() -> Iterator[Part]:
    for letter, title in (("a", "门诊购药示例A"), ("b", "住院示例B")):
        text = (_GOLDEN / f"sample_{letter}.txt").read_bytes().decode()
        for codec in ("utf-8", "gbk", "utf-8-sig", "gb18030"):
            answered = "gbk" if codec.startswith("gb") else "utf-8"
            record = {"findings": _SAMPLE_FINDINGS, "fields": _SAMPLE_WARD, "kind": "settlement"}
            yield case(
                f"sample-{letter}-{codec}",
                f"文档{title}逐字节原样，{codec.upper()}",
                "Q1",
                call(
                    ended(Cause.MATCHED_SELF, charset=answered, record=record),
                    {"text": text, "charset": codec},
                ),
                stage=LIVE,
            )


def _names() -> Iterator[Part]:
    for key, (name, title) in {**NAMES, **RARE}.items():
        codecs = ("utf-8", "gb18030") if key in RARE else ("utf-8", "utf-8-sig", "gbk")
        for codec in codecs:
            answered = "gbk" if codec.startswith("gb") else "utf-8"
            yield case(
                f"name-{key}-{codec}",
                f"{title}{name if len(name) < 10 else ''}，{codec.upper()}",
                "Q9",
                call(
                    spared(fields={"name": name}, charset=answered),
                    {"set": {"name": name}, "charset": codec},
                ),
                stage=SPARED,
            )
    yield case(
        "name-escaped",
        "姓名用\\u转义，纯ASCII",
        "Q9",
        call(spared(fields={"name": "张三"}), {"quoting": "escaped"}),
        stage=SPARED,
    )


def _declared() -> Iterator[Part]:
    """What a header says, the bytes' own say, and who wins."""
    for key, codec, header, title in (
        ("utf8", "utf-8", "application/json; charset=utf-8", "声明UTF-8，内容UTF-8"),
        ("gbk", "gbk", "application/json; charset=GBK", "声明GBK，内容GBK"),
        ("gb2312", "gbk", "application/json;charset=gb2312", "声明GB2312，内容GBK"),
        ("gb18030", "gbk", "application/json; charset=GB18030", "声明GB18030，内容GBK"),
        ("not-gbk", "utf-8", "application/json; charset=gbk", "声明GBK，内容却是UTF-8"),
        ("not-utf8", "gbk", "application/json; charset=utf-8", "声明UTF-8，内容却是GBK"),
        ("unknown", "gbk", "application/json; charset=iso-8859-1", "声明不认识的字符集，内容GBK"),
        ("nothing", "utf-8", "text/html", "没有声明字符集，类型是text/html"),
    ):
        findings = [":charset-mismatch"] if key.startswith("not-") else []
        send = {"set": {"name": "联通"}, "charset": codec}
        posted = {**send, "http": {"headers": {"Content-Type": header}}}
        wanted = spared(*findings, fields={"name": "联通"}, charset=codec)
        yield case(f"declared-{key}", title, "Q9", call(wanted, posted), stage=SPARED)
    yield from _code_pages()


def _code_pages() -> Iterator[Part]:
    for page, codec, quote, answered, title in (
        ("936", "utf-8", "escaped", "gbk", "纯ASCII入参，代码页936，用GBK答复"),
        ("65001", "utf-8", "escaped", "utf-8", "纯ASCII入参，代码页65001，用UTF-8答复"),
        ("54936", "utf-8", "escaped", "gbk", "纯ASCII入参，代码页54936，用GBK答复"),
        ("1252", "utf-8", "escaped", "utf-8", "纯ASCII入参，西文代码页，用UTF-8答复"),
        ("936", "gbk", "strict", "gbk", "GBK入参，代码页936"),
        ("936", "utf-8", "strict", "utf-8", "代码页936，内容却是UTF-8"),
        ("65001", "gbk", "strict", "gbk", "代码页65001，内容却是GBK"),
    ):
        findings = [":charset-mismatch"] if "却是" in title else []
        send = {"charset": codec, "quoting": quote, "http": {"headers": {"X-HCF-ACP": page}}}
        yield case(
            f"acp-{page}-{codec}-{quote}",
            title,
            "Q9",
            call(spared(*findings, charset=answered), send),
            stage=SPARED,
        )


def _unreadable() -> Iterator[Part]:
    for key, send, says, title in (
        ("broken", {"hex": "7b226e616d65223a22fffefd80227d"}, "字符集", "不是任何字符集的字节"),
        ("utf16", {"charset": "utf-16"}, "字符集", "UTF-16入参"),
        ("bom-only", {"hex": "efbbbf"}, "为空", "只有字节顺序标记"),
        ("bom-twice", {"hex": "efbbbfefbbbf5b5d"}, "JSON", "两个字节顺序标记，内容不是对象"),
    ):
        yield case(f"unreadable-{key}", title, "Q9", call(refused(says), send))
    text = json.dumps({**BASELINE["auth"], "deal_no": ""}, ensure_ascii=False)
    yield case(
        "refusal-gbk",
        "GBK入参被拒，用GBK答复",
        "Q9",
        call(refused("结算流水号(deal_no)", charset="gbk"), {"text": text, "charset": "gbk"}),
    )


def _spellings() -> Iterator[Part]:
    """Keys and values in other shapes than the table of the document gives them."""
    for key, send, fields, title, clause in _SPELLINGS:
        wanted = spared(fields=fields)
        yield case(f"spelling-{key}", title, clause, call(wanted, send), stage=SPARED)


def _ambiguous() -> Iterator[Part]:
    """What could be meant in two ways is refused, never guessed."""
    base = json.dumps(BASELINE["auth"], ensure_ascii=False)
    twice = base[:-1] + ', "id": "{second}"}'
    other_case = base[:-1] + ', "ID": "{second}"}'
    nested = base.replace('"exp_content": ""', '"exp_content": "{"BedID": "036"}"')
    for key, text, says, title in (
        ("id-twice", twice, "JSON", "证件号码给了两次"),
        ("id-two-cases", other_case, "重复", "id和ID各给一次"),
        ("inner-quotes", nested, "JSON", "字符串内的引号没有转义"),
        ("cut", base[:200], "JSON", "入参被截断"),
        ("two-objects", base + base, "JSON", "两个对象连在一起"),
        ("nan", base.replace('"1300.56"', "NaN"), "JSON", "金额为NaN"),
        ("raw-newline", base.replace("高血压", "高\n血压"), "JSON", "字符串内有换行"),
        ("xml", "<input><id>{first}</id></input>", "JSON", "XML"),
        ("query", "id={first}&name=张三", "JSON", "普通表单参数"),
    ):
        yield case(f"ambiguous-{key}", title, "Q1", call(refused(says), {"text": text}))
