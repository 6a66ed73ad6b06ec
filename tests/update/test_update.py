"""A version is taken in, switched to, watched and kept; or left, and the old one serves on."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from update_site import NEW, NEWER, OLD, PLATFORM, Counter, Vendor

from yibao_face.daemon.agent.waiting import MANIFEST, Waiting
from yibao_face.installer.update.decision import Health, Watch
from yibao_face.installer.update.fault import (
    InUseError,
    SelfTestError,
    UnattendedError,
    UnhealthyError,
    UnusableError,
    UpdateError,
)
from yibao_face.installer.update.release import Order
from yibao_face.installer.update.state import Step
from yibao_face.installer.update.swap.hands import self_test
from yibao_face.installer.update.swap.lock import alone, encounter_file, take
from yibao_face.installer.update.updater import LEAVING, SWITCHING, TAKING
from yibao_face.installer.update.version import Version

CURRENT = {"symlink": "current", "pointer": "current.txt"}


def expected(counter: Counter, *versions: Version) -> set[str]:
    return {CURRENT[counter.kind], *(version.folder for version in versions)}


def test_an_update_file_is_taken_in_switched_to_and_kept(vendor: Vendor, counter: Counter) -> None:
    vendor.release()
    stick, steps = vendor.stick(), list[str]()
    updater = counter.updater(steps.append)

    release = updater.check(stick)
    assert release is not None
    assert NEW == release.version
    assert {CURRENT[counter.kind], OLD.folder} == counter.folders()

    updater.take(stick)
    assert (OLD, "1.0.0") == (counter.current, counter.answers())
    assert expected(counter, OLD, NEW) == counter.folders()
    assert "中文" == (counter.place.app(NEW) / "_internal/资源/字体.txt").read_text("utf-8")
    assert "lib.so.1" == str((counter.place.app(NEW) / "_internal/lib.so").readlink())

    assert NEW == updater.apply()
    assert (NEW, "1.1.0") == (counter.current, counter.answers())
    assert expected(counter, OLD, NEW) == counter.folders()
    assert ("1.0.0", "", Step.IDLE) == (
        updater.state().previous,
        updater.state().waiting,
        updater.state().step,
    )
    assert [*TAKING, *SWITCHING] == steps
    assert b"records" == (counter.data / "queue.db").read_bytes()
    assert updater.check(stick) is None


def test_the_version_before_the_last_is_removed(vendor: Vendor, counter: Counter) -> None:
    for version in (NEW, NEWER):
        vendor.release(version)
        counter.updater().take(vendor.repository.folder)
        counter.updater().apply()

    assert expected(counter, NEW, NEWER) == counter.folders()
    assert "1.2.0" == counter.answers()


def test_back_by_hand_to_the_version_before(vendor: Vendor, counter: Counter) -> None:
    vendor.release()
    updater = counter.updater()
    updater.take(vendor.stick())
    updater.apply()

    assert OLD == updater.roll_back()
    assert (OLD, "1.0.0") == (counter.current, counter.answers())
    with pytest.raises(UnusableError, match="left by hand"):
        updater.take(vendor.stick())
    updater.take(vendor.stick(), again=True)
    assert NEW == updater.apply()


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ({"crash": True}, "did not answer"),
        ({"health": {"version": "1.0.0"}}, "another version"),
        ({"health": {"able": False}}, "networks"),
        ({"health": {"status": "starting"}}, "did not answer"),
    ],
    ids=["crashes", "is-another", "no-networks", "not-ok"],
)
def test_a_version_that_does_not_do_well_is_left_again(
    vendor: Vendor, counter: Counter, program: dict[str, Any], why: str
) -> None:
    vendor.release(**program)
    steps = list[str]()
    counter.watch = Watch(0.5, 1.0, 1.0)
    updater = counter.updater(steps.append)
    updater.take(vendor.stick())

    with pytest.raises(UnhealthyError, match=why):
        updater.apply()
    assert (OLD, "1.0.0") == (counter.current, counter.answers())
    assert [*TAKING, *SWITCHING[:-2], *LEAVING] == steps
    assert {CURRENT[counter.kind], OLD.folder} == counter.folders()
    with pytest.raises(UnusableError, match=why):
        updater.take(vendor.stick())
    assert b"records" == (counter.data / "queue.db").read_bytes()


def test_a_version_under_which_the_camera_is_lost_is_left_again(
    vendor: Vendor, counter: Counter
) -> None:
    vendor.release()
    counter.updater().take(vendor.stick())

    def health() -> Health:
        version = str(counter.current)
        return Health(version, False, True, "faulty" if version == str(NEW) else "streaming")

    with pytest.raises(UnhealthyError, match="camera"):
        counter.with_hands(health=health).apply()
    assert OLD == counter.current


def test_a_version_that_fails_its_self_test_is_never_switched_to(
    vendor: Vendor, counter: Counter
) -> None:
    vendor.release(selftest=3)

    with pytest.raises(SelfTestError, match="ended with 3"):
        counter.updater().take(vendor.stick())
    with pytest.raises(UnusableError, match="was tried here"):
        counter.updater().take(vendor.stick())
    assert {CURRENT[counter.kind], OLD.folder} == counter.folders()
    assert "1.0.0" == counter.answers()


@pytest.mark.parametrize("said", ["yibao-face 1.1.0", "yibao-face 1.1.01", "1.1.0"])
def test_libraries_may_have_their_say_beside_the_version(pc: Counter, said: str) -> None:
    """As a frozen one's does on a computer without a graphics card; the version must be there."""
    folder = pc.data.parent / "noisy"
    folder.mkdir()
    script = f"#!/bin/sh\necho no card >&2\necho '{said}'\necho 'no card 2.0.0' >&2\n"
    (folder / "yibao-face").write_text(script, "ascii")
    (folder / "yibao-face").chmod(0o755)
    wrong = (
        contextlib.nullcontext() if said == "yibao-face 1.1.0" else pytest.raises(SelfTestError)
    )
    with wrong:
        self_test(replace(pc.site, selftest=()), folder, NEW, pc.place.scratch)


def test_a_program_altered_after_it_was_taken_in_is_tested_again(
    vendor: Vendor, counter: Counter
) -> None:
    vendor.release()
    updater = counter.updater()
    updater.take(vendor.stick())
    (counter.place.app(NEW) / "_internal" / "told.json").write_text("{", "utf-8")

    with pytest.raises(SelfTestError):
        updater.apply()
    assert (OLD, "1.0.0", "") == (counter.current, counter.answers(), updater.state().waiting)


def test_never_in_the_middle_of_an_encounter(vendor: Vendor, counter: Counter) -> None:
    vendor.release()
    counter.updater().take(vendor.stick())
    waited = list[float]()
    lock = take(encounter_file(counter.data))
    assert lock is not None

    def sleep(seconds: float) -> None:
        """The encounter ends after the third look."""
        assert OLD == counter.current or len(waited) >= 3
        waited.append(seconds)
        if len(waited) == 3:
            lock.close()

    updater = counter.with_hands(sleep=sleep)
    assert NEW == updater.apply()
    assert len(waited) >= 3


@pytest.mark.parametrize("sign", ["lock", "health"])
def test_a_counter_that_is_never_idle_is_left_alone(
    vendor: Vendor, counter: Counter, sign: str
) -> None:
    vendor.release()
    updater = counter.with_hands(now_s=iter(range(0, 10_000, 2)).__next__)
    updater.take(vendor.stick())
    lock = take(encounter_file(counter.data)) if sign == "lock" else None
    if lock is None:
        (counter.data / "busy").touch()

    with pytest.raises(InUseError, match="in use"):
        updater.apply()
    assert (OLD, "1.1.0") == (counter.current, updater.state().waiting)
    if lock is not None:
        lock.close()


def test_where_only_a_session_can_start_it_nothing_is_switched_without_one(
    vendor: Vendor, counter: Counter
) -> None:
    vendor.release()
    updater = counter.updater()
    updater = replace(updater, site=replace(updater.site, only_serving=True))
    updater.take(vendor.stick())
    counter.stop()

    with pytest.raises(UnattendedError):
        updater.apply()
    assert OLD == counter.current
    assert str(NEW) == updater.state().waiting
    counter.start()
    assert counter.answers()
    assert NEW == updater.apply()


def test_one_updater_at_a_time(vendor: Vendor, counter: Counter) -> None:
    vendor.release()
    with alone(counter.place.lock), pytest.raises(InUseError, match="under way"):
        counter.updater().take(vendor.stick())


def test_data_the_version_here_could_not_read_is_refused_up_front(
    vendor: Vendor, counter: Counter
) -> None:
    vendor.release(NEWER, readable_from=NEW)

    with pytest.raises(UnusableError, match=r"take in 1\.1\.0 first"):
        counter.updater().take(vendor.stick())


def test_the_centre_decides_which_release(vendor: Vendor, counter: Counter) -> None:
    wanted, newest = vendor.release(NEW), vendor.release(NEWER)
    order = Order(NEW, {wanted.archive: wanted.sha256})

    assert NEW == counter.updater().take(vendor.repository.folder, order).version
    other = Order(NEWER, {newest.archive: "0" * 64})
    with pytest.raises(UnusableError, match="not the file the centre names"):
        counter.updater().take(vendor.repository.folder, other)


def test_a_restart_command_that_fails_leaves_the_old_version(
    vendor: Vendor, counter: Counter
) -> None:
    vendor.release()
    counter.updater().take(vendor.stick())
    fails = [True]

    def restart() -> None:
        if fails.pop() if fails else False:
            raise UpdateError("systemctl ended with 1")
        counter.restart()

    with pytest.raises(UpdateError, match="systemctl"):
        counter.with_hands(restart=restart).apply()
    assert (OLD, "1.0.0") == (counter.current, counter.answers())


def test_the_tray_tells_the_version_that_waits(
    vendor: Vendor, counter: Counter, tmp_path: Path
) -> None:
    release = vendor.release()
    waiting = Waiting("1.0.0", counter.root, counter.data)
    assert "" == waiting.version()

    payload = vendor.repository.manifest([release], "")
    envelope = {"kind": "update-manifest", "payload": json.dumps(payload)}
    (counter.data / MANIFEST).write_text(json.dumps(envelope), "utf-8")
    assert "1.1.0" == waiting.version()

    (counter.data / MANIFEST).write_text("[", "utf-8")
    assert "" == waiting.version()
    counter.updater().take(vendor.stick())
    assert "1.1.0" == waiting.version()
    counter.updater().apply()
    assert "" == Waiting("1.1.0", counter.root, counter.data).version()


def test_a_root_of_new_keys_is_followed(vendor: Vendor, counter: Counter) -> None:
    vendor.release()
    lost = vendor.keys["targets"]
    vendor.keys["targets"] = [key.generate_ed25519() for key in lost]
    vendor.publish_root()
    vendor.release(NEWER)

    assert NEWER == counter.updater().take(vendor.stick()).version
    assert PLATFORM == vendor.repository.release(PLATFORM).platform
