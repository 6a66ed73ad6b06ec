"""What somebody between the vendor and a counter can send: refused, and the old version serves."""

from __future__ import annotations

import json
import shutil
import socketserver
import threading
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Metadata
from update_site import NEW, NEWER, OLD, Counter, Vendor

from yibao_face.installer.update.fault import (
    NotGenuineError,
    SourceError,
    UnusableError,
    UpdateError,
)
from yibao_face.installer.update.publish.repository import Days
from yibao_face.installer.update.version import Version

ONLINE = ("snapshot", "timestamp")


def refused(pc: Counter, where: Path | str, error: type[UpdateError], why: str = ".") -> None:
    """``where`` is refused, nothing of it is left, and the old version answers."""
    with pytest.raises(error, match=why):
        pc.updater().take(where)
    assert (OLD, "1.0.0", "") == (pc.current, pc.answers(), pc.updater().state().waiting)
    assert {"current", OLD.folder} == pc.folders()
    assert not pc.place.download.exists()
    assert b"records" == (pc.data / "queue.db").read_bytes()


def folder_of(vendor: Vendor) -> Path:
    return vendor.repository.folder


def archive_of(vendor: Vendor) -> Path:
    [path] = vendor.repository.targets.glob("*.tar.xz")
    return path


def test_another_vendors_keys(vendor: Vendor, pc: Counter, tmp_path: Path) -> None:
    other = Vendor(tmp_path / "other")
    other.release()

    refused(pc, other.stick(), NotGenuineError)


def test_another_vendors_root_as_the_next_one(vendor: Vendor, pc: Counter, tmp_path: Path) -> None:
    other = Vendor(tmp_path / "other")
    other.publish_root()
    other.release()

    refused(pc, other.stick(), NotGenuineError)


def test_fewer_signatures_than_the_threshold(vendor: Vendor, pc: Counter) -> None:
    """Who has one holder's key and all keys that are online."""
    vendor.release()
    [path] = vendor.repository.metadata.glob("*.targets.json")
    targets = Metadata[Any].from_file(str(path))
    targets.signatures.popitem()
    targets.to_file(str(path))
    vendor.repository.refresh(vendor.signers, vendor.days)

    refused(pc, folder_of(vendor), NotGenuineError, "signed by 1/2 keys")


def test_one_key_signing_twice_counts_once(vendor: Vendor, pc: Counter) -> None:
    vendor.release()
    [path] = vendor.repository.metadata.glob("*.targets.json")
    body = json.loads(path.read_bytes())
    body["signatures"][1] = body["signatures"][0]
    path.write_text(json.dumps(body), "utf-8")

    refused(pc, folder_of(vendor), NotGenuineError)


@pytest.mark.parametrize("lost", [False, True], ids=["remembered", "library-forgot"])
def test_an_older_state_of_the_repository(
    vendor: Vendor, pc: Counter, tmp_path: Path, lost: bool
) -> None:
    vendor.release(NEW)
    shutil.copytree(folder_of(vendor), tmp_path / "older")
    vendor.release(NEWER)
    assert pc.updater().check(folder_of(vendor))
    if lost:
        # As a power failure may do: the library's copies were not on the disk yet.
        for name in ("timestamp", "snapshot", "targets"):
            (pc.place.metadata / f"{name}.json").write_bytes(b"")

    refused(pc, tmp_path / "older", NotGenuineError)


def test_an_older_version_newly_signed(vendor: Vendor, pc: Counter) -> None:
    vendor.release(Version(0, 9, 9))

    refused(pc, vendor.stick(), UnusableError, r"not newer than 1\.0\.0")


def test_the_version_that_runs(vendor: Vendor, pc: Counter) -> None:
    vendor.release(OLD, more={"backdoor": b"!"})

    refused(pc, vendor.stick(), UnusableError, "not newer")


def test_the_same_version_with_another_content(
    vendor: Vendor, pc: Counter, tmp_path: Path
) -> None:
    vendor.release(NEW)
    pc.updater().take(vendor.stick())
    pc.updater().apply()
    pc.updater().roll_back()
    other = Vendor(tmp_path / "other", vendor.keys)
    for version in (Version(1, 0, 1), NEW):
        other.release(version, more={"other": b"!"})

    refused(pc, other.stick(NEW), UnusableError, "another content was seen")


def test_for_another_platform(vendor: Vendor, pc: Counter) -> None:
    release = vendor.release()
    repository, archive = vendor.repository, vendor.folder / "packed"
    shutil.copyfile(archive_of(vendor), archive)
    foreign = replace(release, platform="windows-x86_64", version=NEWER)
    repository.add(foreign, archive, vendor.signers, vendor.days)
    targets = repository.targets
    windows = next(iter(targets.glob("*.windows-x86_64.json")))
    linux = next(iter(targets.glob("*.linux-x86_64.json")))
    linux.write_bytes(windows.read_bytes())

    refused(pc, folder_of(vendor), NotGenuineError)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_update_file(vendor: Vendor, pc: Counter, part: float) -> None:
    vendor.release()
    stick = vendor.stick()
    data = stick.read_bytes()
    stick.write_bytes(data[: int(len(data) * part)])

    refused(pc, stick, SourceError)


def test_a_truncated_archive(vendor: Vendor, pc: Counter) -> None:
    vendor.release()
    archive = archive_of(vendor)
    archive.write_bytes(archive.read_bytes()[:-1])

    refused(pc, folder_of(vendor), SourceError, "cut off")


def test_a_swapped_archive_of_the_same_length(vendor: Vendor, pc: Counter) -> None:
    vendor.release()
    archive = archive_of(vendor)
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)

    refused(pc, folder_of(vendor), NotGenuineError, "not the file that was signed")


def test_a_genuine_archive_in_the_place_of_another(vendor: Vendor, pc: Counter) -> None:
    vendor.release(NEW, more={"flaw": b"!"})
    flawed = archive_of(vendor)
    vendor.release(NEWER)
    [good] = set(vendor.repository.targets.glob("*.tar.xz")) - {flawed}
    good.write_bytes(flawed.read_bytes())

    refused(pc, folder_of(vendor), UpdateError)


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp"])
def test_expired(vendor: Vendor, pc: Counter, role: str) -> None:
    vendor.days = replace(Days(), **{role: -1})
    vendor.release()

    refused(pc, vendor.stick(), NotGenuineError, "expired")


def test_an_expired_root(vendor: Vendor, pc: Counter) -> None:
    vendor.publish_root(days=-1)
    vendor.release()

    refused(pc, vendor.stick(), NotGenuineError, "expired")


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_genuine_metadata_of_different_times_mixed(vendor: Vendor, pc: Counter, role: str) -> None:
    vendor.release(NEW)
    vendor.release(NEWER)
    metadata = vendor.repository.metadata
    shutil.copyfile(metadata / f"1.{role}.json", metadata / f"2.{role}.json")

    refused(pc, folder_of(vendor), NotGenuineError)


def test_an_older_snapshot_newly_stamped(vendor: Vendor, pc: Counter) -> None:
    """Who has the key of the timestamp alone."""
    vendor.release(NEW)
    metadata = vendor.repository.metadata
    old = Metadata[Any].from_file(str(metadata / "timestamp.json")).signed.snapshot_meta
    vendor.release(NEWER)
    assert pc.updater().check(folder_of(vendor))
    stamp = Metadata[Any].from_file(str(metadata / "timestamp.json"))
    stamp.signed.snapshot_meta, stamp.signed.version = old, stamp.signed.version + 1
    stamp.sign(vendor.keys["timestamp"][0])
    stamp.to_file(str(metadata / "timestamp.json"))

    refused(pc, folder_of(vendor), NotGenuineError)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"null", b"[" * 100_000, b"\xff\xfe", b'{"signed": 1}']
)
@pytest.mark.parametrize("name", ["timestamp.json", "1.snapshot.json", "1.targets.json"])
def test_metadata_that_is_none(vendor: Vendor, pc: Counter, name: str, data: bytes) -> None:
    vendor.release()
    (vendor.repository.metadata / name).write_bytes(data)

    with pytest.raises(UpdateError):
        pc.updater().take(folder_of(vendor))
    assert {"current", OLD.folder} == pc.folders()


@pytest.mark.parametrize("name", ["a/b", "C:x", ".hidden", ""])
def test_a_release_whose_archive_lies_elsewhere(vendor: Vendor, pc: Counter, name: str) -> None:
    release = vendor.release()
    evil = replace(release, version=NEWER, archive=name)
    archive = archive_of(vendor)
    (vendor.repository.targets / f"{release.sha256}.a").mkdir(parents=True)
    vendor.repository.add(evil, archive, vendor.signers, vendor.days)

    refused(pc, folder_of(vendor), NotGenuineError, "archive")


def test_a_packed_entry_that_unpacks_without_an_end(
    vendor: Vendor, pc: Counter, tmp_path: Path
) -> None:
    vendor.release()
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(vendor.stick()) as good, zipfile.ZipFile(bomb, "w") as file:
        for info in good.infolist():
            file.writestr(info.filename, good.read(info))
        file.writestr(
            zipfile.ZipInfo("metadata/2.root.json"), b"0" * 10_000_000, zipfile.ZIP_DEFLATED
        )

    refused(pc, bomb, SourceError, "packed or locked")


class _Served(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *words: object) -> None:  # its name there
        pass


@contextmanager
def served(handler: Callable[..., BaseHTTPRequestHandler]) -> Generator[str, None, None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def handler_of(folder: Path, endless: str, sent: list[int]) -> type[BaseHTTPRequestHandler]:
    class Handler(_Served):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words, directory=str(folder))

        def do_GET(self) -> None:
            if not endless or not self.path.endswith(endless):
                super().do_GET()
                return
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"{" * 65536)
                    sent[0] += 65536
            except OSError:
                self.close_connection = True

    return Handler


def test_a_mirror_is_as_good_as_a_stick(vendor: Vendor, pc: Counter) -> None:
    vendor.release()
    with served(handler_of(folder_of(vendor), "", [0])) as address:
        assert NEW == pc.updater().take(address).version
    assert NEW == pc.updater().apply()
    assert "1.1.0" == pc.answers()
    pc.updater().roll_back()


@pytest.mark.parametrize(
    "name", ["timestamp.json", "2.root.json", "1.targets.json", "linux-x86_64.json", ".tar.xz"]
)
def test_endless_data(vendor: Vendor, pc: Counter, name: str) -> None:
    vendor.release()
    sent = [0]
    with served(handler_of(folder_of(vendor), name, sent)) as address:
        refused(pc, address, UpdateError)
    assert sent[0] < 64 * 1024 * 1024


def test_a_mirror_that_hangs_up(vendor: Vendor, pc: Counter) -> None:
    vendor.release()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
            self.request.sendall(head)

    with served(Handler) as address:  # type: ignore[arg-type]  # no HTTP to its end
        refused(pc, address, SourceError)


def test_nobody_at_the_mirror(vendor: Vendor, pc: Counter) -> None:
    with served(_Served) as address:
        pass
    refused(pc, address, SourceError)


@pytest.mark.parametrize("what", ["missing", "folder", "text"])
def test_what_is_no_update_at_all(vendor: Vendor, pc: Counter, tmp_path: Path, what: str) -> None:
    where = tmp_path / "what"
    if what == "folder":
        where.mkdir()
    if what == "text":
        where.write_text("hello", "utf-8")

    refused(pc, where, SourceError)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_one_bit_or_one_byte_of_an_update_file(
    vendor: Vendor, pc: Counter, tmp_path: Path, place: float, bit: int, cut: bool
) -> None:
    """Whatever it does to the file, what is taken in is what was signed."""
    if not (tmp_path / "good").exists():
        vendor.release()
        shutil.copyfile(vendor.stick(), tmp_path / "good")
        shutil.copytree(pc.place.own, tmp_path / "fresh")
    data = bytearray((tmp_path / "good").read_bytes())
    at = int(len(data) * place)
    if cut:
        del data[at]
    else:
        data[at] ^= 1 << bit
    (tmp_path / "bad").write_bytes(data)

    try:
        pc.updater().take(tmp_path / "bad")
    except UpdateError:
        assert {"current", OLD.folder} == pc.folders()
        return
    told = json.loads((pc.place.app(NEW) / "_internal" / "told.json").read_bytes())
    assert "1.1.0" == told["version"]
    shutil.rmtree(pc.place.app(NEW))
    shutil.rmtree(pc.place.own)
    shutil.copytree(tmp_path / "fresh", pc.place.own)
