"""What is handed out for Windows, installed and run under Wine: ``package windows --check``."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from frozen_bed import (
    OUT,
    PACKAGED,
    PORT,
    Site,
    answers,
    called,
    health,
    serving,
    until,
    whole_setup,
)
from harness import FIRST, ROOT, require
from setup_bed import ROOT_KEY, RUN_KEY, path, windows
from ui_bed import Hands

from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.picture.portraits import load_portrait
from yibao_face.daemon.demo.window.desktop import TOOLS, Desktop, virtual_desktop
from yibao_face.installer.update.site import read_site
from yibao_face.installer.windows.audit import floor_of, missing, needs
from yibao_face.installer.windows.nsis import Payload, compile_setup

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not PACKAGED, reason="made and checked by: package windows --check"),
]
# Of Windows itself; what a program needs beside these lies beside it.
SYSTEM = frozenset(
    f"{name}.dll"
    for name in (
        *(
            "advapi32",
            "authz",
            "avicap32",
            "avrt",
            "bcrypt",
            "bcryptprimitives",
            "cfgmgr32",
            "comctl32",
        ),
        *("comdlg32", "crypt32", "d3d11", "d3d9", "dbghelp", "dnsapi", "dwmapi", "dwrite", "dxgi"),
        *("gdi32", "hid", "imm32", "iphlpapi", "kernel32", "mf", "mfplat", "mfreadwrite"),
        *(
            "mpr",
            "msi",
            "mswsock",
            "msvcrt",
            "ncrypt",
            "netapi32",
            "ntdll",
            "ole32",
            "oleaut32",
            "opengl32",
        ),
        *("pdh", "powrprof", "propsys", "psapi", "rpcrt4", "secur32", "setupapi", "shcore"),
        *("shell32", "shlwapi", "ucrtbase", "user32", "userenv", "uxtheme", "version", "wevtapi"),
        *(
            "wininet",
            "winmm",
            "winspool.drv",
            "winusb",
            "wldap32",
            "ws2_32",
            "wsock32",
            "wtsapi32",
        ),
        *("d3d12", "d2d1", "mfsensorgroup", "sensorsutilsv2", "winhttp", "dcomp", "concrt140"),
    )
) | {"winspool.drv"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site, None, None]:
    machine = windows(
        ROOT / ".dev" / "windows" / "prefix-package", tmp_path_factory.mktemp("real")
    )
    machine.wine.kill()
    # What a run that was broken off left.
    for msi in OUT.glob("*.msi"):
        machine.wine.call(["msiexec", "/x", path(msi), "/qn"], wait_s=300)
    shutil.rmtree(machine.program, ignore_errors=True)
    shutil.rmtree(machine.data, ignore_errors=True)
    machine.wine.call(["reg", "delete", ROOT_KEY, "/f"], wait_s=60)
    for folder in ("clip", "HIS"):
        (machine.wine.drive / folder).mkdir(exist_ok=True)
    measured: dict[str, float] = {}
    yield Site(machine, measured)
    machine.wine.kill()
    (OUT / "measured.json").write_text(json.dumps(measured, indent=1) + "\n", "ascii")


def memory_mb(program: str) -> float:
    found = [p for p in psutil.process_iter(["cmdline"]) if program in str(p.info["cmdline"])]
    return max((p.memory_info().rss for p in found), default=0) / 1e6


def test_wrong_answers_change_nothing(site: Site) -> None:
    machine = site.machine
    assert 64 == machine.setup(whole_setup())
    file = machine.held / "wrong.ini"
    file.write_text("[install]\norg_code = H4401\n", "utf-8")
    assert 64 == machine.setup(whole_setup(), f"/ANSWER={path(file)}", wait_s=900)

    assert not machine.program.exists()
    assert machine.value(ROOT_KEY, "Version") is None


def test_a_silent_setup_installs_what_was_answered(site: Site) -> None:
    machine = site.machine
    began_s = time.monotonic()
    assert 0 == machine.setup(whole_setup(), answers(site), "/NOSTART", wait_s=900)
    site.measured["setup_s"] = round(time.monotonic() - began_s, 1)

    version = machine.value(ROOT_KEY, "Version")
    assert (machine.program / "current.txt").read_text("ascii") == f"app-{version}\n"
    assert machine.value(RUN_KEY, "yibao-face") is not None
    config = (machine.data / "config.toml").read_text("utf-8")
    assert 'institution = "H44010600001"' in config
    assert f"127.0.0.1:{PORT}" == machine.value(ROOT_KEY + r"\library", "daemon")
    assert (machine.wine.drive / "HIS" / "HisCallFace.dll").is_file()
    settings = read_site(machine.program / "update" / "update.toml")
    assert settings.restart[1:] == ("setup", "restart")
    assert '"ok": true' in (machine.data / "logs" / "install-report.txt").read_text("utf-16")
    assert 0 == site.run("--version")[0]


def test_a_his_call_through_the_installed_library(site: Site, home: Config) -> None:
    """Clip and portraits are of the demo: invented persons, simulated depth."""
    machine = site.machine
    photos = [machine.held / f"{name}.jpg" for name in ("first-1", "first-3")]
    for photo in photos:
        photo.write_bytes(load_portrait(photo.stem, home.downloads))
    words = ("--id", FIRST, "--name", "ZhangSan", "--photo", *map(path, photos))
    assert 0 == site.run("person", "add", *words)[0]
    with serving(site, "serve", "--demo") as started_s:
        site.measured["first_start_s"] = round(started_s, 2)
        assert 1 == called(site, "live-first")
        assert 0 == called(site, "flat-first")
        assert 0 == called(site, "live-second")
        site.measured["serving_rss_mb"] = round(memory_mb("serve"), 0)
    with serving(site, "serve", "--demo") as started_s:
        site.measured["warm_start_s"] = round(started_s, 2)


def test_the_doctor_of_the_installed_program(site: Site) -> None:
    """What is no fault of this Windows is well; it knows the library in the HIS folder."""
    with serving(site, "serve", "--demo"):
        words = ("--his", r"C:\HIS", "--report", r"C:\doctor.json")
        code, told = site.run("doctor", *words, wait_s=300)
    assert code in (0, 3), told
    report = json.loads((site.machine.wine.drive / "doctor.json").read_text("utf-8"))
    found = {row["id"]: row for row in report["checks"]}
    (OUT / "doctor.json").write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")

    assert len(found) >= 30
    for name in ("library-files", "library-setting", "papers"):
        assert "ok" == found[name]["level"], found[name]


def test_window_and_tray_of_the_installed_agent_come_up(site: Site) -> None:
    """On a desktop nobody sits at; the launcher without a console keeps it."""
    for name in (*TOOLS, "xdotool", "xwininfo", "import"):
        require(name)
    with virtual_desktop(1280, 1024) as desktop:
        hands = Hands(desktop)
        more = {"DISPLAY": desktop.display}
        with serving(site, "agent", "--demo", program="yibao-face-agent.exe", more=more):
            until(lambda: has_icon(desktop, hands), 120)
            with ThreadPoolExecutor(1) as his:
                answer = his.submit(called, site, "live-first")
                until(hands.windows, 60)
                shot = [require("import"), "-window", "root", str(OUT / "agent.png")]
                subprocess.run(shot, env=desktop.environment, check=False, timeout=60)
                # Pass or not is another test's: he may have to act after the attack before.
                assert answer.result(180) in (0, 1)


def has_icon(desktop: Desktop, hands: Hands) -> bool:
    """Whether Wine, which draws them all, has an icon in the place for tray icons."""
    panel = hands.do("search", "--class", "trayer").split()[-1]
    words = [require("xwininfo"), "-id", panel, "-tree"]
    done = subprocess.run(words, env=desktop.environment, check=True, capture_output=True)
    return b'"explorer.exe"' in done.stdout


def test_a_copy_that_fails_its_test_is_not_switched_to(site: Site) -> None:
    machine = site.machine
    unfit = variant(site, "0.9.0", damaged=True)
    before = (machine.program / "current.txt").read_bytes()
    assert 3 == machine.setup(unfit, "/NOSTART", wait_s=900)

    assert before == (machine.program / "current.txt").read_bytes()
    assert not list(machine.program.glob("app-0.9.0*"))


def test_upgrade_rollback_uninstall(site: Site) -> None:
    machine = site.machine
    first = machine.value(ROOT_KEY, "Version")
    config = machine.data / "config.toml"
    # What was edited by hand is also in force: after the spoof before, he would have to act.
    edited = '\n[liveness]\nchallenge = "never" # edited by hand\n'
    config.write_text(config.read_text("utf-8") + edited, "utf-8")
    records = (machine.data / "results.db").stat().st_size
    younger = variant(site, "0.9.1")
    with serving(site, "serve", "--demo"):
        assert 0 == machine.setup(younger, "/NOSTART", wait_s=900)
        assert health() is None
    report = (machine.data / "logs" / "install-report.txt").read_text("utf-16")
    assert "asked" in report, "the daemon was ended without a word"
    assert "0.9.1" == machine.value(ROOT_KEY, "Version")
    assert "0.9.1" in site.run("--version")[1]
    assert "# edited by hand" in config.read_text("utf-8")
    assert records <= (machine.data / "results.db").stat().st_size
    with serving(site, "serve", "--demo"):
        assert 1 == called(site, "live-first")

    assert 0 == machine.setup(younger, "/ROLLBACK", "/NOSTART", wait_s=300)
    assert first == machine.value(ROOT_KEY, "Version")
    assert str(first) in site.run("--version")[1]

    assert 0 == machine.uninstall()
    assert [] == list(machine.program.rglob("*"))
    assert not (machine.wine.drive / "HIS" / "HisCallFace.dll").exists()
    assert (machine.data / "results.db").is_file()
    assert machine.value(RUN_KEY, "yibao-face") is None


def variant(site: Site, version: str, *, damaged: bool = False) -> Path:
    """The same program under another version; ``damaged``: one network was altered on its way."""
    folder = site.machine.held / version
    bundle = folder / "bundle"
    shutil.copytree(OUT / "work" / "dist" / "yibao-face", bundle, copy_function=os.link)
    [about] = (bundle / "_internal").glob("yibao_face-*.dist-info/METADATA")
    text = about.read_text("utf-8")
    about.unlink()
    old = next(line for line in text.splitlines() if line.startswith("Version: "))
    about.write_text(text.replace(old, f"Version: {version}", 1), "utf-8")
    if damaged:
        network = next((bundle / "weights").glob("sface*.onnx"))
        data = bytearray(network.read_bytes())
        data[len(data) // 2] ^= 1
        network.unlink()
        network.write_bytes(data)
    work = OUT / "work"
    icon = work / "resource" / "yibao-face.ico"
    payload = Payload(bundle, work / "launcher", work / "shim", icon)
    return compile_setup(folder / f"setup-{version}.exe", version, payload, "none")


def test_an_msi_installs_and_removes(site: Site) -> None:
    machine = site.machine
    [msi] = OUT.glob("*.msi")
    words = ["msiexec", "/i", path(msi), "/qn", "ORGCODE=H44010600001"]
    with virtual_desktop(1280, 1024) as desktop:
        with machine.started(words, {"DISPLAY": desktop.display}) as process:
            code = process.wait(900)
            report = machine.data / "logs" / "install-report.txt"
            assert 0 == code, report.read_text("utf-16")
        assert machine.value(ROOT_KEY, "Version") is not None

        with machine.started(["msiexec", "/x", path(msi), "/qn"], {}) as process:
            assert 0 == process.wait(300)
        assert health() is None
    assert machine.value(ROOT_KEY, "Version") is None
    assert [] == list(machine.program.rglob("*"))


def test_a_port_another_program_has_is_told_and_nothing_changed(site: Site) -> None:
    machine = site.machine
    with socket.create_server(("127.0.0.1", PORT)):
        assert 2 == machine.setup(whole_setup(), answers(site), wait_s=900)

    assert [] == list(machine.program.rglob("*"))
    assert machine.value(ROOT_KEY, "Version") is None


def test_without_camera_and_centre_it_is_installed_and_says_so(site: Site) -> None:
    """Then everything is taken away: /PURGE."""
    machine = site.machine
    shutil.rmtree(machine.data, ignore_errors=True)
    (machine.held / "ca.pem").write_text("no certificate", "ascii")
    centre = ("centre_url = https://127.0.0.1:1", "enrol_code = ONCE-1", "ca_file = ca.pem")
    (machine.wine.drive / "clip" / "before-camera.rgbd").unlink(missing_ok=True)
    assert 0 == machine.setup(whole_setup(), answers(site, *centre), "/NOSTART", wait_s=900)
    report = (machine.data / "logs" / "install-report.txt").read_text("utf-16")
    assert "link enrol" in report
    assert "ONCE-1" not in report
    with serving(site, "serve", "--demo"):
        assert 0 == called(site, "")

    assert 0 == machine.uninstall("/PURGE")
    assert not machine.data.exists()
    assert [] == list(machine.program.rglob("*"))


def test_import_tables_name_nothing_that_is_neither_here_nor_in_windows() -> None:
    found = needs(OUT / "work" / "dist" / "yibao-face")

    assert {} == missing(found, SYSTEM)
    assert floor_of(found).startswith("10")


def test_the_library_loads_on_windows_7() -> None:
    assert "7" == floor_of(needs(OUT / "work" / "shim"))
