"""Releases, manifests, state, settings and answers: read as they are meant, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.installer.update.decision import Health, Sample, Verdict, Watch, judge
from yibao_face.installer.update.fault import NotGenuineError, UpdateError
from yibao_face.installer.update.release import Release, order_of, parse_release
from yibao_face.installer.update.site import SiteError, read_site
from yibao_face.installer.update.state import State, StateError, Step, read_state, write_state
from yibao_face.installer.update.swap.hands import health_of
from yibao_face.installer.update.swap.switch import Pointer, SwitchError
from yibao_face.installer.update.version import Version

RELEASE = Release(
    *(Version(1, 2, 3), "linux-x86_64", "yibao-face-1.2.3-linux-x86_64.tar.xz"),
    *("ab" * 32, 10, 20, 3, Version(1, 0, 0)),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def test_a_release_is_read_as_it_was_written() -> None:
    assert RELEASE == parse_release(json.dumps(RELEASE.body()).encode())


def test_keys_of_a_newer_program_do_no_harm() -> None:
    assert RELEASE == parse_release(json.dumps(RELEASE.body() | {"notes": "新"}).encode())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("format", v) for v in (2, True, "1", None)),
        *(("version", v) for v in ("1.2", "01.2.3", "1.2.3-rc1", "1.2.3\n", "１.2.3", 1, None)),
        *(("platform", v) for v in ("", "../x", "LINUX", None)),
        *(("archive", v) for v in ("../x", "a/b", ".x", "x" * 200, "x\n", None)),
        *(("sha256", v) for v in ("", "AB" * 32, "ab" * 31, None)),
        *(("size_bytes", v) for v in (0, -1, 1.5, True, "1", 1 << 50)),
        *(("entries", v) for v in (0, 1 << 40)),
        ("readable_from", "x"),
    ],
)
def test_a_release_that_is_not_as_it_should_be(key: str, value: object) -> None:
    with pytest.raises(NotGenuineError):
        parse_release(json.dumps(RELEASE.body() | {key: value}).encode())


def test_a_key_twice_is_refused() -> None:
    text = json.dumps(RELEASE.body())
    with pytest.raises(NotGenuineError):
        parse_release((text[:-1] + ', "version": "9.9.9"}').encode())


@given(st.binary() | _JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_the_bytes_they_are_a_release_or_refused(data: bytes) -> None:
    with pytest.raises(NotGenuineError):
        parse_release(data)


@given(key=st.sampled_from(sorted(RELEASE.body())), value=_JSON)
def test_whatever_one_value_it_is_read_or_refused(key: str, value: object) -> None:
    try:
        found = parse_release(json.dumps(RELEASE.body() | {key: value}).encode())
    except NotGenuineError:
        return
    assert found.body()[key] == value


@given(_JSON)
def test_whatever_the_payload_it_is_an_order_or_refused(payload: Any) -> None:
    with pytest.raises(NotGenuineError):
        order_of(payload)


@pytest.mark.parametrize("mirror", ["file:///etc", "ftp://x", "http://", "https://a b", 1])
def test_a_mirror_is_an_address(mirror: object) -> None:
    files = [{"name": "a", "sha256": "ab" * 32, "size_bytes": 1}]
    body = {"release": "1.2.3", "files": files}
    assert Version(1, 2, 3) == order_of(body).version
    with pytest.raises(NotGenuineError):
        order_of(body | {"mirror": mirror})


@given(_JSON)
def test_whatever_lies_in_the_state_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = tmp_path_factory.mktemp("state") / "state.json"
    path.write_text(json.dumps(value), "utf-8")
    try:
        assert State() == read_state(path)
    except StateError:
        assert {} != value


def test_the_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = State(
        Step.SWITCHING, "1.1.0", "1.0.0", "1.0.0", "1.1.0", "", {"1": "x"}, cuts={"1": 2}
    )
    write_state(tmp_path / "state.json", state)

    assert state == read_state(tmp_path / "state.json")
    assert ["state.json"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("body", [{"step": "x"}, {"new": 1}, {"waiting": 1}, {"cuts": {"1": "x"}}])
def test_a_state_of_another_program_is_refused(tmp_path: Path, body: object) -> None:
    (tmp_path / "state.json").write_text(json.dumps(body), "utf-8")
    with pytest.raises(StateError):
        read_state(tmp_path / "state.json")


@given(st.binary(max_size=80))
def test_whatever_the_pointer_holds_it_names_a_version_or_none(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    root = tmp_path_factory.mktemp("root")
    (root / "current.txt").write_bytes(data)
    with pytest.raises(SwitchError):
        Pointer(root).current()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "data is missing"),
        ("data = 'x'", "restart is missing"),
        ("data = 'x'\nrestart = []", "restart is no list"),
        ("data = 'x'\nrestart = [1]", "restart is no text"),
        ("data = 1\nrestart = ['x']", "data is no text"),
        ("data = 'x'\nrestart = ['x']\nmirorr = ''", "unknown key mirorr"),
        ("data = 'x'\nrestart = ['x']\nswitch = 'junction'", "symlink or pointer"),
        ("data = 'x'\nrestart = ['x']\nidle_wait_s = -1", "idle_wait_s is no number"),
        ("data = 'x'\nrestart = ['x']\n[watch]\nseconds = 1", "watch has"),
        ("data = ", "cannot be read"),
    ],
)
def test_settings_that_are_wrong_name_the_key(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "update.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SiteError, match=why):
        read_site(path)


def test_settings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "update.toml"
    path.write_text(
        "data = '/var/lib/yibao-face'\nrestart = ['systemctl', 'restart', 'yibao-face']\n"
        "selftest = [['{program}', 'doctor', '--json']]\nswitch = 'pointer'\n"
        "[watch]\nwatch_s = 90\n",
        "utf-8",
    )
    site = read_site(path)
    assert ("pointer", Watch(watch_s=90.0)) == (site.switch, site.watch)
    assert (("{program}", "doctor", "--json"),) == site.selftest


@given(st.binary() | _JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_answered_it_is_a_health_or_none(body: bytes) -> None:
    assert health_of(body) is None


GOOD, OTHER = Health("1.2.3", False, True), Health("1.2.2", False, True)
UNABLE = Health("1.2.3", False, False)
FAULTY = Health("1.2.3", False, True, "faulty")


@pytest.mark.parametrize(
    ("looks", "before", "verdict"),
    [
        ([], "", Verdict.WAIT),
        ([(0, None), (29, None)], "", Verdict.WAIT),
        ([(0, None), (31, None)], "", Verdict.SILENT),
        ([(0, OTHER), (31, OTHER)], "", Verdict.OTHER),
        ([(0, UNABLE), (31, UNABLE)], "", Verdict.UNABLE),
        ([(5, GOOD), (59, GOOD)], "", Verdict.WAIT),
        ([(5, GOOD), (60, GOOD)], "", Verdict.GOOD),
        ([(5, GOOD), (55, GOOD), (60, GOOD)], "", Verdict.GOOD),
        ([(5, GOOD), (14, None)], "", Verdict.WAIT),
        ([(5, GOOD), (16, None)], "", Verdict.SILENT),
        ([(55, GOOD), (60, None)], "", Verdict.WAIT),
        ([(55, FAULTY), (60, FAULTY)], "streaming", Verdict.CAMERA),
        ([(55, FAULTY), (60, FAULTY)], "faulty", Verdict.GOOD),
        ([(55, FAULTY), (60, FAULTY)], "", Verdict.GOOD),
    ],
)
def test_how_a_new_version_does(
    looks: list[tuple[float, Health | None]], before: str, verdict: Verdict
) -> None:
    samples = [Sample(at_s, health) for at_s, health in looks]
    assert verdict is judge(samples, Version(1, 2, 3), Watch(), before)


@pytest.mark.parametrize("error", UpdateError.__subclasses__())
def test_every_error_tells_a_clerk_what_happened(error: type[UpdateError]) -> None:
    assert error.told
    assert not error.told.isascii()
