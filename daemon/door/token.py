"""The daemon's token: who reads its file may answer the clerk's prompts, and stop the daemon.

On Linux the file is its owner's alone. On Windows the data folder is open to every user, as any
session may serve: the file is made with an access list of its own, never opened and narrowed.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

if sys.platform == "win32":
    import ctypes
    import msvcrt


def token_file(data: Path) -> Path:
    """Where our own windows and setups find the daemon's token."""
    return data / "counter.token"


def write_token(path: Path) -> str:
    """Draw a new one and put it in the place of the old; ``OSError``."""
    token = secrets.token_urlsafe(32)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(_made(part), "w", encoding="ascii") as file:
        file.write(token)
    part.replace(path)
    return token


if sys.platform == "win32":
    # Nothing is inherited. All is for the user of this session, SYSTEM and administrators (setups
    # and updates); other users may delete it, so that the next session's daemon can write its own.
    _WHO = "D:P(A;;FA;;;{user})(A;;FA;;;SY)(A;;FA;;;BA)(A;;SD;;;BU)"
    _SDDL_1, _TOKEN_QUERY, _TOKEN_USER = 1, 0x8, 1
    _GENERIC_WRITE, _CREATE_NEW, _NORMAL = 0x4000_0000, 1, 0x80
    _NO_HANDLE = ctypes.c_void_p(-1).value

    class _Attributes(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_uint32),
            ("descriptor", ctypes.c_void_p),
            ("inherit", ctypes.c_int),
        )

    def _made(part: Path) -> int:
        """A new file to write, with its access list from its first moment."""
        descriptor = _descriptor(_WHO.format(user=_user()))
        try:
            given = _Attributes(ctypes.sizeof(_Attributes), descriptor, 0)
            create = _kernel32().CreateFileW
            create.restype = ctypes.c_void_p
            handle = create(
                str(part), _GENERIC_WRITE, 0, ctypes.byref(given), _CREATE_NEW, _NORMAL, None
            )
            if handle == _NO_HANDLE:
                raise _failed()
        finally:
            _free(descriptor)
        return msvcrt.open_osfhandle(handle, os.O_WRONLY)

    def _descriptor(text: str) -> ctypes.c_void_p:
        found = ctypes.c_void_p()
        convert = _advapi32().ConvertStringSecurityDescriptorToSecurityDescriptorW
        if not convert(text, _SDDL_1, ctypes.byref(found), None):
            raise _failed()
        return found

    def _user() -> str:
        """The SID of who runs this process, ``S-1-5-…``."""
        handle = ctypes.c_void_p()
        whole = ctypes.c_void_p(-1)  # this process
        if not _advapi32().OpenProcessToken(whole, _TOKEN_QUERY, ctypes.byref(handle)):
            raise _failed()
        try:
            return _sid(handle)
        finally:
            _kernel32().CloseHandle(handle)

    def _sid(handle: ctypes.c_void_p) -> str:
        ask, size = _advapi32().GetTokenInformation, ctypes.c_uint32()
        ask(handle, _TOKEN_USER, None, 0, ctypes.byref(size))
        room = ctypes.create_string_buffer(size.value)
        if not ask(handle, _TOKEN_USER, room, size, ctypes.byref(size)):
            raise _failed()
        # TOKEN_USER begins with a pointer to the SID.
        sid, text = ctypes.c_void_p.from_buffer(room), ctypes.c_wchar_p()
        if not _advapi32().ConvertSidToStringSidW(sid, ctypes.byref(text)):
            raise _failed()
        try:
            return str(text.value)
        finally:
            _free(ctypes.cast(text, ctypes.c_void_p))

    def _free(memory: ctypes.c_void_p) -> None:
        _kernel32().LocalFree(memory)

    def _failed() -> OSError:
        return ctypes.WinError(ctypes.get_last_error())

    def _kernel32() -> ctypes.WinDLL:
        return ctypes.WinDLL("kernel32", use_last_error=True)

    def _advapi32() -> ctypes.WinDLL:
        return ctypes.WinDLL("advapi32", use_last_error=True)

else:

    def _made(part: Path) -> int:
        """A new file to write that is its owner's alone."""
        return os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
