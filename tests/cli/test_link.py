"""``link``: binding a counter, looking how it stands, and sending without a daemon."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest
from center_bed import INSTITUTION
from uplink_bed import Centre, centre

from yibao_face.daemon.cli.centre import link
from yibao_face.daemon.cli.centre.link import _STATES
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.section import CentreConfig
from yibao_face.daemon.wiring import desk_of
from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.uplink.api import State
from yibao_face.sync.uplink.lock import SendLock

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]


@pytest.fixture
def center(tmp_path_factory: pytest.TempPathFactory) -> Generator[Centre, None, None]:
    """A running centre."""
    with centre(tmp_path_factory.mktemp("center")) as made:
        yield made


@pytest.fixture
def counter(center: Centre, site: Config, settle: Callable[[Config], None]) -> Config:
    """A home whose configuration names the centre."""
    config = replace(site, centre=CentreConfig(center.place.url))
    settle(config)
    return config


def write(config: Config, count: int) -> None:
    with desk_of(config) as desk:
        for n in range(count):
            entry = Entry(
                Kind.SETTLEMENT, refused(Cause.OTHER_PERSON), INSTITUTION, "p" * 64, f"D{n}"
            )
            desk.ledger.write(desk.ledger.new_id(), entry)


def enrol(run: Run, center: Centre, *more: str) -> tuple[int, str, str]:
    ca = center.folder / "ca.pem"
    return run("link", "enrol", "--ca", ca, "--code", center.code(), *more)


@pytest.mark.usefixtures("counter")
def test_enrol_binds_and_says_whom_and_until_when(center: Centre, run: Run) -> None:
    code, out, err = enrol(run, center, "--device", "counter-1")

    assert (0, "") == (code, err)
    assert out.startswith(f"已绑定 / bound: counter-1 @ {INSTITUTION}, 有效期至 / until 20")
    assert 1 == out.count("\n")


@pytest.mark.usefixtures("at_home")
def test_enrol_says_what_is_left_to_set(center: Centre, run: Run) -> None:
    _, out, _ = enrol(run, center, "--url", center.place.url)

    assert f'[centre] url = "{center.place.url}"' in out


@pytest.mark.usefixtures("counter")
def test_enrol_fails_in_one_line(center: Centre, refusal: Refusal, tmp_path: Path) -> None:
    ca = center.folder / "ca.pem"
    told = refusal("link", "enrol", "--ca", ca, "--code", "NO-SUCH")
    assert "the centre answered 403 code" == told
    told = refusal("link", "enrol", "--ca", ca, "--code", center.code(), "--device", "counter-9")
    assert "the code is for device counter-1, not counter-9" == told
    told = refusal("link", "enrol", "--ca", tmp_path / "no.pem", "--code", "X")
    assert "no.pem cannot be read: No such file or directory" == told
    told = refusal("link", "enrol", "--ca", ca, "--code", "X", "--url", "http://centre")
    assert "must be like https://host:51519" in told
    told = refusal("link", "enrol", "--ca", ca, "--code", "X", "--url", "https://localhost:1")
    assert told.startswith("no answer: ConnectionRefusedError")


@pytest.mark.usefixtures("at_home")
def test_without_a_centre_it_is_said(refusal: Refusal, run: Run) -> None:
    assert "where is the centre?" in refusal("link", "enrol", "--ca", "x", "--code", "X")
    assert "未配置中心 / no centre is configured" in refusal("link", "run", "--once")
    assert "未配置中心 / no centre is configured" in refusal("link", "renew")
    assert "未配置中心，本机独立工作 / no centre" in run("link", "status")[1]
    assert "none" == json.loads(run("link", "status", "--json")[1])["state"]


def test_before_it_is_bound_it_is_said(counter: Config, refusal: Refusal, run: Run) -> None:
    write(counter, 2)
    _, out, _ = run("link", "status")

    assert out.startswith("未绑定，本机独立工作 / not bound, works locally · https://localhost:")
    assert "待上传 / waiting 2" in out
    for words in (("run", "--once"), ("run", "--drain"), ("renew",)):
        assert "not bound, first run: yibao-face link enrol" in refusal("link", *words)


def test_drain_sends_everything_and_ends(counter: Config, center: Centre, run: Run) -> None:
    write(counter, 250)
    enrol(run, center)

    code, out, _ = run("link", "run", "--drain")

    assert (0, "待上传 / waiting 0 · 失败 / dead 0\n") == (code, out)
    assert 250 == len(center.stored())


def test_the_manager_is_told_that_it_sends_and_lives(
    counter: Config,
    center: Centre,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(counter, 1)
    enrol(run, center)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setattr(link, "_LOOKS_TOLD", 1)
        run("link", "run", "--drain")

        assert b"READY=1" == manager.recv(99)
        assert b"WATCHDOG=1" == manager.recv(99)


def test_once_sends_one_batch(counter: Config, center: Centre, run: Run) -> None:
    write(counter, 250)
    enrol(run, center)

    code, out, _ = run("link", "run", "--once")

    assert (0, "待上传 / waiting 50 · 失败 / dead 0\n") == (code, out)
    assert [200] == center.script.sizes


def test_beside_another_sender_it_is_said(
    counter: Config, center: Centre, run: Run, refusal: Refusal
) -> None:
    enrol(run, center)
    with SendLock(counter.data / "link" / "send.lock") as lock:
        assert lock.take()

        assert "another process of this machine sends" in refusal("link", "run", "--once")


def test_a_head_is_signed_with_the_key_the_centre_was_told(
    counter: Config, center: Centre, run: Run
) -> None:
    write(counter, 1)
    enrol(run, center)
    run("link", "run", "--once")

    [batch] = center.script.batches
    assert batch.head is not None
    assert 1 == batch.head.seq
    assert {} == center.alarms()


def test_revoked_it_is_refused_in_one_line(
    counter: Config, center: Centre, run: Run, refusal: Refusal
) -> None:
    write(counter, 1)
    enrol(run, center)
    center.center.devices.revoke("counter-1", "stolen", unix_ms())

    assert "the centre answered 403 revoked" == refusal("link", "run", "--once")
    assert "revoked" in refusal("link", "run", "--drain").splitlines()[-1]


@pytest.mark.usefixtures("counter")
def test_renew_makes_another_certificate(center: Centre, run: Run) -> None:
    enrol(run, center)
    before = run("link", "status", "--json")[1]

    code, out, err = run("link", "renew")

    assert (0, "") == (code, err)
    assert out.startswith("已更换证书 / renewed: counter-1 @ ")
    assert json.loads(before)["device"] == "counter-1"
    assert 0 == run("link", "run", "--once")[0]


def test_status_of_a_bound_counter_at_rest(counter: Config, center: Centre, run: Run) -> None:
    enrol(run, center)
    write(counter, 1)

    _, out, _ = run("link", "status")

    assert "离线，记录保存在本机 / offline, records are kept here" in out
    assert "上传服务未运行 / nothing sends now" in out
    assert f"设备 / device counter-1 · 机构 / institution {INSTITUTION}" in out
    assert "证书有效期至 / certificate until 20" in out
    assert "最早待上传 / oldest waiting: 20" in out


def test_every_state_has_its_words() -> None:
    assert {"none", *(state.value for state in State)} == _STATES.keys()
