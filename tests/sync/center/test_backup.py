"""A centre in one encrypted file and out of it again, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from center_bed import Machine, Site, chained, record, run_of, running, statuses
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from yibao_face.daemon.cli.main import main
from yibao_face.sync.center.api import CenterError, unix_ms
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.documents import Letter
from yibao_face.sync.center.store.tables import META, METADATA
from yibao_face.sync.center.upkeep.backup import back_up_center, restore_center
from yibao_face.sync.center.upkeep.container import Packing, Part, Unpacking
from yibao_face.sync.center.upkeep.seal import (
    CHUNK_BYTES,
    KeyFile,
    Passphrase,
    SealError,
    Sealing,
    unsealed,
)

KEY, OTHER = KeyFile(b"k" * 32), KeyFile(b"o" * 32)
Urls = Callable[[], str | None]


def everything(site: Site) -> dict[str, list[Any]]:
    """Every row of every table."""
    with site.center.database.reading() as db:
        return {
            table.name: sorted(map(repr, rows(db, select(table))))
            for table in METADATA.sorted_tables
        }


@pytest.fixture
def machine(site: Site) -> Machine:
    """A machine bound to the centre that is backed up."""
    return site.machine()


@pytest.fixture
def lived(site: Site, machine: Machine) -> Site:
    """A centre with records, a hole, an alarm, evidence, a document and a bound machine."""
    sent = run_of(1, 30)
    big = chained([record(100, detail=json.dumps({"x": "y" * 200_000}))], 32, b"\1" * 32)
    assert "new" in statuses(machine.batch([*sent, *big]))
    machine.batch(chained([record(1, code=0)]))
    for data in (b"sealed", bytes(3 * 1024 * 1024)):
        machine.call("PUT", f"/v1/evidence/{hashlib.sha256(data).hexdigest()}", data)
    letter = Letter("policy", "", "*", 1, '{"version":1}')
    site.center.documents.publish(letter, unix_ms())
    (site.folder / "centre-keys.json").write_text("{}")
    return site


def backed_up(site: Site, url: str | None, to: Path, *, evidence: bool = False) -> Path:
    back_up_center(site.folder, url, to, KEY, unix_ms(), evidence=evidence)
    return to


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        file.relative_to(folder).as_posix(): (file.read_bytes(), file.stat().st_mode & 0o777)
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("center.db")
    }


def test_a_restored_centre_has_everything_and_goes_on(
    lived: Site, machine: Machine, url: str | None, make_url: Urls, tmp_path: Path
) -> None:
    before, kept = everything(lived), files(lived.folder)
    # While it is being served.
    backup = backed_up(lived, url, tmp_path / "b.yfb", evidence=True)
    assert 0o600 == backup.stat().st_mode & 0o777
    lived.close()
    target, there = make_url(), tmp_path / "there"

    done = restore_center(backup, KEY, there, target)

    assert done.manifest.evidence
    found = files(there)
    listing = found.pop("evidence-listing.jsonl")[0]
    assert 2 == len(listing.splitlines())
    assert kept == found
    with running(there, target) as site:
        assert before == everything(site)
        again = Machine(site.port, machine.context)
        assert ["dup"] * 30 + ["new"] == statuses(again.batch(run_of(1, 31)))
        again.close()


def test_evidence_files_are_left_out_unless_asked_for(
    lived: Site, url: str | None, make_url: Urls, tmp_path: Path
) -> None:
    backup = backed_up(lived, url, tmp_path / "b.yfb")
    assert backup.stat().st_size < 1024 * 1024

    restore_center(backup, KEY, tmp_path / "there", make_url())

    lines = (tmp_path / "there" / "evidence-listing.jsonl").read_text().splitlines()
    assert {6, 3 * 1024 * 1024} == {json.loads(line)["size_bytes"] for line in lines}
    assert not [*(tmp_path / "there").glob("evidence/**/*")]


def test_evidence_in_a_folder_elsewhere_is_found_there(
    tmp_path: Path, url: str | None, make_url: Urls
) -> None:
    folder, place, data = tmp_path / "centre", tmp_path / "centre" / "pictures", b"sealed"
    folder.mkdir()
    name = hashlib.sha256(data).hexdigest()
    with running(folder, url, evidence=str(place)) as site:
        site.machine().call("PUT", f"/v1/evidence/{name}", data)
        to = tmp_path / "b.yfb"
        back_up_center(folder, url, to, KEY, unix_ms(), evidence=True, place=str(place))

    there = tmp_path / "there"
    restore_center(tmp_path / "b.yfb", KEY, there, make_url())

    [found] = there.rglob(name)
    assert (there / "evidence", data) == (found.parents[2], found.read_bytes())
    listed = json.loads((there / "evidence-listing.jsonl").read_text())
    assert {"sha256": name, "size_bytes": 6} == listed


def test_of_a_bucket_a_backup_has_the_list_and_says_so(
    lived: Site, url: str | None, make_url: Urls, tmp_path: Path
) -> None:
    what, place = (lived.folder, url, tmp_path / "b.yfb", KEY, unix_ms()), "s3://evidence/site"
    with pytest.raises(CenterError, match="bucket"):
        back_up_center(*what, evidence=True, place=place)
    assert not what[2].exists()

    back_up_center(*what, place=place)
    restore_center(what[2], KEY, tmp_path / "there", make_url())

    lines = (tmp_path / "there" / "evidence-listing.jsonl").read_text().splitlines()
    assert {6, 3 * 1024 * 1024} == {json.loads(line)["size_bytes"] for line in lines}


def test_nothing_of_it_can_be_read_without_the_key(
    lived: Site, url: str | None, tmp_path: Path
) -> None:
    data = backed_up(lived, url, tmp_path / "b.yfb").read_bytes()

    for secret in (b"PRIVATE KEY", b"ca-key", b"record", b"P32010000001", b"matched-self"):
        assert secret not in data
    assert [] == [*tmp_path.glob("*.part"), *lived.folder.glob("*.backup")]


def _changed(data: bytes, at: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], KeyFile]] = {
    "wrong key": (lambda d: d, OTHER),
    "cut by a byte": (lambda d: d[:-1], KEY),
    "cut in half": (lambda d: d[: len(d) // 2], KEY),
    "longer": (lambda d: d + b"x", KEY),
    "empty": (lambda _: b"", KEY),
    "first byte": (lambda d: _changed(d, 0), KEY),
    "header": (lambda d: _changed(d, 40), KEY),
    "middle": (lambda d: _changed(d, len(d) // 2), KEY),
    "last byte": (lambda d: _changed(d, -1), KEY),
}


def test_a_file_that_is_not_as_it_was_written_touches_nothing(
    lived: Site, url: str | None, make_url: Urls, tmp_path: Path
) -> None:
    backup = backed_up(lived, url, tmp_path / "b.yfb", evidence=True)
    whole, target = backup.read_bytes(), make_url()
    before = {*tmp_path.iterdir()}

    for name, (damage, key) in DAMAGES.items():
        backup.write_bytes(damage(whole))
        with pytest.raises(SealError):
            restore_center(backup, key, tmp_path / "there", target)
        assert before == {*tmp_path.iterdir()}, name

    # Folder and database are still as empty as a restore demands.
    backup.write_bytes(whole)
    restore_center(backup, KEY, tmp_path / "there", target)


def test_a_place_that_is_not_empty_is_left_as_it_is(
    lived: Site, url: str | None, make_url: Urls, tmp_path: Path
) -> None:
    backup = backed_up(lived, url, tmp_path / "b.yfb")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_text("x")

    with pytest.raises(CenterError, match="there is not empty"):
        restore_center(backup, KEY, tmp_path / "there", make_url())
    assert ["mine"] == [file.name for file in (tmp_path / "there").iterdir()]
    if url:
        with pytest.raises(CenterError, match="the database is not empty"):
            restore_center(backup, KEY, tmp_path / "elsewhere", url)
        assert not (tmp_path / "elsewhere").exists()
        with pytest.raises(CenterError, match="backup is of postgresql"):
            restore_center(backup, KEY, tmp_path / "elsewhere", None)


def test_a_backup_never_takes_the_place_of_another(
    lived: Site, url: str | None, tmp_path: Path
) -> None:
    backup = backed_up(lived, url, tmp_path / "b.yfb")
    before = backup.read_bytes()

    with pytest.raises(CenterError, match="is there already"):
        backed_up(lived, url, backup)
    assert before == backup.read_bytes()


def test_a_backup_of_a_newer_program_is_refused(
    lived: Site, url: str | None, make_url: Urls, tmp_path: Path
) -> None:
    with lived.center.database.writing() as db:
        db.execute(META.update().values(value=99))
    backup = backed_up(lived, url, tmp_path / "b.yfb")

    with pytest.raises(CenterError, match="has schema 99"):
        restore_center(backup, KEY, tmp_path / "there", make_url())
    assert not (tmp_path / "there").exists()


def test_records_that_come_meanwhile_are_in_it_whole_or_not_at_all(
    lived: Site, machine: Machine, url: str | None, make_url: Urls, tmp_path: Path
) -> None:
    backup = backed_up(lived, url, tmp_path / "b.yfb")
    machine.batch(run_of(31, 31))
    target = make_url()
    restore_center(backup, KEY, tmp_path / "there", target)

    with running(tmp_path / "there", target) as site:
        assert 31 == len(site.stored())
    assert 32 == len(lived.stored())


def test_the_command_asks_for_a_key_and_tells_what_it_did(
    lived: Site, url: str | None, make_url: Urls, tmp_path: Path, capsys: Any
) -> None:
    words, key = tmp_path / "words", tmp_path / "key"
    words.write_text("四个字的口令一共十二个字\n", "utf-8")
    key.write_text("ab" * 32)

    def run(*given: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["center", *map(str, given)])
        told = capsys.readouterr()
        return code, told.out, told.err

    where = ("--data", lived.folder, *(("--db", url) if url else ()))
    there: tuple[object, ...] = ()
    for n, secret in enumerate((("--passphrase-file", words), ("--key-file", key))):
        file, target = tmp_path / f"{n}.yfb", make_url()
        code, out, err = run("backup", *where, "--to", file, *secret)
        assert (0, "") == (code, err)
        assert "已备份并核对 / backed up and read back: " in out
        there = ("--data", tmp_path / f"there-{n}", *(("--db", target) if target else ()))
        code, out, err = run("restore", *there, "--from", file, *secret)
        assert (0, "") == (code, err)
        assert "已恢复 / restored: " in out
    code, _, err = run("restore", *there, "--from", tmp_path / "0.yfb", "--key-file", key)
    assert (1, True) == (code, "not opened with a key file" in err)
    words.write_text("short")
    assert (
        "at least 12 characters"
        in run("backup", *where, "--to", tmp_path / "x", "--passphrase-file", words)[2]
    )
    key.write_text("zz")
    assert "64 hex digits" in run("backup", *where, "--to", tmp_path / "x", "--key-file", key)[2]


def sealed(data: bytes, secret: KeyFile = KEY) -> bytes:
    out = io.BytesIO()
    sealing = Sealing(out, secret)
    for at in range(0, len(data), 700_000):
        sealing.write(data[at : at + 700_000])
    sealing.close()
    return out.getvalue()


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
)
def test_what_was_sealed_is_read_back_at_every_length(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)

    blocks = [*unsealed(io.BytesIO(sealed(data)), KEY)]

    assert data == b"".join(blocks)
    assert all(len(block) <= CHUNK_BYTES for block in blocks)


def test_chunks_cannot_change_places_or_be_left_out() -> None:
    data = sealed(bytes(2 * CHUNK_BYTES + 5))
    at, long = data.index(b"\n", 25) + 1, CHUNK_BYTES + 16
    head, one, two, rest = data[:at], data[at : at + long], data[at + long : at + 2 * long], b""
    rest = data[at + 2 * long :]

    for forged in (head + two + one + rest, head + two + rest, head + one + rest, head + one):
        with pytest.raises(SealError):
            b"".join(unsealed(io.BytesIO(forged), KEY))


def test_two_backups_of_the_same_content_have_nothing_in_common() -> None:
    one, two = (sealed(bytes(1000)) for _ in range(2))

    assert one[-1000:] != two[-1000:]


SMALL = sealed(b"what is inside" * 50)


@given(st.integers(0, len(SMALL) - 1), st.integers(0, 7))
@settings(deadline=None)
def test_any_changed_bit_is_found(at: int, bit: int) -> None:
    data = bytearray(SMALL)
    data[at] ^= 1 << bit

    with pytest.raises(SealError):
        b"".join(unsealed(io.BytesIO(bytes(data)), KEY))


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_no_backup(data: bytes) -> None:
    for secret in (KEY, Passphrase("x" * 12)):
        with pytest.raises(SealError):
            b"".join(unsealed(io.BytesIO(data), secret))


@pytest.mark.parametrize("n", [0, 3, 1 << 21, 1 << 60, "x", True])
def test_a_header_cannot_demand_more_work_than_ours(n: object) -> None:
    header = {"kdf": "scrypt", "n": n, "r": 8, "p": 1, "salt": "00" * 16}

    with pytest.raises(SealError, match="not ours"):
        Passphrase("x" * 12).key(header)


PARTS = st.lists(st.tuples(st.text("abc/", min_size=1).map(lambda t: f"d{t}"), st.binary()))


@given(PARTS, st.booleans(), st.integers(1, 50))
@settings(deadline=None)
def test_parts_come_out_as_they_were_put_in(
    parts: list[tuple[str, bytes]], packed: bool, block: int
) -> None:
    out = io.BytesIO()
    packing = Packing(out)
    for name, data in parts:
        packing.add(Part(name, packed), [data[:3], data[3:]])
    packing.end()
    stream = out.getvalue()
    blocks = [stream[at : at + block] for at in range(0, len(stream), block)]

    unpacking = Unpacking(blocks)
    assert parts == [(part.name, b"".join(data)) for part, data in unpacking]
    assert packing.sha256 == unpacking.sha256
    for cut in {1, len(stream) // 2} - {0, len(stream)}:
        with pytest.raises(SealError):
            list(Unpacking([stream[:-cut]]))


@given(st.binary(max_size=300))
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_no_parts(data: bytes) -> None:
    with pytest.raises(SealError):
        for _, inside in Unpacking([data]):
            b"".join(inside)


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "a\\b", "C:x", ""])
def test_no_part_leaves_its_folder(name: str) -> None:
    out = io.BytesIO()
    packing = Packing(out)
    packing.add(Part(name), [b"x"])
    packing.end()

    with pytest.raises(SealError, match="outside"):
        list(Unpacking([out.getvalue()]))
