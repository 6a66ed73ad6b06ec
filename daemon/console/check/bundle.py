"""The diagnostic bundle: what whoever mends a counter from afar needs, and nobody's data."""

from __future__ import annotations

import io
import json
import platform
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import distributions
from typing import Any

from yibao_face.daemon.config import to_toml
from yibao_face.daemon.console.api.queue import checked, state
from yibao_face.daemon.console.check.selftest import self_test
from yibao_face.daemon.console.check.state import state_of
from yibao_face.daemon.console.console import Console
from yibao_face.daemon.gallery.file import GalleryError
from yibao_face.daemon.gallery.vault import VaultError
from yibao_face.daemon.life.redact import clean, without
from yibao_face.sync.api import Query

_DAYS = timedelta(days=7)
_READ_ME = """诊断包 diagnostic bundle
不含姓名、证件号码、照片和人脸模板；号码和密码已去除。
No names, id numbers, pictures or face templates; numbers and passwords are taken out.
"""


def known_names(console: Console) -> list[str]:
    """Names of persons and staff, to be taken out wherever they stand."""
    try:
        names = console.daemon.desk.gallery.names()
    except (GalleryError, VaultError):
        # A gallery that cannot be read is what the bundle is asked for.
        names = []
    return sorted({*names, *(one.name for one in console.staff.all())}, key=len, reverse=True)


def bundle(console: Console) -> bytes:
    """A ZIP file of short texts; raises ``StoreError`` and ``StaffError``."""
    names = known_names(console)
    parts: dict[str, Any] = {
        "README.txt": _READ_ME,
        "version.json": _version(),
        "state.json": state_of(console),
        "selftest.json": [asdict(part) for part in self_test(console)],
        "queue.json": state(console),
        "records.json": _records(console),
        "verify.json": checked(console),
        "config.toml": _config(console),
        "log.txt": "\n".join(
            f"{x.at} {x.level} {x.room}: {x.text}" for x in console.log.lines(names)
        ),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name, _text(body, names))
    return packed.getvalue()


def _text(body: Any, names: Iterable[str]) -> str:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, indent=1)
    return without(text, names)


def _version() -> dict[str, Any]:
    packages = {dist.name: dist.version for dist in distributions()}
    return {
        "python": sys.version,
        "system": platform.platform(),
        "machine": platform.machine(),
        "packages": dict(sorted(packages.items())),
    }


def _config(console: Console) -> str:
    """The effective configuration, each line cleaned as those of the log are."""
    return "\n".join(clean(line) for line in to_toml(console.config).splitlines())


def _records(console: Console) -> dict[str, Any]:
    """How often each kind ended in which cause, of the last days: no record itself."""
    ledger = console.daemon.ledger
    first = (ledger.clock.today() - _DAYS).isoformat()
    rows = ledger.outbox.briefs(Query(first_day=first))
    counted = Counter((row.day, row.kind, row.cause) for row in rows)
    return {"from": first, "counts": [[*key, n] for key, n in sorted(counted.items())]}
