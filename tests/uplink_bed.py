"""Counters that send to a real centre over mTLS, a wire to cut, a centre that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from center_bed import INSTITUTION, Site, record

from yibao_face.daemon.config import Config
from yibao_face.daemon.link.keys import link_secret, public_keys
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.daemon.wiring import vault_of
from yibao_face.sync.api import Record
from yibao_face.sync.center.api import Limits, UnixMs, unix_ms
from yibao_face.sync.center.center import Center, open_center
from yibao_face.sync.center.device.authority import make_authority
from yibao_face.sync.center.http.server import serve
from yibao_face.sync.center.store.documents import Documents
from yibao_face.sync.center.store.records import Records
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.uplink.api import Hands, Inbox, Keys, Letter, Pace, Place, Status, place_of
from yibao_face.sync.uplink.identity.enrol import Application, enrol
from yibao_face.sync.uplink.identity.identity import Identity, IdentityFolder
from yibao_face.sync.uplink.uplink import Parts, Uplink
from yibao_face.sync.uplink.wire.client import Client

SIGNER = Ed25519Signer(bytes(range(32)))
KEYS = Keys(SIGNER.public_key(), bytes(range(32)))
SECRET = "5" * 64
# As in life, only shorter.
PACE = Pace(0.3, 60.0, 0.05, 0.2, 0.02, 0.2, 1, 20.0, 0.1, 0.1)
_CODES = itertools.count(1)


@dataclass
class Heard:
    """News as it came."""

    clocks: list[int] = field(default_factory=list[int])
    troubles: list[tuple[str, dict[str, Any]]] = field(
        default_factory=list[tuple[str, dict[str, Any]]]
    )

    def clock(self, centre_ms: int, steady_s: float) -> None:
        assert steady_s > 0
        self.clocks.append(centre_ms)

    def trouble(self, what: str, facts: dict[str, Any]) -> None:
        self.troubles.append((what, facts))


class Box:
    """An inbox that keeps letters. ``refuse``: raised once for each letter of that kind."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.refuse: dict[str, list[Exception]] = {}

    def take(self, letter: Letter) -> None:
        errors = self.refuse.get(letter.kind)
        if errors:
            raise errors.pop(0)
        self.letters.append(letter)


class Machine:
    """A counter: a record file, the files of the link, and what sends them."""

    def __init__(
        self, folder: Path, place: Place, *, signer: Ed25519Signer = SIGNER, **changed: Any
    ) -> None:
        self.folder, self.place = folder, place
        self.keys = Keys(signer.public_key(), KEYS.seal)
        self.outbox = Outbox(folder / "results.db", sign=signer.sign)
        self.identities = IdentityFolder(folder / "link", SECRET)
        self.heard, self.box = Heard(), Box()
        self._changed = changed
        self.uplink = self.another()

    def another(self, **changed: Any) -> Uplink:
        """A further uplink over the same files."""
        parts = Parts(
            outbox=self.outbox,
            folder=self.folder / "link",
            secret=SECRET,
            keys=self.keys,
            place=self.place,
            boot_id="boot-1",
            news=self.heard,
            inbox=cast(Inbox, self.box),
            pace=PACE,
        )
        return Uplink(replace(parts, **self._changed, **changed))

    def enrol(self, centre: Centre, device: str = "counter-1", **changed: Any) -> Identity:
        """Bound by a code of ``centre``, as at a counter."""
        code = changed.pop("code", None) or centre.code(device)
        wanted = Application(centre.ca, code, self.keys)
        context = self.identities.context(centre.ca, known=False)
        client = Client(self.place, context)
        try:
            return enrol(self.identities, client, replace(wanted, **changed))
        finally:
            client.close()

    def put(self, first: int, last: int, **changed: Any) -> list[Record]:
        """Write records ``first`` to ``last``."""
        made = [record(n, **changed) for n in range(first, last + 1)]
        for one in made:
            self.outbox.put(one)
        return made

    @property
    def status(self) -> Status:
        return self.uplink.status()

    @contextmanager
    def sending(self) -> Generator[Uplink, None, None]:
        """The uplink in its threads."""
        self.uplink.start()
        try:
            yield self.uplink
        finally:
            self.uplink.stop()

    def close(self) -> None:
        self.outbox.close()


class Script:
    """What a centre does instead of storing: errors in turn, poison by deal number, gaps told."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.errors: list[Exception] = []
        self.poison: dict[str, Exception] = {}
        self.gaps: list[tuple[tuple[int, int], ...]] = []
        self.batches: list[Any] = []
        self.sizes: list[int] = []

    def take(self, caller: Any, batch: Any, incoming: Any, now_ms: int) -> Any:
        self.batches.append(batch)
        self.sizes.append(len(incoming))
        if self.errors:
            raise self.errors.pop(0)
        for one in incoming:
            if one.record.deal_no in self.poison:
                raise self.poison[one.record.deal_no]
        taken = self._records.take(caller, batch, incoming, now_ms)
        return replace(taken, gaps=self.gaps.pop(0)) if self.gaps else taken


class Looks:
    """The documents of a centre; ``count``: how often a machine asked for them."""

    def __init__(self, documents: Documents) -> None:
        self._documents, self.count = documents, 0
        self.publish, self.top = documents.publish, documents.top

    def after(self, *given: Any) -> Any:
        self.count += 1
        return self._documents.after(*given)


class Centre(Site):
    """A running centre that can be scripted."""

    def __init__(self, center: Center, port: int, folder: Path, script: Script) -> None:
        super().__init__(center, port, folder)
        self.script = script

    @property
    def place(self) -> Place:
        return Place("localhost", self.port)

    @property
    def ca(self) -> bytes:
        return (self.folder / "ca.pem").read_bytes()

    def code(self, device: str = "counter-1", institution: str = INSTITUTION) -> str:
        """A one-time code for a machine."""
        code, now_ms = f"CODE-{next(_CODES)}", unix_ms()
        until_ms = now_ms + 3_600_000
        self.center.devices.add_code(code, device, institution, until_ms, now_ms, replace=True)
        return code

    def deals(self) -> list[str]:
        """Deal numbers of what is stored, in the order of numbers."""
        return [str(row["deal_no"]) for row in self.stored()]


@contextmanager
def centre(
    folder: Path,
    *,
    limits: Limits | None = None,
    clock: UnixMs = unix_ms,
    port: int = 0,
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1"),
) -> Generator[Centre, None, None]:
    """A centre on ``port``, served by a thread of this process."""
    if not (folder / "ca.pem").exists():
        make_authority(folder, hosts)
    with open_center(folder, None, limits, clock) as real:
        script = Script(real.records)
        looks = cast(Documents, Looks(real.documents))
        center = replace(real, records=cast(Records, script), documents=looks)
        ports: list[int] = []
        told, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

        def ready(at: int) -> None:
            ports.append(at)
            told.set()

        def run() -> None:
            loop.run_until_complete(serve(center, "127.0.0.1", port, ready, stop))
            # Connections that were cut are still being closed.
            loop.run_until_complete(asyncio.sleep(0.1))
            loop.close()

        thread = threading.Thread(target=run, name="centre")
        thread.start()
        assert told.wait(10)
        site = Centre(center, ports[0], folder, script)
        try:
            yield site
        finally:
            site.close()
            loop.call_soon_threadsafe(stop.set)
            thread.join(30)


class Cable:
    """A TCP wire to ``port`` that loses what comes back, or is unplugged."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._ends: set[socket.socket] = set()
        self._lose = 0
        self.lost = 0
        self.plugged = True
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def lose_answers(self, count: int) -> None:
        """The next ``count`` times something comes back, it is lost and the connection cut."""
        self._lose = count

    def unplug(self) -> None:
        """Cut everything; new connections are dropped until ``plugged`` again."""
        self.plugged = False
        for end in [*self._ends]:
            _hang_up(end)

    def close(self) -> None:
        self.unplug()
        _hang_up(self._server)
        for thread in self._threads:
            thread.join(10)

    def _begin(self, run: Callable[..., None], *given: Any) -> None:
        thread = threading.Thread(target=run, args=given, name="cable")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                if not self.plugged:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                self._ends |= {near, far}
                self._begin(self._carry, near, far, False)
                self._begin(self._carry, far, near, True)

    def _carry(self, source: socket.socket, to: socket.socket, back: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if back and self._lose:
                    self._lose -= 1
                    self.lost += 1
                    break
                to.sendall(data)
        for end in (source, to):
            self._ends.discard(end)
            _hang_up(end)


@contextmanager
def cable(port: int) -> Generator[Cable, None, None]:
    """A wire to a centre."""
    made = Cable(port)
    try:
        yield made
    finally:
        made.close()


def bind(config: Config, center: Centre) -> None:
    """The machine of ``config`` is enrolled at ``center``."""
    vault = vault_of(config)
    folder = IdentityFolder(config.data / "link", link_secret(vault))
    client = Client(place_of(config.centre.url), folder.context(center.ca, known=False))
    enrol(folder, client, Application(center.ca, center.code(), public_keys(vault)))
    client.close()


def skewed(by_ms: int) -> Hands:
    """The hands of a machine whose clock is ``by_ms`` ahead."""
    return Hands(unix_ms=lambda: unix_ms() + by_ms)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
