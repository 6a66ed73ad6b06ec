"""Persons come from photographs that show one face each; agents and erasure by number."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from harness import FIRST, SECOND

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.encounter import Who
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.wiring import desk_of, gallery_of
from yibao_face.drivers.clip import ClipReader
from yibao_face.models.suite import FaceModels
from yibao_face.sync.api import Query, Record

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
Portrait = Callable[[str], bytes]
ADD = ("person", "add", "--id", FIRST, "--name", "张三", "--photo")


def save_png(path: Path, image: npt.NDArray[np.uint8]) -> Path:
    done, encoded = cv2.imencode(".png", image)
    assert done
    path.write_bytes(encoded.tobytes())
    return path


@pytest.fixture
def photo(tmp_path: Path, portrait: Portrait) -> Callable[[str], Path]:
    """A demo portrait as a file."""

    def photo(name: str) -> Path:
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(portrait(name))
        return path

    return photo


def test_a_person_is_added_counted_and_removed(
    at_home: Config, run: Run, photo: Callable[[str], Path]
) -> None:
    assert (0, "0\n", "") == run("person", "count")
    added = run(*ADD, photo("first-1"), photo("first-3"), "--psn", "P1", "--by", "1001")

    assert (0, "enrolled with 2 sample(s)\n", "") == added
    assert (0, "1\n", "") == run("person", "count")
    person = gallery_of(at_home).find(Numbers("", "P1"))
    assert person is not None
    assert "张三" == gallery_of(at_home).name(person)
    assert (0, "erased\n", "") == run("person", "remove", "--id", FIRST)
    assert (0, "0\n", "") == run("person", "count")


@pytest.mark.usefixtures("at_home")
def test_a_person_is_added_once(refusal: Refusal, run: Run, photo: Callable[[str], Path]) -> None:
    run(*ADD, photo("first-1"))

    assert "this number is already enrolled" == refusal(*ADD, photo("first-1"))
    assert (0, "1\n", "") == run("person", "count")


def test_a_photograph_that_is_missing_is_named(at_home: Config, refusal: Refusal) -> None:
    said = refusal(*ADD, at_home.data / "missing.jpg")

    assert said.startswith("missing.jpg cannot be read")


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xd8\xff\xe0 no picture", b"\x89PNG\r\n"])
def test_a_file_that_is_no_picture_is_refused(
    at_home: Config, refusal: Refusal, data: bytes
) -> None:
    (at_home.data / "file.jpg").write_bytes(data)

    assert "photo 1 is not a JPEG or PNG" == refusal(*ADD, at_home.data / "file.jpg")
    assert 0 == gallery_of(at_home).count()


def test_a_picture_without_a_face_is_refused(at_home: Config, refusal: Refusal) -> None:
    blank = save_png(at_home.data / "blank.png", np.full((480, 640, 3), 128, np.uint8))

    assert "photo 1 shows 0 faces, one is needed" == refusal(*ADD, blank)
    assert 0 == gallery_of(at_home).count()


def test_a_picture_with_two_faces_is_refused(
    at_home: Config, refusal: Refusal, clips: Path
) -> None:
    planes = next(ClipReader(clips / "two-faces.rgbd").frames())
    two = save_png(at_home.data / "two.png", planes.bgr)

    assert "photo 1 shows 2 faces, one is needed" == refusal(*ADD, two)
    assert 0 == gallery_of(at_home).count()


def test_the_bad_one_of_several_photographs_is_named_and_nobody_kept(
    at_home: Config, refusal: Refusal, photo: Callable[[str], Path]
) -> None:
    blank = save_png(at_home.data / "blank.png", np.zeros((480, 640, 3), np.uint8))

    assert refusal(*ADD, photo("first-1"), blank).startswith("photo 2 shows 0 faces")
    assert 0 == gallery_of(at_home).count()


@pytest.mark.usefixtures("at_home")
def test_a_person_without_a_number_is_refused(
    refusal: Refusal, photo: Callable[[str], Path]
) -> None:
    words = ("person", "add", "--id", " ", "--name", "张三", "--photo", photo("first-1"))

    assert "a person needs a number and a template" == refusal(*words)


def test_adding_without_networks_names_the_one_that_is_missing(
    at_home: Config,
    settle: Callable[[Config], None],
    refusal: Refusal,
    photo: Callable[[str], Path],
) -> None:
    empty = replace(at_home, data=at_home.data / "empty")
    empty.data.mkdir()
    settle(empty)

    assert "is not installed" in refusal(*ADD, photo("first-1"))


AGENT = ("person", "agent", "--relation", "子女", "--staff", "1001", "--institution", "001")
BOTH = ("--id", FIRST, "--agent-id", SECOND)


@pytest.fixture
def soon() -> str:
    """A day an agent may be registered until."""
    return (Clock().today() + timedelta(days=30)).isoformat()


def agents(config: Config) -> list[Record]:
    with desk_of(config) as desk:
        return desk.ledger.outbox.find(Query(kinds=("agent",)))


@pytest.mark.usefixtures("cast")
def test_an_agent_is_registered_until_a_day_on_documents(
    at_home: Config, run: Run, photo: Callable[[str], Path], soon: str
) -> None:
    papers = [photo("first-1"), photo("second")]
    done = run(*AGENT, *BOTH, "--until", soon, "--document", *papers)

    assert (0, f"agent allowed until {soon}\n", "") == done
    assert 2 == gallery_of(at_home).count()
    principal, agent = (gallery_of(at_home).find(Numbers(n)) for n in (FIRST, SECOND))
    [record] = agents(at_home)
    detail = json.loads(record.detail)
    assert ("recorded", 0, "001", principal) == (
        record.cause,
        record.code,
        record.institution,
        record.person,
    )
    assert ("register", agent, "子女", soon, "1001") == tuple(
        detail[key] for key in ("event", "agent", "relation", "until", "staff")
    )
    with desk_of(at_home) as desk:
        kept = [desk.evidence.get(name) for name in detail["documents"]]
    assert [path.read_bytes() for path in papers] == kept


@pytest.mark.usefixtures("cast", "at_home")
def test_who_was_registered_may_buy(
    at_home: Config, run: Run, photo: Callable[[str], Path], soon: str, models: FaceModels
) -> None:
    run(*AGENT, *BOTH, "--until", soon, "--document", photo("second"))

    gallery = gallery_of(at_home)
    principal = gallery.find(Numbers(FIRST))
    assert principal is not None
    found = gallery.references(principal, models.embedder.stamp, Clock().today())
    assert [(Who.SELF, False), (Who.AGENT, False)] == [(r.who, r.expired) for r in found]


@pytest.mark.usefixtures("cast", "at_home")
@pytest.mark.parametrize(
    ("principal", "agent", "said"),
    [
        ("0", SECOND, "this insured person is not enrolled: person add first"),
        (FIRST, "0", "this agent is not enrolled: person add first"),
        (FIRST, FIRST, "nobody is his own agent"),
    ],
)
def test_an_agent_relation_wants_two_enrolled_persons(
    at_home: Config,
    refusal: Refusal,
    photo: Callable[[str], Path],
    soon: str,
    principal: str,
    agent: str,
    said: str,
) -> None:
    words = ("--until", soon, "--document", photo("second"))

    assert said == refusal(*AGENT, "--id", principal, "--agent-id", agent, *words)
    assert [] == agents(at_home)


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("--until", "2020-12-31"), "有效期不能早于今天"),
        (("--until", "2099-12-31"), "日期太远"),
        (("--relation", ""), "请填写代购关系"),
        (("--relation", "子" * 21), "20个"),
        (("--staff", ""), "请填写工号(staff)"),
        (("--institution", ""), "which institution?"),
    ],
)
def test_a_registration_that_says_too_little_or_too_much_is_refused(
    at_home: Config,
    refusal: Refusal,
    photo: Callable[[str], Path],
    soon: str,
    changed: tuple[str, str],
    said: str,
) -> None:
    words = (*AGENT, *BOTH, "--until", soon, "--document", photo("second"))

    assert said in refusal(*words, *changed)
    assert [] == agents(at_home)


@pytest.mark.usefixtures("cast")
def test_a_document_must_be_a_picture_that_can_be_read(
    at_home: Config, refusal: Refusal, soon: str
) -> None:
    (at_home.data / "text.jpg").write_bytes(b"no picture")
    words = (*AGENT, *BOTH, "--until", soon, "--document")

    assert "photo 1 is not a JPEG or PNG" == refusal(*words, at_home.data / "text.jpg")
    assert refusal(*words, "missing.jpg").startswith("missing.jpg cannot be read")
    assert [] == agents(at_home)


@pytest.mark.usefixtures("at_home")
def test_removing_a_stranger_is_refused(refusal: Refusal) -> None:
    said = refusal("person", "remove", "--id", FIRST)

    assert said.startswith("this person is not enrolled")
    assert FIRST not in said


def test_a_key_others_may_read_stops_the_command(at_home: Config, run: Run) -> None:
    run("person", "count")
    (at_home.data / "device.key").write_bytes(b"short")

    code, out, err = run("person", "count")
    assert (1, "", "yibao-face: device.key holds 5 bytes, not a device key\n") == (code, out, err)
