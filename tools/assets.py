"""Fetch what our web pages use of others: ``python3 tools/assets.py [--dev]`` (see assets.toml).

The registry is npm's: ``npm_config_registry`` in the environment, else what ``npm`` is configured
to use, else the public one. A file that is there with the right hash is not fetched again.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "tools" / "assets.toml"
SETTINGS = ("npm_config_registry", "NPM_CONFIG_REGISTRY")
PUBLIC = "https://registry.npmjs.org"
MAX_BYTES = 32 * 1024 * 1024
TIMEOUT_S = 30.0
PAUSES_S = (1.0, 4.0)


class AssetError(Exception):
    """One line that says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One pinned file of an npm package and the folders (from the checkout) it goes to."""

    package: str
    version: str
    licence: str
    file: str
    sha256: str
    name: str
    to: list[str]

    @property
    def address(self) -> str:
        """Where a registry keeps the package, below its own address."""
        return f"{self.package}/-/{self.package.rpartition('/')[2]}-{self.version}.tgz"


def pinned(group: str) -> list[Asset]:
    """The assets of ``ship`` or ``dev``."""
    rows: list[dict[str, Any]] = tomllib.loads(PINS.read_text("utf-8"))[group]
    return [Asset(**row) for row in rows]


def fetch(*groups: str, root: Path = ROOT) -> list[str]:
    """Put every asset of ``groups`` in its place; what was fetched. Raises ``AssetError``."""
    wanted = [asset for group in groups for asset in pinned(group)]
    missing = [asset for asset in wanted if not is_there(asset, root)]
    base = registry() if missing else ""
    for asset in missing:
        place(asset, checked(asset, download(f"{base}/{asset.address}")), root)
    return [f"{asset.package} {asset.version}" for asset in missing]


def is_there(asset: Asset, root: Path) -> bool:
    """Whether every folder has it, unchanged."""
    files = [root / folder / asset.name for folder in asset.to]
    return all(file.is_file() and digest(file.read_bytes()) == asset.sha256 for file in files)


def registry() -> str:
    """Address of the npm registry, without a slash at its end."""
    told = next((os.environ[name] for name in SETTINGS if os.environ.get(name)), "")
    found = (told or configured() or PUBLIC).rstrip("/")
    if not found.startswith(("https://", "http://")):
        raise AssetError("npm_config_registry is no https address / npm_config_registry须为网址")
    return found


def configured() -> str:
    """What npm itself would ask; empty where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        return ""
    command = [npm, "config", "get", "registry"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    said = done.stdout.strip()
    return said if done.returncode == 0 and said.startswith(("https://", "http://")) else ""


def download(url: str) -> bytes:
    """The package at ``url``; tried again where the network may be to blame."""
    for pause_s in (*PAUSES_S, None):
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  # https, or what npm is set to
                return answer.read(MAX_BYTES)
        except (OSError, http.client.HTTPException) as exc:
            refused = isinstance(exc, urllib.error.HTTPError) and exc.code < 500
            if refused or pause_s is None:
                raise unreachable(url, exc) from exc
            time.sleep(pause_s)
    raise AssertionError("the last try returns or raises")


def unreachable(url: str, reason: Exception) -> AssetError:
    """Names the package and the setting; the address may hold a password."""
    return AssetError(
        f"{url.rpartition('/')[2]} cannot be fetched ({type(reason).__name__}): connect, or set "
        "npm_config_registry to a registry that can be reached / "
        "网页组件下载失败，请联网或设置npm_config_registry后重试"
    )


def checked(asset: Asset, packed: bytes) -> bytes:
    """The asset's bytes out of its package; raises ``AssetError`` unless they are as pinned."""
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            member = archive.extractfile(f"package/{asset.file}")
            data = member.read(MAX_BYTES) if member else b""
    except (tarfile.TarError, KeyError, OSError, EOFError) as exc:
        raise AssetError(f"{asset.package} {asset.version} holds no {asset.file}") from exc
    if digest(data) != asset.sha256:
        raise AssetError(
            f"{asset.package} {asset.version}: {asset.file} is not the pinned file "
            f"(sha256 {digest(data)[:12]}…) / 网页组件校验不符，未安装"
        )
    return data


def place(asset: Asset, data: bytes, root: Path) -> None:
    """Write it into every folder; a reader sees the old file or the new one."""
    for folder in asset.to:
        (root / folder).mkdir(parents=True, exist_ok=True)
        new = root / folder / f"{asset.name}.{os.getpid()}.new"
        new.write_bytes(data)
        new.replace(root / folder / asset.name)


def digest(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def main() -> int:
    """Fetch what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what only the tests use")
    given = parser.parse_args()
    try:
        got = fetch("ship", "dev") if given.dev else fetch("ship")
    except AssetError as exc:
        print(f"assets: {exc}", file=sys.stderr)
        return 1
    print(f"assets: {', '.join(got) if got else 'nothing to fetch'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
