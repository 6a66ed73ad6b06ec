"""The same promises over every store of evidence: a folder, and S3 as SeaweedFS speaks it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from center_bed import Machine, run_of, running, statuses
from cluster_bed import KEY, SECRET, Seaweed, seaweed, until
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.sync.center.api import CenterError, RefusedError, StoreDownError
from yibao_face.sync.center.device.authority import make_authority
from yibao_face.sync.center.store.blob.api import Blob, DamagedBlobError, NoBlobError, key_of
from yibao_face.sync.center.store.blob.folder import FolderBlob
from yibao_face.sync.center.store.blob.place import open_blob, s3_place

Damage = Callable[[str, bytes], None]


@pytest.fixture(scope="module")
def s3() -> Generator[Seaweed, None, None]:
    with seaweed() as made:
        made.bucket("evidence")
        yield made


@pytest.fixture(params=["folder", "s3", "s3-without-conditions"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "evidence")
    made: Seaweed = request.getfixturevalue("s3")
    conditional = "on" if request.param == "s3" else "off"
    # SeaweedFS makes the folders of a prefix by itself, as S3 has none.
    return made.place(f"evidence/{tmp_path.name}", conditional=conditional)


@pytest.fixture
def blob(place: str) -> Blob:
    return opened(place)


def opened(place: str) -> Blob:
    return open_blob(place, Path("/nowhere"), 0)


@pytest.fixture
def damage(blob: Blob, place: str) -> Damage:
    """Write something else under an address, past the store."""

    def over_folder(sha256: str, data: bytes) -> None:
        (Path(place) / key_of(sha256)).write_bytes(data)

    def over_s3(sha256: str, data: bytes) -> None:
        from yibao_face.sync.center.store.blob.s3 import S3Blob  # noqa: PLC0415  # of one kind only

        assert isinstance(blob, S3Blob)
        blob._store.put(key_of(sha256), data)

    return over_folder if isinstance(blob, FolderBlob) else over_s3


def piece(size: int = 40_000) -> tuple[str, bytes]:
    data = os.urandom(size)
    return hashlib.sha256(data).hexdigest(), data


@pytest.mark.parametrize("size", [1, 40_000, 4 * 1024**2])
def test_what_was_put_is_there_as_it_was(blob: Blob, size: int) -> None:
    name, data = piece(size)
    assert blob.size(name) is None

    assert blob.put(name, data)

    assert (size, data) == (blob.size(name), blob.get(name))


def test_it_is_written_once(blob: Blob) -> None:
    name, data = piece()

    assert [True, False, False] == [blob.put(name, data) for _ in range(3)]


def test_who_writes_the_same_at_once_all_succeed(place: str) -> None:
    name, data = piece()
    with ThreadPoolExecutor(6) as threads:
        putting = [threads.submit(opened(place).put, name, data) for _ in range(6)]
        new = [one.result() for one in putting]

    assert any(new)
    assert data == opened(place).get(name)


def test_nothing_is_nothing(blob: Blob) -> None:
    name, _ = piece()

    assert blob.size(name) is None
    blob.delete(name)
    with pytest.raises(NoBlobError):
        blob.get(name)


def test_what_is_deleted_is_gone_and_may_come_again(blob: Blob) -> None:
    name, data = piece()
    blob.put(name, data)

    blob.delete(name)

    assert blob.size(name) is None
    assert blob.put(name, data)


@pytest.mark.parametrize("wrong", [b"", b"x" * 40_000, b"short"])
def test_what_was_changed_is_not_handed_out_and_heals(
    blob: Blob, damage: Damage, wrong: bytes
) -> None:
    name, data = piece()
    blob.put(name, data)
    damage(name, wrong)

    with pytest.raises(DamagedBlobError):
        blob.get(name)
    # "dup" would be a promise that it is here.
    blob.put(name, data)
    assert data == blob.get(name)


def test_it_tells_that_it_would_work(blob: Blob) -> None:
    blob.check()


def test_a_folder_keeps_room_for_what_is_more_important(tmp_path: Path) -> None:
    blob = FolderBlob(tmp_path, 2**60)

    with pytest.raises(RefusedError, match="no room"):
        blob.check()


def test_keys_that_are_not_known_are_told_without_them(s3: Seaweed, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = very-secret\n")
    blob = opened(s3.place("evidence", credentials=str(keys)))

    with pytest.raises(StoreDownError) as told:
        blob.check()
    assert "very-secret" not in str(told.value)


def test_evidence_goes_through_the_centre_into_the_bucket(s3: Seaweed, tmp_path: Path) -> None:
    name, data = piece()
    with running(tmp_path, evidence=s3.place("evidence/site")) as site:
        machine = site.machine()

        assert ["new", "dup"] == [put(machine, name, data) for _ in range(2)]
        assert 422 == machine.call("PUT", f"/v1/evidence/{'0' * 64}", data).status
        assert data == site.center.evidence.blob.get(name)
    assert not (tmp_path / "evidence").exists()


def put(machine: Machine, name: str, data: bytes) -> str:
    return str(machine.call("PUT", f"/v1/evidence/{name}", data).body["status"])


def test_a_store_that_is_down_keeps_no_result_waiting(tmp_path: Path) -> None:
    with seaweed() as store, running(tmp_path, evidence=store.place("evidence")) as site:
        store.bucket("evidence")
        machine, (name, data) = site.machine(), piece()
        assert "new" == put(machine, *piece())
        store.child.kill()

        answer = machine.call("PUT", f"/v1/evidence/{name}", data)

        assert (503, "store") == (answer.status, answer.body["error"])
        assert int(answer.headers["Retry-After"]) > 0
        assert ["new"] * 200 == statuses(machine.batch(run_of(1, 200)))
        assert 1 == site.counts()["evidence"]
        store.child.start()
        address = f"/v1/evidence/{name}"
        until("it is taken", lambda: machine.call("PUT", address, data).status == 200)


def test_a_store_that_hangs_takes_none_of_the_threads_of_results(tmp_path: Path) -> None:
    with seaweed() as store, running(tmp_path, evidence=store.place("evidence")) as site:
        machine = site.machine()
        machine.batch([])
        store.child.pause()
        callers = [site.machine(f"counter-{n}") for n in range(2, 10)]
        with ThreadPoolExecutor(8) as threads:
            hanging = [
                threads.submit(one.call, "PUT", f"/v1/evidence/{name}", data)
                for one, (name, data) in zip(callers, (piece() for _ in callers), strict=True)
            ]
            began_s = time.monotonic()
            assert ["new"] * 100 == statuses(machine.batch(run_of(1, 100)))
            assert time.monotonic() - began_s < 10
            store.child.resume()
            assert {200, 503} >= {one.result().status for one in hanging}


def test_over_tls_only_the_authority_of_the_operator_is_believed(tmp_path: Path) -> None:
    make_authority(tmp_path, ["localhost", "127.0.0.1"])
    name, data = piece()
    with seaweed(certificate=tmp_path) as store:
        store.bucket("evidence")
        with pytest.raises(StoreDownError):
            opened(store.place("evidence")).put(name, data)

        assert opened(store.place("evidence", ca=str(tmp_path / "ca.pem"))).put(name, data)


KEYS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


def test_an_address_says_where_and_how() -> None:
    told = "s3://bucket/a/b?endpoint=http://s3:9000&region=cn-1&style=virtual&conditional=off"

    place = s3_place(told, {**KEYS, "AWS_SESSION_TOKEN": "t"})

    assert ("bucket", "a/b", "http://s3:9000") == (place.bucket, place.prefix, place.endpoint)
    assert ("cn-1", KEY, SECRET, "t") == (place.region, place.key_id, place.secret, place.token)
    assert (False, False) == (place.path_style, place.conditional)
    assert SECRET not in repr(place)


@pytest.mark.parametrize(
    "place",
    [
        "s3://",
        "s3://bucket?style=other",
        "s3://bucket?conditional=maybe",
        "s3://bucket?endpoint=ftp://x",
        "s3://bucket?secret=very-secret",
        "s3://me:very-secret@bucket",
        "s3://bucket?ca=/nowhere.pem",
        "s3://bucket?credentials=/nowhere",
        "s3://bucket?x",
        "gs://bucket",
        "s3://[",
    ],
)
def test_an_address_nobody_can_use_is_refused_without_its_secrets(place: str) -> None:
    with pytest.raises(CenterError, match=r"^evidence: ") as told:
        s3_place(place, KEYS)
    assert "very-secret" not in str(told.value)


def test_without_keys_nothing_is_tried() -> None:
    with pytest.raises(CenterError, match="no keys in AWS_ACCESS_KEY_ID"):
        s3_place("s3://bucket", {})


@given(st.text())
def test_any_address_is_read_or_refused(text: str) -> None:
    try:
        s3_place(f"s3://{text}", KEYS)
    except CenterError as exc:
        assert str(exc).startswith("evidence: ")
