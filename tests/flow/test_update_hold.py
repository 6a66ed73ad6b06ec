"""An update and an encounter never meet: the daemon and the updater hold the same lock."""

from __future__ import annotations

import threading
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from harness import FIRST, Running, his_call, running, wait_for

from yibao_face.daemon.config import Config
from yibao_face.drivers.virtual import VirtualCamera
from yibao_face.installer.update.swap.hands import ask
from yibao_face.installer.update.swap.lock import encounter_file, take


def health_at(site: Running) -> str:
    return f"http://127.0.0.1:{site.config.door.port}/health"


def test_during_an_encounter_the_updater_waits(cast: Config) -> None:
    opened = list[VirtualCamera]()

    def camera() -> VirtualCamera:
        opened.append(VirtualCamera([60.0], live=True))
        return opened[-1]

    patient = replace(cast, camera=replace(cast.camera, silence_s=1.0))
    with running(patient, demo=False, camera=camera) as site:
        idle = ask(health_at(site))
        assert idle is not None
        assert (version("yibao-face"), False, True) == (idle.version, idle.busy, idle.able)

        caller = threading.Thread(target=lambda: site.caller.authenticate(his_call(FIRST)))
        caller.start()
        wait_for(lambda: opened)
        busy = ask(health_at(site))
        assert busy is not None
        assert busy.busy
        assert take(encounter_file(site.config.data)) is None
        caller.join(20)

        wait_for(lambda: (found := ask(health_at(site))) is not None and not found.busy)
        free = take(encounter_file(site.config.data))
        assert free is not None
        free.close()


def test_while_the_updater_switches_nobody_is_let_in(cast: Config) -> None:
    opened = list[VirtualCamera]()

    def camera() -> VirtualCamera:
        opened.append(VirtualCamera([60.0], live=True))
        return opened[-1]

    with running(cast, demo=False, camera=camera) as site:
        held = take(encounter_file(site.config.data))
        assert held is not None
        answer = site.caller.authenticate(his_call(FIRST))
        held.close()

    assert 0 == answer["code"]
    assert "请稍候" in answer["msg"]
    assert [] == opened


def test_a_lock_that_cannot_be_had_lets_nobody_in(cast: Config, tmp_path: Path) -> None:
    with running(cast, demo=False, camera=lambda: VirtualCamera([60.0], live=True)) as site:
        encounter_file(site.config.data).symlink_to(tmp_path / "elsewhere")
        answer = site.caller.authenticate(his_call(FIRST))

    assert 0 == answer["code"]
    assert not (tmp_path / "elsewhere").exists()
