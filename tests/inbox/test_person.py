"""Reference faces come sealed to one device, and all of a delivery or nothing is kept."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inbox_bed import (
    FIRST,
    SECOND,
    THIRD,
    Counter,
    agents,
    announced,
    counter_at,
    direction,
    letter,
    person,
    persons,
    relation,
    sealed_to,
    signed,
    template,
)

from yibao_face.daemon.booth.still.photo import face_of
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.template import Source
from yibao_face.daemon.gallery.gallery import Enrolment, Numbers, Picture
from yibao_face.daemon.inbox.inbox import Inbox
from yibao_face.daemon.trust.sealed import public_key_of
from yibao_face.models.suite import FaceModels
from yibao_face.sync.uplink.api import LetterRefusedError

KIND = "person-references"


def deliver(counter: Counter, version: int, *people: dict[str, Any]) -> None:
    counter.take(counter.seal(KIND, version, persons(*people)))


def refusal(counter: Counter, payload: object, version: int = 1) -> str:
    before = counter.desk.gallery.count()
    with pytest.raises(LetterRefusedError) as refused:
        counter.take(counter.seal(KIND, version, payload))
    assert before == counter.desk.gallery.count()
    assert [] == counter.records("document")
    return str(refused.value)


def samples(counter: Counter, number: str = FIRST) -> list[tuple[str, str]]:
    found = counter.desk.gallery.find(Numbers(number))
    assert found is not None
    return [(source, day) for source, day, _ in counter.desk.gallery.history(found)]


def test_a_person_delivered_is_enrolled_as_an_anchor_with_name_and_consent(
    counter: Counter,
) -> None:
    deliver(counter, 1, person(counter.config.data, psn="P1"))

    gallery = counter.desk.gallery
    found = gallery.find(Numbers("", "P1"))
    assert found is not None
    assert found == gallery.find(Numbers(FIRST))
    assert ("张三", "2023-106-1") == (gallery.name(found), gallery.consent(found))
    reference = gallery.reference(found, counter.inbox._site.stamp)
    assert reference is not None
    assert np.allclose(direction(1, counter.inbox._site.dim), reference.template)
    assert [(Source.ID_PHOTO, "2026-11-01")] == samples(counter)


def test_the_record_counts_and_names_nobody(counter: Counter) -> None:
    deliver(counter, 1, person(counter.config.data), {"op": "erase", "id": SECOND})

    [record] = counter.records("document")
    detail = json.loads(record.detail)
    assert (1, 0, 1) == (detail["add"], detail["replace"], detail["erase"])
    for secret in (FIRST, SECOND, "张三"):
        assert secret not in record.detail


def test_no_byte_of_a_person_is_readable_on_the_way(counter: Counter) -> None:
    made = counter.seal(KIND, 1, persons(person(counter.config.data)))

    for secret in (FIRST.encode(), "张三".encode(), b"persons", b"embedding"):
        assert secret not in made


def test_one_sealed_to_another_device_is_refused(counter: Counter) -> None:
    made = sealed_to(public_key_of(bytes(32)), KIND, 1, persons(person(counter.config.data)))

    with pytest.raises(LetterRefusedError, match="sealed to another device"):
        counter.take(made)
    assert 0 == counter.desk.gallery.count()


def test_one_that_is_not_sealed_is_refused(counter: Counter) -> None:
    with pytest.raises(LetterRefusedError, match="must be sealed to this device"):
        counter.take(signed(KIND, 1, persons(person(counter.config.data))))


def test_a_sealed_part_put_into_another_document_does_not_open(counter: Counter) -> None:
    made = counter.seal(KIND, 1, persons(person(counter.config.data)))
    payload = json.loads(json.loads(made)["payload"])

    for kind, version in ((KIND, 2), ("agents", 1)):
        with pytest.raises(LetterRefusedError, match="does not open"):
            counter.take(signed(kind, version, payload))


CUTS: list[Callable[[bytes], bytes]] = [
    lambda data: data[:-1],
    lambda data: data[:20],
    lambda _data: b"",
    lambda data: bytes([data[0] ^ 1]) + data[1:],
    lambda data: data[:-1] + bytes([data[-1] ^ 1]),
]


@pytest.mark.parametrize("change", CUTS)
def test_a_damaged_sealed_part_is_refused(
    counter: Counter, change: Callable[[bytes], bytes]
) -> None:
    made = counter.seal(KIND, 1, persons(person(counter.config.data)))
    payload = json.loads(json.loads(made)["payload"])
    broken = base64.b64encode(change(base64.b64decode(payload["sealed"]))).decode()

    with pytest.raises(LetterRefusedError):
        counter.take(signed(KIND, 1, {**payload, "sealed": broken}))


def test_a_sealed_part_that_swells_is_refused(counter: Counter) -> None:
    bomb: dict[str, object] = {"name": " " * 2_000_000, "persons": []}
    counter.seal(KIND, 1, bomb)

    assert "name is not a text" in refusal(counter, bomb)


def test_added_samples_join_those_there_and_the_same_ones_come_once(counter: Counter) -> None:
    data = counter.config.data
    deliver(counter, 1, person(data))
    more = [template(data), template(data, 2, source="enrolment")]
    deliver(counter, 2, person(data, templates=more))

    assert [Source.ID_PHOTO, Source.ENROLMENT] == [source for source, _ in samples(counter)]


def test_replaced_means_all_samples_anew_those_that_grew_too(counter: Counter) -> None:
    data = counter.config.data
    deliver(counter, 1, person(data))
    gallery, stamp = counter.desk.gallery, counter.inbox._site.stamp
    found = gallery.person_of(Numbers(FIRST))
    gallery.add_samples(found, [Picture(direction(5), Source.PASS)], stamp, date(2026, 11, 2))
    deliver(counter, 2, person(data, op="replace", name="张三丰", templates=[template(data, 9)]))

    assert 1 == len(samples(counter))
    assert "张三丰" == gallery.name(found)


def test_erased_means_gone_with_every_sample_and_twice_is_once(counter: Counter) -> None:
    deliver(counter, 1, person(counter.config.data))
    deliver(counter, 2, {"op": "erase", "id": FIRST})
    deliver(counter, 3, {"op": "erase", "id": FIRST})

    assert [False] == counter.enrolled(FIRST)


def test_people_enrolled_at_the_counter_stay_who_they_are(counter: Counter) -> None:
    gallery, stamp = counter.desk.gallery, counter.inbox._site.stamp
    enrolment = Enrolment(Numbers("", "P1"), "李四", "v1", "staff:1", "2026-11-01")
    known = gallery.add(enrolment, [Picture(direction(3))], stamp)
    deliver(counter, 1, person(counter.config.data, psn="P1"))

    assert known == gallery.find(Numbers(FIRST)) == gallery.find(Numbers("", "P1"))
    assert 2 == len(samples(counter))


def test_numbers_of_two_persons_refuse_the_whole_delivery(counter: Counter) -> None:
    data = counter.config.data
    gallery, stamp = counter.desk.gallery, counter.inbox._site.stamp
    for numbers in (Numbers(FIRST), Numbers("", "P2")):
        enrolment = Enrolment(numbers, "李四", "v1", "staff:1", "2026-11-01")
        gallery.add(enrolment, [Picture(direction(3))], stamp)
    told = refusal(counter, persons(person(data, SECOND), person(data, psn="P2")))

    assert "name two persons" in told
    assert [False] == counter.enrolled(SECOND)


def encoded(vector: object) -> str:
    return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()


NAN = encoded([float("nan")] * 128)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"op": "eat"}, "op is none of add, erase, replace"),
        ({"id": ""}, "id and psn are both empty"),
        ({"id": 7}, "id is not a text"),
        ({"name": ""}, "name is not a text"),
        ({"consent": ""}, "consent is not a text"),
        ({"templates": []}, "templates and photos are both empty"),
        ({"photos": [1]}, "photos is not a list of texts"),
        ({"photos": ["!"]}, "photos is not base64"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"op": "erase"}, "unknown key 'consent'"),
        ({"template": {"embedding": "!"}}, "embedding is not base64"),
        ({"template": {"embedding": "AAA="}}, "another length"),
        ({"template": {"embedding": encoded(direction(1, 64))}}, "has 64 numbers, not 128"),
        ({"template": {"embedding": encoded([1.0] * 128)}}, "is not of length 1"),
        ({"template": {"embedding": encoded([3e38] * 128)}}, "is not of length 1"),
        ({"template": {"embedding": encoded([0.0] * 128)}}, "is not of length 1"),
        ({"template": {"embedding": NAN}}, "is not of length 1"),
        ({"template": {"source": "pass"}}, "source is none of enrolment, id-photo"),
        ({"template": {"day": "soon"}}, "day is not a date"),
        ({"template": {"extra": 1}}, "unknown key 'extra'"),
    ],
)
def test_one_wrong_person_refuses_all_and_is_named_by_number(
    counter: Counter, changed: dict[str, Any], told: str
) -> None:
    data = counter.config.data
    made = person(data, **{k: v for k, v in changed.items() if k != "template"})
    if "template" in changed:
        made["templates"] = [template(data, **changed["template"])]
    said = refusal(counter, persons(person(data, SECOND), made))

    assert told in said
    assert "persons 2: " in said
    assert FIRST not in said
    assert [False] == counter.enrolled(SECOND)


def test_templates_of_another_network_are_kept_for_when_it_comes(counter: Counter) -> None:
    data = counter.config.data
    made = template(data, model="next", embedding=encoded(direction(1, 512)))
    deliver(counter, 1, person(data, templates=[made]))

    found = counter.desk.gallery.person_of(Numbers(FIRST))
    assert counter.desk.gallery.reference(found, counter.inbox._site.stamp) is None
    assert 1 == len(samples(counter))


def test_relations_that_waited_for_a_person_hold_once_he_is_delivered(counter: Counter) -> None:
    data = counter.config.data
    deliver(counter, 1, person(data, FIRST))
    far = relation(until=Clock().today().replace(day=1).isoformat(), agent_id=SECOND)
    counter.take_signed("agents", 1, agents(far, relation(id=SECOND, agent_id=THIRD)))
    assert [] == counter.records("agent")

    deliver(counter, 2, person(data, SECOND))
    assert 1 == len(counter.records("agent"))
    found = counter.desk.gallery.person_of(Numbers(FIRST))
    names = counter.desk.gallery.references(found, counter.inbox._site.stamp, date(2000, 1, 1))
    assert 2 == len(names)


def test_a_picture_becomes_a_template_and_is_not_kept(
    tmp_path: Path, home: Config, models: FaceModels, portrait: Callable[[str], bytes]
) -> None:
    with counter_at(tmp_path / "data") as counter:
        inbox = Inbox(replace(counter.inbox._site, embed=partial(face_of, models)))
        photo = base64.b64encode(portrait("first-1")).decode()
        made = persons(person(counter.config.data, templates=[], photos=[photo]))
        inbox.take(letter(counter.seal(KIND, 1, made)))
        found = counter.desk.gallery.person_of(Numbers(FIRST))
        reference = counter.desk.gallery.reference(found, models.embedder.stamp)
        assert reference is not None
        probe = face_of(models, portrait("first-3"), "probe")
        assert 0.4 < float(reference.template @ probe)

        poor = persons(person(counter.config.data, SECOND, templates=[], photos=["aGk="]))
        with pytest.raises(LetterRefusedError, match=r"persons 1: photo 1 "):
            inbox.take(letter(counter.seal(KIND, 2, poor)))
        assert [False] == counter.enrolled(SECOND)
        assert not (counter.config.data / "evidence").exists()


def test_a_letter_shows_no_payload_when_it_is_printed(counter: Counter) -> None:
    made = counter.seal(KIND, 1, persons(person(counter.config.data)))

    assert "sealed" not in repr(announced(KIND, 1, made))
