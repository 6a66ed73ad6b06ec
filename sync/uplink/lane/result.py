"""Lane 1: records go up in batches until the centre has said of each what became of it.

A record leaves the queue by an answer alone. Everything else that can happen gives it back: no
answer, a refusal of the batch, the end of this process. A batch the centre cannot take is halved
until the record it stumbles over is alone; that one is set aside, if the centre takes others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yibao_face.sync.api import StoreError
from yibao_face.sync.delivery import Claimed, Delivery
from yibao_face.sync.uplink.api import CentreRefusedError, Hands, NoAnswerError
from yibao_face.sync.uplink.wire.answer import (
    CONFLICT,
    DUP,
    NEW,
    BatchAnswer,
    Result,
    read_batch_answer,
)
from yibao_face.sync.uplink.wire.client import Client, Request
from yibao_face.sync.uplink.wire.envelope import (
    HEADERS,
    MAX_RECORDS,
    Sender,
    fitting,
    packed_batch,
    wire_text,
)

logger = logging.getLogger(__name__)

# Something in the batch is at fault, it is smaller batches that tell what.
_HALVE = frozenset({400, 413, 422, 500})
_SLOW = 408
_LEASE_MS = 120_000
# So many set aside with none taken between them: it is not the records.
_MOST_BURIED = 5
_RESEND_MOST = 10_000
_RESEND_FIRST_S, _RESEND_MOST_S = 60.0, 86_400.0


def _silent() -> None:
    """Nothing is said of the machine."""


@dataclass(frozen=True, slots=True)
class Sent:
    """``records``: in the last batch; ``more``: whether more were due than fitted."""

    records: int
    more: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """A batch was answered. Times: ``sent_ms``, ``heard_ms`` by this machine's clock.

    ``health``: whether it said how the machine is.
    """

    answer: BatchAnswer
    sent_ms: int
    heard_ms: int
    health: bool = False


class ResultLane:
    """Sends with one connection; ``told`` hears of each answer. Raises ``StoreError`` and what
    ``Client.ask`` does; nothing is then lost, and nothing leased. ``health``: asked before each
    batch for what is to be said of the machine in it."""

    def __init__(
        self,
        delivery: Delivery,
        hands: Hands,
        request_s: float,
        told: Callable[[Exchange], None],
        health: Callable[[], Mapping[str, Any] | None] = _silent,
    ) -> None:
        self._delivery, self._hands, self._request_s = delivery, hands, request_s
        self._told, self._health = told, health
        self._size = self._budget = MAX_RECORDS
        self._buried = 0
        self._gaps = _Resending(hands.steady_s)

    def send(self, client: Client, sender: Sender, *, life: bool, most: int = MAX_RECORDS) -> Sent:
        """One batch of what is due, results first. ``life``: also where nothing is.

        ``most``: records in it, whatever the centre would take.
        """
        size = min(self._size, most)
        claimed = self._delivery.claim(size, self._hands.unix_ms(), _LEASE_MS)
        if not claimed and not life:
            return Sent(0, more=False)
        try:
            texts = [wire_text(one) for one in claimed]
            fits = fitting(texts)
            self._give_back(claimed[fits:], "")
            more = fits < len(claimed) or len(claimed) == size
            self._resolve(client, sender, claimed[:fits], texts[:fits])
        except BaseException:
            # Also on the way out of the process: nobody shall wait for these.
            self._give_back(claimed, "")
            raise
        self._size = max(1, min(2 * self._size, self._budget))
        return Sent(fits, more=more and self._budget > 0)

    def last_word(self, client: Client, sender: Sender) -> None:
        """Say how the machine is, without a record: it is about to end."""
        self._exchange(client, sender, (), ())

    def _resolve(
        self, client: Client, sender: Sender, claimed: list[Claimed], texts: list[bytes]
    ) -> None:
        """Send ``claimed``, in halves where the centre cannot take it whole."""
        waiting = [(claimed, texts)]
        while waiting:
            part, lines = waiting.pop()
            try:
                self._exchange(client, sender, part, lines)
            except (NoAnswerError, CentreRefusedError) as exc:
                if not _is_of_content(exc) or not part:
                    self._shrink(exc, len(part))
                    raise
                if len(part) == 1:
                    self._set_aside(client, sender, part[0], exc)
                    continue
                middle = len(part) // 2
                waiting += [(part[middle:], lines[middle:]), (part[:middle], lines[:middle])]

    def _exchange(
        self, client: Client, sender: Sender, part: Sequence[Claimed], lines: Sequence[bytes]
    ) -> None:
        """One batch and what its answer says; all of it on disk when this returns."""
        # Read after the claim: the head must not lie before what is sent.
        head = self._delivery.head()
        seq_from = self._delivery.first_unsent() or head.seq + 1
        sent_ms = self._hands.unix_ms()
        health = self._health()
        body = packed_batch(sender, sent_ms, seq_from, head, lines, health=health)
        request = Request("POST", "/v1/batch", body, HEADERS, self._request_s)
        data = client.ask(request)
        answer = read_batch_answer(data, [one.record.id for one in part])
        heard_ms = self._hands.unix_ms()
        self._settle(answer.results, heard_ms)
        self._budget = min(MAX_RECORDS, answer.budget)
        self._resend(answer.gaps)
        self._told(Exchange(answer, sent_ms, heard_ms, health is not None))

    def _settle(self, results: Sequence[Result], now_ms: int) -> None:
        taken = [result.id for result in results if result.status in (NEW, DUP)]
        if taken:
            self._buried = 0
            self._delivery.acknowledge(taken, now_ms)
        for result in results:
            if result.status not in (NEW, DUP):
                word = "conflict" if result.status == CONFLICT else "rejected"
                self._bury(result.id, f"{word}: {result.reason}".rstrip(": "))

    def _set_aside(
        self, client: Client, sender: Sender, one: Claimed, exc: NoAnswerError | CentreRefusedError
    ) -> None:
        """Bury the one record the centre stumbles over, unless it stumbles over everything."""
        if self._buried >= _MOST_BURIED:
            self._buried = 0
            raise exc
        self._exchange(client, sender, (), ())  # raises where an empty batch fares no better
        self._buried += 1
        self._bury(one.record.id, str(exc))

    def _bury(self, id_: str, reason: str) -> None:
        self._delivery.bury(id_, reason)
        logger.warning("record %s set aside: %s", id_, reason)

    def _resend(self, gaps: Sequence[tuple[int, int]]) -> None:
        """Let wait again what the centre had acknowledged and now misses."""
        if not self._gaps.due(tuple(gaps)):
            return
        left = _RESEND_MOST
        for first, last in gaps:
            left -= self._delivery.reopen(first, last, left)
        if left < _RESEND_MOST:
            logger.warning("the centre lost %d records: sent again", _RESEND_MOST - left)

    def _shrink(self, exc: Exception, size: int) -> None:
        """Ask for less at once where it may have been too much: the next batch is smaller."""
        slow = isinstance(exc, CentreRefusedError) and exc.status == _SLOW
        if slow or isinstance(exc, NoAnswerError):
            self._size = max(1, min(self._size, size) // 2)

    def _give_back(self, claimed: Sequence[Claimed], error: str) -> None:
        """End the lease of what was not resolved: due now."""
        if not claimed:
            return
        ids = [one.record.id for one in claimed]
        try:
            self._delivery.postpone(ids, self._hands.unix_ms(), error)
        except StoreError as exc:
            logger.warning("leases end by themselves: %s", exc)


class _Resending:
    """The same gaps are filled once, and again only after longer and longer times."""

    def __init__(self, steady_s: Callable[[], float]) -> None:
        self._steady_s = steady_s
        self._last: tuple[tuple[int, int], ...] = ()
        self._next_s, self._pause_s = float("-inf"), _RESEND_FIRST_S

    def due(self, gaps: tuple[tuple[int, int], ...]) -> bool:
        """Whether to act on ``gaps`` now."""
        now_s = self._steady_s()
        if not gaps or now_s < self._next_s:
            return False
        same = gaps == self._last
        self._pause_s = min(2 * self._pause_s, _RESEND_MOST_S) if same else _RESEND_FIRST_S
        self._last, self._next_s = gaps, now_s + self._pause_s
        return True


def _is_of_content(exc: Exception) -> bool:
    return isinstance(exc, CentreRefusedError) and exc.status in _HALVE
