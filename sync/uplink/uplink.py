"""Three threads beside the daemon: results up, evidence up, letters down.

Each has a connection of its own, so that none waits for another; the first also keeps the identity
young and says how things stand. One process of a machine sends at a time (``SendLock``): a second
one stands by, and takes over when the first has gone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from yibao_face.sync.api import StoreError
from yibao_face.sync.evidence import EvidenceLane, Quota
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.uplink.api import (
    CentreRefusedError,
    Hands,
    Inbox,
    Keys,
    News,
    NoAnswerError,
    Pace,
    Place,
    State,
    Status,
    UplinkError,
)
from yibao_face.sync.uplink.identity.enrol import renew
from yibao_face.sync.uplink.identity.identity import Identity, IdentityFolder
from yibao_face.sync.uplink.lane.backoff import Backoff
from yibao_face.sync.uplink.lane.evidence import EVERYTHING, FileLane
from yibao_face.sync.uplink.lane.letter import Cursor, LetterLane
from yibao_face.sync.uplink.lane.result import Exchange, ResultLane
from yibao_face.sync.uplink.lock import SendLock
from yibao_face.sync.uplink.standing import Standing, counted, read_status
from yibao_face.sync.uplink.wire.client import Client
from yibao_face.sync.uplink.wire.envelope import MAX_RECORDS, Sender

logger = logging.getLogger(__name__)

_UNBOUND_S = 2.0
_IDLE_S = 5.0
_BUSY_LOOK_S = 0.05
# A file costs next to nothing, and a month of them has to go up between people.
_FILE_YIELD_S = 0.1
# Beside an encounter: a few milliseconds of the processor at a time.
_BUSY_RECORDS = 50
_LAST_WORDS_S, _LET_GO_S = 3.0, 5.0


def nobody_there() -> bool:
    """For an uplink that need not give way to anybody."""
    return False


@dataclass(frozen=True, slots=True)
class Parts:
    """What an uplink is made of. ``folder``: of the link's own files; ``secret``: see
    ``IdentityFolder``; ``evidence``: folder of sealed files, ``None``: they stay here; ``quota``:
    says which of them go first.

    ``busy``: whether a person stands at the counter now. ``inbox``: ``None``: letters stay at the
    centre. ``health``: facts about the machine (docs/protocol.md), asked as often as a sign of
    life is due; ``None``: nothing is said of it.
    """

    outbox: Outbox
    folder: Path
    secret: str = field(repr=False)
    keys: Keys
    place: Place
    boot_id: str
    news: News
    evidence: Path | None = None
    quota: Quota = EVERYTHING
    inbox: Inbox | None = None
    busy: Callable[[], bool] = nobody_there
    health: Callable[[], Mapping[str, Any]] | None = None
    hands: Hands = field(default_factory=Hands)
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class _Bound:
    """Who this machine is now. ``stamp``: of the file it was read from."""

    identity: Identity
    stamp: tuple[int, int, int]


class _Line:
    """One thread's connection, made anew when the identity is another one."""

    def __init__(self, identities: IdentityFolder, place: Place) -> None:
        self._identities, self._place = identities, place
        self._client: Client | None = None
        self._stamp = (0, 0, 0)
        self._stopped = False

    def client(self, bound: _Bound) -> Client:
        """The connection of this identity; ``IdentityError``."""
        if self._client is None or self._stamp != bound.stamp:
            self.close()
            context = self._identities.context(bound.identity.ca_pem, known=True)
            self._client, self._stamp = Client(self._place, context), bound.stamp
        if self._stopped:
            self._client.abort()
        return self._client

    def abort(self) -> None:
        """Wake whoever waits on it, for good."""
        self._stopped = True
        client = self._client
        if client is not None:
            client.abort()

    def close(self) -> None:
        """By its own thread."""
        if self._client is not None:
            self._client.close()


class Uplink:
    """``start`` once, ``stop`` once; everything else from any thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts, hands = parts, parts.hands
        self._identities = IdentityFolder(parts.folder, parts.secret)
        self._delivery = parts.outbox.delivery
        self._standing = Standing(status_path(parts.folder), hands)
        self._lock = SendLock(parts.folder / "send.lock")
        self._stop, self._wake, self._quiet = (threading.Event() for _ in range(3))
        self._quiet.set()
        told = (parts.pace.request_s, self._heard_answer, self._facts)
        self._results = ResultLane(self._delivery, hands, *told)
        self._files = self._file_lane()
        self._letters = self._letter_lane()
        self._lines = [_Line(self._identities, parts.place) for _ in range(3)]
        self._bound: _Bound | None = None
        self._sent_s = self._record_sent_s = self._renew_s = float("-inf")
        self._health_s = float("-inf")
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Send from now on, in threads."""
        self._parts.outbox.subscribe(self._wake.set)
        runs = {"results": self._run_results}
        if self._files is not None:
            runs["evidence"] = self._run_files
        if self._letters is not None:
            runs["pull"] = self._run_pull
        for name, run in runs.items():
            thread = threading.Thread(target=run, name=f"uplink-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop in order: what is under way may end, what is leased is given back."""
        self._stop.set()
        self._wake.set()
        self._quiet.set()
        for line in self._lines[1:]:
            line.abort()
        if self._threads:
            self._threads[0].join(_LAST_WORDS_S)
        self._lines[0].abort()
        for thread in self._threads:
            thread.join(_LET_GO_S)
        self._lock.release()

    def status(self) -> Status:
        """How this machine stands; ``StoreError`` where the queue cannot be read.

        Of the process that sends, where that is another one.
        """
        status = self._standing.status
        if status.state is State.STANDBY:
            other = read_status(status_path(self._parts.folder))
            status = status if other is None or other.state is State.STANDBY else other
        return counted(status, self._delivery)

    @property
    def lives(self) -> bool:
        """Whether every thread that was started still runs."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def drained(self) -> bool:
        """Whether the centre has everything it can have now."""
        if self._standing.status.state is not State.ONLINE or self._delivery.backlog().waiting:
            return False
        return self._files is None or not self._files.left

    def once(self) -> Status:
        """One batch, and the letters that are there, in this thread; raises what they do.

        The state is ``STANDBY`` where another process sends: then nothing was done.
        """
        if not self._lock.take():
            self._standing.standby()
            return counted(self._standing.status, self._delivery)
        try:
            bound = self._refreshed()
            if bound is not None:
                self._send(bound, life=True)
                if self._letters is not None:
                    client = self._lines[2].client(bound)
                    self._letters.pull(client, bound.identity.centre, wait=False)
        except (UplinkError, StoreError) as exc:
            self._standing.failed(exc)
            raise
        finally:
            self._standing.write(self._delivery, now=True)
            for line in self._lines:
                line.close()
            self._lock.release()
        return self.status()

    # What the three threads do.

    def _run_results(self) -> None:
        backoff = self._backoff()
        while not self._stop.is_set():
            try:
                wait_s = self._round()
                backoff.worked()
            except Exception as exc:  # noqa: BLE001  # a thread that dies would stop everything
                self._quiet.set()
                self._fail(exc)
                self._hold_off(backoff.failed(_retry_after_s(exc)))
            else:
                self._standing.write(self._delivery)
                self._rest(wait_s)
        self._say_last_word()
        self._lines[0].close()
        self._standing.write(self._delivery, now=True)

    def _round(self) -> float:
        """One batch, if there is one; seconds until the next look, 0: more is due."""
        if not self._lock.take():
            self._standing.standby()
            return self._parts.pace.standby_s
        bound = self._refreshed()
        if bound is None:
            return _UNBOUND_S
        life = self._parts.hands.steady_s() - self._sent_s >= self._parts.pace.life_s
        more = self._send(bound, life=life)
        self._keep_young(bound)
        return 0.0 if more else self._parts.pace.look_s

    def _send(self, bound: _Bound, *, life: bool) -> bool:
        """Whether more is due at once."""
        most = _BUSY_RECORDS if self._give_way(self._parts.pace.yield_s) else MAX_RECORDS
        who = self._sender(bound)
        self._wake.clear()  # before the look: what is written from here on wakes again
        self._quiet.clear()  # a file under way waits until the results have passed
        sent = self._results.send(self._lines[0].client(bound), who, life=life, most=most)
        now_s = self._parts.hands.steady_s()
        if sent.records:
            self._record_sent_s = now_s
        if sent.records or life:
            self._sent_s = now_s
        if not sent.more:
            self._quiet.set()
        return sent.more

    def _sender(self, bound: _Bound) -> Sender:
        identity, algorithm = bound.identity, self._parts.outbox.file.algorithm
        return Sender(identity.device, identity.institution, self._parts.boot_id, algorithm)

    def _say_last_word(self) -> None:
        """Tell a centre that answers that this machine ends as it should, by no fault."""
        bound = self._bound
        online = self._standing.status.state is State.ONLINE
        if self._parts.health is None or bound is None or not online:
            return
        try:
            self._results.last_word(self._lines[0].client(bound), self._sender(bound))
        except (UplinkError, StoreError) as exc:
            logger.info("the centre was not told of the end: %s", exc)

    def _facts(self) -> Mapping[str, Any] | None:
        """How the machine is, as often as a sign of life is due and at the end."""
        health = self._parts.health
        since_s = self._parts.hands.steady_s() - self._health_s
        stopping = self._stop.is_set()
        if health is None or (since_s < self._parts.pace.life_s and not stopping):
            return None
        return {**health(), "stopping": stopping}

    def _rest(self, wait_s: float) -> None:
        """Until there is news; under load until several have come together."""
        if wait_s and self._wake.wait(wait_s) and not self._stop.is_set():
            since_s = self._parts.hands.steady_s() - self._record_sent_s
            left_s = self._parts.pace.coalesce_s - since_s
            if left_s > 0:
                self._stop.wait(left_s)

    def _run_files(self) -> None:
        def step() -> float:
            files, bound = self._files, self._bound
            if files is None or bound is None or not self._may_send_files(files):
                return _IDLE_S if files is None else self._parts.pace.look_s
            self._give_way(_FILE_YIELD_S)
            more = files.send(self._lines[1].client(bound))
            return 0.0 if more else _IDLE_S

        self._run_beside(1, step)

    def _may_send_files(self, files: FileLane) -> bool:
        status = self._standing.status
        centre_ms = self._parts.hands.unix_ms() + (status.offset_ms or 0)
        online = status.state is State.ONLINE
        return online and self._quiet.is_set() and files.opens_in_s(centre_ms) <= 0

    def _run_pull(self) -> None:
        def step() -> float:
            bound = self._bound
            if self._letters is None or bound is None:
                return self._parts.pace.look_s
            asked_s = self._parts.hands.steady_s()
            pulled = self._letters.pull(self._lines[2].client(bound), bound.identity.centre)
            # A centre that does not hold the question is not to be asked without end.
            at_once = self._parts.hands.steady_s() - asked_s < self._parts.pace.look_s
            return self._parts.pace.first_s if at_once and not pulled.letters else 0.0

        self._run_beside(2, step)

    def _run_beside(self, line: int, step: Callable[[], float]) -> None:
        """Run ``step`` until stopped. What the centre is like is lane 1's to tell, not this."""
        backoff, told = self._backoff(), ""
        while not self._stop.is_set():
            try:
                wait_s = step()
                backoff.worked()
                told = ""
            except Exception as exc:  # a thread that dies would stop its lane
                wait_s = backoff.failed(_retry_after_s(exc))
                if not self._stop.is_set() and type(exc).__name__ != told:
                    told = type(exc).__name__
                    bug = not isinstance(exc, UplinkError | StoreError | OSError)
                    logger.warning("%s: %s", threading.current_thread().name, exc, exc_info=bug)
            if wait_s:
                self._lines[line].close()
                self._stop.wait(wait_s)
        self._lines[line].close()

    # What they share.

    def _backoff(self) -> Backoff:
        pace = self._parts.pace
        return Backoff(pace.first_s, pace.most_s, self._parts.hands.chance)

    def _refreshed(self) -> _Bound | None:
        """The identity as it is on disk now, also where another process has changed it."""
        stamp, bound = self._identities.stamp, self._bound
        if bound is None or bound.stamp != stamp:
            identity = self._identities.load()
            bound = self._bound = None if identity is None else _Bound(identity, stamp)
            self._standing.bound(identity)
            self._sent_s = float("-inf")
        return bound

    def _heard_answer(self, exchange: Exchange) -> None:
        if exchange.health:
            self._health_s = self._parts.hands.steady_s()
        trip_ms = (exchange.heard_ms - exchange.sent_ms) // 2
        centre_ms = exchange.answer.now_ms + trip_ms
        self._standing.answered(centre_ms - exchange.heard_ms)
        self._parts.news.clock(centre_ms, self._parts.hands.steady_s())
        if self._files is not None and exchange.answer.slot is not None:
            self._files.take_slot(exchange.answer.slot)

    def _fail(self, exc: Exception) -> None:
        if self._stop.is_set():
            return
        if isinstance(exc, NoAnswerError) and self._is_expired():
            # Some systems only cut the connection of a certificate that has ended.
            exc = CentreRefusedError(403, "expired")
        if not isinstance(exc, UplinkError | StoreError):
            logger.error("uplink", exc_info=exc)
        self._standing.failed(exc)

    def _is_expired(self) -> bool:
        status = self._standing.status
        now_ms = self._parts.hands.unix_ms() + (status.offset_ms or 0)
        return 0 < status.not_after_ms <= now_ms

    def _hold_off(self, wait_s: float) -> None:
        """Wait after a failure, unless this machine becomes another one meanwhile."""
        until_s = self._parts.hands.steady_s() + wait_s
        stamp = self._identities.stamp
        self._standing.write(self._delivery)
        while (left_s := until_s - self._parts.hands.steady_s()) > 0:
            if self._stop.wait(min(left_s, 1.0)) or self._identities.stamp != stamp:
                return

    def _give_way(self, most_s: float) -> bool:
        """Let a person at the counter have the processor a while; whether he still needs it."""
        until_s = self._parts.hands.steady_s() + most_s
        while self._parts.busy():
            if self._parts.hands.steady_s() >= until_s or self._stop.wait(_BUSY_LOOK_S):
                return True
        return False

    def _keep_young(self, bound: _Bound) -> None:
        """Renew the certificate when a third of its time is left; a failure is tried again."""
        hands, now_s = self._parts.hands, self._parts.hands.steady_s()
        centre_ms = hands.unix_ms() + (self._standing.status.offset_ms or 0)
        if centre_ms < bound.identity.renew_from_ms or now_s < self._renew_s:
            return
        self._renew_s = now_s + self._parts.pace.renew_s * (0.5 + hands.chance())
        try:
            client = self._lines[0].client(bound)
            renew(self._identities, client, bound.identity, self._parts.keys)
        except UplinkError as exc:
            logger.warning("certificate not renewed yet: %s", exc)
        else:
            logger.info("certificate renewed")

    def _file_lane(self) -> FileLane | None:
        parts = self._parts
        if parts.evidence is None:
            return None
        pieces = EvidenceLane(parts.outbox.file, parts.evidence)
        return FileLane(
            pieces,
            parts.evidence,
            parts.hands,
            news=parts.news,
            quiet=self._quiet,
            wait=self._stop.wait,
            quota=parts.quota,
        )

    def _letter_lane(self) -> LetterLane | None:
        parts = self._parts
        if parts.inbox is None:
            return None
        cursor = Cursor(parts.folder / "cursor.json")
        return LetterLane(cursor, parts.inbox, parts.news, parts.pace.pull_s)


def status_path(folder: Path) -> Path:
    """Where the process that sends says how it stands."""
    return folder / "status.json"


def standing_of(parts: Parts) -> Status:
    """How this machine stands, asked by a process that does not send; ``UplinkError``."""
    identity = IdentityFolder(parts.folder, parts.secret).load()
    with SendLock(parts.folder / "send.lock") as lock:
        running = not lock.take()
    known = read_status(status_path(parts.folder)) if running else None
    if identity is None:
        status = Status(State.UNBOUND)
    elif known is None:
        status = Status(State.OFFLINE, "not-running")
    else:
        status = known
    if identity is not None:
        status = replace(
            status,
            device=identity.device,
            institution=identity.institution,
            not_after_ms=identity.not_after_ms,
        )
    return counted(status, parts.outbox.delivery)


def _retry_after_s(exc: Exception) -> float | None:
    return exc.retry_after_s if isinstance(exc, CentreRefusedError) else None
