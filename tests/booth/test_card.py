"""A card is waited for, compared with whom the call names, and its small picture is a face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from yibao_face.daemon.booth.still.card import face_of_card, objection, read_card
from yibao_face.daemon.booth.still.photo import PhotoError, face_of
from yibao_face.daemon.capture.attempt import Attempt, CancelledByClerkError, End
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.demo.picture.card import CARD_NUMBER, chip_photo, invented_card
from yibao_face.drivers.reader.api import Again, IdCard, ReaderUnsupportedError
from yibao_face.drivers.reader.chip import HEIGHT, WIDTH, bmp_of
from yibao_face.drivers.reader.virtual import VirtualReader
from yibao_face.models.embed import cosine
from yibao_face.models.suite import FaceModels

CARD = invented_card(b"")
TODAY = date(2026, 11, 26)


def test_a_card_laid_down_badly_is_read_once_it_lies_well() -> None:
    reader = VirtualReader([Again.MOVED, Again.UNREADABLE, CARD])

    assert CARD == read_card(reader, Attempt(20.0), demo=True)


def test_no_card_is_a_cause() -> None:
    assert Cause.CARD_ABSENT is read_card(VirtualReader([]), Attempt(20.0), demo=True, seconds=0.1)


def test_a_cancelled_encounter_does_not_wait_for_a_card() -> None:
    attempt = Attempt(20.0)
    attempt.cancel(End.CLERK)

    with pytest.raises(CancelledByClerkError):
        read_card(VirtualReader([]), attempt, demo=True)


def test_a_virtual_reader_vouches_for_nobody_outside_the_demo() -> None:
    with pytest.raises(ReaderUnsupportedError, match="vouches for nobody"):
        read_card(VirtualReader([CARD]), Attempt(20.0), demo=False)


@pytest.mark.parametrize(
    ("card", "number", "cause"),
    [
        (CARD, CARD_NUMBER, None),
        (CARD, "110101199003070003", Cause.CARD_OTHER),
        (CARD, "", Cause.CARD_OTHER),
        (replace(CARD, valid_until=date(2026, 11, 25)), CARD_NUMBER, Cause.CARD_EXPIRED),
        (replace(CARD, valid_from=date(2026, 11, 27)), CARD_NUMBER, Cause.CARD_EXPIRED),
    ],
)
def test_only_the_valid_card_of_the_person_speaks_for_him(
    card: IdCard, number: str, cause: Cause | None
) -> None:
    assert cause is objection(card, number, TODAY)


def test_a_chips_picture_is_nearer_to_its_person_than_to_anybody_else(
    models: FaceModels, portrait: Callable[[str], bytes]
) -> None:
    photo = chip_photo(models, portrait("first-1"))
    printed = face_of_card(models, invented_card(photo))
    names = ("first-2", "first-3", "second", "third")
    same_1, same_2, other_1, other_2 = (
        cosine(printed, face_of(models, portrait(name), name)) for name in names
    )

    assert min(same_1, same_2) > 0.5 > max(other_1, other_2)


@pytest.mark.parametrize(
    ("photo", "said"),
    [(b"", "gives no picture"), (bmp_of(bytes(WIDTH * HEIGHT * 3)), "shows 0 faces")],
)
def test_a_card_without_a_face_is_refused(models: FaceModels, photo: bytes, said: str) -> None:
    with pytest.raises(PhotoError, match=said):
        face_of_card(models, invented_card(photo))
