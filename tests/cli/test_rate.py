"""``rate``: the certification rate of a day range, and one line for each record behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import Outcome, exempt, refused
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.section import DeskConfig
from yibao_face.daemon.wiring import desk_of

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
SITE = "001000200030"
PASS = Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, 0.8)
RATE = ("rate", "--institution", SITE)


def write(config: Config, at: str, *entries: Entry, demo: bool = False) -> list[str]:
    """Put ``entries`` on record as of ``at`` in China; their ids."""
    moment = datetime.fromisoformat(at).replace(tzinfo=CHINA)
    clock = Clock(unix_ms=lambda: round(moment.timestamp() * 1000))
    with desk_of(config, demo=demo) as desk:
        ledger = replace(desk.ledger, clock=clock)
        return [ledger.write(ledger.new_id(), entry).id for entry in entries]


def call(deal_no: str, outcome: Outcome = PASS, site: str = SITE) -> Entry:
    return Entry(Kind.SETTLEMENT, outcome, site, "p1", deal_no)


def settled(day: str, count: int, category: str = "settlement") -> Entry:
    detail = {"day": day, "category": category, "count": count, "source": "csv"}
    return Entry(Kind.SETTLED, refused(Cause.RECORDED), SITE, detail=detail)


@pytest.fixture
def two_days(at_home: Config) -> list[str]:
    """Of the first day two of three settlements passed; of the second one of two."""
    first = write(
        at_home,
        "2026-12-01T09:00",
        call("D1"),
        call("D1"),
        call("D2"),
        call("D3", refused(Cause.OTHER_PERSON, 0.1)),
        call("D4", exempt(Cause.POLICY_EXEMPT)),
        call("E1", site="other"),
        settled("2026-12-01", 3),
    )
    second = write(at_home, "2026-12-02T23:59", call("D5"), settled("2026-12-02", 2))
    return [*first, *second]


@pytest.mark.usefixtures("two_days")
def test_the_rate_of_a_range_is_that_of_its_days_together(run: Run) -> None:
    code, out, err = run(*RATE, "--from", "2026-12-01", "--to", "2026-12-02")

    assert (0, "") == (code, err)
    assert [
        f"institution {SITE}",
        "2026-12-01  认证 2  特殊登记 0  诊疗 0  结算 3  诊疗人次 -  免核验 1",
        "2026-12-02  认证 1  特殊登记 0  诊疗 0  结算 2  诊疗人次 -  免核验 0",
        "认证率 60.00",
    ] == out.splitlines()


@pytest.mark.usefixtures("two_days")
@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (("--from", "2026-12-01"), "认证率 66.67"),
        (("--to", "2026-12-02"), "认证率 50.00"),
        (("--from", "2026-12-02", "--to", "2026-12-02"), "认证率 50.00"),
        (("--from", "2026-12-03"), "认证率 -"),
    ],
)
def test_one_day_named_is_that_day_alone(run: Run, days: tuple[str, ...], shown: str) -> None:
    lines = run(*RATE, *days)[1].splitlines()

    assert 3 == len(lines)
    assert shown == lines[-1]


def test_every_record_that_was_considered_is_explained(two_days: list[str], run: Run) -> None:
    _, out, _ = run(*RATE, "--from", "2026-12-01", "--to", "2026-12-01", "--explain")

    assert [
        f"+ 2026-12-01 {two_days[0]} settlement: first-pass",
        f"- 2026-12-01 {two_days[1]} settlement: same-settlement",
        f"+ 2026-12-01 {two_days[2]} settlement: first-pass",
        f"- 2026-12-01 {two_days[3]} settlement: refused",
        f"- 2026-12-01 {two_days[4]} exempt: not-needed",
    ] == out.splitlines()[-5:]


def test_a_count_that_cannot_be_is_warned_of(at_home: Config, run: Run) -> None:
    write(at_home, "2026-12-01T09:00", call("D1"), call("D2"), settled("2026-12-01", 1))

    lines = run(*RATE, "--from", "2026-12-01")[1].splitlines()
    assert ["认证率 200.00", "! settlement-exceeds-count 2026-12-01"] == lines[-2:]


def test_records_of_the_demo_count_only_in_the_demo(at_home: Config, run: Run) -> None:
    entries = call("D1"), settled("2026-12-01", 4)
    write(at_home, "2026-12-01T09:00", *entries, demo=True)

    day = ("--from", "2026-12-01")
    assert "认证率 -" == run(*RATE, *day)[1].splitlines()[-1]
    assert "认证率 25.00" == run(*RATE, *day, "--demo")[1].splitlines()[-1]


@pytest.mark.usefixtures("at_home")
def test_without_days_it_is_the_rate_of_today(run: Run) -> None:
    before = Clock().today()
    _, out, _ = run(*RATE)

    assert out.splitlines()[1][:10] in (before.isoformat(), Clock().today().isoformat())


def test_the_institution_of_the_configuration_is_taken(
    site: Config, settle: Callable[[Config], None], run: Run
) -> None:
    settle(replace(site, desk=DeskConfig(institution=SITE)))

    assert f"institution {SITE}" == run("rate")[1].splitlines()[0]
    assert "institution other" == run("rate", "--institution", "other")[1].splitlines()[0]


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rate",), "which institution? --institution CODE, or desk.institution in config.toml"),
        ((*RATE, "--from", "2026-12-02", "--to", "2026-12-01"), "--to is before --from"),
    ],
)
def test_what_is_missing_or_upside_down_is_said(
    refusal: Refusal, words: tuple[str, ...], said: str
) -> None:
    assert said == refusal(*words)


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("day", ["today", "2026-13-01", "01.12.2026", ""])
def test_what_is_no_day_is_wrong_usage(run: Run, day: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*RATE, "--from", day)

    assert 2 == ended.value.code
