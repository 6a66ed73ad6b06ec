"""Every route asks who calls: no session, no token, a wrong role or another page gets nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests
from console_bed import NAMES, Office, office
from harness import running

from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.role import (
    ACT_NEEDS,
    VIEW_NEEDS,
    Function,
    Role,
    may,
)
from yibao_face.daemon.console.route import Anybody, Route
from yibao_face.daemon.console.serve import ROUTES
from yibao_face.daemon.door.http import AUTH_PATH
from yibao_face.daemon.section import ConsoleConfig

EVIL, HIS_PAGE = "https://evil.example", "http://his.hospital.example"
JSON = {"Content-Type": "application/json"}
GUARDED = [route for route in ROUTES if route.needs is not Anybody]


def paths(route: Route) -> list[tuple[str, Function | None]]:
    """The addresses of a route, with what each needs; ``None``: to be logged in."""
    if "{name}" in route.path and route.choose:
        table = ACT_NEEDS if route.method == "POST" else VIEW_NEEDS
        return [(route.path.replace("{name}", name), needs) for name, needs in table.items()]
    path = route.path.replace("{name}", "0" * 64).replace("{id}", "none")
    return [(path, route.needs if isinstance(route.needs, Function) else None)]


CALLS = [(route.method, path, needs) for route in GUARDED for path, needs in paths(route)]


def test_the_routes_are_many() -> None:
    assert len(CALLS) > 45
    assert {"/login", "/login/face", "/me"} == {r.path for r in ROUTES if r.needs is Anybody}


@pytest.mark.parametrize(("method", "path", "_needs"), CALLS)
def test_without_a_session_nothing_is_told(
    shared_office: Office, method: str, path: str, _needs: Function | None
) -> None:
    answer = requests.request(method, f"{shared_office.root}/ui/api{path}", json={}, timeout=10)

    assert (401, {"error": "请先登录"}) == (answer.status_code, answer.json())


@pytest.mark.parametrize("role", Role)
def test_a_wrong_role_is_refused_everywhere(shared_office: Office, role: Role) -> None:
    window = shared_office.window(role)
    headers = {"X-Csrf-Token": window.csrf}
    for method, path, needs in CALLS:
        if needs is None or may(role, needs):
            continue
        answer = window.http.request(method, f"{window.base}{path}", json={}, headers=headers)
        assert 403 == answer.status_code, (method, path)
        assert "没有这个权限" in answer.json()["error"]


# Those that would take long or end the session: each has a test of its own.
SLOW = ("/selftest", "/bundle", "/calibration", "/logout", "/desk/attendance-face", "/cameras")


@pytest.mark.parametrize("role", Role)
def test_the_right_role_is_heard(shared_office: Office, role: Role) -> None:
    window = shared_office.window(role)
    headers = {"X-Csrf-Token": window.csrf}
    for method, path, needs in CALLS:
        if path in SLOW or (needs is not None and not may(role, needs)):
            continue
        answer = window.http.request(method, f"{window.base}{path}", json={}, headers=headers)
        assert answer.status_code in (200, 400, 404, 409), (method, path, answer.text)


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_a_post_without_the_pages_token_is_refused(
    shared_office: Office, token: str | None
) -> None:
    window = shared_office.window(Role.MANAGER)
    headers = {} if token is None else {"X-Csrf-Token": token}
    for method, path, _ in CALLS:
        if method == "POST":
            answer = window.http.post(f"{window.base}{path}", json={}, headers=headers)
            assert 403 == answer.status_code, path
    assert len(NAMES) == len(shared_office.book.all())


def test_the_cookie_is_for_the_page_alone(shared_office: Office) -> None:
    cookie = shared_office.window().log_in("1001").headers["Set-Cookie"]

    assert {"HttpOnly", "SameSite=Strict", "Path=/ui"} < set(cookie.split("; "))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": EVIL},
        {"Origin": HIS_PAGE},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Referer": f"{EVIL}/x"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_other_hosts_and_pages_get_403_even_with_a_session(
    cast: Config, headers: dict[str, str]
) -> None:
    # A page the HIS is listed with may call the HIS interface, and not the console.
    with office(replace(cast, door=replace(cast.door, origins=(HIS_PAGE,)))) as made:
        window = made.window(Role.MANAGER)
        own = {"X-Csrf-Token": window.csrf}
        for url in (f"{window.base}/me", f"{made.root}/ui"):
            assert 403 == window.http.get(url, headers=headers).status_code
        posted = window.http.post(f"{window.base}/logout", json={}, headers={**own, **headers})
        assert 403 == posted.status_code


def test_the_page_itself_may_post_and_only_json(shared_office: Office) -> None:
    window = shared_office.window(Role.CLERK)
    own = {"Origin": shared_office.root, "Referer": f"{shared_office.root}/ui"}
    headers = {"X-Csrf-Token": window.csrf, "Sec-Fetch-Site": "same-origin", **own}

    as_form = window.http.post(f"{window.base}/logout", data={"a": "b"}, headers=headers)
    assert 403 == as_form.status_code
    assert 200 == window.http.post(f"{window.base}/logout", json={}, headers=headers).status_code
    assert window.ask("/me").json() == {"account": None}


def test_no_page_may_ask_before_it_posts(shared_office: Office) -> None:
    preflight = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
    answer = requests.options(f"{shared_office.root}/ui/api/login", headers=preflight, timeout=10)

    assert 403 == answer.status_code
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_the_his_interface_is_not_opened_to_our_own_page(shared_office: Office) -> None:
    own = {"Origin": shared_office.root, **JSON}

    answer = requests.post(f"{shared_office.root}{AUTH_PATH}", data=b"{}", headers=own, timeout=10)
    assert 403 == answer.status_code
    assert requests.post(f"{shared_office.root}{AUTH_PATH}", data=b"{}", timeout=10).ok


@pytest.mark.parametrize("path", ["/desk/dance", "/desk/rate", "/desk/ROUND", "/nothing"])
def test_what_is_not_there_is_not_found(shared_office: Office, path: str) -> None:
    assert 404 == shared_office.window(Role.CLERK).send(path).status_code


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_told(shared_office: Office, body: bytes) -> None:
    window = shared_office.window(Role.CLERK)
    headers = {"X-Csrf-Token": window.csrf, **JSON}
    for path in ("/desk/agent", "/counter", "/counter/cancel", "/preview", "/login"):
        answer = window.http.post(f"{window.base}{path}", data=body, headers=headers)
        assert 400 == answer.status_code, path
        assert "error" in answer.json()


def test_every_answer_forbids_scripts_of_others_and_caching(shared_office: Office) -> None:
    window = shared_office.window(Role.CLERK)
    for path in ("/me", "/status", "/encounters", "/staff", "/nothing-here"):
        headers = window.ask(path).headers
        if path != "/nothing-here":
            assert headers["Cache-Control"] == "no-store"
            assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    page = requests.get(f"{shared_office.root}/ui", timeout=10)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_site_may_do_without_the_console(cast: Config) -> None:
    with running(replace(cast, console=ConsoleConfig(enabled=False)), page=True) as site:
        root = f"http://127.0.0.1:{site.config.door.port}"
        assert 404 == requests.get(f"{root}/ui", timeout=10).status_code
        assert 404 == requests.post(f"{root}/ui/api/login", json={}, timeout=10).status_code
