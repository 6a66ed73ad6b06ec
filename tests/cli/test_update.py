"""``yibao-face update`` and the vendor's side of it, as an administrator types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest
from update_site import NEW, OLD, PLATFORM, Counter, Vendor, make_program

from yibao_face.daemon.agent.waiting import Waiting
from yibao_face.daemon.config import Config, to_toml
from yibao_face.installer.__main__ import main as vendor_main
from yibao_face.installer.update.decision import Watch
from yibao_face.installer.update.publish.key import PASSWORD_VARIABLE
from yibao_face.installer.update.swap.hands import ask
from yibao_face.installer.update.swap.switch import Way, switch_of
from yibao_face.installer.update.version import Version

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
# What a service manager does: end the old program, start what is current.
RESTART = """
import os, signal, subprocess, sys, time
from pathlib import Path
root, child, current = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
try:
    pid = int(child.read_text())
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
        time.sleep(0.01)
except (OSError, ValueError):
    pass
name = (root / current).read_text().strip() if current.endswith(".txt") else current
with open(os.devnull, "rb+") as nothing:
    started = subprocess.Popen(
        [root / name / "yibao-face", "serve", *sys.argv[4:]],
        stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True,
    )
child.write_text(str(started.pid))
"""


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    return Vendor(tmp_path / "vendor")


@pytest.fixture(params=["symlink", "pointer"])
def pc(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    vendor: Vendor,
    monkeypatch: pytest.MonkeyPatch,
) -> Generator[Counter, None, None]:
    data = tmp_path / "data"
    data.mkdir()
    made = Counter(tmp_path / "root", data, request.param).trust(vendor)
    monkeypatch.setenv("YIBAO_FACE_ROOT", str(made.root))
    monkeypatch.setenv("YIBAO_FACE_HOME", str(data))
    settle(made, str(made.port), str(data / "busy"))
    made.start()
    yield made
    made.stop()


def settle(pc: Counter, *words: str, more: str = "") -> None:
    """Write the PC's ``update.toml``; ``words``: what its service is started with."""
    hook = pc.data.parent / "restart.py"
    hook.write_text(RESTART, "utf-8")
    current = "current" if pc.kind == "symlink" else "current.txt"
    restart = [sys.executable, str(hook), str(pc.root), str(pc.child), current, *words]
    text = (
        f"data = {json.dumps(str(pc.data))}\nrestart = {json.dumps(restart)}\n"
        f"switch = '{pc.kind}'\nplatform = '{PLATFORM}'\n"
        f"health = 'http://127.0.0.1:{pc.port}/health'\n{more}\n"
        "[watch]\nwatch_s = 1\nstart_s = 90\nsilence_s = 30\n"
    )
    (pc.place.own / "update.toml").write_text(text, "utf-8")


@contextmanager
def mirror(folder: Path) -> Generator[str, None, None]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *words: object) -> None:  # its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_from_an_update_file_to_the_new_version_and_back(
    vendor: Vendor, pc: Counter, run: Run, refusal: Refusal
) -> None:
    vendor.release()
    stick = vendor.stick()

    assert "有新版本 1.1.0" in run("update", "check", stick)[1]
    assert "1.1.0 已导入并通过自检" in run("update", "take", stick)[1]
    assert "待切换 / waits: 1.1.0" in run("update", "status")[1]
    assert "已更新到 1.1.0" in run("update", "apply")[1]
    assert (NEW, "1.1.0") == (pc.current, pc.answers())
    assert "已是最新版本" in run("update", "check", stick)[1]
    assert "idle" in run("update", "resume")[1]

    assert "已退回 1.0.0" in run("update", "rollback")[1]
    assert (OLD, "1.0.0") == (pc.current, pc.answers())
    assert "1.1.0: left by hand" in run("update", "status")[1]
    assert "现有版本继续使用" not in refusal("update", "take", stick)
    assert 0 == run("update", "take", "--again", stick)[0]
    assert "没有" not in run("update", "apply")[1]


def test_refusals_are_one_line_that_begins_in_chinese(
    vendor: Vendor, pc: Counter, refusal: Refusal, tmp_path: Path
) -> None:
    assert refusal("update", "take", tmp_path / "missing").startswith("更新文件读不到")
    assert refusal("update", "take").startswith("没有可用的更新来源")
    assert refusal("update", "apply").startswith("这个更新不适用于本机")
    assert refusal("update", "rollback").startswith("这个更新不适用于本机")
    other = Vendor(tmp_path / "other")
    other.release()
    assert refusal("update", "take", other.stick()).startswith("更新文件的签名")
    (pc.place.own / "update.toml").write_text("dta = 'x'", "utf-8")
    assert "unknown key dta" in refusal("update", "status")
    (pc.place.own / "update.toml").unlink()
    assert "update.toml cannot be read" in refusal("update", "status")


def test_what_the_centre_lays_down_is_taken_and_applied(
    vendor: Vendor, pc: Counter, run: Run, refusal: Refusal, tmp_path: Path
) -> None:
    """The whole way of a document: signed, ``inbox take``, tray, ``update run``."""
    release = vendor.release()
    keys = run("policy", "keygen", "-o", tmp_path / "seed")[1]
    (pc.data / "centre-keys.json").write_text(keys, "utf-8")
    with mirror(vendor.repository.folder) as address:
        payload = vendor.repository.manifest([release], address)
        (tmp_path / "draft").write_text(json.dumps(payload), "utf-8")
        signing = ("--kind", "update-manifest", "--version", 1, "--key", tmp_path / "seed")
        letter = tmp_path / "letter"
        assert 0 == run("center", "sign", *signing, tmp_path / "draft", "-o", letter)[0]
        assert "已生效" in run("inbox", "take", letter)[1]
        assert "1.1.0" == Waiting("1.0.0", pc.root, pc.data).version()

        assert "有新版本 1.1.0" in run("update", "check")[1]
        assert "已更新到 1.1.0" in run("update", "run")[1]
        assert "1.1.0" == pc.answers()
        assert "已是最新版本" in run("update", "run")[1]
        assert "" == Waiting("1.1.0", pc.root, pc.data).version()

    accepted = pc.data / "update.accepted.json"
    accepted.write_text(accepted.read_text("utf-8").replace("1.1.0", "1.9.0"), "utf-8")
    assert "update.accepted.json: the signature does not fit" in refusal("update", "check")


def test_the_mirror_of_the_site_serves_where_no_centre_does(
    vendor: Vendor, pc: Counter, run: Run
) -> None:
    vendor.release()
    settle(
        pc,
        *(str(pc.port), str(pc.data / "busy")),
        more=f"mirror = {json.dumps(str(vendor.repository.folder))}",
    )
    assert "已更新到 1.1.0" in run("update", "run")[1]


def test_a_timer_finds_what_is_on_a_stick_and_is_content_with_what_is_not_for_it(
    vendor: Vendor, pc: Counter, run: Run, tmp_path: Path
) -> None:
    sticks = f"sticks = {json.dumps([str(tmp_path / 'U 盘' / '*.update')])}"
    settle(pc, str(pc.port), str(pc.data / "busy"), more=sticks)
    assert (0, "没有可用的更新 / nothing is offered\n") == run("update", "run")[:2]
    stick = tmp_path / "U 盘"
    stick.mkdir()
    (stick / "0.update").write_text("no update")
    vendor.release()
    vendor.stick().rename(stick / "1.update")

    code, out, _ = run("update", "run")

    assert (0, "1.1.0") == (code, pc.answers())
    assert "已更新到 1.1.0" in out
    code, out, _ = run("update", "run")
    assert 0 == code
    assert "0.update：更新文件读不到" in out


def test_what_was_taken_by_hand_is_applied_by_the_timer(
    vendor: Vendor, pc: Counter, run: Run
) -> None:
    vendor.release()
    run("update", "take", vendor.stick())

    assert "已更新到 1.1.0" in run("update", "run")[1]


def test_a_package_hands_over_what_runs_as_what_to_go_back_to(
    vendor: Vendor, pc: Counter, run: Run
) -> None:
    vendor.release()
    run("update", "take", vendor.stick())

    assert 0 == run("update", "adopt")[0]

    told = run("update", "status")[1]
    assert "待切换 / waits: -" in told
    assert "kept to go back to: 1.0.0" in told
    assert "no vendor root" not in told


def test_without_the_vendors_root_it_is_said_how_updates_come(pc: Counter, run: Run) -> None:
    pc.place.trust.unlink()

    assert "没有厂商根证书，只能用安装包更新" in run("update", "status")[1]


@pytest.mark.timeout(180)
def test_the_real_daemon_is_switched_to_and_answers(
    vendor: Vendor, site: Config, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a program that only answers to this checkout's daemon, watched by its own health."""
    ours = Version.parse(version("yibao-face"))
    before = Version(0, 0, 9)
    pc = Counter(tmp_path / "root", site.data).trust(vendor)
    switch = switch_of(pc.root, pc.kind)
    make_program(pc.place.app(before), before)
    switch.lay(Way.ON, before)
    switch.go(Way.ON)
    monkeypatch.setenv("YIBAO_FACE_ROOT", str(pc.root))
    config = site.data / "config.toml"
    config.write_bytes(to_toml(site).encode())
    bundle = make_program(tmp_path / "bundle", ours)
    program = bundle / "yibao-face"
    program.write_text(
        f'#!/bin/sh\n[ "$1" != serve ] || set -- serve --config {config} --port "$2"\n'
        f'exec {sys.executable} -P -m yibao_face.daemon "$@"\n'
    )
    vendor.publish(bundle, ours, before)
    settle(pc, str(pc.port), str(pc.data / "busy"), more="selftest = []")
    pc.start()
    try:
        assert "0.0.9" == pc.answers()
        assert 0 == run("update", "take", vendor.stick())[0]
        code, out, err = run("update", "apply")
        assert 0 == code, (out, err)
        health = ask(pc.site.health)
        assert health is not None
        assert (str(ours), True) == (health.version, health.able)
        back = run("update", "rollback")
        assert "已退回 0.0.9" in back[1], back
        assert "0.0.9" == pc.answers()
    finally:
        pc.stop()


def test_a_program_without_the_frameworks_library_says_so() -> None:
    code = (
        "import sys; sys.modules['tuf'] = None\n"
        "from yibao_face.daemon.cli.main import main\n"
        "sys.exit(main(['update', 'status']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert 1 == done.returncode
    assert 1 == done.stderr.count(b"\n")
    assert "请用安装包更新" in done.stderr.decode()


def vended(*words: object) -> int:
    return vendor_main([str(word) for word in words])


def test_the_vendors_side_from_keys_to_a_stick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "a good password")
    repository, update = tmp_path / "repository", ("update", "--out", tmp_path / "repository")
    keys = {name: tmp_path / f"{name}.pem" for name in ("a", "b", "t", "s")}
    for key in keys.values():
        assert 0 == vended(*update, "keygen", key)
        assert b"ENCRYPTED" in key.read_bytes()
        assert 0o600 == key.stat().st_mode & 0o777
    public = {name: tmp_path / f"{name}.pub.json" for name in keys}
    root = tmp_path / "root.json"
    roles = ("--root", public["a"], public["b"], "--targets", public["t"])
    roles += ("--snapshot", public["s"], "--timestamp", public["s"])
    assert 0 == vended(*update, "root", root, *roles)
    assert 0 == vended(*update, "sign", root, "--key", keys["a"])
    assert 1 == vended(*update, "publish-root", root)
    assert "not signed as it must be" in capsys.readouterr().err
    assert 0 == vended(*update, "sign", root, "--key", keys["b"])
    assert 0 == vended(*update, "publish-root", root)

    signers = ("--targets-key", keys["t"], "--snapshot-key", keys["s"])
    signers += ("--timestamp-key", keys["s"])
    bundle = make_program(tmp_path / "bundle", NEW)
    about = (bundle, "--version", NEW, "--readable-from", OLD, "--platform", PLATFORM)
    assert 0 == vended(*update, "release", *about, *signers)
    assert 1 == vended(*update, "release", *about, *signers)
    assert "published already" in capsys.readouterr().err
    assert 0 == vended(*update, "refresh", *signers)
    wrong = ("--targets-key", keys["a"], *signers[2:])
    assert 1 == vended(*update, "release", *about[:2], "1.2.0", *about[3:], *wrong)
    assert "these keys do not do for targets" in capsys.readouterr().err
    stick, manifest = tmp_path / "stick", tmp_path / "manifest"
    assert 0 == vended(*update, "stick", stick, "--platform", PLATFORM)
    named = ("--version", NEW, "--platform", PLATFORM)
    assert 0 == vended(*update, "manifest", manifest, *named)
    assert "1.1.0" == json.loads(manifest.read_text("utf-8"))["release"]
    assert 1 == vended(*update, "stick", stick, "--platform", "windows-x86_64")

    pc = Counter(tmp_path / "root", tmp_path / "data")
    pc.watch = Watch(0.5, 20.0, 5.0)
    pc.place.trust.write_bytes((repository / "metadata" / "1.root.json").read_bytes())
    assert NEW == pc.updater().take(stick).version


def test_keys_are_kept_outside_the_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    inside = Path(__file__).parent / "key.pem"
    assert 1 == vended("update", "--out", os.devnull + "x", "keygen", "--no-password", inside)
    assert "outside the checkout" in capsys.readouterr().err
    assert not inside.exists()
