"""A real office over TLS, people with sessions of their own, and records of real devices."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
from center_bed import DEVICE, INSTITUTION, Answer, Site, chained, running
from harness import ROOT
from sqlalchemy import insert

from yibao_face.daemon.trust.document import sign_document
from yibao_face.daemon.trust.sealed import seal_payload
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.sync.api import Record
from yibao_face.sync.center.api import Limits, UnixMs, unix_ms
from yibao_face.sync.center.office.door.permission import Role
from yibao_face.sync.center.office.door.server import serve_office
from yibao_face.sync.center.office.door.table import PREFIX, ROUTES, Route
from yibao_face.sync.center.office.office import Office, OfficeLimits, open_office
from yibao_face.sync.center.office.people.password import hashed
from yibao_face.sync.center.office.store.tables import GRANT, REGION, USER
from yibao_face.sync.center.office.store.tables import INSTITUTION as INSTITUTIONS
from yibao_face.sync.center.office.work import Work

PASSWORD = "Correct-Horse-7"  # noqa: S105  # of invented users
HASHED = hashed(PASSWORD)
SIGNER = Ed25519Signer(bytes(range(32)))
ELSEWHERE = "P23010000009"
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "office-openapi.json").read_text("utf-8"))
# Province, city, county, and one institution in each county.
TREE = (
    ("32", "江苏省", "province", None, "/32/"),
    ("3201", "南京市", "city", "32", "/32/3201/"),
    ("320102", "玄武区", "county", "3201", "/32/3201/320102/"),
    ("23", "黑龙江省", "province", None, "/23/"),
    ("2301", "哈尔滨市", "city", "23", "/23/2301/"),
    ("230102", "道里区", "county", "2301", "/23/2301/230102/"),
)
HOMES = ((INSTITUTION, "第一药店", "320102"), (ELSEWHERE, "北方医院", "230102"))
EASY = OfficeLimits(calls_per_s=1e6, call_burst=10**6, logins_per_s=1e6, login_burst=10**6)


@dataclass
class Hand:
    """A clock somebody turns."""

    now_ms: int

    def __call__(self) -> int:
        return self.now_ms


def word(answer: Answer) -> tuple[int, str]:
    """Status and word of a refusal."""
    return answer.status, answer.body["error"]


@dataclass
class Person:
    """Somebody with a browser, signed in or not."""

    port: int
    context: ssl.SSLContext
    cookie: str = ""
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    connection: http.client.HTTPSConnection | None = field(default=None, repr=False)

    def raw(self, method: str, path: str, data: bytes = b"", **headers: str) -> Answer:
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                "localhost", self.port, context=self.context, timeout=60
            )
        told = {**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if self.cookie:
            told.setdefault("Cookie", self.cookie)
        if self.csrf:
            told.setdefault("X-CSRF-Token", self.csrf)
        try:
            self.connection.request(method, path, data, told)
            answer = self.connection.getresponse()
            text = answer.read().decode()
        except BaseException:
            self.close()
            raise
        kind = answer.headers.get_content_type()
        body = json.loads(text) if kind == "application/json" else text
        if kind == "application/json":
            check_form(method, path, answer.status, body)
        return Answer(answer.status, dict(answer.headers), body)

    def call(self, method: str, path: str, body: object = None, **query: object) -> Answer:
        told = {k.rstrip("_"): str(v).lower() if v is True else v for k, v in query.items()}
        asked = f"?{urlencode(told)}" if told else ""
        data = b"" if body is None else json.dumps(body).encode()
        return self.raw(method, PREFIX + path + asked, data, Content_Type="application/json")

    def get(self, path: str, **query: object) -> Any:
        return _ok(self.call("GET", path, **query))

    def post(self, path: str, body: object = None) -> Any:
        return _ok(self.call("POST", path, {} if body is None else body))

    def put(self, path: str, body: object) -> Any:
        return _ok(self.call("PUT", path, body))

    def sign_in(self, name: str, password: str = PASSWORD) -> Answer:
        answer = self.call("POST", "/session", {"name": name, "password": password})
        if answer.status == 200:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
            self.csrf = answer.body["csrf"]
        return answer

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _ok(answer: Answer) -> Any:
    assert answer.status == 200, answer
    return answer.body


class Bureau:
    """A running office and the centre it belongs to."""

    def __init__(self, site: Site, office: Office, port: int) -> None:
        self.site, self.office, self.port = site, office, port
        self._people: list[Person] = []
        self._sent: dict[str, list[dict[str, Any]]] = {}

    def stranger(self) -> Person:
        context = ssl.create_default_context(cafile=str(self.site.folder / "ca.pem"))
        person = Person(self.port, context)
        self._people.append(person)
        return person

    def hire(self, name: str, *grants: tuple[str, str], must_change: bool = False) -> None:
        """A user, without asking anybody."""
        row = {"name": name, "display": name, "status": "active", "password": HASHED}
        row |= {"must_change": must_change, "failures": 0, "locked_until_ms": 0}
        row |= {"last_login_ms": None, "created_ms": 1}
        with self.office.writing() as db:
            db.execute(insert(USER).values(**row))
            for role, scope in grants:
                db.execute(insert(GRANT).values(name=name, role=role, scope=scope))

    def someone(self, name: str, *grants: tuple[str, str]) -> Person:
        """A user who is signed in."""
        self.hire(name, *grants)
        person = self.stranger()
        assert person.sign_in(name).status == 200
        return person

    def role(self, role: Role | str, scope: str = "*", name: str | None = None) -> Person:
        return self.someone(name or str(role), (str(role), scope))

    def plant(self) -> None:
        """Two provinces with an institution in each."""
        with self.office.writing() as db:
            for code, name, level, parent, path in TREE:
                row = {"code": code, "name": name, "level": level, "parent": parent, "path": path}
                db.execute(insert(REGION).values(**row))
            for code, name, region in HOMES:
                row = {"code": code, "name": name, "kind": "pharmacy", "region": region}
                row |= {"contact": "王", "phone": "025-1", "status": "active"}
                db.execute(insert(INSTITUTIONS).values(**row))

    def send(
        self,
        *records: Record,
        device: str = DEVICE,
        institution: str = INSTITUTION,
        **envelope: Any,
    ) -> Answer:
        """Records of a device, as its next ones, over its own mutual TLS."""
        sent = self._sent.setdefault(device, [])
        first, prev = len(sent) + 1, bytes.fromhex(sent[-1]["hash"]) if sent else bytes(32)
        wire = chained(records, first, prev)
        sent.extend(wire)
        machine = self.site.machine(device, institution)
        told = {"device": device, "sent_ms": self.office.center.clock(), **envelope}
        if not wire:
            last = sent[-1] if sent else {"seq": 0, "hash": "0" * 64}
            told.setdefault("head", {"seq": last["seq"], "hash": last["hash"]})
        answer = machine.batch(wire, **told)
        assert answer.status == 200, answer
        assert all(one["status"] == "new" for one in answer.body["results"]), answer.body
        return answer

    def work(self) -> None:
        """What the office does by itself, now."""
        Work(self.office).round()

    def close(self) -> None:
        for person in self._people:
            person.close()


@contextmanager
def bureau(  # the same switches as ``running``, and those of the office
    folder: Path,
    url: str | None = None,
    *,
    limits: Limits | None = None,
    clock: UnixMs = unix_ms,
    office_limits: OfficeLimits = EASY,
    signing: bool = True,
) -> Generator[Bureau, None, None]:
    """An office on a free port, served by a thread of this process, over a planted tree."""

    def sign(kind: str, version: int, payload: str) -> bytes:
        return sign_document(kind, version, payload, SIGNER)

    with running(folder, url, limits, clock) as site:
        seal = seal_payload if signing else None
        office = open_office(site.center, sign if signing else None, seal, office_limits)
        with _served(office) as port:
            made = Bureau(site, office, port)
            made.plant()
            try:
                yield made
            finally:
                made.close()


@contextmanager
def _served(office: Office) -> Generator[int, None, None]:
    ports: list[int] = []
    told, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    def ready(port: int) -> None:
        ports.append(port)
        told.set()

    def run() -> None:
        loop.run_until_complete(serve_office(office, ("127.0.0.1", 0), ready, stop))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert told.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)


def _validator(route: Route) -> tuple[str, re.Pattern[str], Any]:
    path = re.compile(PREFIX + re.sub(r"{\w+}", "[^/]+", route.path))
    told = DOCUMENT["paths"][PREFIX + route.path][route.method.lower()]["responses"]["200"]
    own = told["content"].get("application/json", {}).get("schema", {})
    schema = {**own, "components": DOCUMENT["components"]}
    return route.method, path, jsonschema_rs.Draft202012Validator(schema)


VALIDATORS = [_validator(route) for route in ROUTES]
ERRORS = jsonschema_rs.Draft202012Validator(DOCUMENT["components"]["schemas"]["Error"])


def check_form(method: str, path: str, status: int, body: Any) -> None:
    """An answer is what the document says it is."""
    if status != 200:
        ERRORS.validate(body)
        return
    bare = path.partition("?")[0]
    # An address of words is more than one with a place for any.
    exact = [v for m, p, v in VALIDATORS if m == method and p.pattern == bare]
    fits = exact or [v for m, p, v in VALIDATORS if m == method and p.fullmatch(bare)]
    fits[0].validate(body)
