"""A whole centre in one encrypted file, and a whole centre out of it, or nothing.

Whatever is wrong with a file or its key is found before anything is written to where it should go.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Engine, select

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.center import database_url
from yibao_face.sync.center.store.blob.folder import files_in
from yibao_face.sync.center.store.blob.place import EVIDENCE_FOLDER, folder_of
from yibao_face.sync.center.store.dialect import connect, sqlite_file
from yibao_face.sync.center.store.steps import refuse_newer
from yibao_face.sync.center.store.tables import EVIDENCE
from yibao_face.sync.center.upkeep.container import Packing, Part, Unpacking
from yibao_face.sync.center.upkeep.dump import (
    blocks_of,
    copied_sqlite,
    dumped_postgresql,
    restored_postgresql,
    schema_in,
    sound_sqlite,
)
from yibao_face.sync.center.upkeep.seal import SealError, Sealing, Secret, unsealed

_MANIFEST, _DATABASE, _LISTING = "manifest.json", "database", "evidence-listing.jsonl"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. ``engine``: ``sqlite`` or ``postgresql``; ``evidence``: files too."""

    format: int
    engine: str
    schema: int
    made_ms: int
    evidence: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """``parts``: files in the backup; ``size_bytes``: of the encrypted file."""

    manifest: Manifest
    parts: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a centre lies. ``evidence``: folder of its files, ``None`` where a bucket has them."""

    folder: Path
    engine: Engine
    evidence: Path | None


def back_up_center(  # noqa: PLR0913  # what, where to, how sealed
    folder: Path,
    url: str | None,
    to: Path,
    secret: Secret,
    now_ms: int,
    *,
    evidence: bool = False,
    place: str | None = None,
) -> Kept:
    """Write the centre to ``to``, read it back, and only then give the file its name.

    The service may go on meanwhile. ``evidence``: its files as well, not only their listing;
    ``place``: where they lie, see ``open_blob``. Of a bucket there is a listing only, that of
    what was ever sent: a bucket is copied by its own means.
    """
    pictures = folder_of(place, folder / EVIDENCE_FOLDER)
    if evidence and pictures is None:
        raise CenterError(
            "evidence lies in a bucket: keep its versions or a replica there, and back up"
            " without --evidence"
        )
    if to.exists():
        raise CenterError(f"{to.name} is there already")
    part = to.with_name(f"{to.name}.{secrets.token_hex(4)}.part")
    engine = connect(database_url(folder, url))
    try:
        schema = schema_in(engine)
        if not schema:
            raise CenterError("the database is empty: there is nothing to back up")
        manifest = Manifest(_FORMAT, engine.dialect.name, schema, now_ms, evidence)
        with _made(part) as out:
            written = _write(out, secret, manifest, _Source(folder, engine, pictures))
        read = _read_through(part, secret)
        if (read.sha256, read.parts) != (written.sha256, written.parts):
            raise CenterError("the backup does not read back as it was written")
        part.replace(to)
    except OSError as exc:
        raise CenterError(f"{to.name} cannot be written: {exc.strerror}") from exc
    finally:
        engine.dispose()
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return Kept(manifest, written.parts, to.stat().st_size)


def restore_center(file: Path, secret: Secret, folder: Path, url: str | None) -> Kept:
    """Put the centre of ``file`` into ``folder`` and the database ``url``, both empty.

    ``CenterError``, and then both are as they were.
    """
    try:
        whole = _read_through(file, secret)
        manifest = _manifest(file, secret)
        _empty(folder)
        staging = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.restoring")
        staging.mkdir(parents=True, mode=0o700)
        try:
            _restore(file, secret, manifest, staging, url)
            if folder.exists():
                folder.rmdir()
            staging.replace(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as exc:
        raise CenterError(f"{file.name} cannot be restored: {exc.strerror}") from exc
    return Kept(manifest, whole.parts, file.stat().st_size)


def _write(out: BinaryIO, secret: Secret, manifest: Manifest, source: _Source) -> Packing:
    folder, engine, pictures = source.folder, source.engine, source.evidence
    sealing = Sealing(out, secret)
    packing = Packing(sealing)
    packing.add(Part(_MANIFEST), [json.dumps(asdict(manifest)).encode()])
    # The database first: a file without its row comes again, a row without its file never does.
    file = sqlite_file(engine)
    dump = dumped_postgresql(engine) if file is None else copied_sqlite(file)
    packing.add(Part(_DATABASE, packed=file is not None), dump)
    for found in _files(folder, file, pictures):
        name = found.relative_to(folder).as_posix()
        packing.add(Part(f"data/{name}", mode=found.stat().st_mode & 0o777), blocks_of(found))
    packing.add(Part(_LISTING), _sent(engine) if pictures is None else _listing(pictures))
    if manifest.evidence and pictures:
        _add_evidence(packing, pictures)
    packing.end()
    sealing.close()
    out.flush()
    os.fsync(out.fileno())
    return packing


def _add_evidence(packing: Packing, pictures: Path) -> None:
    for found in files_in(pictures):
        name = f"data/{EVIDENCE_FOLDER}/{found.relative_to(pictures).as_posix()}"
        mode = found.stat().st_mode & 0o777
        packing.add(Part(name, packed=False, mode=mode), blocks_of(found))


def _files(folder: Path, database: Path | None, pictures: Path | None) -> Iterator[Path]:
    """Keys, certificates, whatever else lies in the data folder; no database, no evidence."""
    for file in sorted(folder.rglob("*")):
        below = file.relative_to(folder)
        if below.parts[0] == EVIDENCE_FOLDER or (pictures and file.is_relative_to(pictures)):
            continue
        if database and _of_database(file, database):
            continue
        if file.is_file() and not file.is_symlink() and file.suffix not in (".part", ".backup"):
            yield file


def _of_database(file: Path, database: Path) -> bool:
    """The database itself, its log, or a copy a migration has left."""
    copies = f"{database.stem}.schema"
    return file.parent == database.parent and file.name.startswith((database.name, copies))


def _listing(folder: Path) -> Iterator[bytes]:
    return (_line(file.name, file.stat().st_size) for file in files_in(folder))


def _sent(engine: Engine) -> Iterator[bytes]:
    columns = select(EVIDENCE.c.sha256, EVIDENCE.c.size_bytes).distinct()
    with engine.connect() as db:
        for sha256, size_bytes in db.execute(columns.order_by(EVIDENCE.c.sha256)):
            yield _line(sha256, size_bytes)


def _line(sha256: str, size_bytes: int) -> bytes:
    return json.dumps({"sha256": sha256, "size_bytes": size_bytes}).encode() + b"\n"


def _read_through(file: Path, secret: Secret) -> Unpacking:
    """All of it, kept nowhere; ``SealError`` unless every byte is as it was written."""
    with file.open("rb") as source:
        unpacking = Unpacking(unsealed(source, secret))
        for _, data in unpacking:
            for _ in data:
                pass
    return unpacking


def _manifest(file: Path, secret: Secret) -> Manifest:
    for part, data in _parts(file, secret):
        if part.name != _MANIFEST:
            break
        try:
            manifest = Manifest(**json.loads(b"".join(data)))
        except (ValueError, TypeError) as exc:
            raise SealError("the backup does not say what it holds") from exc
        if manifest.format != _FORMAT:
            raise SealError(f"the backup has format {manifest.format}: use a newer program")
        refuse_newer(manifest.schema)
        return manifest
    raise SealError("the backup does not say what it holds")


def _parts(file: Path, secret: Secret) -> Iterator[tuple[Part, Iterator[bytes]]]:
    with file.open("rb") as source:
        yield from Unpacking(unsealed(source, secret))


def _empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CenterError(f"{folder.name} is not empty: a backup is restored into an empty place")


def _restore(
    file: Path, secret: Secret, manifest: Manifest, staging: Path, url: str | None
) -> None:
    engine = connect(database_url(staging, url))
    try:
        if engine.dialect.name != manifest.engine:
            raise CenterError(f"the backup is of {manifest.engine}: give --db accordingly")
        target = sqlite_file(engine)
        if target is not None and target.parent != staging:
            raise CenterError("a SQLite database is restored into the data folder")
        if target is None and schema_in(engine):
            raise CenterError("the database is not empty: give an empty one")
        for part, data in _parts(file, secret):
            if part.name.startswith("data/"):
                _lay(staging / part.name.removeprefix("data/"), data, part.mode)
            elif part.name == _LISTING or (part.name == _DATABASE and target):
                to = target if part.name == _DATABASE and target else staging / _LISTING
                _lay(to, data, part.mode)
        if target is None:
            restored_postgresql(engine, _database(file, secret))
        else:
            sound_sqlite(target)
    finally:
        engine.dispose()


def _database(file: Path, secret: Secret) -> Iterator[bytes]:
    return chain.from_iterable(d for p, d in _parts(file, secret) if p.name == _DATABASE)


def _lay(to: Path, data: Iterable[bytes], mode: int) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with _made(to, mode) as out:
        for block in data:
            out.write(block)
        out.flush()
        os.fsync(out.fileno())


def _made(path: Path, mode: int = 0o600) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")
