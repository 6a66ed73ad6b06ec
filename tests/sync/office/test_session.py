"""Signing in: good passwords only, locked after failures, over after a while."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from pathlib import Path

import pytest
from center_bed import Answer
from office_bed import PASSWORD, Bureau, Hand, Person, bureau, word

from yibao_face.sync.center.office.office import OfficeLimits
from yibao_face.sync.center.office.people.password import weakness
from yibao_face.sync.center.office.people.session import FAILURES, IDLE_MS, LIFE_MS, LOCKED_MS

NOW_MS = 1_795_305_600_000


@pytest.fixture
def hand() -> Hand:
    return Hand(NOW_MS)


@pytest.fixture
def office(tmp_path: Path, hand: Hand) -> Generator[Bureau, None, None]:
    with bureau(tmp_path / "center", clock=hand) as made:
        yield made


def test_the_cookie_is_for_this_site_and_no_script(office: Bureau) -> None:
    office.hire("li", ("admin", "*"))

    answer = office.stranger().sign_in("li")
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    told = {part.strip() for part in rest.split(";")[1:]}

    assert "__Host-office" == name
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/"} <= told
    assert answer.body["token"] is None
    assert ["admin"] == [grant["role"] for grant in answer.body["grants"]]


def test_every_answer_tells_the_browser_to_be_careful(office: Bureau) -> None:
    # The page itself holds nothing of anybody: it may be kept, and is asked for anew.
    for answer, kept, source in (
        (office.role("auditor").call("GET", "/audit"), "no-store", "'none'"),
        (office.stranger().raw("GET", "/"), "no-cache", "'self'"),
    ):
        assert kept == answer.headers["Cache-Control"]
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert "DENY" == answer.headers["X-Frame-Options"]
        assert f"default-src {source};" in answer.headers["Content-Security-Policy"]


def test_unknown_names_and_wrong_passwords_get_one_answer(office: Bureau) -> None:
    office.hire("li")

    wrong = office.stranger().sign_in("li", "no")
    assert (401, "login") == word(wrong)
    assert wrong.body == office.stranger().sign_in("nobody", PASSWORD).body


def test_a_user_is_locked_after_failures_and_free_again_later(office: Bureau, hand: Hand) -> None:
    office.hire("li")
    person = office.stranger()
    for _ in range(FAILURES):
        assert 401 == person.sign_in("li", "wrong").status

    locked = person.sign_in("li")
    assert (429, "locked") == word(locked)
    assert int(locked.headers["Retry-After"]) > 60
    hand.now_ms += LOCKED_MS
    assert 200 == person.sign_in("li").status


def test_a_good_password_forgets_the_failures_before_it(office: Bureau) -> None:
    office.hire("li")
    person = office.stranger()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            person.sign_in("li", "wrong")
        assert 200 == person.sign_in("li").status


def test_who_keeps_guessing_names_is_shut_out_by_address(tmp_path: Path) -> None:
    limits = OfficeLimits(logins_per_s=1e6, login_burst=10**6, failures=6)
    with bureau(tmp_path / "center", office_limits=limits) as office:
        office.hire("li")
        stranger = office.stranger()
        for n in range(6):
            assert 401 == stranger.sign_in(f"guess{n}").status

        assert (429, "too-often") == word(stranger.sign_in("li"))


def test_tries_are_few_per_second(tmp_path: Path) -> None:
    limits = OfficeLimits(logins_per_s=0.01, login_burst=3)
    with bureau(tmp_path / "center", office_limits=limits) as office:
        stranger = office.stranger()
        for _ in range(3):
            stranger.sign_in("li")

        assert (429, "too-often") == word(stranger.sign_in("li"))


def test_a_session_ends_when_it_is_old_or_idle(office: Bureau, hand: Hand) -> None:
    idle, old = office.role("admin"), office.role("auditor")
    hand.now_ms += IDLE_MS - 1
    assert 200 == old.call("GET", "/session").status
    hand.now_ms += 1
    assert (401, "signed-out") == word(idle.call("GET", "/session"))
    last = 200
    for _ in range(LIFE_MS // IDLE_MS + 1):
        hand.now_ms += IDLE_MS - 60_000
        last = old.call("GET", "/session").status
    assert 401 == last


def test_a_forged_or_lengthened_token_opens_nothing(office: Bureau) -> None:
    person = office.role("admin")
    token = person.cookie.partition("=")[2]
    secret, expires, signature = token.rsplit(".", 2)
    for forged in (
        f"{secret}.{int(expires) + 1}.{signature}",
        f"{secret[:-1]}A.{expires}.{signature}",
        f"{secret}.{expires}.{signature[:-1]}",
        f"{secret}.{expires}",
        "é.1.x",
        "",
    ):
        stranger = office.stranger()
        stranger.headers["Authorization"] = f"Bearer {forged}".encode().decode("latin-1")
        assert (401, "signed-out") == word(stranger.call("GET", "/session"))


def test_signing_out_ends_the_session_at_the_centre_too(office: Bureau) -> None:
    person = office.role("admin")
    assert 200 == person.call("DELETE", "/session").status

    assert (401, "signed-out") == word(person.call("GET", "/session"))


def test_a_write_needs_the_token_of_the_page_and_a_page_from_here(office: Bureau) -> None:
    person = office.role("admin")
    body = b'{"second_binding": false}'
    kind = "application/json"

    def put(**headers: str) -> Answer:
        return person.raw("PUT", "/office/v1/settings", body, Content_Type=kind, **headers)

    assert (403, "csrf") == word(put(**{"X_CSRF_Token": "wrong"}))
    assert (403, "csrf") == word(put(Origin="https://elsewhere.example"))
    assert 200 == put(Origin=f"https://localhost:{office.port}").status
    assert (415, "type") == word(
        person.raw("PUT", "/office/v1/settings", body, Content_Type="text/plain")
    )


def test_a_program_has_a_bearer_token_and_needs_no_page(office: Bureau) -> None:
    office.hire("robot", ("admin", "*"))
    given = {"name": "robot", "password": PASSWORD, "token": True}
    answer = office.stranger().call("POST", "/session", given)
    assert "Set-Cookie" not in answer.headers

    program = office.stranger()
    program.headers["Authorization"] = f"Bearer {answer.body['token']}"
    assert program.put("/settings", {"second_binding": False})["second_binding"] is False


def test_a_first_password_has_to_be_changed_before_anything_else(office: Bureau) -> None:
    office.hire("li", ("admin", "*"), must_change=True)
    person = office.stranger()
    assert person.sign_in("li").body["must_change"]

    assert (403, "must-change") == word(person.call("GET", "/users"))
    change = {"old": PASSWORD, "new": "Another-Horse-8"}
    assert 200 == person.call("POST", "/session/password", change).status
    assert 200 == person.call("GET", "/users").status


def test_the_last_passwords_are_not_taken_again(office: Bureau) -> None:
    person = office.role("admin")
    made = [PASSWORD, *(f"Correct-Horse-{n}{n}" for n in range(1, 4))]
    for old, new in pairwise(made):
        assert 200 == person.call("POST", "/session/password", {"old": old, "new": new}).status

    for again in made:
        change = {"old": made[-1], "new": again}
        assert (422, "password") == word(person.call("POST", "/session/password", change))
    assert (422, "password") == word(
        person.call("POST", "/session/password", {"old": "no", "new": "Correct-Horse-99"})
    )


def test_other_sessions_end_with_the_password(office: Bureau) -> None:
    person = office.role("admin")
    other = office.stranger()
    other.sign_in("admin")
    person.post("/session/password", {"old": PASSWORD, "new": "Another-Horse-8"})

    assert 401 == other.call("GET", "/session").status
    assert 200 == person.call("GET", "/session").status


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("Ab1-short", "至少10个"),
        ("alllowercase-", "三类"),
        ("Aa1Aa1Aa1Aa1", "6个不同"),
        ("Zhang-san-77", "登录名"),
        ("Correct-Horse-7", None),
        ("密码Abc12345678", None),
    ],
)
def test_a_weak_password_is_told_why(password: str, told: str | None) -> None:
    found = weakness(password, "zhang")

    assert (told in found) if told and found else (told is found)


def signed_in(person: Person) -> bool:
    return person.call("GET", "/session").status == 200


def test_who_is_disabled_is_out_at_once(office: Bureau) -> None:
    admin, other = office.role("admin"), office.role("auditor")
    assert signed_in(other)

    admin.put("/users/auditor", {"status": "disabled"})

    assert not signed_in(other)
    assert 401 == other.sign_in("auditor").status
