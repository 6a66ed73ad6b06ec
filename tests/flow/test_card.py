"""An unknown person is enrolled inside the call by the ID card on the reader."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from harness import Running, his_call, put_before_camera, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.demo.picture.card import CARD_NUMBER, chip_photo, invented_card
from yibao_face.daemon.door.client import ClientError
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.section import ReaderConfig
from yibao_face.daemon.wiring import gallery_of
from yibao_face.drivers.reader.api import IdCard, check_mark
from yibao_face.drivers.reader.virtual import write_card
from yibao_face.models.suite import FaceModels

_SEVENTEEN = "11010119851212000"
OTHERS = _SEVENTEEN + check_mark(_SEVENTEEN)
Lay = Callable[[IdCard], Config]


@contextmanager
def clerk(site: Running) -> Generator[None, None, None]:
    """A clerk who agrees to consent and has the card read for the confirmation."""
    done = threading.Event()

    def attend() -> None:
        while not done.wait(0.05):
            prompt = site.caller.look()["prompt"]
            if prompt:
                ticket = {key: prompt[key] for key in ("encounter", "stage")}
                by_card = prompt["stage"] == "confirm"
                given = {"accepted": True, "staff": "1001", "id_card": by_card}
                site.caller.answer({**ticket, **given})

    thread = threading.Thread(target=attend)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(10)


@pytest.fixture
def lay(cast: Config) -> Lay:
    """Puts a card on the virtual reader of `cast`."""

    def lay(card: IdCard) -> Config:
        file = cast.data / "card.json"
        write_card(file, card, "card.bmp")
        return replace(cast, reader=ReaderConfig(f"virtual:{file}"))

    return lay


@pytest.fixture
def card(models: FaceModels, portrait: Callable[[str], bytes]) -> IdCard:
    """The third person's card."""
    return invented_card(chip_photo(models, portrait("third")))


def enrol(config: Config, clips: Path) -> tuple[dict[str, Any], str]:
    """Answer and recorded cause of a call for the third person, who stands there."""
    put_before_camera(config, clips, "live-third")
    with running(config) as site, clerk(site):
        answer = site.caller.authenticate(his_call(CARD_NUMBER))
        [record] = site.daemon.ledger.outbox.waiting()
    return answer, record.cause


def test_the_card_and_the_face_together_enrol_and_pass(
    lay: Lay, card: IdCard, clips: Path
) -> None:
    config = lay(card)
    answer, cause = enrol(config, clips)

    assert (1, 1, Cause.MATCHED_SELF) == (answer["code"], answer["type"], cause)
    gallery = gallery_of(config)
    person = gallery.find(Numbers(CARD_NUMBER))
    assert person is not None
    assert "id-photo" in {source for source, _, _ in gallery.history(person)}


def test_neither_name_nor_picture_of_the_card_is_kept_in_the_open(
    lay: Lay, card: IdCard, clips: Path
) -> None:
    config = lay(replace(card, address="某省隐蔽路99号"))
    enrol(config, clips)
    laid = {config.data / "card.json", config.data / "card.bmp"}
    kept = [f for f in config.data.glob("*") if f.is_file() and f not in laid]

    for secret in (
        card.name.encode(),
        CARD_NUMBER.encode(),
        "隐蔽路".encode(),
        card.photo[60:120],
    ):
        assert [] == [file.name for file in kept if secret in file.read_bytes()]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"number": OTHERS}, Cause.CARD_OTHER),
        ({"valid_until": date(2021, 1, 1)}, Cause.CARD_EXPIRED),
        ({"photo": b""}, Cause.ID_PHOTO_UNUSABLE),
    ],
)
def test_a_card_that_does_not_speak_for_the_person_enrols_nobody(
    lay: Lay, card: IdCard, clips: Path, change: dict[str, Any], cause: Cause
) -> None:
    config = lay(replace(card, **change))
    answer, found = enrol(config, clips)

    assert (0, cause) == (answer["code"], found)
    assert gallery_of(config).find(Numbers(CARD_NUMBER)) is None


def test_a_card_with_another_face_enrols_nobody(
    lay: Lay,
    card: IdCard,
    clips: Path,
    models: FaceModels,
    portrait: Callable[[str], bytes],
) -> None:
    config = lay(replace(card, photo=chip_photo(models, portrait("second"))))
    answer, cause = enrol(config, clips)

    assert (0, Cause.ID_PHOTO_MISMATCH) == (answer["code"], cause)
    assert gallery_of(config).find(Numbers(CARD_NUMBER)) is None


def test_without_a_reader_the_clerk_is_told_to_photograph(cast: Config, clips: Path) -> None:
    answer, cause = enrol(cast, clips)

    assert (0, Cause.READER_MISSING) == (answer["code"], cause)
    assert "证件照" in answer["msg"]


def test_a_reader_whose_library_is_missing_is_a_reader_fault(cast: Config, clips: Path) -> None:
    config = replace(cast, reader=ReaderConfig("sdt:1001", "missing.dll", "0" * 64))
    answer, cause = enrol(config, clips)

    assert (0, Cause.READER_FAULT) == (answer["code"], cause)


def test_an_answer_that_does_not_say_yes_or_no_to_the_card_is_refused(cast: Config) -> None:
    given = {"encounter": "x", "stage": "confirm", "accepted": True, "id_card": "yes"}

    with running(cast) as site, pytest.raises(ClientError, match="400"):
        site.caller.answer(given)
