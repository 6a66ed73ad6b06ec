"""What Windows shows of a program: its version block, and the icon."""

from __future__ import annotations

from pathlib import Path

from yibao_face.installer.command import run
from yibao_face.installer.update.swap.launcher import build_launcher
from yibao_face.installer.windows.icon import icon
from yibao_face.installer.windows.wine import COMPILER, tool

_TEXTS = (
    ("CompanyName", "yibao-face"),
    ("FileDescription", "医保实人认证 / yibao-face"),
    ("ProductName", "yibao-face"),
    ("LegalCopyright", "Apache-2.0"),
)


def numbers(version: str) -> tuple[int, int, int, int]:
    """``0.1.0`` as Windows counts versions."""
    parts = [int("".join(filter(str.isdigit, part)) or 0) for part in version.split(".")]
    a, b, c, d, *_ = [*parts, 0, 0, 0, 0]
    return a, b, c, d


def write_icon(folder: Path) -> Path:
    """The icon as a file in ``folder``."""
    file = folder / "yibao-face.ico"
    file.write_bytes(icon())
    return file


def write_version(folder: Path, version: str) -> Path:
    """The version block as PyInstaller reads it."""
    texts = [*_TEXTS, ("FileVersion", version), ("ProductVersion", version)]
    strings = ", ".join(f"StringStruct({name!r}, {text!r})" for name, text in texts)
    place = f"FixedFileInfo(filevers={numbers(version)}, prodvers={numbers(version)})"
    table = f"StringFileInfo([StringTable('080404B0', [{strings}])])"
    language = "VarFileInfo([VarStruct('Translation', [0x0804, 1200])])"
    file = folder / "version.txt"
    file.write_text(f"VSVersionInfo(ffi={place}, kids=[{table}, {language}])\n", "utf-8")
    return file


def compile_launchers(out: Path, held: Path, version: str) -> None:
    """``yibao-face.exe`` and ``yibao-face-agent.exe``, which start the version in use."""
    out.mkdir(parents=True, exist_ok=True)
    made, compiler = _resource(held, version), tool(COMPILER)
    build_launcher(out / "yibao-face.exe", compiler, resource=made)
    build_launcher(out / "yibao-face-agent.exe", compiler, windowed=True, resource=made)


def _resource(held: Path, version: str) -> Path:
    held.mkdir(parents=True, exist_ok=True)
    write_icon(held)
    commas = ",".join(map(str, numbers(version)))
    texts = [*_TEXTS, ("FileVersion", version), ("ProductVersion", version)]
    values = "\n".join(f'VALUE "{name}", "{text}"' for name, text in texts)
    script, made = held / "launcher.rc", held / "launcher.o"
    script.write_text(
        f'1 ICON "yibao-face.ico"\n1 VERSIONINFO\nFILEVERSION {commas}\nPRODUCTVERSION {commas}\n'
        f'BEGIN\nBLOCK "StringFileInfo" BEGIN BLOCK "080404B0" BEGIN\n{values}\nEND END\n'
        'BLOCK "VarFileInfo" BEGIN VALUE "Translation", 0x804, 1200 END\nEND\n',
        "utf-8",
    )
    windres = tool(COMPILER.replace("gcc", "windres"))
    run([windres, "--codepage=65001", script.name, made], cwd=held)
    return made
