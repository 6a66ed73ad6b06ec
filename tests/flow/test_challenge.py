"""Who is asked to move, before which camera, and what the record says of it. Simulated (仿真)."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any, Self

import pytest
from harness import FIRST, SECOND, Running, his_call, running
from moving_face import frames, living, mirrored, mouth_open

from yibao_face.daemon.booth.counter import Counter
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.liveness.challenge import Action
from yibao_face.daemon.demo.picture import scene
from yibao_face.drivers.api import Camera, CameraInfo, Capability, Frame
from yibao_face.drivers.replay import ReplayCamera
from yibao_face.drivers.virtual import Step, VirtualCamera
from yibao_face.sync.api import Query, Record

Person = Callable[[str], scene.Subject]
ALL = Capability.RGB | Capability.DEPTH | Capability.IR
HERE = CameraInfo("virtual", "virtual:0", "script", "0", ALL)
COLOUR = replace(HERE, capability=Capability.RGB)
HOSPITAL = "001000200030"
# Longer than two tries of an action may take.
NOTHING_MORE = 14.0
# Of an action, where nobody moves; the camera is lost in the second try.
TRY_S, LOST_AFTER_S = 2.0, 2.5


class Opened:
    """Hands out a camera for each opening, by script."""

    def __init__(self, *scripts: Sequence[Step], info: CameraInfo = HERE) -> None:
        self._scripts, self._info = list(scripts), info

    def __call__(self) -> VirtualCamera:
        return VirtualCamera(self._scripts.pop(0), identity=self._info, live=True)


class Obedient:
    """Somebody before a colour camera who does what the counter shows."""

    def __init__(self, counter: Counter, rest: scene.View, acts: dict[Action, scene.View]) -> None:
        self._counter, self._rest, self._acts = counter, rest, acts
        self._seq = count()
        self.asked: set[Action] = set()

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return COLOUR

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        del timeout_s  # a frame is always there
        task = self._counter.look().task
        view = self._rest if task is None else self._acts[task.action]
        self.asked |= set() if task is None else {task.action}
        frame = next(frames(view, next(self._seq), 1))
        at_ns = time.monotonic_ns()
        return replace(frame, at_ns=at_ns, device_us=at_ns // 1000, depth_mm=None, ir=None)

    def close(self) -> None:
        """See ``Camera.close``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


@pytest.fixture
def patient(cast: Config) -> Config:
    """FIRST and SECOND are enrolled; a camera may be silent for as long as an action takes."""
    return replace(cast, camera=replace(cast.camera, silence_s=30.0))


@pytest.fixture(scope="module")
def paper(person: Person) -> list[Step]:
    return [*frames(scene.flat_print(person("first-2")), 100, 4)]


@pytest.fixture(scope="module")
def still(person: Person) -> list[Step]:
    """FIRST, who stands there and does nothing."""
    return [*frames(living(person("first-2")), 0, 8), NOTHING_MORE]


@pytest.fixture(scope="module")
def opens(person: Person) -> list[Step]:
    """FIRST, who opens his mouth."""
    face = person("first-2")
    mouth = living(mouth_open(face, 0.6))
    return [*frames(living(face), 0, 16), *frames(mouth, 16, 30)]


def hurry(site: Running) -> None:
    """Give an action ``TRY_S`` instead of the time a person needs."""
    booth = site.daemon.desk.booth
    scene = booth.scene()
    challenge = replace(scene.terms.challenge, seconds=TRY_S)
    hurried = replace(scene, terms=replace(scene.terms, challenge=challenge))
    booth.scene = lambda: hurried


def records(site: Running, kind: str = "settlement") -> list[Record]:
    return site.daemon.ledger.outbox.find(Query(kinds=(kind,)))


def trials(record: Record) -> list[tuple[str, str]]:
    challenge = json.loads(record.scores).get("challenge", [])
    return [(trial["action"], trial["ended"]) for trial in challenge]


def test_who_was_rejected_is_asked_and_passes_once_he_moves(
    patient: Config, paper: list[Step], opens: list[Step], still: list[Step]
) -> None:
    with running(patient, demo=False, camera=Opened(paper, opens, still)) as site:
        answers = [site.caller.authenticate(his_call(FIRST)) for _ in range(3)]
        rejected, moved, after = records(site)

    assert [0, 1, 1] == [answer["code"] for answer in answers]
    assert ["spoof-flat", "matched-self", "matched-self"] == [
        record.cause for record in (rejected, moved, after)
    ]
    assert [[], [("mouth", "done")], []] == [trials(r) for r in (rejected, moved, after)]


def test_who_was_rejected_and_does_not_move_is_refused(
    patient: Config, paper: list[Step], still: list[Step]
) -> None:
    with running(patient, demo=False, camera=Opened(paper, still)) as site:
        hurry(site)
        site.caller.authenticate(his_call(FIRST))
        answer = site.caller.authenticate(his_call(FIRST))
        _, asked = records(site)

    assert (0, "action-not-done") == (answer["code"], asked.cause)
    assert [("mouth", "action-not-done")] * 2 == trials(asked)
    assert "特殊登记" in answer["msg"]


def test_a_reject_of_one_person_asks_nothing_of_another(
    patient: Config, paper: list[Step], person: Person
) -> None:
    other: list[Step] = [*frames(living(person("second")), 0, 8)]
    with running(patient, demo=False, camera=Opened(paper, other)) as site:
        site.caller.authenticate(his_call(FIRST))
        answer = site.caller.authenticate(his_call(SECOND))

    assert 1 == answer["code"]


def test_the_trials_are_on_record_where_the_camera_is_lost_in_the_middle(
    patient: Config, paper: list[Step], still: list[Step]
) -> None:
    lost = [*still[:-1], LOST_AFTER_S]
    with running(patient, demo=False, camera=Opened(paper, lost)) as site:
        hurry(site)
        site.caller.authenticate(his_call(FIRST))
        site.caller.authenticate(his_call(FIRST))
        _, asked = records(site)

    assert "camera-lost" == asked.cause
    assert ("mouth", "action-not-done") == trials(asked)[0]


def test_who_is_registered_as_not_recognisable_is_not_asked(
    patient: Config, paper: list[Step], still: list[Step], portrait: Callable[[str], bytes]
) -> None:
    photo = base64.b64encode(portrait("second")).decode()
    form = {"case": "face-unrecognised", "photos": [photo], "staff": "护士01", "id": FIRST}
    with running(patient, demo=False, camera=Opened(paper, still)) as site:
        assert site.caller.act("special", {**form, "institution": HOSPITAL})["ok"]
        site.caller.authenticate(his_call(FIRST))
        answer = site.caller.authenticate(his_call(FIRST))
        _, after = records(site)

    assert (1, []) == (answer["code"], trials(after))


@pytest.mark.parametrize(
    ("amount", "asked"), [("499.99", False), ("500.00", True), ("0", True), ("12000", True)]
)
def test_a_large_amount_and_one_nobody_knows_are_asked_about(
    patient: Config, opens: list[Step], amount: str, *, asked: bool
) -> None:
    wary = replace(patient, liveness=replace(patient.liveness, challenge="above-amount"))
    with running(wary, demo=False, camera=Opened(opens)) as site:
        answer = site.caller.authenticate(his_call(FIRST, medfee_sumamt=amount))
        [record] = records(site)

    assert 1 == answer["code"]
    assert ([("mouth", "done")] if asked else []) == trials(record)


BROKEN: list[Step] = [RuntimeError("somebody was looked at")]


@pytest.mark.parametrize("pinned", ["pin_usb_id", "pin_serial", "pin_path", "pin_firmware"])
def test_a_camera_other_than_the_pinned_one_looks_at_nobody(patient: Config, pinned: str) -> None:
    other = {"pin_usb_id": "2bc5:0402"}.get(pinned, "other")
    camera = replace(patient.camera, **{pinned: other})
    with running(replace(patient, camera=camera), demo=False, camera=Opened(BROKEN)) as site:
        answer = site.caller.authenticate(his_call(FIRST))
        [record] = records(site)

    assert (0, "camera-untrusted") == (answer["code"], record.cause)


def test_the_pinned_camera_is_used_and_is_on_record(patient: Config, still: list[Step]) -> None:
    info = replace(HERE, usb_id="2bc5:0402", serial="S1", firmware="1.2", path="socket 3")
    pins = {"pin_usb_id": " 2BC5:0402", "pin_serial": "S1", "pin_path": "socket 3"}
    camera = replace(patient.camera, **pins, pin_firmware="1.2")
    config = replace(patient, camera=camera)
    with running(config, demo=False, camera=Opened(still, info=info)) as site:
        answer = site.caller.authenticate(his_call(FIRST))
        [record] = records(site)

    assert (1, "virtual/script/S1/2bc5:0402/1.2") == (answer["code"], record.camera)
    assert 12 == len(json.loads(record.scores)["intrinsics"])


@pytest.mark.parametrize(
    "info",
    [
        replace(HERE, device_name="OBS Virtual Camera"),
        replace(HERE, capability=ALL | Capability.VIRTUAL),
        replace(HERE, driver="uvc"),
    ],
    ids=["name", "driver says so", "no bus"],
)
def test_a_camera_that_is_a_program_looks_at_nobody(patient: Config, info: CameraInfo) -> None:
    with running(patient, demo=False, camera=Opened(BROKEN, info=info)) as site:
        answer = site.caller.authenticate(his_call(FIRST))
        [record] = records(site)

    assert (0, "camera-untrusted") == (answer["code"], record.cause)


def test_one_frame_over_and_over_is_no_camera(patient: Config, still: list[Step]) -> None:
    frozen: list[Step] = [still[0]] * 8
    with running(patient, demo=False, camera=Opened(frozen)) as site:
        answer = site.caller.authenticate(his_call(FIRST))
        [record] = records(site)

    assert (0, "stream-implausible") == (answer["code"], record.cause)


def test_frames_that_repeat_only_in_the_challenge_end_it(
    patient: Config, paper: list[Step], opens: list[Step]
) -> None:
    looped = [*opens[:16], *opens[:5]]
    with running(patient, demo=False, camera=Opened(paper, looped)) as site:
        site.caller.authenticate(his_call(FIRST))
        site.caller.authenticate(his_call(FIRST))
        _, asked = records(site)

    assert ("stream-implausible", [("mouth", "stream-implausible")]) == (
        asked.cause,
        trials(asked),
    )


def sign(site: Running, number: str = FIRST) -> dict[str, Any]:
    roster = [{"id": number, "name": "张三"}]
    form = {"institution": HOSPITAL, "practitioners": roster, "staff": "1001"}
    assert site.caller.act("roster", form)["ok"]
    call = {"ID": number, "name": "张三", "fixmedins_code": HOSPITAL, "fixmedins_name": "药房"}
    return site.caller.attend(json.dumps(call).encode())


def test_a_practitioner_before_a_colour_camera_does_two_things_and_the_record_says_it_is_weak(
    patient: Config, person: Person
) -> None:
    actions = ("mouth", "turn-left", "turn-right")
    config = replace(patient, liveness=replace(patient.liveness, actions=actions))
    turned = person("first-2")
    acts = {Action.TURN_LEFT: mirrored(turned), Action.TURN_RIGHT: living(turned)}
    made: list[Obedient] = []

    def opened() -> Camera:
        made.append(Obedient(site.daemon.counter, living(person("first-1")), acts))
        return made[0]

    with running(config, demo=False, camera=opened) as site:
        answer = sign(site)
        [record] = records(site, "attendance")

    assert (0, "signed-in") == (answer["code"], record.cause)
    assert {Action.TURN_LEFT, Action.TURN_RIGHT} == made[0].asked
    assert {("turn-left", "done"), ("turn-right", "done")} == set(trials(record))
    scores = json.loads(record.scores)
    assert scores["audit"] is True
    assert "template" not in scores
    assert "gain1" not in scores


def test_a_practitioner_with_a_depth_camera_is_not_asked(
    patient: Config, still: list[Step]
) -> None:
    with running(patient, demo=False, camera=Opened(still)) as site:
        answer = sign(site)
        [record] = records(site, "attendance")

    assert (0, []) == (answer["code"], trials(record))
    assert "audit" not in json.loads(record.scores)


def test_nobody_settles_before_a_colour_camera(patient: Config) -> None:
    with running(patient, demo=False, camera=Opened(BROKEN, info=COLOUR)) as site:
        answer = site.caller.authenticate(his_call(FIRST))
        [record] = records(site)

    assert (0, "no-depth-camera") == (answer["code"], record.cause)


def test_where_a_site_allows_it_a_colour_camera_settles_and_enrols_nobody(
    patient: Config,
) -> None:
    allowing = replace(patient, liveness=replace(patient.liveness, allow_rgb_only=True))
    with running(allowing, demo=False, camera=Opened(BROKEN, info=COLOUR)) as site:
        site.caller.authenticate(his_call("440101198512120000"))
        [record] = records(site)

    assert ("not-enrolled", True) == (record.cause, json.loads(record.scores)["audit"])


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_two_living_persons_who_change_places_are_told(
    patient: Config, person: Person, at: int
) -> None:
    script: list[Step] = [
        *frames(living(person("first-2")), 0, at),
        *frames(living(person("second")), at, 5 - at),
    ]
    with running(patient, demo=False, camera=Opened(script)) as site:
        answer = site.caller.authenticate(his_call(FIRST))
        [record] = records(site)

    assert (0, "person-changed") == (answer["code"], record.cause)


def test_an_attack_leaves_a_sealed_picture_and_a_pass_none(
    patient: Config, paper: list[Step], opens: list[Step]
) -> None:
    with running(patient, demo=False, camera=Opened(paper, opens)) as site:
        for _ in range(2):
            site.caller.authenticate(his_call(FIRST))
        attack, _ = records(site)
        kept = [*(patient.data / "attacks").iterdir()]
        crop = site.daemon.desk.booth.scene().crops.get(attack.id)

    assert [f"{attack.id}.crop"] == [file.name for file in kept]
    assert crop.startswith(b"PK")
    assert all(mark not in kept[0].read_bytes() for mark in (b"PK\x03\x04", b"face.npy"))


def test_a_site_may_keep_no_pictures_of_attacks(patient: Config, paper: list[Step]) -> None:
    shy = replace(patient, liveness=replace(patient.liveness, keep_attack_crops=False))
    with running(shy, demo=False, camera=Opened(paper)) as site:
        answer = site.caller.authenticate(his_call(FIRST))

    assert "疑似" in answer["msg"]
    assert not (patient.data / "attacks").exists()


def test_a_recording_in_a_loop_still_plays_in_the_demo(patient: Config, clips: Path) -> None:
    def opened() -> Camera:
        return ReplayCamera(clips / "live-first.rgbd", paced=False)

    with running(patient, camera=opened) as site:
        codes = [site.caller.authenticate(his_call(FIRST))["code"] for _ in range(2)]

    assert [1, 1] == codes


def test_every_frame_of_the_scripts_is_another(still: list[Step], opens: list[Step]) -> None:
    shown = [f.bgr.tobytes() for f in chain(still, opens[16:]) if isinstance(f, Frame)]

    assert len(shown) == len(set(shown))
