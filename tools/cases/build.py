"""Parts the golden cases are made of; only what differs from a default is written."""

from __future__ import annotations

from typing import Any

from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.desk.attendance import reply_of

Part = dict[str, Any]

BASELINE: Part = {
    "auth": {
        "id": "{first}",
        "name": "张三",
        "deal_no": "{deal1}",
        "mdtrtarea_admvs": "310000",
        "insuplc_admdvs": "310000",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "00100020",
        "opter_name": "王二",
        "fixmedins_code": "{inst}",
        "fixmedins_name": "演示大药房",
        "mdtrt_cert_type": "02",
        "begntime": "20220111",
        "medfee_sumamt": "1300.56",
        "invono": "hz0010636",
        "insutype": "310",
        "dise_codg": "I10",
        "dise_name": "高血压",
        "acct_used_flag": "1",
        "med_type": "41",
        "fulamt_ownpay_amt": "0.0",
        "overlmt_selfpay": "0.0",
        "preselfpay_amt": "0.0",
        "inscp_scp_amt": "0.0",
        "exp_content": "",
    },
    "attendance": {
        "ID": "{first}",
        "name": "张三",
        "fixmedins_code": "{inst}",
        "fixmedins_name": "演示大药房",
    },
}
# The invented numbers have no right check digit, as the document's own sample has none (Q15).
CHECK_DIGIT = "id:check-digit"
SPARED: Part = {"policy": {"rules": [{"id": "conform", "check": False}]}}
LIVE: Part = {"camera": "live-first"}


def case(id_: str, title: str, clause: str, *calls: Part, **more: Any) -> Part:
    """A case of one or more calls. ``more``: ``stage``, ``interface``."""
    return {"id": id_, "title": title, "clause": clause, **more, "calls": list(calls)}


def call(expect: Part, send: Part | None = None, **more: Any) -> Part:
    """A call. ``more``: ``stage``, ``parallel``, ``interface``."""
    return {**({"send": send} if send else {}), **more, "expect": expect}


def said(cause: Cause) -> str:
    """The sentence of a cause."""
    return TABLE[cause].message


def refused(says: str, **more: Any) -> Part:
    """Code 0 with a part of the sentence."""
    return {"says": says, **more}


def ended(cause: Cause, **more: Any) -> Part:
    """An encounter that ended with ``cause``, and its one record."""
    row = TABLE[cause]
    who = {Cause.MATCHED_SELF: 1, Cause.MATCHED_AGENT: 2}.get(cause, 0)
    answer = {"code": int(row.answer), "type": who, "msg": row.message}
    found = {"cause": cause.value, **more.pop("record", {})}
    answer = {key: value for key, value in answer.items() if value != 0}
    return {**answer, "records": 1, "record": found, **more}


def spared(*findings: str, fields: Part | None = None, **more: Any) -> Part:
    """Code 2 without a camera: the call was understood, and is on record with ``findings``."""
    kept = {"kind": "settlement", "rule": "conform", "findings": [CHECK_DIGIT, *findings]}
    return ended(
        Cause.POLICY_EXEMPT, record={**kept, **({"fields": fields} if fields else {})}, **more
    )


def signed(cause: Cause, **more: Any) -> Part:
    """An attendance call that ended with ``cause``."""
    reply = reply_of(cause)
    return {"msg": reply.msg, **({"code": reply.code} if reply.code else {}), **more}


def again(answer: Part, of: int = 1) -> Part:
    """The answer of an earlier call, byte for byte."""
    return {**answer, "same_as": of}
