"""Run by a Windows Python: ``token_probe.py MODULE FOLDER`` writes the daemon's token there, and
tells as JSON what the access list of its file is and what it allows whom.

``MODULE``: the file that writes it, which needs the standard library alone.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

STRANGER = "S-1-5-21-7-7-7-1001"
ADMINISTRATORS = "S-1-5-32-544"
RIGHTS = {"read": 0x1, "write": 0x2, "delete": 0x1_0000, "change the list": 0x4_0000}

if sys.platform == "win32":
    import ctypes
    from ctypes import byref, c_int, c_uint32, c_void_p, c_wchar_p

    ADVAPI32 = ctypes.WinDLL("advapi32", use_last_error=True)
    ALL, DISABLED, IMPERSONATION = 0xF01FF, 1, 2
    OWNER_AND_LIST, IS_FILE = 1 | 4, 1
    GENERIC = (0x12_0089, 0x12_0116, 0x12_00A0, 0x1F_01FF)

    class SidAndAttributes(ctypes.Structure):
        """As Windows has it."""

        _fields_ = (("sid", c_void_p), ("attributes", c_uint32))

    def demand(done: object) -> None:
        """``OSError`` where Windows said no."""
        if not done:
            raise ctypes.WinError(ctypes.get_last_error())

    def written(descriptor: c_void_p) -> str:
        """A security descriptor as SDDL."""
        text = c_wchar_p()
        convert = ADVAPI32.ConvertSecurityDescriptorToStringSecurityDescriptorW
        demand(convert(descriptor, 1, OWNER_AND_LIST, byref(text), None))
        return str(text.value)

    def of_file(path: Path) -> str:
        """The access list a file has."""
        found = c_void_p()
        get = ADVAPI32.GetNamedSecurityInfoW
        assert 0 == get(str(path), IS_FILE, OWNER_AND_LIST, *(None,) * 4, byref(found))
        return written(found)

    def me(*, administrator: bool) -> c_void_p:
        """To be judged as: this user, with or without the rights of an administrator."""
        own, narrowed, made, sid = (c_void_p() for _ in range(4))
        demand(ADVAPI32.OpenProcessToken(c_void_p(-1), ALL, byref(own)))
        demand(ADVAPI32.ConvertStringSidToSidW(ADMINISTRATORS, byref(sid)))
        less = SidAndAttributes(sid, 0)
        restrict = ADVAPI32.CreateRestrictedToken
        demand(restrict(own, 0, DISABLED, byref(less), 0, None, 0, None, byref(narrowed)))
        chosen = own if administrator else narrowed
        demand(ADVAPI32.DuplicateToken(chosen, IMPERSONATION, byref(made)))
        return made

    def allowed(owner: str, sddl: str, who: c_void_p) -> list[str]:
        """Which of ``RIGHTS`` a file of ``owner`` gives."""
        found = c_void_p()
        convert = ADVAPI32.ConvertStringSecurityDescriptorToSecurityDescriptorW
        demand(convert(f"O:{owner}G:SY{sddl}", 1, byref(found), None))
        return [name for name, right in RIGHTS.items() if _may(found, who, right)]

    def _may(descriptor: c_void_p, who: c_void_p, right: int) -> bool:
        kinds, privileges = (c_uint32 * 4)(*GENERIC), ctypes.create_string_buffer(256)
        size, granted, answer = c_uint32(256), c_uint32(), c_int()
        more = (byref(kinds), privileges, byref(size), byref(granted), byref(answer))
        demand(ADVAPI32.AccessCheck(descriptor, who, right, *more))
        return bool(answer.value)

    def look(module: dict[str, Any], folder: Path) -> dict[str, Any]:
        """What the test compares."""
        token, user = module["token_file"](folder), module["_user"]()
        first, second = (module["write_token"](token) for _ in range(2))
        (folder / "usual").write_text("x", "ascii")
        own, other = (module["_WHO"].format(user=sid) for sid in (user, STRANGER))
        return {
            "replaced": first != second and token.read_text("ascii") == second,
            "user": user,
            "asked": written(module["_descriptor"](own)),
            "list": of_file(token),
            "usual list": of_file(folder / "usual"),
            "own": allowed(user, own, me(administrator=False)),
            "another's": allowed(STRANGER, other, me(administrator=False)),
            "another's, as administrator": allowed(STRANGER, other, me(administrator=True)),
        }

    if __name__ == "__main__":
        sys.stdout.write(json.dumps(look(runpy.run_path(sys.argv[1]), Path(sys.argv[2]))))
