"""Windows data protection: the device key bound to this machine (CryptProtectData)."""

from __future__ import annotations

import ctypes
import sys

# CRYPTPROTECT_LOCAL_MACHINE: every account of this PC may unwrap; the file's ACL decides who.
_LOCAL_MACHINE = 0x4
_NO_UI = 0x1


class DpapiWrap:
    """See ``vault.KeyWrap``; ``OSError`` where Windows refuses, or is not there."""

    def wrap(self, key: bytes) -> bytes:
        """See ``KeyWrap.wrap``."""
        return _call("CryptProtectData", key)

    def unwrap(self, stored: bytes) -> bytes:
        """See ``KeyWrap.unwrap``."""
        return _call("CryptUnprotectData", stored)


class _Blob(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint32), ("data", ctypes.POINTER(ctypes.c_char)))


if sys.platform == "win32":

    def _call(name: str, data: bytes) -> bytes:
        crypt32 = ctypes.WinDLL("crypt32", use_last_error=True)
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        # Without this a 64-bit pointer would be cut to a 32-bit int.
        kernel32.LocalFree.argtypes = (ctypes.c_void_p,)
        buffer = ctypes.create_string_buffer(data, len(data))
        given = _Blob(len(data), ctypes.cast(buffer, ctypes.POINTER(ctypes.c_char)))
        got = _Blob()
        flags = _LOCAL_MACHINE | _NO_UI
        call = getattr(crypt32, name)
        if not call(ctypes.byref(given), None, None, None, None, flags, ctypes.byref(got)):
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            return ctypes.string_at(got.data, got.size)
        finally:
            kernel32.LocalFree(ctypes.cast(got.data, ctypes.c_void_p))

else:

    def _call(name: str, data: bytes) -> bytes:
        raise OSError(f"{name} of {len(data)} bytes: Windows only")
