"""NATS JetStream as the bus: one stream for batches, one for what could not be written."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MsgAlreadyAckdError
from nats.js import JetStreamContext
from nats.js.api import (
    ConsumerConfig,
    DiscardPolicy,
    Header,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, NotFoundError

from yibao_face.sync.center.api import RefusedError, StoreDownError
from yibao_face.sync.center.bus.address import Address
from yibao_face.sync.center.bus.api import BusError, Delivery, Letter
from yibao_face.sync.center.log import event, warning

_T = TypeVar("_T")
STREAM, SUBJECT = "yibao-face-batch", "yibao-face.batch"
DEAD_STREAM, DEAD_SUBJECT = "yibao-face-dead", "yibao-face.dead"
_WRITER = "writer"
_DEVICE, _REASON = "Yibao-Device", "Yibao-Reason"
# Longer than a device waits before it sends again.
_REMEMBERED_S = 600.0
_LARGEST_BYTES = 8 * 1024 * 1024
# Electing a new leader takes five to ten seconds.
_START_S, _PUBLISH_S, _TRY_S = 60.0, 12.0, 3.0
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.05, 1.0
_TAKEN_FOR_DEAD_S = 30.0
_UNWRITTEN = 64


@dataclass(frozen=True, slots=True)
class _Delivered:
    bus: JetStream
    message: Msg

    @property
    def data(self) -> bytes:
        return self.message.data

    @property
    def tries(self) -> int:
        return self.message.metadata.num_delivered

    def working(self) -> None:
        self.bus.do(self.message.in_progress())

    def done(self) -> None:
        self.bus.do(self._told())

    async def _told(self) -> None:
        # Lost on the way, it is handed out again and found to be written.
        with contextlib.suppress(MsgAlreadyAckdError):
            await self.message.ack()


class JetStream:
    """Connected when made, else ``BusError``; its streams are made where they are missing.

    The client is asyncio's: it has a thread and a loop of its own here, so that what uses the bus
    needs to know of neither. ``start_s``: how long to look for the servers; ``silent_s``: a
    writer that says nothing for so long is taken for dead.
    """

    def __init__(
        self, address: Address, start_s: float = _START_S, silent_s: float = _TAKEN_FOR_DEAD_S
    ) -> None:
        self._silent_s, self._replicas = silent_s, address.replicas
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bus", daemon=True)
        self._thread.start()
        self._client = Client()
        self._context: JetStreamContext = self._client.jetstream(timeout=_TRY_S)
        self._reader: JetStreamContext.PullSubscription | None = None
        self._closing = self._prepared = False
        try:
            self._run(self._open(address, start_s), start_s)
        except BusError:
            self.close()
            raise
        except APIError as exc:
            self.close()
            raise BusError(f"the bus keeps no batches: {exc.description}") from exc
        except (NatsError, OSError, TimeoutError) as exc:
            self.close()
            raise BusError(f"the bus cannot be reached: {type(exc).__name__}") from exc

    def publish(self, id_: str, data: bytes) -> bool:
        """See ``Bus``."""
        if len(data) > _LARGEST_BYTES:
            raise RefusedError(413, "too-large", "the batch is too large for the bus: send less")
        return not self.do(self._publish(SUBJECT, data, STREAM, {Header.MSG_ID.value: id_}))

    def fetch(self, most: int, wait_s: float) -> list[Delivery]:
        """See ``Bus``."""
        try:
            found = self._run(self._fetch(most, wait_s), wait_s + _TRY_S)
        except (NatsError, TimeoutError):
            # Told by the client as it lost the connection; a new leader is found by asking again.
            time.sleep(_FIRST_PAUSE_S)
            return []
        return [_Delivered(self, message) for message in found]

    def bury(self, data: bytes, device: str, reason: str) -> str:
        """See ``Bus``."""
        name = hashlib.sha256(data).hexdigest()
        headers = {Header.MSG_ID.value: name, _DEVICE: device, _REASON: reason}

        async def put() -> None:
            await self._prepare()
            await self._publish(f"{DEAD_SUBJECT}.{name}", data, DEAD_STREAM, headers)

        self.do(put())
        return name

    def buried(self) -> list[Letter]:
        """See ``Bus``."""
        return self.do(self._buried())

    def revive(self, place: int) -> None:
        """See ``Bus``."""
        self.do(self._revive(place))

    def waiting(self) -> int:
        """See ``Bus``."""

        async def count() -> int:
            return (await self._context.stream_info(STREAM)).state.messages

        return self.do(count())

    def close(self) -> None:
        """See ``Bus``."""
        if self._loop.is_closed():
            return
        self._closing = True
        try:
            self._run(self._client.close(), _TRY_S)
        except (NatsError, TimeoutError) as exc:
            warning("bus", reason=type(exc).__name__)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def do(self, act: Coroutine[Any, Any, _T]) -> _T:
        """Carry out on the client's loop; ``StoreDownError`` when it failed or took too long."""
        try:
            return self._run(act, _PUBLISH_S + _TRY_S)
        except (NatsError, TimeoutError) as exc:
            raise StoreDownError(f"the bus failed: {type(exc).__name__}") from exc

    def _run(self, act: Coroutine[Any, Any, _T], timeout_s: float) -> _T:
        async def bounded() -> _T:
            async with asyncio.timeout(timeout_s):
                return await act

        future: Future[_T] = asyncio.run_coroutine_threadsafe(bounded(), self._loop)
        return future.result()

    async def _open(self, address: Address, limit_s: float) -> None:
        await self._client.connect(
            [*address.servers],
            tls=address.tls,
            error_cb=_ignored,
            disconnected_cb=self._lost,
            reconnected_cb=_found,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            pending_size=2 * _LARGEST_BYTES,
        )
        if self._client.max_payload < _LARGEST_BYTES:
            raise BusError("the bus takes too little in one message: set max_payload to 8MB")
        batch = StreamConfig(name=STREAM, subjects=[SUBJECT], retention=RetentionPolicy.WORK_QUEUE)
        # Ends before its caller loses patience: what the server says tells more than that.
        await _persistently(partial(self._stream, batch), limit_s - 1)

    async def _prepare(self) -> None:
        """What only who reads needs: an ingest is not to wait for the leaders of these."""
        if self._prepared:
            return
        dead = StreamConfig(
            name=DEAD_STREAM,
            subjects=[f"{DEAD_SUBJECT}.*"],
            retention=RetentionPolicy.LIMITS,
            max_msgs_per_subject=1,
        )
        await self._stream(dead)
        reading = ConsumerConfig(
            durable_name=_WRITER,
            ack_wait=self._silent_s,
            max_deliver=-1,
            max_ack_pending=_UNWRITTEN,
        )
        await self._context.add_consumer(STREAM, reading)
        self._prepared = True

    async def _lost(self) -> None:
        if not self._closing:
            warning("bus lost")

    async def _stream(self, wanted: StreamConfig) -> None:
        """Make the stream; one that is there may only be one that keeps as much."""
        wanted.num_replicas = self._replicas
        wanted.storage, wanted.discard = StorageType.FILE, DiscardPolicy.NEW
        wanted.duplicate_window = _REMEMBERED_S
        try:
            held = (await self._context.stream_info(wanted.name or "")).config
        except NotFoundError:
            await self._context.add_stream(wanted)
            return
        if held.storage != wanted.storage or held.retention != wanted.retention:
            raise BusError(f"the stream {wanted.name} is not as this program made it")
        if (held.num_replicas or 1) < self._replicas:
            await self._context.update_stream(wanted)

    async def _publish(
        self, subject: str, data: bytes, stream: str, headers: dict[str, str]
    ) -> bool:
        """Whether it was there already. Without an answer sent again under the same id."""

        async def once() -> bool:
            sent = await self._context.publish(
                subject, data, timeout=_TRY_S, stream=stream, headers={**headers}
            )
            return bool(sent.duplicate)

        return await _persistently(once, _PUBLISH_S)

    async def _fetch(self, most: int, wait_s: float) -> list[Msg]:
        await self._prepare()
        if self._reader is None:
            self._reader = await self._context.pull_subscribe_bind(_WRITER, STREAM)
        return await self._reader.fetch(most, wait_s)

    async def _buried(self) -> list[Letter]:
        await self._prepare()
        state = (await self._context.stream_info(DEAD_STREAM)).state
        letters: list[Letter] = []
        place = state.first_seq
        while state.messages and place <= state.last_seq:
            try:
                found = await self._context.get_msg(DEAD_STREAM, place, next=True)
            except NotFoundError:
                break
            headers = cast(dict[str, str], found.headers or {})
            number = found.seq or place
            at_ms = int(found.time.timestamp() * 1000) if found.time else 0
            size = len(found.data or b"")
            told = (headers.get(_DEVICE, ""), headers.get(_REASON, ""))
            letters.append(Letter(number, *told, at_ms, size))
            place = number + 1
        return letters

    async def _revive(self, place: int) -> None:
        try:
            found = await self._context.get_msg(DEAD_STREAM, place)
        except NotFoundError as exc:
            raise BusError(f"there is no dead letter {place}") from exc
        # No id: as often as it is wanted.
        await self._publish(SUBJECT, found.data or b"", STREAM, {})
        await self._context.delete_msg(DEAD_STREAM, place)


async def _persistently(act: Callable[[], Awaitable[_T]], limit_s: float) -> _T:
    """Until it is done, or the time is over: while a leader is elected, calls fail."""
    loop = asyncio.get_running_loop()
    end_s, pause_s = loop.time() + limit_s, _FIRST_PAUSE_S
    while True:
        try:
            return await act()
        except NatsError:
            if loop.time() + pause_s > end_s:
                raise
        await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311  # jitter
        pause_s = min(2 * pause_s, _LAST_PAUSE_S)


async def _ignored(_error: Exception) -> None:
    """Every failed attempt to connect; the loss of a connection is told once."""


async def _found() -> None:
    event("bus found")
