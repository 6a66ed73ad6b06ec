"""The setup for Windows under Wine, with a program that only answers what the setup asks of it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from harness import ROOT, require
from setup_bed import ROOT_KEY, RUN_KEY, Windows, clean, path, stand_in, windows

from yibao_face.installer.windows.msi import compile_msi
from yibao_face.installer.windows.nsis import Payload, compile_shim_setup
from yibao_face.installer.windows.resource import write_icon

pytestmark = pytest.mark.timeout(600)
PREFIX = ROOT / ".dev" / "windows" / "prefix-standin"
CHROME = r"HKLM\Software\Policies\Google\Chrome\LocalNetworkAccessAllowedForUrls"
EDGE = r"HKLM\Software\Policies\Microsoft\Edge\LoopbackNetworkAllowedForUrls"
TASK = "windows/system32/tasks/yibao-face update"
HIS = "his 程序"
LIBRARY_KEY = ROOT_KEY + r"\library"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Windows, None, None]:
    """A clean Windows; its folder has a blank and Chinese in its name."""
    found = windows(PREFIX, tmp_path_factory.mktemp("安装 1"))
    (found.wine.drive / HIS).mkdir(exist_ok=True)
    clean(found)
    yield found
    found.wine.kill()


@pytest.fixture(scope="module")
def old(machine: Windows) -> Path:
    trust = machine.held / "root.json"
    trust.write_text('{"signed": {"_type": "root"}}', "utf-8")
    return stand_in(machine, "0.1.0", trust=trust)


def answers(machine: Windows, text: str) -> str:
    file = machine.held / "应答 文件.ini"
    file.write_text(f"[install]\n{text}\n", "utf-8")
    return f'/ANSWER="{path(file)}"'


def test_without_answers_nothing_is_installed(machine: Windows, old: Path) -> None:
    assert 64 == machine.setup(old)
    assert 64 == machine.setup(old, r"/ANSWER=C:\none.ini")
    assert 64 == machine.setup(old, answers(machine, "org_code = wrong"))

    assert not machine.program.exists()
    assert machine.value(ROOT_KEY, "Version") is None


def test_a_life_from_setup_to_uninstall(machine: Windows, old: Path) -> None:
    """One after the other, as each step stands on the one before."""
    installed(machine, old)
    config = machine.data / "config.toml"
    config.write_text("[desk]\n# 手工修改\n", "utf-8")
    (machine.data / "queue").write_bytes(b"records")

    unfit = stand_in(machine, "0.1.9", ["unfit"])
    assert 3 == machine.setup(unfit)
    assert not list(machine.program.glob("app-0.1.9*"))
    assert in_use(machine) == ("app-0.1.0", "0.1.0")

    younger = stand_in(machine, "0.1.1", ["bare"])
    assert 0 == machine.setup(younger)
    report = (machine.data / "logs" / "install-report.txt").read_text("utf-16")
    assert "yet to be mended" in report
    assert "no registry" in report
    assert in_use(machine) == ("app-0.1.1", "0.1.1")
    assert {"app-0.1.0", "app-0.1.1"} == {one.name for one in machine.program.glob("app-*")}
    assert "手工修改" in config.read_text("utf-8")
    assert "library 0.1.1" == (machine.wine.drive / HIS / "HisCallFace.dll").read_text("ascii")

    assert 0 == machine.setup(younger, "/ROLLBACK")
    assert in_use(machine) == ("app-0.1.0", "0.1.0")

    kept_alive(machine)

    uninstalled(machine)
    assert b"records" == (machine.data / "queue").read_bytes()


def test_purge_leaves_nothing(machine: Windows, old: Path) -> None:
    assert 0 == machine.setup(old, answers(machine, "org_code = H44010600001"))
    uninstalled(machine, "/PURGE")

    assert not machine.data.exists()


def installed(machine: Windows, old: Path) -> None:
    others = ["reg", "add", CHROME, "/v", "1", "/d", "https://other.example", "/f"]
    machine.wine.call(others, wait_s=60)
    half = machine.program / "app-0.0.9.new"
    half.mkdir(parents=True)
    (half / "half").write_bytes(b"x")
    assert 0 == machine.setup(old, answers(machine, "org_code = H44010600001"))
    assert not half.exists()
    assert in_use(machine) == ("app-0.1.0", "0.1.0")
    assert "资料" == (machine.program / "app-0.1.0" / "_internal" / "0.1.0.txt").read_text("utf-8")
    command = r'"C:\Program Files\YibaoFace\yibao-face-agent.exe" agent --wait'
    assert command == machine.value(RUN_KEY, "yibao-face")
    assert "https://b.example:8443" == machine.value(CHROME, "51519")
    assert "https://a.example" == machine.value(EDGE, "51518")
    assert "root" in (machine.program / "update" / "root.json").read_text("utf-8")
    assert (machine.wine.drive / TASK).is_file()
    assert "library 0.1.0" == (machine.wine.drive / HIS / "HisCallFace.dll").read_text("ascii")
    asked = machine.calls()
    assert "应答 文件.ini" in asked
    assert "setup library" in asked


def kept_alive(machine: Windows) -> None:
    """An agent that made room for another version is started again, one that ended is not."""
    (machine.data / "again").touch()
    began = machine.calls().count("agent --wait")
    assert 0 == machine.wine.call([machine.program / "yibao-face-agent.exe"], wait_s=60)[0]
    assert began + 2 == machine.calls().count("agent --wait")


def in_use(machine: Windows) -> tuple[str, str | None]:
    """What the launchers start, and what the registry says."""
    line = (machine.program / "current.txt").read_text("ascii").strip()
    return line, machine.value(ROOT_KEY, "Version")


def uninstalled(machine: Windows, *words: str) -> None:
    assert 0 == machine.uninstall(*words)
    assert [] == [one.name for one in machine.program.rglob("*")]
    assert machine.value(ROOT_KEY, "Version") is None
    assert machine.value(RUN_KEY, "yibao-face") is None
    assert (None, "https://other.example") == (
        machine.value(CHROME, "51518"),
        machine.value(CHROME, "1"),
    )
    assert machine.value(EDGE, "51518") is None
    assert not (machine.wine.drive / TASK).exists()
    assert not (machine.wine.drive / HIS / "HisCallFace.dll").exists()


def test_an_msi_installs_by_the_same_setup_and_takes_it_away(machine: Windows, old: Path) -> None:
    require("wixl")
    file = compile_msi(machine.held / "roll-out.msi", "0.1.0", old, machine.held / "msi")
    install = ["msiexec", "/i", path(file), "/qn", "ORGCODE=H44010600001", "SETUPOPTIONS=/NOSTART"]
    assert 0 == machine.wine.call(install, wait_s=100)[0]
    assert in_use(machine) == ("app-0.1.0", "0.1.0")

    assert 0 == machine.wine.call(["msiexec", "/x", path(file), "/qn"], wait_s=100)[0]
    assert [] == [one.name for one in machine.program.rglob("*")]
    assert machine.value(ROOT_KEY, "Version") is None


def test_the_library_alone_is_installed_for_a_daemon_elsewhere(machine: Windows) -> None:
    """The same script as for old computers, packed for the Windows that is here."""
    shims = machine.held / "library" / "shim"
    (shims / "x86-cdecl").mkdir(parents=True)
    (shims / "x86-cdecl" / "HisCallFace.dll").write_text("cdecl", "ascii")
    payload = Payload(shims, shims, shims, write_icon(machine.held))
    file = machine.held / "library-setup.exe"
    compile_shim_setup(file, "0.1.0", payload, "amd64-unicode")
    key, caller, secret = "0123456789abcdef" * 4, "00112233445566ff", "5e" * 32
    line = f"192.168.1.20:51521,{key},{caller},{secret}"
    wrong = (
        (),
        ("/DAEMON=192.168.1.20:51521", f"/KEY={key}"),
        (f"/PAIR={line[:-1]}",),
        (f"/PAIR={line},more",),
        (f"/PAIR={line.replace(':51521', '')}",),
        (f"/PAIR={line.replace('192.168.1.20', 'desk.example')}",),
        (f"/PAIR={line.replace('ff,', 'fg,')}",),
        (f"/PAIR={line}", "/LIBRARY=arm"),
    )
    for words in wrong:
        assert 64 == machine.setup(file, *words)
    assert machine.value(LIBRARY_KEY, "daemon") is None

    more = (f"/PAIR={line}", "/LIBRARY=x86-cdecl", rf'/HIS="C:\{HIS}"')
    assert 0 == machine.setup(file, *more)
    names = ("daemon", "key", "verify", "caller", "secret")
    found = [machine.value(LIBRARY_KEY, name) for name in names]
    assert ["192.168.1.20:51521", key, "on", caller, secret] == found
    assert "cdecl" == (machine.wine.drive / HIS / "HisCallFace.dll").read_text("ascii")

    place = r"C:\Program Files\YibaoFaceLibrary"
    program = machine.wine.drive / "Program Files" / "YibaoFaceLibrary"
    machine.wine.call([program / "uninstall.exe", "/S", f"_?={place}"], wait_s=100)
    assert not (machine.wine.drive / HIS / "HisCallFace.dll").exists()
    assert machine.value(LIBRARY_KEY, "daemon") is None
