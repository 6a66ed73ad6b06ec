"""What an ONVIF camera tells of itself and its stream; nothing it answers is trusted.

Imports the ONVIF library, which not every installation has: import this module where it is used.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from yibao_face.drivers.api import (
    DeviceError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.network.address import Address
from yibao_face.drivers.network.profile import Profile, chosen


@contextmanager
def _log_untouched() -> Generator[None]:
    """The library sets the whole process's log up when imported, unless somebody has."""
    root, ours = logging.getLogger(), logging.NullHandler()
    root.addHandler(ours)
    try:
        yield
    finally:
        root.removeHandler(ours)


with _log_untouched():
    from onvif import ONVIFCamera, ONVIFError  # type: ignore[import-untyped]  # it has none
    from zeep.exceptions import Error as SoapError
    from zeep.exceptions import Fault, TransportError

CALL_S = 3.0
# Of all answers together: a camera that is slow at each of them.
TALK_S = 5.0
_LONGEST = 512 * 1024
_LONGEST_TEXT = 64
_LOGIN_REFUSED = (401, 403)
_STREAM = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}


@dataclass(frozen=True, slots=True)
class Told:
    """``model`` with its maker; ``stream``: the url as the camera gave it; may hold secrets."""

    model: str
    serial: str
    firmware: str
    profile: str
    stream: str


def ask(address: Address, profile: str, size: tuple[int, int]) -> Told:
    """Ask the camera; ``profile``: token or name, empty for the one nearest to ``size`` (px).

    Raises ``DevicePermissionError``, ``DeviceStalledError`` (no answer in ``CALL_S``),
    ``DeviceConfigError`` (no such profile), ``DeviceUnsupportedError`` (no ONVIF, no video).
    """
    return asyncio.run(_asked(address, profile, size))


async def _asked(address: Address, profile: str, size: tuple[int, int]) -> Told:
    shown = address.shown
    try:
        return await _talk(address, profile, size)
    except DeviceError:
        raise
    except TimeoutError:
        raise DeviceStalledError(f"{shown} does not answer within {CALL_S} s") from None
    except Fault as exc:
        raise _of_fault(exc, shown) from None
    except TransportError as exc:
        if exc.status_code in _LOGIN_REFUSED:
            raise DevicePermissionError(f"{shown} refuses this user and password") from None
        raise DeviceUnsupportedError(f"{shown} answers HTTP {exc.status_code}") from None
    except aiohttp.ClientError as exc:
        raise DeviceUnsupportedError(
            f"{shown} is no ONVIF camera: {type(exc).__name__} over HTTP"
        ) from None
    except (SoapError, ONVIFError, LookupError, TypeError, ValueError, AttributeError):
        # The library reads answers without looking whether their parts are there.
        raise DeviceUnsupportedError(f"{shown} answers what is not ONVIF") from None


def _of_fault(fault: Any, shown: str) -> DeviceError:
    codes: list[Any] = list(fault.subcodes or ())
    said = " ".join([str(fault.message), *(str(getattr(code, "text", code)) for code in codes)])
    # By the standard the code ter:NotAuthorized; many say it in the sentence only.
    if "auth" in said.lower():
        return DevicePermissionError(f"{shown} refuses this user and password")
    return DeviceUnsupportedError(f"{shown} refuses: {cleaned(said)}")


async def _talk(address: Address, profile: str, size: tuple[int, int]) -> Told:
    user, password = "", ""
    if address.credentials:
        user, password = address.credentials.user, address.credentials.password
    camera = _Guarded(address.host, address.port, user, password)
    try:
        await camera.update_xaddrs()
        device: Any = await (await camera.create_devicemgmt_service()).GetDeviceInformation()
        media: Any = await camera.create_media_service()
        found = chosen(_profiles(await media.GetProfiles()), profile, size, address.shown)
        wanted = {"StreamSetup": _STREAM, "ProfileToken": found.token}
        stream = str((await media.GetStreamUri(wanted)).Uri)
    finally:
        await camera.close()
    return Told(
        cleaned(f"{device.Manufacturer or ''} {device.Model or ''}"),
        cleaned(device.SerialNumber),
        cleaned(device.FirmwareVersion),
        found.token,
        stream,
    )


def cleaned(text: object) -> str:
    """What a camera says of itself, fit for a log: one short line, empty for nothing."""
    line = " ".join(str(text or "").split())
    return "".join(letter for letter in line if letter.isprintable())[:_LONGEST_TEXT]


def _profiles(answer: Any) -> list[Profile]:
    given: list[Any] = list(answer or ())
    return [_profile(one) for one in given]


def _profile(given: Any) -> Profile:
    video = given.VideoEncoderConfiguration
    size = None
    if video is not None and video.Resolution is not None:
        size = int(video.Resolution.Width), int(video.Resolution.Height)
    return Profile(str(given.token), str(given.Name), size)


class _Guarded(ONVIFCamera):  # type: ignore[misc]  # the library has no types
    """Every service it makes talks through one ``_Wire``."""

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        # adjust_time: logins carry the time, and cameras' clocks are wrong. nat_override: services
        # are asked at the address that was named, whatever the camera says.
        how = {"no_cache": True, "adjust_time": True, "nat_override": True}
        super().__init__(host, port, user, password, **how)  # pyright: ignore[reportArgumentType]  # all three are bool
        self._wire = _Wire(user, password)

    async def create_onvif_service(self, *args: Any, **kwargs: Any) -> Any:
        service: Any = await super().create_onvif_service(*args, **kwargs)
        if not isinstance(service.transport.session, _Line):
            service.transport.session = _Line(service.transport.session, self._wire)
        return service


class _Wire:
    """What is common to all requests to a camera: one budget of time, one login."""

    def __init__(self, user: str, password: str) -> None:
        self._left_s = TALK_S
        # For cameras that want HTTP digest; it acts on a 401 only.
        digest = aiohttp.DigestAuthMiddleware(user, password) if user else None
        self.middlewares = (digest,) if digest else ()

    @contextmanager
    def spending(self) -> Generator[float]:
        """Gives the seconds there are for one request."""
        started = time.monotonic()
        try:
            yield min(CALL_S, max(0.0, self._left_s))
        finally:
            self._left_s -= time.monotonic() - started


@dataclass(frozen=True, slots=True)
class _Answer:
    """The parts of an HTTP response the library looks at, read already."""

    status: int
    headers: Any
    charset: str | None
    cookies: Mapping[str, Any]
    body: bytes

    async def read(self) -> bytes:
        return self.body


class _Line:
    """A service's HTTP session with bounds on time and size; follows no redirect."""

    def __init__(self, session: aiohttp.ClientSession, wire: _Wire) -> None:
        self._session, self._wire = session, wire

    @property
    def closed(self) -> bool:
        return self._session.closed

    async def post(self, address: str, *, data: bytes, headers: Any, **_: Any) -> _Answer:
        with self._wire.spending() as seconds:
            async with (
                asyncio.timeout(seconds),
                self._session.post(
                    address,
                    data=data,
                    headers=headers,
                    allow_redirects=False,
                    middlewares=self._wire.middlewares,
                ) as response,
            ):
                body = await _bounded(response)
                return _Answer(response.status, response.headers, response.charset, {}, body)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for part in response.content.iter_any():
        body += part
        if len(body) > _LONGEST:
            raise ValueError
    # Entities would need a document type; zeros are UTF-16, where it could hide.
    if b"<!" in body or b"\0" in body:
        raise ValueError
    return body
