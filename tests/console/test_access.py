"""Accounts, sessions and roles: who gets in, for how long, and to what."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from harness import ROOT, Hands

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.console.access.role import ACT_NEEDS, MAY, VIEW_NEEDS, Function, Role, may
from yibao_face.daemon.console.access.session import Pace, Sessions, is_csrf
from yibao_face.daemon.console.access.staff import GivenPin, StaffBook, StaffError
from yibao_face.daemon.console.api.desk import ALL_ACTS
from yibao_face.daemon.desk.table import VIEWS
from yibao_face.daemon.gallery.vault import open_vault

PIN = "739155"


@pytest.fixture
def hands() -> Hands:
    return Hands("2026-12-01T08:00")


@pytest.fixture
def book(tmp_path: Path, hands: Hands) -> StaffBook:
    made = StaffBook(tmp_path / "staff.db", open_vault(tmp_path / "device.key"), hands.clock)
    made.add("9001", "孙主任", Role.MANAGER, PIN)
    made.add("1001", "王小明", Role.CLERK, PIN, "d" * 64)
    return made


@pytest.mark.parametrize(
    "pin",
    [
        *("", "12345", "1234567890123", "12345a", "１２３４５６"),
        *("111111", "121212", "123456", "654321", "012345", "98765432", "7 39155"),
    ],
)
def test_a_pin_everybody_tries_first_is_refused(book: StaffBook, pin: str) -> None:
    with pytest.raises(StaffError):
        book.add("1002", "李", Role.CLERK, pin)
    with pytest.raises(StaffError):
        book.set_pin("1001", pin)
    assert "1001" == book.log_in("1001", PIN).number


@pytest.mark.parametrize("number", ["", "1 2", "工号", "a" * 31, "1;2"])
def test_a_staff_number_is_letters_and_digits(book: StaffBook, number: str) -> None:
    with pytest.raises(StaffError):
        book.add(number, "李", Role.CLERK, PIN)


@pytest.mark.parametrize("name", ["", "\x00", "李" * 31])
def test_a_name_can_be_printed(book: StaffBook, name: str) -> None:
    with pytest.raises(StaffError):
        book.add("1002", name, Role.CLERK, PIN)


def test_a_number_has_one_account(book: StaffBook) -> None:
    with pytest.raises(StaffError, match="已有账号"):
        book.add("1001", "李", Role.CLERK, PIN)


def test_neither_pin_nor_name_lies_in_the_file(book: StaffBook) -> None:
    data = book.path.read_bytes()

    assert 0o600 == book.path.stat().st_mode & 0o777
    assert all(word.encode() not in data for word in (PIN, "孙主任", "王小明"))
    with sqlite3.connect(book.path) as db:
        salts = [row[0] for row in db.execute("SELECT salt FROM staff")]
    # Equal PINs do not look equal.
    assert 2 == len(set(salts))


def test_five_wrong_pins_lock_the_account_for_a_quarter_of_an_hour(
    book: StaffBook, hands: Hands
) -> None:
    for _ in range(5):
        with pytest.raises(StaffError, match="工号或密码不对"):
            book.log_in("1001", "739156")
    # The right one is of no use now, in another process neither.
    with pytest.raises(StaffError, match="锁定"):
        StaffBook(book.path, book.vault, hands.clock).log_in("1001", PIN)
    assert "9001" == book.log_in("9001", PIN).number

    hands.at("2026-12-01T08:14")
    with pytest.raises(StaffError, match="锁定"):
        book.log_in("1001", PIN)
    hands.at("2026-12-01T08:16")
    assert "1001" == book.log_in("1001", PIN).number


def test_a_right_pin_forgets_the_wrong_ones_before(book: StaffBook) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(StaffError):
                book.log_in("1001", "739156")
        assert "1001" == book.log_in("1001", PIN).number


def test_a_new_pin_ends_the_lock_and_the_old_pin(book: StaffBook) -> None:
    for _ in range(5):
        with pytest.raises(StaffError):
            book.log_in("1001", "739156")
    book.set_pin("1001", "864209")

    assert "1001" == book.log_in("1001", "864209").number
    with pytest.raises(StaffError):
        book.log_in("1001", PIN)


def test_who_has_no_account_is_told_the_same_as_who_mistyped(book: StaffBook) -> None:
    with pytest.raises(StaffError, match="工号或密码不对"):
        book.log_in("nobody", PIN)


def test_a_face_is_that_of_one_account(book: StaffBook) -> None:
    assert {"d" * 64} == book.faces()
    assert "1001" == book.log_in_person("d" * 64).number
    for person in ("", "e" * 64):
        with pytest.raises(StaffError):
            book.log_in_person(person)


def test_the_last_manager_stays(book: StaffBook) -> None:
    with pytest.raises(StaffError, match="最后一位管理员"):
        book.remove("9001")
    book.add("9002", "周", Role.MANAGER, PIN)
    book.remove("9001")

    assert ["1001", "9002"] == [one.number for one in book.all()]
    with pytest.raises(StaffError, match="没有这个账号"):
        book.remove("9001")


def test_a_file_of_before_it_was_known_who_chose_a_pin_is_used_on(book: StaffBook) -> None:
    with sqlite3.connect(book.path) as db:
        db.execute("ALTER TABLE staff DROP COLUMN given")

    assert [False, False] == [one.pin_given for one in book.all()]
    book.set_pin("1001", GivenPin("864209"))
    assert book.log_in("1001", "864209").pin_given


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "staff.db").write_bytes(b"no database" * 200)
    book = StaffBook(tmp_path / "staff.db", open_vault(tmp_path / "device.key"), Clock())

    with pytest.raises(StaffError, match="无法读取"):
        book.all()


class Watch:
    """A stopwatch a test sets."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def test_a_session_ends_when_nobody_does_anything() -> None:
    watch = Watch()
    sessions = Sessions(900.0, watch)
    token, session = sessions.begin("1001")

    watch.s += 899
    assert session is sessions.of(token, touch=True)
    watch.s += 899
    assert session is sessions.of(token, touch=False)
    # What the page asked by itself did not count.
    watch.s += 2
    assert sessions.of(token, touch=True) is None


def test_no_session_outlasts_a_shift() -> None:
    watch = Watch()
    sessions = Sessions(900.0, watch)
    token, _ = sessions.begin("1001")
    for _ in range(86):
        watch.s += 500
        assert sessions.of(token, touch=True)

    watch.s += 500
    assert sessions.of(token, touch=True) is None


def test_a_session_ends_by_its_owner_or_with_its_account() -> None:
    sessions = Sessions(900.0)
    (first, _), (second, _), (third, _) = (sessions.begin(n) for n in ("1001", "1001", "1002"))

    sessions.end(first)
    assert (None, True) == (sessions.of(first, touch=True), bool(sessions.of(second, touch=True)))
    sessions.end_all_of("1001")
    assert (None, True) == (sessions.of(second, touch=True), bool(sessions.of(third, touch=True)))


def test_tokens_are_of_one_session() -> None:
    sessions = Sessions(900.0)
    (token, one), (_, other) = sessions.begin("1001"), sessions.begin("1001")

    assert is_csrf(one, one.csrf)
    assert not is_csrf(one, other.csrf)
    assert not is_csrf(one, "")
    assert not is_csrf(one, "\udcff")
    assert sessions.of(token + "x", touch=True) is None
    assert sessions.of("\udcff", touch=True) is None


def test_sessions_do_not_pile_up() -> None:
    sessions = Sessions(900.0)
    tokens = [sessions.begin("1001")[0] for _ in range(70)]

    assert 64 == sum(sessions.of(token, touch=False) is not None for token in tokens)


def test_a_pace_lets_so_many_through_and_more_later() -> None:
    watch = Watch()
    pace = Pace(2, 60.0, watch)

    assert [True, True, False] == [pace.take() for _ in range(3)]
    watch.s += 60
    assert [True, True, False] == [pace.take() for _ in range(3)]
    pace.give_back()
    assert [True, False] == [pace.take() for _ in range(2)]


def test_every_function_act_and_view_has_its_row() -> None:
    assert set(Function) == set(MAY)
    assert set(ALL_ACTS) == set(ACT_NEEDS)
    assert set(VIEWS) == set(VIEW_NEEDS)
    assert all(MAY.values())


@pytest.mark.parametrize(
    ("function", "roles"),
    [
        (Function.PREVIEW, {Role.CLERK, Role.ENGINEER}),
        (Function.STAFF, {Role.MANAGER}),
        (Function.ERASE, {Role.MANAGER}),
        (Function.ENGINEERING, {Role.ENGINEER}),
        (Function.REVIEW, {Role.PHARMACIST, Role.MANAGER}),
    ],
)
def test_what_matters_most_is_for_few(function: Function, roles: set[Role]) -> None:
    assert roles == {role for role in Role if may(role, function)}


def test_the_manual_says_who_may_do_what() -> None:
    """Each row of the manual's table, by a function it stands for."""
    lines = (ROOT / "docs" / "console.md").read_text("utf-8").splitlines()
    table = [line.split("|")[1:-1] for line in lines if line.startswith("| ")][1:]
    told = [(cells[0].strip(), [cell.strip() == "✓" for cell in cells[1:]]) for cells in table]
    order = (Role.CLERK, Role.PHARMACIST, Role.ENGINEER, Role.MANAGER)

    assert set(Function) == {f for row in ROWS for f in row}
    for row, (title, marks) in zip(ROWS, told, strict=True):
        for function in row:
            assert marks == [may(role, function) for role in order], title


# Functions of each row of the manual, in its order.
ROWS = (
    (Function.ENCOUNTERS, Function.STATUS),
    (Function.COUNTER,),
    (Function.AGENTS, Function.SPECIAL),
    (Function.REVIEW,),
    (Function.WARD, Function.TREATMENT),
    (Function.ATTENDANCE,),
    (Function.MAKEUP,),
    (Function.ROSTER,),
    (Function.CLOCK,),
    (Function.PERSONS,),
    (Function.ERASE,),
    (Function.RATE,),
    (Function.SETTLED,),
    (Function.QUEUE,),
    (Function.PREVIEW,),
    (Function.ENGINEERING,),
    (Function.STAFF,),
)
