"""An MSI for roll-out by a domain: it carries the setup, runs it silently and takes it away again.

``msiexec /i … /qn ORGCODE=H44010600001 CENTREURL=https://host:51519``
``SETUPOPTIONS``: more words for the setup, as ``/NOSTART``.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from xml.sax.saxutils import quoteattr

from yibao_face.installer.command import run
from yibao_face.installer.windows.resource import numbers
from yibao_face.installer.windows.wine import tool

# The same for every version: a younger one takes the place of an older.
UPGRADE_CODE = uuid.uuid5(uuid.NAMESPACE_DNS, "msi.yibao-face")
HERE = Path(__file__).resolve().parent


def compile_msi(out: Path, version: str, setup: Path, held: Path) -> Path:
    """The MSI around the file ``setup`` as the file ``out``; raises ``PackageError``."""
    held.mkdir(parents=True, exist_ok=True)
    # wixl looks for files beside its source alone.
    inner = Path(shutil.copyfile(setup, held / "setup.exe"))
    text = (HERE / "roll-out.wxs").read_text("utf-8")
    for name, value in (
        ("VERSION", ".".join(map(str, numbers(version)[:3]))),
        ("SETUP", inner.name),
        ("PRODUCT", str(uuid.uuid5(UPGRADE_CODE, version)).upper()),
        ("UPGRADE", str(UPGRADE_CODE).upper()),
        ("COMPONENT", str(uuid.uuid5(UPGRADE_CODE, f"component {version}")).upper()),
    ):
        text = text.replace(f'"@{name}@"', quoteattr(value))
    source = held / "roll-out.wxs"
    source.write_text(text, "utf-8")
    made = out.with_name(f"{out.name}.part")
    run([tool("wixl"), "--arch", "x64", "--output", made, source.name], cwd=held)
    made.replace(out)
    inner.unlink()
    return out
