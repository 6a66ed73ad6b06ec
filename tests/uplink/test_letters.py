"""The way back: letters in their order, each applied before the next, none passed by."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from center_bed import INSTITUTION
from harness import wait_for
from uplink_bed import PACE, Centre, Looks, Machine, cable, centre

from yibao_face.sync.center.api import Limits, unix_ms
from yibao_face.sync.center.store.documents import Letter as Published
from yibao_face.sync.uplink.api import Letter, LetterRefusedError, Place, State
from yibao_face.sync.uplink.lane.letter import Cursor


def publish(site: Centre, kind: str, version: int = 1, to: str = "*", text: str = "{}") -> None:
    site.center.documents.publish(Published(kind, "", to, version, text), unix_ms())


def kinds(machine: Machine) -> list[str]:
    return [letter.kind for letter in machine.box.letters]


def test_letters_for_all_the_institution_and_this_machine_arrive_as_signed(
    site: Centre, counter: Machine
) -> None:
    publish(site, "policy", 7, text='{"signed": "原文"}')
    publish(site, "roster", to=INSTITUTION)
    publish(site, "task", to="device:counter-1")
    publish(site, "secret", to="device:counter-2")
    publish(site, "others", to="P99999999999")

    counter.uplink.once()

    assert ["policy", "roster", "task"] == kinds(counter)
    assert Letter("policy", "", 7, '{"signed": "原文"}'.encode()) == counter.box.letters[0]


def test_a_letter_that_is_published_while_it_waits_arrives_at_once(
    site: Centre, counter: Machine
) -> None:
    with counter.sending():
        wait_for(lambda: counter.status.state is State.ONLINE)
        begun = time.monotonic()
        publish(site, "policy")
        wait_for(lambda: kinds(counter))
        assert time.monotonic() - begun < 3.0


def test_a_letter_that_was_applied_does_not_come_again(site: Centre, counter: Machine) -> None:
    publish(site, "policy")
    counter.uplink.once()

    counter.uplink.once()
    counter.another().once()

    assert ["policy"] == kinds(counter)


def test_a_letter_that_cannot_be_applied_yet_holds_up_those_behind_it(
    site: Centre, counter: Machine
) -> None:
    for kind in ("policy", "roster", "task"):
        publish(site, kind)
    counter.box.refuse = {"roster": [OSError("disk full"), OSError("disk full")]}

    with counter.sending():
        wait_for(lambda: len(kinds(counter)) == 3)

    assert ["policy", "roster", "task"] == kinds(counter)
    assert [] == counter.heard.troubles


def test_a_letter_that_is_refused_is_told_and_passed_over(site: Centre, counter: Machine) -> None:
    publish(site, "policy", 5)
    publish(site, "roster")
    counter.box.refuse = {"policy": [LetterRefusedError("not newer than version 6")] * 9}

    counter.uplink.once()
    counter.uplink.once()

    assert ["roster"] == kinds(counter)
    facts = {"kind": "policy", "name": "", "version": 5, "reason": "not newer than version 6"}
    assert [("letter-refused", facts)] == counter.heard.troubles


def test_more_letters_than_one_answer_holds_all_arrive(site: Centre, counter: Machine) -> None:
    for n in range(45):
        publish(site, f"kind-{n}")

    with counter.sending():
        wait_for(lambda: len(kinds(counter)) == 45)

    assert [f"kind-{n}" for n in range(45)] == kinds(counter)


def test_the_wire_may_be_cut_at_any_letter(tmp_path: Path) -> None:
    with centre(tmp_path / "center") as site, cable(site.port) as wire:
        machine = Machine(tmp_path / "counter", Place("localhost", wire.port))
        machine.enrol(site)
        with machine.sending():
            wait_for(lambda: machine.status.state is State.ONLINE)
            for n in range(5):
                wire.lose_answers(2)
                publish(site, f"kind-{n}")
                wait_for(lambda n=n: f"kind-{n}" in kinds(machine))
        assert [f"kind-{n}" for n in range(5)] == kinds(machine)
        machine.close()


def test_another_centre_is_listened_to_from_its_first_letter(
    site: Centre, counter: Machine, tmp_path: Path
) -> None:
    for kind in ("a", "b", "c"):
        publish(site, kind)
    counter.uplink.once()
    with centre(tmp_path / "other") as other:
        publish(other, "first")
        counter.place = other.place
        counter.uplink = counter.another()
        counter.enrol(other)

        counter.uplink.once()

    assert ["a", "b", "c", "first"] == kinds(counter)


def test_a_centre_that_does_not_hold_the_question_is_not_asked_without_end(
    tmp_path: Path,
) -> None:
    with centre(tmp_path / "center", limits=Limits(pull_wait_s=0)) as site:
        machine = Machine(tmp_path / "counter", site.place, pace=replace(PACE, first_s=0.3))
        machine.enrol(site)
        with machine.sending():
            time.sleep(1.5)
        machine.close()
        looks = cast(Looks, site.center.documents).count

    assert 1 <= looks <= 6


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"centre": "x"}', b'{"centre": "x", "place": -1}', b"\xff"]
)
def test_a_damaged_place_begins_anew(tmp_path: Path, data: bytes) -> None:
    cursor = Cursor(tmp_path / "cursor.json")
    assert 0 == cursor.read("x")
    cursor.keep("x", 5)
    assert (5, 0) == (cursor.read("x"), cursor.read("y"))

    (tmp_path / "cursor.json").write_bytes(data)

    assert 0 == cursor.read("x")
