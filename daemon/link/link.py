"""The daemon's link to the centre: built from the configuration, told in ``/health``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.desk.desk import Desk
from yibao_face.daemon.ledger import Entry, Ledger
from yibao_face.daemon.link.boot import boot_id
from yibao_face.daemon.link.clock import CentreClock, ClockAlarm
from yibao_face.daemon.link.health import health_facts
from yibao_face.daemon.link.keys import link_secret, public_keys
from yibao_face.drivers.supervise.health import Health
from yibao_face.sync.api import StoreError
from yibao_face.sync.uplink.api import (
    Hands,
    IdentityError,
    Inbox,
    State,
    Status,
    place_of,
)
from yibao_face.sync.uplink.uplink import Parts, Uplink, nobody_there, standing_of

logger = logging.getLogger(__name__)

# No centre is configured: this machine is on its own.
NONE = "none"


class LinkNews:
    """Puts on record what the uplink tells. A full disk must not stop it: alarms come again."""

    def __init__(self, ledger: Ledger, clock: CentreClock) -> None:
        self._ledger, self._clock = ledger, clock
        self._alarm = ClockAlarm(self._write)

    def clock(self, centre_ms: int, steady_s: float) -> None:
        """See ``News.clock``."""
        self._clock.hear(centre_ms, steady_s)
        offset_ms = self._clock.offset_ms()
        try:
            if offset_ms is not None:
                self._alarm.hear(offset_ms)
        except StoreError as exc:
            logger.warning("clock alarm not written yet: %s", exc)

    def trouble(self, what: str, facts: dict[str, Any]) -> None:
        """See ``News.trouble``."""
        try:
            self._write({"what": what, **facts})
        except StoreError as exc:
            logger.warning("%s not written: %s", what, exc)

    def _write(self, detail: dict[str, Any]) -> None:
        entry = Entry(Kind.ALARM, refused(Cause.RECORDED), detail=detail)
        self._ledger.write(self._ledger.new_id(), entry)


class Link:
    """``start`` once and ``stop`` once. Without a centre configured it does nothing.

    ``parts``: ``None`` without one. ``sends``: whether this process may send.
    """

    def __init__(self, parts: Parts | None, *, sends: bool) -> None:
        self._parts, self._sends = parts, sends
        self._uplink: Uplink | None = None

    def start(self) -> None:
        """Send from now on, in threads of their own; log once how things stand."""
        if self._parts is None or not self._sends:
            return
        try:
            if standing_of(self._parts).state is State.UNBOUND:
                logger.warning("未绑定中心，本机独立工作 / not bound to the centre, works locally")
        except (IdentityError, StoreError) as exc:
            logger.warning("the link to the centre: %s", exc)
        self._uplink = Uplink(self._parts)
        self._uplink.start()

    def stop(self) -> None:
        """Let what is under way end, and give back what is not sent; may be called twice."""
        uplink, self._uplink = self._uplink, None
        if uplink is not None:
            uplink.stop()

    def view(self) -> dict[str, Any]:
        """What may be told of the link to whoever asks this machine."""
        if self._parts is None:
            return link_view(None)
        try:
            status = self._uplink.status() if self._uplink else standing_of(self._parts)
        except IdentityError:
            status = Status(State.REFUSED, "identity")
        except StoreError:
            status = Status(State.OFFLINE, "store")
        return link_view(status)


def link_view(status: Status | None) -> dict[str, Any]:
    """As JSON: times in Unix ms, ``null`` where there is none."""
    known = status or Status(State.UNBOUND)
    return {
        "state": NONE if status is None else known.state.value,
        "reason": known.reason,
        "since_ms": known.since_ms or None,
        "device": known.device,
        "institution": known.institution,
        "waiting": known.waiting,
        "dead": known.dead,
        "oldest_waiting_ms": known.oldest_waiting_ms or None,
        "last_answer_ms": known.last_answer_ms or None,
        "clock_offset_ms": known.offset_ms,
        "clock_skewed": known.skewed,
        "certificate_until_ms": known.not_after_ms or None,
    }


def parts_of(  # noqa: PLR0913  # what a process has at hand
    config: Config,
    desk: Desk,
    clock: CentreClock,
    *,
    busy: Callable[[], bool] = nobody_there,
    inbox: Inbox | None = None,
    camera: Callable[[], Health | None] | None = None,
) -> Parts | None:
    """What the uplink of this data folder is made of; ``None`` without a centre configured.

    ``camera``: how it is now, asked with each sign of life; ``None``: this process has none to
    tell of.
    """
    if not config.centre.url:
        return None
    ledger = desk.ledger

    def health() -> dict[str, Any]:
        return health_facts(camera() if camera else None, ledger.outbox.delivery, desk.keeper)

    return Parts(
        outbox=ledger.outbox,
        folder=config.data / "link",
        secret=link_secret(ledger.vault),
        keys=public_keys(ledger.vault),
        place=place_of(config.centre.url),
        boot_id=boot_id(),
        news=LinkNews(ledger, clock),
        evidence=desk.keeper.folder if config.centre.evidence else None,
        quota=desk.keeper.quota,
        inbox=inbox,
        busy=busy,
        health=health if camera else None,
        hands=Hands(unix_ms=ledger.clock.unix_ms),
    )
