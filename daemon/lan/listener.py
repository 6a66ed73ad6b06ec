"""The port other machines call. A connection is one call: greeting, sealed call, sealed answer.

Who is not a caller hears nothing: the connection closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field, replace
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from yibao_face.daemon.gallery.vault import VaultError
from yibao_face.daemon.lan import exchange
from yibao_face.daemon.lan.caller import Caller, Roster
from yibao_face.daemon.lan.exchange import Hello, Keys, LanError
from yibao_face.daemon.lan.limit import Budget
from yibao_face.daemon.lan.message import CALL_BYTES, Call, read_call
from yibao_face.daemon.lan.tally import Refusal, Tally
from yibao_face.daemon.section import LanConfig
from yibao_face.daemon.trust.signature import Signer

logger = logging.getLogger(__name__)

# The answer to a call, as ``write_reply`` has it.
Answering = Callable[[Call], Awaitable[bytes]]
# A machine on the same network needs milliseconds for either.
_GREET_S, _CALL_S, _SEND_S = 5.0, 5.0, 10.0
# Calls under way have been ended by then; their answers leave in it.
_LAST_S = 0.5
_AT_ONCE, _AT_ONCE_OF_ONE = 64, 16
# A hello of nobody costs an address as much as ten calls.
_WRONG = 10.0
_AGAIN_S = 10.0
_NOBODY = bytes(exchange.SECRET_BYTES)


class UnansweredError(LanError):
    """The connection is closed without a word; ``why`` is counted."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(slots=True)
class Lan:
    """LAN mode of a daemon. ``port``: the bound one, 0 while it does not listen."""

    config: LanConfig
    roster: Roster
    signer: Signer
    clock: Callable[[], float] = time.monotonic
    tally: Tally = field(default_factory=Tally)
    port: int = 0
    _open: Counter[str] = field(default_factory=Counter[str])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _addresses: Budget = field(init=False)
    _callers: Budget = field(init=False)

    def __post_init__(self) -> None:
        # Several callers may share an address: a site behind one router.
        self._addresses = Budget(4.0 * self.config.calls_per_min)
        self._callers = Budget(float(self.config.calls_per_min))

    def view(self) -> dict[str, Any] | None:
        """For ``/health``; ``None`` where LAN mode is off."""
        if not self.config.enabled:
            return None
        return {"listening": self.port != 0, **self.tally.view()}

    async def serve(self, answer: Answering) -> None:
        """Listen until cancelled; does nothing where LAN mode is off.

        An address that is not there yet (DHCP at the start) is tried again: the counter of this
        machine shall not wait for it.
        """
        if not self.config.enabled:
            return
        server = await self._bound(answer)
        try:
            await server.serve_forever()
        finally:
            self.port = 0
            server.close()
            under_way = tuple(self._tasks)
            if under_way:
                await asyncio.wait(under_way, timeout=_LAST_S)
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _bound(self, answer: Answering) -> asyncio.Server:
        told = False

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.get_running_loop().create_task(self._meet(reader, writer, answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        while True:
            try:
                server = await asyncio.start_server(begin, self.config.host, self.config.port)
            except OSError as exc:
                if not told:
                    told = True
                    logger.error("lan: cannot listen, tried again: %s", exc.strerror)  # noqa: TRY400  # one line
                await asyncio.sleep(_AGAIN_S)
            else:
                self.port = int(server.sockets[0].getsockname()[1])
                logger.info("lan: listening on %s:%d", self.config.host, self.port)
                return server

    async def _meet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answering
    ) -> None:
        """One connection, from its first byte to its end."""
        peer: Any = writer.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        try:
            with self._admitted(address):
                await self._converse(reader, writer, address, answer)
        except UnansweredError as exc:
            self.tally.refuse(exc.why, address)
        except LanError as exc:
            self.tally.refuse(Refusal(str(exc)), address)
        except (asyncio.IncompleteReadError, OSError):
            self.tally.refuse(Refusal.CUT, address)
        except Exception:
            logger.exception("lan: call failed")
            self.tally.refuse(Refusal.FAULT, address)
        finally:
            if writer.transport.get_write_buffer_size() > 0:
                writer.transport.abort()
            writer.close()

    @contextlib.contextmanager
    def _admitted(self, address: str) -> Generator[None, None, None]:
        """Judged before a byte is read: whether anybody may call from there, and how often."""
        at = _parsed(address)
        if at is None or not any(one.may_be_at(at) for one in self._known().values()):
            raise UnansweredError(Refusal.ADDRESS)
        if self._open.total() >= _AT_ONCE or self._open[address] >= _AT_ONCE_OF_ONE:
            raise UnansweredError(Refusal.CROWD)
        if not self._addresses.has(address, self.clock()):
            raise UnansweredError(Refusal.RATE)
        self._open[address] += 1
        try:
            yield
        finally:
            self._open[address] -= 1
            if self._open[address] == 0:
                del self._open[address]

    async def _converse(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: str,
        answer: Answering,
    ) -> None:
        writer.transport.set_write_buffer_limits(high=0)
        self._addresses.spend(address, self.clock())
        try:
            caller, keys, call = await self._heard(reader, writer, address)
        except (LanError, asyncio.IncompleteReadError, OSError):
            self._addresses.spend(address, self.clock(), _WRONG)
            raise
        # A hello can be said again by who overheard it: only a call that opens is the caller's.
        if not self._callers.has(caller.id, self.clock()):
            raise UnansweredError(Refusal.RATE)
        self._callers.spend(caller.id, self.clock())
        reply = await _unless_gone(reader, answer(call))
        self.tally.answered += 1
        await _sent(writer, exchange.seal(keys.reply, reply))

    async def _heard(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> tuple[Caller, Keys, Call]:
        hello = exchange.read_hello(await _within(_GREET_S, reader, exchange.HELLO_BYTES))
        caller = self._proven(hello, address)
        drawn = X25519PrivateKey.generate()
        said, keys = exchange.welcome(hello, caller.secret, self.signer, drawn)
        await _sent(writer, said)
        raw = await _within(_CALL_S, reader, exchange.LENGTH_BYTES)
        sealed = await _within(_CALL_S, reader, exchange.frame_length(raw, CALL_BYTES))
        call = read_call(exchange.unseal(keys.call, sealed))
        if self._known().get(caller.id) != caller:
            # Taken off the list between its two messages.
            raise UnansweredError(Refusal.CALLER)
        return caller, keys, replace(call, caller=caller.recorded)

    def _proven(self, hello: Hello, address: str) -> Caller:
        """The caller who said this. For an id nobody has as much is done as for a known one."""
        caller, at = self._known().get(hello.caller), _parsed(address)
        genuine = hello.is_of(_NOBODY if caller is None else caller.secret)
        if caller is None or at is None or not genuine or not caller.may_be_at(at):
            raise UnansweredError(Refusal.CALLER)
        return caller

    def _known(self) -> dict[str, Caller]:
        try:
            return self.roster.callers()
        except VaultError as exc:
            raise UnansweredError(Refusal.BOOK) from exc


def _parsed(address: str) -> IPv4Address | None:
    try:
        return IPv4Address(address)
    except AddressValueError:
        return None


async def _within(limit_s: float, reader: asyncio.StreamReader, length: int) -> bytes:
    """Exactly ``length`` bytes, all of them in time."""
    try:
        async with asyncio.timeout(limit_s):
            return await reader.readexactly(length)
    except TimeoutError as exc:
        raise UnansweredError(Refusal.SLOW) from exc


async def _sent(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    try:
        async with asyncio.timeout(_SEND_S):
            await writer.drain()
    except TimeoutError as exc:
        raise UnansweredError(Refusal.SLOW) from exc


async def _unless_gone(reader: asyncio.StreamReader, answer: Awaitable[bytes]) -> bytes:
    """The answer; a caller who leaves, or says one byte more, ends its encounter."""
    working = asyncio.ensure_future(answer)
    leaving = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise UnansweredError(Refusal.CUT)
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
