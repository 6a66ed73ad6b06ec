"""Lays down what the updater needs on Windows, and tells it which version a setup put in place."""

from __future__ import annotations

import json
import string
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

from yibao_face.daemon.config import Config
from yibao_face.daemon.setup.file import SetupError
from yibao_face.installer.update.fault import UpdateError
from yibao_face.installer.update.place import Place, replace_file
from yibao_face.installer.update.site import read_site
from yibao_face.installer.update.state import State, StateError, Step, read_state, write_state
from yibao_face.installer.update.swap.lock import alone
from yibao_face.installer.update.swap.switch import Pointer
from yibao_face.installer.update.version import Version

# A cold disk and an antivirus program that reads every new file.
_START_S = 120
_STICKS = string.ascii_uppercase[string.ascii_uppercase.index("D") :]
_SETTINGS = """\
# Settings of the updater; see the manual of the program. An administrator's file.
data = {data}
# The agent ends, and its launcher starts what current.txt names.
restart = [{program}, "setup", "restart"]
switch = "pointer"
selftest = [["{{program}}", "setup", "test"]]
selftest_s = 600
health = {health}
# Whoever is logged on keeps the agent alive: without one nothing could be watched.
only_serving = true
# Update files on a stick, whatever letter it gets.
sticks = {sticks}
[watch]
start_s = {start_s}
"""
_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>yibao-face update run</Description></RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <StartBoundary>2024-01-01T00:17:00</StartBoundary>
      <Enabled>true</Enabled>
      <RandomDelay>PT30M</RandomDelay>
      <Repetition><Interval>PT1H</Interval></Repetition>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT4H</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec><Command>{program}</Command><Arguments>update run</Arguments></Exec>
  </Actions>
</Task>
"""


def program_of(root: Path) -> Path:
    """The launcher, whose path no version changes."""
    return root / "yibao-face.exe"


def settings(root: Path, config: Config) -> str:
    """``update.toml`` of a computer with Windows."""
    return _SETTINGS.format(
        # JSON's strings are TOML's, too.
        data=json.dumps(str(config.data), ensure_ascii=False),
        program=json.dumps(str(program_of(root)), ensure_ascii=False),
        health=json.dumps(f"http://{config.door.host}:{config.door.port}/health"),
        sticks=json.dumps([f"{letter}:\\*.update" for letter in _STICKS]),
        start_s=_START_S,
    )


def task(root: Path) -> str:
    """What Windows does every hour, as its task scheduler reads it: ``update run`` as SYSTEM."""
    return _TASK.format(program=escape(str(program_of(root))))


def settle(root: Path, config: Config, before: str) -> Version:
    """Have the updater know that a setup switched; the version that is kept to go back to.

    ``before``: version that ran before it, empty for none. A switch that was under way is over;
    ``update.toml`` stays where there is one that can be read. Raises ``SetupError``.
    """
    place, switch = Place(root), Pointer(root)
    try:
        place.own.mkdir(exist_ok=True)
        with alone(place.lock):
            _lay_settings(place, config)
            current = switch.current()
            state = _settled(place, current, before)
            write_state(place.state, state)
            place.keeper.unlink(missing_ok=True)
            switch.clear()
            kept = Version.parse(state.previous) if state.previous else current
            place.sweep([current, kept])
    except (UpdateError, OSError, ValueError) as exc:
        raise SetupError(f"更新功能未就绪 / the updater: {exc}") from exc
    return kept


def previous(root: Path) -> Version:
    """The version that is kept beside the one that runs; raises ``SetupError``."""
    place = Place(root)
    try:
        found = Version.parse(read_state(place.state).previous)
    except (UpdateError, ValueError) as exc:
        raise SetupError("没有可以退回的上一版本 / no version before is kept") from exc
    if found not in place.versions():
        raise SetupError(f"上一版本已不在 / {found} is not there any more")
    return found


def _lay_settings(place: Place, config: Config) -> None:
    file = place.own / "update.toml"
    try:
        read_site(file)
    except UpdateError:
        replace_file(file, settings(place.root, config).encode())


def _settled(place: Place, current: Version, before: str) -> State:
    try:
        state = read_state(place.state)
    except StateError:
        # As the manual has it: it begins anew, and what runs stays.
        state = State()
    kept = before if before and before != str(current) else state.previous
    there = {str(version) for version in place.versions()} - {str(current)}
    failed = {name: why for name, why in state.failed.items() if name != str(current)}
    return replace(
        state,
        step=Step.IDLE,
        waiting="",
        previous=kept if kept in there else "",
        origin="",
        target="",
        reason="",
        failed=failed,
    )
