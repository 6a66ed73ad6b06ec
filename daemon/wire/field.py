"""The fields a HIS fills: 26 of a face check (S0-17…S0-41), 4 of an attendance (S0-43)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """What a value must look like."""

    TEXT = auto()
    MOMENT = auto()
    AMOUNT = auto()
    NESTED = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """``code`` as the document writes it, its Chinese ``title``, the most characters it may have.

    ``number``: every digit counts, so neither a float nor a full-width digit is one of it.
    ``codes``: the only values the document knows, where it names them.
    """

    code: str
    title: str
    max_chars: int
    required: bool = False
    kind: Kind = Kind.TEXT
    number: bool = False
    codes: tuple[str, ...] = ()


FIELDS = (
    Field("id", "证件号码", 30, number=True),
    Field("psn", "个人编号", 50, number=True),
    Field("name", "姓名", 30, required=True),
    Field("deal_no", "结算流水号", 50, required=True, number=True),
    Field("mdtrtarea_admvs", "就医地医保区划", 6, required=True),
    Field("insuplc_admdvs", "参保地医保区划", 6),
    Field("infver", "接口版本号", 6, required=True),
    Field("opter_type", "经办类型", 3, required=True, codes=("1", "2", "3")),
    Field("opter", "经办人", 30, required=True),
    Field("opter_name", "经办人姓名", 50, required=True),
    Field("fixmedins_code", "定点医药机构编号", 20, required=True, number=True),
    Field("fixmedins_name", "定点医药机构名称", 100, required=True),
    Field("mdtrt_cert_type", "就诊凭证类型", 3, required=True, codes=("01", "02", "03", "04")),
    Field("begntime", "开始时间", 30, required=True, kind=Kind.MOMENT),
    Field("medfee_sumamt", "医疗费总额", 20, required=True, kind=Kind.AMOUNT),
    Field("invono", "发票号", 20),
    Field("insutype", "险种类型", 6, required=True),
    Field("dise_codg", "病种编码", 30, required=True),
    Field("dise_name", "病种名称", 500),
    Field("acct_used_flag", "个人账户使用标志", 1, required=True, codes=("0", "1")),
    Field("med_type", "医疗类别", 6, required=True),
    Field("fulamt_ownpay_amt", "全自费金额", 20, kind=Kind.AMOUNT),
    Field("overlmt_selfpay", "超限价自费费用", 20, kind=Kind.AMOUNT),
    Field("preselfpay_amt", "先行自付金额", 20, kind=Kind.AMOUNT),
    Field("inscp_scp_amt", "符合政策范围金额", 20, kind=Kind.AMOUNT),
    Field("exp_content", "字段扩展", 4000, kind=Kind.NESTED),
)

# The document's table and its sample A spell one field in two ways (Q2).
ALIASES = {"inscp_sep_amt": "inscp_scp_amt"}

# Without these nobody can say who is meant and which settlement: a fault in them refuses the call.
# A fault in any other field is noted and the patient served.
IDENTITY = ("id", "psn", "name", "deal_no", "fixmedins_code")

# ``action`` is an extension of ours: the document cannot tell sign-in from sign-out (Q14).
ATTENDANCE_FIELDS = (
    Field("ID", "证件号码", 30, required=True, number=True),
    Field("name", "姓名", 30, required=True),
    Field("fixmedins_code", "定点医药机构编号", 20, required=True, number=True),
    Field("fixmedins_name", "定点医药机构名称", 100),
    Field("action", "考勤动作", 10, codes=("in", "out")),
)
ATTENDANCE_IDENTITY = ("ID", "name", "fixmedins_code")
