"""``HisCallFace.dll`` or ``libHisCallFace.so`` as a HIS loads it: two functions, 1 KB to fill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cffi

from yibao_face.daemon.conform.case import ConformError, Interface, Send
from yibao_face.daemon.conform.target import Answer
from yibao_face.shim.abi import CDEF, OUT_BYTES

# What a library may do wrong beside its answer, as the kit tells it.
FAULTS = {
    "before": "写到出参之前 / wrote before outJson",
    "beyond": "写到出参1024字节之后 / wrote beyond 1024 bytes",
    "unended": "1024字节内没有NUL结尾 / no NUL within 1024 bytes",
    "input": "改动了入参 / changed its input",
}
_CANARY = 0xA5
_GUARD = 64


@dataclass(frozen=True, slots=True)
class LibraryTarget:
    """A loaded library. Make it with ``load_library``."""

    name: str
    _ffi: cffi.FFI = field(repr=False)
    _functions: dict[str, Callable[[Any, Any], int]] = field(repr=False)

    def unfit(self, send: Send, body: bytes) -> str:
        """See ``Target.unfit``."""
        return unfit(send, body)

    def send(self, interface: Interface, send: Send, body: bytes) -> Answer:
        """See ``Target.send``; the buffer lies between canaries."""
        del send
        given = self._ffi.new("char[]", body)
        room: Any = self._ffi.new("unsigned char[]", bytes([_CANARY]) * (2 * _GUARD + OUT_BYTES))
        out = self._ffi.cast("char *", room + _GUARD)
        returned = int(self._functions[interface](given, out))
        after = bytes(self._ffi.buffer(room, 2 * _GUARD + OUT_BYTES))
        raw, _, _ = after[_GUARD : _GUARD + OUT_BYTES].partition(b"\0")
        given_after = bytes(self._ffi.buffer(given, len(body)))
        return Answer(raw, returned=returned, faults=_faults(after, len(raw), given_after == body))


def unfit(send: Send, body: bytes) -> str:
    """``Target.unfit`` of a function: it knows neither headers nor bytes behind a NUL."""
    if send.http is not None:
        return "需要HTTP / needs HTTP"
    return "入参含NUL / the input holds a NUL" if b"\0" in body else ""


def load_library(path: Path) -> LibraryTarget:
    """Load ``path``; raises ``ConformError`` when it is no library or lacks a function."""
    ffi = cffi.FFI()
    ffi.cdef(CDEF)
    try:
        loaded: Any = ffi.dlopen(str(path.resolve()))
        functions = {"auth": loaded.zjHisFunCall, "attendance": loaded.HisCallAtten}
    except (OSError, AttributeError) as exc:
        raise ConformError(f"{path.name} cannot be loaded: {exc}") from exc
    return LibraryTarget(path.name, ffi, functions)


def _faults(after: bytes, length: int, intact: bool) -> tuple[str, ...]:
    guard = bytes([_CANARY]) * _GUARD
    checks = (
        (after[:_GUARD] == guard, FAULTS["before"]),
        (after[-_GUARD:] == guard, FAULTS["beyond"]),
        (length < OUT_BYTES, FAULTS["unended"]),
        (intact, FAULTS["input"]),
    )
    return tuple(fault for holds, fault in checks if not holds)
