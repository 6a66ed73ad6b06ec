"""What Windows shows of a file under Properties: product, version, description."""

from __future__ import annotations

import configparser
from pathlib import Path

_SETUP = Path(__file__).resolve().parent.parent / "setup.cfg"
_TEXT = """\
1 VERSIONINFO
FILEVERSION {numbers}
PRODUCTVERSION {numbers}
FILEFLAGSMASK 0x3fL
FILEOS 0x40004L
FILETYPE {kind}L
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904b0"
    BEGIN
      VALUE "FileDescription", "{about}"
      VALUE "FileVersion", "{version}"
      VALUE "OriginalFilename", "{name}"
      VALUE "ProductName", "yibao-face"
      VALUE "ProductVersion", "{version}"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x409, 1200
  END
END
"""


def version() -> str:
    """The release, as ``setup.cfg`` says it."""
    parsed = configparser.ConfigParser()
    parsed.read(_SETUP, encoding="utf-8")
    return parsed["metadata"]["version"]


def resource(name: str, about: str, release: str) -> str:
    """The resource script of ``name``; ``release``: up to four numbers with dots between."""
    numbers = [int(part) for part in release.split(".")]
    kind = 2 if name.endswith(".dll") else 1
    four = ",".join(str(n) for n in (*numbers, 0, 0, 0, 0)[:4])
    return _TEXT.format(numbers=four, kind=kind, about=about, name=name, version=release)
