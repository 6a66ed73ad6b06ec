"""What records are folded into: each row is a fact that does not depend on their arrival."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from yibao_face.sync.center.store.tables import METADATA


def _text(name: str, width: int, *, key: bool = False) -> Column[str]:
    return Column(name, String(width), primary_key=key, nullable=False)


def _whole(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger(), nullable=null)


# The first pass and the first exemption of a settlement, by device time and id; "" for none.
DEAL = Table(
    "office_deal",
    METADATA,
    _text("institution", 32, key=True),
    _text("deal_no", 256, key=True),
    _whole("pass_ms"),
    _text("pass_id", 64),
    _text("pass_day", 10),
    _whole("exempt_ms"),
    _text("exempt_id", 64),
    _text("exempt_day", 10),
)

# How many settlements or treatments a counter said a day had: the last word by device time.
COUNT = Table(
    "office_count",
    METADATA,
    _text("institution", 32, key=True),
    _text("day", 10, key=True),
    _text("category", 16, key=True),
    _whole("at_ms"),
    _text("id", 64),
    _whole("n"),
)

# What the desk said of a registration, which may not be here yet: the last word by device time.
DESK_REVIEW = Table(
    "office_desk_review",
    METADATA,
    _text("of", 64, key=True),
    _text("institution", 32),
    _whole("at_ms"),
    _text("id", 64),
    Column("approved", BigInteger(), nullable=False),
)

CERTIFIED = Table(
    "office_certified",
    METADATA,
    _text("cp_no", 256, key=True),
    _text("record", 64, key=True),
    _text("institution", 32),
    _text("deal_no", 256),
    _whole("at_ms"),
)

SETTLEMENT = Table(
    "office_settlement",
    METADATA,
    _text("institution", 32, key=True),
    _text("deal_no", 50, key=True),
    _text("cp_no", 64),
    _whole("amount_fen"),
    _whole("at_ms"),
    _text("day", 10),
    _text("verdict", 24),
    _text("record", 64),
    Index("office_settlement_cp_no", "cp_no"),
    Index("office_settlement_day", "day", "institution", "deal_no"),
)

RATE = Table(
    "office_rate",
    METADATA,
    _text("day", 10, key=True),
    _text("institution", 32, key=True),
    _whole("authenticated"),
    _whole("specials"),
    _whole("treatments"),
    _whole("exempt"),
    _whole("settled", null=True),
    _whole("treated", null=True),
    Column("warnings", Text(), nullable=False),
    _whole("computed_ms"),
    Index("office_rate_institution", "institution", "day"),
)
