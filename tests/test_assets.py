"""What our pages use of others: pinned, fetched, checked, and never kept in the repository."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import re
import subprocess
import sys
import tarfile
import threading
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from harness import ROOT

CONTENT = b"body { color: green }"
INTEGRITY = re.compile(r'"/[a-z/]*asset/([^"]+)"\s+integrity="sha256-([^"]+)"')


@pytest.fixture
def assets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tools/assets.py as a module: it is no part of the package."""
    spec = importlib.util.spec_from_file_location("assets", ROOT / "tools" / "assets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "assets", module)
    spec.loader.exec_module(module)
    return module


def packed(name: str, content: bytes) -> bytes:
    """An npm package with one file."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        entry = tarfile.TarInfo(f"package/{name}")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


@dataclass
class Registry:
    """An npm registry: what it has by path, how often it fails first, what it was asked."""

    has: dict[str, bytes] = field(default_factory=dict[str, bytes])
    failures: int = 0
    asked: list[str] = field(default_factory=list[str])
    port: int = 0

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.failures:
            self.failures -= 1
            return 502, b""
        return (200, self.has[path]) if path in self.has else (404, b"")


@contextmanager
def serving(registry: Registry) -> Generator[Registry, None, None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = registry.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        registry.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield registry
        server.shutdown()
        thread.join()


@pytest.fixture
def registry(
    assets: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Registry, None, None]:
    """One that has what a pin file in ``tmp_path`` asks for; the tool is pointed at both."""
    pins = tmp_path / "assets.toml"
    pins.write_text(
        f"""
[[ship]]
package = "@some/style"
version = "2.1.1"
licence = "MIT"
file = "css/style.min.css"
sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"
name = "style.css"
to = ["one/asset", "two/asset"]
""",
        "utf-8",
    )
    monkeypatch.setattr(assets, "PINS", pins)
    monkeypatch.setattr(assets, "PAUSES_S", (0.0, 0.0))
    made = Registry({"/npm/@some/style/-/style-2.1.1.tgz": packed("css/style.min.css", CONTENT)})
    with serving(made):
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{made.port}/npm/")
        yield made


def test_every_folder_gets_the_file(
    assets: ModuleType, registry: Registry, tmp_path: Path
) -> None:
    fetched = assets.fetch("ship", root=tmp_path)

    assert ["@some/style 2.1.1"] == fetched
    assert [CONTENT, CONTENT] == [
        (tmp_path / folder / "asset" / "style.css").read_bytes() for folder in ("one", "two")
    ]
    assert ["/npm/@some/style/-/style-2.1.1.tgz"] == registry.asked


def test_nothing_is_asked_for_twice(
    assets: ModuleType, registry: Registry, tmp_path: Path
) -> None:
    assets.fetch("ship", root=tmp_path)

    assert [] == assets.fetch("ship", root=tmp_path)
    assert 1 == len(registry.asked)


def test_an_altered_file_is_replaced(
    assets: ModuleType, registry: Registry, tmp_path: Path
) -> None:
    assets.fetch("ship", root=tmp_path)
    altered = tmp_path / "two" / "asset" / "style.css"
    altered.write_bytes(CONTENT + b"/**/")

    assets.fetch("ship", root=tmp_path)

    assert CONTENT == altered.read_bytes()
    assert 2 == len(registry.asked)


def test_another_content_is_refused_and_nothing_written(
    assets: ModuleType, registry: Registry, tmp_path: Path
) -> None:
    [path] = registry.has
    registry.has[path] = packed("css/style.min.css", b"@import url(//elsewhere)")

    with pytest.raises(assets.AssetError, match="not the pinned file"):
        assets.fetch("ship", root=tmp_path)
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("body", [b"", b"no archive", packed("css/other.css", CONTENT)[:-9]])
def test_a_package_that_cannot_be_read_is_told(
    assets: ModuleType, registry: Registry, tmp_path: Path, body: bytes
) -> None:
    [path] = registry.has
    registry.has[path] = body

    with pytest.raises(assets.AssetError, match="holds no css/style"):
        assets.fetch("ship", root=tmp_path)


def test_a_registry_that_fails_once_is_asked_again(
    assets: ModuleType, registry: Registry, tmp_path: Path
) -> None:
    registry.failures = 2

    assert assets.fetch("ship", root=tmp_path)
    assert 3 == len(registry.asked)


def test_without_a_network_one_line_says_what_to_do(
    assets: ModuleType,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = f"http://user:secret@127.0.0.1:{registry.port}/elsewhere"
    monkeypatch.setenv("npm_config_registry", secret)
    monkeypatch.setattr(assets, "ROOT", tmp_path)
    monkeypatch.setattr(assets.fetch, "__kwdefaults__", {"root": tmp_path})
    monkeypatch.setattr(sys, "argv", ["assets.py"])

    assert 1 == assets.main()
    said = capsys.readouterr().err
    assert 1 == said.count("\n")
    assert "npm_config_registry" in said
    assert "请联网" in said
    assert "secret" not in said


def test_the_environment_names_the_registry(
    assets: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "https://mirror.example/npm/")

    assert "https://mirror.example/npm" == assets.registry()


def test_a_registry_that_is_no_web_address_is_refused(
    assets: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "file:///somewhere")

    with pytest.raises(assets.AssetError, match="no https address"):
        assets.registry()


def test_the_public_registry_is_asked_where_nothing_is_set(
    assets: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")

    assert "https://registry.npmjs.org" == assets.registry()


def test_what_is_installed_is_what_is_pinned(assets: ModuleType) -> None:
    wanted = [*assets.pinned("ship"), *assets.pinned("dev")]

    assert len(wanted) >= 3
    assert [] == [asset.name for asset in wanted if not assets.is_there(asset, ROOT)]


def test_git_takes_no_asset(assets: ModuleType) -> None:
    placed = [
        f"{folder}/{asset.name}"
        for group in ("ship", "dev")
        for asset in assets.pinned(group)
        for folder in asset.to
    ]
    command = ["git", "check-ignore", *placed]
    ignored = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert placed == ignored.stdout.split()


def test_every_page_repeats_the_pinned_hash_of_what_it_loads(assets: ModuleType) -> None:
    pins = {
        asset.name: b64encode(bytes.fromhex(asset.sha256)).decode()
        for asset in assets.pinned("ship")
    }
    pages = [page for page in ROOT.glob("*/**/page/index.html") if ".venv" not in page.parts]

    assert pages
    for page in pages:
        assert INTEGRITY.findall(page.read_text("utf-8"))
        for name, integrity in INTEGRITY.findall(page.read_text("utf-8")):
            assert pins[name] == integrity
