"""A real centre over TLS, machines with real certificates, and a PostgreSQL of the tests' own."""

from __future__ import annotations

import asyncio
import base64
import gzip
import http.client
import itertools
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness import lacking, wait_for
from sqlalchemy import func, select

from yibao_face.daemon.core.identity import uuid7
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.sync.api import Link, Record
from yibao_face.sync.center.api import Limits, UnixMs, unix_ms
from yibao_face.sync.center.bus.api import Bus
from yibao_face.sync.center.center import Center, open_center
from yibao_face.sync.center.device.authority import Issued, make_authority, read_request
from yibao_face.sync.center.device.identity import new_code
from yibao_face.sync.center.http.server import serve
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import ALARM, METADATA, RECORD
from yibao_face.sync.chain import GENESIS, SHA256, body_of, canonical, head_statement, next_hash
from yibao_face.sync.wire import to_wire

INSTITUTION, DEVICE = "P32010000001", "counter-1"
AT_MS = 1_795_305_600_123
SIGNER = Ed25519Signer(bytes(range(32)))
_UNIQUE = itertools.count(1)
_POSTGRES = "/usr/lib/postgresql"


def record(n: int, **changed: Any) -> Record:
    """An invented settlement; ``n`` makes its id."""
    values: dict[str, Any] = {
        "id": uuid7(AT_MS + n, n.to_bytes(10, "big")),
        "kind": "settlement",
        "at_unix_ms": AT_MS + n,
        "day": "2026-11-22",
        "request_sha256": "0" * 64,
        "institution": INSTITUTION,
        "deal_no": f"D{n:08d}",
        "person": "5" * 64,
        "code": 1,
        "who": 1,
        "cause": "matched-self",
        "rule": "",
        "certificate_no": "",
        "certificate": "",
        "scores": '{"match":0.71}',
        "models": "{}",
        "thresholds": "{}",
        "evidence_sha256": "",
        "camera": "replay:first",
        "consent": "",
        "consent_text": "",
        "findings": "[]",
        "detail": "{}",
        "sealed_request": b"sealed",
        "demo": False,
    }
    return Record(**{**values, **changed})


def chained(
    records: Iterable[Record], first: int = 1, prev: bytes = GENESIS, algorithm: str = SHA256
) -> list[dict[str, Any]]:
    """Wire form of consecutive records, the first numbered ``first`` and continuing ``prev``."""
    made: list[dict[str, Any]] = []
    for seq, one in enumerate(records, first):
        hash_ = next_hash(prev, canonical(body_of(one, seq)), algorithm)
        made.append(to_wire(one, Link(seq, prev, hash_)))
        prev = hash_
    return made


def run_of(first: int, last: int) -> list[dict[str, Any]]:
    """Records ``first`` to ``last`` of one whole chain from 1 on."""
    return chained(record(n) for n in range(1, last + 1))[first - 1 :]


def envelope(records: list[Any], **changed: Any) -> dict[str, Any]:
    """A batch of these records, whose last one is the head."""
    found = [cast(dict[str, Any], one) for one in records if isinstance(one, dict)]
    last = found[-1] if found else {}
    body: dict[str, Any] = {
        "schema": 3,
        "device": DEVICE,
        "boot_id": "boot-1",
        "sent_ms": unix_ms(),
        "seq_from": found[0].get("seq", 1) if found else 1,
        "head": {"seq": last.get("seq", 0), "hash": last.get("hash", "0" * 64)},
        "records": records,
    }
    return {**body, **changed}


def head(last: dict[str, Any], signer: Ed25519Signer | None = None, **changed: Any) -> Any:
    """The head a device tells after its record ``last``, signed where it has a key."""
    made: dict[str, Any] = {
        "seq": last["seq"],
        "hash": last["hash"],
        "at_ms": AT_MS,
        "signature": "",
        **changed,
    }
    if signer:
        data = head_statement(made["seq"], bytes.fromhex(made["hash"]), made["at_ms"], "sha256")
        made["signature"] = base64.b64encode(signer.sign(data)).decode()
    return made


def keys_of(signer: Ed25519Signer) -> dict[str, str]:
    """``keys`` of an enrolment."""
    raw = (signer.public_key(), bytes(range(32)))
    return dict(zip(("sign", "seal"), (base64.b64encode(k).decode() for k in raw), strict=True))


def request_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate request that names nobody of importance."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "me")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Machine:
    """A caller with (or without) a certificate; keeps its connection."""

    port: int
    context: ssl.SSLContext
    connection: http.client.HTTPSConnection | None = field(default=None, repr=False)

    def call(self, method: str, path: str, data: bytes = b"", **headers: str) -> Answer:
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                "localhost", self.port, context=self.context, timeout=30
            )
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self.connection.request(method, path, data, told)
            answer = self.connection.getresponse()
            text = answer.read()
        except BaseException:
            self.close()
            raise
        return Answer(answer.status, dict(answer.headers), json.loads(text))

    def batch(self, records: list[Any], **changed: Any) -> Answer:
        """Send a batch packed, as devices do."""
        return self.post("/v1/batch", envelope(records, **changed))

    def post(self, path: str, body: object) -> Answer:
        packed = gzip.compress(json.dumps(body).encode(), 1)
        return self.call("POST", path, packed, Content_Encoding="gzip")

    def plain(self, path: str, body: object) -> Answer:
        return self.call("POST", path, json.dumps(body).encode())

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def statuses(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [result["status"] for result in answer.body["results"]]


class Site:
    """A running centre and what belongs to it."""

    def __init__(self, center: Center, port: int, folder: Path) -> None:
        self.center, self.port, self.folder = center, port, folder
        self._machines: list[Machine] = []

    def issue(
        self, device: str = DEVICE, institution: str = INSTITUTION, days: int = 30
    ) -> tuple[Issued, ec.EllipticCurvePrivateKey]:
        """Bind a device by a code, without the network."""
        key = ec.generate_private_key(ec.SECP256R1())
        request, code, now_ms = read_request(request_pem(key)), f"code-{next(_UNIQUE)}", unix_ms()
        devices, make = self.center.devices, self.center.authority.device_certificate
        devices.add_code(code, device, institution, now_ms + 60_000, now_ms, replace=True)
        issued = devices.enrol(
            code, request.key_sha256, lambda d, i: make(request, d, i, days), now_ms
        )
        return issued, key

    def machine(self, device: str = DEVICE, institution: str = INSTITUTION) -> Machine:
        """A bound machine."""
        issued, key = self.issue(device, institution)
        return self.with_certificate(issued.pem, key)

    def enrolled(self, keys: object, device: str = DEVICE) -> tuple[Answer, bytes]:
        """The answer to an enrolment with these ``keys``, and the private key it was for."""
        code, now_ms, key = new_code(), unix_ms(), ec.generate_private_key(ec.SECP256R1())
        whom = (device, INSTITUTION)
        self.center.devices.add_code(code, *whom, now_ms + 60_000, now_ms, replace=True)
        body = {"code": code, "csr": request_pem(key), "keys": keys}
        return self.stranger().plain("/v1/enrol", body), key_pem(key)

    def signing(self, signer: Ed25519Signer = SIGNER) -> Machine:
        """A bound machine that has told which key it signs with."""
        answer, pem = self.enrolled(keys_of(signer))
        assert answer.status == 200
        key = serialization.load_pem_private_key(pem, None)
        return self.with_certificate(answer.body["certificate"], cast(Any, key))

    def with_certificate(self, pem: str, key: ec.EllipticCurvePrivateKey) -> Machine:
        context = self._context()
        file = self.folder / f"client-{next(_UNIQUE)}.pem"
        file.write_bytes(pem.encode() + key_pem(key))
        context.load_cert_chain(file)
        return self._kept(Machine(self.port, context))

    def stranger(self) -> Machine:
        """A machine without a certificate."""
        return self._kept(Machine(self.port, self._context()))

    def stored(self) -> list[dict[str, Any]]:
        with self.center.database.reading() as db:
            return rows(db, select(RECORD).order_by(RECORD.c.device, RECORD.c.seq, RECORD.c.id))

    def alarms(self) -> dict[str, str]:
        """Kind and subject of every alarm."""
        with self.center.database.reading() as db:
            return {row["kind"]: row["subject"] for row in rows(db, select(ALARM))}

    def counts(self) -> dict[str, int]:
        """Rows in every table: what a refused request must leave as it was."""
        with self.center.database.reading() as db:
            return {
                table.name: db.execute(select(func.count()).select_from(table)).scalar_one()
                for table in METADATA.sorted_tables
            }

    def close(self) -> None:
        for machine in self._machines:
            machine.close()

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))

    def _kept(self, machine: Machine) -> Machine:
        self._machines.append(machine)
        return machine


@contextmanager
def running(
    folder: Path,
    url: str | None = None,
    limits: Limits | None = None,
    clock: UnixMs = unix_ms,
    *,
    evidence: str | None = None,
    bus: Bus | None = None,
) -> Generator[Site, None, None]:
    """A centre on a free port, served by a thread of this process."""
    if not (folder / "ca.pem").exists():
        make_authority(folder, ["localhost", "127.0.0.1"])
    with open_center(folder, url, limits, clock, evidence=evidence, bus=bus) as center:
        ports: list[int] = []
        told, loop = threading.Event(), asyncio.new_event_loop()
        stop = asyncio.Event()

        def ready(port: int) -> None:
            ports.append(port)
            told.set()

        def run() -> None:
            loop.run_until_complete(serve(center, "127.0.0.1", 0, ready, stop))
            loop.close()

        thread = threading.Thread(target=run)
        thread.start()
        assert told.wait(10)
        site = Site(center, ports[0], folder)
        try:
            yield site
        finally:
            site.close()
            loop.call_soon_threadsafe(stop.set)
            thread.join(30)


class Postgres:
    """A cluster of its own, on a socket in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._databases = itertools.count(1)

    def new_database(self) -> str:
        """URL of an empty database."""
        name = f"center{next(self._databases)}"
        command = [_binary("psql"), "-h", str(self._folder), "-U", "center", "postgres", "-qc"]
        subprocess.run([*command, f"CREATE DATABASE {name}"], check=True)
        return f"postgresql://center@/{name}?host={self._folder}"


@contextmanager
def postgres() -> Generator[Postgres, None, None]:
    """Start a PostgreSQL child; skip, or fail where everything is demanded, without one."""
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="center-pg-"))
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    options = ["-U", "center", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    quiet = {"stdout": subprocess.DEVNULL, "user": user, "cwd": folder}
    subprocess.run([_binary("initdb"), "-D", data, *options], check=True, **quiet)  # type: ignore[call-overload]  # keywords by name
    server = subprocess.Popen(
        [_binary("postgres"), "-D", data, "-k", folder, "-c", "listen_addresses="],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=user,
        cwd=folder,
    )
    ready = [_binary("pg_isready"), "-q", "-h", str(folder), "-U", "center", "-d", "postgres"]
    try:
        wait_for(lambda: subprocess.run(ready, check=False).returncode == 0)
        yield Postgres(folder)
    finally:
        # At once: its files go, too.
        server.send_signal(signal.SIGQUIT)
        server.wait(30)
        shutil.rmtree(folder)


def _binary(name: str) -> str:
    found = sorted(Path(_POSTGRES).glob(f"*/bin/{name}"))
    if found:
        return str(found[-1])
    return shutil.which(name) or lacking("PostgreSQL")
