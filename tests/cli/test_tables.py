"""``settled`` and ``roster``: a CSV of the HIS is taken over whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.core.scene.rate import Category, imported
from yibao_face.daemon.desk.attendance import practitioners
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.wiring import desk_of
from yibao_face.sync.api import Query

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
SITE = "001000200030"
DOCTOR, PHARMACIST = "320101194202156744", "11010119491231002x"


@pytest.fixture
def table(at_home: Config) -> Callable[..., Path]:
    """A CSV file of the HIS."""

    def table(text: str, charset: str = "utf-8") -> Path:
        path = at_home.data / "his.csv"
        path.write_bytes(text.encode(charset))
        return path

    return table


def counts(config: Config, *, demo: bool = False) -> dict[tuple[date, Category], int]:
    with desk_of(config, demo=demo) as desk:
        return imported(desk.events(SITE, Kind.SETTLED), SITE)


def listed(config: Config, *, demo: bool = False) -> set[str]:
    with desk_of(config, demo=demo) as desk:
        return set(practitioners(desk.ledger, SITE))


def digests(config: Config, *numbers: str) -> set[str]:
    with desk_of(config) as desk:
        return {desk.gallery.digests(Numbers(number))[0] for number in numbers}


def kept(config: Config) -> int:
    with desk_of(config) as desk:
        return len(desk.ledger.outbox.find(Query()))


DAY1, DAY2 = date(2026, 12, 1), date(2026, 12, 2)


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("day,count\n2026-12-01,120\n2026-12-02,0\n", "utf-8"),
        ("day,count\r\n2026-12-01,120\r\n2026-12-02,0\r\n", "gbk"),
        ("﻿Day , COUNT ,备注\n 2026-12-01 ,120, 门诊\n\n2026-12-02,0,\n,,\n", "utf-8"),
        ("备注,day,count\n门诊,2026-12-01,120\n住院,2026-12-02,0", "gbk"),
        ('"day","count"\r"2026-12-01","120"\r"2026-12-02","0"\r', "utf-8"),
        ("day,count,category\n2026-12-01,120,settlement\n2026-12-02,0,\n", "utf-8"),
        ("day,count,institution,source\n2026-12-01,120,x,y\n2026-12-02,0,x,y\n", "utf-8"),
    ],
    ids=["plain", "gbk", "byte-order-mark", "more-columns", "quoted", "category", "own-words"],
)
def test_counts_are_taken_over(
    at_home: Config, table: Callable[..., Path], run: Run, text: str, charset: str
) -> None:
    done = run("settled", table(text, charset), "--institution", SITE)

    assert (0, "2 day(s) taken over\n", "") == done
    assert {(DAY1, Category.SETTLEMENT): 120, (DAY2, Category.SETTLEMENT): 0} == counts(at_home)


def test_treatments_have_counts_of_their_own_and_the_last_word_counts(
    at_home: Config, table: Callable[..., Path], run: Run
) -> None:
    text = "day,count,category\n2026-12-01,9,treatment\n2026-12-01,8,treatment\n2026-12-01,5,\n"
    assert 0 == run("settled", table(text), "--institution", SITE)[0]

    assert {(DAY1, Category.TREATMENT): 8, (DAY1, Category.SETTLEMENT): 5} == counts(at_home)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("day,count\n2026-12-01,1\n2026-12-02,many\n", "line 3: 人次(count)须为0以上的整数"),
        ("day,count\n2026-12-01,1\n2026-12-02,\n", "line 3: 人次(count)须为0以上的整数"),
        ("day,count\n2026-12-01,1\n2026-12-02,-1\n", "line 3: 人次(count)须为0以上的整数"),
        ("day,count\n2026-12-01,1\n2026-12-02,1.5\n", "line 3: 人次(count)须为0以上的整数"),
        ("day,count\n2026-12-01,1\n2026-12-02,²\n", "line 3: 人次(count)须为0以上的整数"),
        (
            "day,count\n2026-12-01,1\n2026-12-02,99999999\n",
            "line 3: 人次(count)须为0以上的整数",
        ),
        (
            f"day,count\n2026-12-01,1\n2026-12-02,{'9' * 5000}\n",
            "line 3: 人次(count)须为0以上的整数",
        ),
        (
            "day,count\n2026-12-01,1\n\n2026-02-30,1\n",
            "line 4: 日期(day)须为日期，如2026-12-31",
        ),
        ("day,count\n2026-12-01,1\n,1\n", "line 3: 请填写日期(day)"),
        ("day,count\n2026\x00-12-01,1\n", "line 2: 日期(day)须为文字"),
        (
            "day,count,category\n2026-12-01,1,\n2026-12-02,1,settlements\n",
            "line 3: 类别(category)须为settlement、treatment之一",
        ),
        ("day,count\n2026-12-01,1\n2026-12-02\n", "line 3: 1 columns, the heading has 2"),
        ("day,count\n2026-12-01,1\n2026-12-02,1,234\n", "line 3: 3 columns, the heading has 2"),
        ("day;count\n2026-12-01;1\n", "his.csv wants the columns day, count"),
        ("2026-12-01,1\n", "his.csv wants the columns day, count"),
        ("day,count,count\n2026-12-01,1,2\n", "his.csv wants the columns day, count"),
        ("", "his.csv wants the columns day, count"),
        ("day,count\n", "his.csv holds no row below its heading"),
        ("day,count\n\n,\n", "his.csv holds no row below its heading"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_of_a_table_with_one_bad_row_nothing_is_kept(
    at_home: Config, table: Callable[..., Path], refusal: Refusal, text: str, said: str
) -> None:
    assert said == refusal("settled", table(text), "--institution", SITE)
    assert 0 == kept(at_home)


@pytest.mark.parametrize(
    "data",
    [b'day,count\n"2026-12-01"x,1\n', b'day,count\n"2026'],
    ids=["quotes", "cut"],
)
def test_what_is_no_csv_is_told_so(at_home: Config, refusal: Refusal, data: bytes) -> None:
    (at_home.data / "his.csv").write_bytes(data)

    said = refusal("settled", at_home.data / "his.csv", "--institution", SITE)
    assert said.startswith("his.csv is not a CSV file")
    assert 0 == kept(at_home)


def test_a_file_in_another_charset_is_told_so(at_home: Config, refusal: Refusal) -> None:
    (at_home.data / "his.csv").write_bytes(b"day,count\n\xff\xff\xff,1\n")

    said = refusal("settled", at_home.data / "his.csv", "--institution", SITE)
    assert "his.csv is neither UTF-8 nor GBK" == said


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_roster_is_taken_over_whole(
    at_home: Config, table: Callable[..., Path], run: Run, charset: str
) -> None:
    words = ("--institution", SITE, "--staff", "1001")
    old = table(f"id,name,科室\n{DOCTOR},张三,内科\n", charset)
    assert (0, "1 practitioner(s) taken over\n", "") == run("roster", old, *words)
    assert digests(at_home, DOCTOR) == listed(at_home)

    new = table(f"ID,Name\n{PHARMACIST},李·四\n{DOCTOR},张三\n", charset)
    assert (0, "2 practitioner(s) taken over\n", "") == run("roster", new, *words)
    assert digests(at_home, DOCTOR, PHARMACIST) == listed(at_home)
    with desk_of(at_home) as desk:
        [*_, last] = desk.ledger.outbox.find(Query(kinds=("roster",)))
        assert {"张三", "李·四"} == set(desk.ledger.opened(last)["names"].values())
        assert "1001" in last.detail
        assert DOCTOR not in last.detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"id,name\n{DOCTOR},张三\n,李四\n", "line 3: 请填写证件号码(id)"),
        (f"id,name\n{DOCTOR},\n", "line 2: 请填写姓名(name)"),
        (f"id,name\n{'9' * 31},张三\n", "line 2: 证件号码(id)超过30个字符"),
        (f"id,name\n{DOCTOR}\n", "line 2: 1 columns, the heading has 2"),
        (f"{DOCTOR},张三\n", "his.csv wants the columns id, name"),
        ("id,name\n", "his.csv holds no row below its heading"),
    ],
)
def test_of_a_roster_with_one_bad_row_the_old_one_stays(
    at_home: Config, table: Callable[..., Path], run: Run, refusal: Refusal, text: str, said: str
) -> None:
    words = ("--institution", SITE, "--staff", "1001")
    run("roster", table(f"id,name\n{PHARMACIST},李四\n"), *words)

    assert said == refusal("roster", table(text), *words)
    assert digests(at_home, PHARMACIST) == listed(at_home)


def test_a_roster_wants_to_know_who_brought_it(table: Callable[..., Path], run: Run) -> None:
    with pytest.raises(SystemExit) as ended:
        run("roster", table(f"id,name\n{DOCTOR},张三\n"), "--institution", SITE)

    assert 2 == ended.value.code


def test_what_belongs_to_the_demo_stays_there(
    at_home: Config, table: Callable[..., Path], run: Run
) -> None:
    run("settled", table("day,count\n2026-12-01,9\n"), "--institution", SITE, "--demo")
    roster = table(f"id,name\n{DOCTOR},张三\n")
    run("roster", roster, "--institution", SITE, "--staff", "1001", "--demo")

    assert ({}, set()) == (counts(at_home), listed(at_home))
    assert {(DAY1, Category.SETTLEMENT): 9} == counts(at_home, demo=True)
    assert digests(at_home, DOCTOR) == listed(at_home, demo=True)


@pytest.mark.parametrize(
    "words", [("settled",), ("roster", "--staff", "1001")], ids=["settled", "roster"]
)
def test_which_institution_is_asked_for(
    at_home: Config, refusal: Refusal, words: tuple[str, ...]
) -> None:
    command, *more = words
    path = at_home.data / "missing.csv"

    assert "which institution?" in refusal(command, path, *more)
    said = refusal(command, path, *more, "--institution", SITE)
    assert said.startswith("missing.csv cannot be read")
