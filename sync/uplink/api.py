"""What the rooms of the uplink share: who speaks to whom, how it fails, how it stands."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any, Protocol
from urllib.parse import urlsplit

DEFAULT_PORT = 51519
# The centre's clock and this one may differ so much before somebody has to look (F31).
SKEW_MS = 5 * 60 * 1000
_KEY_BYTES = 32
_HOST = re.compile(r"[0-9A-Za-z:._-]{1,255}")


class UplinkError(Exception):
    """The way to the centre cannot be gone as asked; the message names nobody."""


class IdentityError(UplinkError):
    """Key or certificate of this machine cannot be kept, or are not what they must be."""


class UntrustedError(UplinkError):
    """Whoever answers at the centre's address cannot prove to be this centre."""


class NoAnswerError(UplinkError):
    """No answer that can be read: what was asked may or may not have been done."""


class CentreRefusedError(UplinkError):
    """The centre refused a request as a whole and stored nothing of it.

    ``status``: of the HTTP answer; ``word``: its code for programs (docs/protocol.md);
    ``retry_after_s``: when it may be asked again, ``None`` where it does not say.
    """

    def __init__(self, status: int, word: str, retry_after_s: int | None = None) -> None:
        super().__init__(f"the centre answered {status} {word}")
        self.status, self.word, self.retry_after_s = status, word, retry_after_s


class LetterRefusedError(UplinkError):
    """A letter of the centre is not to be applied, now or later; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the centre listens: ``host`` as its certificate names it."""

    host: str
    port: int = DEFAULT_PORT

    @property
    def url(self) -> str:
        """As it is configured."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"


def place_of(url: str) -> Place:
    """The place a URL ``https://host:port`` names; ``UplinkError`` for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
    except ValueError as exc:
        raise UplinkError("the address of the centre is no URL") from exc
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if parts.scheme != "https" or not _HOST.fullmatch(parts.hostname or "") or not bare:
        raise UplinkError("the address of the centre must be like https://host:51519")
    return Place(parts.hostname or "", port)


@dataclass(frozen=True, slots=True)
class Keys:
    """Raw public keys of 32 bytes the centre keeps of a device.

    ``sign``: Ed25519, of its certificates and chain heads; ``seal``: X25519, documents are
    sealed to it.
    """

    sign: bytes
    seal: bytes

    def __post_init__(self) -> None:
        if {len(self.sign), len(self.seal)} != {_KEY_BYTES}:
            raise IdentityError(f"a public key has {_KEY_BYTES} bytes")


def boot_time_s() -> float:
    """Seconds since some moment, sleep of the machine counted, whatever is done to its clock."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@dataclass(frozen=True, slots=True)
class Hands:
    """Time and chance, handed in. ``unix_ms``: the clock of this machine; ``steady_s``: one that
    is never set; ``chance``: even in 0..1."""

    unix_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    steady_s: Callable[[], float] = boot_time_s
    chance: Callable[[], float] = random.SystemRandom().random


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long, in seconds.

    ``coalesce_s``: under load a result waits so long for company. ``life_s``: silence after which
    an empty batch is sent. ``look_s``: how often other processes' records are looked for.
    ``yield_s``: longest wait for a person at the counter before each batch. ``first_s``,
    ``most_s``: back-off. ``pull_s``: how long the centre holds a question for letters.
    ``request_s``: one exchange, at the most. ``standby_s``: how often a second sender looks
    whether the first has gone.
    """

    coalesce_s: float = 2.0
    life_s: float = 60.0
    look_s: float = 1.0
    yield_s: float = 0.4
    first_s: float = 1.0
    most_s: float = 300.0
    pull_s: int = 50
    request_s: float = 90.0
    standby_s: float = 3.0
    renew_s: float = 3600.0


@unique
class State(StrEnum):
    """How the machine stands with its centre."""

    UNBOUND = "unbound"  # never enrolled: works locally
    STARTING = "starting"  # nothing was asked yet
    ONLINE = "online"
    OFFLINE = "offline"
    REFUSED = "refused"  # the centre will not have it, or is not the centre it was bound to
    STANDBY = "standby"  # another process of this machine sends


@dataclass(frozen=True, slots=True)
class Status:
    """How it stands now. Times: Unix ms by this machine, 0: never or unknown.

    ``reason``: of ``REFUSED`` and ``OFFLINE``, a word; ``since_ms``: of the state.
    ``oldest_waiting_ms``: when the oldest waiting record was made. ``offset_ms``: the centre's
    clock minus this one. ``not_after_ms``: end of the certificate.
    """

    state: State
    reason: str = ""
    since_ms: int = 0
    device: str = ""
    institution: str = ""
    waiting: int = 0
    dead: int = 0
    oldest_waiting_ms: int = 0
    last_answer_ms: int = 0
    offset_ms: int | None = None
    not_after_ms: int = 0
    pid: int = 0

    @property
    def skewed(self) -> bool:
        """Whether the clocks differ by more than ``SKEW_MS``."""
        return self.offset_ms is not None and abs(self.offset_ms) > SKEW_MS


@dataclass(frozen=True, slots=True)
class Letter:
    """A signed document of the centre. ``envelope``: byte for byte; nothing of it is checked yet.

    ``name``: tells documents of one kind apart, empty where there is but one.
    """

    kind: str
    name: str
    version: int
    envelope: bytes = field(repr=False)


class Inbox(Protocol):
    """Applies letters of the centre. Called by one thread, one letter at a time."""

    def take(self, letter: Letter) -> None:
        """Verify and apply, wholly or not at all, on disk when this returns.

        ``LetterRefusedError``: it is told and never offered again. Any other error: it is offered
        again later, and no letter behind it before. A letter that was applied may come once more.
        """
        ...


class News(Protocol):
    """Told of what somebody should know. Called by threads of the uplink; must not wait long."""

    def clock(self, centre_ms: int, steady_s: float) -> None:
        """The centre's clock read ``centre_ms`` when ``Hands.steady_s`` read ``steady_s``."""
        ...

    def trouble(self, what: str, facts: dict[str, Any]) -> None:
        """``what``: ``evidence-missing`` or ``letter-refused``. Facts name nobody."""
        ...
