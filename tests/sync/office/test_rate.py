"""认证率 at the centre is the counter's own, whatever arrives when, in which order, how often."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from center_bed import INSTITUTION, record
from hypothesis import given, settings
from hypothesis import strategies as st
from office_bed import Bureau
from scene_events import ms
from sqlalchemy import delete, insert, select

from yibao_face.daemon.core.identity import uuid7
from yibao_face.daemon.core.scene.rate import Rate, rate
from yibao_face.daemon.ledger import event_of
from yibao_face.sync.api import FIELDS, Record, values_of
from yibao_face.sync.center.ingest.record import day_part
from yibao_face.sync.center.office.figure.fold import fold
from yibao_face.sync.center.office.office import Office
from yibao_face.sync.center.office.people.secret import Secrets
from yibao_face.sync.center.office.store.figure_tables import RATE
from yibao_face.sync.center.store.database import Database, rows
from yibao_face.sync.center.store.marks import day_text, mark
from yibao_face.sync.center.store.tables import METADATA, RECORD

DAYS = tuple(date(2026, 11, n) for n in (20, 21, 22))
FIRST, LAST = DAYS[0], DAYS[-1]
PHOTO = "ab" * 32
CASES = ("transferred", "in-treatment", "face-unrecognised", "on-leave", "unknown")


def made(n: int, kind: str, day: date, **changed: Any) -> Record:
    at_ms = ms(day, "09:00") + changed.pop("second", n) * 1000
    detail = json.dumps(changed.pop("detail", {}))
    values = {"id": uuid7(at_ms, n.to_bytes(10, "big")), "kind": kind, "at_unix_ms": at_ms}
    return record(n, **{**values, "day": day.isoformat(), "detail": detail, **changed})


@st.composite
def _one(draw: st.DrawFn, n: int) -> Record:
    kind = draw(st.sampled_from((*("settlement",) * 4, "stay", *MORE)))
    day = draw(st.sampled_from(DAYS))
    person = draw(st.sampled_from(("p1", "p2")))
    deal_no = draw(st.sampled_from(("", "D1", "D2", "D3")))
    code, cause = draw(st.sampled_from(OUTCOMES))
    second = draw(st.integers(0, 40))
    plain = {"code": 0, "cause": draw(st.sampled_from(("recorded", "recorded", "bad-request")))}
    if kind == "settled":
        told = {"day": draw(st.sampled_from(DAYS)).isoformat(), "count": draw(st.integers(0, 4))}
        told["category"] = draw(st.sampled_from(("settlement", "treatment", "other")))
        return made(n, kind, day, second=second, detail=told, **plain)
    if kind == "special":
        detail = {"case": draw(st.sampled_from(CASES)), "from": day.isoformat()}
        detail |= {"until": day.isoformat(), "photos": draw(st.sampled_from(([PHOTO], [])))}
        return made(n, kind, day, second=second, person=person, detail=detail, **plain)
    if kind == "treatment-makeup":
        return made(n, kind, day, second=second, person=person, detail={"sign": "in"}, **plain)
    own = {"person": person, "deal_no": deal_no, "code": code, "cause": cause}
    return made(n, kind, day, second=second, **own)


MORE = ("settled", "settled", "special", "special", "treatment-in", "treatment-makeup")
OUTCOMES = (
    (1, "matched-self"),
    (1, "matched-agent"),
    (2, "policy-exempt"),
    (0, "other-person"),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Records of a few days, reviews of some of the registrations among them."""
    found = [draw(_one(n)) for n in range(1, draw(st.integers(1, 25)) + 1)]
    specials = [one for one in found if one.kind == "special"]
    for n in range(draw(st.integers(0, 3)) if specials else 0):
        detail = {"of": draw(st.sampled_from(specials)).id, "approved": draw(st.booleans())}
        day, plain = draw(st.sampled_from(DAYS)), {"code": 0, "cause": "recorded"}
        found.append(made(900 + n, "review", day, detail=detail, **plain))
    return found


class Books:
    """The figures alone, over one database."""

    def __init__(self, folder: Path) -> None:
        database = Database(f"sqlite:///{folder / 'center.db'}")
        self.database = database
        centre: Any = type("Centre", (), {"database": database})
        self.office = Office(centre, Secrets(folder))

    def clear(self) -> None:
        with self.database.writing() as db:
            for table in METADATA.sorted_tables:
                if table.name != "center_meta":
                    db.execute(delete(table))

    def arrive(self, records: Sequence[Record]) -> None:
        """As ``Records.take`` stores them, marks in the same transaction."""
        blank = {"device": "d", "seq": 1, "prev": b"", "hash": b"", "schema_no": 3, "ext": "{}"}
        blank |= {"chain": "whole", "boot_id": "b", "received_ms": 1, "offset_ms": 0}
        with self.database.writing() as db:
            for one in records:
                row = dict(zip(FIELDS, values_of(one), strict=True))
                db.execute(insert(RECORD).values(**row, **blank, part=day_part(one.id)))
            mark(db, ((one.institution, day_text(one.at_unix_ms)) for one in records), 1)

    def fold_all(self) -> None:
        """A day marks another one only for what is new to it: so it comes to an end."""
        for _ in range(100):
            if not fold(self.office, 2):
                return
        raise AssertionError("days mark each other without end")

    def figures(self) -> dict[str, tuple[Any, ...]]:
        names = ("authenticated", "specials", "treatments", "exempt", "settled", "treated")
        with self.database.reading() as db:
            found = rows(db, select(RATE).order_by(RATE.c.day))
        return {r["day"]: (*(r[n] for n in names), json.loads(r["warnings"])) for r in found}


def at_the_counter(records: Sequence[Record]) -> dict[str, tuple[Any, ...]]:
    ordered = sorted(records, key=lambda one: (one.at_unix_ms, one.id))
    found: Rate = rate([event_of(one) for one in ordered], INSTITUTION, FIRST, LAST)
    return {
        row.day.isoformat(): (
            *(row.authenticated, row.specials, row.treatments, row.exempt),
            *(row.settled, row.treated),
            [w.split()[0] for w in found.warnings if w.endswith(row.day.isoformat())],
        )
        for row in found.rows
    }


def nothing(figures: tuple[Any, ...]) -> bool:
    return not any(figures[:4]) and figures[4] is None and figures[5] is None and not figures[6]


def test_any_order_of_arrival_gives_the_figures_of_the_counter(tmp_path: Path) -> None:
    books = Books(tmp_path)

    @settings(max_examples=150, deadline=None)
    @given(histories(), st.randoms(use_true_random=False))
    def check(history: list[Record], chance: random.Random) -> None:
        books.clear()
        arriving = [*history]
        chance.shuffle(arriving)
        while arriving:
            some = chance.randint(1, len(arriving))
            books.arrive(arriving[:some])
            del arriving[:some]
            if chance.random() < 0.7:
                fold(books.office, 2)
        books.fold_all()
        wanted = at_the_counter(history)
        found = books.figures()
        assert {d: f for d, f in wanted.items() if not nothing(f)} == {
            d: f for d, f in found.items() if not nothing(f)
        }

    check()
    books.database.close()


def test_days_that_hold_reviews_of_each_other_are_folded_to_an_end(tmp_path: Path) -> None:
    books = Books(tmp_path)
    detail = {"case": "on-leave", "from": FIRST.isoformat(), "until": LAST.isoformat()}
    plain = {"code": 0, "cause": "recorded"}
    specials = [
        made(n, "special", day, person="p1", detail={**detail, "photos": [PHOTO]}, **plain)
        for n, day in ((1, FIRST), (2, LAST))
    ]
    reviews = [
        made(n, "review", day, detail={"of": of.id, "approved": True}, **plain)
        for n, day, of in ((3, FIRST, specials[1]), (4, LAST, specials[0]))
    ]

    books.arrive([*specials, *reviews])
    books.fold_all()

    found = books.figures()
    assert (
        found[FIRST.isoformat()][1:2]
        == at_the_counter([*specials, *reviews])[FIRST.isoformat()][1:2]
    )
    books.database.close()


def day_of_work(n: int) -> list[Record]:
    """Three settlements, one of them called twice, one exempt, one registration, a count."""
    day, base = DAYS[0], n * 100
    special = {"case": "on-leave", "from": day.isoformat(), "until": day.isoformat()}
    special |= {"photos": [PHOTO], "staff": "S1"}
    told = {"day": day.isoformat(), "category": "settlement", "count": 5}
    plain = {"code": 0, "cause": "recorded"}
    return [
        made(base + 1, "settlement", day, deal_no="D1", person="p1"),
        made(base + 2, "settlement", day, deal_no="D1", person="p1"),
        made(base + 3, "settlement", day, deal_no="D2", person="p2"),
        made(base + 4, "settlement", day, deal_no="D3", code=2, cause="policy-exempt"),
        made(base + 5, "special", day, person="p3", detail=special, **plain),
        made(base + 6, "settled", day, detail=told, **plain),
    ]


def test_the_figures_of_a_day_by_hand_over_the_network(both: Bureau) -> None:
    both.send(*day_of_work(1)[:5])
    both.work()
    looker = both.role("regulator")
    asked = {"from_": FIRST.isoformat(), "to": LAST.isoformat()}
    [row] = looker.get("/rates", **asked)["items"]
    assert (0, 0, 1, None, None) == (
        *(row["authenticated"], row["specials"], row["exempt"]),
        *(row["settled"], row["percent"]),
    )

    both.send(day_of_work(1)[5])
    both.work()

    [row] = looker.get("/rates", **asked)["items"]
    assert (2, 1, 5, "60.00") == (
        *(row["authenticated"], row["specials"]),
        *(row["settled"], row["percent"]),
    )
    one, total = looker.get("/rate-sums", **asked)["items"]
    assert ("60.00", "60.00", "*") == (one["percent"], total["percent"], total["institution"])
    csv = looker.call("GET", "/rates/export", **asked).body
    assert "60.00" in csv.splitlines()[1]


def test_settlements_uploaded_one_by_one_take_the_place_of_a_told_number(both: Bureau) -> None:
    both.send(*day_of_work(1))
    clerk = both.role("operator")
    listed = [
        {"institution": INSTITUTION, "deal_no": f"D{n}", "amount": "1", "at_ms": ms(DAYS[0])}
        for n in range(1, 5)
    ]
    clerk.post("/settlements", {"settlements": listed})
    both.work()

    [row] = clerk.get("/rates", from_=FIRST.isoformat(), to=LAST.isoformat())["items"]
    assert (4, "75.00") == (row["settled"], row["percent"])
    assert Fraction(3 * 100, 4) == Fraction(row["percent"])


def test_the_demo_counts_nowhere(office: Bureau) -> None:
    office.send(made(1, "settlement", DAYS[0], deal_no="D1", demo=True))
    office.work()
    found = office.role("regulator").get("/rates", from_=FIRST.isoformat(), to=LAST.isoformat())

    assert all(row["authenticated"] == 0 for row in found["items"])
