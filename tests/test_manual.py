"""What the manuals say of the program is what it does: commands, options, values, the table."""

from __future__ import annotations

import argparse
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from harness import ROOT

from yibao_face.daemon.cli.machine.doctor import ALL
from yibao_face.daemon.cli.main import parser
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.staff import LOCK_MS, MAX_FAILURES
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.doctor.counter import record
from yibao_face.daemon.doctor.machine import system
from yibao_face.daemon.doctor.machine.folder import LEAST_FREE_BYTES
from yibao_face.daemon.doctor.report import ILL, KEPT
from yibao_face.daemon.doctor.trouble import FAMILIES, table_text
from yibao_face.daemon.door.client import sample_request
from yibao_face.daemon.door.http import ATTENDANCE_PATH, AUTH_PATH, HEALTH_PATH
from yibao_face.daemon.life import life
from yibao_face.daemon.life.clock import JUMP_MS
from yibao_face.daemon.life.crash import MOST_FILES
from yibao_face.daemon.life.log import FILE_BYTES, FILES
from yibao_face.daemon.life.pulse import EXIT_HUNG, Bounds
from yibao_face.daemon.setup.answer import Answer, parse_answer
from yibao_face.daemon.wire.reply import MAX_REPLY_BYTES
from yibao_face.installer.linux import tree
from yibao_face.installer.update.decision import Watch

MANUAL = ROOT / "docs" / "manual"
NAMES = ("安装手册", "运维手册", "HIS对接手册", "隐私与合规", "故障代码表")
VALUES: dict[str, float] = {
    "windows_build": system.WINDOWS_BUILD,
    "glibc": float(".".join(map(str, system.GLIBC))),
    "kernel": float(".".join(map(str, system.KERNEL))),
    "least_free_mb": LEAST_FREE_BYTES / 2**20,
    "pin_failures": MAX_FAILURES,
    "pin_lock_min": LOCK_MS / 60_000,
    "exit_ill": ILL,
    "exit_hung": EXIT_HUNG,
    "stop_s": Bounds().stop_s,
    "loop_s": Bounds().loop_s,
    "grace_s": life._GRACE_S,
    "log_files": FILES,
    "log_mb": FILE_BYTES / 2**20,
    "crash_files": MOST_FILES,
    "clock_jump_s": JUMP_MS / 1000,
    "wait_h": record._WAIT_MS / 3_600_000,
    "long_wait_h": record._LONG_WAIT_MS / 3_600_000,
    "reply_bytes": MAX_REPLY_BYTES,
    "watch_s": Watch().watch_s,
}
SET = re.compile(r"`([a-z_]+)\.([a-z_]+)` = `([^`]*)`")
NAMED = re.compile(r"([0-9.]+)`?<!--=([a-z_]+)-->")
SAID = re.compile(
    r"yibao-face((?: [a-z][a-z-]*)+)((?: --?[a-z][a-z-]*(?: [^-`\n ]+)?| [^-`\n ]+)*)"
)
INSTALLER = ROOT / "installer"
SHELL = (INSTALLER / "linux" / "script" / "setup.sh").read_text("utf-8")
NSIS = "".join(file.read_text("utf-8") for file in sorted((INSTALLER / "windows").glob("*.ns?")))
LINKS = re.compile(r"\]\(([^)#:]+)\)")


@cache
def text(name: str) -> str:
    return (MANUAL / f"{name}.md").read_text("utf-8")


@cache
def commands() -> dict[tuple[str, ...], set[str]]:
    """Options by command and action."""
    found: dict[tuple[str, ...], set[str]] = {}

    def walk(of: argparse.ArgumentParser, above: tuple[str, ...]) -> None:
        found[above] = {name for action in of._actions for name in action.option_strings}
        for action in of._actions:
            if isinstance(action, argparse._SubParsersAction):
                below = cast(dict[str, argparse.ArgumentParser], action.choices)
                for name, one in below.items():
                    walk(one, (*above, name))

    walk(parser(), ())
    return found


def wrong_commands(said: str) -> list[str]:
    wrong: list[str] = []
    for words, rest in SAID.findall(said):
        path = tuple(words.split())
        while path and path not in commands():
            path = path[:-1]
        options = set(re.findall(r"(?<=\s)--[a-z][a-z-]*", f" {rest}"))
        if not path or options - commands()[path]:
            wrong.append(f"yibao-face{words}{rest}")
    return wrong


@pytest.mark.parametrize("name", NAMES)
def test_the_manuals_are_there_and_bilingual(name: str) -> None:
    assert re.search(r"^# .*[\u4e00-\u9fff].* · [A-Z]", text(name), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_every_default_that_is_told_is_the_programs(name: str) -> None:
    config: Any = Config(Path())
    told = SET.findall(text(name))
    wrong = [
        (section, key, value)
        for section, key, value in told
        if str(getattr(getattr(config, section), key)) != value
    ]

    assert [] == wrong


@pytest.mark.parametrize("name", NAMES)
def test_every_number_with_a_name_is_the_programs(name: str) -> None:
    wrong = [(n, v) for v, n in NAMED.findall(text(name)) if float(v) != VALUES[n]]

    assert [] == wrong


def test_every_named_number_is_told_somewhere() -> None:
    told = {name for manual in NAMES for _, name in NAMED.findall(text(manual))}

    assert set(VALUES) == told


@pytest.mark.parametrize("name", NAMES)
def test_every_command_and_option_exists(name: str) -> None:
    assert [] == wrong_commands(text(name))


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert wrong_commands("`yibao-face dance`")
    assert wrong_commands("`yibao-face doctor --dance`")
    assert not wrong_commands("`yibao-face doctor --selftest`")


def test_every_advice_of_the_doctor_names_commands_that_exist() -> None:
    sources = [
        *(ROOT / "daemon" / "doctor").rglob("*.py"),
        ROOT / "daemon/console/access/audit.py",
    ]

    assert [] == [w for file in sources for w in wrong_commands(file.read_text("utf-8"))]


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    assert [] == [to for to in LINKS.findall(text(name)) if not (MANUAL / to).exists()]


def test_the_table_of_troubles_is_what_the_program_says() -> None:
    told = text("故障代码表")

    assert table_text(ALL) == told, "run tools/troubles.py"


def test_every_cause_is_in_one_family() -> None:
    listed = [cause for family in FAMILIES for cause in family.causes]

    assert len(listed) == len(set(listed))
    assert set(Cause) == set(listed)


def test_the_sample_call_is_a_whole_one_and_the_addresses_are_ours() -> None:
    told = text("HIS对接手册")
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", told, re.DOTALL)]

    assert list(sample_request("1", "x", Clock(), 1)) == list(blocks[0])
    assert {"code", "msg", "cp_no", "type"} == set(blocks[1])
    port = Config(Path()).door.port
    for path in (AUTH_PATH, ATTENDANCE_PATH, HEALTH_PATH):
        assert f"http://127.0.0.1:{port}{path}`" in told


def cells(name: str, heading: str) -> list[str]:
    """First cells of the table under a header row, without their marks."""
    rows = text(name).split(heading, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [re.sub(r"<!--.*?-->|`", "", row.split("|")[1]).strip() for row in rows]


def test_every_package_is_named_as_it_is_made() -> None:
    named = set(re.findall(r"`(?:\./)?(yibao-face[-_a-z]*版本[^` ]*)", text("安装手册")))
    named |= set(re.findall(r"\./(yibao-face_版本[^` ]*)", text("安装手册")))
    makers = [*(INSTALLER / "linux").glob("*.py"), *(INSTALLER / "windows").glob("*.py")]
    source = "".join(file.read_text("utf-8") for file in makers).replace("{NAME}", "yibao-face")
    # The archive's name and its end are put together.
    made = source.replace('"{name}.tar.xz"', "").replace("{name}.tar.xz", "")

    assert 5 == len(named)
    for name in named:
        stem = name.replace("版本", "{version}").removesuffix(".tar.xz")
        assert stem in made, name


def test_the_places_of_an_installation_are_the_scripts() -> None:
    shell = dict(re.findall(r"^(OPT|ETC|DATA|ANSWER)=(\S+)$", SHELL, re.MULTILINE))
    told = text("安装手册") + text("运维手册")

    assert ("/opt/yibao-face", "/etc/yibao-face") == (shell["OPT"], shell["ETC"])
    assert shell["ANSWER"].endswith(":-$ETC/answer.ini}")
    for place in (shell["OPT"], shell["DATA"], "/etc/yibao-face/answer.ini"):
        assert f"`{place}`" in told
    assert "/etc/yibao-face/config.toml" in told
    assert 'InstallDir "$PROGRAMFILES64\\YibaoFace"' in NSIS
    assert r"C:\Program Files\YibaoFace" in told


def test_exit_codes_of_an_installation_are_those_of_both_systems() -> None:
    shell = {"0", *re.findall(r"\bfail (\d+) ", SHELL)}
    nsis = set(re.findall(r"^!define (?:DONE|ABORTED|UNFIT|USAGE) (\d+)$", NSIS, re.MULTILINE))

    assert set(cells("安装手册", "| 退出码 code |")) == shell == nsis


def test_what_keeps_it_running_is_what_is_installed() -> None:
    told = text("安装手册")
    units = {Path(place).name for place in tree.PLACES.values() if place.endswith(".service")}

    assert set(re.findall(r"`(yibao-face[a-z-]*\.service)`", told)) <= units
    assert "yibao-face-agent.exe\" agent --wait'" in NSIS
    assert "`yibao-face-agent.exe agent --wait`" in told
    for word in re.findall(r"`autostart = (\w+)`", told):
        assert f"{word})" in SHELL or f"= {word} ]" in SHELL


def test_the_smallest_answer_file_is_one() -> None:
    [block] = re.findall(r"```ini\n(.*?)```", text("安装手册"), re.DOTALL)

    assert Answer("H44010000001") == parse_answer(block)


def test_every_file_of_the_data_folder_is_one_the_program_writes() -> None:
    source = "".join(file.read_text("utf-8") for file in sorted((ROOT / "daemon").rglob("*.py")))
    named = [cell.rstrip("/") for cell in cells("运维手册", "| 文件 |")]

    assert len(named) >= 9
    assert [] == [name for name in named if f'"{name}"' not in source]
    for manual in ("安装手册", "运维手册"):
        assert f"`{KEPT.as_posix()}`" in text(manual)
