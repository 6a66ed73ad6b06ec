"""A counter that takes in documents of an invented centre, and the documents."""

from __future__ import annotations

import base64
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.desk.desk import Desk, recorded
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.inbox.inbox import Inbox
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.trust.document import heading_of, keys_text, sign_document
from yibao_face.daemon.trust.sealed import public_key_of, seal_payload
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.daemon.wiring import centre_keys_path, desk_of, inbox_of, policies_of, weight_store
from yibao_face.models.api import Embedding
from yibao_face.sync.api import Query, Record
from yibao_face.sync.uplink.api import Letter

CENTRE, SPARE = Ed25519Signer(bytes(range(32))), Ed25519Signer(bytes(range(1, 33)))
STRANGER = Ed25519Signer(bytes(32))
HOSPITAL = "001000200030"
FIRST, SECOND, THIRD = "320101194202156744", "110101199003070000", "320101199003070118"
ACCEPTED = ("document", "revocation", "policy")


@dataclass(frozen=True, slots=True)
class Counter:
    """One process at a counter, with its inbox."""

    config: Config
    desk: Desk
    inbox: Inbox

    def take(self, envelope: bytes) -> None:
        self.inbox.take(letter(envelope))

    def take_signed(self, kind: str, version: int, payload: object) -> None:
        self.take(signed(kind, version, payload))

    def seal(self, kind: str, version: int, payload: object) -> bytes:
        """For this device alone."""
        to = public_key_of(self.desk.gallery.vault.seal_seed)
        return sealed_to(to, kind, version, payload)

    def records(self, *kinds: str) -> list[Record]:
        return self.desk.ledger.outbox.find(Query(kinds=kinds))

    def in_force(self) -> list[tuple[str, str, int]]:
        return [(h.kind, h.name, h.version) for h in self.inbox.in_force()]

    def alarms(self) -> list[str]:
        return [json.loads(r.detail)["reason"] for r in self.records("alarm")]

    def enrolled(self, *numbers: str) -> list[bool]:
        return [self.desk.gallery.find(Numbers(number)) is not None for number in numbers]


def no_networks(_photo: bytes, _name: str) -> Embedding:
    raise AssertionError("no picture was sent")


@contextmanager
def counter_at(data: Path, **given: Any) -> Generator[Counter, None, None]:
    """A counter that knows the centre's two keys; ``given``: sections of its configuration."""
    config = Config(data, **given)
    data.mkdir(exist_ok=True)
    if not centre_keys_path(config).exists():
        centre_keys_path(config).write_text(keys_text([CENTRE, SPARE]), "utf-8")
    with desk_of(config) as desk:
        inbox = inbox_of(config, desk, policies_of(config, desk), no_networks)
        yield Counter(config, desk, inbox)


def register_special(counter: Counter, id_: str = "") -> str:
    """A patient under treatment today, as the desk registers one; the id of the record."""
    today = counter.desk.ledger.clock.today().isoformat()
    detail = {"case": "in-treatment", "from": today, "until": today, "photos": ["5" * 64]}
    patient = counter.desk.gallery.person_of(Numbers(FIRST))
    entry = Entry(Kind.SPECIAL, recorded(), HOSPITAL, patient, detail={**detail, "staff": "1"})
    return counter.desk.note(entry, id_).id


def letter(envelope: bytes) -> Letter:
    return announced(*heading_of(envelope), envelope)


def announced(kind: str, version: int, envelope: bytes, name: str = "") -> Letter:
    """A letter the centre calls that, whatever is in it."""
    return Letter(kind, name, version, envelope)


def signed(kind: str, version: int, payload: object, signer: Ed25519Signer = CENTRE) -> bytes:
    return sign_document(kind, version, json.dumps(payload, ensure_ascii=False), signer)


def sealed_to(to: bytes, kind: str, version: int, payload: object) -> bytes:
    return signed(kind, version, seal_payload(json.dumps(payload), to, kind, version))


def direction(seed: int, length: int = 128) -> Embedding:
    """An invented template of length 1."""
    vector = np.random.default_rng(seed).normal(size=length)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def template(data: Path, seed: int = 1, **changed: Any) -> dict[str, Any]:
    embedder = weight_store(Config(data)).manifest.by_role("embedder")
    vector = direction(seed, embedder.feed.dim)
    return {
        "model": embedder.id,
        "sha256": embedder.sha256,
        "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode(),
        "source": "id-photo",
        "day": "2026-11-01",
        **changed,
    }


def person(data: Path, number: str = FIRST, **changed: Any) -> dict[str, Any]:
    body = {"op": "add", "id": number, "name": "张三", "consent": "2023-106-1"}
    return {**body, "templates": [template(data)], **changed}


def persons(*people: dict[str, Any], name: str = "batch-1") -> dict[str, Any]:
    return {"name": name, "persons": list(people)}


def roster(*numbers: str) -> dict[str, Any]:
    people = [{"id": number, "name": "王医师"} for number in numbers]
    return {"institution": HOSPITAL, "practitioners": people}


def task(name: str = "T1", **changed: Any) -> dict[str, Any]:
    window = {"from_ms": 1_795_305_600_000, "until_ms": 1_795_392_000_000}
    return {"task": name, "institution": HOSPITAL, "scope": "hospital", **window, **changed}


def relation(**changed: Any) -> dict[str, Any]:
    body = {"id": FIRST, "agent_id": SECOND, "relation": "子女", "until": "2026-12-31"}
    return {**body, **changed}


def agents(*relations: dict[str, Any]) -> dict[str, Any]:
    return {"institution": HOSPITAL, "relations": list(relations)}


def manifest(**changed: Any) -> dict[str, Any]:
    file = {"name": "yibao-face-0.2.0.zip", "sha256": "a" * 64, "size_bytes": 1000}
    return {"release": "0.2.0", "files": [file], **changed}


def policy(version: int) -> dict[str, Any]:
    return {"version": version, "rules": [{"id": "all", "check": True}]}
