"""Where a network camera is and who may look: secrets are held, never shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from yibao_face.drivers.api import DeviceConfigError
from yibao_face.drivers.driver import Settings

PORTS = {"rtsp": 554, "onvif": 80}
# FFmpeg keeps "user:password", percent-encoded, in 128 bytes and cuts the rest off.
_LONGEST_LOGIN = 127
_PLAIN = re.compile(r"[\x21-\x7e]+")
# Values a message may show: they tell two streams of one recorder apart and are no secret.
_KNOWN = re.compile(r"(?<=[?&;])((?:channel|subtype|stream)=\d{1,3})(?![^&;.])")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in; the text of it shows neither."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.login) > _LONGEST_LOGIN:
            raise DeviceConfigError("user and password are longer than 126 bytes when encoded")

    @property
    def login(self) -> str:
        """``user:password`` for a url, percent-encoded."""
        return f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"


@dataclass(frozen=True, slots=True)
class Address:
    """``path`` with its query, beginning with a slash; cameras put passwords there, too."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    credentials: Credentials | None

    @property
    def shown(self) -> str:
        """For people and logs: without user, password, or values of a query we do not know."""
        clean = re.split(r"[?=;&]", self.path, maxsplit=1)[0]
        known = "" if clean == self.path else "&".join(_KNOWN.findall(self.path))
        return self._start("") + clean + (f"?{known}" if known else "")

    @property
    def bare(self) -> str:
        """The whole url without user and password; its path may hold secrets."""
        return self._start("") + self.path

    @property
    def secret(self) -> str:
        """The whole url with user and password: for FFmpeg alone."""
        login = self.credentials.login + "@" if self.credentials else ""
        return self._start(login) + self.path

    def known_to(self, credentials: Credentials | None) -> Address:
        """The same place with other credentials."""
        return replace(self, credentials=credentials)

    def _start(self, login: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{login}{host}:{self.port}"


def parse_address(scheme: str, rest: str) -> Address:
    """``rest`` is ``//[user:password@]host[:port][/path]``; ``scheme``: a key of ``PORTS``.

    Raises ``DeviceConfigError``, which repeats nothing of a text that may hold a password.
    """
    address = _parsed(scheme, rest)
    if address is None:
        raise DeviceConfigError(
            f"{scheme}: the address is not //[user:password@]host[:port][/path] in ASCII; in user "
            "and password each of @ : / ? # [ ] % is written as % and its number"
        )
    return address


def address_of(scheme: str, rest: str, settings: Settings) -> Address:
    """``rest`` as ``parse_address`` has it, with what the credentials file of ``settings`` holds.

    Raises ``DeviceConfigError`` too where that file cannot be read.
    """
    address = parse_address(scheme, rest)
    if not settings.credentials:
        return address
    try:
        text = Path(settings.credentials).read_text("utf-8")
    except (OSError, ValueError) as exc:
        # Not passed on: a decoder's error quotes what it could not decode.
        reason = exc.strerror if isinstance(exc, OSError) else "no UTF-8"
        told = f"{address.shown}: its credentials file cannot be read: {reason}"
    else:
        return address.known_to(parse_credentials(text))
    raise DeviceConfigError(told)


def _parsed(scheme: str, rest: str) -> Address | None:
    if not _PLAIN.fullmatch(rest) or not rest.startswith("//"):
        return None
    try:
        parts = urlsplit(f"{scheme}:{rest}")
        port = PORTS[scheme] if parts.port is None else parts.port
    except ValueError:
        # Not passed on: it quotes what it could not read, perhaps half a password.
        return None
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    # An @ behind the host: a password with a slash in it, whose half would be taken for the host.
    if not parts.hostname or "@" in path or parts.fragment:
        return None
    login = None
    if parts.username is not None:
        login = Credentials(unquote(parts.username), unquote(parts.password or ""))
    return Address(scheme, parts.hostname, port, path or "/", login)


def parse_credentials(text: str) -> Credentials:
    """Of a credentials file: one line ``user:password``, neither encoded nor quoted.

    Raises ``DeviceConfigError``, which repeats nothing of the text.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    user, colon, password = lines[0].partition(":") if len(lines) == 1 else ("", "", "")
    if not (user and colon):
        raise DeviceConfigError("a credentials file holds one line user:password")
    return Credentials(user, password)
