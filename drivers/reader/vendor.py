"""How the readers' makers name one and the same C interface: a row each.

Nearly all readers carry the security module of one maker, and their libraries its calls: open a
port, look for a card, select it, read 256 bytes of text and 1024 of packed picture; a second
library unpacks the picture. What differs are names and where the picture goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

USB_PORTS = tuple(range(1001, 1017))
_SERIAL_PORTS = tuple(range(1, 17))
PORTS = frozenset({*USB_PORTS, *_SERIAL_PORTS})


@unique
class Unpacking(StrEnum):
    """``FILE``: ``int f(char *wlt_path, int interface)`` writes a ``.bmp`` beside the ``.wlt``.

    ``MEMORY``: ``int f(uchar *packed, uchar *bgr, int save)`` fills 102x126x3 bytes. Both
    return 1 when done.
    """

    FILE = "file"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Vendor:
    """Names of the calls. ``unpack``: in the second library, or in the first where one does both.

    ``top_down``: the first row in memory is the top one.
    """

    name: str
    open: str = "SDT_OpenPort"
    close: str = "SDT_ClosePort"
    find: str = "SDT_StartFindIDCard"
    select: str = "SDT_SelectIDCard"
    read: str = "SDT_ReadBaseMsg"
    unpack: str = "GetBmp"
    unpacking: Unpacking = Unpacking.FILE
    top_down: bool = True


VENDORS = {
    vendor.name: vendor
    for vendor in (
        Vendor("sdt"),
        Vendor("huaxu", unpack="unpack", unpacking=Unpacking.MEMORY),
        Vendor(
            "synjones",
            "Syn_OpenPort",
            "Syn_ClosePort",
            "Syn_StartFindIDCard",
            "Syn_SelectIDCard",
            "Syn_ReadBaseMsg",
            "Syn_GetBmp",
        ),
    )
}
