"""Calls as a HIS would write them, for tests that need no daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parent / "golden"
# The example number of GB 11643 itself: nobody's, and its check digit is right.
NUMBER = "11010519491231002X"
CALL = {
    "id": NUMBER,
    "name": "演示",
    "deal_no": "001000200030202201111411101234",
    "mdtrtarea_admvs": "310000",
    "insuplc_admdvs": "310000",
    "infver": "V1.0",
    "opter_type": "1",
    "opter": "00100020",
    "opter_name": "演示经办人",
    "fixmedins_code": "001000200030",
    "fixmedins_name": "演示大药房",
    "mdtrt_cert_type": "02",
    "begntime": "20220111",
    "medfee_sumamt": "1300.56",
    "invono": "",
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
}
ATTENDANCE = {
    "ID": NUMBER,
    "name": "演示",
    "fixmedins_code": "001000200030",
    "fixmedins_name": "演示大药房",
}


def his_call(**changed: Any) -> bytes:
    """A complete call without any finding, with some fields ``changed``."""
    return json.dumps({**CALL, **changed}, ensure_ascii=False).encode()


def attendance_call(**changed: Any) -> bytes:
    """A complete attendance call without any finding, with some fields ``changed``."""
    return json.dumps({**ATTENDANCE, **changed}, ensure_ascii=False).encode()
